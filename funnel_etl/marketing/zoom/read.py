"""An exported Zoom webinar report, attendee or registration, to typed rows and the facts of its summary.

Here: putting the sections of one file together. Not here: layout (`layout`), the meaning of cells (`cells`),
spellings (`vocabulary`), and what needs a second file: people, occurrences, which report is in force.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, repeat
from json.encoder import encode_basestring
from typing import Any

import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.text import decode
from funnel_etl.marketing.zoom import cells, classify, vocabulary
from funnel_etl.marketing.zoom.layout import Layout, Section, read_layout

AT = ("registered_at", "joined_at", "left_at")
COUNTS = ("duration_minutes", "registered_count", "cancelled_count", "unique_viewers", "total_users")
TEXTS = (
    "user_name", "first_name", "last_name", "email", "registration_source", "attendance_type", "source_name",
    "country",
)  # fmt: skip
MORE_FIELDS = "(fields beyond the header)"
"""Under this name the `row` of a record that is too long holds what has no header."""


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


def read_export(data: bytes, *, file_id: str, zone: str) -> ZoomExport:
    """Read one exported report; times without a zone are local in `zone`, the Zoom account's setting.

    Rows that do not fit their header are kept, with `row_problem`. Unreadable times and minutes are missing,
    and counted in `cell_warnings`. Raises `NotAZoomReport` (what it looks like, what to download instead) and
    `AmbiguousDates`.
    """
    classify.refuse_bytes(data)
    text = decode(data).text
    classify.refuse_text(text)
    layout = read_layout(text)
    _refuse_without_head_or_body(layout, text)
    is_attendee = _settle_roles(layout)
    for section in layout.sections:
        cells.place_join_time(section)
    columns = _columns(layout.sections)
    instants = cells.instants(
        {name: cells.text(columns[name]) for name in AT}
        | {name: cells.text([layout.summary.get(name)]) for name in ("generated_at", "started_at", "scheduled_at")},
        zone,
    )
    notes = layout.notes + instants.warnings
    facts = _facts(layout, instants, notes, is_attendee=is_attendee)
    rows = _rows(layout.sections, columns, instants)
    rows.insert(0, "file_id", pd.Series(file_id, index=rows.index, dtype="str"))
    unread = {name: int(instants.columns[name][1].sum()) for name in AT}
    return ZoomExport({"file_id": file_id, **facts}, rows, layout.blank_rows, notes, layout.sections, unread)


def _refuse_without_head_or_body(layout: Layout, text: str) -> None:
    has_body = any(section.is_known for section in layout.sections)
    has_head = "webinar_id" in layout.summary
    if has_body and has_head:
        return
    records = layout.head + [section.header for section in layout.sections]
    if has_body and classify.other_report(text, records) is None:
        raise NotAZoomReport(
            "it holds people, but not the head of a report (Topic, Webinar ID, start time)",
            fix=f"do not delete lines of it; {classify.DOWNLOAD}",
        )
    raise classify.explain(text, records)


def _settle_roles(layout: Layout) -> bool:
    """Tell whether this is an attendee report, and fit the roles of sections that do not belong in it."""
    is_attendee = any(section.is_known and section.is_attendance for section in layout.sections)
    for section in layout.sections:
        if is_attendee and section.role == "registrant":
            section.role = "attendee"
            layout.notes.append("it is an attendee report with a section of registrants: it was put together by hand")
        elif not is_attendee:
            section.role = "registrant"
    return is_attendee


def _facts(layout: Layout, instants: cells.Instants, notes: list[str], *, is_attendee: bool) -> dict[str, Any]:
    """Give the summary's values; adds to `notes` what could not be read."""
    counts, bad = cells.whole_numbers(cells.text([layout.summary.get(name) for name in COUNTS]))
    notes += [f"the summary's {name} could not be read" for name in pd.Series(COUNTS)[bad]]
    at = {name: instants.columns[name][0].iloc[0] for name in ("generated_at", "started_at", "scheduled_at")}
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
        "topic": " ".join(layout.summary.get("topic", "").split()) or None,
        "webinar_id": _webinar_id(layout.summary["webinar_id"]),
        **at,
        **{name: None if pd.isna(count) else int(count) for name, count in zip(COUNTS, counts, strict=True)},
        "date_order": instants.order,
        "layout": layout.language,
        "notes": json.dumps(notes, ensure_ascii=False),
    }


def _webinar_id(text: str) -> str:
    digits = "".join(ch for ch in text if ch.isdecimal())
    if not digits or re.search(r"\dE\+?\d", text, re.IGNORECASE):
        raise NotAZoomReport(
            f"its Webinar ID reads {text!r}: not an id, or one that a spreadsheet program has rounded",
            fix=classify.DOWNLOAD,
        )
    return digits


def _columns(sections: list[Section]) -> dict[str, list[str | None]]:
    """Stack the known columns of all sections, as text; None where a section does not have a column."""
    names = ("attended", "approval_status", "is_guest", "minutes", *AT, *TEXTS)
    columns: dict[str, list[str | None]] = {name: [] for name in (*names, "phone")}
    for section in sections:
        for name in names:
            at = section.meanings.get(name)
            columns[name] += section.column(at) if at is not None else repeat(None, section.size)
        columns["phone"] += _phones(section)
    return columns


def _phones(section: Section) -> Iterable[str | None]:
    at = cells.phone_columns(section)
    if not at:
        return repeat(None, section.size)
    if len(at) == 1:
        return section.column(at[0])
    candidates = zip(*map(section.column, at), strict=True)
    return [next((cell for cell in cells_of_row if cell.strip()), None) for cells_of_row in candidates]


def _rows(sections: list[Section], columns: dict[str, list[str | None]], instants: cells.Instants) -> pd.DataFrame:
    texts = {name: cells.text(columns[name]) for name in columns if name not in AT}
    minutes, bad_minutes = cells.whole_numbers(texts["minutes"])
    problem = _stacked(map(_problems, sections))
    warnings = bad_minutes.astype("Int64")
    for name in AT:
        warnings += instants.columns[name][1].astype("Int64")
    section = _stacked(repeat(s.role, s.size) for s in sections)
    frame = {
        "source_row": _stacked((s.lines for s in sections), "Int64"),
        "section": section,
        "row_problem": problem,
        "attended": _attended(sections, section, texts["attended"], instants.columns["joined_at"][0]),
        "user_name": texts["user_name"],
        "first_name": texts["first_name"],
        "last_name": texts["last_name"],
        "email": texts["email"],
        "phone": texts["phone"],
        **{name: instants.columns[name][0] for name in AT},
        "minutes": minutes,
        "approval_status": cells.approvals(texts["approval_status"]),
        "registration_source": texts["registration_source"],
        "attendance_type": texts["attendance_type"],
        "source_name": texts["source_name"],
        "is_guest": cells.answers(texts["is_guest"]),
        "country": texts["country"].mask(texts["country"].str.strip().isin(vocabulary.BLANKS)),
        "cell_warnings": warnings.mask(problem.notna(), 0),
        "questions": _stacked(map(_questions, sections)),
        "row": _stacked(map(_json_rows, sections)),
    }
    return pd.DataFrame(frame)


def _stacked(parts: Iterable[Iterable[Any]], dtype: str = "str") -> pd.Series:
    return pd.Series(list(chain.from_iterable(parts)), dtype=dtype)


def _problems(section: Section) -> list[str | None]:
    return [section.problems.get(at) for at in range(section.size)]


def _attended(sections: list[Section], section: pd.Series, words: pd.Series, joined_at: pd.Series) -> pd.Series:
    """Say who attended, by the report's words; without that column, whoever joined; `other` always."""
    attended = cells.answers(words)
    silent = ((s.is_attendance and "attended" not in s.meanings, s.size) for s in sections)
    without = _stacked((repeat(is_silent, size) for is_silent, size in silent), "bool")
    return attended.mask(without, joined_at.notna()).mask(section.eq("other"), other=True)


def _json_rows(section: Section) -> list[str]:
    """Give every record as JSON, header → text as it came. By one template: `json.dumps` a row is slow."""
    order = sorted(range(len(section.header)), key=section.header.__getitem__)
    names = [encode_basestring(section.header[at]).replace("%", "%%") for at in order]
    template = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    columns = (map(encode_basestring, section.column(at)) for at in order)
    texts = list(map(template.__mod__, zip(*columns, strict=True)))
    for at in section.problems:
        filled = section.found.get(at, len(section.header))
        whole: dict[str, Any] = dict(zip(section.header[:filled], section.row(at), strict=False))
        if at in section.surplus:
            whole[MORE_FIELDS] = section.surplus[at]
        texts[at] = json.dumps(whole, ensure_ascii=False, sort_keys=True)
    return texts


def _questions(section: Section) -> Iterable[str]:
    """Give the answers to the form's questions as JSON, question → answer, without blank ones."""
    order = sorted(section.unnamed(), key=section.header.__getitem__)
    if not order:
        return repeat("{}", section.size)
    names = [encode_basestring(section.header[at]) for at in order]
    answered = (
        [f"{name}: {encode_basestring(cell)}" for name, cell in zip(names, row, strict=True) if cell.strip()]
        for row in zip(*map(section.column, order), strict=True)
    )
    return ["{" + ", ".join(answers) + "}" for answers in answered]
