"""What moved since the night published before, as data: the rows of `ops.changes`. How it looks is elsewhere."""

from datetime import date

import pandas as pd
import sqlalchemy as sa
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.observe.changes.contracts import CHANGES
from funnel_etl.operate.explain.published import published_database
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.owner import OURS
from funnel_etl.settings import Settings

NEWEST = sa.text(f"SELECT max(as_of) FROM ops.nights WHERE part = 'changes' AND {OURS}")  # noqa: S608 - of ours


def changes_of(settings: Settings, as_of: date | None = None) -> pd.DataFrame:
    """Return `ops.changes` of the published night, or of a night the lake still has; numbers in hundredths."""
    with published_database(settings, "changes") as connection:
        newest = connection.execute(NEWEST).scalar()
        if as_of is None or as_of == newest:
            query = sa.text(f"SELECT * FROM {CHANGES.full_name} ORDER BY metric, date, funnel")  # noqa: S608 - ours
            rows = pd.read_sql(query, connection, coerce_float=False)
            for name in ("difference", "previous_value", "current_value"):
                rows[name] = rows[name].map(lambda value: int(value * 100))
            return CHANGES.conform(rows)
    lake = Lake(UPath(settings.lake_root))
    if not lake.exists(CHANGES, as_of):
        kept = ", ".join(map(str, lake.nights(CHANGES)[-7:])) or "none"
        raise FunnelError(
            f"the lake has no changes of {as_of} (the last it has: {kept})",
            where="--as-of",
            fix=f"run that night again: funnel-etl run --as-of {as_of}",
        )
    return lake.read(CHANGES, as_of)
