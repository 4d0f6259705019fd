"""Changes of tables and views that people read meanwhile: each a transaction of its own, its locks for a moment.

A change waits for the queries on what it changes, and whoever comes later waits behind it. So it waits for a moment
only, lets the others by, and asks again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres.database_errors import meaning_of, server_words, sqlstate

MOMENT_SECONDS = 0.05
LOCK_SECONDS = 10.0
PAUSE_SECONDS = 0.2
ROWS = "nothing yet: when its part is published, its rows are put right first"
OTHERS = "end what others made that is in the way, then run again"
HELD = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
HANGING = {"2BP01", "0A000"}  # dependent_objects_still_exist, and what ALTER TYPE says of the same


class NotChanged(DatabaseUnavailable):
    """The server is there, and refuses this change: others may go through."""


def change(engine: sa.Engine, name: str, work: Callable[[sa.Connection], object], *, table: str | None = None) -> None:
    """Do `work` in a transaction that waits for no lock longer than a moment; try for `LOCK_SECONDS`.

    `name` is what is changed, for people; `table` as SQL writes it, where it is a table that is there. Raises
    `NotChanged`; nothing is changed then.
    """
    until = time.monotonic() + LOCK_SECONDS
    with translate_db_errors(name):
        while not _once(engine, work, table, is_last=time.monotonic() > until):
            time.sleep(PAUSE_SECONDS)


def wait_at_most(connection: sa.Connection, seconds: float) -> None:
    """Let the transaction wait for no lock longer than that."""
    run(connection, f"SET LOCAL lock_timeout = '{seconds * 1000:.0f}ms'")


def run(connection: sa.Connection, sql: str) -> sa.CursorResult[Any]:
    """Run a statement as it stands: no `%` or `:` in it means anything."""
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


@contextmanager
def translate_db_errors(name: str | None = None) -> Iterator[None]:
    """Raise what the server refuses as one readable line; `name` is what was to be changed."""
    try:
        yield
    except DBAPIError as error:
        detail = getattr(getattr(error.orig, "diag", None), "message_detail", None)
        if sqlstate(error) in HANGING and detail:
            raise NotChanged(
                f"it must be made anew, and what others made depends on it ({'; '.join(detail.splitlines())})",
                where=name,
                fix="keep the definition of what depends on it (pg_get_viewdef), drop that, run again, make it again",
            ) from None
        code = sqlstate(error) or ""
        meaning = meaning_of(code)
        words = ", ".join(part for part in (server_words(error), f"SQLSTATE {code}") if part)
        raise NotChanged(
            f"the tables could not be brought up to this version ({words})",
            where=name,
            fix=meaning.fix if meaning else ROWS if code.startswith("23") else OTHERS,
            transient=bool(meaning and meaning.transient),
        ) from None


def _once(engine: sa.Engine, work: Callable[[sa.Connection], object], table: str | None, *, is_last: bool) -> bool:
    """Return whether it is done; False when somebody holds what it needs."""
    try:
        with engine.begin() as connection:
            # Nobody waits while the disk writes: the mark that ends all changes is written after them, for sure.
            run(connection, "SET LOCAL synchronous_commit = off")
            wait_at_most(connection, LOCK_SECONDS)
            if table:
                # In nobody's way but autovacuum's, which gives way to who waits a second, not to who waits a moment.
                run(connection, f"LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE")
            wait_at_most(connection, MOMENT_SECONDS)
            work(connection)
    except DBAPIError as error:
        if is_last or sqlstate(error) not in HELD:
            raise
        return False
    return True
