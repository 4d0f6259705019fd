"""The words of `funnel-etl explain`."""

import calendar
import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from rich.console import Console
from rich.table import Column
from rich.table import Table as RichTable
from upath import UPath

from funnel_etl.assembly import TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.json_records import begins_json, record_texts
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.numbers import measure as measure_text
from funnel_etl.core.values.text import decode
from funnel_etl.files import storage_error, write_whole
from funnel_etl.operate.explain.current_lines import LandedLine, current_lines, file_names, kept_lines
from funnel_etl.operate.explain.fact import Explained, Period, as_csv, explain_fact
from funnel_etl.operate.explain.person import Event, story, whom
from funnel_etl.operate.explain.published import published_database
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing

SHOWN = 20


def show_person(settings: Settings, out: Console, words: str, *, lines: bool, as_json: bool) -> int:
    """Show the story of a person; exit code 1 when nothing is known."""
    with published_database(settings) as connection:
        asked = whom(connection, words)
        events = story(connection, asked)
        now = current_lines(connection, [place for event in events if (place := _place(event))])
        files = _files(connection, events, now)
    texts = _texts(settings, events, now) if lines else {}
    if as_json:
        zone = ZoneInfo(settings.timezone)
        told = [
            {
                "at": event.at.astimezone(zone).isoformat() if event.at else None,
                "table": event.table,
                "what": event.what,
                "file": files.get(event.file_id or ""),
                "file_id": event.file_id,
                "line": event.line,
                **_told_now(now.get(_place(event) or ("", 0)), files),
                **({"text": texts.get((event.file_id, event.line))} if lines else {}),
            }
            for event in events
        ]
        out.print_json(json.dumps({"read_as": asked.read_as, "events": told}, ensure_ascii=False))
        return 0 if events else 1
    out.print(f"Read as {asked.read_as}.", markup=False, highlight=False)
    if not events:
        out.print("No published table knows this person, nor does the quarantine.")
        return 1
    shown = RichTable("when", "table", Column("what", overflow="fold"), "line of a file", box=None)
    for event in events:
        when = event.at.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d %H:%M") if event.at else ""
        text = texts.get((event.file_id, event.line))
        what = event.what + (f"\n  {text}" if text else "")
        shown.add_row(*map(_plain, (when, event.table, what, _where(event, files, now))))
    out.print(shown)
    out.print(f"Times are of {settings.timezone}. The files are in the landing archive: ops.files has where.")
    return 0


def show_fact(
    settings: Settings,
    out: Console,
    *,
    day: date | None,
    month: date | None,
    funnel: str | None,
    measure: str | None,
    to: Path | None,
) -> int:
    """Show the rows behind a number; exit code 1 when they do not sum to it."""
    if (day is None) == (month is None) or not funnel or not measure:
        raise FunnelError(
            "it needs either a day or a month, a funnel and a measure",
            where="explain fact",
            fix="funnel-etl explain fact --date 2026-11-12 --funnel Webinar --measure revenue_inr",
        )
    period = Period(day, day) if day else _month(month or date.min)
    with published_database(settings) as connection:
        found = explain_fact(connection, {table.full_name: table for table in TABLES}, measure, funnel, period)
    number = f"{found.measure} of {found.funnel}, {period}: {measure_text(found.measure, found.published)} as published"
    out.print(f"{number}, from {grouped(len(found.rows))} rows.", markup=False, highlight=False)
    if len(found.rows):
        out.print(_rows(found))
        if len(found.rows) > SHOWN:
            out.print(f"… and {grouped(len(found.rows) - SHOWN)} more: --to FILE.csv has all.")
    for row in found.quarantined.to_dict("records"):
        out.print(
            f"not in it: {grouped(row['rows'])} rows in quarantine, {row['reason']}. Fix: {row['fix']}", markup=False
        )
    if to:
        _write(to, as_csv(found))
        out.print(f"{to}: {grouped(len(found.rows))} rows", markup=False)
    if found.is_whole:
        out.print("The rows sum to exactly the published number.")
        return 0
    out.print(
        f"The rows sum to {measure_text(found.measure, found.total)}, not to the published number: "
        "the parts were published after the facts. "
        "Fix: funnel-etl run",
        style="red",
        markup=False,
    )
    return 1


def _rows(found: Explained) -> RichTable:
    columns = [name for name in found.rows if name not in {"file_id", "received_at"}]
    shown = RichTable(*map(str, columns), box=None)
    for row in found.rows[columns].head(SHOWN).to_dict("records"):
        shown.add_row(*(_plain("" if pd.isna(value) else value) for value in row.values()))
    return shown


def _month(month: date) -> Period:
    return Period(month.replace(day=1), month.replace(day=calendar.monthrange(month.year, month.month)[1]))


def _place(event: Event) -> LandedLine | None:
    return (event.file_id, event.line) if event.file_id and event.line else None


def _where(event: Event, files: dict[str, str], now: dict[LandedLine, LandedLine]) -> str:
    """Return where an event's line first stood and, if it stands elsewhere in the newest dump, where it is there."""
    place = _place(event)
    if place is None:
        return ""
    first = f"{files.get(place[0]) or place[0][:12]} line {place[1]}"
    newest = now.get(place, place)
    return first if newest == place else f"{first}; in the newest line {newest[1]}"


def _told_now(place: LandedLine | None, files: dict[str, str]) -> dict[str, dict[str, object]]:
    return {"now": {"file": files.get(place[0]), "file_id": place[0], "line": place[1]}} if place else {}


def _files(connection: sa.Connection, events: list[Event], now: dict[LandedLine, LandedLine]) -> dict[str, str]:
    """Return the name under which each file arrived first."""
    ids = sorted({event.file_id for event in events if event.file_id} | {file_id for file_id, _ in now.values()})
    return file_names(connection, ids)


def _texts(
    settings: Settings, events: list[Event], now: dict[LandedLine, LandedLine]
) -> dict[tuple[str | None, int | None], str]:
    """Return the landed line of each event, as it came; of a record of several lines the first."""
    landing = Landing(UPath(settings.landing_root))
    kept = kept_lines(landing, [place for event in events if (place := _place(event))], now)
    lines = {file_id: landed_lines(landing.read(file_id)) for file_id in {file_id for file_id, _ in kept.values()}}
    return {
        place: lines[file_id][number - 1] for place, (file_id, number) in kept.items() if number <= len(lines[file_id])
    }


def landed_lines(data: bytes) -> list[str]:
    """Return the lines of a landed file, or the records of one that is JSON, in the order of their numbers."""
    text = decode(data).text
    records = record_texts(text) if begins_json(data) else None
    return text.splitlines() if records is None else records


def _write(to: Path, data: bytes) -> None:
    try:
        write_whole(to, data)
    except OSError as error:
        raise storage_error(error, "it", str(to), "name another file with --to") from error


def _plain(text: object) -> str:
    return str(text).replace("[", "\\[")
