"""The one paragraph of a published night: what is complete through when, what the day gave, what is open."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from funnel_etl.core.roles import WHO
from funnel_etl.core.values.numbers import grouped, measure
from funnel_etl.platform.postgres.owner import OURS

WEEK = timedelta(days=7)
MEASURES = {
    "leads": "leads",
    "registrations": "registrations",
    "attendances": "attendances",
    "assigned_rows": "assigned",
    "sales": "sales",
    "revenue_inr": "revenue",
}
DAY = sa.text(
    "SELECT " + ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in MEASURES) + " FROM mart.funnel_facts "  # noqa: S608
    "WHERE date = :day"
)
NEWEST = sa.text(
    f"SELECT DISTINCT ON (part) part, as_of FROM ops.nights WHERE {OURS} ORDER BY part, version DESC"  # noqa: S608
)
THROUGH = sa.text("SELECT source, complete_through FROM ops.completeness WHERE source <> 'config' ORDER BY source")
ROWS = sa.text("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL")


def whole_night(connection: sa.Connection, parts: tuple[str, ...]) -> date | None:
    """Return the night that all parts and the watch hold; None while they hold several, or none."""
    nights = {row.part: row.as_of for row in connection.execute(NEWEST)}
    newest = {nights.get(part) for part in (*parts, "watch")}
    return newest.pop() if len(newest) == 1 else None


def summary(connection: sa.Connection, night: date, to_do: Mapping[str, int]) -> str:
    """Return a published night in one paragraph. `to_do`: who → how many open points."""
    last, before = (connection.execute(DAY, {"day": day}).one()._mapping for day in (night, night - WEEK))  # noqa: SLF001
    numbers = ", ".join(
        f"{words} {measure(name, last[name])} ({_change(name, last[name], before[name])})"
        for name, words in MEASURES.items()
    )
    waiting = [f"{who} {to_do[who]}" for who in WHO if to_do.get(who)]
    rows = connection.execute(ROWS).scalar_one()
    waiting += [f"{grouped(rows)} rows in quarantine"] if rows else []
    is_open = f"Open: {', '.join(waiting)} (funnel-etl status)." if waiting else "Nothing is open."
    return (
        f"The night of {night:%A %Y-%m-%d} is published. {' '.join(_through(connection, night))} "
        f"That day, against {night - WEEK:%A %Y-%m-%d}: {numbers}. {is_open}"
    )


def _through(connection: sa.Connection, night: date) -> Iterator[str]:
    rows = connection.execute(THROUGH).all()
    whole = [row.source for row in rows if row.complete_through == night]
    if whole:
        yield f"Complete through that day: {', '.join(whole)}."
    others = [f"{row.source} through {row.complete_through or 'no day yet'}" for row in rows if row.source not in whole]
    if others:
        yield f"Not so far: {', '.join(others)}."


def _change(name: str, value: Any, before: Any) -> str:
    if value == before:
        return "the same"
    sign = "+" if value > before else "−"
    by = f"{sign}{measure(name, abs(value - before))}"
    return f"{by}, {sign}{abs(value - before) / before:.0%}" if before else by
