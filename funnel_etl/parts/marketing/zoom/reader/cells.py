"""What the cells of a Zoom report mean: words, minutes, dates, and which column holds the phone.

Here: whole columns of text to typed columns. Not here: where a column stands (`layout`), and people: their
phones, e-mails and names stay as typed.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.reading.phone_headers import is_someone_elses
from funnel_etl.core.reading.phone_questions import SAMPLE, asks_for_phone
from funnel_etl.core.values.money import WHOLE
from funnel_etl.core.values.text import STR, map_unique
from funnel_etl.parts.marketing.zoom.reader import vocabulary
from funnel_etl.parts.marketing.zoom.reader.section import TEXT, Section
from funnel_etl.parts.marketing.zoom.reader.times import NUMERIC_DATE
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

_DATE_LIKE = re.compile(NUMERIC_DATE + r"|^\s*\d{4}-\d{2}-\d{2}|\b(?:19|20)\d{2}\b.*\d:\d{2}")
_ANSWERS = vocabulary.by_key(vocabulary.ANSWERS)
_APPROVALS = vocabulary.by_key(vocabulary.APPROVALS)
_BLANK = frozenset(blank.casefold() for blank in vocabulary.BLANKS)
_ANSWER_CODES = {"yes": 1, "no": 0}
_WHOLE_NUMBER = re.compile(rf"(?=[\d,]{{1,18}}(?:\.|$))(?!\d{{1,3}}\.0{{3}}$)({WHOLE})(?:\.0*)?")
_NO_NUMBER, _BAD_NUMBER = -1, -2
LONGEST = vocabulary.LONGEST
_PERSONAL = re.compile(r"\S+@\S+|\+?\d(?:[\s().-]*\d){6,}")
_SHOWN = 80


def text(values: Any) -> pd.Series:
    """Return Arrow texts as a `str` column, as they came; NaN where missing or nothing but white space."""
    if values.null_count < len(values):
        empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(values), ""), fill_value=True)
        values = pc.if_else(empty, pa.scalar(None, TEXT), values)
    return series(values)


def series(values: Any) -> pd.Series:
    """Return Arrow texts as a `str` column, unchanged."""
    dtype: Any = STR
    return pd.Series(dtype.__from_arrow__(values))


def constant(value: str, size: int) -> Any:
    """Return an Arrow column that holds one text in every row."""
    return pa.array([value], type=TEXT).take(pa.array(np.zeros(size, dtype=np.int64)))


def _mapped(values: Any, function: Callable[[str], Any], missing: Any) -> Any:
    """Apply a function once to every different text; returns a NumPy array."""
    encoded = values.dictionary_encode()
    results = np.array([*map(function, encoded.dictionary.to_pylist()), missing])
    return results[encoded.indices.fill_null(len(results) - 1).to_numpy(zero_copy_only=False)]


def answers(values: Any) -> Any:
    """Read yes and no in any of the languages, as a `BooleanArray`; NA where blank or another word."""
    words = _mapped(values, lambda cell: _ANSWER_CODES.get(_ANSWERS.get(key(cell), ""), -1), -1)
    return pd.arrays.BooleanArray(words == 1, words == -1)


def approvals(texts: pd.Series) -> pd.Series:
    """Return approval statuses by their English words; an unknown one as it came, NaN where blank."""
    return map_unique(texts, _approval)


def _approval(cell: str) -> str | None:
    if len(cell) > LONGEST:
        return cell
    word = " ".join(cell.split())
    return None if word.casefold() in _BLANK else _APPROVALS.get(key(word), word)


def whole_numbers(values: Any) -> tuple[Any, Any]:
    """Read counts and minutes as an `IntegerArray`, and say which cells could not be read."""
    numbers = _mapped(values, _code, _NO_NUMBER)
    return pd.arrays.IntegerArray(np.where(numbers < 0, 0, numbers), numbers < 0), numbers == _BAD_NUMBER


def _code(cell: str) -> int:
    try:
        number = whole_number(cell)
    except ValueError:
        return _BAD_NUMBER
    return _NO_NUMBER if number is None else number


def whole_number(cell: str) -> int | None:
    """Read a count or minutes (Excel may have added `.0`); None for a blank. Raises ValueError for anything else."""
    word = cell[:LONGEST].strip().lstrip("'").strip()
    if word.casefold() in _BLANK and len(cell) < LONGEST:
        return None
    match = _WHOLE_NUMBER.fullmatch(word)
    if match is None or len(cell) > LONGEST:
        raise ValueError("not a whole number")
    return int(match[1].replace(",", ""))


def place_join_time(section: Section) -> None:
    """Find the join time under a wrong header: right before the leave time, and its values are dates.

    A known Spanish export heads it `Puesto de trabajo` (job title).
    """
    left = section.meanings.get("left_at", 0)
    if left == 0 or not section.is_known or "joined_at" in section.meanings:
        return
    if left - 1 not in section.meanings.values() and _holds_dates(section.column(left - 1)):
        section.meanings["joined_at"] = left - 1


def phone_columns(section: Section) -> list[int]:
    """Return the positions of people's own phones: the column named so, then questions worded and answered like it."""
    named = [section.meanings["phone"]] if "phone" in section.meanings else []
    asked = [at for at in section.unnamed() if _is_phone_question(section, at)]
    return named + [at for at in asked if not is_someone_elses(section.header[at])]


def others_phone_columns(section: Section) -> list[int]:
    """Return the positions of phones that are asked for as somebody else's: they are kept as answers, as nobody's."""
    unnamed = (at for at in section.unnamed() if is_someone_elses(section.header[at]))
    return [at for at in unnamed if _is_phone_question(section, at)]


def has_phones(section: Section) -> bool:
    """Whether anything stands in a column of people's own phones."""
    return any(pc.any(pc.invert(_is_blank(section.column(at))), min_count=0).as_py() for at in phone_columns(section))


def shown_header(header: str) -> str:
    """Return a header as it may be shown: a question may hold a number or an address as its example."""
    shown = _PERSONAL.sub("…", " ".join(header.split()))
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"


def _is_phone_question(section: Section, at: int) -> bool:
    return asks_for_phone(section.header[at], section.column(at))


def _holds_dates(column: Any) -> bool:
    values = column.filter(pc.invert(_is_blank(column))).slice(0, SAMPLE).to_pylist()
    are_dates = [len(value) <= LONGEST and _DATE_LIKE.search(value) is not None for value in values]
    return any(are_dates) and 2 * sum(are_dates) >= len(are_dates)


def _is_blank(column: Any) -> Any:
    return pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(column)), pa.array(sorted(_BLANK), type=TEXT))
