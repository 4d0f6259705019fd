"""What PostgreSQL holds of a published table: a mark of its rows, which any change by anybody moves.

It is computed at every publication, never kept by triggers: these do not fire for a restore, a replica or a table that
was dropped and made again. Decision 19 says why the mark proves that, and what it costs.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import adbc_driver_postgresql.dbapi as adbc

from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.core.values.numbers import grouped
from funnel_etl.platform.postgres.database import literal
from funnel_etl.platform.postgres.schema import identifier

STAMPED = {"version", "published_at"}
"""Columns that the publisher writes itself, of tables that have the second."""
_FORMAT = 2
"""Of a mark: those of an earlier version of the program cannot be compared either."""
_VALUES = "#"
"""In a mark by values, before their sum."""
_TRANSACTIONS = "CAST(coalesce(sum(CAST(CAST(xmin AS text) AS bigint)), 0) AS text)"


@dataclass(frozen=True)
class Known:
    """What is recorded of a table: the content sent last, the mark of what that left, the night it was sent for."""

    content_hash: str
    mark: str | None
    version: int
    run_id: str | None
    as_of: date


@dataclass(frozen=True)
class Held:
    """What a table holds: how many rows, the sum of the transactions that wrote them, that of their values if asked.

    `columns`: a hash of the contract's columns: marks of others, after an upgrade, cannot be compared. `numbers`: a
    hash of the numbers that they have in PostgreSQL. `is_plain`: just what is sent gets into it; not where it has a
    trigger, rule or policy of somebody's, nor where the publisher writes more itself.
    """

    columns: str
    rows: int
    transactions: int
    numbers: str
    values: int | None = None
    is_plain: bool = False

    @property
    def mark(self) -> str:
        """The mark, by values if they were looked at."""
        by_values = self.values is not None
        return f"{self.columns}:{self.rows}:{_VALUES}{self.values}" if by_values else self.by_transactions

    @property
    def by_transactions(self) -> str:
        """The mark by transactions: with as many rows, another is of a later one, and the sum is larger."""
        return f"{self.columns}:{self.rows}:{self.numbers}+{self.transactions}"

    def is_comparable(self, left: str) -> bool:
        """Whether a mark is of the same columns."""
        return left.startswith(f"{self.columns}:")


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


def look(cursor: adbc.Cursor, table: Table, left: str | None, part: str | None = None) -> Held:
    """Return what a table holds (or of a `part`), seen at one moment, with the mark of the kind that `left` is."""
    values = _hashes(table) if left and _VALUES in left else "0"
    own = f" WHERE part = {literal(part)}" if part else ""
    rows, transactions, total, numbers, plain = _asked(
        cursor,
        f"SELECT count(*), {_TRANSACTIONS}, {_summed(values)}, ({_column_numbers(table)}), "  # noqa: S608 - quoted
        f"({_is_plain(table)}) FROM {quoted_name(table)}{own}",
    )
    hashed = hashlib.sha256(numbers.encode()).hexdigest()[:8]
    found = Held(_columns_hash(table), int(rows), int(transactions), hashed, is_plain=bool(plain))
    return replace(found, values=int(total)) if left and _VALUES in left else found


def mark_of_values(cursor: adbc.Cursor, table: Table, staged: list[str]) -> str:
    """Return the mark, by values, of a table that is to hold `pg_temp.staged`, whose columns are given."""
    sums = f"SELECT count(*), {_summed(_hashes(table, staged))} FROM pg_temp.staged"  # noqa: S608 - quoted
    rows, total = _asked(cursor, sums)
    return f"{_columns_hash(table)}:{rows}:{_VALUES}{total}"


def written(cursor: adbc.Cursor, table: Table, keys: Collection[str]) -> tuple[int, int]:
    """Return the count of the rows whose keys stand in temporary tables, and the sum of their transactions."""
    among = " UNION ALL ".join(keys_of(table, name) for name in keys)
    where = f"({quoted_key(table)}) IN ({among})"
    rows, transactions = _asked(
        cursor,
        f"SELECT count(*), {_TRANSACTIONS} FROM {quoted_name(table)} WHERE {where}",  # noqa: S608 - quoted
    )
    return int(rows), int(transactions)


def own_transaction(cursor: adbc.Cursor) -> int:
    """Return the number that rows written now have as their transaction."""
    return int(_asked(cursor, "SELECT CAST(pg_current_xact_id() AS xid)::text")[0])


def _is_plain(table: Table) -> str:
    """Write the SELECT of whether just what is sent gets into a table (`Held.is_plain`).

    Row security of a restricted table is ours, and was looked at before.
    """
    if "published_at" in table.by_name:
        return "SELECT false"
    return (
        f"SELECT NOT (c.relhasrules OR (c.relrowsecurity AND NOT {table.restricted}) OR EXISTS "  # noqa: S608 - quoted
        "(SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)) "
        f"FROM pg_class AS c WHERE c.oid = CAST({literal(quoted_name(table))} AS regclass)"
    )


def _columns_hash(table: Table) -> str:
    return hashlib.sha256(repr((_FORMAT, _columns(table))).encode()).hexdigest()[:8]


def _column_numbers(table: Table) -> str:
    """Write the SELECT of a text of the numbers of the columns: one that was dropped and made again has another."""
    names = ", ".join(literal(name) for name, _ in _columns(table))
    return (
        "SELECT coalesce(string_agg(CAST(attnum AS text), ',' ORDER BY attnum), '') FROM pg_attribute "  # noqa: S608 - quoted
        f"WHERE attrelid = CAST({literal(quoted_name(table))} AS regclass) AND attname IN ({names})"
    )


def _hashes(table: Table, staged: list[str] | None = None) -> str:
    """Write the hash of a row; `staged`: the columns that are there, if types are to be cast.

    The hash of a record adds up over its columns, so the sum of these alone would not see two rows swap a value.
    """
    values = [
        _hashed(quoted(name) if staged is None or name in staged else "NULL", kind, cast=staged is not None)
        for name, kind in _columns(table)
    ]
    return f"hashtextextended(CAST(hash_record_extended(ROW({', '.join(values)}), 0) AS text), 0)"


def _summed(value: str) -> str:
    return f"CAST(coalesce(sum({value}), 0) AS text)"


def _asked(cursor: adbc.Cursor, sql: str) -> tuple[Any, ...]:
    cursor.execute(sql)
    row: tuple[Any, ...] = cursor.fetchall()[0]
    return row


def _columns(table: Table) -> list[tuple[str, Kind]]:
    stamped = STAMPED if "published_at" in table.by_name else set()
    return [(identifier(c.name), c.kind) for c in table.columns if c.name not in stamped]


def _hashed(value: str, kind: Kind, *, cast: bool) -> str:
    """Write what is hashed of a column: the hashes of {}, [] and NULL are the same as jsonb, as text they differ."""
    value = f"CAST({value} AS {kind.value})" if cast else value
    return f"CAST({value} AS text)" if kind in (Kind.JSON, Kind.TEXT_ARRAY) else value


def rows_of(mark: str) -> int:
    """Return how many rows a mark is of."""
    return int(mark.split(":")[1])


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
