"""What is usual for some days, and how far from it a count is: the statistic behind `volumes`. Numbers only, no words.

Usual of a day is the median of the same weekdays of the weeks before, each first moved along the trend (Theil-Sen: the
median of the growth between any two of the same weekday). How much such days differ is measured on the same days, with
what is far off pulled in. A count is as far from usual as its distance is after the transform that makes a
negative-binomial count's spread the same everywhere; with a spread below Poisson's, in steps of that smaller spread.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

LEAST = 4
"""Earlier days of the same weekday that a day needs, to be compared with anything."""
HELD_WEEKS = 26
"""How far back the earlier days of what is not held every week are looked for."""
WEEK = 7
STEEPEST = np.log(1.1)
"""Most that a trend may be, a week: a collapse must not become the trend that excuses it."""
TREND_PAIRS, TREND_DOUBT = 80, 1.5
"""Pairs of days a trend is measured on at least; how many of its standard errors a rise is taken to be less steep."""
LEAST_SPREAD, SURELY_STEADY = 0.1, 0.4
"""Least spread against Poisson's (as variance), and the spread that surely is smaller than Poisson's."""
MARGIN = 1.5
"""How much wider what is beyond Poisson's is taken to be: it is measured on some fifty days only."""
NORMAL_MAD, FAR_OFF = 1.4826, 2.5
"""Standard deviation of a normal by its median distance; how many of them are as far off as anything counts."""
MEDIAN_COST, TREND_COST = np.pi / 2, 2.0
"""Variance of a median against that of a mean; of a Theil-Sen slope, whose pairs share days, against that of
least squares."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Usual:
    """What is usual of some days together.

    `expected`: rows; `spread`: variance against Poisson's; `excess`: variance beyond Poisson's against the square of
    the expected rows (0 where the spread is not larger); `known`: days that each expected day is known from;
    `trend_error`: variance that the trend adds, against that of the days.
    """

    expected: float
    spread: float
    excess: float
    known: int
    trend_error: float = 0.0

    def surprise(self, seen: float) -> float:
        """Return how far below usual a count is, in standard deviations; negative above."""
        expected, found = self.expected + 3 / 8, max(seen, 0) + 3 / 8
        if self.excess > 0:
            root = np.sqrt(self.excess)
            distance = 2 / root * (np.arcsinh(root * np.sqrt(expected)) - np.arcsinh(root * np.sqrt(found)))
        else:
            distance = 2 * (np.sqrt(expected) - np.sqrt(found)) / np.sqrt(self.spread)
        return float(distance / np.sqrt(1 + MEDIAN_COST / self.known + self.trend_error))


def usual_of(
    series: Mapping[str, pd.Series],
    days: Sequence[pd.Timestamp],
    start: pd.Timestamp,
    weeks: int,
    holidays: Collection[date] = (),
    *,
    is_held: bool = False,
) -> tuple[Usual, int] | None:
    """Return what is usual of the days together, by what was before `start`, and what was seen; None: no comparison.

    `series`: name → count by day; a day without a count was not held, and neither it nor a series without LEAST earlier
    such weekdays is compared. `days` lie in the week from `start`.
    """
    histories = {
        name: _history(counts, start, HELD_WEEKS if is_held else weeks, weeks, holidays)
        for name, counts in series.items()
    }
    growth = 0.0 if is_held else _trend(list(histories.values()))
    cells, residuals, sizes, middles, seen = [], [], [], [], 0
    for name, history in histories.items():
        grown = np.exp(growth * np.arange(len(history), 0, -1, dtype=float))[:, None]
        moved = history * grown
        known = np.isfinite(moved).sum(axis=0)
        is_known = known >= LEAST
        if not is_known.any():
            continue
        middle = np.full(WEEK, np.nan)
        middle[is_known] = _medians(moved[:, is_known])
        usable = is_known & (middle >= 1)
        middles += middle[usable].tolist()
        gaps = (moved[:, usable] - middle[usable]) / np.sqrt(middle[usable] * grown)
        residuals.append(gaps[np.isfinite(gaps)])
        sizes += [float(m) for m, n in zip(middle[usable], known[usable], strict=True) for _ in range(n)]
        for day in days:
            column, count = (day - start).days, series[name].get(day, np.nan)
            if usable[column] and not pd.isna(count):
                cells.append((middle[column], int(known[column])))
                seen += int(count)
    if not cells:
        return None
    least = min(known for _, known in cells)
    spread = _spread(np.concatenate(residuals), least)
    expected = sum(middle for middle, _ in cells)
    excess = max(spread - 1, 0) / float(np.mean(sizes)) * sum(m * m for m, _ in cells) / expected**2
    # A slope known from n weeks of d days, reaching (n + 1) / 2 weeks; all days together share its error.
    reach = TREND_COST * ((least + 1) / 2) ** 2 / (least * (least**2 - 1) / 12 * len(middles))
    return Usual(float(expected), spread, float(excess), least, reach * len(cells) if growth else 0.0), seen


def _history(counts: pd.Series, start: pd.Timestamp, span_weeks: int, weeks: int, holidays: Collection[date]) -> Floats:
    """Return the counts before `start` by week (oldest first) and weekday (that of `start` first), NaN where none."""
    # In NumPy: some seven hundred histories a night are small, and pandas would need most of their time to begin.
    length = span_weeks * WEEK
    first = np.datetime64(start - pd.Timedelta(days=length), "D")
    found = np.full(length, np.nan)
    places = (counts.index.to_numpy().astype("datetime64[D]") - first).astype(int)
    is_within = (places >= 0) & (places < length)
    found[places[is_within]] = counts.to_numpy(dtype=float, na_value=np.nan)[is_within]
    free = (np.array([*holidays], dtype="datetime64[D]") - first).astype(int)
    found[free[(free >= 0) & (free < length)]] = np.nan
    table: Floats = found.reshape(span_weeks, WEEK)
    later = np.isfinite(table)[::-1].cumsum(axis=0)[::-1]
    return np.where(later <= weeks, table, np.nan)


def _medians(columns: Floats) -> Floats:
    """Return the median of each column, of what is known of it: NumPy's own takes ten times as long for so few."""
    ordered, known = np.sort(columns, axis=0), np.isfinite(columns).sum(axis=0)  # NaN comes last
    place = np.arange(columns.shape[1])
    halves: Floats = (ordered[(known - 1) // 2, place] + ordered[known // 2, place]) / 2
    return halves


def _trend(histories: Sequence[Floats]) -> float:
    """Return the growth a week, as a logarithm; of a rise only what is beyond its own error.

    Rows must not be lacking only because a rise did not go on.
    """
    slopes, distances = [np.array([])], [np.array([])]
    for history in histories:
        logs = np.log(np.where(history > 0, history, np.nan))
        first, second = np.triu_indices(len(logs), 1)
        pairs = (logs[second] - logs[first]) / (second - first)[:, None]
        slopes.append(pairs[np.isfinite(pairs)])
        distances.append(((second - first)[:, None] * np.isfinite(pairs))[np.isfinite(pairs)])
    found, apart = np.concatenate(slopes), np.concatenate(distances)
    if len(found) < TREND_PAIRS:
        return 0.0
    slope = float(np.median(found))
    noise = NORMAL_MAD * float(np.median(np.abs(found - slope) * apart)) / np.sqrt(2)
    error = noise * np.sqrt(TREND_COST * 6 / (len(histories[0]) + 1) / len(found))
    return float(np.clip(slope if slope < 0 else max(slope - TREND_DOUBT * error, 0), -STEEPEST, STEEPEST))


def _spread(residuals: Floats, known: int) -> float:
    """Return the variance of residuals, robustly and on the safe side when it is known from few."""
    middle = np.median(residuals)
    furthest = FAR_OFF * NORMAL_MAD * np.median(np.abs(residuals - middle))
    measured = float(np.std(np.clip(residuals, middle - furthest, middle + furthest)))
    variance = (measured * (1 + 2 / len(residuals))) ** 2 * known / (known - 1)
    if variance < SURELY_STEADY:
        return max(MARGIN * variance, LEAST_SPREAD)
    return 1 + MARGIN * max(variance - 1, 0)
