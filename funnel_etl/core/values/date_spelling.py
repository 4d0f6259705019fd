"""The spellings of a date: text to numbers, as written.

Here: which of the known spellings a text has, and its year, month, day, time and offset. Not here: which of
two numbers is the day (`date_order`), and time zones and calendars (`dates`).
"""

import unicodedata
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BAD, ISO, NAMED, NUMERIC, SERIAL = range(5)

_MONTHS = (
    "jan january janeiro ene enero",
    "feb february fev fevereiro febrero",
    "mar march marco marzo",
    "apr april abr abril",
    "may mai maio mayo",
    "jun june junho junio",
    "jul july julho julio",
    "aug august ago agosto",
    "sep sept september set setembro septiembre setiembre",
    "oct october out outubro octubre",
    "nov november novembro noviembre",
    "dec december dez dezembro dic diciembre",
)
_MONTH_NUMBER = {word: number for number, words in enumerate(_MONTHS, start=1) for word in words.split()}
MONTH_WORDS = frozenset(_MONTH_NUMBER)

_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_HALF = r"(?: ?(?P<half>a\.? ?m\.?|p\.? ?m\.?|da manha|da madrugada|da tarde|da noite))?"
_OFFSET = r"(?: ?(?P<offset>z|utc|gmt|[+-]\d{2}(?::?\d{2})?))?"
_TIME = rf"(?:(?:t|,? ){_CLOCK}{_HALF}{_OFFSET})?"
_BEFORE_YEAR = r"\.?(?:,? |-| de )(?P<year>\d{4}|\d{2})"
_PATTERNS = (
    (ISO, rf"^(?P<year>\d{{4}})(?P<sep>[-/])(?P<month>\d{{1,2}})(?P<sep2>[-/])(?P<day>\d{{1,2}}){_TIME}$"),
    (
        NUMERIC,
        rf"^(?P<month>\d{{1,2}})(?P<sep>[-/.])(?P<day>\d{{1,2}})(?P<sep2>[-/.])(?P<year>\d{{4}}|\d{{2}}){_TIME}$",
    ),
    (NAMED, rf"^(?P<name>[a-z]{{3,10}})\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){_TIME}$"),
    (
        NAMED,
        rf"^(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:[ -]| de )(?P<name>[a-z]{{3,10}}){_BEFORE_YEAR}{_TIME}$",
    ),
)
_SERIAL = r"^\d{5}(\.\d+)?$"
_DAY_US = 24 * 60 * 60 * 1_000_000


class Spelled(NamedTuple):
    """Numbers as written, one per text. In a NUMERIC one `month` is the first number, `day` the second.

    `micros`: time of day, -1 where there is no such time. `offset`: minutes east of UTC where `has_offset`.
    """

    kind: Ints
    year: Ints
    month: Ints
    day: Ints
    micros: Ints
    offset: Ints
    has_offset: Bools


def tidy(texts: Any) -> Any:
    """Lower-case, collapse blanks, trim; what is not ASCII loses accents and zero-width characters."""
    ascii_only = pc.string_is_ascii(texts)
    if not pc.all(ascii_only, min_count=0).as_py():
        odd = [text if text.isascii() else _unaccented(text) for text in texts.to_pylist()]
        texts = pa.array(odd, type=pa.large_string())
    lower = pc.ascii_lower(texts)
    return pc.ascii_trim_whitespace(pc.replace_substring_regex(lower, r"\s+", " "))


def read(plain: Any) -> Spelled:
    """Read tidied texts. A text in none of the spellings has the kind BAD."""
    size = len(plain)
    kinds, year, month, day, micros, offset = np.zeros((6, size), dtype=np.int64)
    result = Spelled(kinds, year, month, day, micros, offset, np.zeros(size, dtype=bool))
    if (stamps := _as_databases_write(plain)) is not None:
        return _of_stamps(stamps, result)
    left = np.arange(size)
    for kind, pattern in _PATTERNS:
        if not len(left):
            break
        found = pc.extract_regex(plain if len(left) == size else plain.take(pa.array(left)), pattern)
        good = found.is_valid().to_numpy(zero_copy_only=False)
        if good.any():
            _store(result, kind, left[good], found if good.all() else found.filter(pa.array(good)))
        left = left[~good]
    serial = pc.match_substring_regex(plain, _SERIAL).to_numpy(zero_copy_only=False)
    result.kind[serial] = SERIAL
    return result


def _as_databases_write(plain: Any) -> Any:
    """Return a column of nothing but `2025-11-20`, `2025-11-20 10:45:00` and blanks as stamps; None for any other.

    As the patterns read it, at a tenth of the cost.
    """
    lengths = pc.binary_length(plain)
    if not pc.all(pc.is_in(lengths, pa.array([0, 10, 19], lengths.type)), min_count=0).as_py():
        return None
    try:
        texts = pc.if_else(pc.equal(lengths, 0), None, pc.replace_substring(plain, "t", " "))
        return texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None


def _of_stamps(stamps: Any, result: Spelled) -> Spelled:
    """Fill in what stamps are: ISO, where there is one."""
    for part, cells in (("year", result.year), ("month", result.month), ("day", result.day)):
        cells[:] = pc.fill_null(getattr(pc, part)(stamps), 0)
    result.kind[:] = np.where(stamps.is_valid(), ISO, BAD)
    result.micros[:] = pc.fill_null(stamps.cast(pa.int64()), 0).to_numpy() % _DAY_US
    return result


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    kept = [c for c in decomposed if not unicodedata.combining(c) and unicodedata.category(c) != "Cf"]
    return " ".join("".join(kept).split())


def _store(result: Spelled, kind: int, rows: Ints, found: Any) -> None:
    year = pc.struct_field(found, "year")
    numbers = _integers(year)
    result.year[rows] = np.where(_true(pc.equal(pc.binary_length(year), 2)), numbers + 2000, numbers)
    result.day[rows] = _integers(pc.struct_field(found, "day"))
    if kind == NAMED:
        result.month[rows] = _month_numbers(pc.struct_field(found, "name"))
        same = np.ones(len(rows), dtype=bool)
    else:
        result.month[rows] = _integers(pc.struct_field(found, "month"))
        same = _true(pc.equal(pc.struct_field(found, "sep"), pc.struct_field(found, "sep2")))
    result.kind[rows] = np.where(same, kind, BAD)
    result.micros[rows] = _micros(found)
    minutes, has_offset = _offset(pc.struct_field(found, "offset"))
    result.offset[rows] = minutes
    result.has_offset[rows] = has_offset
    result.micros[rows[np.abs(minutes) > 15 * 60]] = -1


def _month_numbers(names: Any) -> Ints:
    """Find the number of each month's name; 0, which is no month, for any other word."""
    position = pc.index_in(names, pa.array(list(_MONTH_NUMBER), type=names.type)).fill_null(len(_MONTH_NUMBER))
    numbers = np.array([*_MONTH_NUMBER.values(), 0])
    result: Ints = numbers[position.to_numpy(zero_copy_only=False)]
    return result


def _micros(found: Any) -> Ints:
    hour, minute, second = (_integers(pc.struct_field(found, part)) for part in ("hour", "minute", "second"))
    fraction = pc.struct_field(found, "fraction")
    micros = _integers(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6))
    half = pc.struct_field(found, "half")
    good = (hour <= 23) & (minute <= 59) & (second <= 59)
    if not _all_empty(half):
        twelve_hours = _true(pc.not_equal(half, ""))
        after_noon = _true(pc.match_substring_regex(half, "^(p|da tarde|da noite)"))
        good &= ~twelve_hours | ((hour >= 1) & (hour <= 12))
        hour = np.where(twelve_hours, hour % 12 + 12 * after_noon, hour)
    return np.where(good, ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, -1)


def _offset(text: Any) -> tuple[Ints, Bools]:
    has_offset = _true(pc.not_equal(text, ""))
    if not has_offset.any():
        return np.zeros(len(text), dtype=np.int64), has_offset
    digits = pc.utf8_rpad(pc.replace_substring_regex(text, r"\D", ""), 4, "0")
    number = _integers(digits)
    minutes = number // 100 * 60 + number % 100
    sign = np.where(_true(pc.starts_with(text, "-")), -1, 1)
    # An offset of 75 minutes past the hour is a mistake: out of range on purpose.
    return np.where(number % 100 > 59, 24 * 60, sign * minutes), has_offset


def _integers(texts: Any) -> Ints:
    if _all_empty(texts):
        return np.zeros(len(texts), dtype=np.int64)
    result: Ints = pc.cast(pc.if_else(pc.equal(texts, ""), "0", texts), pa.int64()).to_numpy(zero_copy_only=False)
    return result


def _all_empty(texts: Any) -> bool:
    return not pc.any(pc.not_equal(texts, ""), min_count=0).as_py()


def _true(array: Any) -> Bools:
    result: Bools = array.to_numpy(zero_copy_only=False)
    return result
