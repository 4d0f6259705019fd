"""What a night leaves behind, stage by stage: rows and bytes in PostgreSQL, bytes in the lake."""

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from funnel_etl.platform.postgres.database import engine

STAGES = ("raw", "clean", "mart", "parity", "ops")
"""The stages of a night: schemas in PostgreSQL, and folders of the lake."""
TABLES = sa.text(
    "SELECT n.nspname AS schema, c.relname AS name, pg_total_relation_size(c.oid) AS bytes "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind = 'r' AND n.nspname = ANY(:stages)"
)


@dataclass(frozen=True)
class Stage:
    """A stage: rows of its tables in PostgreSQL, their bytes with indexes, bytes of its Parquet files of all nights."""

    name: str
    rows: int = 0
    database_bytes: int = 0
    lake_bytes: int = 0


def stages(database_url: str, lake: Path) -> list[Stage]:
    """Return each stage as it is now; counts every row of the database."""
    own = engine(database_url)
    rows, sizes = dict.fromkeys(STAGES, 0), dict.fromkeys(STAGES, 0)
    try:
        with own.connect() as connection:
            for table in connection.execute(TABLES, {"stages": list(STAGES)}).all():
                count = f'SELECT count(*) FROM "{table.schema}"."{table.name}"'  # noqa: S608 - names of our tables
                rows[table.schema] += connection.execute(sa.text(count)).scalar_one()
                sizes[table.schema] += table.bytes
    finally:
        own.dispose()
    return [Stage(name, rows[name], sizes[name], _bytes_of(lake / name)) for name in STAGES]


def server_version(database_url: str) -> str:
    """Return the version of PostgreSQL."""
    own = engine(database_url)
    try:
        with own.connect() as connection:
            return str(connection.execute(sa.text("SHOW server_version")).scalar_one())
    finally:
        own.dispose()


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet"))
