"""Where things stand, in plain words, from what is published."""

from collections.abc import Iterator

import sqlalchemy as sa

from funnel_etl.operate.dagster_home import prepare_tables
from funnel_etl.operate.run_night import PARTS
from funnel_etl.platform.database import engine, open_databases
from funnel_etl.settings import Settings

NIGHTS = sa.text(
    "SELECT DISTINCT ON (part) part, as_of, published_at, version FROM ops.nights ORDER BY part, version DESC"
)
OPEN = sa.text(
    "SELECT asset, reason, count(*) AS rows, min(fix_hint) AS fix FROM ops.quarantine WHERE resolved_at IS NULL "
    "GROUP BY asset, reason ORDER BY rows DESC"
)
CONFIG = sa.text(
    "SELECT DISTINCT ON (name) name, status, errors FROM ops.config_versions ORDER BY name, received_at DESC"
)
REJECTED = sa.text(
    "SELECT source, name, reason FROM ops.files WHERE status = 'rejected' ORDER BY received_at DESC LIMIT 10"
)


def status_lines(settings: Settings) -> Iterator[str]:
    """Tell which night each part holds, what is open in quarantine, and what was rejected; each with what to do."""
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        prepare_tables(databases)
        with engine(databases.funnel_url).connect() as connection:
            nights = {row.part: row for row in connection.execute(NIGHTS)}
            for part in PARTS:
                yield _night_line(part, nights.get(part), settings)
            for row in connection.execute(OPEN):
                yield f"quarantine: {row.rows:,} rows of {row.asset}: {row.reason}. Fix: {row.fix}"
            for row in connection.execute(CONFIG):
                if row.status == "rejected":
                    yield f"config: {row.errors}"
            for row in connection.execute(REJECTED):
                yield f"rejected: {row.source} {row.name}: {row.reason}"


def _night_line(part: str, night: sa.Row[tuple[object, ...]] | None, settings: Settings) -> str:
    if night is None:
        return f"{part}: nothing published yet. Fix: funnel-etl run"
    behind = (settings.yesterday() - night.as_of).days
    state = "up to date" if behind <= 0 else f"{behind} days behind. Fix: funnel-etl run --as-of {settings.yesterday()}"
    published = f"published {night.published_at:%Y-%m-%d %H:%M %Z}"
    return f"{part}: complete night {night.as_of}, version {night.version}, {published}: {state}"
