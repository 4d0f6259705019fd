"""Dates as files spell them, to UTC instants, with the order of day and month proved and never guessed.

Here: reading one column of dates, and the business days made of them. Not here: the spellings (`date_spelling`), the
proof itself (`date_order`), dates that lie oddly among their rows (`date_neighbours`), and what a blank or unreadable
date does to its row (the caller decides).
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.values.date_neighbours import far_from_neighbours
from funnel_etl.core.values.date_order import DAY_FIRST, MONTH_FIRST, SAME, Numeric, Order, prove
from funnel_etl.core.values.date_spelling import BAD, ISO, NAMED, NUMERIC, SERIAL, Spelled, read, tidy
from funnel_etl.core.values.text import is_filled, spread, unique_texts

BLANK_DATE = "blank_date"
EXCEL_SERIAL = "excel_serial"
BAD_DATE = "bad_date"
AMBIGUOUS_DATE = "ambiguous_date"

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
FIRST_YEAR, LAST_YEAR = 1970, 2100
MISSING = np.iinfo(np.int64).min
_NAT = MISSING
_MINUTE_US = 60_000_000


class Dates(NamedTuple):
    """One column, read.

    `instants`: datetime64[us, UTC]; `reason`: str, NaN where read, else `blank_date`, `excel_serial`, `bad_date` or
    `ambiguous_date` (which keeps the instant by the column's order, for who must only tell rows apart). `order`: how
    the numeric dates were read, else the spelling there was, None when nothing was read. `proof`: why, in words.
    `warnings`: for a person; no row's content but the dates.
    """

    instants: pd.Series
    reason: pd.Series
    order: Literal["iso", "named", "day_first", "month_first", "same"] | None
    proof: str
    warnings: list[str]


def parse(
    texts: pd.Series,
    zone: str,
    *,
    column: str,
    blanks: tuple[str, ...] = ("",),
) -> Dates:
    """Read a text column of dates. Rule: Dates.

    Values without `Z` or an offset are local in `zone`. `blanks` are texts that mean nothing, compared trimmed and
    without regard to case; `column` is the name used in errors. Raises errors.AmbiguousDates when numeric dates read
    both ways and nothing proves which.
    """
    uniques, codes = unique_texts(texts)
    plain = tidy(uniques)
    blank = pc.is_in(plain, tidy(pa.array(["", *blanks], type=pa.large_string()))).to_numpy(zero_copy_only=False)
    spelled = read(plain)
    kind = np.where(blank, BAD, spelled.kind)

    instants = _instants(spelled, spelled.month, spelled.day, zone, (kind == ISO) | (kind == NAMED))
    order, proof, warnings = _spelling(kind, instants)
    doubtful = np.zeros(len(codes), dtype=bool)
    if (kind == NUMERIC).any():
        # The reader leaves numeric dates as written: `month` holds the first number, `day` the second.
        by_day = _instants(spelled, spelled.day, spelled.month, zone, kind == NUMERIC)
        by_month = _instants(spelled, spelled.month, spelled.day, zone, kind == NUMERIC)
        if ((by_day != _NAT) | (by_month != _NAT)).any():
            numeric = Numeric(uniques, spelled.month, spelled.day, spelled.year, by_day, by_month, instants, codes)
            proved = prove(numeric, column)
            order, proof, warnings = proved.order, proved.proof, proved.warnings
            doubtful, doubts = far_from_neighbours(numeric, order, column)
            warnings = [*warnings, *doubts]
            instants = np.maximum(instants, by_month if order == MONTH_FIRST else by_day)

    reasons = np.full(len(kind), None, dtype=object)
    reasons[instants == _NAT] = BAD_DATE
    reasons[kind == SERIAL] = EXCEL_SERIAL
    reasons[blank] = BLANK_DATE
    reason = spread(pa.array(reasons, type=pa.large_string()), codes, texts.index).mask(codes < 0, BLANK_DATE)
    reason = reason.mask(doubtful, AMBIGUOUS_DATE)
    rows = np.append(instants, _NAT)[codes].view("datetime64[us]")
    utc = pd.Series(pd.DatetimeIndex(rows).tz_localize("UTC"), index=texts.index)
    return Dates(utc, reason, order, proof, warnings)


def parse_first(columns: Sequence[pd.Series], zone: str, column: str) -> Dates:
    """Read columns of one meaning: in each row the first cell that is not blank. Each proves its own order.

    A later column whose order cannot be proved is not read, which is a warning: rows that need it stay blank.
    """
    first, *others = columns
    read = parse(first, zone, column=column)
    for other in others:
        wanted = (read.reason == BLANK_DATE) & is_filled(other)
        if not wanted.any():
            continue
        try:
            more = parse(other, zone, column=column)
        except AmbiguousDates as error:
            read.warnings.append(f"{column}: a second column of it was not read: {error.what}")
            continue
        read = read._replace(
            instants=read.instants.where(~wanted, more.instants),
            reason=read.reason.where(~wanted, more.reason),
            warnings=[*read.warnings, *more.warnings],
        )
    return read


class Readings(NamedTuple):
    """One column in both orders: µs since 1970 in UTC by row, `MISSING` where a text has no such reading.

    They are the same for every spelling but numeric dates. `kind`: how a cell is spelled, as in `date_spelling`;
    `is_blank`: whether it means nothing.
    """

    by_day: Ints
    by_month: Ints
    kind: Ints
    is_blank: Bools


def readings(texts: pd.Series, zone: str, *, blanks: tuple[str, ...] = ("",)) -> Readings:
    """Read a column day-first and month-first, for a caller who proves the order by more than the column.

    `zone` and `blanks` as in `parse`.
    """
    uniques, codes = unique_texts(texts)
    plain = tidy(pa.concat_arrays([uniques, pa.array([""], type=pa.large_string())]))
    blank = pc.is_in(plain, tidy(pa.array(["", *blanks], type=pa.large_string()))).to_numpy(zero_copy_only=False)
    spelled = read(plain)
    kind = np.where(blank, BAD, spelled.kind)
    plain_order = _instants(spelled, spelled.month, spelled.day, zone, (kind == ISO) | (kind == NAMED))
    by_day = _instants(spelled, spelled.day, spelled.month, zone, kind == NUMERIC)
    by_month = _instants(spelled, spelled.month, spelled.day, zone, kind == NUMERIC)
    both = (np.maximum(plain_order, by_day), np.maximum(plain_order, by_month))
    return Readings(both[0][codes], both[1][codes], kind[codes], blank[codes])


def business_day(instants: pd.Series, zone: str) -> pd.Series:
    """Return the day each instant falls on in `zone`: naive datetime64[us] at midnight, NaT where missing."""
    local = instants.dt.tz_convert(zone).dt.tz_localize(None)
    days = local.to_numpy().astype("datetime64[D]").astype("datetime64[us]")
    return pd.Series(days, index=instants.index)


def day_end(day: pd.Timestamp, zone: str) -> pd.Timestamp:
    """Return the instant (UTC) at which a business day of `zone` has ended."""
    midnight = (day + pd.Timedelta(days=1)).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return midnight.tz_convert("UTC")


def month_start(days: pd.Series) -> pd.Series:
    """Return the first of each day's month: naive datetime64[us] at midnight, NaT where missing."""
    months = days.to_numpy().astype("datetime64[M]").astype("datetime64[us]")
    return pd.Series(months, index=days.index)


def _spelling(kind: Ints, instants: Ints) -> tuple[Order | None, str, list[str]]:
    for code, name, proof in ((ISO, "iso", "year first"), (NAMED, "named", "month by name")):
        if ((kind == code) & (instants != _NAT)).any():
            return name, proof, []  # type: ignore[return-value]
    return None, "", []


def _instants(spelled: Spelled, month: Ints, day: Ints, zone: str, wanted: Bools) -> Ints:
    """Count µs since 1970 in UTC; NaT's integer where not `wanted` or where no such time exists."""
    year = spelled.year
    possible = wanted & (spelled.micros >= 0) & (year >= FIRST_YEAR) & (year <= LAST_YEAR)
    possible &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(possible, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(possible, day - 1, 0)
    possible &= days.astype("datetime64[M]") == months
    local = days.astype("datetime64[us]").astype(np.int64) + np.where(possible, spelled.micros, 0)
    naive = possible & ~spelled.has_offset
    instants = np.where(possible, local - spelled.offset * _MINUTE_US, _NAT)
    if naive.any():
        instants[naive] = _to_utc(local[naive], zone)
    return instants


def _to_utc(local: Ints, zone: str) -> Ints:
    index = pd.DatetimeIndex(local.view("datetime64[us]"))
    first = np.ones(len(index), dtype=bool)
    aware: Any = index.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    result: Ints = aware.as_unit("us").asi8
    return result


__all__ = [
    "AMBIGUOUS_DATE",
    "BAD_DATE",
    "BLANK_DATE",
    "DAY_FIRST",
    "EXCEL_SERIAL",
    "MISSING",
    "MONTH_FIRST",
    "SAME",
    "Dates",
    "Readings",
    "business_day",
    "month_start",
    "parse",
    "parse_first",
    "readings",
]
