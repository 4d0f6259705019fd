"""A source that hands out its rows in pages: page after page until the last, all of them or none.

Each page is kept in the landing archive as it came, once all are here and the judge has read them; if anything goes
wrong, those that came are kept as rejected, with the reason. How one answer comes is `http`, what a page holds
`core/reading`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from requests.utils import parse_header_links

from funnel_etl.core.errors import FunnelError, SourceRejected, StorageUnavailable
from funnel_etl.core.paging import Cursor, NextLink, Offset, Paging, StartingAfter
from funnel_etl.core.reading import json_records
from funnel_etl.core.reading.csvfile import CsvRecords
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import decode
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.connect.paging import stated_total
from funnel_etl.sources.connect.request import Fetched, Request, T

_ASK = "ask who runs this source how its pages end, or correct how they are declared"


@dataclass(frozen=True)
class Page:
    """One answer: from where, how, and its bytes as they came."""

    url: str
    status: int
    headers: Mapping[str, str]
    data: bytes


def fetch_pages(request: Request[T], paging: Paging, get: Callable[[str], Page]) -> Fetched[T]:
    """Land all pages of a source. `get` returns the page of an address.

    Raises as `fetch`; SourceRejected also for pages that do not end.
    """
    pages: list[Page] = []
    try:
        _collect(pages, request, paging, get)
        return _landed(request, pages)
    except StorageUnavailable:
        raise
    except FunnelError as error:
        _reject(request, pages, error)
        raise


def _collect(pages: list[Page], request: Request[T], paging: Paging, get: Callable[[str], Page]) -> None:
    url: str | None = first_address(paging, request.url)
    asked: set[str] = set()
    hashes: set[bytes] = set()
    rows = 0
    left = request.policy.max_bytes
    while url is not None:
        number = len(pages) + 1
        if url in asked:
            raise _endless(request, f"page {number - 1} leads to a page that was read before")
        if number > paging.most:
            raise _endless(request, f"after {grouped(paging.most)} pages there is still another")
        asked.add(url)
        page = get(url)
        pages.append(page)
        left -= len(page.data)
        if left < 0:
            raise request.too_large()
        records = _read(request, page, number)
        size = len(records.rows) + len(records.blank_rows)
        digest = hashlib.sha256(page.data).digest()
        if size and digest in hashes:
            raise _endless(request, f"page {number} is one that came before, byte for byte")
        hashes.add(digest)
        rows += size
        try:
            following = next_address(paging, page, records, rows)
        except ValueError as error:
            raise SourceRejected(f"page {number} {error}", where=request.where, fix=_ASK) from None
        url = None if following is None else _same_host(request, urljoin(page.url, following), number)
    total = stated_total(pages[-1].headers)
    if total is not None and total > rows:
        raise SourceRejected(
            f"its {len(pages)} pages have {grouped(rows)} rows, and it says that there are {grouped(total)}",
            where=request.where,
            fix=_ASK,
        )


def first_address(paging: Paging, url: str) -> str:
    """Return the address of the first page."""
    if isinstance(paging, Offset):
        return _with(url, {paging.parameter: "0", paging.size_parameter: str(paging.size)})
    return url


def next_address(paging: Paging, page: Page, records: CsvRecords, rows: int) -> str | None:
    """Return the address of the page after a page, given its records and how many there were in all; None: none.

    Raises ValueError for a page that does not tell.
    """
    size = len(records.rows) + len(records.blank_rows)
    if isinstance(paging, Offset):
        return None if size == 0 else _with(page.url, {paging.parameter: str(rows)})
    if isinstance(paging, NextLink) and paging.field is None:
        links = parse_header_links(page.headers.get("Link", ""))
        return next((link["url"] for link in links if "next" in link.get("rel", "").lower().split()), None)
    body = json_records.plain(decode(page.data).text)
    if isinstance(paging, NextLink):
        return _text(json_records.at(body, paging.field or ""), paging.field)
    if isinstance(paging, Cursor):
        cursor = _text(json_records.at(body, paging.field), paging.field)
        return None if cursor is None else _with(page.url, {paging.parameter: cursor})
    return _after_last(paging, page, records, body)


def _after_last(paging: StartingAfter, page: Page, records: CsvRecords, body: object) -> str | None:
    more = json_records.at(body, paging.more) if paging.more else len(records.rows) > 0
    if more not in (True, False):
        raise ValueError(f"does not say in {paging.more!r} whether there is more")
    if not more:
        return None
    last = records.rows[paging.identifier].iloc[-1] if paging.identifier in records.rows and len(records.rows) else ""
    if not last:
        raise ValueError(f"has no {paging.identifier!r} in its last row, and says that there is more")
    return _with(page.url, {paging.parameter: str(last)})


def _text(found: object, field: str | None) -> str | None:
    if found is None or found is False or found == "":
        return None
    if isinstance(found, dict | list | bool):
        raise ValueError(f"has no text in {field!r}")  # noqa: TRY004 - a mistake of the source's, not of a caller
    return str(found)


def _with(url: str, query: Mapping[str, str]) -> str:
    """Return an address with these parameters in place of those of the same name."""
    parts = urlsplit(url)
    others = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in query]
    return parts._replace(query=urlencode([*others, *query.items()])).geturl()


def _same_host(request: Request[T], url: str, number: int) -> str:
    """Return the address of the next page, without the login that is sent beside it. Refuse another host."""
    try:
        ours, theirs = urlsplit(request.url), urlsplit(url)
        is_ours = (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)
    except ValueError:
        is_ours = False
    if not is_ours:
        raise SourceRejected(
            f"page {number} leads to another host, and was not followed", where=request.where, fix=_ASK
        )
    if request.auth.kind != "query":
        return url
    others = [pair for pair in parse_qsl(theirs.query, keep_blank_values=True) if pair[0] != request.auth.name]
    return theirs._replace(query=urlencode(others)).geturl()


def _read(request: Request[T], page: Page, number: int) -> CsvRecords:
    """Read the records of a page. Raises SourceRejected for one that is cut off, or is something else."""
    request.refuse_looks(page.data, page.headers.get("content-type", ""))
    try:
        return request.read(page.data)
    except SourceRejected as error:
        raise type(error)(f"page {number}: {error.what}", where=request.where, fix=error.fix) from error


def _endless(request: Request[T], why: str) -> SourceRejected:
    return SourceRejected(f"its pages do not end: {why}", where=request.where, fix=_ASK)


def _landed(request: Request[T], pages: list[Page]) -> Fetched[T]:
    """Let the judge read the pages, then land them."""
    landing = request.landing
    kept = [landing.redact_lines(page.data, may_be_json=True) for page in pages]
    for redacted in kept:
        if redacted.is_changed:
            landing.erasures.keep(landing.file_id_of(redacted.data), redacted)
    judged = request.judge([redacted.data for redacted in kept]) if request.judge is not None else None
    return Fetched(tuple(_put(request, page, number) for number, page in enumerate(pages, start=1)), judged)


def _reject(request: Request[T], pages: list[Page], reason: FunnelError) -> None:
    def refuse(_path: object) -> None:
        raise reason

    for number, page in enumerate(pages, start=1):
        try:
            _put(request, page, number, refuse)
        except FunnelError as error:
            if error is not reason:
                raise


def _put(request: Request[T], page: Page, number: int, check: Callable[[object], None] | None = None) -> Arrival:
    return request.landing.put(
        request.source,
        "pull",
        page.url,
        page.data,
        check=check,
        received_at=request.clock(),
        http_status=page.status,
        headers=page.headers,
        page=number,
    )
