"""An exported Zoom webinar report, attendee or registration, to typed rows and the facts of its summary.

Here: putting the sections of one file together. Not here: layout (`layout`), the meaning of cells (`cells`),
spellings (`vocabulary`), and what needs a second file: people, occurrences, which report is in force.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.config_models import WEBINAR_ID_DIGITS
from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.reading.csv_lines import without_hint
from funnel_etl.core.values.dates import MISSING
from funnel_etl.core.values.phone import normalise
from funnel_etl.core.values.text import are_dummies, decode
from funnel_etl.parts.marketing.zoom.reader import cells, classify, vocabulary
from funnel_etl.parts.marketing.zoom.reader.json_rows import answers_as_json, records_as_json
from funnel_etl.parts.marketing.zoom.reader.layout import Layout, read_layout
from funnel_etl.parts.marketing.zoom.reader.plausible import REPORTED, ReportTimes, contradictions, in_words
from funnel_etl.parts.marketing.zoom.reader.section import TEXT, TOO_FEW, Section
from funnel_etl.parts.marketing.zoom.reader.times import Column, Instants, instants
from funnel_etl.parts.marketing.zoom.reader.zones import zone_of

AT = ("registered_at", "joined_at", "left_at")
HEAD_TIMES = ("generated_at", "started_at", "scheduled_at")
COUNTS = ("duration_minutes", "registered_count", "cancelled_count", "unique_viewers", "total_users")
PEOPLE = ("attendee", "other", "registrant")
"""Sections of those who are counted: not of staff."""
LONGEST_TOPIC = 2_000
TEXTS = (
    "user_name", "first_name", "last_name", "email", "registration_source", "attendance_type", "source_name",
    "country",
)  # fmt: skip


@dataclass
class ZoomExport:
    """One report. `facts`: its row of `raw.zoom_reports`, but for what only the landing knows; dates in UTC.

    `rows`: one row per record that is not blank, in file order, with the columns of `raw.zoom_attendee_rows`
    and `raw.zoom_registrant_rows`. `blank_rows`: lines of blank records. `notes`: what a person should know.
    `sections` as they stood in the file; `unread`: how many cells of each date column could not be read.
    """

    facts: dict[str, Any]
    rows: pd.DataFrame
    blank_rows: list[int]
    notes: list[str]
    sections: list[Section] = field(default_factory=list)
    unread: dict[str, int] = field(default_factory=dict)


def read_export(data: bytes, *, file_id: str, zone: str, received_at: datetime | None = None) -> ZoomExport:
    """Read one exported report; times without a zone are local in `zone`, the Zoom account's setting.

    `received_at`: when it came, where that is known: nothing in it is later.
    Rows that do not fit their header are kept, with `row_problem`. Unreadable times and minutes are missing,
    and counted in `cell_warnings`. Raises `NotAZoomReport` (what it looks like, what to download instead) and
    `AmbiguousDates`.
    """
    classify.refuse_bytes(data)
    text = without_hint(decode(data).text)[0]
    classify.refuse_text(text)
    layout = read_layout(text)
    beginning = text[:20_000]
    del text
    is_attendee = _settle_roles(layout)
    _refuse_without_head_or_body(layout, beginning, is_attendee=is_attendee)
    layout.notes += _no_person_at_the_end(layout)
    for section in layout.sections:
        cells.place_join_time(section)
        if section.is_known and section.is_attendance and not {"joined_at", "left_at"} <= section.meanings.keys():
            layout.notes.append(f"no column of its section {section.role!r} is known as the time people joined or left")
    columns = _columns(layout.sections)
    times = _times(layout, {name: columns.pop(name) for name in AT}, zone, received_at, is_attendee=is_attendee)
    notes = layout.notes + times.warnings + _whose_phones(layout.sections)
    facts = _facts(layout, times, notes, is_attendee=is_attendee)
    rows = _rows(file_id, layout.sections, columns, times)
    if is_attendee:
        rows = rows.assign(attendance_pct=np.nan, focus_pct=np.nan)  # Demio alone has them
    unread = {name: int(times.columns[name][1].sum()) for name in AT}
    return ZoomExport({"file_id": file_id, **facts}, rows, layout.blank_rows, notes, layout.sections, unread)


def _times(
    layout: Layout, columns: dict[str, Any], zone: str, received_at: datetime | None, *, is_attendee: bool
) -> Instants:
    """Read all times of a report, each in the zone that its header names, and note what they contradict."""
    notes = layout.notes
    cells = {
        name: Column(texts, [(_zone(s.zones.get(name, ""), zone, notes), s.size) for s in layout.sections])
        for name, texts in columns.items()
    }
    for name in HEAD_TIMES:
        text = pa.array([layout.summary.get(name)], type=TEXT)
        cells[name] = Column(text, [(_zone(layout.zones.get(name, ""), zone, notes), 1)])
    came = MISSING if received_at is None else int(pd.DatetimeIndex([received_at]).as_unit("us").asi8[0])

    start = "started_at" if is_attendee else "scheduled_at"

    def times_of(micros: dict[str, Any]) -> ReportTimes:
        generated, started = int(micros["generated_at"][0]), int(micros[start][0])
        registered, joined, left = (micros[name] for name in AT)
        return ReportTimes(is_attendee, generated, started, registered, joined, left, came, zone)

    times = instants(cells, times_of=times_of)
    found = {name: pd.DatetimeIndex(column).as_unit("us").asi8 for name, (column, _) in times.columns.items()}
    against = in_words(contradictions(times_of(found), REPORTED))
    times.warnings.extend(what for what in against if what not in times.warnings)
    return times


def _zone(text: str, zone: str, notes: list[str]) -> str:
    """Return the zone of a column by what its header says of it; `zone` and a note where that is none."""
    if not text:
        return zone
    named = zone_of(text, zone)
    shown = cells.shown_header(text)
    if named.name is None:
        what = "is the name of several time zones" if named.is_ambiguous else "is no time zone that is known"
        note = f"{shown!r} in the header of a time {what}: it was read in {zone}"
    else:
        note = f"times were read in {named.name}, as {shown!r} in their header says"
    if named.name != zone and note not in notes:
        notes.append(note)
    return named.name or zone


def _refuse_without_head_or_body(layout: Layout, beginning: str, *, is_attendee: bool) -> None:
    has_body = any(section.is_known for section in layout.sections)
    start = "started_at" if is_attendee else "scheduled_at"
    has_head = "webinar_id" in layout.summary and start in layout.summary
    if has_body and has_head:
        return
    records = layout.head + [section.header for section in layout.sections]
    if has_body and classify.other_report(beginning, records) is None:
        raise NotAZoomReport(
            "it holds people, but not the head of a report (Topic, Webinar ID, "
            f"{'Actual Start' if is_attendee else 'Scheduled'} Time)",
            fix=f"do not delete lines of it; {classify.DOWNLOAD}",
        )
    raise classify.explain(beginning, records)


def _no_person_at_the_end(layout: Layout) -> list[str]:
    """Return a note if the last record is half a row, or one cell: a program's message, where rows should follow."""
    sections = [section for section in layout.sections if section.size]
    last = max(sections, key=lambda section: section.lines[-1], default=None)
    if last is None or any(f"within the row on line {last.lines[-1]}:" in note for note in layout.notes):
        return []
    filled = [at for at in range(len(last.header)) if (last.column(at)[-1].as_py() or "").strip()]
    if last.problems.get(last.size - 1) != TOO_FEW and filled != [0]:
        return []
    return [f"line {last.lines[-1]}, the last one, is no row of a person: the report may be cut off there"]


def _settle_roles(layout: Layout) -> bool:
    """Return whether this is an attendee report, by all that says so, and fit the roles of its sections to that."""
    known = [section for section in layout.sections if section.is_known]
    first = [cell for cell in (layout.head or [[]])[0] if cell.strip()]
    title = vocabulary.report_of(first[0]) if len(first) == 1 else None
    is_attendee = any(section.has_times_in for section in known)
    if not is_attendee and any(section.is_attendance for section in known):
        is_attendee = title == "attendee" or (title is None and "started_at" in layout.summary)
    if is_attendee and title == "registration":
        layout.notes.append("its first line says registration report, but it says who came: it is an attendee report")
    if known and not is_attendee and title == "attendee":
        raise NotAZoomReport(
            "its first line says attendee report, but no column says who came (Attended, Join Time, Leave Time, "
            "Time in Session)",
            fix=f"do not delete or rename its columns; {classify.DOWNLOAD}",
        )
    for section in layout.sections:
        if is_attendee and section.role == "registrant":
            section.role = "attendee"
            layout.notes.append("it is an attendee report with a section of registrants: it was put together by hand")
        elif not is_attendee:
            section.role = "registrant"
    if not is_attendee and "started_at" in layout.summary:
        layout.summary.setdefault("scheduled_at", layout.summary["started_at"])
    return is_attendee


def _facts(layout: Layout, times: Instants, notes: list[str], *, is_attendee: bool) -> dict[str, Any]:
    """Return the summary's values; adds to `notes` what could not be read."""
    counts: dict[str, int | None] = {}
    for name in COUNTS:
        try:
            counts[name] = cells.whole_number(layout.summary.get(name, ""))
        except ValueError:
            counts[name] = None
            notes.append(f"the summary's {name} could not be read")
    at = {name: times.columns[name][0].iloc[0] for name in HEAD_TIMES}
    if pd.isna(at["generated_at"]):
        notes.append("the report does not say when it was generated")
    start = "started_at" if is_attendee else "scheduled_at"
    if pd.isna(at[start]):
        raise NotAZoomReport(
            f"its summary has no {'Actual Start' if is_attendee else 'Scheduled'} Time that can be read",
            fix=f"a spreadsheet program may have changed it; {classify.DOWNLOAD}",
        )
    at["scheduled_at" if is_attendee else "started_at"] = pd.NaT
    return {
        "report": "attendee" if is_attendee else "registration",
        "topic": " ".join(layout.summary.get("topic", "")[:LONGEST_TOPIC].split()) or None,
        "webinar_id": _webinar_id(layout.summary["webinar_id"]),
        **at,
        **counts,
        "date_order": times.order,
        "layout": layout.language,
        "notes": json.dumps(notes, ensure_ascii=False),
    }


def _webinar_id(text: str) -> str:
    # Without a blank or hyphen in it an id may come as a number, 11122223333.0.
    digits = re.sub(r"[\s\-']+", "", text.strip()).removesuffix(".0")
    least, most = WEBINAR_ID_DIGITS
    if not re.fullmatch(f"[0-9]{{{least},{most}}}", digits):
        raise NotAZoomReport(
            "its Webinar ID is not 9 to 11 digits: a spreadsheet program may have rounded it",
            fix=classify.DOWNLOAD,
        )
    return digits


def _columns(sections: list[Section]) -> dict[str, Any]:
    """Stack the known columns of all sections, as Arrow texts; null where a section does not have a column."""
    names = ("attended", "approval_status", "is_guest", "minutes", *AT, *TEXTS)
    columns = {}
    for name in names:
        at = [(section, section.meanings.get(name)) for section in sections]
        columns[name] = _stacked(
            pa.nulls(section.size, TEXT) if position is None else section.column(position) for section, position in at
        )
    return columns | {"phone": _stacked(map(_phones, sections))}


def _stacked(parts: Iterable[Any]) -> Any:
    arrays = list(parts)
    return pa.concat_arrays(arrays) if len(arrays) > 1 else arrays[0]


def _phones(section: Section) -> Any:
    """Return people's own phones, row by row: of several columns the first usable cell, else the first not blank."""
    columns = [section.column(at) for at in cells.phone_columns(section)]
    phones = pa.nulls(section.size, TEXT)
    if len(columns) > 1:
        for column in columns:
            usable = pa.array(normalise(cells.series(column), frozenset())["phone"].notna())
            phones = pc.if_else(pc.and_(pc.is_null(phones), usable), column, phones)
    for column in columns:
        is_open = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(phones), ""), fill_value=True)
        phones = pc.if_else(is_open, column, phones)
    return phones


def _whose_phones(sections: list[Section]) -> list[str]:
    """Return a note where a report asks for other people's phones only: its own people stay without one."""
    people = [section for section in sections if section.is_known and section.role in PEOPLE]
    others = [cells.shown_header(s.header[at]) for s in people for at in cells.others_phone_columns(s)]
    if not others or any(cells.has_phones(section) for section in people):
        return []
    named = ", ".join(repr(header) for header in dict.fromkeys(others))
    return [f"it asks for other people's phones only ({named}): they are nobody's phone here"]


def _rows(file_id: str, sections: list[Section], columns: dict[str, Any], times: Instants) -> pd.DataFrame:
    minutes, bad_minutes = cells.whole_numbers(columns.pop("minutes"))
    attended = _attended(sections, columns.pop("attended"), times.columns["joined_at"][0])
    is_guest = cells.answers(columns.pop("is_guest"))
    texts = {name: cells.text(columns.pop(name)) for name in [*columns]}
    problem = _problems(sections)
    warnings = sum((times.columns[name][1] for name in AT), bad_minutes.astype("int64"))
    size = len(problem)
    records = cells.series(_stacked(map(records_as_json, sections)))
    frame = {
        "file_id": cells.series(cells.constant(file_id, size)),
        "source_row": _integers(np.concatenate([np.array(s.lines, dtype="int64") for s in sections])),
        "section": cells.series(_stacked(cells.constant(s.role, s.size) for s in sections)),
        "row_problem": problem,
        "attended": attended,
        "user_name": texts["user_name"],
        "first_name": texts["first_name"],
        "last_name": texts["last_name"],
        "email": texts["email"],
        "phone": texts["phone"],
        **{name: times.columns[name][0] for name in AT},
        "minutes": minutes,
        "approval_status": cells.approvals(texts["approval_status"]),
        "registration_source": texts["registration_source"],
        "attendance_type": texts["attendance_type"],
        "source_name": texts["source_name"],
        "is_guest": is_guest,
        "country": texts["country"].mask(texts["country"].isin(("-", "--"))),
        "cell_warnings": _integers(np.where(problem.notna(), 0, warnings)),
        "is_test_lead": are_dummies(records).astype("boolean"),
        "questions": cells.series(_stacked(map(answers_as_json, sections))),
        "row": records,
    }
    return pd.DataFrame(frame, copy=False)


def _integers(values: Any) -> Any:
    return pd.arrays.IntegerArray(values, np.zeros(len(values), dtype=bool))


def _problems(sections: list[Section]) -> pd.Series:
    problems: list[str | None] = []
    for section in sections:
        of_section: list[str | None] = [None] * section.size
        for at, problem in section.problems.items():
            of_section[at] = problem
        problems += of_section
    return cells.series(pa.array(problems, type=TEXT))


def _attended(sections: list[Section], words: Any, joined_at: pd.Series) -> Any:
    """Return who attended, by the report's words; without that column, whoever joined; `other` always."""
    said = cells.answers(words)
    silent = [np.full(s.size, s.is_attendance and "attended" not in s.meanings) for s in sections]
    is_silent = np.concatenate(silent)
    is_other = np.concatenate([np.full(s.size, s.role == "other") for s in sections])
    attended = np.where(is_silent, joined_at.notna().to_numpy(), said.to_numpy(dtype=bool, na_value=False)) | is_other
    return pd.arrays.BooleanArray(attended, said.isna() & ~is_silent & ~is_other)
