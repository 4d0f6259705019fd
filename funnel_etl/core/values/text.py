"""Text as people and programs write it: encodings, keys to compare by, names, e-mails, column names.

Here: functions from text to text that know nothing of a table. Not here: phones, dates and money (modules
of their own), and anything that knows what a funnel or a report is.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.contact_mask import without_contacts

STR = pd.StringDtype(na_value=np.nan)

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ZERO_WIDTH = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_ROUNDED_ID = r"(?i)^[0-9]{1,3}(?:[.,][0-9]+E\+?|E\+)[0-9]{2,3}$"
"""An identifier that a spreadsheet took for a number, as it writes one: `6.54E+23`, `1E+15`. Its digits are lost.

An id may well be digits around an E (`6e5`, `64E10`), as in hexadecimal ones; none has a plus, or a point before its E.
"""
_LONG_NUMBER = r"^[0-9]{16,}(?:\.0*)?$"
_KEPT_DIGITS = 15
"""A spreadsheet makes zeros of the digits behind so many."""
_BY_CHANCE, _TOGETHER = 0.01, 3
"""Ids have such zeros by chance where they are not a hundred times as many as expected, or all with so many zeros."""
_DUMMY = (
    r"(?i)test lead: dummy data|\btester-123-|(?:^|[^\w.+-])test@(?:example|meta|fb)\.com(?:$|[^\w.-])"
    r"|(?:^|\W)firstname lastname(?:$|\W)|(?:^|[^0-9])1[ -]?\(?650\)?[ -]?555[ -]?0123(?:$|[^0-9])"
)
_AROUND_ID = r"[\s'\"’‘`=\x{200b}-\x{200f}\x{2060}\x{feff}]+"
"""Blanks, and what keeps a spreadsheet from taking a text for a number."""
_NUL_SAMPLE = 8192
_IS_ITS_KEY = r"^[!-@\[-~]+(?: [!-@\[-~]+)*$"
"""ASCII without capitals, single blanks inside."""
_IS_SQUASHED = r"^[!-~]+(?: [!-~]+)*$"
_IS_AN_EMAIL = r"^[!-?\[-~]+@[!-?\[-~]+\.[!-?\[-~]+$"
_IS_A_NAME = r"^[A-Z][a-z]+(?: [A-Z][a-z]*)*$"
"""Texts that are as `squash`, `clean_email` and `person_name` make them: ASCII, an e-mail in small letters."""


class Decoded(NamedTuple):
    """A file's text and the encoding it was read with: utf-8, utf-16-le, utf-16-be or the fallback."""

    text: str
    encoding: str


def decode(data: bytes, fallback: str = "cp1252") -> Decoded:
    """Decode a file: by its BOM, else as UTF-16 or UTF-8, else with `fallback`. NULs and the BOM are removed.

    UTF-16 without a BOM is asked about before UTF-8, because English text in UTF-16 is valid UTF-8 full of
    NULs. A character cut in two at the very end of a file does not turn the whole file into the fallback
    encoding. Raises LookupError for an unknown `fallback`, nothing for the bytes: what `fallback` cannot
    read becomes U+FFFD.
    """
    named = next(((mark, encoding) for mark, encoding in _BOMS if data.startswith(mark)), None)
    body = data[len(named[0]) :] if named else data
    encoding = named[1] if named else _utf16_by_nuls(body) or "utf-8"
    if encoding == "utf-8":
        text = _strict_utf8(body)
        if text is None:
            encoding, text = fallback, body.decode(fallback, errors="replace")
    else:
        text = body.decode(encoding, errors="replace")
    return Decoded(text.replace("\x00", "").removeprefix("\ufeff"), encoding)


def _strict_utf8(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_at_the_end = error.reason == "unexpected end of data" and error.end == len(body)
        return body[: error.start].decode("utf-8") + "\ufffd" if cut_at_the_end and error.start else None


def _utf16_by_nuls(body: bytes) -> str | None:
    """Recognise western UTF-16: NULs in many second bytes and nearly no first ones, or the reverse."""
    sample = body[:_NUL_SAMPLE]
    first, second, pairs = sample[0::2].count(0), sample[1::2].count(0), len(sample) // 2
    if pairs and second > pairs * 0.2 and first * 10 < second:
        return "utf-16-le"
    if pairs and first > pairs * 0.2 and second * 10 < first:
        return "utf-16-be"
    return None


def unique_texts(values: pd.Series) -> tuple[Any, npt.NDArray[np.int64]]:
    """Return the unique texts as an Arrow `large_string` array, and each row's position in it (-1: missing).

    Raises pyarrow.ArrowTypeError / ArrowInvalid when the column holds something that is not text.
    """
    encoded: Any = arrow_text(values).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary, codes


def arrow_text(values: pd.Series) -> Any:
    """Return a text column as one Arrow array of large strings."""
    array: Any = pa.array(values, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def text_series(array: Any, index: pd.Index) -> pd.Series:
    """Return an Arrow array of large strings as a `str` column."""
    return pd.Series(STR.__from_arrow__(array), index=index)  # type: ignore[attr-defined]


def spread(uniques: Any, codes: npt.NDArray[np.int64], index: pd.Index) -> pd.Series:
    """Make a `str` column of an Arrow array of unique texts and each row's position in it (-1 gives NaN)."""
    return text_series(uniques.take(pa.array(codes, mask=codes < 0)), index)


def map_unique(values: pd.Series, function: Callable[[str], str | None], *, own: str = "") -> pd.Series:
    """Apply `function` once to every different text. Same index, `str`; missing and None are NaN.

    `own`: a pattern of texts that `function` leaves as they are: nearly all of a column of e-mails, names or phones.
    """
    uniques, codes = unique_texts(values)
    odd = pc.invert(pc.match_substring_regex(uniques, own)) if own else pa.array([True] * len(uniques), pa.bool_())
    mapped = pa.array([function(text) for text in uniques.filter(odd).to_pylist()], type=pa.large_string())
    return spread(pc.replace_with_mask(uniques, odd, mapped), codes, values.index)


def typed(text: str) -> str:
    """Return a text that came out of a form without what nobody sees in it and no table takes: NUL, halves of signs.

    Line ends and tabs stay.
    """
    return _UNSEEN.sub("", text)


def squash_one(text: str) -> str:
    """Remove zero-width characters from one text, collapse its white space to single blanks, and trim it."""
    return " ".join(_ZERO_WIDTH.sub("", text).split())


def squash(values: pd.Series) -> pd.Series:
    """Squash a column: `squash_one` of every text; what is then empty is NaN."""
    return map_unique(values, lambda text: squash_one(text) or None, own=_IS_SQUASHED)


def fold(text: str) -> str:
    """Strip accents and case."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(ch for ch in decomposed if not unicodedata.combining(ch)).casefold()


def lookup_key(value: object) -> str:
    """Return the form in which funnels, sources, categories and statuses are compared. Rule: Text lookups.

    Missing (None, NaN, NaT, NA) is "". Nothing is a pattern: `*` and `?` mean themselves.
    """
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
        return ""
    return squash_one(str(value)).casefold()


def lookup_keys(values: pd.Series) -> pd.Series:
    """`lookup_key` of a column: same index, `str`, "" where missing."""
    return map_unique(values, lookup_key, own=_IS_ITS_KEY).fillna("")


def is_filled(values: pd.Series) -> pd.Series:
    """Whether each cell has any text but white space."""
    return values.str.strip().fillna("") != ""


def first_filled(columns: Sequence[pd.Series]) -> pd.Series:
    """Return, row by row, the first cell of columns of one meaning that is not blank."""
    cells = columns[0]
    for column in columns[1:]:
        cells = cells.where(is_filled(cells), column)
    return cells


@lru_cache(maxsize=10_000)
def header_key(name: str) -> str:
    """Reduce a column name to its letters and digits: "Phone number", "phone_number" and "PhoneNumber" are one.

    So is a name with and without the number or address in it: it is shown without.
    """
    return "".join(ch for ch in lookup_key(without_contacts(name)) if ch.isalnum())


def is_one_of(texts: pd.Series, wanted: pd.Series) -> npt.NDArray[np.bool_]:
    """Return, for each text, whether it is one of `wanted`; a missing one is not. `isin` is ten times slower."""
    values = pa.array(wanted.dropna().unique(), type=pa.large_string())
    found: npt.NDArray[np.bool_] = pc.is_in(arrow_text(texts), value_set=values).to_numpy(zero_copy_only=False)
    return found


def are_rounded_ids(values: pd.Series) -> pd.Series:
    """Whether each identifier of a column is one that a spreadsheet rounded; a missing one is not.

    By its form, `6.54E+23`; or it is a long number with zeros for all digits behind the fifteenth, as too many ids of
    its length are for chance.
    """
    uniques, codes = unique_texts(values)
    plain = pc.replace_substring_regex(uniques, _AROUND_ID, "")
    rounded = pc.match_substring_regex(plain, _ROUNDED_ID).to_numpy(zero_copy_only=False).astype(bool)
    digits = pc.replace_substring(plain, ",", "")
    is_long = pc.match_substring_regex(digits, _LONG_NUMBER).to_numpy(zero_copy_only=False)
    if is_long.any():
        numbers = text_series(digits, pd.RangeIndex(len(digits)))[is_long].str.replace(r"\..*", "", regex=True)
        behind = numbers.str.len() - _KEPT_DIGITS
        are_zeros = numbers.str.slice(_KEPT_DIGITS).str.strip("0") == ""
        zeros, ids = are_zeros.groupby(behind).transform("sum"), are_zeros.groupby(behind).transform("size")
        is_chance = (ids * 10.0**-behind >= _BY_CHANCE * zeros) & ((zeros < ids) | (ids * behind < _TOGETHER))
        rounded[is_long] = are_zeros & ~is_chance
    return pd.Series(np.append(rounded, False)[codes], index=values.index)


def are_dummies(values: pd.Series) -> pd.Series:
    """Whether each cell, or line of cells, has what Meta or Google fill in when they test a form (_DUMMY)."""
    found = pc.match_substring_regex(arrow_text(values), _DUMMY)
    return pd.Series(found.fill_null(fill_value=False).to_numpy(zero_copy_only=False), index=values.index)


def clean_email(values: pd.Series) -> pd.Series:
    """Trim and lower-case e-mails; NaN for what is not one address with a dot in its domain. Rule: E-mail."""
    return map_unique(values, _email, own=_IS_AN_EMAIL)


def _email(text: str) -> str | None:
    address = squash_one(text).lower()
    return address if _EMAIL.fullmatch(address) else None


def person_name(values: pd.Series) -> pd.Series:
    """Collapse blanks in people's names; proper-case the all-lower and all-upper. Rule: Names."""
    return map_unique(values, _person, own=_IS_A_NAME)


def _person(text: str) -> str | None:
    letters = [character for character in text if character.isalpha()]
    if not all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters):
        # Indian scripts spell with zero-width joiners: only blanks are touched.
        return " ".join(text.split()) or None
    name = squash_one(text)
    if name.islower() or name.isupper():
        # str.title() takes a combining accent for a word's end ("JoãO"): accents join their letters.
        name = unicodedata.normalize("NFC", name).title()
    return name or None


def snake_case(name: str) -> str:
    """Name a column as the database does: `utmSource` -> `utm_source`, `eBookRev` -> `ebook_rev`."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part))
    # The CRM writes two words of ours with a capital in the middle.
    plain = re.sub(r"(?<![A-Z])EBook|(?<![A-Za-z])eBook", "Ebook", plain)
    plain = re.sub(r"(?<![A-Z])WithOut", "Without", plain)
    plain = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", plain)
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", plain)
    return re.sub(r"[\W_]+", "_", plain).strip("_").lower()
