"""What a person said in webinars: the lines that are theirs in chats, polls and questions, without a phone in them.

Here: which lines, and taking them out of landed files. Not here: what names the person by phone or e-mail (`stores`).
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import sqlalchemy as sa

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.person_matcher import Redacted
from funnel_etl.core.values.text import decode, lookup_key
from funnel_etl.files import write_whole
from funnel_etl.operate.erase.stores import RemovedLines
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.parts.marketing.zoom.reader.chat import is_chat
from funnel_etl.parts.marketing.zoom.reader.chat_forms import ChatLines, read_lines
from funnel_etl.parts.marketing.zoom.reader.chat_tables import read_table
from funnel_etl.sources.archive.landing import Landing

_THERE = "SELECT to_regclass('clean.chat_messages') IS NOT NULL AND to_regclass('clean.engagement_people') IS NOT NULL"
_ROWS = """
WITH own AS (SELECT occurrence_id, person_key FROM clean.engagement_people
             WHERE phone = ANY(:phones) OR email = ANY(:emails)),
said AS (
    SELECT file_id, source_row FROM clean.chat_messages JOIN own USING (occurrence_id, person_key)
    UNION SELECT file_id, source_row FROM clean.poll_answers JOIN own USING (occurrence_id, person_key)
    UNION SELECT file_id, source_row FROM clean.qa_questions JOIN own USING (occurrence_id, person_key)
)
SELECT file_id, source_row FROM said
UNION SELECT r.file_id, r.source_row FROM ops.merged_rows AS r JOIN said AS s
    ON r.into_file_id = s.file_id AND r.into_source_row = s.source_row
    WHERE r.asset IN ('clean.chat_messages', 'clean.poll_answers', 'clean.qa_questions')
"""
_NAMES = """
SELECT DISTINCT f.file_id, m.sender_name FROM clean.chat_messages AS m
JOIN clean.engagement_people AS p USING (occurrence_id, person_key)
JOIN ops.engagement_files AS f ON f.occurrence_id = m.occurrence_id AND f.report = 'chat'
WHERE (p.phone = ANY(:phones) OR p.email = ANY(:emails)) AND NOT EXISTS (
    SELECT FROM clean.chat_messages AS o WHERE o.occurrence_id = m.occurrence_id
    AND lower(o.sender_name) = lower(m.sender_name) AND o.person_key IS DISTINCT FROM m.person_key)
"""
"""Names under which, in that occurrence, nobody else wrote: private lines of them are theirs too."""
Said = dict[str, frozenset[int]]
"""file_id → lines on which a row of the person begins."""
Names = dict[str, frozenset[str]]
"""file_id → keys of names that are the person's alone there."""


def said_by(connection: sa.Connection, phones: Iterable[str], emails: Iterable[str]) -> tuple[Said, Names]:
    """Return the rows of chats, polls and question reports that are credited to a person, and the names."""
    if not connection.execute(sa.text(_THERE)).scalar_one():
        return {}, {}
    given = {"phones": sorted(phones), "emails": sorted(emails)}
    lines: dict[str, set[int]] = {}
    for file_id, line in connection.execute(sa.text(_ROWS), given):
        lines.setdefault(file_id, set()).add(int(line))
    names: dict[str, set[str]] = {}
    for file_id, name in connection.execute(sa.text(_NAMES), given):
        names.setdefault(file_id, set()).add(lookup_key(name))
    return {f: frozenset(own) for f, own in lines.items()}, {f: frozenset(own) for f, own in names.items()}


def without_said(data: bytes, lines: frozenset[int], names: frozenset[str]) -> Redacted:
    """Return a file without the records that begin on lines, and of a chat without private ones from or to the names.

    Each line of a record is left empty; the number of lines stays.
    """
    decoded = decode(data)
    text = decoded.text
    chat = (read_lines(text) or read_table(text)) if is_chat(data) else None
    gone = _of_chat(chat, lines, names) if chat is not None else _of_table(text, lines)
    if not gone:
        return Redacted(data)
    kept = [
        _end(line) if number in gone else line for number, line in enumerate(io.StringIO(text, newline=""), start=1)
    ]
    encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else decoded.encoding
    mark = "\ufeff" if encoding.startswith("utf-16") and data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    return Redacted((mark + "".join(kept)).encode(encoding, errors="replace"), tuple(sorted(gone)))


def erase_said(landing: Landing, said: Said, names: Names, by: Iterable[str], drop: Path) -> RemovedLines:
    """Take what a person said out of the landed files, and out of the drop folder's kept copies of them."""
    found = RemovedLines()
    done: dict[str, bytes] = {}
    for file_id in sorted({*said, *names}):
        try:
            data = landing.read(file_id)
        except FunnelError:
            found.problems.append(f"landing archive, {file_id[:16]}: gone or damaged, and not looked into")
            continue
        left = without_said(data, said.get(file_id, frozenset()), names.get(file_id, frozenset()))
        if left.is_changed:
            done[hashlib.sha256(data).hexdigest()] = left.data
            landing.replace(file_id, left, by)
            found.count(ZOOM, len(left.lines))
            found.file_ids.add(file_id)
    for path in sorted(drop.rglob("*")) if done and drop.is_dir() else ():
        if path.is_file() and (kept := done.get(hashlib.sha256(path.read_bytes()).hexdigest())) is not None:
            write_whole(path, kept)
            found.count(f"{drop.name}/", 1)
    return found


def _of_chat(chat: ChatLines, lines: frozenset[int], names: frozenset[str]) -> set[int]:
    gone: set[int] = set()
    for message in chat.messages:
        of_person = lookup_key(message.sender) in names or lookup_key(message.to.name) in names
        if message.line in lines or of_person:
            gone.update(range(message.line, message.line + message.lines))
    return gone


def _of_table(text: str, lines: frozenset[int]) -> set[int]:
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=max(",;\t|", key=first.count))
    gone: set[int] = set()
    before = 0
    try:
        for _ in reader:
            if before + 1 in lines:
                gone.update(range(before + 1, reader.line_num + 1))
            before = reader.line_num
    except csv.Error:
        gone |= {*lines}
    return gone


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def as_json(found: Mapping[str, frozenset[int]] | Mapping[str, frozenset[str]]) -> dict[str, list[object]]:
    """Return lines or names as JSON has them."""
    return {file_id: sorted(own, key=str) for file_id, own in found.items()}
