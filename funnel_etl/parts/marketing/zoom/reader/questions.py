"""A question report (`Question and Answer Report`) to rows, one a question.

Here: which cells are question, asker and answers. Not here: who asked (`marts/engagement`).
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.values.text import lookup_key
from funnel_etl.parts.marketing.zoom.reader import classify
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import QUESTIONS, RAW_ZOOM_QUESTION_ROWS
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport
from funnel_etl.parts.marketing.zoom.reader.report_tables import (
    LONGEST_CELL,
    first_records,
    head_facts,
    instants,
    places,
    read_records,
    zone_in,
)
from funnel_etl.parts.marketing.zoom.reader.section import TOO_FEW

COLUMNS = {
    "number": ("#",),
    "question": ("Question", "Questions", "Pergunta", "Pregunta"),
    "asker_name": ("Asker Name", "Asked By", "Name"),
    "email": ("Asker Email", "Email"),
    "answer": ("Answer(s)", "Answer", "Answers", "Resposta", "Respuesta"),
    "asked_at": ("Question Time", "Asked At", "Asked Time", "Submitted Time", "Question Asked Time", "Create Time"),
}
ANONYMOUS = frozenset({"", "anonymous", "anonymous attendee", "anônimo", "anónimo"})
LIVE = "live answered"
_ANSWERED_BY = re.compile(
    r"(?:Answered by\s+(?P<name>[^:\n]{1,200}):|(?P<other>[^:\n]{1,200}?)\s+answered:)\s*(?P<text>.*)",
    re.DOTALL | re.IGNORECASE,
)


def is_questions(data: bytes) -> bool:
    """Whether bytes are a question report, by the header of its questions."""
    return any(_is_header(record) for record in first_records(data))


def _is_header(record: Sequence[str]) -> bool:
    found = places(record, COLUMNS)
    return "question" in found and "asker_name" in found and bool(found.keys() & {"email", "answer"})


def read_questions(data: bytes, *, file_id: str, zone: str, received_at: datetime | None = None) -> ZoomExport:  # noqa: ARG001
    """Read a question report. Rows as `raw.zoom_question_rows`. Raises `NotAZoomReport`."""
    found = read_records(data)
    notes: list[str] = []
    header: list[str] = []
    columns: dict[str, int] = {}
    in_zone = zone
    records: list[dict[str, Any]] = []
    for line, record in found.rows:
        if _is_header(record):
            header, columns = record, places(record, COLUMNS)
            if "asked_at" in columns:
                in_zone = zone_in(header[columns["asked_at"]], zone, notes)
        elif header:
            _add(records, line, record, columns)
    if not header:
        raise NotAZoomReport("no header of questions is in it", fix=classify.DOWNLOAD)
    rows = pd.DataFrame(records, columns=[n for n in RAW_ZOOM_QUESTION_ROWS.names if n != "file_id"])
    rows["asked_at"] = instants(rows["asked_at"].fillna("").tolist(), in_zone)
    facts = {
        "file_id": file_id,
        "report": QUESTIONS,
        "form": "Q1",
        **head_facts(found.head, zone),
        "first_day": None,
        "private_count": 0,
        "notes": json.dumps(notes, ensure_ascii=False),
        "layout": "Q1",
        "date_order": None,
    }
    return ZoomExport(facts, RAW_ZOOM_QUESTION_ROWS.conform(rows.assign(file_id=file_id)), found.blank, notes)


def _add(records: list[dict[str, Any]], line: int, record: list[str], columns: dict[str, int]) -> None:
    """Add a question; a record without one is a further answer to the question before."""
    cells = {name: record[at] if at < len(record) else "" for name, at in columns.items()}
    said = answer_of(cells.get("answer", ""))
    if not cells["question"]:
        if records and cells.get("answer"):
            before = records[-1]
            before["answer"] = "\n".join(filter(None, [before["answer"], said["answer"]])) or None
            before["answered_by"] = before["answered_by"] or said["answered_by"]
            before["is_live_answer"] = bool(before["is_live_answer"]) or said["is_live_answer"]
        else:
            records.append({"source_row": line, "row_problem": TOO_FEW})
        return
    name = " ".join(cells["asker_name"].split())
    records.append(
        {
            "source_row": line,
            "question": cells["question"][:LONGEST_CELL],
            "asker_name": name or None,
            "email": cells.get("email") or None,
            "is_anonymous": lookup_key(name) in ANONYMOUS and "@" not in cells.get("email", ""),
            "asked_at": cells.get("asked_at", ""),
            **said,
        }
    )


def answer_of(text: str) -> dict[str, Any]:
    """Return answer, who gave it, and whether it was given aloud: `Answered by NAME: text`, or `live answered`."""
    if lookup_key(text) == LIVE:
        return {"answer": None, "answered_by": None, "is_live_answer": True}
    found = _ANSWERED_BY.fullmatch(text.strip()[:LONGEST_CELL])
    if found is None:
        return {"answer": text[:LONGEST_CELL] or None, "answered_by": None, "is_live_answer": False}
    name, answer = " ".join((found["name"] or found["other"]).split()), found["text"].strip()
    is_live = lookup_key(answer) == LIVE
    return {"answer": None if is_live else answer or None, "answered_by": name, "is_live_answer": is_live}
