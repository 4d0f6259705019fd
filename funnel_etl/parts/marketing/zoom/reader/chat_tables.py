"""Chats as tables of a spreadsheet: V4 in two columns, a table with time, name and message (V10), Demio's (D1).

Here: which column means what. Not here: lines of text (`chat_forms`).
"""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd

from funnel_etl.core.reading.csvfile import DELIMITERS
from funnel_etl.core.values.text import header_key
from funnel_etl.parts.marketing.zoom.reader.chat_forms import (
    FORMS,
    LONGEST_HEAD,
    LONGEST_LINE,
    ChatLines,
    Message,
    cut_head,
    day_of,
    seconds_of,
)
from funnel_etl.parts.marketing.zoom.reader.chat_words import EVERYONE, PRIVATE, Addressed, addressed
from funnel_etl.parts.marketing.zoom.reader.report_tables import instants

COLUMNS = {
    "time": ("time", "timestamp", "sent at", "date time", "datetime", "hora", "zeit", "время"),
    "name": ("name", "user name", "sender", "from", "attendee name", "author", "nombre", "nome"),
    "message": ("message", "text", "chat", "chat message", "comment", "mensaje", "mensagem", "сообщение"),
    "to": ("to", "recipient", "audience", "para", "кому"),
    "email": ("email", "user email", "e-mail", "email address"),
    "question": ("is question", "question", "is_question", "question?"),
}
_MEANING = {header_key(spelling): name for name, spellings in COLUMNS.items() for spelling in spellings}
_STAMP = re.compile(
    r"\s*(?:(?P<date>\d{4}-\d{2}-\d{2})[T ]+)?(?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:\.\d+)?"
    r"\s?(?P<half>[AaPp][Mm])?\s*"
)
Stamps = dict[str, tuple[date | None, int | None]]
"""The text of a time → its day, if it names one, and its second of the day."""
_BLOCK = next(form for form in FORMS if form.is_block)
_HEAD_LINES = 30


def read_table(text: str, zone: str = "UTC") -> ChatLines | None:
    """Read a chat that is a table; None: it is none. A record without a time and a name is a line without a header.

    `zone`: of times that name another one.
    """
    delimiter = _delimiter(text)
    if delimiter is None:
        return None
    records = [*_records(text, delimiter)]
    columns: dict[str, int] | None = None
    stamps: Stamps = {}
    found: ChatLines | None = None
    for line, lines, record in records:
        cells = [cell.strip() for cell in record]
        if found is None:
            if (named := _columns(record)) is not None:
                columns, found = named, ChatLines("D1" if "email" in named else "V10", [])
                place = named["time"]
                stamps = _stamps([record[place] for *_, record in records if place < len(record)], zone)
                continue
            if (message := _two_columns(record, line, lines)) is not None:
                found = ChatLines("V10", [message])
                continue
            if line > _HEAD_LINES or any(cells):
                return None
        if found is None:
            continue
        if not any(cells):
            found.blank.extend(range(line, line + lines))
            continue
        message = _by_columns(record, columns, stamps, line, lines) if columns else _two_columns(record, line, lines)
        if message is not None:
            found.messages.append(message)
        else:
            found.headless.append((line, delimiter.join(record)))
            found.blank.extend(range(line + 1, line + lines))
    return found if found and (found.messages or columns) else None


def is_table(text: str) -> bool:
    """Whether the beginning of a text is a chat as a table."""
    delimiter = _delimiter(text)
    first = next((r for _, _, r in _records(text, delimiter) if any(c.strip() for c in r)), []) if delimiter else []
    return bool(first) and (_columns(first) is not None or _two_columns(first, 1, 1) is not None)


def _delimiter(text: str) -> str | None:
    """Return what parts the cells of the first line that is not blank; None: nothing does."""
    first = next((line for line in text[:LONGEST_LINE].splitlines() if line.strip()), "")
    counts = {sign: first.count(sign) for sign in DELIMITERS if sign in first}
    return max(counts, key=counts.__getitem__) if counts else None


def _records(text: str, delimiter: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield line, number of lines and cells of each record. A cell over the limit of `csv` ends the reading."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    before = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            record = [""]
        yield before + 1, max(reader.line_num - before, 1), record
        before = max(reader.line_num, before + 1)


def _columns(record: Sequence[str]) -> dict[str, int] | None:
    """Return which column means what, if a header names a time, a name and a message; else None."""
    columns: dict[str, int] = {}
    for at, cell in enumerate(record):
        if len(cell) <= 100 and (meaning := _MEANING.get(header_key(cell))) is not None:
            columns.setdefault(meaning, at)
    return columns if {"time", "name", "message"} <= columns.keys() else None


def _stamps(cells: Sequence[str], zone: str) -> Stamps:
    """Return day and second of each time, as local in the zone: plain ones as they stand, others as dates are read."""
    found: Stamps = {}
    others: list[str] = []
    for cell in dict.fromkeys(cells):
        stamp = _STAMP.fullmatch(cell[:LONGEST_HEAD])
        if stamp is None:
            others.append(cell)
        else:
            found[cell] = day_of(stamp["date"]), seconds_of(stamp["time"], stamp["half"])
    if others:
        for cell, at in zip(others, instants([each.strip()[:LONGEST_HEAD] for each in others], zone), strict=True):
            if not pd.isna(at):
                local = at.tz_convert(zone)
                found[cell] = local.date(), local.hour * 3600 + local.minute * 60 + local.second
    return found


def _by_columns(
    record: Sequence[str], columns: dict[str, int], stamps: Stamps, line: int, lines: int
) -> Message | None:
    cells = {name: record[at].strip() if at < len(record) else "" for name, at in columns.items()}
    stamp = stamps.get(record[columns["time"]]) if columns["time"] < len(record) else None
    if stamp is None or not cells["name"] or len(cells["name"]) > LONGEST_HEAD:
        return None
    who = cells.get("to", "")
    to = addressed(who) or (Addressed(PRIVATE, who) if who else Addressed(EVERYONE))
    message = Message(line, " ".join(cells["name"].split()), to, *stamp, lines=lines)
    message.body = cells["message"][:LONGEST_LINE]
    message.email = cells.get("email") or None
    if "question" in columns:
        message.is_marked_question = cells["question"].casefold() in ("yes", "true", "1", "y")
    return message


def _two_columns(record: Sequence[str], line: int, lines: int) -> Message | None:
    """Return the message of a header in one cell and its text in the next; a comma in the header may have cut it."""
    for cells in (1, 2):
        head = ",".join(record[:cells])[:LONGEST_HEAD]
        if len(record) > cells and (found := _BLOCK.header.fullmatch(head.strip())) is not None:
            name, to = cut_head(found["head"])
            seconds = seconds_of(found["time"], found["half"])
            body = "\n".join(cell for cell in record[cells:] if cell.strip())[:LONGEST_LINE]
            return Message(line, name, to, day_of(found["date"]), seconds, body.strip(), lines)
    return None
