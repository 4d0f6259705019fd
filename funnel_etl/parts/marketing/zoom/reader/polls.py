"""A poll report to rows, one an answer. Four layouts (P1 … P4): see `engagement.md` of the design, A5.

Here: which cells are a question and its answer. Not here: who answered (`marts/engagement`).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.reader import classify
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import POLL, RAW_ZOOM_POLL_ROWS
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
from funnel_etl.parts.marketing.zoom.reader.vocabulary import key

COLUMNS = {
    "number": ("#",),
    "user_name": ("User Name", "Name", "사용자 이름", "Nome de usuário", "Nombre de usuario"),
    "email": ("User Email", "Email", "Email Address", "사용자 이메일", "E-mail do usuário", "Correo electrónico"),
    "answered_at": (
        "Submitted Date/Time", "Submitted Time", "Submitted Date and Time", "Submitted Date", "제출 날짜/시간",
        "제출 시간",
    ),
    "question": ("Question", "Poll Question", "질문", "Pergunta", "Pregunta"),
    "answer": ("Answer", "답변", "Resposta", "Respuesta"),
    "poll": ("Poll Name", "Poll"),
}  # fmt: skip
_TITLES = {key(title) for title in ("Poll Report", "Poll Details", "Launched Polls", "설문 조사 보고서")}


def is_poll(data: bytes) -> bool:
    """Whether bytes are a poll report, by the header of its answers."""
    return any(_is_header(record) for record in first_records(data))


def _is_header(record: Sequence[str]) -> bool:
    """Whether a record heads answers: a number, a name, an e-mail and when it was submitted."""
    if len(record) < 4 or record[0] != "#":
        return False
    found = places(record[:4], COLUMNS)
    return "answered_at" in found and found.keys() & {"user_name", "email"} != set()


def read_poll(data: bytes, *, file_id: str, zone: str, received_at: datetime | None = None) -> ZoomExport:  # noqa: ARG001
    """Read a poll report. Rows as `raw.zoom_poll_rows`. Raises `NotAZoomReport`."""
    found = read_records(data)
    notes: list[str] = []
    form, in_zone = "", zone
    header: list[str] = []
    columns: dict[str, int] = {}
    has_title = any(key(record[0]) in _TITLES for _, record in found.rows[:1])
    records: list[dict[str, Any]] = []
    other: list[int] = []
    for line, record in found.rows:
        if _is_header(record):
            header, columns = record, places(record, COLUMNS)
            in_zone = zone_in(header[columns["answered_at"]], zone, [] if in_zone != zone else notes)
            form = form or _form_of(header, columns, has_title=has_title)
        elif not header or not record[0].rstrip(".").isdigit():
            other.append(line)
        else:
            records += _answers(line, record, header, columns)
    if not form:
        raise NotAZoomReport("no header of a poll's answers is in it", fix=classify.DOWNLOAD)
    rows = pd.DataFrame(records, columns=[n for n in RAW_ZOOM_POLL_ROWS.names if n != "file_id"])
    rows["answered_at"] = instants(rows["answered_at"].fillna("").tolist(), in_zone)
    facts = {
        "file_id": file_id,
        "report": POLL,
        "form": form,
        **head_facts(found.head, zone),
        "first_day": None,
        "private_count": 0,
        "notes": json.dumps(notes, ensure_ascii=False),
        "layout": form,
        "date_order": None,
    }
    return ZoomExport(facts, RAW_ZOOM_POLL_ROWS.conform(rows.assign(file_id=file_id)), found.blank, notes)


def _form_of(header: Sequence[str], columns: dict[str, int], *, has_title: bool) -> str:
    if {"question", "answer"} <= columns.keys():
        return "P3" if has_title else "P4"
    return "P2" if any(header[4:]) else "P1"


def _answers(line: int, record: list[str], header: list[str], columns: dict[str, int]) -> list[dict[str, Any]]:
    """Return the answers of a record: a column each (P3, P4), that of its sub-table (P2), or pairs behind it (P1)."""
    cells = record + [""] * (len(header) - len(record))
    base: dict[str, Any] = {
        "source_row": line,
        "poll": cells[columns["poll"]] if "poll" in columns else "1",
        **{name: cells[columns[name]] or None for name in ("user_name", "email") if name in columns},
        "answered_at": cells[columns["answered_at"]],
    }
    if {"question", "answer"} <= columns.keys():
        # An answer is the last column: what is beyond it are its own commas.
        answer = ",".join(cells[columns["answer"] :]).rstrip(",")
        pairs = [(cells[columns["question"]], answer)]
    elif question := ",".join(header[4:]).strip(","):
        pairs = [(question, ",".join(cells[4:]).rstrip(","))]
    else:
        rest = cells[4:]
        while rest and not rest[-1]:
            rest.pop()
        rest += [""] * (len(rest) % 2)
        pairs = list(zip(rest[::2], rest[1::2], strict=True))
    if not any(question for question, _ in pairs):
        return [{**base, "position": 0, "row_problem": TOO_FEW}]
    return [
        {
            **base,
            "position": at,
            "question": " ".join(question[:LONGEST_CELL].split()),
            "answer": answer[:LONGEST_CELL] or None,
        }
        for at, (question, answer) in enumerate(pairs)
        if question
    ]
