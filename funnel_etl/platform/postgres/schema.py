"""From contracts to PostgreSQL: schemas, tables, columns, keys, comments, brought up to date by alembic's comparison.

Additive only: a table or column that no contract names any more stays until a person drops it.
"""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from sqlalchemy.dialects import postgresql

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.contracts import LINE_RUNS, MASK_KEY, QUARANTINE, REPAIRS, SCHEMA_MARKS
from funnel_etl.platform.postgres import catalogue, masking, row_security, views
from funnel_etl.platform.postgres.database import advisory_lock, literal
from funnel_etl.platform.postgres.short_locks import (
    LOCK_SECONDS,
    NotChanged,
    change,
    run,
    translate_db_errors,
    wait_at_most,
)
from funnel_etl.platform.postgres.view_changes import View, bring_up, on_column, without_views

log = logging.getLogger(__name__)
progress = logging.getLogger("funnel_etl.progress")

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
OUR_VIEWS = f"{masking.MASKED} and views of ops"
MAX_IDENTIFIER = 63
SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}


def identifier(name: str) -> str:
    """Return a column name PostgreSQL takes: over 63 bytes it is cut, with a hash; system names get `_`."""
    if name in SYSTEM_COLUMNS:
        return f"{name}_"
    if len(name.encode()) <= MAX_IDENTIFIER:
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: MAX_IDENTIFIER - 9].decode(errors="ignore") + "~" + mark


def metadata(tables: Iterable[Table]) -> sa.MetaData:
    """Return the contracts as SQLAlchemy tables, with keys and comments."""
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


@dataclass(frozen=True)
class _Wanted:
    """What the database is brought up to. `marks`: table, and the views together → the mark of its contract."""

    tables: tuple[Table, ...]
    views: list[View]
    marks: dict[str, str]
    declared: sa.MetaData
    kinds: dict[str, dict[str, Kind]]


def _wanted(tables: tuple[Table, ...]) -> _Wanted:
    wanted = [*masking.masks(tables), *views.VIEWS]
    marks = {table.full_name: _fingerprint(table) for table in tables} | {OUR_VIEWS: _fingerprint(*tables, *wanted)}
    kinds = {t.full_name: {identifier(column.name): column.kind for column in t.columns} for t in tables}
    return _Wanted(tables, wanted, marks, _only_read(tables), kinds)


@lru_cache(maxsize=16)
def _only_read(tables: tuple[Table, ...]) -> sa.MetaData:
    """Return `metadata` to look at: each part of a night asks for it, and who brings tables up changes his own."""
    return metadata(tables)


def ensure_schema(engine: sa.Engine, tables: Iterable[Table], needed: Collection[str] | None = None) -> bool:
    """Bring the database up to the contracts; says whether anything had to change. Safe from several processes.

    It looks each time: what somebody dropped or replaced since is made again, and noted in `ops.repairs`. Each change
    is a transaction of its own, and whoever reads meanwhile waits for a moment at most. Raises `NotChanged` for what
    cannot be changed of a table in `needed` (without it: of any) or of `ops`; other tables' troubles are logged, and
    tried again at the next call.
    """
    own = {SCHEMA_MARKS, MASK_KEY, QUARANTINE, LINE_RUNS, REPAIRS}  # what every view and note of ours stands on
    held = {*(table for table in tables if not table.lake_only), *own}
    wanted = _wanted(tuple(sorted(held, key=lambda table: table.full_name)))
    with translate_db_errors(), engine.begin() as connection:
        wait_at_most(connection, LOCK_SECONDS)
        if not any(_unlike(connection, wanted)):
            masking.make_key(connection)
            return False
    with translate_db_errors(), engine.connect() as guard:
        guard.detach()  # no second connection stays open for it
        wait_at_most(guard, LOCK_SECONDS)
        advisory_lock(guard, "funnel_etl.schema")
        with engine.begin() as connection:
            _make_schemas(connection)
            new, touched = _unlike(connection, wanted)
        if new or touched:  # nobody else has done it meanwhile
            _change(engine, wanted, new, touched, needed)
    return bool(new or touched)


def _change(
    engine: sa.Engine, wanted: _Wanted, new: set[str], touched: list[str], needed: Collection[str] | None
) -> None:
    """Change what is not as wanted, and note it."""
    changing = [table for table in wanted.tables if table.full_name in {*new, *touched}]
    failures, made_anew = _bring_up(engine, changing, wanted.views, needed)
    failures |= _secure(engine, wanted.tables)
    for name, error in failures.items():
        if needed is None or name in needed or name.startswith("ops."):
            raise error
        log.warning("%s", error)
    with engine.begin() as connection:
        still = {*_touched(connection, wanted, None), *failures}
        restored = [name for name in touched if name not in {*new, *still}]
        _note_repairs(connection, [name for name in restored if name != OUR_VIEWS or made_anew])
        done = [
            mark for name, mark in wanted.marks.items() if name not in failures and (name != OUR_VIEWS or not failures)
        ]
        _note_marks(connection, done, wanted)


def _unlike(connection: sa.Connection, wanted: _Wanted) -> tuple[set[str], list[str]]:
    """Return the names of what the database was not brought up to yet, and of what is not as it was made."""
    known = _known_marks(connection)
    new = {name for name, mark in wanted.marks.items() if mark not in known}
    return new, _touched(connection, wanted, known.get(wanted.marks[OUR_VIEWS]))


def _secure(engine: sa.Engine, tables: tuple[Table, ...]) -> dict[str, NotChanged]:
    """Put row security on the restricted tables that lack it; return what cannot be done now."""
    with engine.connect() as connection:
        names = set(row_security.unsecured(connection, tables))
    failures: dict[str, NotChanged] = {}
    for table in (table for table in tables if table.full_name in names):
        quoted = f'"{table.schema}"."{table.name}"'
        try:
            change(engine, table.full_name, partial(_securing, table=table), table=quoted)
        except NotChanged as error:
            failures[table.full_name] = error
    return failures


def _securing(connection: sa.Connection, table: Table) -> None:
    row_security.secure(connection, table)


def _make_schemas(connection: sa.Connection) -> None:
    """Make the schemas that are missing: for those that are there, no right to make any is needed."""
    there = set(sa.inspect(connection).get_schema_names())
    for name, comment in (SCHEMAS | {masking.MASKED: masking.COMMENT}).items():
        if name not in there:
            connection.execute(sa.schema.CreateSchema(name, if_not_exists=True))
            connection.execute(sa.text(f"COMMENT ON SCHEMA {name} IS {literal(comment)}"))


def _touched(connection: sa.Connection, wanted: _Wanted, made_views: str | None) -> list[str]:
    """Return the names of what is not as it was made: tables, and the views together."""
    found = catalogue.unlike(connection, wanted.declared, wanted.kinds)
    found += [name for name in row_security.unsecured(connection, wanted.tables) if name not in found]
    if made_views is not None and made_views != catalogue.definitions(connection, wanted.views):
        found.append(OUR_VIEWS)
    return found


def _note_marks(connection: sa.Connection, marks: list[str], wanted: _Wanted) -> None:
    """Note what the database was brought up to: a mark for each table, and one for the views of all of them."""
    views = catalogue.definitions(connection, wanted.views)
    made = [{"mark": mark, "views": views if mark == wanted.marks[OUR_VIEWS] else None} for mark in marks]
    sql = "INSERT INTO ops.schema_marks (mark, views) VALUES (:mark, :views)"
    connection.execute(sa.text(f"{sql} ON CONFLICT (mark) DO UPDATE SET views = EXCLUDED.views"), made)


def _note_repairs(connection: sa.Connection, touched: list[str]) -> None:
    """Note what somebody else had changed of tables and views."""
    for name in touched:
        says = f"{name}: somebody else had dropped or changed it or its columns; made again as the contracts want it"
        progress.info("%s", says)
        sql = "INSERT INTO ops.repairs (name, found_at, says) VALUES (:name, now(), :says) ON CONFLICT DO NOTHING"
        connection.execute(sa.text(sql), {"name": name, "says": says})


def _bring_up(
    engine: sa.Engine, tables: Sequence[Table], wanted: list[View], needed: Collection[str] | None
) -> tuple[dict[str, NotChanged], bool]:
    """Make what is missing, change what differs; return what cannot be changed now, and whether a view was made."""
    declared = metadata(tables)
    with engine.connect() as connection:
        differences = _differences(connection, declared)
    new = [operation for operation in differences if isinstance(operation, ops.CreateTableOp)]
    if new:
        change(engine, "new tables", lambda connection: _create(connection, new))
    with engine.begin() as connection:
        masking.make_key(connection)
    failures: dict[str, NotChanged] = {}
    made_anew = False
    for name, work in _steps(engine, differences, declared, wanted, needed):
        if name in failures:
            continue
        try:
            made_anew |= work() is True
        except NotChanged as error:
            failures[name] = error
    return failures, made_anew


def _create(connection: sa.Connection, tables: Sequence[ops.CreateTableOp]) -> None:
    """Make tables. Those of `raw` are read by their key or whole: a tenth of the usual sample says enough of them."""
    _invoke_all(connection, tables)
    for table in tables:
        names = [column.name.replace('"', '""') for column in table.columns if isinstance(column, sa.Column)]
        if table.schema == "raw":
            few = ", ".join(f'ALTER COLUMN "{name}" SET STATISTICS 10' for name in names)
            run(connection, f'ALTER TABLE "{table.schema}"."{table.table_name}" {few}')


def _steps(
    engine: sa.Engine,
    differences: list[Any],
    declared: sa.MetaData,
    wanted: list[View],
    needed: Collection[str] | None,
) -> Iterator[tuple[str, Callable[[], bool | None]]]:
    """Return the changes of tables and views that are there, each with its table: columns first, views last."""
    for operation in sorted(differences, key=_changes_type):
        if not isinstance(operation, ops.CreateTableOp):
            name, quoted = (
                f"{operation.schema}.{operation.table_name}",
                f'"{operation.schema}"."{operation.table_name}"',
            )
            work = partial(_alter, operation=operation, table=quoted, wanted=wanted)
            yield name, partial(change, engine, name, work, table=quoted)
    for table in declared.sorted_tables:
        name = f"{table.schema}.{table.name}"
        # Rows without a key go only where they come again at once: of what is published now.
        may_delete = needed is None or name in needed or table.schema == "ops"
        yield name, partial(_renew_key, engine, table, may_delete=may_delete)
    for view in wanted:
        yield view.table, partial(bring_up, engine, view)


def _differences(connection: sa.Connection, declared: sa.MetaData) -> list[Any]:
    """Return what alembic finds different, of what is applied. It reads the catalogue, and locks no table."""
    names = {f"{table.schema}.{table.name}" for table in declared.sorted_tables}

    def is_declared(name: str | None, kind: str, parents: Any) -> bool:
        """Whether to look at it: at our schemas, at the declared tables there, and at all in these."""
        if kind == "schema":
            return name in SCHEMAS
        return kind != "table" or parents["schema_qualified_table_name"] in names

    opts = {"include_schemas": True, "include_name": is_declared, "compare_type": _is_other_type}
    context = MigrationContext.configure(connection, opts={**opts, "target_metadata": None})
    found = _flat(produce_migrations(context, declared).upgrade_ops or ops.OpContainer())
    return [wanted for operation in found if (wanted := _additive(operation))]


def _is_other_type(
    _context: MigrationContext,
    _held: sa.Column[Any],
    _declared: sa.Column[Any],
    held: sa.types.TypeEngine[Any],
    declared: sa.types.TypeEngine[Any],
) -> bool:
    """Whether a column is written with another type: alembic's own comparison takes numeric for numeric(14,2)."""
    of = postgresql.dialect()  # type: ignore[no-untyped-call]
    return held.compile(of) != declared.compile(of)


def _alter(connection: sa.Connection, operation: ops.MigrateOperation, table: str, wanted: list[View]) -> None:
    """Change a table; of our views those drop out for it that show a column whose type changes."""
    in_the_way: list[View] = []
    if isinstance(operation, ops.AlterColumnOp) and _changes_type(operation):
        in_the_way = on_column(connection, wanted, table, operation.column_name)
    with without_views(connection, in_the_way):
        _invoke_all(connection, [operation])


def _changes_type(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, ops.AlterColumnOp) and operation.modify_type is not None


def _invoke_all(connection: sa.Connection, operations: Iterable[ops.MigrateOperation]) -> None:
    invoking = Operations(MigrationContext.configure(connection))
    for operation in operations:
        invoking.invoke(operation)


def _additive(operation: ops.MigrateOperation) -> ops.MigrateOperation | None:
    """Return what of a difference is applied: nothing is dropped, and no old row has to satisfy a new NOT NULL.

    What a contract requires is checked before publishing.
    """
    if isinstance(operation, (ops.DropTableOp, ops.DropColumnOp, ops.DropConstraintOp, ops.DropIndexOp)):
        return None
    if isinstance(operation, ops.AddColumnOp):
        operation.column.nullable = True
    if isinstance(operation, ops.AlterColumnOp):
        operation.modify_nullable = None
        if operation.modify_type is not None:
            kind = operation.modify_type.compile(postgresql.dialect())  # type: ignore[no-untyped-call]
            operation.kw["postgresql_using"] = f'"{operation.column_name}"::{kind}'
    return operation


def _renew_key(engine: sa.Engine, table: sa.Table, *, may_delete: bool) -> None:
    """Return the table the key of its contract, where it has another: the comparison does not look at keys.

    If somebody dropped it, or a column of it, rows may be there that no key can have: these go.
    """
    found = sa.inspect(engine).get_pk_constraint(table.name, schema=table.schema)
    wanted = [column.name for column in table.primary_key]
    if found["constrained_columns"] == wanted:
        return
    name = f'"{table.schema}"."{table.name}"'
    columns = ", ".join(f'"{column}"' for column in wanted)
    drop = f'DROP CONSTRAINT "{found["name"]}", ' if found["name"] else ""
    statements = [f'ALTER TABLE {name} {drop}ADD CONSTRAINT "{table.name}_pkey" PRIMARY KEY ({columns})']
    if may_delete and not found["constrained_columns"]:
        same = " AND ".join(f'a."{column}" = b."{column}"' for column in wanted)
        statements = [
            f"DELETE FROM {name} WHERE NOT ROW({columns}) IS NOT NULL",  # noqa: S608 - of contracts
            f"DELETE FROM {name} AS a USING {name} AS b WHERE a.ctid < b.ctid AND {same}",  # noqa: S608 - likewise
            *statements,
        ]

    def work(connection: sa.Connection) -> None:
        for statement in statements:
            run(connection, statement)

    change(engine, f"{table.schema}.{table.name}", work, table=name)


def _column(column: Column, table: Table) -> sa.Column[object]:
    nullable = not (column.required or column.name in table.key)
    return sa.Column(
        identifier(column.name), SQL_TYPE[column.kind], nullable=nullable, comment=column.description, key=column.name
    )


def _flat(container: ops.OpContainer) -> Iterable[ops.MigrateOperation]:
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from _flat(operation)
        else:
            yield operation


def _fingerprint(*contracts: Table | View) -> str:
    """Return the mark of contracts and of the views made from them: others have another."""
    return hashlib.sha256("\n".join(map(repr, contracts)).encode()).hexdigest()


def _known_marks(connection: sa.Connection) -> dict[str, str | None]:
    """Return what this database was brought up to: mark → definitions of the views then."""
    there = "SELECT FROM pg_attribute WHERE attrelid = to_regclass('ops.schema_marks') AND attname = 'views'"
    if not connection.execute(sa.text(f"SELECT EXISTS ({there} AND NOT attisdropped)")).scalar_one():
        return {}
    return {row.mark: row.views for row in connection.execute(sa.text("SELECT mark, views FROM ops.schema_marks"))}
