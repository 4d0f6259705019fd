"""What differs between two versions of a table, found column by column: nothing else has to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.platform.rows_file import StoredRows, alike_at_the_head


@dataclass(frozen=True)
class Difference:
    """What makes the one version the other. `rows`: those inserted or changed, whole; `deleted`: keys of those gone."""

    rows: pa.Table
    deleted: pa.Table


def difference(
    before: pa.Table | StoredRows, after: pa.Table | StoredRows, key: Sequence[str], most: int
) -> Difference | None:
    """Return what makes `before` into `after`, in no order of before; None if that is more than `most` rows.

    Both have the same columns, and no two rows of a version the same key. Cells differ as PostgreSQL's do: NULL is like
    NULL, NaN like NaN, and 0 like -0. What two files have alike at the head is not read.
    """
    if isinstance(after, StoredRows):
        if isinstance(before, StoredRows) and (alike := alike_at_the_head(before, after)):
            before, after = before.behind(alike), after.behind(alike)
        after = after.table()
    keys = pa.table({name: before.column(name) for name in key})
    old, new = _numbered(keys, after.select(list(key)))
    place = np.full(max(old.max(initial=-1), new.max(initial=-1)) + 1, -1)
    place[old] = np.arange(len(old))
    was_at = place[new]
    is_sent = was_at < 0
    is_gone = np.ones(len(old), dtype=bool)
    is_gone[was_at[~is_sent]] = False
    was_at, stayed = was_at[~is_sent], np.flatnonzero(~is_sent)
    for name in after.column_names:
        if is_sent.sum() + is_gone.sum() > most:
            return None
        if name not in key:
            is_sent[stayed] |= _differ(_picked(before.column(name), was_at), _picked(after.column(name), stayed))
    if is_sent.sum() + is_gone.sum() > most:
        return None
    return Difference(after.filter(pa.array(is_sent)), keys.filter(pa.array(is_gone)))


def in_key_order(rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return rows in the order of their key: an index that is filled in its order costs half, and is smaller."""
    if _is_in_order(rows, key):
        return rows
    ranks = [_ranks(rows.column(name)) for name in reversed(key)]
    return rows.take(pa.array(np.lexsort(ranks)))


def _is_in_order(rows: pa.Table, key: Sequence[str]) -> bool:
    """Return whether no row's key is less than that of the row before it."""
    undecided = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for name in key:
        before, after = (rows.column(name).slice(start, len(undecided)) for start in (0, 1))
        if pc.greater(before, after).to_numpy()[undecided].any():
            return False
        undecided &= pc.equal(before, after).to_numpy()
    return True


def _ranks(column: pa.ChunkedArray) -> Any:
    """Return a number for each cell, in their order."""
    if not pa.types.is_large_string(column.type) and not pa.types.is_string(column.type):
        return column.to_numpy()
    encoded = column.combine_chunks().dictionary_encode()
    ranks = np.empty(len(encoded.dictionary), dtype=np.int64)
    ranks[pc.array_sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(ranks))
    return ranks[encoded.indices.to_numpy()]


def _numbered(old: pa.Table, new: pa.Table) -> tuple[Any, Any]:
    """Return a number for each row of both: the same one for the same cells, which are of few columns."""
    both = pa.concat_tables([old, new])
    numbers = np.zeros(len(both), dtype=np.int64)
    for column in both.columns:
        cells = _encoded(column)
        numbers = _encoded(pa.chunked_array([numbers * (cells.max(initial=0) + 1) + cells]))
    return numbers[: len(old)], numbers[len(old) :]


def _encoded(column: pa.ChunkedArray) -> Any:
    """Return a number for each cell, from 0."""
    chunks = column.dictionary_encode(null_encoding="encode").unify_dictionaries().chunks
    return np.concatenate([np.zeros(0, np.int64), *(chunk.indices.to_numpy() for chunk in chunks)])


def _picked(column: pa.ChunkedArray, rows: Any) -> pa.ChunkedArray:
    """Return the cells of some rows in their order; all of them in place are not copied."""
    is_all = len(rows) == len(column) and bool((rows == np.arange(len(rows))).all())
    return column if is_all else column.take(pa.array(rows))


def _differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Any:
    """Return, per cell, whether two columns differ."""
    if pa.types.is_list(other.type):
        return _lists_differ(one, other)
    unequal = pc.not_equal(one, other)
    if pa.types.is_floating(other.type):
        unequal = pc.and_not(unequal, pc.and_(pc.is_nan(one), pc.is_nan(other)))
    return pc.coalesce(unequal, pc.xor(one.is_null(), other.is_null())).to_numpy()


def _lists_differ(one: pa.ChunkedArray, other: pa.ChunkedArray) -> Any:
    """Return, per list, whether they differ: in their length, or else in a cell."""
    differ = _differ(pc.list_value_length(one), pc.list_value_length(other))
    alike = other.is_valid().to_numpy() & ~differ
    one, other = one.filter(pa.array(alike)), other.filter(pa.array(alike))
    parents = pc.list_parent_indices(other.combine_chunks()).to_numpy()
    cells = _differ(pc.list_flatten(one), pc.list_flatten(other))
    differ[np.flatnonzero(alike)[parents[cells]]] = True
    return differ
