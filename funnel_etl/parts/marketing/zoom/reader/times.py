"""The times of a Zoom report as instants: all date columns of a file together.

Here: Zoom's own spelling ("Mar 28, 2020 08:07:27"), read fast because nearly all cells have it, and the zone of each
column. Not here: every other spelling (`core.dates`), and which of two numbers is the day (`day_month`).
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.values import dates
from funnel_etl.core.values.date_spelling import BAD, ISO, NAMED, NUMERIC
from funnel_etl.core.values.dates import MISSING
from funnel_etl.core.values.text import STR
from funnel_etl.parts.marketing.zoom.reader import vocabulary
from funnel_etl.parts.marketing.zoom.reader.day_month import Chosen, TwoReadings, choose, styles_of
from funnel_etl.parts.marketing.zoom.reader.plausible import ReportTimes
from funnel_etl.parts.marketing.zoom.reader.section import TEXT

NUMERIC_DATE = r"^\s*\d{1,2}[/.\-]\d{1,2}[/.\-]\d{2,4}\b"
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
GROUPS, HEAD = {"registered_at": 0, "joined_at": 1, "left_at": 1}, 2
"""Columns that are written alike in a report: registrations, joins and leaves, the summary."""
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
Ints = npt.NDArray[np.int64]
TimesOf = Callable[[dict[str, Ints]], ReportTimes]


class Instants(NamedTuple):
    """All date columns of a file. `columns`: name → (instants UTC, whether a cell could not be read)."""

    columns: dict[str, tuple[pd.Series, npt.NDArray[np.bool_]]]
    order: str | None
    warnings: list[str]


class Column(NamedTuple):
    """One date column of a file: its cells as an Arrow array of texts, and their zones as runs (zone, cells)."""

    texts: Any
    zones: list[tuple[str, int]]


def instants(columns: dict[str, Column], *, times_of: TimesOf) -> Instants:
    """Read all date columns of a file. Rule: Dates.

    Numeric dates of all columns are read together, for they are held against each other: `times_of` makes the
    report's times of the instants of each column. Raises errors.AmbiguousDates.
    """
    stacked = pa.concat_arrays([column.texts for column in columns.values()])
    runs = [run for column in columns.values() for run in column.zones]
    names = list(dict.fromkeys(zone for zone, _ in runs))
    zone = np.repeat([names.index(name) for name, _ in runs], [size for _, size in runs])
    local = _usual(stacked)
    _read_few(stacked, local)
    is_named = local != MISSING
    by_day = local.copy()
    for code, name in enumerate(names):
        own = is_named & (zone == code)
        by_day[own] = _to_utc(local[own], name)
    by_month, is_blank = by_day.copy(), _blank(stacked)
    kind = np.where(is_named, NAMED, BAD)
    left = np.flatnonzero(~is_named & ~is_blank)
    for code, name in enumerate(names):
        for part in _parts(left[zone[left] == code]):
            read = dates.readings(_short(stacked.take(pa.array(part))), name, blanks=vocabulary.BLANKS)
            by_day[part], by_month[part], kind[part], is_blank[part] = read
    group = np.repeat([GROUPS.get(name, HEAD) for name in columns], [len(column.texts) for column in columns.values()])
    cells = _two_readings(stacked, by_day, by_month, group, frozenset(group[kind == NAMED].tolist()))
    ends = np.cumsum([len(column.texts) for column in columns.values()])[:-1]
    chosen = choose(cells, lambda micros: times_of(dict(zip(columns, np.split(micros, ends), strict=True))))
    micros = cells.under(chosen.orders)
    whole = pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")
    bad = (micros == MISSING) & ~is_blank
    places = np.split(np.arange(len(micros)), ends)
    found = {name: (pd.Series(whole[at]), bad[at]) for name, at in zip(columns, places, strict=True)}
    return Instants(found, _order(chosen, cells, kind[micros != MISSING]), chosen.warnings)


def _two_readings(stacked: Any, by_day: Ints, by_month: Ints, group: Ints, named: frozenset[int]) -> TwoReadings:
    style = np.full(len(by_day), -1, dtype=np.int64)
    for part in _parts(np.flatnonzero(by_day != by_month)):
        style[part] = styles_of(stacked.take(pa.array(part)), group[part])
    return TwoReadings(by_day, by_month, style, lambda at: stacked[at].as_py().split()[0].rstrip(","), named)


def _order(chosen: Chosen, cells: TwoReadings, kinds: Ints) -> str | None:
    """Return how the dates of a file are written: the order of most numeric ones, else their spelling."""
    if chosen.orders:
        return chosen.orders[max(chosen.orders, key=lambda style: int((cells.style == style).sum()))]
    return next(
        (name for kind, name in ((NUMERIC, dates.SAME), (NAMED, "named"), (ISO, "iso")) if (kinds == kind).any()), None
    )


def _parts(rows: Ints) -> list[Ints]:
    """Split positions into parts, for memory's sake."""
    return [rows[start : start + _AT_A_TIME] for start in range(0, len(rows), _AT_A_TIME)]


def _short(texts: Any) -> pd.Series:
    """Return texts as a `str` column; one too long for a date is no date."""
    dtype: Any = STR
    short = pc.less_equal(pc.binary_length(texts), vocabulary.LONGEST)
    return pd.Series(dtype.__from_arrow__(pc.if_else(short, texts, pa.scalar("?", TEXT))))


def _usual(texts: Any) -> Ints:
    """Read "Mar 28, 2020 08:07:27" (local µs since 1970); NaT's number for any other text."""
    local = np.full(len(texts), MISSING)
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
    return np.where(good, micros, MISSING)


def _read_few(texts: Any, local: Ints) -> None:
    """Read "Mar 28, 2020 2:20 PM" and its like into `local`, where there are few of them: the head of every report."""
    left = np.flatnonzero(local == MISSING)
    encoded = texts.take(pa.array(left)).dictionary_encode()
    if len(encoded.dictionary) > FEW:
        return
    read = np.array([*map(_named, encoded.dictionary.to_pylist()), MISSING])
    local[left] = read[encoded.indices.fill_null(len(read) - 1).to_numpy(zero_copy_only=False)]


def _named(text: str) -> int:
    found = _NAMED.fullmatch(text)
    if found is None or not dates.FIRST_YEAR <= int(found[3]) <= dates.LAST_YEAR:
        return MISSING
    hour = int(found[4])
    if hour > 23 or (found[7] and not 1 <= hour <= 12):
        return MISSING
    if found[7]:
        hour = hour % 12 + (12 if found[7] == "P" else 0)
    day = f"{found[3]}-{MONTHS.index(found[1]) + 1:02}-{int(found[2]):02}"
    try:
        return int(np.datetime64(f"{day}T{hour:02}:{found[5]}:{found[6] or '00'}", "us").astype(np.int64))
    except ValueError:
        return MISSING


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
