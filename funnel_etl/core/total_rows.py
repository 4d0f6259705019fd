"""Rows that add up others ("Total", "Sub total", "कुल"): spreadsheets put them below the rows, and between them.

Here: which labels such a row has, and whether its figures are those of the other rows. Not here: which columns of a
source say that a row is somebody's (`SourceFrame.quarantine_totals`).
"""

import re
import unicodedata

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from funnel_etl.core import money
from funnel_etl.core.text import arrow_text, lookup_key, map_unique

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_HEADS = frozenset(
    "total totals subtotal subtotals grandtotal sum sums summe gesamt gesamtsumme insgesamt suma somme "
    "कुल योग जोड़ महायोग".split()
)
_BESIDE = frozenset(
    "grand sub net gross overall final running page all of for in the to until date amount amounts revenue sale sales "
    "spend spends cost costs lead leads row rows record records entry entries count number no value rs inr rupees "
    "report month week day campaign campaigns account accounts ad ads group groups result results general général "
    "राशि".split()
)
"""Words that stand beside a head in the label of a total, and in no name of anything."""
_MAY_BE_LABEL = r"(?i)total|sum|som|gesamt|कुल|योग|जो"
_WORD = re.compile(r"[\u0900-\u0965\u0970-\u097f]+|[^\W\d_]+")
_NOTHING = r"(?i)^\s*(?:[-–—_.*#=/\s]*|na|n/a|nil|null)\s*$"
_OWNED = r"(?:[0-9][^0-9]*){8}|@"
"""A phone or an e-mail; the number of rows in its column is neither."""


_MOST_LOOKS = 20


def is_total_label(text: str) -> bool:
    """Whether a cell is the label of a total and nothing else: `Grand total:`, `TOTAL (88)`, not `Total Fitness`."""
    words = _WORD.findall(unicodedata.normalize("NFC", lookup_key(text)))
    return not _HEADS.isdisjoint(words) and all(word in _HEADS or word in _BESIDE for word in words)


def have_label(cells: pd.DataFrame, is_open: Bools) -> Bools:
    """Whether each of the open rows has the label of a total in any of its cells."""
    found = np.zeros(len(cells), dtype=bool)
    if is_open.any():
        rows = cells if is_open.all() else cells[is_open]
        found[is_open] = np.logical_or.reduce([are_labels(rows[column]) for column in rows])
    return found


def are_owned(contacts: pd.Series) -> Bools:
    """Whether each cell holds a phone or an e-mail address."""
    return _matches(contacts, _OWNED, missing=False)


def say_no_more(cells: pd.Series) -> Bools:
    """Whether each cell is blank, a sign for that, or the label of a total."""
    return _matches(cells, _NOTHING, missing=True) | are_labels(cells)


def add_up(cells: pd.Series, is_candidate: Bools, is_kept: Bools) -> pd.Series:
    """Whether the amount of each candidate is the sum of the others': of all, or of those since the candidate before.

    Index: the candidates'; NA where the cell is no amount. What a candidate that is no total has is one of the others'
    amounts: the smallest that does not fit is taken for one, and the rest is looked at again. Where every row is a
    candidate the label says nothing, and none is a total.
    """
    values = money.parse(cells).paise
    amounts = values.to_numpy(dtype=np.float64, na_value=np.nan)
    is_read = is_kept & (values.notna().to_numpy() | _matches(cells, _NOTHING, missing=True))
    has_paise = _matches(cells, r"\.", missing=False)
    found, still = np.zeros(len(cells), dtype=bool), is_candidate & ~np.isnan(amounts)
    if is_candidate[is_kept].all():
        still[:] = False
    for _ in range(_MOST_LOOKS):
        at = np.flatnonzero(still)
        fits = _fit(amounts, still, is_read, np.where(has_paise[at], 0.0, 50.0))
        found[at[fits]] = True
        unfit = at[~fits]
        if not len(unfit):
            break
        still[unfit[np.abs(amounts[unfit]).argmin()]] = False
    own = values[is_candidate]
    return pd.Series(found[is_candidate], index=own.index, dtype="boolean").mask(own.isna())


def _fit(amounts: Floats, is_candidate: Bools, is_read: Bools, slack: Floats) -> Bools:
    """Whether each candidate's amount is a sum of others, but for `slack` and half a paisa a row of rounding.

    Where amounts of others cannot be read, their sum is only a lower bound.
    """
    mine, known = amounts[is_candidate], np.where(is_read, np.nan_to_num(amounts), 0.0)
    fits = np.zeros(len(mine), dtype=bool)
    for total, count in _of_others(known, is_candidate):
        fits |= (np.abs(mine - total) <= slack + count / 2) & (count > 0)
    if not is_read[~is_candidate].all():
        fits |= mine > known[~is_candidate].sum()
    return fits


def say_only_counts(cells: pd.DataFrame, is_candidate: Bools, is_kept: Bools) -> pd.Series:
    """Whether each candidate says nothing but the label, and how many other rows there are. Index: the candidates'."""
    rows = cells[is_candidate]
    fits = np.ones(len(rows), dtype=bool)
    rows_of = (np.ones(len(cells)), is_kept.astype(np.float64))
    counts = [total for ones in rows_of for total, _ in _of_others(ones, is_candidate)]
    for column in rows:
        number = money.parse(rows[column]).paise.to_numpy(dtype=np.float64, na_value=np.nan) / 100
        fits &= say_no_more(rows[column]) | np.logical_or.reduce([number == count for count in counts])
    return pd.Series(fits, index=rows.index, dtype="boolean")


def are_labels(cells: pd.Series) -> Bools:
    """Whether each cell is the label of a total and nothing else."""
    labels = _matches(cells, _MAY_BE_LABEL, missing=False)
    labels[labels] = map_unique(cells[labels], lambda text: "label" if is_total_label(text) else None).notna()
    return labels


def _matches(cells: pd.Series, pattern: str, *, missing: bool) -> Bools:
    matched = pc.match_substring_regex(arrow_text(cells), pattern).fill_null(missing)
    bools: Bools = matched.to_numpy(zero_copy_only=False).copy()
    return bools


def _of_others(amounts: Floats, is_candidate: Bools) -> list[tuple[Floats, Floats]]:
    """Return sum and number of the others for each candidate: without candidates, with them, since the last of them."""
    at = np.flatnonzero(is_candidate)
    sums, rows = np.where(is_candidate, 0.0, amounts).cumsum(), (~is_candidate).cumsum().astype(np.float64)
    every = np.full(len(at), 1.0)
    since = [running[at] - np.append(0.0, running[at][:-1]) for running in (sums, rows)]
    return [
        (sums[-1] * every, rows[-1] * every),
        (amounts.sum() - amounts[at], (len(amounts) - 1) * every),
        (since[0], since[1]),
    ]
