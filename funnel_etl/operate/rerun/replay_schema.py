"""A replayed night in PostgreSQL: a schema `asof_YYYYMMDD` of its own, whole or not at all.

Nothing else in the database is changed. Tables of `mart` have their own names, those of other schemas are prefixed:
`asof_20261120.funnel_monthly`, `asof_20261120.clean_sales`. Who may read the published table may read its replay.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from funnel_etl.core.tables.contracts import Table
from funnel_etl.platform.postgres.database import engine, libpq_uri, literal
from funnel_etl.platform.postgres.database_errors import database_errors, explained
from funnel_etl.platform.postgres.held import quoted
from funnel_etl.platform.postgres.schema import identifier, metadata

_NAME = re.compile(r"asof_\d{8}")


def schema_name(night: date) -> str:
    """Return the schema of a night's replay."""
    return f"asof_{night:%Y%m%d}"


def replayed_schemas(connection: sa.Connection) -> list[str]:
    """List the schemas that hold replays, oldest night first."""
    return sorted(name for name in sa.inspect(connection).get_schema_names() if _NAME.fullmatch(name))


def drop_schema(url: str, night: date) -> bool:
    """Drop the schema of a night's replay; says whether it was there."""
    name = schema_name(night)
    with database_errors(url, f"the schema {name} was not dropped"), engine(url).begin() as connection:
        there = name in replayed_schemas(connection)
        connection.execute(sa.schema.DropSchema(name, cascade=True, if_exists=True))
    return there


def load_schema(url: str, night: date, tables: Iterable[tuple[Table, pa.Table]]) -> str:
    """Load tables as the schema of a night's replay, in one transaction, and return its name; an older one is replaced.

    Raises `DatabaseUnavailable` when the server refuses; what was there stays.
    """
    name = schema_name(night)
    staging = f"{name}_new"
    comment = literal(f"The night {night}, replayed from the landing archive. Remove: funnel-etl replay --drop {night}")
    try:
        with adbc.connect(libpq_uri(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('funnel_etl.replay', 0))")
            cursor.execute(f"DROP SCHEMA IF EXISTS {staging} CASCADE")
            cursor.execute(f"CREATE SCHEMA {staging}")
            cursor.execute(f"COMMENT ON SCHEMA {staging} IS {comment}")
            for table, rows in tables:
                _load(cursor, table, replace(table, schema=staging, name=replayed_name(table)), rows)
            cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
            cursor.execute(f"ALTER SCHEMA {staging} RENAME TO {name}")
            connection.commit()
    except adbc.Error as error:
        raise explained(error, url, f"the schema {name} was not loaded") from None
    return name


def replayed_name(table: Table) -> str:
    """Name a table in the schema of a replay: as BI knows it from mart; `raw` and `clean` have some names twice."""
    return table.name if table.schema == "mart" else f"{table.schema}_{table.name}"


def _load(cursor: adbc.Cursor, published: Table, table: Table, rows: pa.Table) -> None:
    (made,) = metadata([table]).sorted_tables
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    cursor.execute(str(sa.schema.CreateTable(made).compile(dialect=dialect)))
    cursor.execute(str(sa.schema.SetTableComment(made).compile(dialect=dialect)))
    for column in made.columns:
        cursor.execute(str(sa.schema.SetColumnComment(column).compile(dialect=dialect)))
    names = {column.name: identifier(column.name) for column in table.columns}
    kinds = {identifier(column.name): column.kind.value for column in table.columns}
    staged = rows.rename_columns([names[name] for name in rows.column_names])
    cursor.execute("DROP TABLE IF EXISTS pg_temp.replayed")
    cursor.adbc_ingest("replayed", staged, mode="create", temporary=True)
    columns = ", ".join(quoted(name) for name in staged.column_names)
    cast = ", ".join(f"CAST({quoted(name)} AS {kinds[name]})" for name in staged.column_names)
    target = f"{quoted(table.schema)}.{quoted(table.name)}"
    cursor.execute(f"INSERT INTO {target} ({columns}) SELECT {cast} FROM pg_temp.replayed")  # noqa: S608 - quoted
    _grant(cursor, published, table.schema, target)


def _grant(cursor: adbc.Cursor, published: Table, schema: str, target: str) -> None:
    """Let read who may read the published table; who may read nothing of a night does not enter its schema."""
    name = literal(f"{quoted(published.schema)}.{quoted(published.name)}")
    cursor.execute(
        "SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END "  # noqa: S608
        "FROM pg_class AS c, aclexplode(c.relacl) AS a "
        f"WHERE c.oid = to_regclass({name}) AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner"
    )
    for (reader,) in cursor.fetchall():
        cursor.execute(f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {reader}")
        cursor.execute(f"GRANT SELECT ON {target} TO {reader}")
