"""How a source hands out its rows in pages: one declaration a style. Asking for them is `sources/connect/pages`."""

from dataclasses import dataclass

MOST_PAGES = 1_000


@dataclass(frozen=True)
class NextLink:
    """Each answer names the address of the next page, in `field` of its JSON (keys with dots between them).

    Without a `field`, in its header Link. No address: it is the last page.
    """

    field: str | None = None
    most: int = MOST_PAGES


@dataclass(frozen=True)
class Cursor:
    """Each answer has in `field` of its JSON what the next request says as `parameter`; blank: it is the last."""

    field: str
    parameter: str = "cursor"
    most: int = MOST_PAGES


@dataclass(frozen=True)
class Offset:
    """Each request says how many rows were read before, and how many are wanted; a page without rows is the last.

    Not one with fewer than wanted: a source may hand out at most so many at once.
    """

    size: int
    parameter: str = "offset"
    size_parameter: str = "limit"
    most: int = MOST_PAGES


@dataclass(frozen=True)
class StartingAfter:
    """Each request names the last row read, by its `identifier`; `more`, if named, tells in JSON whether there is more.

    Without `more`, a page without rows is the last.
    """

    identifier: str = "id"
    parameter: str = "starting_after"
    more: str | None = "has_more"
    most: int = MOST_PAGES


Paging = NextLink | Cursor | Offset | StartingAfter
