"""Which of two numbers is the day: the proof of order for one column of numeric dates.

Here: the proofs, in order of strength. Not here: reading text (`date_spelling`) and calendars (`dates`).
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from funnel_etl.core.errors import AmbiguousDates

Order = Literal["day_first", "month_first", "same", "iso", "named"]
DAY_FIRST: Order = "day_first"
MONTH_FIRST: Order = "month_first"
SAME: Order = "same"

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NAT = np.iinfo(np.int64).min
ENOUGH = 0.9

_FIX = (
    "export the file again with ISO dates (2026-11-12), or with rows of other days, so that a day over 12 "
    "shows which number is the day"
)


class Numeric(NamedTuple):
    """The numeric dates of one column, by unique text; `codes` are the rows' texts in file order.

    `by_day` and `by_month` are the instants (µs, UTC) of the two readings, NAT where a reading is
    impossible or the text is not a numeric date; `others` the instants of the texts whose order is plain.
    """

    texts: Any
    first: Ints
    second: Ints
    year: Ints
    by_day: Ints
    by_month: Ints
    others: Ints
    codes: Ints


class Proved(NamedTuple):
    """The order, why, and what a person should know."""

    order: Order
    proof: str
    warnings: list[str]


def prove(numeric: Numeric, column: str) -> Proved:
    """Prove the order: values over 12, else the order of the rows.

    Raises AmbiguousDates, which names the column and both readings of a sample value.
    """
    proved = _by_values_over_twelve(numeric, column)
    if proved is None and not _both_differ(numeric).any():
        proved = Proved(SAME, "day and month are equal in every value", [])
    if proved is None:
        proved = _by_monotonic_order(numeric)
    if proved is None:
        raise AmbiguousDates(
            f"the order of day and month cannot be proved: {_both_readings(numeric)}", where=column, fix=_FIX
        )
    return proved


def _both_differ(numeric: Numeric) -> Bools:
    both = (numeric.by_day != NAT) & (numeric.by_month != NAT)
    result: Bools = both & (numeric.first != numeric.second)
    return result


def _by_values_over_twelve(numeric: Numeric, column: str) -> Proved | None:
    known = numeric.codes[numeric.codes >= 0]
    rows = np.bincount(known, minlength=len(numeric.first))
    only_day = (numeric.by_day != NAT) & (numeric.by_month == NAT)
    only_month = (numeric.by_month != NAT) & (numeric.by_day == NAT)
    day_rows, month_rows = int(rows[only_day].sum()), int(rows[only_month].sum())
    total = day_rows + month_rows
    if not total:
        return None
    order, votes = (DAY_FIRST, day_rows) if day_rows >= month_rows else (MONTH_FIRST, month_rows)
    if votes < ENOUGH * total:
        raise AmbiguousDates(
            f"the order of day and month cannot be proved: {day_rows} rows can only be day-first "
            f"({_sample(numeric, only_day)}), {month_rows} only month-first ({_sample(numeric, only_month)})",
            where=column,
            fix=_FIX,
        )
    warnings = []
    if votes < total:
        warnings.append(f"{column}: {total - votes} of {total} rows contradict the order {order} and were not read")
    return Proved(order, f"a value over 12 in {votes} rows", warnings)


def _by_monotonic_order(numeric: Numeric) -> Proved | None:
    readings = list(_rows_of_readings(numeric))
    is_numeric = (numeric.by_day != NAT)[numeric.codes] & (numeric.codes >= 0)
    if len(np.unique(numeric.codes[is_numeric])) < 3:
        return None
    ordered = [order for order, values in readings if _is_monotonic(values)]
    return Proved(ordered[0], "the rows are in order of time in this reading only", []) if len(ordered) == 1 else None


def _rows_of_readings(numeric: Numeric) -> Iterator[tuple[Order, Ints]]:
    codes = numeric.codes[numeric.codes >= 0]
    for order, reading in ((DAY_FIRST, numeric.by_day), (MONTH_FIRST, numeric.by_month)):
        values = np.maximum(reading, numeric.others)[codes]
        yield order, values[values != NAT]


def _is_monotonic(values: Ints) -> bool:
    steps = np.diff(values)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _sample(numeric: Numeric, where: Bools) -> str:
    """Return one such date as written, without its time of day."""
    at = int(np.flatnonzero(where)[0])
    return str(numeric.texts[at].as_py()).split()[0].rstrip(",")


def _both_readings(numeric: Numeric) -> str:
    at = int(np.flatnonzero(_both_differ(numeric))[0])
    first, second, year = int(numeric.first[at]), int(numeric.second[at]), int(numeric.year[at])
    by_day, by_month = dt.date(year, second, first), dt.date(year, first, second)
    sample = _sample(numeric, _both_differ(numeric))
    return f"{sample} is {by_day.day} {by_day:%B} or {by_month.day} {by_month:%B}"
