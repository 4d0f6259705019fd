"""Answers that are one page of many: a source that declares no pages is refused, with how to set it right.

A page looks whole: its length is right, and its rows are. It tells itself by its headers. What an answer means
otherwise belongs to `http`, and a source that declares its pages to `pages`.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from requests.utils import parse_header_links

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.values.numbers import grouped
from funnel_etl.sources.connect.request import Request

TOTALS = (
    "X-Total-Count",
    "X-Total",
    "X-WP-Total",
    "Total-Count",
    "X-Total-Results",
    "X-Total-Records",
    "X-Total-Rows",
    "X-Pagination-Total",
    "X-Pagination-Total-Count",
)
"""Headers that say how many rows there are in all."""
PAGES = ("X-Total-Pages", "X-WP-TotalPages", "X-Page-Count", "X-Pagination-Page-Count")
"""Headers that say how many pages there are."""
NEXT = ("X-Next-Page", "X-Next-Cursor", "X-Has-More")
"""Headers that say that there is more."""
_RANGE = re.compile(r"\s*(?:[\w-]+[ =])?\s*(?P<first>\d+)-(?P<last>\d+)/(?P<total>\d+|\*)\s*")
_NOTHING = {"", "0", "false", "no", "none", "null"}

Check = Callable[[Path], None]


def stated_total(headers: Mapping[str, str]) -> int | None:
    """Return how many rows an answer's headers say that there are in all; None: they do not say."""
    totals = [number for name in TOTALS if (number := _number(headers, name)) is not None]
    return max(totals, default=None)


def refuse_page(request: Request[Any], status: int, headers: Mapping[str, str]) -> None:
    """Raise SourceRejected for a good answer whose headers say that it is a part of what there is."""
    if not 200 <= status < 300:
        return
    if any("next" in link.get("rel", "").lower().split() for link in parse_header_links(headers.get("Link", ""))):
        raise _page(request, 'the header Link names a next page (rel="next")')
    found = _RANGE.fullmatch(headers.get("Content-Range", ""))
    if found and (int(found["first"]) > 0 or (found["total"] != "*" and int(found["last"]) + 1 < int(found["total"]))):
        raise _page(request, f"the header Content-Range says {found['first']}-{found['last']} of {found['total']}")
    for name in NEXT:
        if headers.get(name, "").strip().lower() not in _NOTHING:
            raise _page(request, f"the header {name} says that there is more")
    pages = [] if any(_number(headers, name) is not None for name in TOTALS) else PAGES
    for name in pages:
        if (number := _number(headers, name)) is not None and number > 1:
            raise _page(request, f"the header {name} says {grouped(number)} pages")


def counting(check: Check, request: Request[Any], headers: Mapping[str, str]) -> Check:
    """Return a check that also compares the rows that came with the total that the answer's headers state."""

    def checked(path: Path) -> None:
        check(path)
        totals = {name: number for name in TOTALS if (number := _number(headers, name)) is not None}
        if not totals:
            return
        records = request.read(path.read_bytes())
        # The line of a person who was erased is blank, and was counted.
        came = len(records.rows) + len(records.blank_rows)
        for name, total in totals.items():
            if total > came:
                raise _page(request, f"the header {name} says {grouped(total)} rows, and {grouped(came)} came")

    return checked


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "").strip().replace(",", "")
    return int(text) if text.isdecimal() else None


def _page(request: Request[Any], why: str) -> SourceRejected:
    return SourceRejected(
        f"it answered with one page of many, not with all rows: {why}",
        where=request.where,
        fix=f"set {request.setting} to an address that gives all rows at once (its full export, or a larger `limit` or "
        "`per_page`), or ask who runs this source for one",
    )
