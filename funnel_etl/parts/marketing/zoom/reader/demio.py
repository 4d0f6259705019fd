"""Demio's attendance CSV to rows as Zoom's attendee report has them, with attendance and focus in percent.

One row a person: name, e-mail, attended, attendance %, focus %, when they joined and left. The file names no webinar:
that is told by its name, its folder or a person (`intake.placed`). Not here: what focus is worth (`marts/engagement`).
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.values.text import are_dummies, lookup_key
from funnel_etl.parts.marketing.zoom.reader import classify
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE
from funnel_etl.parts.marketing.zoom.reader.read import AT, ZoomExport
from funnel_etl.parts.marketing.zoom.reader.report_tables import first_records, instants, read_records, zone_in
from funnel_etl.parts.marketing.zoom.reader.section import TOO_FEW

FORM = "D2"
_SPELLINGS = {
    "user_name": "name|full name|attendee|attendee name|registrant|registrant name|participant|participant name",
    "first_name": "first name|firstname|given name",
    "last_name": "last name|lastname|surname|family name",
    "email": "email|e mail|email address|e mail address|attendee email|registrant email|user email",
    "phone": "phone|phone number|mobile|mobile number|whatsapp|whatsapp number|contact number",
    "attended": "attended|attended live|live attended|attendance status|attended session|attended event|did attend|"
    "joined live|status",
    "attendance_pct": "attendance percent|attended percent|percent attended|percent attendance|time attended percent|"
    "watch percent|watched percent|percent watched|attendance rate|attendance rate percent|time in session percent|"
    "session percent|attendance time percent",
    "focus_pct": "focus|focus percent|percent focus|focused|focused percent|percent focused|average focus|"
    "average focus percent|avg focus|avg focus percent|focus rate|focus rate percent|focus score|attention percent|"
    "percent attention|focus time percent",
    "joined_at": "joined|joined at|join time|join date|joined time|time joined|entered|entered at|entry time|join|"
    "session join|session join time|date joined|joined date|enter time|joined on",
    "left_at": "exited|exited at|exit time|exit date|left|left at|leave time|time left|exit|session exit|"
    "session exit time|date exited|time exited|exited time|left time|exited on",
    "registered_at": "registered|registered at|registration date|registration time|date registered|signup date|"
    "sign up date|registered on|registered date",
}
_MEANING = {spelling: name for name, all_of in _SPELLINGS.items() for spelling in all_of.split("|")}
_OPEN = "attendance"
"""A header that may be a word or a percentage: its cells tell."""
_YES = frozenset("yes y true 1 attended live joined present si sim ja".split()) | {"attended live"}
_NO = frozenset("no n false 0 absent registered nao nein - --".split()) | {
    "",
    "no show",
    "noshow",
    "did not attend",
    "not attended",
}
_NUMBER = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(%?)")
_BLANK = frozenset({"", "-", "--", "n/a", "na", "none", "null"})


def is_demio(data: bytes) -> bool:
    """Whether bytes are Demio's attendance, by a header of e-mails with focus or attendance in percent."""
    return any(_columns(record) is not None for record in first_records(data))


def read_demio(data: bytes, *, file_id: str, zone: str, received_at: datetime | None = None) -> ZoomExport:  # noqa: ARG001
    """Read Demio's attendance. Rows as `raw.zoom_attendee_rows`. Raises `NotAZoomReport`."""
    found = read_records(data)
    at = next((at for at, (_, record) in enumerate(found.rows) if _columns(record) is not None), None)
    columns = None if at is None else _columns(found.rows[at][1])
    if at is None or columns is None:
        raise NotAZoomReport("no header of Demio's attendance is in it", fix=classify.DOWNLOAD)
    header, body = found.rows[at][1], found.rows[at + 1 :]
    head = [line for line, _ in found.rows[: at + 1]]
    _settle(columns, [record for _, record in body])
    notes: list[str] = []
    frame = pd.DataFrame({"source_row": [line for line, _ in body]}, dtype="Int64")
    texts = {name: _column(body, place) for name, place in columns.items()}
    for name in ("user_name", "first_name", "last_name", "email", "phone"):
        frame[name] = pd.Series([text or None for text in texts.get(name, [None] * len(body))], dtype="str")
    warnings = np.zeros(len(body), dtype="int64")
    nothing = [""] * len(body)
    unread: dict[str, int] = {}
    for name in AT:
        cells = texts.get(name, nothing)
        frame[name] = instants(cells, zone_in(header[columns[name]], zone, notes) if name in columns else zone)
        bad = frame[name].isna().to_numpy() & np.array([lookup_key(cell) not in _BLANK for cell in cells], dtype=bool)
        unread[name] = int(bad.sum())
        warnings += bad
    for name in ("attendance_pct", "focus_pct"):
        frame[name], bad = _percents(texts.get(name, nothing), notes, name)
        warnings += bad
    frame["attended"] = _attended(texts.get("attended"), frame)
    is_short = [len(record) <= columns["email"] for _, record in body]
    frame["row_problem"] = pd.Series([TOO_FEW if short else None for short in is_short], dtype="str")
    frame["cell_warnings"] = pd.Series(np.where(frame["row_problem"].notna(), 0, warnings), dtype="Int64")
    others = [place for place, name in enumerate(header) if name and place not in columns.values()]
    frame["questions"] = [_answers(record, header, others) for _, record in body]
    frame["row"] = [_answers(record, header, range(len(header))) for _, record in body]
    frame["is_test_lead"] = are_dummies(frame["row"])
    # Demio lets nobody in who has not registered, and lists all who have.
    frame["approval_status"] = pd.Series("approved", index=frame.index, dtype="str").where(frame["email"].notna())
    frame = frame.assign(file_id=file_id, section="attendee")
    facts = {
        "file_id": file_id,
        "report": ATTENDANCE,
        "form": FORM,
        "webinar_id": None,
        "topic": None,
        "started_at": None,
        "generated_at": None,
        "first_day": None,
        "private_count": 0,
        "notes": json.dumps(notes, ensure_ascii=False),
        "layout": "demio",
        "date_order": None,
    }
    rows = RAW_ZOOM_ATTENDEE_ROWS.conform(frame.reindex(columns=RAW_ZOOM_ATTENDEE_ROWS.names))
    return ZoomExport(facts, rows, [*head, *found.blank], notes, unread=unread)


def _key(cell: str) -> str:
    """Return a header in small letters, `percent` for % and percentage, without other signs."""
    text = re.sub(r"%|\bpct\b|percentage", " percent ", lookup_key(cell))
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _columns(record: Sequence[str]) -> dict[str, int] | None:
    """Return where the known columns of a header stand; None: it is no header of Demio's attendance."""
    found: dict[str, int] = {}
    for at, cell in enumerate(record):
        plain = re.sub(r"\([^()%]*\)\s*$", "", cell) if len(cell) <= 100 else ""
        name = _OPEN if _key(cell) == _OPEN else _MEANING.get(_key(cell)) or _MEANING.get(_key(plain))
        if name is not None:
            found.setdefault(name, at)
    is_measured = "focus_pct" in found or "attendance_pct" in found
    is_attendance = {"attended", "attendance_pct", _OPEN} & found.keys()
    return found if "email" in found and is_measured and is_attendance else None


def _settle(columns: dict[str, int], records: Sequence[Sequence[str]]) -> None:
    """Let the column `Attendance` be a percentage or a word, as its cells are; one that is known already stays."""
    place = columns.pop(_OPEN, None)
    if place is None:
        return
    cells = [record[place] for record in records if place < len(record) and lookup_key(record[place]) not in _BLANK]
    is_number = sum(_NUMBER.fullmatch(cell) is not None for cell in cells) * 2 > len(cells)
    columns.setdefault("attendance_pct" if is_number else "attended", place)


def _column(body: Sequence[tuple[int, list[str]]], place: int) -> list[str]:
    return [record[place] if place < len(record) else "" for _, record in body]


def _percents(texts: Sequence[str], notes: list[str], name: str) -> tuple[pd.Series, Any]:
    """Return percentages, missing where there is none, and which cells cannot be read.

    Without a % anywhere, and none above 1, they are shares of 1, as a spreadsheet program saves percentages.
    """
    found = [_NUMBER.fullmatch(text) for text in texts]
    values: list[Decimal | None] = []
    for match in found:
        try:
            values.append(Decimal(match[1].replace(",", ".")) if match else None)
        except InvalidOperation:
            values.append(None)
    given = [value for value in values if value is not None]
    has_sign = any(match is not None and match[2] for match in found)
    is_share = bool(given) and not has_sign and max(given) <= 1 and any(value != int(value) for value in given)
    if is_share:
        notes.append(f"{name.removesuffix('_pct')} is given as shares of 1: they were read as percentages")
        values = [None if value is None else value * 100 for value in values]
    within = [value if value is not None and 0 <= value <= 100 else None for value in values]
    if name == "attendance_pct":  # who stayed longer than the session was in all of it
        within = [
            Decimal(100) if value is not None and value > 100 else w for value, w in zip(values, within, strict=True)
        ]
    bad = [w is None and lookup_key(text) not in _BLANK for w, text in zip(within, texts, strict=True)]
    column = pd.Series([None if w is None else float(w) for w in within], dtype="float64")
    return column, np.array(bad, dtype="int64")


def _attended(words: Sequence[str] | None, frame: pd.DataFrame) -> Any:
    """Return who attended, by the file's words; where it has none, who joined or has a percentage above 0."""
    measured = (frame["attendance_pct"].fillna(0) > 0) | (frame["focus_pct"].fillna(0) > 0) | frame["joined_at"].notna()
    if words is None:
        return measured.astype("boolean")
    keys = [" ".join(lookup_key(word).replace("-", " ").split()) for word in words]
    return pd.Series([k in _YES or (k not in _NO and m) for k, m in zip(keys, measured, strict=True)], dtype="boolean")


def _answers(record: Sequence[str], header: Sequence[str], chosen: Sequence[int] | range) -> str:
    cells = {header[at]: record[at] for at in chosen if at < len(record) and at < len(header) and header[at]}
    return json.dumps(cells, ensure_ascii=False)
