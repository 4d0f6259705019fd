"""One sender per destination: a lock that PostgreSQL drops with the connection that has it."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable

_NUMBER = "CAST(hashtext('delivery:' || :destination) AS bigint)"
TAKE = sa.text(f"SELECT pg_try_advisory_lock({_NUMBER})")
LET_GO = sa.text(f"SELECT pg_advisory_unlock({_NUMBER})")
HELD = sa.text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted "  # noqa: S608
    f"AND objid = CAST({_NUMBER} & 4294967295 AS oid))"
)


class SenderLock:
    """The lock of a destination, on a connection of its own."""

    def __init__(self, connection: sa.Connection, destination: str) -> None:
        self._connection = connection
        self._named = {"destination": destination}

    def require(self) -> None:
        """Raise `DatabaseUnavailable` unless it is still ours: another may be sending by now."""
        if self._connection.execute(HELD, self._named).scalar_one() is not True:
            raise DatabaseUnavailable(
                "the lock of this sender is lost, so nothing more is sent",
                fix="run funnel-etl deliver run again",
                transient=True,
            )

    def take(self) -> bool:
        """Return whether it is ours now."""
        self._connection.execute(sa.text("SET idle_session_timeout = 0"))
        return bool(self._connection.execute(TAKE, self._named).scalar_one())

    def let_go(self) -> None:
        """Let it go; a connection that is gone has given it back already."""
        self._connection.execute(LET_GO, self._named)


@contextmanager
def sender_lock(engine: sa.Engine, destination: str) -> Iterator[SenderLock | None]:
    """Yield the lock of a destination, or None if another process sends there. Erasure and purge take it too."""
    with engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()  # closed for good at the end, whatever it still has
        lock = SenderLock(alone, destination)
        if not lock.take():
            yield None
            return
        try:
            yield lock
        finally:
            try:
                lock.let_go()
            except Exception:  # noqa: BLE001 - the connection is closed anyway, and takes the lock with it
                connection.invalidate()
