"""What PostgreSQL holds of a published table: a checksum of its rows, which any change by anybody moves.

It is computed at every publication, never kept by triggers: these do not fire for a restore, a replica or a table that
was dropped and made again. Decision 19 has the costs.
"""

import hashlib
from dataclasses import dataclass

import adbc_driver_postgresql.dbapi as adbc

from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.core.values.numbers import grouped
from funnel_etl.platform.postgres.schema import identifier

STAMPED = {"version", "published_at"}
"""Columns that the publisher writes itself, of tables that have the second."""


@dataclass(frozen=True)
class Known:
    """What is recorded of a table: the content sent last and, of what it left in PostgreSQL, the checksum."""

    content_hash: str
    checksum: str | None
    version: int
    run_id: str | None


@dataclass(frozen=True)
class Repair:
    """A table that somebody else had changed since `version`, and what putting it right moved.

    `rows_left` there were after that version, `rows_found` now. `is_exact`: nothing else moved in it tonight.
    """

    table: str
    version: int
    rows_left: int
    rows_found: int
    inserted: int
    changed: int
    deleted: int
    is_exact: bool

    @property
    def says(self) -> str:
        """The repair in one line."""
        was = f"{self.table}: somebody else had changed it since version {self.version}"
        rows = f"{grouped(self.rows_found)} rows, {grouped(self.rows_left)} were published"
        moved = f"{grouped(self.inserted)} inserted, {grouped(self.changed)} changed, {grouped(self.deleted)} deleted"
        return f"{was} ({rows}); put right: {moved}{'' if self.is_exact else ', with what is new tonight'}"


def checksum(cursor: adbc.Cursor, table: Table, *, staged: list[str] | None = None) -> str:
    """Return the checksum of a table as it is held or, given the columns of `pg_temp.staged`, as it is to be held.

    It begins with a mark of the columns: those of other columns, after an upgrade, cannot be compared.
    """
    stamped = STAMPED if "published_at" in table.by_name else set()
    columns = [(identifier(c.name), c.kind) for c in table.columns if c.name not in stamped]
    source = "pg_temp.staged" if staged is not None else f"{quoted(table.schema)}.{quoted(table.name)}"
    values = [
        _hashed(quoted(name) if staged is None or name in staged else "NULL", kind, cast=staged is not None)
        for name, kind in columns
    ]
    # The hash of a record adds up over its columns, so the sum of these alone would not see two rows swap a value.
    row = f"hashtextextended(CAST(hash_record_extended(ROW({', '.join(values)}), 0) AS text), 0)"
    cursor.execute(f"SELECT concat(count(*), ':', coalesce(sum({row}), 0)) FROM {source}")  # noqa: S608 - quoted
    mark = hashlib.sha256(repr(columns).encode()).hexdigest()[:8]
    return f"{mark}:{cursor.fetchall()[0][0]}"


def _hashed(value: str, kind: Kind, *, cast: bool) -> str:
    """Write what is hashed of a column: the hashes of {}, [] and NULL are the same as jsonb, as text they differ."""
    typed = f"CAST({value} AS {kind.value})" if cast else value
    return f"CAST({typed} AS text)" if kind in (Kind.JSON, Kind.TEXT_ARRAY) else typed


def is_comparable(one: str | None, other: str) -> bool:
    """Whether two checksums are of the same columns."""
    return one is not None and one.split(":")[0] == other.split(":", maxsplit=1)[0]


def rows_of(given: str) -> int:
    """Return how many rows a checksum is of."""
    return int(given.split(":")[1])


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
