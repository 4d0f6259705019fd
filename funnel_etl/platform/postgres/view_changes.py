"""How a view is brought up to what is wanted, while people read it: nothing is touched that is so already.

A column more is appended (the order of a view's columns stays, as a table's does). Only a view that loses a column, or
whose column gets another type, is dropped and made again, with the grants it had.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from funnel_etl.platform.postgres.database import literal
from funnel_etl.platform.postgres.short_locks import LOCK_SECONDS, change, run, translate_db_errors, wait_at_most

_WANTED = "pg_temp.wanted_view"
_COLUMNS = """
    SELECT attname, atttypid, atttypmod, attcollation FROM pg_attribute
    WHERE attrelid = to_regclass(:view) AND attnum > 0 ORDER BY attnum
"""
_HANGS = """
    SELECT EXISTS (
        SELECT FROM pg_depend AS d JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE r.ev_class = to_regclass(:view) AND d.refobjid = to_regclass(:table) AND a.attname = :column)
"""
_GRANTS = """
    WITH entries AS (
        SELECT c.relowner, NULL AS name, a.* FROM pg_class AS c,
            aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a WHERE c.oid = to_regclass(:view)
        UNION ALL
        SELECT c.relowner, t.attname, a.* FROM pg_class AS c JOIN pg_attribute AS t ON t.attrelid = c.oid,
            aclexplode(t.attacl) AS a WHERE c.oid = to_regclass(:view)
    )
    SELECT privilege_type, name, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
        is_grantable FROM entries WHERE grantee <> relowner
"""
_COMMENTS = """
    SELECT NULL, obj_description(to_regclass(:view), 'pg_class')
    UNION ALL SELECT attname, col_description(attrelid, attnum) FROM pg_attribute
    WHERE attrelid = to_regclass(:view) AND attnum > 0
"""


@dataclass(frozen=True)
class View:
    """A view as it is wanted. `table`: the one it shows; `columns`: what each is, in the order of the query."""

    schema: str
    name: str
    table: str
    query: str
    comment: str
    columns: Mapping[str, str]

    @property
    def quoted(self) -> str:
        """The name as SQL writes it."""
        return f'"{self.schema}"."{self.name}"'

    @property
    def full_name(self) -> str:
        """`schema.view`."""
        return f"{self.schema}.{self.name}"


def bring_up(engine: sa.Engine, view: View) -> bool:
    """Make the view what is wanted; returns whether it was not. Nothing is locked if it is. Raises `NotChanged`."""
    with translate_db_errors(view.full_name), engine.connect() as looking:
        wait_at_most(looking, LOCK_SECONDS)
        there, wanted = _columns(looking, view.quoted), _select(looking, view)
        run(looking, f"CREATE TEMPORARY VIEW {_WANTED} AS {wanted}")
        needed = _columns(looking, _WANTED)
        is_wanted = there == needed and _definition(looking, view.quoted) == _definition(looking, _WANTED)
        looking.rollback()
    if not is_wanted and there == needed[: len(there)]:
        change(engine, view.full_name, lambda c: _run_all(c, [f"CREATE OR REPLACE VIEW {view.quoted} AS {wanted}"]))
    elif not is_wanted:
        change(engine, view.full_name, lambda c: _make_again(c, view))
    with translate_db_errors(view.full_name), engine.connect() as looking:
        comments = _new_comments(looking, view)
    if comments:
        change(engine, view.full_name, lambda c: _run_all(c, comments))
    return not is_wanted


def on_column(connection: sa.Connection, views: Iterable[View], table: str, column: str) -> list[View]:
    """Return those of the views that show a column of a table, given as SQL writes it."""
    return [
        view
        for view in views
        if connection.execute(sa.text(_HANGS), {"view": view.quoted, "table": table, "column": column}).scalar_one()
    ]


@contextmanager
def without_views(connection: sa.Connection, views: Iterable[View]) -> Iterator[None]:
    """Drop the views while something below them changes; then make them as wanted, for whom they were granted to."""
    kept = [(view, _select(connection, view), _grants(connection, view)) for view in views]
    for view, _, _ in kept:
        run(connection, f"DROP VIEW {view.quoted}")
    yield
    for view, select, grants in kept:
        run(connection, f"CREATE VIEW {view.quoted} AS {select}")
        # Default privileges may have granted it to others than had it.
        for grantee in {grantee for *_, grantee, _ in _grants(connection, view)}:
            run(connection, f"REVOKE ALL ON {view.quoted} FROM {grantee}")
        for privilege, column, grantee, is_grantable in grants:
            if column is None or column in view.columns:
                what = f'{privilege} ("{column}")' if column else privilege
                option = " WITH GRANT OPTION" if is_grantable else ""
                run(connection, f"GRANT {what} ON {view.quoted} TO {grantee}{option}")


def _make_again(connection: sa.Connection, view: View) -> None:
    with without_views(connection, [view]):
        pass


def _select(connection: sa.Connection, view: View) -> str:
    """Write the view's query, its columns in the order they have already, new ones last."""
    there = [name for name, *_ in _columns(connection, view.quoted) if name in view.columns]
    order = [*there, *(name for name in view.columns if name not in there)]
    if order == list(view.columns):
        return view.query
    columns = ", ".join(f'"{name}"' for name in order)
    return f"SELECT {columns} FROM ({view.query}) AS v"  # noqa: S608 - names of contracts


def _new_comments(connection: sa.Connection, view: View) -> list[str]:
    there = {row[0]: row[1] for row in connection.execute(sa.text(_COMMENTS), {"view": view.quoted})}
    wanted: list[tuple[str | None, str, str]] = [(None, f"VIEW {view.quoted}", view.comment)]
    wanted += [(name, f'COLUMN {view.quoted}."{name}"', text) for name, text in view.columns.items()]
    return [f"COMMENT ON {what} IS {literal(text)}" for name, what, text in wanted if there.get(name) != text]


def _columns(connection: sa.Connection, view: str) -> list[tuple[str, int, int, int]]:
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(sa.text(_COLUMNS), {"view": view})]


def _definition(connection: sa.Connection, view: str) -> str | None:
    """Return the query as the server writes it."""
    asked = connection.execute(sa.text("SELECT pg_get_viewdef(to_regclass(:view))"), {"view": view})
    return str(asked.scalar_one())


def _grants(connection: sa.Connection, view: View) -> list[tuple[str, str | None, str, bool]]:
    """Return what others than the owner may: privilege, column (None: all), grantee, whether they may grant it."""
    found = connection.execute(sa.text(_GRANTS), {"view": view.quoted})
    return [(row[0], row[1], row[2], row[3]) for row in found]


def _run_all(connection: sa.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        run(connection, statement)
