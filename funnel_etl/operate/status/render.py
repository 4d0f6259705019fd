"""How `funnel-etl status` looks: as lines for people, or as JSON for programs."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from funnel_etl.core.roles import WHO
from funnel_etl.operate.status.items import (
    ALERT,
    DELIVERY,
    FAILED_RUN,
    FILE,
    MODEL,
    NIGHT,
    REPAIR,
    REPORT,
    ROWS,
    SERVICE,
    SOURCE,
    VOLUME,
    WEBINAR,
    WORK,
    StatusItem,
)
from funnel_etl.operate.status.status import Status, looked_at

HEADINGS = {
    NIGHT: "Published",
    FAILED_RUN: "Failed, and not succeeded since",
    REPAIR: "Found changed by somebody else, and put right, in seven days",
    SOURCE: "Sources",
    REPORT: "Missing Zoom reports",
    WEBINAR: "Webinars to look at",
    VOLUME: "Rows by day",
    ROWS: "Rows in quarantine",
    WORK: "Work-list",
    FILE: "Files that were rejected, the newest ten",
    DELIVERY: "Deliveries",
    MODEL: "Model that rewords drafts",
    ALERT: "Alerts",
    SERVICE: "What runs by itself",
}


def status_lines(found: Status) -> Iterator[str]:
    """Return it in lines: first who has what to do, then each thing under its heading, the newest first."""
    yield from _to_do(found)
    for about, heading in HEADINGS.items():
        items = found.about(about)
        if items:
            yield f"{heading}:"
        yield from (f"  {_line(one)}" for one in items)


def status_json(found: Status) -> str:
    """Return all of it as JSON; instants with their offset, days as YYYY-MM-DD."""
    content: dict[str, Any] = {
        "looked_at": looked_at(),
        "last_complete_day": found.last_day,
        "is_well": found.is_well,
        **{about: [_record(one) for one in found.about(about)] for about in HEADINGS},
    }
    return json.dumps(content, indent=1, ensure_ascii=False, default=_plain)


def _to_do(found: Status) -> Iterator[str]:
    open_points = [one for one in found.items if not one.is_well]
    if not open_points:
        yield f"All is well, and complete through {found.last_day} wherever a source has rows of that day."
        return
    counts = {who: sum(one.who == who for one in open_points) for who in WHO}
    yield "To do: " + ", ".join(f"{who} {count}" for who, count in counts.items() if count)


def _line(one: StatusItem) -> str:
    return f"{one.name}: {one.says}" + ("" if one.is_well else f" → {one.who}: {one.to_do}")


def _record(one: StatusItem) -> dict[str, Any]:
    return {
        "name": one.name,
        "is_well": one.is_well,
        "says": one.says,
        "what_to_do": one.to_do,
        "who_does_it": one.who,
        **{name: value for name, value in one.facts.items() if name not in ("what_to_do", "who_does_it")},
    }


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    msg = f"{type(value).__name__} has no place in a status"
    raise TypeError(msg)
