"""Arithmetic on groups of rows: first value that is there, extremes, and the length of a union of intervals.

Here: numbers and positions, for any frame. Not here: what a group is (a person, a report) and what is done
with it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MINUTE = 60_000_000
"""Microseconds in a minute."""


@dataclass(frozen=True)
class Groups:
    """The group of every row: `codes` are numbered by first appearance, `first` is where each group begins."""

    codes: Ints
    first: Ints

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.first)

    @property
    def is_later(self) -> Bools:
        """Whether a row is not the first of its group."""
        later = np.ones(len(self.codes), dtype=np.bool_)
        later[self.first] = False
        return later


def group(*columns: pd.Series) -> Groups:
    """Group rows that agree on all `columns`; missing agrees with missing."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        own, uniques = pd.factorize(column)
        # Numbered anew at every step, so that the product of two counts is the most that is ever held.
        codes = pd.factorize(codes * (len(uniques) + 1) + own + 1)[0].astype(np.int64)
    return Groups(codes, _first_positions(codes, np.arange(len(codes)), int(codes.max(initial=-1)) + 1))


def linked(codes: Ints, left: Ints, right: Ints) -> Ints:
    """Return `codes` with those that are linked, over any number of steps, made one: the least of them.

    The i-th link says that code `left[i]` goes by `right[i]`; codes that go by the same belong together.
    """
    label = np.arange(int(codes.max(initial=-1)) + 1)
    while len(left):
        by_right = np.full(int(right.max()) + 1, len(label))
        np.minimum.at(by_right, right, label[left])
        nearer = label.copy()
        np.minimum.at(nearer, left, by_right[right])
        if np.array_equal(nearer, label):
            break
        label = nearer
    return label[codes]


def first_present(values: pd.Series, groups: Groups) -> pd.Series:
    """Return the first value of each group that is not missing, in row order; one row per group."""
    there = np.flatnonzero(values.notna().to_numpy())
    return take(values, _first_positions(groups.codes[there], there, groups.count))


def any_true(values: Bools, groups: Groups) -> Bools:
    """Return, for each group, whether any of its rows is true."""
    found = np.zeros(groups.count, dtype=np.bool_)
    found[groups.codes[values]] = True
    return found


def reduced(values: pd.Series, groups: Groups, how: str) -> pd.Series:
    """Reduce each group to its `min`, `max` or `sum` over the values that are there; missing where there are none."""
    there = values.notna().to_numpy()
    some = values[there].groupby(groups.codes[there]).agg(how)
    return some.reindex(range(groups.count))


def take(values: pd.Series, positions: Ints) -> pd.Series:
    """Return the values at `positions`, missing where a position is -1; fresh index."""
    return pd.Series(values.array.take(positions, allow_fill=True))


def union_minutes(starts: pd.Series, ends: pd.Series, groups: Groups) -> pd.Series:
    """Measure the union of each group's intervals, whole minutes rounded up; missing where a group has none.

    `starts` and `ends` are instants; rows where one is missing are no interval. Rule: Attendance.
    """
    usable = np.flatnonzero((starts.notna() & ends.notna()).to_numpy())
    start, end = micros(starts.iloc[usable]), micros(ends.iloc[usable])
    code = groups.codes[usable]
    order = np.lexsort((start, code))
    code, start, end = code[order], start[order], end[order]
    reach = pd.Series(end).groupby(code).cummax().to_numpy(dtype=np.int64)
    covered = np.full(len(code), np.iinfo(np.int64).min)
    covered[1:] = np.where(code[1:] == code[:-1], reach[:-1], covered[1:])
    added = np.clip(end - np.maximum(start, covered), 0, None)
    # A float holds whole microseconds exactly for 285 years.
    total = np.bincount(code, weights=added, minlength=groups.count).astype(np.int64)
    present = np.bincount(code, minlength=groups.count) > 0
    return pd.Series(pd.arrays.IntegerArray(-(-total // MINUTE), ~present))


def micros(instants: pd.Series) -> Ints:
    """Return instants as whole microseconds since 1970; missing is the smallest integer."""
    plain = instants.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return np.asarray(plain.astype(np.int64))


def _first_positions(codes: Ints, positions: Ints, count: int) -> Ints:
    first = np.full(count, -1, dtype=np.int64)
    first[codes[::-1]] = positions[::-1]
    return first
