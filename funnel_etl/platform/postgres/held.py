"""What PostgreSQL holds of a published table: a checksum of its rows, which any change by anybody moves.

It is computed at every publication, never kept by triggers: these do not fire for a restore, a replica or a table that
was dropped and made again. Decision 19 has the costs.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import adbc_driver_postgresql.dbapi as adbc

from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.core.values.numbers import grouped
from funnel_etl.platform.postgres.schema import identifier

STAMPED = {"version", "published_at"}
"""Columns that the publisher writes itself, of tables that have the second."""


@dataclass(frozen=True)
class Known:
    """What is recorded of a table: the content sent last, the checksum of what that left, the night it was sent for."""

    content_hash: str
    checksum: str | None
    version: int
    run_id: str | None
    as_of: date


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
    rows, total = _sums(cursor, table, quoted_name(table) if staged is None else "pg_temp.staged", staged)
    mark = hashlib.sha256(repr(_columns(table)).encode()).hexdigest()[:8]
    return f"{mark}:{rows}:{total}"


def checksum_with(cursor: adbc.Cursor, table: Table, held: str, staged: list[str]) -> str:
    """Return the checksum that a table which has `held` is to have once the difference is in it.

    That is the rows of `pg_temp.staged`, of which the columns are given, and the keys of `pg_temp.gone`. What these
    replace is looked up in the table: ask before they are sent.
    """
    mark, rows, total = held.split(":")
    keys = " UNION ALL ".join(keys_of(table, name) for name in ("staged", "gone"))
    replaced = _sums(cursor, table, f"{quoted_name(table)} WHERE ({quoted_key(table)}) IN ({keys})")
    sent = _sums(cursor, table, "pg_temp.staged", staged)
    return f"{mark}:{int(rows) - replaced[0] + sent[0]}:{int(total) - replaced[1] + sent[1]}"


def _sums(cursor: adbc.Cursor, table: Table, source: str, staged: list[str] | None = None) -> tuple[int, int]:
    """Return the count of some rows and the sum of their hashes; `staged`: the columns, if types are to be cast."""
    values = [
        _hashed(quoted(name) if staged is None or name in staged else "NULL", kind, cast=staged is not None)
        for name, kind in _columns(table)
    ]
    # The hash of a record adds up over its columns, so the sum of these alone would not see two rows swap a value.
    row = f"hashtextextended(CAST(hash_record_extended(ROW({', '.join(values)}), 0) AS text), 0)"
    cursor.execute(f"SELECT count(*), CAST(coalesce(sum({row}), 0) AS text) FROM {source}")  # noqa: S608 - quoted
    rows, total = cursor.fetchall()[0]
    return int(rows), int(total)


def _columns(table: Table) -> list[tuple[str, Kind]]:
    stamped = STAMPED if "published_at" in table.by_name else set()
    return [(identifier(c.name), c.kind) for c in table.columns if c.name not in stamped]


def _hashed(value: str, kind: Kind, *, cast: bool) -> str:
    """Write what is hashed of a column: the hashes of {}, [] and NULL are the same as jsonb, as text they differ."""
    value = f"CAST({value} AS {kind.value})" if cast else value
    return f"CAST({value} AS text)" if kind in (Kind.JSON, Kind.TEXT_ARRAY) else value


def is_comparable(one: str | None, other: str) -> bool:
    """Whether two checksums are of the same columns."""
    return one is not None and one.split(":")[0] == other.split(":", maxsplit=1)[0]


def rows_of(given: str) -> int:
    """Return how many rows a checksum is of."""
    return int(given.split(":")[1])


def keys_of(table: Table, staged: str) -> str:
    """Write the SELECT of the keys that stand in a temporary table."""
    cells = ", ".join(typed(identifier(name), table.by_name[name].kind) for name in table.key)
    return f"SELECT {cells} FROM pg_temp.{staged}"  # noqa: S608 - quoted


def typed(name: str, kind: Kind) -> str:
    """Write a staged column, cast to its type: ADBC sends JSON and arrays as text."""
    return f"CAST({quoted(name)} AS {kind.value}) AS {quoted(name)}"


def quoted_key(table: Table) -> str:
    """Return the columns of a table's key as SQL writes them."""
    return ", ".join(quoted(identifier(name)) for name in table.key)


def quoted_name(table: Table) -> str:
    """Return schema and name of a table as SQL writes them."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
