"""What every reader of sources is given: which source, from where, how patient, and what an error calls it.

How a path, HTTP or a sheet is read belongs to `local`, `http` and `gsheet`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.paging import Paging
from funnel_etl.core.reading.csvfile import CsvRecords, read_csv
from funnel_etl.core.source import Format
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.addresses import without_query
from funnel_etl.sources.connect.auth import Auth
from funnel_etl.sources.connect.sniff import HEAD, refuse_head

T = TypeVar("T")
Judge = Callable[[Sequence[bytes]], T]
"""Reads what came, the pages of a source in their order (one, if it comes whole), or refuses it by a FunnelError."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a source declares of what it sends (`core/source`): its format, its pages, and what reads its records."""

    format: Format = "csv"
    pages: Paging | None = None
    read: Callable[[bytes], CsvRecords] = read_csv


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """What a pull landed, and what the judge read of it (None: there was no judge)."""

    arrivals: tuple[Arrival, ...]
    judged: T | None

    @property
    def arrival(self) -> Arrival:
        """The arrival of a source that comes whole."""
        (only,) = self.arrivals
        return only


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How long and how often a source is tried, and how much it may send. In seconds, but for counts and bytes.

    `retries` are for one request (refused, 429, 5xx), inside `retry_for`; `downloads` for all of it (broken off in the
    middle). `deadline` bounds everything together, waiting included. `max_bytes` holds for an answer as it
    comes and for what it unpacks to.
    """

    connect_timeout: float = 10
    read_timeout: float = 60
    deadline: float = 1800
    retry_for: float = 90
    retries: int = 5
    downloads: int = 3
    backoff: float = 1
    backoff_max: float = 30
    jitter: float = 1
    retry_after_max: float = 120
    max_bytes: int = 500_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[T]):
    """One pull of one source. The address is not shown by its repr: it may carry a token.

    `judge`, if given, is shown the whole answer, once it looks like its `format`; `read` reads the records of it.
    """

    url: str = field(repr=False)
    source: str
    setting: str
    landing: Landing
    auth: Auth
    policy: FetchPolicy
    clock: Callable[[], datetime]
    judge: Judge[T] | None = None
    format: Format = "csv"
    pages: Paging | None = None
    read: Callable[[bytes], CsvRecords] = read_csv

    def refuse_looks(self, data: bytes, content_type: str) -> None:
        """Refuse bytes that cannot be what this source sends."""
        refuse_head(
            data[:HEAD],
            is_whole=len(data) <= HEAD,
            where=self.where,
            page_fix=self.login_fix,
            content_type=content_type,
            wanted=self.format,
        )

    def land(
        self,
        name: str,
        chunks: Iterable[bytes],
        looks: Callable[[Path], None],
        *,
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched[T]:
        """Land a whole answer: first how it `looks`, then what the judge says of it."""

        def read(path: Path) -> T | None:
            looks(path)
            return self.judge([path.read_bytes()]) if self.judge is not None else None

        arrival, judged = self.landing.put_read(
            self.source,
            "pull",
            name,
            chunks,
            read,
            received_at=self.clock(),
            http_status=http_status,
            headers=headers,
        )
        return Fetched((arrival,), judged)

    def bounded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks, and raise as soon as they are more than one pull may be."""
        left = self.policy.max_bytes
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise self.too_large()
            yield chunk

    def too_large(self) -> SourceRejected:
        """Return the error for a source that sends more than one pull may be."""
        return SourceRejected(
            f"it is larger than {self.policy.max_bytes / 1e6:g} MB, packed or unpacked, so nothing of it was kept",
            where=self.where,
            fix=f"if this is expected, raise FUNNEL_DOWNLOAD_MAX_MB; else correct {self.setting} or what it exports",
        )

    @property
    def where(self) -> str:
        """Name the source and its place in an error, without secrets."""
        return f"{self.source} at {without_query(self.url) if '://' in self.url else self.url}"

    @property
    def login_fix(self) -> str:
        """What to do when the source does not let us in."""
        if not self.auth.settings:
            return f"{self.setting} must give {self.format.upper()} without a login"
        kind, secret = self.auth.settings
        if self.auth.kind == "none":
            return f"{self.setting} must give {self.format.upper()} without a login, or set {kind} and {secret}"
        return f"renew {secret} ({kind} is {self.auth.kind}), or correct {self.setting}"
