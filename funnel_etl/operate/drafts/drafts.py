"""Drafts out as CSV, and what a person made of them in again, landed: `funnel-etl drafts export/import/status`.

Nothing is sent. Here: the file, and what in it is a change. Not here: what an edit does (`marts/engagement/drafts`).
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.text import decode, header_key, lookup_key, typed
from funnel_etl.files import storage_error, write_whole
from funnel_etl.marts.engagement import edits
from funnel_etl.marts.engagement.draft_contracts import APPROVED, FOLLOWUP_DRAFTS, WITHHELD
from funnel_etl.operate.worklist.worklist import escaped, unescaped
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

COLUMNS = (
    "name", "email", "subject", "body", "engagement_tier", "score", "personal_notes", "approved", "status", "draft_id",
    "base_hash",
)  # fmt: skip
NEEDED = ("subject", "body", "draft_id", "base_hash")
MOST_BYTES, LONGEST_SUBJECT, LONGEST_BODY, LONGEST_NOTES = 10_000_000, 300, 10_000, 2_000
YES = frozenset({"yes", "y", "true", "1", "x", "ja", "haan"})


@dataclass(frozen=True)
class Drafts:
    """The drafts of a night. `rows` as `mart.followup_drafts`."""

    night: date
    rows: pd.DataFrame


@dataclass(frozen=True)
class Imported:
    """What an import landed: how many edits, how many rows were as they are; the file_id of the edits, if any."""

    changed: int
    unchanged: int
    file_id: str | None


def newest_drafts(lake_root: str) -> Drafts:
    """Return the drafts of the newest night. Raises `FunnelError` when no night has made any."""
    lake = Lake(UPath(lake_root))
    nights = lake.nights(FOLLOWUP_DRAFTS)
    if not nights:
        raise FunnelError("no night has made drafts yet", where=lake_root, fix="run a night: funnel-etl run")
    return Drafts(nights[-1], lake.read(FOLLOWUP_DRAFTS, nights[-1]))


def export(settings: Settings, to: Path) -> Drafts:
    """Write the drafts that are not withheld as CSV to edit. Raises `FunnelError` if the file is there already."""
    found = newest_drafts(settings.lake_root)
    if to.exists():
        raise FunnelError("the file is there already, and may be edited", where=str(to), fix="take another name")
    try:
        write_whole(to, as_csv(found.rows), private=True)
    except OSError as error:
        raise storage_error(error, "the file", str(to), "name another") from error
    return found


def as_csv(rows: pd.DataFrame) -> bytes:
    """Return drafts as CSV: UTF-8 with BOM, and no cell that a spreadsheet takes for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    shown = rows[rows["status"].ne(WITHHELD) & rows["body_text"].notna()]
    for row in shown.sort_values(["score", "draft_id"], ascending=[False, True]).to_dict("records"):
        texts = [
            escaped(str(row[n])) if isinstance(row[n], str) else "" for n in ("name", "email", "subject", "body_text")
        ]
        score = "" if pd.isna(row["score"]) else str(row["score"])
        notes = escaped(row["notes"]) if isinstance(row["notes"], str) else ""
        approved = "yes" if row["status"] == APPROVED else ""
        writer.writerow([*texts, row["tier"], score, notes, approved, row["status"], row["draft_id"], row["base_hash"]])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def import_edits(settings: Settings, file: Path, editor: str) -> Imported:
    """Land each row of an exported file that a person changed. All or nothing.

    Raises `FunnelError` for a file that is none, too large, or names a draft that is not there.
    """
    return import_bytes(settings, _read(file), file.name, editor)


def import_bytes(
    settings: Settings,
    data: bytes,
    name: str,
    editor: str,
    only: Collection[str] | None = None,
    *,
    is_trial: bool = False,
) -> Imported:
    """Land what a person changed in an exported file of this name, as `import_edits`; `only` these drafts (None: all).

    `is_trial`: count, and land nothing. Raises `FunnelError` too for a draft that is not among `only`.
    """
    if len(data) > MOST_BYTES:
        raise _too_large(name)
    found = _changes(newest_drafts(settings.lake_root).rows, _rows(data, name), name, editor, only)
    return Imported(len(found[0]), found[1], None) if is_trial else _landed(settings, *found)


def land_rows(settings: Settings, drafts: pd.DataFrame, rows: Iterable[Mapping[str, str]], editor: str) -> Imported:
    """Land what a person made of these drafts on a screen, as if it had come in a file: `rows` by COLUMNS, as typed.

    Raises `FunnelError` as `import_edits`.
    """
    texts = ("subject", "body", "personal_notes")
    typed = [{**row} | {name: escaped(row[name]) for name in texts if name in row} for row in rows]
    return _landed(settings, *_changes(drafts, enumerate(typed, 2), "the drafts", editor, None))


def _landed(settings: Settings, changed: list[dict[str, str]], unchanged: int) -> Imported:
    file_id = edits.land(Landing(UPath(settings.landing_root)), changed, utc_now()) if changed else None
    return Imported(len(changed), unchanged, file_id)


def _changes(
    rows_of_night: pd.DataFrame,
    rows: Iterable[tuple[int, dict[str, str]]],
    name: str,
    editor: str,
    only: Collection[str] | None,
) -> tuple[list[dict[str, str]], int]:
    """Return the edits of rows (each with its line), and how many rows are as they were."""
    drafts = {row["draft_id"]: row for row in rows_of_night.to_dict("records")}
    changed, unchanged = [], 0
    for line, row in rows:
        if row["draft_id"] not in drafts:
            raise _refused(name, line, "names a draft that is not there", "import a file that drafts export wrote")
        if only is not None and row["draft_id"] not in only:
            raise _refused(name, line, "its draft is of a webinar that is not yours", "take the row out")
        draft = drafts[row["draft_id"]]
        if draft["status"] == WITHHELD:
            raise _refused(name, line, f"its draft is withheld now ({draft['withheld_reason']})", "take the row out")
        edit = _edit(row, draft, editor)
        _require_short(name, line, edit)
        if _is_changed(edit, draft):
            changed.append(edit)
        else:
            unchanged += 1
    return changed, unchanged


def counts(rows: pd.DataFrame) -> tuple[Counter[str], Counter[str]]:
    """Return how many drafts have each status, and each reason why they are withheld."""
    return Counter(rows["status"]), Counter(rows["withheld_reason"].dropna())


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _too_large(file.name)
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FunnelError(
            f"it cannot be read ({reason})", where=file.name, fix="see its name and permissions"
        ) from None


def _rows(data: bytes, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    text = decode(data).text
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [header_key(cell) for cell in next(reader, [])]
        known = {header_key(column): column for column in COLUMNS}
        at = {known[key]: place for place, key in enumerate(header) if key in known}
        if missing := [column for column in NEEDED if column not in at]:
            raise FunnelError(
                f"line 1: the column {missing[0]!r} is missing", where=name, fix=f"the header is {','.join(COLUMNS)}"
            )
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if any(cell.strip() for cell in cells):
                yield line, {column: cells[place] if place < len(cells) else "" for column, place in at.items()}
    except csv.Error:
        raise FunnelError("it is no CSV that can be read", where=name, fix="save it as CSV again") from None


def _edit(row: dict[str, str], draft: Mapping[Any, Any], editor: str) -> dict[str, str]:
    row = {name: typed(text) for name, text in row.items()}
    body = unescaped(row["body"]).replace("\r\n", "\n").strip()
    return {
        "draft_id": row["draft_id"],
        "base_hash": row["base_hash"],
        "subject": " ".join(unescaped(row["subject"]).split()),
        "body": body,
        "notes": unescaped(row.get("personal_notes", "")).strip(),
        "is_approved": "yes" if lookup_key(row.get("approved", "")) in YES else "no",
        "editor": editor,
        "email": draft["email"],
    }


def _is_changed(edit: dict[str, str], draft: Mapping[Any, Any]) -> bool:
    notes = draft["notes"] if isinstance(draft["notes"], str) else ""
    was = (draft["subject"], draft["body_text"], notes, "yes" if draft["status"] == APPROVED else "no")
    return (edit["subject"], edit["body"], edit["notes"], edit["is_approved"]) != was


def _require_short(file: str, line: int, edit: dict[str, str]) -> None:
    for name, most in (("subject", LONGEST_SUBJECT), ("body", LONGEST_BODY), ("notes", LONGEST_NOTES)):
        if len(edit[name]) > most:
            raise _refused(file, line, f"its {name} is longer than {most} characters", "write less")
    if not edit["subject"] or not edit["body"]:
        raise _refused(file, line, "its subject or body is empty", "write both, or take the row out")


def _too_large(name: str) -> FunnelError:
    return FunnelError(f"it is larger than {MOST_BYTES // 1_000_000} MB", where=name, fix="import the drafts in parts")


def _refused(file: str, line: int, what: str, fix: str) -> FunnelError:
    return FunnelError(f"line {line}: {what}; nothing was imported", where=file, fix=fix)
