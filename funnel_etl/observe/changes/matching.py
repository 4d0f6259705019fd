"""Which row of one night is which row of another: by keys, the surest first. Pure; knows no table."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.source import Pass

Places = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def matched(before: pd.DataFrame, after: pd.DataFrame, passes: Sequence[Pass]) -> Places:
    """Return for each row of `before` the place of the same row in `after`, or -1. Each row is matched once."""
    found = np.full(len(before), -1, dtype=np.int64)
    taken = np.zeros(len(after), dtype=bool)
    for step in passes:
        left, right = np.flatnonzero(found < 0), np.flatnonzero(~taken)
        if not len(left) or not len(right):
            break
        names = list(step.columns)
        mine, theirs = (_names(side[names].iloc[at], step) for side, at in ((before, left), (after, right)))
        place = pd.Index(theirs[0]).get_indexer(pd.Index(mine[0]))
        hit = place >= 0
        ours, others = left[mine[1][hit]], right[theirs[1][place[hit]]]
        found[ours] = others
        taken[others] = True
    return found


def _names(rows: pd.DataFrame, step: Pass) -> tuple[Hashes, Places]:
    """Return a number for each row that may be matched, each number once, and the places of these rows."""
    known = np.flatnonzero(rows.iloc[:, 0].notna().to_numpy())
    named = pd.Series(row_hashes(rows.iloc[known]))
    if step.repeated:
        nth = named.groupby(named, sort=False).cumcount()
        return row_hashes(pd.DataFrame({"name": named, "nth": nth})), known
    alone = ~named.duplicated(keep=False).to_numpy()
    return named.to_numpy()[alone], known[alone]


def row_hashes(rows: pd.DataFrame) -> Hashes:
    """Return a number for each row by its cells."""
    return np.asarray(pd.util.hash_pandas_object(rows, index=False), dtype=np.uint64)


def inverse(places: Places, size: int) -> Places:
    """Turn before → after into after → before."""
    back = np.full(size, -1, dtype=np.int64)
    hit = np.flatnonzero(places >= 0)
    back[places[hit]] = hit
    return back


def common_order(own: Places, other: Places, to_own: Places) -> tuple[Places, Places]:
    """Count the rows of two lists of lines as one list, in the order of the first.

    `own`, `other`: line numbers; `to_own`: for each row of the other, the place of the same row in own, or -1. A row
    that only the other has comes right after the row it follows there.
    """
    rank = np.empty(len(own), dtype=np.int64)
    rank[np.argsort(own, kind="stable")] = np.arange(len(own))
    order = np.argsort(other, kind="stable")
    anchor = np.full(len(other), -1, dtype=np.int64)
    known = np.flatnonzero(to_own[order] >= 0)
    last = np.full(len(order), -1, dtype=np.int64)
    last[known] = known
    last = np.maximum.accumulate(last) if len(last) else last
    follows = last >= 0
    anchor[order[follows]] = rank[to_own[order[last[follows]]]]
    own_anchor = np.concatenate([rank, anchor])
    is_other = np.concatenate([np.zeros(len(own)), to_own < 0])
    line = np.concatenate([np.zeros(len(own), dtype=np.int64), np.where(to_own < 0, other, 0)])
    place = np.empty(len(own_anchor), dtype=np.int64)
    place[np.lexsort((line, is_other, own_anchor))] = np.arange(1, len(own_anchor) + 1)
    return place[: len(own)], place[len(own) :]
