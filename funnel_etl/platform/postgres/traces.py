"""Getting rid of what a database keeps of deleted rows: dead tuples, statistics, the write-ahead log.

Knows no table. What is to be deleted is decided elsewhere.
"""

import time

import psycopg2
import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres.database import engine

LOCK_SECONDS = 60.0
"""How long somebody who reads a table, or began to read before the rows were deleted, is waited for."""
_SEE_DELETED = """
SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
    AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND xact_start < CAST(:began AS timestamptz)
"""
MOST_SEGMENTS = 2_000
ROUND_SECONDS = 120
RELOAD_SECONDS = 0.3


def rewrite_tables(url: str) -> None:
    """Write every table and catalogue of a database anew, without dead rows and with new statistics.

    Each table is locked while it is written. Raises `DatabaseUnavailable` when one stays locked by others.
    """
    made = engine(url)
    try:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text(f"SET lock_timeout = '{LOCK_SECONDS:.0f}s'"))
            _wait_for_readers(connection)
            connection.execute(sa.text("VACUUM (FULL, ANALYZE)"))
            # Statistics hold common values, and those of tables that came later were replaced after its turn.
            connection.execute(sa.text("VACUUM FULL pg_catalog.pg_statistic"))
    except sa.exc.DBAPIError as error:
        kind = type(error.orig).__name__ if isinstance(error.orig, psycopg2.Error) else type(error).__name__
        raise DatabaseUnavailable(
            f"its tables could not be written anew, so deleted rows may still lie in its files ({kind})",
            fix="end long queries, then run the same command again",
            transient=True,
        ) from None
    finally:
        made.dispose()


def _wait_for_readers(connection: sa.Connection) -> None:
    """Wait for those who may still see deleted rows: what somebody sees is not removed. They may be idle."""
    began = connection.execute(sa.text("SELECT CAST(clock_timestamp() AS text)")).scalar_one()
    deadline = time.monotonic() + LOCK_SECONDS
    while seeing := connection.execute(sa.text(_SEE_DELETED), {"began": began}).scalar_one():
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"{seeing} open transactions still read what was deleted, so it cannot be removed from its files",
                fix="end long queries and close idle BI sessions, then run the same command again",
                transient=True,
            )
        time.sleep(0.1)


def discard_log(url: str) -> None:
    """Let the server of a database let go of all write-ahead log up to now. Only for a server of our own.

    Old segments are usually renamed to be used again, with what they held: all such are written over first.
    """
    made = engine(url)
    try:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ALTER SYSTEM SET wal_recycle = off"))
            try:
                connection.execute(sa.text("SELECT pg_reload_conf()"))
                time.sleep(RELOAD_SECONDS)  # the checkpointer hears of it by a signal
                connection.execute(sa.text("CHECKPOINT"))
                held = set(_segments(connection))
                deadline = time.monotonic() + ROUND_SECONDS
                for _ in range(MOST_SEGMENTS):
                    _switch(connection)
                    left = held & set(_segments(connection))
                    if not left or max(left) < _current(connection):
                        break
                # A checkpoint keeps the log since the one before it.
                while held & set(_segments(connection)) and time.monotonic() < deadline:
                    _switch(connection)
                    connection.execute(sa.text("CHECKPOINT"))
                left = held & set(_segments(connection))
            finally:
                connection.execute(sa.text("ALTER SYSTEM RESET wal_recycle"))
                connection.execute(sa.text("SELECT pg_reload_conf()"))
    finally:
        made.dispose()
    if left:
        raise DatabaseUnavailable(
            f"{len(left)} old segments of its write-ahead log are still kept",
            fix="see that no replication slot or archive holds them, then run the same command again",
            transient=True,
        )


def _segments(connection: sa.Connection) -> list[str]:
    found = connection.execute(sa.text("SELECT name FROM pg_ls_waldir() WHERE length(name) = 24"))
    return list(found.scalars())


def _current(connection: sa.Connection) -> str:
    return str(connection.execute(sa.text("SELECT pg_walfile_name(pg_current_wal_lsn())")).scalar_one())


def _switch(connection: sa.Connection) -> None:
    """Go on in the next segment; one in which nothing stands is not left."""
    connection.execute(sa.text("SELECT pg_logical_emit_message(true, 'funnel_etl', '')"))
    connection.execute(sa.text("SELECT pg_switch_wal()"))
