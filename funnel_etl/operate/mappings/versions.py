"""The versions of a config table that the landing archive keeps: when each came, who saved it, whether it was taken."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from upath import UPath

from funnel_etl.core.errors import ConfigError
from funnel_etl.operate.mappings.table import ConfigTable, table_of
from funnel_etl.platform.postgres.database import connected, open_databases
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_bytes
from funnel_etl.sources.nightly import CONFIG, NightlySources

SAVED = "saved a table"
"""What the log of the page calls it; it is about the table and the beginning of the version's file_id."""
SHOWN = 12
_SEEN = sa.text("SELECT file_id, status, errors FROM ops.config_versions WHERE name = :name")
_SAVED = sa.text(
    "SELECT DISTINCT ON (about) about, who, at FROM ops.app_actions "
    "WHERE action = :action AND about LIKE :about AND outcome = 'done' ORDER BY about, at DESC"
)


@dataclass(frozen=True)
class TableVersion:
    """One version. `at`: when it came, or was saved last; `who` saved it on the page; `status`: what a night said.

    `lies`: it is what is in the folder now; `in_force`: what the newest night used.
    """

    file_id: str
    at: datetime
    who: str | None = None
    status: str | None = None
    errors: str | None = None
    lies: bool = False
    in_force: bool = False


def about(name: str, file_id: str) -> str:
    """Return how the log of the page names a version."""
    return f"{name} {file_id[:SHOWN]}"


def versions(settings: Settings, name: str) -> list[TableVersion]:
    """Return the versions of a table, the newest first. Raises `DatabaseUnavailable`."""
    landing = Landing(UPath(settings.landing_root))
    in_force = NightlySources(settings, landing).in_force(name, settings.yesterday()) or []
    data = table_bytes(settings.config_folder, name)
    lies = landing.file_id_of(landing.redact_lines(data).data) if data is not None else ""
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        connected(databases.funnel_url) as connection,
    ):
        seen = {row.file_id: row for row in connection.execute(_SEEN, {"name": name})}
        saved = connection.execute(_SAVED, {"action": SAVED, "about": f"{name} %"}).all()
    by = {row.about: row for row in saved}
    found = {}
    for one in landing.arrivals(f"{CONFIG}{name}"):
        file_id, row = one.file_id, by.get(about(name, one.file_id))
        if not landing.has(file_id):
            continue
        found[file_id] = TableVersion(
            file_id,
            max(row.at, one.received_at) if row else one.received_at,
            row.who if row else None,
            seen[file_id].status if file_id in seen else None,
            seen[file_id].errors if file_id in seen else None,
            lies=file_id == lies,
            in_force=file_id in in_force,
        )
    return sorted(found.values(), key=lambda one: one.at, reverse=True)


def read_version(settings: Settings, name: str, file_id: str) -> ConfigTable:
    """Read a kept version of a table. Raises `ConfigError` for a file that is none of its versions."""
    landing = Landing(UPath(settings.landing_root))
    if file_id not in {one.file_id for one in landing.arrivals(f"{CONFIG}{name}")}:
        raise ConfigError("this is no version of the table", where=f"{name}.csv", fix="choose one of the list")
    return table_of(name, landing.read(file_id))
