"""Rows that add up others ("Total", "Sub total", "कुल"): spreadsheets put them below the rows, and between them.

Here: which labels such a row has, and whether its figures are those of the other rows. Not here: which columns of a
source say that a row is somebody's (`SourceFrame.quarantine_totals`).
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from funnel_etl.core.values import money
from funnel_etl.core.values.date_spelling import MONTH_WORDS
from funnel_etl.core.values.text import arrow_text, lookup_key, lookup_keys, map_unique

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
_HEADS = frozenset(
    "total totals subtotal subtotals grandtotal tot ttl overall sum sums σ ∑ summe gesamt gesamtsumme insgesamt suma "
    "somme कुल योग जोड़ महायोग एकूण".split()
)
_BESIDE = MONTH_WORDS | frozenset(
    "grand g sub net gross final running page all of for in the to from by per until till upto date amount amounts "
    "revenue sale sales spend spends cost costs lead leads row rows record records entry entries count number no value "
    "rs inr rupees paid collection collections collected received fee fees payment payments report quarter q fy year "
    "month week day campaign campaigns account accounts ad ads group groups set sets result results general général "
    "geral importe राशि".split()
)
"""Words that stand beside a head in the label of a total, and in no name of anything."""
_MAY_BE_LABEL = r"(?i)tot|ttl|overall|sum|som|gesamt|σ|∑|कुल|योग|जो|एकूण|results from"
_WORD = re.compile(r"[\u0900-\u0965\u0970-\u097f]+|[^\W\d_]+|∑")
_AN_ID = re.compile(rf"(?:{'|'.join(sorted(_HEADS))})[-_#/]?\d")
"""A head that runs into digits, as in `SUM-1001`."""
_NOTHING = r"(?i)^\s*(?:[-–—_.*#=/\s]*|na|n/a|nil|null)\s*$"
_OWNED = r"(?:[0-9][^0-9]*){8}|@"
"""A phone or an e-mail; the number of rows in its column is neither."""


_MOST_LOOKS = 20
_USUAL_OF = 500
"""Rows by which it is known how much a row usually says."""


@dataclass(frozen=True)
class Candidates:
    """Rows that may add up others, among all rows of a source.

    `is_label`: the whole of a cell is a label; in the others a cell begins or ends with the head of one. `is_certain`:
    no amount is needed to know it. `is_bare`: the row says less than most; so do totals.
    """

    is_any: Bools
    is_label: Bools
    is_certain: Bools
    is_bare: Bools
    is_kept: Bools


def is_total_label(text: str) -> bool:
    """Whether a cell is the label of a total and nothing else: `Grand total:`, `TOTAL (88)`, not `Total Fitness`."""
    words = _words(text)
    return not _HEADS.isdisjoint(words) and all(word in _HEADS or word in _BESIDE for word in words)


def names_a_total(text: str) -> bool:
    """Whether a cell is the label of a total, or begins or ends with the head of one: `Google Ads Total`."""
    words = _words(text)
    return is_total_label(text) or not _HEADS.isdisjoint([*words[:1], *words[-1:]])


def _words(text: str) -> list[str]:
    key = unicodedata.normalize("NFC", lookup_key(text))
    # Ads managers write "Results from 2 campaigns" beside their sums.
    return [] if _AN_ID.search(key) else _WORD.findall(key.replace("results from", "total"))


def candidates(cells: pd.DataFrame, is_open: Bools, is_kept: Bools, identifier: pd.Series | None) -> Candidates:
    """Return which of the open rows may add up others; one whose identifier is the label of a total certainly does.

    Where every row has a label, or more rows than not name a total, the words say nothing.
    """
    is_any = have_label(cells, is_open, whole=False)
    is_label = have_label(cells, is_any)
    if (is_any & ~is_label).sum() > (is_kept & ~is_any).sum():
        is_any = is_label
    is_certain, is_bare = np.zeros(len(cells), dtype=bool), np.zeros(len(cells), dtype=bool)
    others = np.flatnonzero(is_kept & ~is_any)
    if is_any.any() and len(others):
        is_bare[is_any] = _said(cells[is_any]) < np.quantile(_said(cells.iloc[others[:_USUAL_OF]]), 0.05)
        is_certain[is_any] = are_labels(identifier[is_any]) if identifier is not None else False
    return Candidates(is_any, is_label & is_any, is_certain, is_bare, is_kept)


def _said(cells: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return how many cells of each row say anything."""
    counts: npt.NDArray[np.int64] = np.sum([~_matches(cells[name], _NOTHING, missing=True) for name in cells], axis=0)
    return counts


def have_label(cells: pd.DataFrame, is_open: Bools, *, whole: bool = True) -> Bools:
    """Whether each of the open rows has the label of a total in any of its cells; else, at an end of one."""
    found = np.zeros(len(cells), dtype=bool)
    if is_open.any():
        rows = cells if is_open.all() else cells[is_open]
        found[is_open] = np.logical_or.reduce([are_labels(rows[column], whole=whole) for column in rows])
    return found


def are_owned(contacts: pd.Series) -> Bools:
    """Whether each cell holds a phone or an e-mail address."""
    return _matches(contacts, _OWNED, missing=False)


def say_no_more(cells: pd.Series, *, whole: bool = True) -> Bools:
    """Whether each cell is blank, a sign for that, or the label of a total."""
    return _matches(cells, _NOTHING, missing=True) | are_labels(cells, whole=whole)


def add_up(cells: pd.Series, rows: Candidates, statuses: pd.Series | None = None) -> pd.Series:
    """Whether the amount of each candidate is the sum of the others'. Index: the candidates'.

    NA where the cell is no amount. What a candidate that is no total has is one of the others' amounts: the smaller
    half of those that do not fit is taken for that, and the rest is looked at again. Where every row is a candidate
    the label says nothing, and none is a total.
    """
    values = money.parse(cells).paise
    amounts = values.to_numpy(dtype=np.float64, na_value=np.nan)
    is_read = rows.is_kept & (values.notna().to_numpy() | _matches(cells, _NOTHING, missing=True))
    slack = np.where(_matches(cells, r"\.", missing=False), 0.0, 50.0)
    keys = None if statuses is None else lookup_keys(statuses).to_numpy()
    found, still = np.zeros(len(cells), dtype=bool), rows.is_any & ~np.isnan(amounts)
    if rows.is_any[rows.is_kept].all():
        still[:] = False
    for _ in range(_MOST_LOOKS):
        at = np.flatnonzero(still)
        fits = rows.is_certain[at] | _fit(amounts, still, is_read, rows, slack[at], keys)
        found[at[fits]] = True
        unfit = at[~fits]
        if not len(unfit):
            break
        still[unfit[np.abs(amounts[unfit]).argsort()[: (len(unfit) + 1) // 2]]] = False
    own = values[rows.is_any]
    return pd.Series(found[rows.is_any], index=own.index, dtype="boolean").mask(own.isna())


def _fit(
    amounts: Floats, is_candidate: Bools, is_read: Bools, rows: Candidates, slack: Floats, keys: npt.NDArray[Any] | None
) -> Bools:
    """Whether each candidate's amount is a sum of others: of all, to the paisa.

    A bare row may also have that of rows right above it, or of all rows of one status. That of a label may be off by
    `slack` and half a paisa a row of rounding; where amounts of others cannot be read, their sum is a lower bound.
    """
    mine, known = amounts[is_candidate], np.where(is_read, np.nan_to_num(amounts), 0.0)
    is_label, is_bare = rows.is_label[is_candidate], rows.is_bare[is_candidate]
    *everywhere, since = _of_others(known, is_candidate)
    fits = is_bare & _are_blocks(mine, known, is_candidate)
    if keys is not None:
        others = ~is_candidate & is_read
        fits |= is_bare & np.isin(mine, pd.Series(known[others]).groupby(keys[others]).sum())
    anyone = np.ones(len(mine), dtype=bool)
    for (total, count), may_be in [*((sums, anyone) for sums in everywhere), (since, is_bare)]:
        is_near = np.abs(mine - total) <= np.where(is_label, slack + count / 2, 1)
        fits |= may_be & is_near & (count + (is_label & is_bare) >= 2)
    if not is_read[~is_candidate].all():
        fits |= is_label & (mine > known[~is_candidate].sum())
    return fits


def _are_blocks(mine: Floats, amounts: Floats, is_candidate: Bools) -> Bools:
    """Whether each candidate's amount is the sum, to the paisa, of two or more rows right above it."""
    running = np.append(0.0, np.where(is_candidate, 0.0, amounts).cumsum())
    rows = np.append(0, (~is_candidate).cumsum())
    at = np.flatnonzero(is_candidate)
    sums, first = np.unique(running, return_index=True)
    found = np.zeros(len(mine), dtype=bool)
    for off in (-1.0, 0.0, 1.0):
        wanted = running[at] - mine + off
        place = np.minimum(np.searchsorted(sums, wanted), len(sums) - 1)
        found |= (sums[place] == wanted) & (rows[at] - rows[first[place]] >= 2)
    return found


def say_only_counts(cells: pd.DataFrame, candidates: Candidates) -> pd.Series:
    """Whether each candidate says nothing but the label, and how many other rows there are. Index: the candidates'."""
    rows = cells[candidates.is_any]
    fits = np.ones(len(rows), dtype=bool)
    rows_of = (np.ones(len(cells)), candidates.is_kept.astype(np.float64))
    counts = [total for ones in rows_of for total, _ in _of_others(ones, candidates.is_any)]
    for column in rows:
        number = money.parse(rows[column]).paise.to_numpy(dtype=np.float64, na_value=np.nan) / 100
        fits &= say_no_more(rows[column]) | np.logical_or.reduce([number == count for count in counts])
    return pd.Series(fits, index=rows.index, dtype="boolean")


def are_labels(cells: pd.Series, *, whole: bool = True) -> Bools:
    """Whether each cell is the label of a total and nothing else; else, whether it names one."""
    names = is_total_label if whole else names_a_total
    labels = _matches(cells, _MAY_BE_LABEL, missing=False)
    labels[labels] = map_unique(cells[labels], lambda text: "label" if names(text) else None).notna()
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
