"""Rupees as people type them, to whole paise; what a comma in an amount may mean.

Here: reading one column of amounts, and how the digits of any number may be grouped. Not here: sums, currencies other
than the rupee, and the numeric(14,2) of the lake and of PostgreSQL (table contracts convert there).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values.text import arrow_text, spread, unique_texts

BAD_MONEY = "bad_money"
INTEGER_DIGITS = 12  # numeric(14,2)

WHOLE = r"(?:\d+|[^\D0]\d{0,2}(?:,\d{3})+|[^\D0]\d?(?:,\d{2})*,\d{3})"
"""The whole part of a number: commas stand between groups of Western or Indian form, the last of three digits.

Groups begin with no zero: `0,500` is 0.5 with a decimal comma.
"""
_WHOLE_BY_POINTS = WHOLE.replace(",\\d", r"\.\d")

_UNSEEN = r"[\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}\x{feff}]+"
_BLANKS = r"[\s\x{00a0}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]+"
_UNIT = r"(?:₹|rs\.?|inr)"
_BEFORE = rf"^(?P<before>(?:\(|[-+]|{_UNIT})*)"
_AFTER = rf"(?:/-)?(?P<after>(?:\)|-|{_UNIT})*)(?:/-)?$"
_AMOUNT = rf"{_BEFORE}(?P<whole>{WHOLE})?(?:\.(?P<part>\d*))?{_AFTER}"
_COMMA_AMOUNT = rf"{_BEFORE}(?P<whole>{_WHOLE_BY_POINTS})?(?:,(?P<part>\d*))?{_AFTER}"
_ONLY_COMMA_AMOUNT = rf"{_BEFORE}\d[\d.]*\.\d+[.,]\d+{_AFTER}"
_MAY_PROVE = r"\..*[.,]|,.*\."
UNCLEAR = " or otherwise"
"""Added to an amount that may be two, so that it reads as none."""


class Money(NamedTuple):
    """One column: `paise` (Int64, <NA> where blank or unreadable), `reason` (str: NaN or `bad_money`)."""

    paise: pd.Series
    reason: pd.Series


def parse(texts: pd.Series) -> Money:
    """Read a text column of rupees into whole paise, each rounded half-up, away from zero. Rule: Money.

    A blank is <NA> without a reason. What is not clearly a number (letters, a comma after the point, commas or blanks
    that stand between no groups of digits, two points, scientific notation, a lone minus, more than twelve digits
    before the point) is <NA> with `bad_money`.
    """
    uniques, codes = unique_texts(texts)
    plain = _plain(uniques)
    blank = pc.equal(plain, "").to_numpy(zero_copy_only=False)
    paise, good = _paise(plain)
    known = codes >= 0
    # A missing cell takes the extra last element: neither a value nor a reason.
    values = np.append(paise, 0)[codes]
    missing = ~np.append(good, False)[codes]
    bad = pa.scalar(BAD_MONEY, pa.large_string())
    reasons = pc.if_else(pa.array(good | blank), None, bad)
    reason = spread(reasons, codes, texts.index)
    numbers = pd.arrays.IntegerArray(values.astype(np.int64), missing | ~known)
    return Money(pd.Series(numbers, index=texts.index), reason)


def uses_decimal_commas(texts: pd.Series) -> bool:
    """Whether a column is proved to write `1.234,56`: by an amount that can be nothing else, and none with a point.

    `1.234.567` can be nothing else, either.
    """
    return decimal_commas(texts) == (True, False)


def decimal_commas(texts: pd.Series) -> tuple[bool, bool]:
    """Return whether any amount proves that a column uses decimal commas, and whether any disproves it."""
    if not pc.any(pc.match_substring_regex(arrow_text(texts), _MAY_PROVE)).as_py():
        return False, False
    plain = _plain(unique_texts(texts)[0])
    by_comma, by_point = _readings(plain)
    proof = pc.and_(by_comma, pc.match_substring_regex(plain, _ONLY_COMMA_AMOUNT))
    disproof = pc.and_(by_point, pc.invert(by_comma))
    return bool(pc.any(proof).as_py()), bool(pc.any(disproof).as_py())


def with_points(texts: pd.Series) -> pd.Series:
    """Return a column that uses decimal commas with points in their place, and without its points.

    `12,500` may be either there: it is made unreadable (UNCLEAR).
    """
    uniques, codes = unique_texts(texts)
    plain = _plain(uniques)
    by_comma, by_point = _readings(plain)
    swapped = pc.replace_substring(pc.replace_substring(plain, ".", ""), ",", ".")
    is_unclear = pc.and_(by_point, pc.match_substring(plain, ","))
    read = pc.if_else(is_unclear, _unclear(uniques), swapped)
    return spread(pc.if_else(by_comma, read, uniques), codes, texts.index)


def without_unclear_points(texts: pd.Series) -> pd.Series:
    """Return a column of both kinds with `1.500`, which may be either, made unreadable (UNCLEAR)."""
    uniques, codes = unique_texts(texts)
    plain = _plain(uniques)
    by_comma, by_point = _readings(plain)
    is_unclear = pc.and_(pc.and_(by_comma, by_point), pc.match_substring(plain, "."))
    return spread(pc.if_else(is_unclear, _unclear(uniques), uniques), codes, texts.index)


def _readings(plain: Any) -> tuple[Any, Any]:
    """Return which amounts can be read with decimal commas, and which with points."""
    return pc.match_substring_regex(plain, _COMMA_AMOUNT), pc.match_substring_regex(plain, _AMOUNT)


def _unclear(uniques: Any) -> Any:
    return _joined(uniques, "", pa.scalar(UNCLEAR, uniques.type))


def _plain(uniques: Any) -> Any:
    """Return amounts in lower case, with one kind of minus and without blanks; one between digits is a comma."""
    plain = pc.replace_substring_regex(pc.utf8_lower(uniques), _UNSEEN, "")
    for _ in range(2):  # the digit behind a blank may stand before another one
        plain = pc.replace_substring_regex(plain, rf"(\d){_BLANKS}(\d)", r"\1,\2")
    plain = pc.replace_substring_regex(plain, _BLANKS, "")
    return pc.replace_substring_regex(plain, r"[\x{2212}\x{fe63}\x{ff0d}]", "-")


def _paise(plain: Any) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    found = pc.extract_regex(plain, _AMOUNT)
    before, after = _group(found, "before"), _group(found, "after")
    whole = pc.utf8_ltrim(pc.replace_substring(_group(found, "whole"), ",", ""), characters="0")
    part = _group(found, "part")
    has_digit = pc.match_substring_regex(plain, "[0-9]")
    fits = pc.less_equal(pc.utf8_length(whole), INTEGER_DIGITS)
    signs = pc.count_substring_regex(_joined(before, "", after), "[-+]")
    opened, closed = pc.count_substring(before, "("), pc.count_substring(after, ")")
    units = pc.count_substring_regex(_joined(before, " ", after), _UNIT)
    good = _all(
        found.is_valid(),
        has_digit,
        fits,
        pc.less_equal(signs, 1),
        pc.equal(opened, closed),
        pc.less_equal(opened, 1),
        pc.less_equal(units, 1),
    )
    rupees = _integers(pc.if_else(fits, whole, ""))
    cents = _integers(pc.utf8_slice_codeunits(pc.utf8_rpad(part, 2, "0"), 0, 2))
    half_up = pc.match_substring_regex(part, r"^[0-9]{2}[5-9]").to_numpy(zero_copy_only=False)
    paise = rupees * 100 + cents + half_up
    negative = pc.match_substring_regex(_joined(before, "", after), r"[-(]")
    good &= paise < 10 ** (INTEGER_DIGITS + 2)
    return np.where(negative.to_numpy(zero_copy_only=False), -paise, paise), good


def _joined(before: Any, between: str, after: Any) -> Any:
    return pc.binary_join_element_wise(before, after, pa.scalar(between, before.type))


def _group(found: Any, name: str) -> Any:
    return pc.fill_null(pc.struct_field(found, name), "")


def _all(*conditions: Any) -> npt.NDArray[np.bool_]:
    arrays = [condition.to_numpy(zero_copy_only=False).astype(bool) for condition in conditions]
    result: npt.NDArray[np.bool_] = np.logical_and.reduce(arrays)
    return result


def _integers(digits: Any) -> npt.NDArray[np.int64]:
    numbers = pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64())
    result: npt.NDArray[np.int64] = numbers.to_numpy(zero_copy_only=False)
    return result
