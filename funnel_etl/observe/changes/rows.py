"""The rows of a pulled source, night against night: what became of each, and the table with the causes so far. Pure.

The order of a night's rows is that of its table: what aged out, then the dump, page after page. The line of a row says
nothing of it: each page counts its own.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.source import Pass, Source
from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.observe.changes.contracts import CAUSES, EDITED, LATE, NEW_DAY, VANISHED
from funnel_etl.observe.changes.matching import Hashes, Places, common_order, inverse, matched, same_cells
from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.parts.marketing.leads import first_of_person

PLACE = {cause: place for place, cause in enumerate(CAUSES)}
"""Cause → its place in the order of causes."""
SAME = -1
"""Place of a row that is as it was."""
BY_TABLE = {source.clean.name: source for source in SOURCES.values()}
"""The pulled sources by the name of their clean table. A row that only has another amount, day or phone is edited."""


@dataclass
class Rows:
    """Both nights' rows of a source, with the place of each one's cause in the order of causes (SAME: as it was)."""

    source: Source
    before: pd.DataFrame
    after: pd.DataFrame
    since: pd.Timestamp
    last: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        self.last = self.before
        is_same = self.before is self.after
        self.places: Places = matched(self.before, self.after, self._passes)
        back = inverse(self.places, len(self.after))
        self.was, self.now = self._all_as_they_were() if is_same else self._causes()
        self.moved = bool((np.diff(self.places[self.places >= 0]) < 0).any())
        own, other = common_order(back, len(self.before))
        other_after, own_after = common_order(self.places, len(self.after))
        self.order = {False: (own, other), True: (own_after, other_after)}

    @property
    def _passes(self) -> tuple[Pass, ...]:
        """How a row is known again: one that is exactly as it was has the same lineage, whatever its source."""
        return (Pass(tuple(TRACE)), *self.source.matching)

    def vanished(self) -> pd.DataFrame:
        """Return the lines (TRACE) of the last night that are nowhere tonight."""
        lines: pd.DataFrame = self.before.loc[self.was == PLACE[VANISHED], TRACE]
        return lines

    def late(self) -> pd.DataFrame:
        """Return the lines (TRACE) of tonight, of older days, that were nowhere on the last night."""
        lines: pd.DataFrame = self.after.loc[self.now == PLACE[LATE], TRACE]
        return lines

    def are_edits(self, broken: pd.DataFrame, fixed: pd.DataFrame) -> None:
        """Take lines of the last night that are in quarantine tonight, and lines of tonight that were, as edits."""
        self.was[(self.was == PLACE[VANISHED]) & _among(self.before, broken)] = PLACE[EDITED]
        self.now[(self.now == PLACE[LATE]) & _among(self.after, fixed)] = PLACE[EDITED]

    def up_to(self, cause: str) -> pd.DataFrame:
        """Return the table with the causes up to this one exchanged; the same object if it changes nothing."""
        place = PLACE[cause]
        reordered = cause == EDITED and self.moved
        if not reordered and not (self.was == place).any() and not (self.now == place).any():
            return self.last
        stays, comes = self.was > place, self.now <= place
        own, other = self.order[place >= PLACE[EDITED]]
        parts = [self.before[stays], self.after[comes]]
        mixed = pd.concat([part for part in parts if len(part)] or parts[:1])
        order = np.argsort(np.concatenate([own[stays], other[comes]]))
        mixed = mixed.take(order).reset_index(drop=True)
        if self.source.clean == TOFU_LEADS:
            mixed["is_first_lead"] = first_of_person(mixed)
        self.last = mixed
        return mixed

    def moving(self, as_of: pd.Timestamp) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Return which rows of both nights are not as they were, or of a day that is counted up to `as_of` only."""
        sides = ((self.before[self.source.day], self.was), (self.after[self.source.day], self.now))
        was, now = (((day > self.since) & (day <= as_of)).to_numpy() | (place != SAME) for day, place in sides)
        return was, now

    def changed_places(self, keys: pd.Series) -> pd.Series:
        """Return those of `keys` (of the rows of the last night) whose rows stand in another order tonight."""
        stayed = np.flatnonzero(self.places >= 0)
        own = pd.factorize(keys.iloc[stayed])[0]
        order = np.argsort(own, kind="stable")
        is_back = (np.diff(self.places[stayed][order]) < 0) & (np.diff(own[order]) == 0)
        changed: pd.Series = keys.iloc[stayed[order[1:][is_back]]]
        return changed

    def part(self, was: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> Self:
        """Return these rows of both nights alone; a row that is as it was is in both or in neither."""
        own = copy(self)
        own.before, own.after = self.before[was], self.after[now]
        own.last = own.before
        own.was, own.now = self.was[was], self.now[now]
        place = np.append(np.where(now, np.cumsum(now) - 1, -1), -1)
        own.places = place[self.places[was]]
        own.order = {flag: (mine[was], theirs[now]) for flag, (mine, theirs) in self.order.items()}
        return own

    def _all_as_they_were(self) -> tuple[Places, Places]:
        return np.full(len(self.before), SAME), np.full(len(self.after), SAME)

    def _causes(self) -> tuple[Places, Places]:
        day = self.source.day
        was_published = (self.before[day] <= self.since).to_numpy()
        is_old = (self.after[day] <= self.since).to_numpy()
        was = np.where(was_published, PLACE[VANISHED], PLACE[NEW_DAY])
        now = np.where(is_old, PLACE[LATE], PLACE[NEW_DAY])
        pair = np.flatnonzero(self.places >= 0)
        other = self.places[pair]
        content = list(self.source.content)
        is_same = same_cells(self.before[content].take(pair), self.after[content].take(other))
        cause = np.where(was_published[pair], PLACE[EDITED], np.where(is_old[other], PLACE[LATE], PLACE[NEW_DAY]))
        was[pair] = now[other] = np.where(is_same, SAME, cause)
        return was, now


def same_lines(lines: pd.DataFrame, others: pd.DataFrame, key: Sequence[str] = ()) -> pd.DataFrame:
    """Return the lines (TRACE) of `others` that are one of `lines` but for a cell, or agree with one in a `key` column.

    Both hold the cells of a source as text; a blank cell is as one that is not there. Each line is taken once.
    """
    names = sorted({*lines.columns, *others.columns} - set(TRACE))
    ours, theirs = ([_cell_hashes(rows, name) for name in names] for rows in (lines, others))
    mine, its = (np.sum(hashes, axis=0, dtype=np.uint64) for hashes in (ours, theirs))
    free, found = np.ones(len(lines), dtype=bool), np.zeros(len(others), dtype=bool)
    named = [at for at, name in enumerate(names) if name in key]
    pairs = [(ours[at], theirs[at], True) for at in named]
    pairs += [(mine - own, its - other, False) for own, other in zip(ours, theirs, strict=True)]
    for left, right, is_key in pairs:
        at, to = np.flatnonzero(free & (left != 0)), np.flatnonzero(~found & (right != 0))
        known = pd.Series(to, index=right[to])
        known = known[~known.index.duplicated(keep=False)] if is_key else known[~known.index.duplicated()]
        alone = ~pd.Series(left[at]).duplicated().to_numpy()
        place = known.index.get_indexer(pd.Index(left[at][alone]))
        found[known.to_numpy()[place[place >= 0]]] = True
        free[at[alone][place >= 0]] = False
    return others.loc[found, TRACE]


def _cell_hashes(rows: pd.DataFrame, name: str) -> Hashes:
    """Return a number for each cell of a column that is not blank, 0 for one that is: their sum names the row."""
    if name not in rows:
        return np.zeros(len(rows), dtype=np.uint64)
    texts = rows[name].astype("str").fillna("")
    odd = int(pd.util.hash_array(np.array([name], dtype=object))[0]) | 1
    hashed = pd.util.hash_pandas_object(texts, index=False).to_numpy() * np.uint64(odd)
    return np.where((texts == "").to_numpy(), np.uint64(0), hashed)


def _among(rows: pd.DataFrame, lines: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if not len(lines):
        return np.zeros(len(rows), dtype=bool)
    found: npt.NDArray[np.bool_] = pd.MultiIndex.from_frame(rows[TRACE]).isin(pd.MultiIndex.from_frame(lines[TRACE]))
    return found
