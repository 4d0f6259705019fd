"""A further kind of Zoom file is one entry of a list: it is read by its own reader, and goes to its own table."""

from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS, ReportKind, kind_of, read_report
from funnel_etl.parts.marketing.zoom.reader.measures import measure
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport

CHAT_ROWS = Table("raw", "zoom_chat_rows", "One row per line", ("line",), (Column("line", Kind.TEXT, "Line."),))


def read_chat(data: bytes, *, file_id: str, zone: str, received_at: Any = None) -> ZoomExport:
    del zone, received_at
    rows = pd.DataFrame({"line": data.decode().splitlines()}).assign(joined_at=None, left_at=None, registered_at=None)
    return ZoomExport({"report": "chat", "file_id": file_id}, rows, [], [])


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> ReportKind:
    kind = ReportKind(
        "chat",
        "Chat",
        CHAT_ROWS,
        "started_at",
        lambda rows: {"Lines": len(rows)},
        read_chat,
        lambda data: data.startswith(b"18:01:22"),
        times=("joined_at",),
    )
    monkeypatch.setitem(KINDS, "chat", kind)
    return kind


def test_a_file_with_the_signature_of_a_kind_is_read_by_its_reader(chat: ReportKind) -> None:
    export = read_report(b"18:01:22 From A: hello\n18:01:30 From B: hi\n", file_id="f", zone="Asia/Kolkata")
    assert kind_of(export.facts) is chat
    assert measure(export)["found"] == {"Lines": 2}


def test_each_kind_has_a_table_and_a_time_of_its_own() -> None:
    assert {name: (kind.rows.name, kind.begins) for name, kind in KINDS.items()} == {
        "attendee": ("zoom_attendee_rows", "started_at"),
        "registration": ("zoom_registrant_rows", "scheduled_at"),
        "questions": ("zoom_question_rows", "started_at"),
        "attendance": ("zoom_attendee_rows", "started_at"),
        "poll": ("zoom_poll_rows", "started_at"),
        "chat": ("zoom_chat_rows", "first_day"),
    }
