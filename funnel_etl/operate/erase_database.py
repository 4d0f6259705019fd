"""Taking a person out of PostgreSQL: whatever row or cell of any table still names the person after the night was made.

Rows that are of persons go; in tables that are not (topics, file names, texts of errors) only the name is masked.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from funnel_etl.core.contracts import Table
from funnel_etl.operate.erase_person import Person
from funnel_etl.platform.contracts import FILES

MASKED = "(erased)"
_TABLES = """
SELECT n.nspname AS schema, c.relname AS name, array_agg(a.attname ORDER BY a.attnum) AS columns,
    array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_%'
    AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY 1, 2 ORDER BY 1, 2
"""
_TEXTS = ("text", "character varying", "character")


def rows_naming(connection: sa.Connection, person: Person) -> dict[str, int]:
    """Count the rows of each table that name the person, or that have an id of one of the person's rows."""
    found = {}
    for table in connection.execute(sa.text(_TABLES)).mappings().all():
        where, given = _where(table, person)
        sql = f"SELECT count(*) FROM {_name(table)} AS t WHERE {where}"  # noqa: S608 - quoted
        if count := int(connection.execute(sa.text(sql), given).scalar_one()):
            found[f"{table['schema']}.{table['name']}"] = count
    return found


def sweep(connection: sa.Connection, person: Person, contracts: Iterable[Table] = ()) -> dict[str, int]:
    """Delete or mask what names the person in every table; gives how many rows of each. `contracts`: what we know.

    A published table of which rows had to go is published anew by the next night.
    """
    known = {table.full_name: table for table in contracts}
    found = {}
    for table in connection.execute(sa.text(_TABLES)).mappings().all():
        full_name = f"{table['schema']}.{table['name']}"
        contract = known.get(full_name)
        if full_name == FILES.full_name or (
            table["schema"] != "public" and (contract is None or any(column.personal for column in contract.columns))
        ):
            where, given = _where(table, person)
            sql = f"DELETE FROM {_name(table)} AS t WHERE {where}"  # noqa: S608 - quoted
        elif texts := _texts(table):
            given = {"pattern": person.pattern}
            sets = ", ".join(f"{name} = regexp_replace({name}, :pattern, '{MASKED}', 'gi')" for name in texts)
            where = " OR ".join(f"{name} ~* :pattern" for name in texts)
            sql = f"UPDATE {_name(table)} AS t SET {sets} WHERE {where}"  # noqa: S608 - quoted
        else:
            continue
        if count := int(connection.execute(sa.text(sql), given).rowcount):
            found[full_name] = count
    if "ops.published_tables" in known and found:
        forget = sa.text("DELETE FROM ops.published_tables WHERE table_name = ANY(:names)")
        connection.execute(forget, {"names": sorted(found)})
    return found


def _where(table: sa.RowMapping, person: Person) -> tuple[str, dict[str, object]]:
    parts = ["CAST(t.* AS text) ~* :pattern"]
    values: dict[str, object] = {"pattern": person.pattern}
    for column, ids in person.ids.items():
        if ids and column in table["columns"]:
            parts.append(f"t.{_q(column)} = ANY(:{column})")
            values[column] = sorted(ids)
    return " OR ".join(parts), values


def _texts(table: sa.RowMapping) -> list[str]:
    return [_q(name) for name, kind in zip(table["columns"], table["types"], strict=True) if kind in _TEXTS]


def _name(table: sa.RowMapping) -> str:
    return f"{_q(table['schema'])}.{_q(table['name'])}"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
