"""The parts of HTTP below `http`: patience that ends, failures in words, whole gzip, logs without tokens.

What an answer means for a source belongs to `http`.
"""

import contextlib
import logging
import re
import time
import zlib
from collections.abc import Iterator
from typing import Any, Self

import requests
import urllib3
from urllib3.exceptions import (
    InvalidHeader,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import TimeoutError as UrllibTimeoutError

from funnel_etl.core.errors import ConfigError, FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.request import FetchPolicy, Request

_RETRIED_STATUSES = (429, 500, 502, 503, 504)
_WAIT = "wait for the next run; if it lasts, ask who runs this source"
_QUERY = re.compile(r"\?\S+")


class Patience(urllib3.Retry):
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
        """Say whether nothing is missing at the end; an empty packed body is an empty one."""
        return self._stream is None or self._stream.eof or not self._begun

    def unpack(self, chunk: bytes) -> bytes:
        """Return the chunk unpacked. Raises ValueError for damaged gzip."""
        if self._stream is None:
            return chunk
        self._begun = True
        parts = []
        try:
            while chunk:
                if self._stream.eof:
                    self._stream = zlib.decompressobj(wbits=31)
                parts.append(self._stream.decompress(chunk))
                chunk = self._stream.unused_data
        except zlib.error as error:
            raise ValueError("damaged gzip") from error
        return b"".join(parts)


def explain(error: Exception, request: Request) -> FunnelError:
    """Tell a failed request in one line, permanent or transient, without the library's own text."""
    reason = _root(error)
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in str(reason).upper():
        fix = "have its certificate mended, or point REQUESTS_CA_BUNDLE at the authority that signed it"
        return SourceRejected("its certificate is not trusted", where=request.where, fix=fix)
    if isinstance(error, requests.TooManyRedirects):
        what = "sends us round in circles: is the token still valid?"
        return SourceRejected(what, where=request.where, fix=request.login_fix)
    if isinstance(error, requests.exceptions.InvalidSchema):
        what = "sends us on to an address that is not HTTP"
        return SourceRejected(what, where=request.where, fix=f"correct {request.setting}")
    # An address or header that cannot be used, as requests and urllib3 tell it: not a network that failed.
    if isinstance(error, ValueError):
        return ConfigError("this address cannot be used", where=request.where, fix=f"correct {request.setting}")
    return SourceUnavailable(_network_words(error, reason, request), where=request.where, fix=_WAIT)


def _network_words(error: Exception, reason: BaseException, request: Request) -> str:
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy between us and it did not answer"
    if isinstance(reason, NameResolutionError):
        return "its host name is not known"
    if isinstance(reason, NewConnectionError):
        return "refused the connection, or is not running"
    if isinstance(reason, (ReadTimeoutError, UrllibTimeoutError, requests.Timeout)):
        return f"did not answer within {request.policy.read_timeout:g} s"
    if isinstance(reason, ProtocolError):
        return "dropped the connection before it answered"
    return "the connection failed"


def _root(error: BaseException) -> BaseException:
    """Find what urllib3 gave up on: requests wraps it, as its first argument, in an error of its own."""
    inner = error.args[0] if isinstance(error, requests.RequestException) and error.args else error
    if isinstance(inner, MaxRetryError) and inner.reason is not None:
        return inner.reason
    return inner if isinstance(inner, BaseException) else error


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
