"""A saved chat to rows: what everybody or the hosts could read. Private lines are counted and not kept.

Here: bytes to rows, and the limits. Not here: forms (`chat_forms`, `chat_tables`), words (`chat_words`), and what needs
a second file: the occurrence, who a name is, which of two files of one chat counts (`marts/engagement`).
"""

import json
import re
from datetime import datetime
from typing import Any

import pandas as pd

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import decode
from funnel_etl.parts.marketing.zoom.reader import classify
from funnel_etl.parts.marketing.zoom.reader.chat_forms import (
    LONGEST_LINE,
    ChatLines,
    Message,
    form_of,
    lines_of,
    read_lines,
)
from funnel_etl.parts.marketing.zoom.reader.chat_tables import is_table, read_table
from funnel_etl.parts.marketing.zoom.reader.chat_words import PRIVATE, said
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import CHAT, RAW_ZOOM_CHAT_ROWS
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport

MOST_BYTES, MOST_MESSAGES, LONGEST_MESSAGE = 10_000_000, 50_000, 10_000
"""A file with more is refused; a message of more characters is cut, and counted."""
NO_HEADER = "no_header"
_HEAD = 60_000
_LOOKS_SO = re.compile(r"\d{1,2}:\d{2}|^[ \t\ufeff]*(?:time|date|name|user)", re.IGNORECASE)
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def is_chat(data: bytes) -> bool:
    """Whether bytes are a saved chat, by the first lines of it."""
    head = decode(data[:_HEAD]).text
    if _LOOKS_SO.search(head) is None:
        return False
    return form_of(lines_of(head)) is not None or is_table(head)


def read_chat(data: bytes, *, file_id: str, zone: str, received_at: datetime | None = None) -> ZoomExport:  # noqa: ARG001
    """Read a chat, but for its private lines: who they were written to is not known here, so they are not kept.

    Rows as `raw.zoom_chat_rows`, in file order. Raises `NotAZoomReport` for what is no chat, or too large.
    """
    found, notes = _messages(data, zone)
    private = [message for message in found.messages if message.to.audience == PRIVATE]
    public = [message for message in found.messages if message.to.audience != PRIVATE]
    cut = sum(len(message.body) > LONGEST_MESSAGE for message in public)
    if cut:
        notes.append(f"{grouped(cut)} messages are longer than {grouped(LONGEST_MESSAGE)} characters: they were cut")
    if found.headless:
        notes.append(f"{grouped(len(found.headless))} lines stand before the first header: they go to quarantine")
    days = sorted(message.day for message in found.messages if message.day)
    facts = {
        "file_id": file_id,
        "report": CHAT,
        "form": found.form,
        "webinar_id": None,
        "topic": None,
        "started_at": None,
        "generated_at": None,
        "first_day": days[0].isoformat() if days else None,
        "private_count": len(private),
        "notes": json.dumps(notes, ensure_ascii=False),
        "layout": found.form,
        "date_order": None,
    }
    return ZoomExport(facts, _rows(file_id, found, public), found.blank, notes)


def private_rows(data: bytes, file_id: str, zone: str = "UTC") -> pd.DataFrame:
    """Return the private messages of a chat, as rows of `raw.zoom_chat_rows`; they are written nowhere.

    For who knows the hosts, and keeps those that were written to one. Raises as `read_chat`.
    """
    found, _ = _messages(data, zone)
    private = [message for message in found.messages if message.to.audience == PRIVATE]
    return _rows(file_id, ChatLines(found.form, found.messages), private)


def _messages(data: bytes, zone: str) -> tuple[ChatLines, list[str]]:
    classify.refuse_bytes(data)
    if len(data) > MOST_BYTES:
        raise NotAZoomReport(
            f"it is too large for a chat ({grouped(len(data) // 1_000_000)} MB; the limit is "
            f"{MOST_BYTES // 1_000_000} MB)",
            fix="save the chat of one webinar alone",
        )
    text = decode(data).text
    found = read_lines(text) or read_table(text, zone)
    if found is None:
        raise NotAZoomReport("no line of it is the header of a chat message", fix=classify.DOWNLOAD)
    if len(found.messages) > MOST_MESSAGES:
        raise NotAZoomReport(
            f"it holds {grouped(len(found.messages))} messages, more than the {grouped(MOST_MESSAGES)} of a chat",
            fix="save the chat of one webinar alone",
        )
    return found, []


def _rows(file_id: str, found: ChatLines, messages: list[Message]) -> pd.DataFrame:
    position = {id(message): at for at, message in enumerate(found.messages)}
    records: list[dict[str, Any]] = [
        {"source_row": line, "row_problem": NO_HEADER, "text": text[:LONGEST_MESSAGE], "position": -1}
        for line, text in found.headless
    ]
    for message in messages:
        says = said(_UNSEEN.sub("", message.body[:LONGEST_LINE]))
        records.append(
            {
                "source_row": message.line,
                "position": position[id(message)],
                "stamp_day": message.day,
                "stamp_seconds": message.seconds,
                "sender_name": _UNSEEN.sub("", message.sender).strip() or None,
                "email": message.email,
                "audience": message.to.audience,
                "recipient_name": message.to.name,
                "is_host_side": message.to.is_host_side,
                "kind": says.kind,
                "text": says.text[:LONGEST_MESSAGE],
                "about": says.about,
                "emoji": says.emoji,
                "is_marked_question": message.is_marked_question,
            }
        )
    frame = pd.DataFrame(records, columns=[n for n in RAW_ZOOM_CHAT_ROWS.names if n != "file_id"])
    return RAW_ZOOM_CHAT_ROWS.conform(frame.assign(file_id=file_id))
