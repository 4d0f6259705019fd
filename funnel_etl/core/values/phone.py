"""Phones: one canonical form, a class that says what was found, and the sheet's own rule for parity.

Here: the rule for one cell and for a column. Not here: whose phone it is (an attendee's may come from another
row).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.phone_cells import SCI, bare, parts, restored
from funnel_etl.core.values.text import spread, squash_one, unique_texts

IN_MOBILE = "in_mobile"
FOREIGN = "foreign"
PLACEHOLDER = "placeholder"
SCI_NOTATION = "sci_notation"
INVALID = "invalid"
BLANK = "blank"
CLASSES = (IN_MOBILE, FOREIGN, PLACEHOLDER, SCI_NOTATION, INVALID, BLANK)
COUNTRY_CODE_IGNORED = "country_code_ignored"
OTHER_PERSON = "other_person"
"""The cell's only numbers are somebody else's, by their labels: the person has no phone, they are alternates."""

_SCI = re.compile(SCI, re.IGNORECASE)
_FLOAT = re.compile(r"([^.]*[0-9])\.(?:0{1,4}|0{6,})|((?:[^0-9.]*[0-9]){10,})\.0{5}")
"""A number with a fraction of noughts; five of them may be the second half of `98765.00000`."""
_COPY = re.compile(r"[(\[] *[0-9]{1,2} *[)\]]$")
"""The mark of a copy behind a number: `9876512345 (2)`."""
_GROUP = re.compile(r"\+?[0-9]+")
_INDIAN_PREFIX = r"(?:\+?(?:0{0,2}91){1,2}0?|0)?"
"""The country code, with or without its plus or noughts, also typed twice; the trunk nought."""
_NATIONAL = re.compile(rf"{_INDIAN_PREFIX}([0-9]{{10}})")
_MOBILE = re.compile(r"[6-9][0-9]{9}")
_ONE_DIGIT = re.compile(r"([0-9])\1{9,}")
_TWO_NUMBERS = 18
"""Two whole numbers have no fewer digits together."""
_MOST_GROUPS = 12

# Cells that are one number and nothing odd; all others take the slow road. Both roads give the same answer.
_PLAIN = (
    r"^[ ']*(?:(?i:p|ph|tel|mob|mobile|phone|cell|whatsapp)[:.] ?)?"
    r"(\+?[0-9](?:[0-9 ()+-]*[0-9])?)(?:\.0+)? *$"
)
_PLAIN_MOBILE = rf"^{_INDIAN_PREFIX}(?P<national>[6-9][0-9]{{9}})$"


class Phone(NamedTuple):
    """What one cell holds.

    `phone`: ten digits, or `+` and E.164 digits, or None. `user_id`: E.164 digits without the plus, or None.
    `alternates`: the other valid numbers of the cell, in the form of `phone`.
    """

    phone: str | None
    phone_class: str
    phone_note: str | None = None
    alternates: tuple[str, ...] = ()
    user_id: str | None = None


def user_ids_of(phones: Iterable[str]) -> set[str]:
    """Return the user ids of phones as tables hold them: E.164 digits without the plus."""
    found = (normalise_one(phone, frozenset()).user_id for phone in phones)
    return {user_id for user_id in found if user_id}


@lru_cache(maxsize=1 << 17)
def normalise_one(text: str | None, placeholders: frozenset[str]) -> Phone:
    """Classify one cell; never raises. Rule: Phones. `placeholders`: digits that are nobody's phone.

    Kept for the same cell again: people come back, and a night reads some columns up to five times.
    """
    cell = _ascii(text or "")
    if not cell.strip(" '\n\r\t"):
        return Phone(None, BLANK)
    if "@" in cell:
        return Phone(None, INVALID)
    cell = restored(cell)
    if _SCI.fullmatch(bare(cell)):
        return Phone(None, SCI_NOTATION)
    own: list[Phone] = []
    others: list[Phone] = []
    for part in parts(cell):
        *numbers, last = _numbers(part.text, placeholders)
        (others if part.is_others else own).extend(numbers)
        (others if part.is_others or part.is_last_others else own).append(last)
    chosen = next((phone for phone in own if phone.phone), own[0] if own else Phone(None, INVALID))
    alternates = dict.fromkeys(phone.phone for phone in own + others if phone.phone and phone.phone != chosen.phone)
    note = chosen.phone_note if chosen.phone or not alternates else OTHER_PERSON
    return chosen._replace(phone_note=note, alternates=tuple(alternates))


def normalise(texts: pd.Series, placeholders: frozenset[str]) -> pd.DataFrame:
    """Classify a column: a frame of the same index, one row per cell. Rule: Phones.

    Columns `phone`, `phone_class`, `phone_note`, `phone_alternates` and `user_id`, all `str` but the
    alternates: an object column of lists, None where there are none.
    """
    uniques, codes = unique_texts(texts)
    uniques = pa.concat_arrays([uniques, pa.array([""], type=pa.large_string())])
    codes = np.where(codes < 0, len(uniques) - 1, codes)
    national = _plain_mobiles(uniques, placeholders)
    slow = np.flatnonzero(national.is_null().to_numpy(zero_copy_only=False))
    read = [normalise_one(text, placeholders) for text in uniques.take(pa.array(slow)).to_pylist()]
    mobile = pa.scalar(IN_MOBILE, pa.large_string())
    columns = {
        "phone": _fill(national, slow, [phone.phone for phone in read]),
        "phone_class": _fill(pc.if_else(national.is_valid(), mobile, None), slow, [p.phone_class for p in read]),
        "phone_note": _fill(pa.nulls(len(uniques), pa.large_string()), slow, [p.phone_note for p in read]),
        "user_id": _fill(_joined("91", national), slow, [p.user_id for p in read]),
    }
    frame = pd.DataFrame({name: spread(column, codes, texts.index) for name, column in columns.items()})
    alternates = _alternates(read, slow, codes, len(uniques))
    frame.insert(3, "phone_alternates", pd.Series(alternates, index=texts.index, dtype=object))
    return frame


def joined(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Return what two columns of one person's phones hold together: frames of `normalise`, with `phone_raw`.

    The second speaks where it alone has a phone, or the first is blank; where both have one it is an alternate.
    """
    speaks = first["phone"].isna() & (second["phone"].notna() | (first["phone_class"] == BLANK))
    both = first.where(~speaks, second)
    two = first["phone"].notna() & second["phone"].notna() & (first["phone"] != second["phone"])
    had, more = first.loc[two, "phone_alternates"], second.loc[two]
    triples = zip(had, more["phone"], more["phone_alternates"], strict=True)
    further = [list(dict.fromkeys([*(known or []), phone, *(others or [])])) for known, phone, others in triples]
    both.loc[two, "phone_alternates"] = pd.Series(further, index=both.index[two], dtype=object)
    return both


def sheet_phone(texts: pd.Series) -> pd.Series:
    """Apply the sheet's rule: the last ten ASCII digits, "" where there are fewer or the cell is missing."""
    uniques, codes = unique_texts(texts)
    digits = pc.replace_substring_regex(uniques, "[^0-9]+", "")
    last = pc.if_else(pc.greater_equal(pc.binary_length(digits), 10), pc.utf8_slice_codeunits(digits, -10), "")
    return spread(last, codes, texts.index).fillna("")


def _ascii(text: str) -> str:
    """Make digits and signs ASCII and drop zero-width characters. Line ends stay: they separate numbers."""
    if not text.isascii():
        text = "\n".join(squash_one(line) for line in unicodedata.normalize("NFKC", text).splitlines())
        text = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
    return text.strip()


def _numbers(text: str, placeholders: frozenset[str]) -> list[Phone]:
    """Classify a piece of a cell: as one number, else as the several whole numbers it falls into in one way only."""
    whole = _single(text, placeholders)
    if whole.phone_class != INVALID:
        return [whole]
    if _COPY.search(text.strip()):
        return _numbers(_COPY.sub("", text.strip()), placeholders)
    groups = _GROUP.findall(text)
    if len(groups) > _MOST_GROUPS or sum(map(len, groups)) < _TWO_NUMBERS:
        return [whole]
    ways = list(_falls_into(groups, placeholders))
    return ways[0] if len(ways) == 1 else [whole]


def _falls_into(groups: list[str], placeholders: frozenset[str]) -> Iterator[list[Phone]]:
    """Yield each way to read groups of digits as whole numbers one after the other; a landline is one too."""
    if not groups:
        yield []
    for end in range(1, len(groups) + 1):
        number = _single(" ".join(groups[:end]), placeholders)
        if number.phone_class != INVALID or _NATIONAL.fullmatch("".join(groups[:end])):
            for rest in _falls_into(groups[end:], placeholders):
                yield [number, *rest]


def _single(text: str, placeholders: frozenset[str]) -> Phone:
    text = bare(text.strip())
    if _SCI.fullmatch(text):
        return Phone(None, SCI_NOTATION)
    text = found.expand(r"\1\2") if (found := _FLOAT.fullmatch(text)) else text
    digits = re.sub("[^0-9]", "", text)
    number = "+" + digits if text.startswith("+") else digits
    indian = _NATIONAL.fullmatch(number)
    if _is_placeholder(digits, placeholders) or (indian and _is_placeholder(indian[1], placeholders)):
        return Phone(None, PLACEHOLDER)
    if indian and _MOBILE.fullmatch(indian[1]):
        return _mobile(indian[1])
    if number.startswith("+"):
        return _international(digits, placeholders)
    if number.startswith("00"):
        return _international(digits[2:], placeholders)
    return Phone(None, INVALID)


def _is_placeholder(digits: str, placeholders: frozenset[str]) -> bool:
    return len(digits) >= 10 and (digits in placeholders or _ONE_DIGIT.fullmatch(digits) is not None)


def _mobile(national: str, note: str | None = None) -> Phone:
    return Phone(national, IN_MOBILE, note, (), "91" + national)


def _international(digits: str, placeholders: frozenset[str]) -> Phone:
    """Classify what follows `+` or `00`: a foreign number, or an Indian mobile under a wrong flag."""
    if digits.startswith("91") and len(digits) != 10:
        return Phone(None, INVALID)
    candidates = [digits]
    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        pass
    else:
        if phonenumbers.is_valid_number(parsed):
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            return Phone(e164, FOREIGN, None, (), e164[1:])
        code = str(parsed.country_code)
        rest = digits[len(code) :]
        again = rest.lstrip("0")
        if again.startswith(code) and (twice := _international(again, placeholders)).phone_class == FOREIGN:
            return twice
        candidates = [rest, rest.removeprefix("91"), digits]
    for candidate in candidates:
        if _MOBILE.fullmatch(candidate):
            # "+1 9999999999" is no more a person's phone than "9999999999" is.
            if _is_placeholder(candidate, placeholders):
                return Phone(None, PLACEHOLDER)
            return _mobile(candidate, COUNTRY_CODE_IGNORED)
    return Phone(None, INVALID)


def _plain_mobiles(uniques: Any, placeholders: frozenset[str]) -> Any:
    """Take the ten digits of texts that are one Indian mobile in a common spelling; null for others."""
    plain = pc.replace_substring_regex(
        pc.if_else(pc.match_substring_regex(uniques, _PLAIN), uniques, None), _PLAIN, r"\1"
    )
    number = pc.replace_substring_regex(pc.replace_substring_regex(plain, "[ ()-]+", ""), r"([0-9])\++", r"\1")
    national = pc.struct_field(pc.extract_regex(number, _PLAIN_MOBILE), "national")
    nobody = [digit * 10 for digit in "6789"] + sorted(placeholders)
    listed = pa.array(nobody, type=pa.large_string())
    is_nobody = pc.or_(pc.is_in(national, listed), pc.is_in(pc.replace_substring(number, "+", ""), listed))
    return pc.if_else(is_nobody, None, national)


def _joined(prefix: str, texts: Any) -> Any:
    return pc.binary_join_element_wise(pa.scalar(prefix, texts.type), texts, pa.scalar("", texts.type))


def _fill(column: Any, positions: npt.NDArray[np.int64], values: list[str | None] | list[str]) -> Any:
    mask = np.zeros(len(column), dtype=bool)
    mask[positions] = True
    return pc.replace_with_mask(column, pa.array(mask), pa.array(values, type=pa.large_string()))


def _alternates(
    read: list[Phone], slow: npt.NDArray[np.int64], codes: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.object_]:
    by_unique = np.full(size, None, dtype=object)
    for position, phone in zip(slow, read, strict=True):
        if phone.alternates:
            by_unique[position] = phone.alternates
    spread_out = by_unique[codes]
    for row in np.flatnonzero(spread_out != None):  # noqa: E711 - element-wise
        spread_out[row] = list(spread_out[row])
    return spread_out
