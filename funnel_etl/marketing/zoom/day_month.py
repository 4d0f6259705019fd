"""Which of two numbers is the day in a Zoom report: by values over 12, else by what its times say of each other.

A spreadsheet program re-writes what it takes for dates in its own way and leaves the rest, and Zoom may write columns
differently: so every style of writing in a column may have its own order. Decision 10. Here: choosing the order of
each. Not here: reading text (`times`), and what contradicts what (`plausible`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from funnel_etl.core.date_order import DAY_FIRST, ENOUGH, MONTH_FIRST, Order
from funnel_etl.core.dates import MISSING
from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.marketing.zoom.plausible import ReportTimes, contradictions, day_name, is_likelier

Ints = npt.NDArray[np.int64]
MOST_OPEN = 5
_SIGNS = "/-."
_STYLES = 4 * len(_SIGNS)
_WHERE = "dates of the report"
_FIX = (
    "a spreadsheet program has re-written its dates: download the report from Zoom again, and drop that file unopened"
)


@dataclass(frozen=True)
class TwoReadings:
    """All time cells of a report in both orders (µs UTC, `MISSING` for none), and how each is written.

    `style`: the number of its style and column (`styles_of`), -1 where both orders read alike; `written`: the date of
    a cell, as written; `named`: columns in which some cell names its month.
    """

    by_day: Ints
    by_month: Ints
    style: Ints
    written: Callable[[int], str]
    named: frozenset[int]

    def under(self, orders: dict[int, Order]) -> Ints:
        """Return the instants where each style has its order."""
        day_first = [style for style, order in orders.items() if order == DAY_FIRST]
        return np.where(np.isin(self.style, day_first), self.by_day, self.by_month)


class _Read(NamedTuple):
    """One way to read a report: orders by style, its times, and what they contradict."""

    orders: dict[int, Order]
    times: ReportTimes
    against: list[str]


@dataclass
class Chosen:
    """The order of each style, and what a person should know."""

    orders: dict[int, Order] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def styles_of(texts: Any, column: Ints) -> Ints:
    """Return numbers for the styles of numeric dates (an Arrow array): column, sign, AM or PM, seconds."""
    marks = [rf"^\s*\d+\{sign}" for sign in _SIGNS]
    sign = sum(at * _matches(texts, mark) for at, mark in enumerate(marks))
    style: Ints = (
        column * _STYLES + sign * 4 + 2 * _matches(texts, r"(?i)\d\s*[ap]\.?\s?m") + _matches(texts, r":\d\d:\d\d")
    )
    return style


def _matches(texts: Any, pattern: str) -> Ints:
    found: Ints = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def is_zooms(style: int) -> bool:
    """Whether Zoom itself writes dates so: slashes, a clock of twelve hours, seconds. It does so month-first."""
    return style % _STYLES == _SIGNS.index("/") * 4 + 3


def choose(cells: TwoReadings, times_of: Callable[[Ints], ReportTimes]) -> Chosen:
    """Choose the order of each style. Rule: Dates of Zoom.

    A value over 12 proves its style. What reads both ways is read so that nothing in the report contradicts anything
    else: if only one reading does so, that one; if several, Zoom's own style month-first, the order that other dates
    of the report prove, or the reading that is far likelier. Raises `AmbiguousDates` with both readings.
    """
    chosen = Chosen()
    is_open = []
    for style in np.unique(cells.style[cells.style >= 0]).tolist():
        order = _proved(cells, style, chosen.warnings)
        if order:
            chosen.orders[style] = order
        else:
            is_open.append(style)
    if is_open:
        _choose_open(chosen, is_open, cells, times_of)
        return chosen
    if any(not is_zooms(style) and _first_both_ways(cells, style) is not None for style in chosen.orders):
        _refuse_contradicted(chosen, cells, times_of)
    if DAY_FIRST in chosen.orders.values():
        chosen.warnings.append(f"{_WHERE}: dates are day-first here, not month-first as Zoom writes (a day over 12)")
    return chosen


def _refuse_contradicted(chosen: Chosen, cells: TwoReadings, times_of: Callable[[Ints], ReportTimes]) -> None:
    """Refuse re-written dates whose order is proved for some and wrong for others: numbers and names were mixed."""
    against = contradictions(replace(times_of(cells.under(chosen.orders)), came=MISSING), strict=True)
    if against:
        proved = " and ".join(sorted({_name(order) for order in chosen.orders.values()}))
        raise AmbiguousDates(
            f"its dates can only be {proved} by their days over 12, but then {against[0]}", where=_WHERE, fix=_FIX
        )


def _proved(cells: TwoReadings, style: int, warnings: list[str]) -> Order | None:
    """Return the order that values over 12 prove for a style."""
    own = cells.style == style
    only_day = int((own & (cells.by_month == MISSING)).sum())
    only_month = int((own & (cells.by_day == MISSING)).sum())
    total, most = only_day + only_month, max(only_day, only_month)
    if not total:
        return None
    if most < ENOUGH * total:
        written = [cells.written(_first(own & (other == MISSING))) for other in (cells.by_month, cells.by_day)]
        raise AmbiguousDates(
            f"{only_day} of its dates can only be day-first ({written[0]}), {only_month} month-first ({written[1]})",
            where=_WHERE,
            fix=_FIX,
        )
    order: Order = DAY_FIRST if only_day >= only_month else MONTH_FIRST
    if most < total:
        warnings.append(f"{_WHERE}: {total - most} of {total} contradict the order {_name(order)} and were not read")
    return order


def _choose_open(
    chosen: Chosen, is_open: list[int], cells: TwoReadings, times_of: Callable[[Ints], ReportTimes]
) -> None:
    """Choose the orders of styles without a proof."""
    if len(is_open) > MOST_OPEN:
        raise AmbiguousDates("its dates are written in too many ways to be read", where=_WHERE, fix=_FIX)
    read = []
    for orders in product((MONTH_FIRST, DAY_FIRST), repeat=len(is_open)):
        both = chosen.orders | dict(zip(is_open, orders, strict=True))
        times = times_of(cells.under(both))
        read.append(_Read(both, times, contradictions(times, strict=True)))
    fits = [one for one in read if not one.against]
    if not fits and all(map(is_zooms, is_open)):
        # Later than its arrival in every reading: the clock of this machine was wrong, and says nothing.
        fits = [one for one in read if not contradictions(replace(one.times, came=MISSING), strict=True)]
    usual = {style: order for style in is_open if (order := _usual(style, chosen.orders, cells))}
    likely = [one for one in fits if usual.items() <= one.orders.items()] or fits
    best = next((one for one in likely if all(one is b or is_likelier(one.times, b.times) for b in likely)), None)
    if best is not None and any(is_likelier(one.times, best.times) for one in fits):
        best = None
    if best is None:
        raise AmbiguousDates(_both_ways(read, is_open[0], cells), where=_WHERE, fix=_FIX)
    chosen.orders = best.orders
    if not all(is_zooms(style) and best.orders[style] == MONTH_FIRST for style in is_open):
        chosen.warnings.append(_warning(best, read, is_open[0], cells))


def _usual(style: int, proved: dict[int, Order], cells: TwoReadings) -> Order | None:
    """Return the order of dates without a proof where that contradicts nothing, None if nothing says so.

    Zoom's own style is Zoom's. What a spreadsheet program left of a column shows how it took the rest: numbers stay in
    their order, and months by name come out day-first where days are written with - or dots.
    """
    column = style // _STYLES
    if is_zooms(style):
        return MONTH_FIRST
    beside = {order for other, order in proved.items() if other // _STYLES == column}
    if beside:
        return beside.pop() if len(beside) == 1 else None
    is_rewritten = style % _STYLES // 4 != _SIGNS.index("/")
    return DAY_FIRST if column in cells.named and is_rewritten else None


def _both_ways(whole: list[_Read], style: int, cells: TwoReadings) -> str:
    written, by_day, by_month = _sample(cells, style, whole[0].times.zone)
    said = f"its dates read both ways: {written} is {by_day} or {by_month}"
    if not whole[0].against or not whole[-1].against:
        return f"{said}, and nothing in the report says which"
    return f"{said}, and neither fits: by the first {whole[-1].against[0]}, by the other {whole[0].against[0]}"


def _warning(best: _Read, whole: list[_Read], style: int, cells: TwoReadings) -> str:
    """Return the warning of dates that were read by what the report says elsewhere."""
    order = best.orders[style]
    written, by_day, by_month = _sample(cells, style, best.times.zone)
    taken, other = (by_day, by_month) if order == DAY_FIRST else (by_month, by_day)
    against = whole[0 if order == DAY_FIRST else -1].against
    why = f"if it were {other}, {against[0]}" if against else f"its other times are near that, and not near {other}"
    return (
        f"{_WHERE}: {_name(order)}, so that {written} is {taken} ({why}): a spreadsheet program has re-written this "
        "report; drop it unopened next time"
    )


def _sample(cells: TwoReadings, style: int, zone: str) -> tuple[str, str, str]:
    """Return a date of a style as written, and the days that it is in both orders."""
    at = _first_both_ways(cells, style) or 0
    return cells.written(at), day_name(int(cells.by_day[at]), zone), day_name(int(cells.by_month[at]), zone)


def _first_both_ways(cells: TwoReadings, style: int) -> int | None:
    both = (cells.style == style) & (cells.by_day != MISSING) & (cells.by_month != MISSING)
    return _first(both) if both.any() else None


def _first(where: npt.NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(where)[0])


def _name(order: Order) -> str:
    return order.replace("_", "-")
