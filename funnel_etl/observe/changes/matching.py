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
    if before is after:
        return np.arange(len(after))
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


def same_cells(one: pd.DataFrame, other: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return for each row of two frames of the same columns and length whether its cells are the same; so are NULLs."""
    same = np.ones(len(one), dtype=bool)
    sides = [rows.astype(dict.fromkeys(_categories(rows), "str")).reset_index(drop=True) for rows in (one, other)]
    for name in one:
        left, right = (side[name] for side in sides)
        same &= ((left == right).fillna(value=False) | (left.isna() & right.isna())).to_numpy(dtype=bool)
    return same


def _categories(rows: pd.DataFrame) -> list[str]:
    """Return the columns whose values are kept as categories: those of two frames cannot be compared."""
    return list(rows.select_dtypes("category").columns)


def inverse(places: Places, size: int) -> Places:
    """Turn before → after into after → before."""
    back = np.full(size, -1, dtype=np.int64)
    hit = np.flatnonzero(places >= 0)
    back[places[hit]] = hit
    return back


def common_order(to_own: Places, size: int) -> tuple[Places, Places]:
    """Return the place of each row of two lists in one list of both, in the order of the first, which has `size` rows.

    `to_own`: for each row of the other, the place of the same row in the first, or -1. A row that only the other has
    comes right after the row it follows there.
    """
    last = np.maximum.accumulate(np.where(to_own >= 0, np.arange(len(to_own)), -1))
    anchor = np.where(last >= 0, to_own[last], -1)
    after = np.concatenate([np.arange(size), anchor])
    is_new = np.concatenate([np.zeros(size, dtype=bool), to_own < 0])
    place = np.empty(len(after), dtype=np.int64)
    place[np.lexsort((is_new, after))] = np.arange(len(after))  # rows that agree in both stay in their order
    return place[:size], place[size:]
