"""Dates that lie far from the rows around them, and near when day and month change places: typed in the other order.

The proof of a column's order is one for all of its rows (`date_order`); a few cells typed by somebody else in the other
order read as other days, months off. Here: finding them by the order of rows, or else by all other dates.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from funnel_etl.core.values.date_order import MONTH_FIRST, NAT, SAME, Numeric, Order
from funnel_etl.core.values.numbers import grouped

DAY_US = 86_400_000_000
MONTH = 31.0
"""Days: a row is near a neighbour within this, when only one side is known or the two sides are of other times."""
STEPS = 3
"""It is near within so many steps, too, in a column with few rows: the step that nine rows in ten do not exceed."""
FAR = 15.0
"""Days outside what lies between the neighbours: so far is no row in order."""
NEARER = 4
"""How many times nearer the other reading must be, besides lying within a month."""
SURE, FEW = 3, 10
"""Rows whose order is plain that are needed; with fewer than FEW, those near them count too."""
IN_ORDER = 7.0
"""Days by which nine rows in ten lie at most outside their neighbours, in a column that is in order of time."""
BY_CHANCE = 0.2
"""Share of far dates whose other reading fits by chance, at most: so few are not worth a word."""

Days = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class _Sides(NamedTuple):
    """For each row the middle of three sure rows before it, and of three behind it; NaN where there is none."""

    before: Days
    behind: Days
    month: float

    @property
    def loose(self) -> Bools:
        """Whether order says little: at an end, or between rows of other times (a block was pasted there)."""
        result: Bools = ~(np.abs(self.before - self.behind) <= self.month)
        return result

    def distance(self, days: Days) -> Days:
        """Return how far days lie outside the rows around them; where these are loose, from the nearer one."""
        low, high = np.fmin(self.before, self.behind), np.fmax(self.before, self.behind)
        nearest = np.fmin(np.abs(days - self.before), np.abs(days - self.behind))
        return np.where(self.loose, nearest, np.maximum(np.maximum(low - days, days - high), 0))


def far_from_neighbours(numeric: Numeric, order: Order, column: str) -> tuple[Bools, list[str]]:
    """Return which rows are not to be read, and a warning of these or of such that are read all the same.

    They are not read if the column is in order of time, and of its far dates more fit in the other reading than not:
    a block of older rows, entered later, has many that do not. Else those far from all sure dates are named too.
    """
    doubtful = np.zeros(len(numeric.codes), dtype=bool)
    read, other = (numeric.by_month, numeric.by_day) if order == MONTH_FIRST else (numeric.by_day, numeric.by_month)
    either = (read != NAT) & (other != NAT) & (numeric.first != numeric.second)
    instants = np.maximum(read, numeric.others)
    rows = np.flatnonzero(numeric.codes >= 0)
    rows = rows[instants[numeric.codes[rows]] != NAT]
    codes = numeric.codes[rows]
    days, swapped, is_open = instants[codes] / DAY_US, other[codes] / DAY_US, either[codes]
    sure = _sure(days, is_open)
    if order == SAME or not is_open.any() or sure.sum() < SURE:
        return doubtful, []
    sides = _sides(days, sure)
    distance = sides.distance(days)
    far = distance > np.where(sides.loose, sides.month, FAR)
    other_distance = sides.distance(swapped)
    nearer = sides.loose | (NEARER * other_distance <= distance)
    fits = far & is_open & nearer & (other_distance <= sides.month)
    fits &= fits.sum() > BY_CHANCE * far.sum()
    told = "dates lie far from the rows around them, and near with day and month exchanged"
    if 2 * fits.sum() > far.sum() and np.quantile(distance[sure], 0.9) <= IN_ORDER:
        doubtful[rows[fits]] = True
        return doubtful, [f"{column}: {grouped(int(fits.sum()))} {told}: they were not read"]
    fits |= _far_from_all(days, swapped, sure, is_open)
    why = "the order of the rows proves nothing, so they were read as the others"
    return doubtful, [f"{column}: {grouped(int(fits.sum()))} {told}; {why}"] if fits.any() else []


def _far_from_all(days: Days, swapped: Days, sure: Bools, is_open: Bools) -> Bools:
    """Return which open dates lie far from every sure one, whatever the order of rows, and near one when exchanged.

    None of them if most that lie so far do not fit: they are older rows.
    """
    known = np.unique(np.floor(days[sure]))
    far_is = max(FAR, STEPS * float(np.quantile(np.diff(known), 0.9))) if len(known) > 1 else np.inf
    far = _to_nearest(known, days) > far_is
    fits: Bools = far & is_open & (_to_nearest(known, swapped) <= FAR)
    fits &= 2 * fits.sum() > far.sum()
    return fits


def _to_nearest(known: Days, days: Days) -> Days:
    place = np.searchsorted(known, days)
    below, above = known[np.maximum(place - 1, 0)], known[np.minimum(place, len(known) - 1)]
    return np.minimum(np.abs(days - below), np.abs(days - above))


def _sure(days: Days, is_open: Bools) -> Bools:
    """Return the rows that read one way only; where these are few, also those within a month of them."""
    sure = ~is_open
    if 0 < sure.sum() < FEW:
        sure |= (days >= days[sure].min() - MONTH) & (days <= days[sure].max() + MONTH)
    return sure


def _sides(days: Days, sure: Bools) -> _Sides:
    known = days[sure]
    ends = np.concatenate([known[:1], known[:1], known, known[-1:], known[-1:]])
    middles = np.median(np.lib.stride_tricks.sliding_window_view(ends, 3), axis=1)
    count_before: npt.NDArray[np.int64] = np.cumsum(sure) - sure
    count_with = count_before + sure
    before = np.where(count_before > 0, middles[np.maximum(count_before - 1, 0)], np.nan)
    behind = np.where(count_with < len(known), middles[np.minimum(count_with + 2, len(middles) - 1)], np.nan)
    steps = np.abs(np.diff(known))
    return _Sides(before, behind, max(MONTH, STEPS * float(np.quantile(steps, 0.9))))
