"""What the cells of a Zoom report mean: words, minutes, dates, and which column holds the phone.

Here: whole columns of text to typed columns. Not here: where a column stands (`layout`), and people: their
phones, e-mails and names stay as typed.
"""

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core import dates
from funnel_etl.core.text import STR, map_unique
from funnel_etl.marketing.zoom import vocabulary
from funnel_etl.marketing.zoom.layout import Section
from funnel_etl.marketing.zoom.vocabulary import fold, key

NUMERIC_DATE = r"^\s*\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}\b"
_DATE_LIKE = re.compile(NUMERIC_DATE + r"|^\s*\d{4}-\d{2}-\d{2}|\b(?:19|20)\d{2}\b.*\d:\d{2}")
_PHONE_QUESTION = re.compile(vocabulary.PHONE_QUESTION)
_PHONE_LIKE = re.compile(r"(?:\D*\d){7}|^\s*'?\d(?:\.\d+)?E\+\d+\s*$", re.IGNORECASE)
_ANSWERS = vocabulary.by_key(vocabulary.ANSWERS)
_APPROVALS = vocabulary.by_key(vocabulary.APPROVALS)
_BLANK = frozenset(blank.casefold() for blank in vocabulary.BLANKS)
SAMPLE = 500
"""Values that decide what an unnamed column holds."""


class Instants(NamedTuple):
    """All date columns of a file. `columns`: name → (instants UTC, whether a cell could not be read)."""

    columns: dict[str, tuple[pd.Series, pd.Series]]
    order: str | None
    warnings: list[str]


def text(values: Sequence[str | None]) -> pd.Series:
    """Give a `str` column of texts as they came; NaN where missing or nothing but white space."""
    array: Any = pa.array(values, type=pa.large_string())
    empty = pc.equal(pc.utf8_trim_whitespace(array), "")
    dtype: Any = STR
    return pd.Series(dtype.__from_arrow__(pc.if_else(pc.fill_null(empty, fill_value=True), None, array)))


def answers(texts: pd.Series) -> pd.Series:
    """Read yes and no in any of the languages as `boolean`; NA where blank or another word."""
    words = map_unique(texts, lambda cell: _ANSWERS.get(key(cell)))
    return words.eq("yes").astype("boolean").mask(words.isna())


def approvals(texts: pd.Series) -> pd.Series:
    """Give approval statuses by their English words; an unknown one as it came, NaN where blank."""
    return map_unique(texts, _approval)


def _approval(cell: str) -> str | None:
    word = " ".join(cell.split())
    return None if word.casefold() in _BLANK else _APPROVALS.get(key(word), word)


def whole_numbers(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read counts and minutes as `Int64`, and say which cells could not be read. `--` and `NA` are blank."""
    plain = map_unique(texts, _digits)
    numbers = pd.to_numeric(plain.mask(plain.eq("?"))).astype("Int64")
    return numbers, plain.eq("?").fillna(value=False).astype(bool)


def _digits(cell: str) -> str | None:
    """Digits of a whole number (Excel may have added `.0`), None for a blank, `?` for anything else."""
    word = cell.strip().lstrip("'").strip()
    if word.casefold() in _BLANK:
        return None
    match = re.fullmatch(r"(\d{1,15}|\d{1,3}(?:,\d{2,3})+)(?:\.0*)?", word)
    return match[1].replace(",", "") if match else "?"


def instants(columns: dict[str, pd.Series], zone: str) -> Instants:
    """Read all date columns of a file. Rule: Dates.

    Numeric dates of all columns are read together, for a file has one order of day and month: a value over 12
    in any column proves it for all, else it is month-first.
    Raises errors.AmbiguousDates when values contradict each other.
    """
    sizes = [len(values) for values in columns.values()]
    stacked = pd.concat(list(columns.values()), ignore_index=True)
    matched = pc.match_substring_regex(pa.array(stacked, type=pa.large_string(), from_pandas=True), NUMERIC_DATE)
    is_numeric = pc.fill_null(matched, fill_value=False).to_numpy(zero_copy_only=False)
    plain = _parse(stacked[~is_numeric], zone)
    numeric = _parse(stacked[is_numeric], zone)
    values, reason = plain.instants, plain.reason
    if is_numeric.any():
        values = pd.concat([values, numeric.instants]).sort_index()
        reason = pd.concat([reason, numeric.reason]).sort_index()
    bad = (reason.notna() & reason.ne(dates.BLANK_DATE)).astype(bool)
    parts = {}
    for name, size, end in zip(columns, sizes, np.cumsum(sizes), strict=True):
        part = slice(end - size, end)
        parts[name] = (values.iloc[part].reset_index(drop=True), bad.iloc[part].reset_index(drop=True))
    return Instants(parts, numeric.order or plain.order, plain.warnings + numeric.warnings)


def _parse(texts: pd.Series, zone: str) -> dates.Dates:
    return dates.parse(
        texts,
        zone,
        column="dates of the report",
        default_order="month_first",
        blanks=vocabulary.BLANKS,
    )


def place_join_time(section: Section) -> None:
    """Find the join time under a wrong header: right before the leave time, and its values are dates.

    A known Spanish export heads it `Puesto de trabajo` (job title).
    """
    left = section.meanings.get("left_at", 0)
    if left == 0 or "joined_at" in section.meanings:
        return
    if left - 1 not in section.meanings.values() and _mostly(section, left - 1, _DATE_LIKE):
        section.meanings["joined_at"] = left - 1


def phone_columns(section: Section) -> list[int]:
    """Give the positions of phones: the column named so, then questions worded and answered like phones."""
    named = [section.meanings["phone"]] if "phone" in section.meanings else []
    asked = [
        at
        for at in section.unnamed()
        if _PHONE_QUESTION.search(fold(section.header[at])) and _mostly(section, at, _PHONE_LIKE)
    ]
    return named + asked


def _mostly(section: Section, at: int, pattern: re.Pattern[str]) -> bool:
    filled = (cell for cell in section.column(at) if cell.strip().casefold() not in _BLANK)
    values = list(islice(filled, SAMPLE))
    return sum(pattern.search(value) is not None for value in values) * 2 > len(values)
