"""What two full dumps of a source have in common: the keys of their rows, and which of them are gone.

Pure comparison. Which dump was the last good one, and what is done about a loss, is decided in `sources/guards`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.reading import total_rows
from funnel_etl.core.reading.csvfile import PROBLEM, RESERVED
from funnel_etl.core.values import dates
from funnel_etl.core.values.phone import sheet_phone
from funnel_etl.core.values.text import first_filled, lookup_keys, unique_texts

DAY_US = 86_400_000_000
NO_TIME = np.iinfo(np.int64).min
"""The integer of NaT: a row whose time cannot be read."""
_ODD = np.uint64(0x9E3779B97F4A7C15)

Hashes = npt.NDArray[np.uint64]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DumpKey:
    """What names a row of a source in each of its dumps, by documented columns.

    `when`: the row's own time. `identifier`: a column that names the row alone; without one the row is named by its
    time, by the last ten digits of `phone` if there is one, and by its number among those that agree in them.
    """

    when: str
    identifier: str | None = None
    phone: str | None = None


@dataclass(frozen=True)
class DumpRows:
    """The rows of a dump in its order: 64-bit hashes of their keys, and their times in µs UTC (or NO_TIME).

    `rows` tells every row apart; in `keys` repeats of one identifier are one.
    """

    keys: Hashes
    rows: Hashes
    times: Times

    @classmethod
    def empty(cls) -> "DumpRows":
        """Return a dump without rows."""
        none = np.array([], dtype=np.uint64)
        return cls(none, none, np.array([], dtype=np.int64))

    @property
    def count(self) -> int:
        """How many different keys there are."""
        return len(pd.unique(self.keys))

    @property
    def oldest(self) -> int | None:
        """The time at which the dump's window begins; a few odd old dates do not move it. None: no row has a time."""
        known = self.times[self.times != NO_TIME]
        if not len(known):
            return None
        low, high = np.quantile(known, [0.01, 0.99])
        return int(known[known >= low - (high - low)].min())


@dataclass(frozen=True)
class Loss:
    """What a dump lacks of an earlier one.

    `had`: keys of the earlier dump, `aged_out`: those of them that the window has moved past, `has`: keys of this one;
    `lost`: gone from inside the window; `cut_off`: how many of these stood, with nothing else, behind the row with
    which this dump ends. `times`: of the lost rows.
    """

    had: int
    aged_out: int
    has: int
    lost: int
    cut_off: int
    times: Times

    @property
    def share(self) -> float:
        """Share of the keys inside the window that are gone."""
        inside = self.had - self.aged_out
        return self.lost / inside if inside else 0.0

    def by_day(self, zone: str) -> pd.Series:
        """Count the lost rows by business day, oldest first; those without a readable time come last, under NaT."""
        naive = pd.Series(self.times.view("datetime64[us]"))
        days = dates.business_day(naive.dt.tz_localize("UTC"), zone)
        return days.value_counts(dropna=False).sort_index()


def dump_rows(
    raw: pd.DataFrame, present: Mapping[str, Sequence[str]], key: DumpKey, zone: str, source: str
) -> DumpRows:
    """Return the keys of a raw table in its order; `present` maps documented names to the columns that carry them.

    Raises `AmbiguousDates` when the order of day and month in `key.when` cannot be proved.
    """
    # Ragged rows and totals must not disprove what the good ones prove: their cells may be in wrong columns.
    whole = raw[raw[PROBLEM].isna() & ~_like_totals(raw, present, key)]
    when = [whole[column] for column in present[key.when]]
    instants = dates.parse_first(when, zone, f"{source}.{key.when}").instants.reindex(raw.index)
    times: Times = instants.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    named = times.view(np.uint64)
    if key.identifier is not None:
        named = _hashed(lookup_keys(first_filled([raw[column] for column in present[key.identifier]])))
    elif key.phone is not None:
        named = _mixed(_hashed(sheet_phone(first_filled([raw[column] for column in present[key.phone]]))), named)
    number = pd.Series(named).groupby(named, sort=False).cumcount().to_numpy().astype(np.uint64)
    rows = _mixed(named, number)
    return DumpRows(rows if key.identifier is None else named, rows, times)


def _like_totals(raw: pd.DataFrame, present: Mapping[str, Sequence[str]], key: DumpKey) -> Mask:
    """Whether each row has the label of a total and nobody's key: whether it is one, its transform decides."""
    is_open = np.ones(len(raw), dtype=bool)
    if key.identifier is not None:
        is_open &= total_rows.say_no_more(first_filled([raw[column] for column in present[key.identifier]]))
    if key.phone is not None:
        is_open &= ~total_rows.are_owned(first_filled([raw[column] for column in present[key.phone]]))
    return total_rows.have_label(raw[[c for c in raw.columns if c not in RESERVED]], is_open)


def compare(before: DumpRows, now: DumpRows, days: float) -> Loss:
    """Return what `now` lacks of `before`, which was pulled `days` days earlier.

    Rows older than the oldest of `now` have aged out, if `now` goes on behind them, if no more time of them is gone
    than has passed, or if others of their age are gone from before rows that are still there. Else, in a dump that
    begins with its newest rows, the oldest would be cut off without a trace.
    """
    gone = ~_are_in(before.rows, now.rows)
    here = np.flatnonzero(~gone)
    last_here = int(here[-1]) if len(here) else -1
    aged = _aged(before, now, gone, last_here, days)
    ends_with_it = len(now.rows) > 0 and last_here >= 0 and now.rows[-1] == before.rows[last_here]
    key_gone = ~_are_in(before.keys, now.keys)
    lost, first = np.unique(before.keys[key_gone & ~aged], return_index=True)
    return Loss(
        had=before.count,
        aged_out=len(np.unique(before.keys[key_gone & aged])),
        has=now.count,
        lost=len(lost),
        cut_off=int((gone & ~aged)[last_here + 1 :].sum()) if ends_with_it else 0,
        times=before.times[key_gone & ~aged][first],
    )


def _are_in(keys: Hashes, others: Hashes) -> Mask:
    found: Mask = pd.Series(keys).isin(others).to_numpy()  # hashed: NumPy sorts both
    return found


def _aged(before: DumpRows, now: DumpRows, gone: Mask, last_here: int, days: float) -> Mask:
    oldest, began = now.oldest, before.oldest
    if oldest is None or began is None:
        return np.zeros(len(gone), dtype=bool)
    older = (before.times < oldest) & (before.times != NO_TIME)
    goes_on = np.arange(len(gone)) < last_here
    elsewhere = before.times[gone & older & goes_on]
    moved = max(int(elsewhere.max(initial=NO_TIME)), began + int((days + 1) * DAY_US) - 1)
    aged: Mask = older & (goes_on | (before.times <= moved))
    return aged


def _hashed(texts: pd.Series) -> Hashes:
    uniques, codes = unique_texts(texts)
    hashed = pd.util.hash_array(np.asarray(uniques.to_pylist(), dtype=object), categorize=False)
    missing: Any = np.append(hashed, np.uint64(0))
    spread: Hashes = missing[codes]
    return spread


def _mixed(left: Hashes, right: Hashes) -> Hashes:
    """Combine two columns of 64 bits into one; the order matters."""
    mixed: Hashes = (left ^ (left >> np.uint64(29))) * _ODD + right
    mixed ^= mixed >> np.uint64(32)
    return mixed * _ODD
