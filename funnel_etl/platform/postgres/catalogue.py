"""Whether tables and views are as their contracts want them: read from the catalogue, without a lock, at every run.

That a database was brought up to the contracts once says nothing of today: somebody may have dropped a table, a column
or a key, or replaced a view.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from funnel_etl.core.tables.contracts import Kind
from funnel_etl.platform.postgres.view_changes import View

_COLUMNS = """
SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY(:schemas) AND a.attnum > 0 AND NOT a.attisdropped
"""
_KEYS = """
SELECT n.nspname || '.' || c.relname, a.attname
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(k.conkey)
WHERE k.contype = 'p' AND n.nspname = ANY(:schemas)
"""
_VIEWS = """
SELECT md5(coalesce(
    string_agg(CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) ELSE 'none' END, ';' ORDER BY name), ''))
FROM unnest(CAST(:names AS text[])) AS wanted(name) JOIN pg_class AS c ON c.oid = to_regclass(name)
"""
_WRITTEN = {Kind.TIMESTAMP.value: "timestamp with time zone"}
"""Types that the catalogue writes otherwise than contracts do."""


def unlike(connection: sa.Connection, declared: sa.MetaData, kinds: dict[str, dict[str, Kind]]) -> list[str]:
    """Return the tables that lack themselves, a column, its type or their key. `kinds`: by table and column."""
    schemas = {"schemas": sorted({str(table.schema) for table in declared.sorted_tables})}
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(sa.text(_COLUMNS), schemas):
        columns.setdefault(table, {})[column] = kind
    keys: dict[str, set[str]] = {}
    for table, column in connection.execute(sa.text(_KEYS), schemas):
        keys.setdefault(table, set()).add(column)
    found = []
    for one in declared.sorted_tables:
        name = f"{one.schema}.{one.name}"
        wanted = {column: _WRITTEN.get(kind.value, kind.value) for column, kind in kinds[name].items()}
        has_all = wanted.items() <= columns.get(name, {}).items()
        if not has_all or {column.name for column in one.primary_key} != keys.get(name, set()):
            found.append(name)
    return found


def definitions(connection: sa.Connection, views: Iterable[View]) -> str:
    """Return the MD5 of the definitions of views as they are there; a view that is missing is no part of it."""
    names = {"names": sorted(view.quoted for view in views)}
    return str(connection.execute(sa.text(_VIEWS), names).scalar_one())
