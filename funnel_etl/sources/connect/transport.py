"""The parts of HTTP below `http`: patience that ends, a deadline that holds, whole gzip, logs without tokens.

What an answer means for a source belongs to `http`, whose fault a failure is to `network_errors`.
"""

import contextlib
import logging
import os
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any, Self

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader

from funnel_etl.sources.connect.request import FetchPolicy

_RETRIED_STATUSES = (429, 500, 502, 503, 504)
_PIECE = 1 << 20
_QUERY = re.compile(r"\?\S+")


class DeadlineRetry(urllib3.Retry):
    """urllib3's retries for one request, never past the deadline, each wait inside the limits."""

    ends: float = float("inf")
    longest: float = float("inf")

    @classmethod
    def until(cls, ends: float, policy: FetchPolicy) -> Self:
        """Make the retries of one download; `ends` is on the monotonic clock."""
        retry = cls(
            total=policy.retries,
            redirect=False,
            status_forcelist=_RETRIED_STATUSES,
            allowed_methods=frozenset({"GET"}),
            backoff_factor=policy.backoff,
            backoff_max=policy.backoff_max,
            backoff_jitter=policy.jitter,
            raise_on_status=False,
        )
        retry.ends, retry.longest = ends, policy.retry_after_max
        return retry

    def new(self, **kw: Any) -> Self:
        """Copy the deadline too."""
        retry = super().new(**kw)
        retry.ends, retry.longest = self.ends, self.longest
        return retry

    def is_exhausted(self) -> bool:
        """Stop when the time is up as well."""
        return super().is_exhausted() or time.monotonic() >= self.ends

    def get_backoff_time(self) -> float:
        """Wait no longer than there is time."""
        return min(super().get_backoff_time(), self._left())

    def parse_retry_after(self, retry_after: str) -> float:
        """Do as the source asks, inside the limit; what cannot be read counts as not said."""
        try:
            asked = super().parse_retry_after(retry_after)
        except InvalidHeader:
            return 0
        return min(asked, self.longest, self._left())

    def _left(self) -> float:
        return max(0.0, self.ends - time.monotonic())


class Unpacker:
    """Undoes the transport's gzip, or nothing, and knows whether the end was reached."""

    def __init__(self, packed: bool) -> None:
        self._packed = packed
        self._stream = zlib.decompressobj(wbits=31) if packed else None
        self._begun = False

    @classmethod
    def for_encoding(cls, encoding: str) -> Self | None:
        """Return the unpacker for a Content-Encoding, None for one that was not asked for."""
        known = {"": False, "identity": False, "gzip": True, "x-gzip": True}
        packed = known.get(encoding.strip().lower())
        return None if packed is None else cls(packed)

    @property
    def whole(self) -> bool:
        """Return whether nothing is missing at the end; an empty packed body is an empty one."""
        return self._stream is None or self._stream.eof or not self._begun

    def unpack(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the chunk unpacked, in pieces of bounded size whatever it unpacks to. Raises ValueError for damage."""
        if self._stream is None:
            yield chunk
            return
        self._begun = True
        try:
            while chunk:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(wbits=31)
                yield self._stream.decompress(chunk, _PIECE)
                chunk = self._stream.unconsumed_tail or self._stream.unused_data
        except zlib.error as error:
            raise ValueError("damaged gzip") from error


class Deadline:
    """Shuts every connection of a pull when its time is up, whatever it is doing.

    A read timeout begins anew at each byte, so a header, a handshake or a proxy that drips would never end by it.
    """

    def __init__(self, ends: float) -> None:
        self.is_connected = False
        """Whether a connection was made, proxy and TLS and all: before that nothing of a request has left."""
        self._ends = ends
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(max(0.0, ends - time.monotonic()), self._shut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def watch(self, connection: socket.socket) -> None:
        """Shut this connection at the deadline; a second handle on it, because TLS takes the first one over."""
        with self._lock:
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))
        if time.monotonic() >= self._ends:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            for watched in self._sockets:
                with contextlib.suppress(OSError):  # it has ended by itself
                    watched.shutdown(socket.SHUT_RDWR)


class DeadlineAdapter(HTTPAdapter):
    """An adapter of requests all of whose connections end at a deadline."""

    def __init__(self, deadline: Deadline, retries: urllib3.Retry | int = 0) -> None:
        self._pools = _watched_pools(deadline)
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections that go to a source directly."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of connections that go by a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _watched_pools(deadline: Deadline) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

        def connect(self) -> None:
            super().connect()
            deadline.is_connected = True

    class Tls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            made = super()._new_conn()
            deadline.watch(made)
            return made

        def connect(self) -> None:
            super().connect()
            deadline.is_connected = True

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _QUERY.sub("?…", record.getMessage()), ()
        return True


@contextlib.contextmanager
def discreet_logs() -> Iterator[None]:
    """Keep query strings out of urllib3's own log lines, which tell each retry with the whole address."""
    loggers = [logging.getLogger(name) for name in ("urllib3.connectionpool", "urllib3.util.retry")]
    discreet = _WithoutQueries()
    for logger in loggers:
        logger.addFilter(discreet)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(discreet)
