"""One sender per destination: a lock that PostgreSQL drops with the connection that has it."""

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.settings import DESTINATIONS

log = logging.getLogger("funnel_etl.progress")
ASK_AGAIN_SECONDS = 0.5
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
    """Yield the lock of a destination, or None if another process sends there."""
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


@contextmanager
def no_sender(engine: sa.Engine) -> Iterator[None]:
    """Keep everything from being sent while the block lasts; waits for a sender that is at work."""
    with ExitStack() as stack:
        for destination in DESTINATIONS:
            stack.enter_context(_waited_for(engine, destination))
        yield


@contextmanager
def _waited_for(engine: sa.Engine, destination: str) -> Iterator[None]:
    is_said = False
    while True:
        with sender_lock(engine, destination) as lock:
            if lock is not None:
                yield
                return
        if not is_said:
            log.info("a delivery to %s is going on: waiting for it to end", destination)
            is_said = True
        time.sleep(ASK_AGAIN_SECONDS)
