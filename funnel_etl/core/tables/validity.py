"""For which as-of dates a table holds: whoever makes it again on another of these nights, of the same, gets the same.

It follows from what a table uses its as-of date for, which is declared, and from the days in what it is made of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Flag, auto

import pandas as pd

from funnel_etl.core.values.dates import business_day, day_end


class Uses(Flag):
    """What a table follows from besides its inputs, the config and what it reads of the night before."""

    NOTHING = 0
    CUT_OFF = auto()
    """Rows later than the as-of date are left out: only days and instants of the inputs are compared with it."""
    MONTHS = auto()
    """The as-of date tells which month goes on, and which are over: by itself, the day before or the day after."""
    NIGHT = auto()
    """It tells what is recorded of the night, so follows from more than its inputs: it is made every night."""
    SOURCE = auto()
    """It asks a source: it is made every night."""
    SHOWN = auto()
    """It shows its as-of date: it holds for that night alone, but each time that is run."""
    SETTLED = auto()
    """It reads itself as of the night before, and made again of the same and of what it made it is the same."""

    @property
    def is_reusable(self) -> bool:
        """Whether another night can do with what one has made."""
        return not self & (Uses.NIGHT | Uses.SOURCE)


@dataclass(frozen=True)
class Validity:
    """As-of dates from `since` (None: from the first) to the day before `until` (None: for ever)."""

    since: date | None = None
    until: date | None = None

    def holds(self, as_of: date) -> bool:
        """Return whether an as-of date is one of them."""
        return (self.since is None or self.since <= as_of) and (self.until is None or as_of < self.until)


def validity(uses: Uses, as_of: date, days: Iterable[pd.Series], zone: str) -> Validity:
    """Return for which as-of dates a table of `as_of` holds.

    `days`: the columns of days and instants that it may compare with its as-of date; a cut moves over none of them
    from the newest that is not later to the day before the earliest that is.
    """
    since, until = [], []
    if Uses.CUT_OFF in uses:
        around = [_around(column, as_of, zone) for column in days]
        since = [newest for newest, _ in around if newest]
        until = [earliest for _, earliest in around if earliest]
    if Uses.MONTHS in uses:
        first, last = _same_months(as_of)
        since.append(first)
        until.append(last + timedelta(days=1))
    if Uses.SHOWN in uses:
        since.append(as_of)
        until.append(as_of + timedelta(days=1))
    return Validity(max(since, default=None), min(until, default=None))


def _around(days: pd.Series, as_of: date, zone: str) -> tuple[date | None, date | None]:
    """Return the newest day up to `as_of`, and the earliest after it; None: there is none."""
    has_zone = isinstance(days.dtype, pd.DatetimeTZDtype)
    end = day_end(pd.Timestamp(as_of), zone) if has_zone else pd.Timestamp(as_of) + pd.Timedelta(days=1)
    is_past = days < end
    found = pd.Series([days[is_past].max(), days[~is_past].min()], dtype=days.dtype)
    newest, earliest = business_day(found, zone) if has_zone else found
    return None if pd.isna(newest) else newest.date(), None if pd.isna(earliest) else earliest.date()


def _same_months(as_of: date) -> tuple[date, date]:
    """Return the first and last day whose month, and the months of the days before and after, are those of `as_of`."""
    day = timedelta(days=1)
    if (as_of - day).month != as_of.month or (as_of + day).month != as_of.month:
        return as_of, as_of
    next_month = (as_of.replace(day=28) + 4 * day).replace(day=1)
    return as_of.replace(day=2), next_month - 2 * day
