"""Taking a person out of PostgreSQL: whatever row or cell of any table still names the person after the night was made.

Rows that are of persons go, and rows that came from an erased line or have an id of the person's; in tables that are of
nobody (topics, file names, texts of errors) the name is masked. The person is known as in files: in any spelling.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from funnel_etl.core.reading.person_matcher import PersonMatcher
from funnel_etl.core.tables.contracts import Table
from funnel_etl.delivery.contracts import DELIVERIES, ERASURE
from funnel_etl.operate.erase.person import Lines, Person
from funnel_etl.platform.contracts import FILES

BATCH = 2000
"""Rows looked at together."""
_TABLES = """
SELECT n.nspname AS schema, c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns,
    array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'
    AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY 1, 2 ORDER BY 1, 2
"""
_TEXTS = ("text", "character varying", "character")
_JSON = ("json", "jsonb")


@dataclass(frozen=True)
class _There:
    """A table that is there. `columns`: name → type."""

    schema: str
    name: str
    columns: dict[str, str]

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        return f"{_q(self.schema)}.{_q(self.name)}"


def rows_naming(connection: sa.Connection, person: Person) -> dict[str, int]:
    """Count the rows of each table that name the person, or that have an id of one of the person's rows."""
    found = (
        (table, _traced(connection, table, person, {}) | _named(connection, table, person))
        for table in _tables(connection)
    )
    return {table.full_name: len(rows) for table, rows in found if rows}


def sweep(connection: sa.Connection, person: Person, lines: Lines, contracts: Iterable[Table] = ()) -> dict[str, int]:
    """Delete or mask what is left of the person in every table; returns the rows of each. `contracts`: what we know.

    A published table of which rows had to go is published anew by the next night.
    """
    known = {table.full_name: table for table in contracts}
    found = {}
    for table in _tables(connection):
        gone, masked = _traced(connection, table, person, lines), _named(connection, table, person)
        if table.full_name == DELIVERIES.full_name:
            gone = set()  # forgotten by `deliveries`: without its rows what was sent would be sent again
        elif _is_of_persons(table, known):
            gone, masked = gone | masked, set()
        _delete(connection, table, gone)
        for row in masked - gone:
            _mask(connection, table, row, person.matcher)
        if gone or masked:
            found[table.full_name] = len(gone | masked)
    if "ops.published_tables" in known and found:
        # Behind the name of a table that parts share stands the part.
        forget = sa.text("DELETE FROM ops.published_tables WHERE split_part(table_name, ' ', 1) = ANY(:names)")
        connection.execute(forget, {"names": sorted(found)})
    return found


def named_rows(rows: sa.Result[Any], matcher: PersonMatcher) -> Iterator[str]:
    """Return of rows (mark, text) the mark of each that names somebody sought."""
    for batch in rows.partitions(BATCH):
        if matcher.named_in("\n".join(row.text for row in batch)):
            yield from (row.mark for row in batch if matcher.named_in(row.text))


def _is_of_persons(table: _There, known: dict[str, Table]) -> bool:
    contract = known.get(table.full_name)
    return table.full_name == FILES.full_name or (
        table.schema != "public" and (contract is None or any(column.personal for column in contract.columns))
    )


def _tables(connection: sa.Connection) -> list[_There]:
    rows = connection.execute(sa.text(_TABLES)).all()
    return [_There(row.schema, row.name, dict(zip(row.columns, row.types, strict=True))) for row in rows]


def _named(connection: sa.Connection, table: _There, person: Person) -> set[str]:
    """Return the places of the rows that name the person."""
    # An erasure names the user until the destination has accepted it.
    where = f"WHERE t.object <> '{ERASURE}'" if table.full_name == DELIVERIES.full_name else ""
    sql = f"SELECT CAST(ctid AS text) AS mark, CAST(t.* AS text) AS text FROM {table.quoted} AS t {where}"  # noqa: S608
    return set(named_rows(connection.execute(sa.text(sql), execution_options={"yield_per": BATCH}), person.matcher))


def _traced(connection: sa.Connection, table: _There, person: Person, lines: Lines) -> set[str]:
    """Return the places of the rows with an id of the person, or of an erased line."""
    parts, values = [], dict[str, object]()
    for column, ids in person.ids_in(table.full_name, table.columns).items():
        parts.append(f"CAST(t.{_q(column)} AS text) = ANY(:{column})")
        values[column] = sorted(ids)
    if lines and {"file_id", "source_row"} <= set(table.columns):
        erased = "SELECT * FROM unnest(CAST(:file_ids AS text[]), CAST(:rows AS bigint[]))"
        parts.append(f"(CAST(t.file_id AS text), CAST(t.source_row AS bigint)) IN ({erased})")
        pairs = [(file_id, row) for file_id, rows in lines.items() for row in sorted(rows)]
        values |= {"file_ids": [file_id for file_id, _ in pairs], "rows": [row for _, row in pairs]}
    if not parts:
        return set()
    sql = f"SELECT CAST(ctid AS text) FROM {table.quoted} AS t WHERE {' OR '.join(parts)}"  # noqa: S608 - quoted
    return set(connection.execute(sa.text(sql), values).scalars())


def _delete(connection: sa.Connection, table: _There, rows: set[str]) -> None:
    if rows:
        sql = f"DELETE FROM {table.quoted} WHERE ctid = ANY(CAST(:rows AS tid[]))"  # noqa: S608 - quoted
        connection.execute(sa.text(sql), {"rows": sorted(rows)})


def _mask(connection: sa.Connection, table: _There, row: str, matcher: PersonMatcher) -> None:
    texts = [name for name, kind in table.columns.items() if kind in (*_TEXTS, *_JSON)]
    if not texts:
        return
    cells = ", ".join(f"CAST({_q(name)} AS text) AS {_q(name)}" for name in texts)
    here = f"FROM {table.quoted} WHERE ctid = CAST(:row AS tid)"
    held = connection.execute(sa.text(f"SELECT {cells} {here}"), {"row": row}).mappings().one()
    plain = {name: _masked(text, table.columns[name], matcher) for name, text in held.items() if text is not None}
    sets = ", ".join(f"{_q(name)} = CAST(:v{at} AS {table.columns[name]})" for at, name in enumerate(plain))
    values = {f"v{at}": text for at, text in enumerate(plain.values())}
    sql = f"UPDATE {table.quoted} SET {sets} WHERE ctid = CAST(:row AS tid)"  # noqa: S608 - quoted
    connection.execute(sa.text(sql), {"row": row, **values})


def _masked(text: str, kind: str, matcher: PersonMatcher) -> str:
    """Return a cell without the name; a JSON that would not be one then is null."""
    plain = matcher.masked(text)
    if kind in _JSON and plain != text:
        try:
            json.loads(plain)
        except ValueError:
            return "null"
    return plain


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
