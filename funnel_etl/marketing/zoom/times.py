"""The times of a Zoom report as instants: all date columns of a file together.

Here: Zoom's own spelling ("Mar 28, 2020 08:07:27"), read fast because nearly all cells have it. Not here: every other
spelling, and which of two numbers is the day (`core.dates`).
"""

import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core import dates
from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.text import STR
from funnel_etl.marketing.zoom import vocabulary
from funnel_etl.marketing.zoom.section import TEXT

NUMERIC_DATE = r"^\s*\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}\b"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
FEW = 50
"""So many different texts are read one by one: less work than setting up the reader of all spellings."""

_USUAL = len("Mar 28, 2020 08:07:27")
_SIGNS = {3: " ", 6: ",", 7: " ", 12: " ", 15: ":", 18: ":"}
_DIGITS = [at for at in range(4, _USUAL) if at not in _SIGNS]
_MONTH_CODES = np.array([int.from_bytes(month.encode(), "big") for month in MONTHS])
_BY_CODE = np.argsort(_MONTH_CODES)
_NAMED = re.compile(rf"({'|'.join(MONTHS)}) (\d\d?), (\d{{4}}) (\d\d?):([0-5]\d)(?::([0-5]\d))?(?: ([AP])M)?", re.ASCII)
_BLANKS = sorted({blank.lower() for blank in vocabulary.BLANKS})
_AT_A_TIME = 20_000
_NAT = np.iinfo(np.int64).min
Ints = npt.NDArray[np.int64]


class Instants(NamedTuple):
    """All date columns of a file. `columns`: name → (instants UTC, whether a cell could not be read)."""

    columns: dict[str, tuple[pd.Series, npt.NDArray[np.bool_]]]
    order: str | None
    warnings: list[str]


def instants(columns: dict[str, Any], zone: str) -> Instants:
    """Read all date columns of a file, given as Arrow texts. Rule: Dates.

    Numeric dates of all columns are read together, for a file has one order of day and month: a value over 12
    in any column proves it for all, else it is month-first.
    Raises errors.AmbiguousDates when values contradict each other.
    """
    stacked = pa.concat_arrays(list(columns.values()))
    local = _usual(stacked)
    _read_few(stacked, local)
    is_named = local != _NAT
    micros = local.copy()
    micros[is_named] = _to_utc(local[is_named], zone)
    left = np.flatnonzero(~is_named & ~_blank(stacked))
    bad = np.zeros(len(stacked), dtype=bool)
    order: str | None = "named" if is_named.any() else None
    warnings: list[str] = []
    if len(left):
        micros[left], bad[left], other, warnings = _other_spellings(stacked.take(pa.array(left)), zone)
        order = order if other is None or (other == "named" and order) else other
    whole = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    parts, end = {}, 0
    for name, column in columns.items():
        part = slice(end, end := end + len(column))
        parts[name] = (pd.Series(whole[part]), bad[part])
    return Instants(parts, order, warnings)


def _usual(texts: Any) -> Ints:
    """Read "Mar 28, 2020 08:07:27" (local µs since 1970); NaT's number for any other text."""
    local = np.full(len(texts), _NAT)
    rows = np.flatnonzero(pc.fill_null(pc.equal(pc.binary_length(texts), _USUAL), fill_value=False))
    if len(rows):
        _, offsets, data = texts.buffers()
        starts = np.frombuffer(offsets, dtype=np.int64)[texts.offset + rows]
        for at in range(0, len(rows), _AT_A_TIME):
            part = slice(at, at + _AT_A_TIME)
            local[rows[part]] = _from_bytes(np.frombuffer(data, dtype=np.uint8)[starts[part, None] + np.arange(_USUAL)])
    return local


def _from_bytes(bytes_: npt.NDArray[np.uint8]) -> Ints:
    """Read texts of the usual length, given as a matrix of their bytes."""
    code = bytes_[:, 0].astype(np.int64) << 16 | bytes_[:, 1].astype(np.int64) << 8 | bytes_[:, 2]
    month = _BY_CODE[np.searchsorted(_MONTH_CODES[_BY_CODE], code).clip(max=11)]
    digits = bytes_.astype(np.int64) - ord("0")
    good = _MONTH_CODES[month] == code
    for at, sign in _SIGNS.items():
        good &= bytes_[:, at] == ord(sign)
    good &= ((digits[:, _DIGITS] >= 0) & (digits[:, _DIGITS] <= 9)).all(axis=1)
    day, hour, minute, second = (digits[:, at] * 10 + digits[:, at + 1] for at in (4, 13, 16, 19))
    year = digits[:, 8:12] @ np.array([1000, 100, 10, 1])
    good &= (hour <= 23) & (minute <= 59) & (second <= 59) & (year >= dates.FIRST_YEAR) & (year <= dates.LAST_YEAR)
    months = np.where(good, (year - 1970) * 12 + month, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    good &= days.astype("datetime64[M]") == months
    micros = days.astype("datetime64[us]").astype(np.int64) + ((hour * 60 + minute) * 60 + second) * 1_000_000
    return np.where(good, micros, _NAT)


def _read_few(texts: Any, local: Ints) -> None:
    """Read "Mar 28, 2020 2:20 PM" and its like into `local`, where there are few of them: the head of every report."""
    left = np.flatnonzero(local == _NAT)
    encoded = texts.take(pa.array(left)).dictionary_encode()
    if len(encoded.dictionary) > FEW:
        return
    read = np.array([*map(_named, encoded.dictionary.to_pylist()), _NAT])
    local[left] = read[encoded.indices.fill_null(len(read) - 1).to_numpy(zero_copy_only=False)]


def _named(text: str) -> int:
    found = _NAMED.fullmatch(text)
    if found is None or not dates.FIRST_YEAR <= int(found[3]) <= dates.LAST_YEAR:
        return _NAT
    hour = int(found[4])
    if hour > 23 or (found[7] and not 1 <= hour <= 12):
        return _NAT
    if found[7]:
        hour = hour % 12 + (12 if found[7] == "P" else 0)
    day = f"{found[3]}-{MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}"
    try:
        return int(np.datetime64(f"{day}T{hour:02}:{found[5]}:{found[6] or '00'}", "us").astype(np.int64))
    except ValueError:
        return _NAT


def _to_utc(local: Ints, zone: str) -> Ints:
    index = pd.DatetimeIndex(local.view("datetime64[us]"))
    first = np.ones(len(index), dtype=bool)
    aware: Any = index.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    result: Ints = aware.as_unit("us").asi8
    return result


def _blank(texts: Any) -> npt.NDArray[np.bool_]:
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    blank = pc.or_kleene(pc.is_null(plain), pc.is_in(plain, pa.array(_BLANKS, type=TEXT)))
    result: npt.NDArray[np.bool_] = blank.to_numpy(zero_copy_only=False)
    return result


def _other_spellings(texts: Any, zone: str) -> tuple[Ints, npt.NDArray[np.bool_], str | None, list[str]]:
    dtype: Any = STR
    short = pc.less_equal(pc.binary_length(texts), vocabulary.LONGEST)
    column = pd.Series(dtype.__from_arrow__(pc.if_else(short, texts, pa.scalar("?", TEXT))))
    is_numeric = column.str.contains(NUMERIC_DATE, regex=True).to_numpy(dtype=bool)
    micros, bad = np.full(len(column), _NAT), np.zeros(len(column), dtype=bool)
    orders: list[str] = []
    warnings: list[str] = []
    for numeric in (True, False):
        at = np.flatnonzero(is_numeric == numeric)
        for part, read in _parsed(column, at, zone):
            micros[part] = pd.DatetimeIndex(read.instants).asi8
            bad[part] = (read.reason.notna() & read.reason.ne(dates.BLANK_DATE)).to_numpy(dtype=bool)
            orders += [read.order] if read.order else []
            warnings += read.warnings
    # Where day and month are always equal in a part, another part tells.
    return micros, bad, next((o for o in orders if o != dates.SAME), orders[0] if orders else None), warnings


def _parsed(column: pd.Series, at: Ints, zone: str) -> list[tuple[Ints, dates.Dates]]:
    """Parse the cells at these positions in parts, for memory's sake; as a whole where parts would read differently."""
    parts = [at[start : start + _AT_A_TIME] for start in range(0, len(at), _AT_A_TIME)]
    try:
        read = [(part, _parse(column.iloc[part], zone)) for part in parts]
    except AmbiguousDates:
        read = []
    orders = {dates_.order for _, dates_ in read} - {None, dates.SAME}
    is_agreed = len(read) == len(parts) and len(orders) <= 1 and not any(dates_.warnings for _, dates_ in read)
    return read if is_agreed else [(at, _parse(column.iloc[at], zone))]


def _parse(texts: pd.Series, zone: str) -> dates.Dates:
    return dates.parse(texts, zone, column="dates of the report", default_order="month_first", blanks=vocabulary.BLANKS)
