"""What poll and question reports have in common: records with their lines, the head, headers by their words, times.

Here: reading a table that stands below a title and a summary. Not here: what its rows mean (`polls`, `questions`).
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.reading.csv_lines import without_hint
from funnel_etl.core.reading.csvfile import DELIMITERS
from funnel_etl.core.values.dates import MISSING, readings
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import decode
from funnel_etl.parts.marketing.zoom.reader import classify
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key
from funnel_etl.parts.marketing.zoom.reader.zones import zone_of

MOST_BYTES, MOST_ROWS, LONGEST_CELL = 10_000_000, 200_000, 10_000
HEAD_RECORDS = 40
_SUMMARY = {
    "webinar_id": ("Webinar ID", "ID", "Meeting ID"),
    "topic": ("Topic", "Tema", "Tópico"),
    "started_at": ("Actual Start Time", "Start Time", "Scheduled Time"),
}
_LABELS = {key(spelling): name for name, spellings in _SUMMARY.items() for spelling in spellings}
_GENERATED = {key(spelling) for spelling in ("Report generated time", "Report Generated")}
_IN_BRACKETS = re.compile(r"\(([^()]+)\)\s*$")


@dataclass
class Records:
    """The records of a report, with the line each begins on; `head`: the values of its summary, as text."""

    rows: list[tuple[int, list[str]]]
    head: dict[str, str] = field(default_factory=dict)
    blank: list[int] = field(default_factory=list)


def read_records(data: bytes) -> Records:
    """Read a report as records of trimmed cells. Raises `NotAZoomReport` for what is no text, or too large."""
    classify.refuse_bytes(data)
    if len(data) > MOST_BYTES:
        raise NotAZoomReport(
            f"it is too large for a report of answers (the limit is {MOST_BYTES // 1_000_000} MB)",
            fix="export the report of one webinar alone",
        )
    found = _records(without_hint(decode(data).text)[0])
    if len(found.rows) > MOST_ROWS:
        raise NotAZoomReport(
            f"it has {grouped(len(found.rows))} rows, more than the {grouped(MOST_ROWS)} of a report",
            fix="export the report of one webinar alone",
        )
    found.head = _head(found.rows)
    return found


def first_records(data: bytes) -> list[list[str]]:
    """Return the first records of a file, for who asks what it is."""
    return [record for _, record in _records(without_hint(decode(data[:60_000]).text)[0]).rows[:HEAD_RECORDS]]


def _records(text: str) -> Records:
    delimiter = max(DELIMITERS, key=text[:20_000].count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    found, before = Records([]), 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return found
        except csv.Error:
            record = []
        cells = [cell.strip() for cell in record]
        line, before = before + 1, max(reader.line_num, before + 1)
        if any(cells):
            found.rows.append((line, cells))
        else:
            found.blank.extend(range(line, before + 1))


def _head(rows: Sequence[tuple[int, list[str]]]) -> dict[str, str]:
    """Return the values of the summary: below their labels; when it was generated, beside."""
    found: dict[str, str] = {}
    for (_, record), (_, below) in pairwise(rows[:HEAD_RECORDS]):
        if record and key(record[0].rstrip(":")) in _GENERATED:
            found.setdefault("generated_at", next((cell for cell in record[1:] if cell), ""))
        named = {at: _LABELS[key(cell)] for at, cell in enumerate(record) if key(cell) in _LABELS}
        if "webinar_id" in named.values():
            for at, name in named.items():
                if at < len(below) and below[at]:
                    found.setdefault(name, below[at][:LONGEST_CELL])
    return found


def places(header: Sequence[str], spellings: dict[str, tuple[str, ...]]) -> dict[str, int]:
    """Return where the known columns of a header stand; what is in brackets behind a name does not count."""
    known = {key(spelling): name for name, all_of in spellings.items() for spelling in all_of}
    found: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = known.get(key(cell)) or known.get(key(_IN_BRACKETS.sub("", cell)))
        if name is not None:
            found.setdefault(name, at)
    return found


def zone_in(header: str, zone: str, notes: list[str]) -> str:
    """Return the zone that a header names in brackets, else `zone`; a note says so."""
    named = _IN_BRACKETS.search(header)
    if named is None:
        return zone
    found = zone_of(named[1].strip(), zone)
    if found.name is None:
        notes.append(f"the header of a time names {named[1].strip()[:60]!r}, which is no time zone that is known")
        return zone
    if found.name != zone:
        notes.append(f"times were read in {found.name}, as their header says")
    return found.name


def instants(texts: Sequence[str], zone: str) -> pd.Series:
    """Return instants of cells, missing where unreadable; numeric dates are month-first unless one of them cannot be.

    Rule: decision 10.
    """
    column = pd.Series(list(texts), dtype="str")
    if column.empty:
        return pd.Series(dtype="datetime64[us, UTC]")
    read = readings(column, zone, blanks=("", "-", "--", "NA", "N/A"))
    day_first = bool(((read.by_month == MISSING) & (read.by_day != MISSING)).any())
    micros = read.by_day if day_first else read.by_month
    return pd.Series(pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC"))


def head_facts(head: dict[str, str], zone: str) -> dict[str, str | datetime | None]:
    """Return the facts of a summary: webinar id (digits), topic, start, when it was generated."""
    digits = re.sub(r"\D", "", head.get("webinar_id", "").removesuffix(".0"))
    times = instants([head.get("started_at", ""), head.get("generated_at", "")], zone)
    started, generated = (None if pd.isna(at) else at.to_pydatetime() for at in times)
    return {
        "webinar_id": digits if 8 <= len(digits) <= 13 else None,
        "topic": " ".join(head.get("topic", "")[:2_000].split()) or None,
        "started_at": started,
        "generated_at": generated,
    }
