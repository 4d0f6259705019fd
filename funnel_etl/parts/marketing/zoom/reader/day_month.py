"""Which of two numbers is the day in a Zoom report: by values over 12, else by what its times say of each other.

A spreadsheet program re-writes what it takes for dates in its own way and leaves the rest, and Zoom may write columns
differently: so every style of writing in a column may have its own order. Decision 10. Here: choosing the order of
each. Not here: reading text (`times`), and what contradicts what (`plausible`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import compress, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.values.date_order import DAY_FIRST, ENOUGH, MONTH_FIRST, Order
from funnel_etl.core.values.dates import MISSING
from funnel_etl.parts.marketing.zoom.reader.plausible import (
    TIGHT,
    WIDE,
    ReportTimes,
    contradictions,
    day_name,
    in_all,
    in_words,
    is_likelier,
    is_nearer,
)

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

    def under(self, orders: dict[int, Order], mixed: tuple[int, ...] = ()) -> Ints:
        """Return the instants where each style has its order; those that are `mixed` only where a cell has no other."""
        day_first = [style for style, order in orders.items() if order == DAY_FIRST]
        is_other = np.isin(self.style, mixed) & (self.by_day != MISSING) & (self.by_month != MISSING)
        return np.where(np.isin(self.style, day_first) ^ is_other, self.by_day, self.by_month)


class _Read(NamedTuple):
    """One way to read a report, its times, and what they contradict, by kind.

    `orders` by style; `mixed`: styles whose order is proved, in the other order where a cell reads both ways.
    `against`: all contradictions; `held`: those by a fortnight and more that not every reading has.
    """

    orders: dict[int, Order]
    mixed: tuple[int, ...]
    times: ReportTimes
    against: dict[str, str]
    held: dict[str, str]


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
    is_open, doubtful = [], []
    for style in np.unique(cells.style[cells.style >= 0]).tolist():
        order = _proved(cells, style, chosen.warnings)
        if not order:
            is_open.append(style)
            continue
        chosen.orders[style] = order
        if not is_zooms(style) and _first_both_ways(cells, style) is not None:
            doubtful.append(style)
    if len(is_open) > MOST_OPEN:
        raise AmbiguousDates("its dates are written in too many ways to be read", where=_WHERE, fix=_FIX)
    if not is_open and DAY_FIRST in chosen.orders.values():
        chosen.warnings.append(f"{_WHERE}: dates are day-first here, not month-first as Zoom writes (a day over 12)")
    if not is_open and not doubtful:
        return chosen
    whole = _readings(chosen.orders, is_open, doubtful[: MOST_OPEN - len(is_open)], cells, times_of)
    read, mixed = [one for one in whole if not one.mixed], [one for one in whole if one.mixed]
    best = _best(read, is_open, chosen.orders, cells) if is_open else read[0]
    if best is None:
        raise AmbiguousDates(_both_ways(read, is_open[0], cells), where=_WHERE, fix=_FIX)
    _refuse_mixed(best, mixed, chosen.orders)
    chosen.orders = best.orders
    if not all(is_zooms(style) and best.orders[style] == MONTH_FIRST for style in is_open):
        chosen.warnings.append(_warning(best, read, is_open[0], cells))
    chosen.warnings += in_words(best.against)
    return chosen


def _readings(
    proved: dict[int, Order],
    is_open: list[int],
    doubtful: list[int],
    cells: TwoReadings,
    times_of: Callable[[Ints], ReportTimes],
) -> list[_Read]:
    """Return all ways to read a report. What contradicts something in each of them says nothing of which is right."""
    ways = []
    for orders in product((MONTH_FIRST, DAY_FIRST), repeat=len(is_open)):
        both = proved | dict(zip(is_open, orders, strict=True))
        for is_mixed in product((False, True), repeat=len(doubtful)):
            mixed = tuple(compress(doubtful, is_mixed))
            ways.append((both, mixed, times_of(cells.under(both, mixed))))
    leave_out = in_all([times for _, _, times in ways])
    return [_Read(*way, contradictions(way[2], TIGHT), contradictions(way[2], WIDE, leave_out)) for way in ways]


def _best(read: list[_Read], is_open: list[int], proved: dict[int, Order], cells: TwoReadings) -> _Read | None:
    """Return the reading to be taken, None where nothing says which.

    Who registers after the end wants the recording: where the readings without that lie farther apart, only Zoom's
    own style or other dates of the column decide. Where no reading fits, somebody has edited the report, or a clock
    is wrong: then what is off in every reading counts for nothing, nor what is off by days.
    """
    usual = {style: order for style in is_open if (order := _usual(style, proved, cells))}
    fits = [one for one in read if not one.against]
    late = [one for one in read if one.against.keys() == {"late"}]
    if fits and (nearer := [one for one in late if all(is_nearer(one.times, other.times) for other in fits)]):
        is_usual = (one for one in nearer if one.orders == proved | usual)
        return next(is_usual, None)
    if not fits:
        zooms = {style: MONTH_FIRST for style in is_open if is_zooms(style)}
        fits = [
            one
            for one in read
            if (not one.held or one.against.keys() == {"late"}) and zooms.items() <= one.orders.items()
        ]
    best = _likeliest([one for one in fits if usual.items() <= one.orders.items()] or fits)
    return None if best and any(is_likelier(one.times, best.times) for one in fits) else best


def _likeliest(read: list[_Read]) -> _Read | None:
    """Return the reading that is far likelier than all others, None where there is none."""
    return next((one for one in read if all(one is b or is_likelier(one.times, b.times) for b in read)), None)


def _refuse_mixed(best: _Read, mixed: list[_Read], proved: dict[int, Order]) -> None:
    """Refuse re-written dates whose order is proved for some and wrong for others: numbers and names were mixed.

    So it is where the other order, for cells that read both ways, contradicts nothing. What people did late (they
    register for the recording) contradicts no order unless the other one lies nearer.
    """
    fits = [one for one in mixed if not one.held]
    if best.held:
        rivals = [one for one in fits if best.held.keys() != {"late"} or is_nearer(one.times, best.times)]
    else:
        rivals = [one for one in fits if is_likelier(one.times, best.times)]
    if rivals:
        names = " and ".join(sorted({_name(order) for order in proved.values()}))
        what = _why_not(best) or "days lie months apart that belong together"
        raise AmbiguousDates(
            f"its dates can only be {names} by their days over 12, but then {what}", where=_WHERE, fix=_FIX
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


def _both_ways(read: list[_Read], style: int, cells: TwoReadings) -> str:
    by_month_first, by_day_first = read[0], read[-1]
    written, by_day, by_month = _sample(cells, style, by_day_first.times.zone)
    said = f"its dates read both ways: {written} is {by_day} or {by_month}"
    if not all(one.held for one in read):
        return f"{said}, and nothing in the report says which"
    return f"{said}, and neither fits: by the first {_why_not(by_day_first)}, by the other {_why_not(by_month_first)}"


def _warning(best: _Read, read: list[_Read], style: int, cells: TwoReadings) -> str:
    """Return the warning of dates that were read by what the report says elsewhere."""
    order = best.orders[style]
    written, by_day, by_month = _sample(cells, style, best.times.zone)
    taken, other = (by_day, by_month) if order == DAY_FIRST else (by_month, by_day)
    against = _why_not(read[0 if order == DAY_FIRST else -1])
    why = f"if it were {other}, {against}" if against else f"its other times are near that, and not near {other}"
    return (
        f"{_WHERE}: {_name(order)}, so that {written} is {taken} ({why}): a spreadsheet program has re-written this "
        "report; drop it unopened next time"
    )


def _why_not(one: _Read) -> str:
    """Return what speaks most against a reading; "" for nothing."""
    return next(iter((one.held or one.against).values()), "")


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
