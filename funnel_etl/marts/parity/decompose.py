"""The proof of a reason: the sheet's rules are corrected one by one, and the cell is watched.

A variant of a table is that table with the first k of its rules corrected: none gives the sheet, all give mart.
The reason of a differing cell is the last rule whose correction changed it; if even the last variant is not what mart
has, the cell has no reason, and a check fails.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

ROW = "(row)"
"""Name of the cell that says that a row is there at all."""
Corrected = frozenset[str]
Variant = Callable[[Corrected], pd.DataFrame]
"""Gives a table with some rules corrected: index key (unique), columns of texts; a missing value is ""."""
Sheet = Callable[[pd.Index | None], Variant]
"""Gives the variants of a table, or of those of its rows alone that can be of some keys."""


def differences(sheet: Sheet, rules: Sequence[str], canonical: pd.DataFrame, shown: str) -> pd.DataFrame:
    """Return one row per cell in which the sheet and `canonical` differ: key, column_name, both values, reason.

    A row that is on one side only is one cell, ROW, whose value is that of the column `shown`. `canonical` is indexed
    and typed as the variants are. A reason that cannot be proved is missing.
    """
    whole = sheet(None)(frozenset())
    keys = _differing(whole, canonical)
    columns = list(canonical.columns)
    steps = [_cells(whole, keys, columns)]
    numbers = range(1, len(rules) + 1) if len(keys) else ()
    variant = sheet(keys)
    steps += [_cells(variant(frozenset(rules[:number])), keys, columns) for number in numbers]
    target = _cells(canonical, keys, columns)
    found = [_of_column(name, keys, steps, target, rules) for name in [*columns, ROW]]
    rows = pd.concat(found, ignore_index=True)
    of_rows = (rows["column_name"] == ROW).to_numpy()
    for side, table in (("parity_value", whole), ("canonical_value", canonical)):
        values = table[shown].reindex(rows.loc[of_rows, "key"])
        rows.loc[of_rows, side] = values.to_numpy()
    return rows


def _differing(sheet: pd.DataFrame, canonical: pd.DataFrame) -> pd.Index:
    """Return the keys of which any cell differs, or that are on one side only."""
    keys = sheet.index.union(canonical.index, sort=False)
    left, right = sheet.reindex(keys), canonical.reindex(keys)
    same = np.logical_and.reduce([(left[name] == right[name]).to_numpy(dtype=bool) for name in canonical.columns])
    differing: pd.Index = keys[~same]
    return differing


def _cells(table: pd.DataFrame, keys: pd.Index, columns: list[str]) -> pd.DataFrame:
    """Return the cells of some keys, with ROW; a cell of a row that is not there is missing."""
    there = table.index.get_indexer(keys) >= 0  # `isin` is thirty times slower on texts
    return table[columns].reindex(keys).assign(**{ROW: np.where(there, "there", "absent")})


def _of_column(
    name: str, keys: pd.Index, steps: list[pd.DataFrame], target: pd.DataFrame, rules: Sequence[str]
) -> pd.DataFrame:
    values = [step[name].fillna("\0").to_numpy(dtype=object) for step in steps]
    wanted = target[name].fillna("\0").to_numpy(dtype=object)
    on_both = ((steps[0][ROW] == "there") & (target[ROW] == "there")).to_numpy()
    differs = (values[0] != wanted) & (on_both if name != ROW else True)
    last = np.full(len(keys), -1)
    for number, (before, after) in enumerate(pairwise(values)):
        last[before != after] = number
    proved = (values[-1] == wanted) & (last >= 0)
    reasons = np.array([*rules, None], dtype=object)[np.where(proved, last, len(rules))]
    rows: pd.DataFrame = pd.DataFrame(
        {
            "key": keys,
            "column_name": name,
            "parity_value": steps[0][name].to_numpy(),
            "canonical_value": target[name].to_numpy(),
            "reason": pd.Series(reasons, dtype="str").to_numpy(),
        }
    ).loc[differs]
    return rows
