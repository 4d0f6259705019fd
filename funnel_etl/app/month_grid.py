"""A month as a small grid of days, for webinars and their reports: HTML that a screen reader reads as a table. Pure."""

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from typing import Any

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STYLE = """<style>
.month {border-collapse: separate; border-spacing: 3px; width: 100%; max-width: 34rem; table-layout: fixed;
  font-size: .85rem}
.month caption {text-align: left; font-weight: 600; padding: 0 0 .3rem .2rem}
.month th {font-weight: 500; color: #52606D; text-align: left; padding-left: .4rem}
.month td {height: 3.1rem; border-radius: .4rem; background: #F4F6F8; vertical-align: top; padding: .2rem .4rem;
  border: 1px solid transparent; line-height: 1.25}
.month td.out {background: none}
.month td.there {background: #DDF1EA; border-color: #009E73}
.month td.missing {background: #FCE8DC; border-color: #D55E00; font-weight: 600}
</style>"""


@dataclass(frozen=True)
class Day:
    """What is known of a day: webinars whose attendee report is there, reports missing, webinars without one yet."""

    there: int = 0
    missing: int = 0
    waiting: int = 0
    names: tuple[str, ...] = ()


def month_grid(month: date, days: Mapping[date, Day]) -> str:
    """Return the month of a day as a table: ✓ there, ✗ missing, ○ none yet, and how many."""
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    rows = "".join(f"<tr>{''.join(_cell(day, month, days.get(day, Day())) for day in week)}</tr>" for week in weeks)
    head = "".join(f'<th scope="col">{name}</th>' for name in WEEKDAYS)
    caption = f"{month:%B %Y}"
    return f'{STYLE}<table class="month"><caption>{caption}</caption><tr>{head}</tr>{rows}</table>'


def by_day(found: Iterable[tuple[date, str, str]]) -> dict[date, Day]:
    """Return each day with its webinars counted, of (day, `there`, `missing` or `waiting`, what it is of)."""
    days: dict[date, Day] = {}
    for day, state, name in found:
        old = days.get(day, Day())
        more: dict[str, Any] = {state: getattr(old, state) + 1, "names": (*old.names, f"{state}: {name}")}
        days[day] = replace(old, **more)
    return days


def _cell(day: date, month: date, known: Day) -> str:
    if day.month != month.month:
        return '<td class="out"></td>'
    state = "missing" if known.missing else "there" if known.there else ""
    marks = [f"✗&nbsp;{known.missing}"] if known.missing else []
    marks += [f"✓&nbsp;{known.there}"] if known.there else []
    marks += [f"○&nbsp;{known.waiting}"] if known.waiting else []
    tip = escape("; ".join(known.names), quote=True)
    return f'<td class="{state}" title="{tip}">{day.day}<br>{" ".join(marks)}</td>'
