"""From contracts to PostgreSQL: schemas, tables, columns, keys, comments, brought up to date by alembic's comparison.

Additive only: a table or column that no contract names any more stays until a person drops it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, OperationalError

from funnel_etl.core.contracts import Column, Kind, Table
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform import masking, views
from funnel_etl.platform.contracts import MASK_KEY, QUARANTINE, SCHEMA_MARKS
from funnel_etl.platform.database import advisory_lock, literal

SCHEMAS = {
    "raw": "What arrived, as text, source column names unchanged: the evidence.",
    "clean": "Typed and normalised, one row per real thing.",
    "mart": "The facts BI reads; they flip as one version.",
    "parity": "What the team's old sheet would show, and why mart differs from it.",
    "ops": "Ledgers, quarantine, published nights: the engineer's tables.",
}
SQL_TYPE: dict[Kind, sa.types.TypeEngine[Any]] = {
    Kind.TEXT: sa.Text(),
    Kind.INTEGER: sa.BigInteger(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.TIMESTAMP: sa.DateTime(timezone=True),
    Kind.DATE: sa.Date(),
    Kind.MONEY: sa.Numeric(14, 2),
    Kind.SHARE: sa.Numeric(20, 18),
    Kind.NUMBER: sa.Double(),
    Kind.TEXT_ARRAY: postgresql.ARRAY(sa.Text()),
    Kind.JSON: postgresql.JSONB(),
}
MAX_IDENTIFIER = 63
SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
LOCK_TIMEOUT = "10s"


def identifier(name: str) -> str:
    """Give a column name PostgreSQL takes: over 63 bytes it is cut, and told apart by a hash; system names get `_`."""
    if name in SYSTEM_COLUMNS:
        return f"{name}_"
    if len(name.encode()) <= MAX_IDENTIFIER:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: MAX_IDENTIFIER - 9].decode(errors="ignore") + "~" + mark


def metadata(tables: Iterable[Table]) -> sa.MetaData:
    """Give the contracts as SQLAlchemy tables, with keys and comments."""
    found = sa.MetaData()
    for table in tables:
        sa.Table(
            table.name,
            found,
            *(_column(column, table) for column in table.columns),
            sa.PrimaryKeyConstraint(*table.key, name=f"{table.name}_pkey"),
            schema=table.schema,
            comment=table.description,
        )
    return found


def ensure_schema(engine: sa.Engine, tables: Iterable[Table]) -> bool:
    """Bring the database up to the contracts; says whether anything had to change. Safe from several processes."""
    tables = sorted({*tables, SCHEMA_MARKS, MASK_KEY, QUARANTINE}, key=lambda table: table.full_name)
    mark = _fingerprint(tables)
    with _told(), engine.begin() as connection:
        # An ALTER TABLE waits for long queries, and everybody waits behind it: rather give up, and try again.
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        advisory_lock(connection, "funnel_etl.schema")
        for name, comment in (SCHEMAS | {masking.MASKED: masking.COMMENT}).items():
            connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
            connection.execute(sa.text(f"COMMENT ON SCHEMA {name} IS {literal(comment)}"))
        if mark in _known_marks(connection):
            return False
        masking.drop_masks(connection, tables)
        views.drop_views(connection)
        context = MigrationContext.configure(
            connection,
            opts={"include_schemas": True, "include_name": _ours, "compare_type": True, "target_metadata": None},
        )
        operations = Operations(context)
        declared = metadata(tables)
        for operation in _flat(produce_migrations(context, declared).upgrade_ops or ops.OpContainer()):
            if wanted := _additive(operation):
                operations.invoke(wanted)
        for table in declared.sorted_tables:
            _renew_key(connection, table)
        masking.make_masks(connection, tables)
        views.make_views(connection)
        connection.execute(sa.text("INSERT INTO ops.schema_marks VALUES (:mark)"), {"mark": mark})
    return True


@contextmanager
def _told() -> Iterator[None]:
    """Tell what the server refuses in one readable line."""
    try:
        yield
    except DBAPIError as error:
        raise DatabaseUnavailable(
            f"its tables could not be brought up to this version ({str(error.orig).strip().splitlines()[0]})",
            fix="end long queries that hold a table, or give this user the right to change schemas; then run again",
            transient=isinstance(error, OperationalError),
        ) from None


def _additive(operation: ops.MigrateOperation) -> ops.MigrateOperation | None:
    """Give what of a difference is applied: nothing is dropped, and no old row has to satisfy a new NOT NULL.

    What a contract requires is checked before publishing.
    """
    if isinstance(operation, (ops.DropTableOp, ops.DropColumnOp, ops.DropConstraintOp, ops.DropIndexOp)):
        return None
    if isinstance(operation, ops.AddColumnOp):
        operation.column.nullable = True
    if isinstance(operation, ops.AlterColumnOp):
        operation.modify_nullable = None
    return operation


def _renew_key(connection: sa.Connection, table: sa.Table) -> None:
    """Give the table the key of its contract, where it has another: the comparison does not look at keys."""
    found = sa.inspect(connection).get_pk_constraint(table.name, schema=table.schema)
    wanted = [column.name for column in table.primary_key]
    if found["constrained_columns"] == wanted:
        return
    name = f'"{table.schema}"."{table.name}"'
    if found["name"]:
        connection.execute(sa.text(f'ALTER TABLE {name} DROP CONSTRAINT "{found["name"]}"'))
    columns = ", ".join(f'"{column}"' for column in wanted)
    connection.execute(sa.text(f'ALTER TABLE {name} ADD CONSTRAINT "{table.name}_pkey" PRIMARY KEY ({columns})'))


def _column(column: Column, table: Table) -> sa.Column[object]:
    nullable = not (column.required or column.name in table.key)
    return sa.Column(
        identifier(column.name), SQL_TYPE[column.kind], nullable=nullable, comment=column.description, key=column.name
    )


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return name in SCHEMAS if kind == "schema" else True


def _flat(container: ops.OpContainer) -> Iterable[ops.MigrateOperation]:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _flat(operation)
        else:
            yield operation


def _fingerprint(tables: list[Table]) -> str:
    """Tell a set of contracts from every other; a change of how views are made must change it too."""
    return hashlib.sha256("\n".join(repr(table) for table in tables).encode()).hexdigest()


def _known_marks(connection: sa.Connection) -> set[str]:
    if not sa.inspect(connection).has_table("schema_marks", schema="ops"):
        return set()
    return set(connection.execute(sa.text("SELECT mark FROM ops.schema_marks")).scalars())
