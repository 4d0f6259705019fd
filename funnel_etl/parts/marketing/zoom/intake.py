"""Zoom exports from the drop folder to parsed reports: each file landed once, read once, kept parsed by its content.

The reading itself is in `read`; what the rows mean in the table modules.
"""

import io
import json
import logging
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.tables.accounting import LedgerLine, Outcome, blank_reasons
from funnel_etl.core.values.text import lookup_key
from funnel_etl.parts.marketing.zoom.reader.chat import private_rows
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE, RAW_ZOOM_ENGAGEMENT_FILES
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS, kind_of, read_report
from funnel_etl.parts.marketing.zoom.reader.layout import heads_summary
from funnel_etl.parts.marketing.zoom.reader.measures import Measures, file_warnings, measure
from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport
from funnel_etl.parts.marketing.zoom.withdrawals import refusal, withdrawn
from funnel_etl.sources.archive.arrivals import Arrival, first_came
from funnel_etl.sources.archive.store import Store
from funnel_etl.sources.drop.intake import DropFolder, IntakeResult
from funnel_etl.sources.nightly import NightlySources

SOURCE = "zoom"
READER_VERSION = "7"
"""Raise it when `read_report` returns something else for the same bytes: what was parsed before is parsed again."""

_PLACE = re.compile(
    r"(?<!\d)(?P<id>\d{4,13})[-_ ]+(?P<year>\d{4})[-_.]?(?P<month>\d{2})[-_.]?(?P<day>\d{2})[T_ -]+"
    r"(?P<hour>\d{2})[.:h-]?(?P<minute>\d{2})(?!\d)"
)
Place = tuple[str, pd.Timestamp]
"""Webinar id, and when it began, in the project's zone where it names none."""

log = logging.getLogger("funnel_etl.progress")
Parsed = tuple[dict[str, Any], pd.DataFrame, list[int]]
"""Facts (times as text), rows and blank lines of a report."""


class ParsedReports:
    """The parsed reports, by content: a file is read once. A cache below the lake: deleted, files are read again."""

    def __init__(self, store: Store, sources: NightlySources) -> None:
        self._store = store
        self._sources = sources
        zone = sources.settings.timezone
        self._folder = f"_zoom/{READER_VERSION}-{zone.replace('/', '_')}"
        self._first_came: dict[str, datetime] = {}

    def get(self, file_id: str) -> Parsed:
        """Return what was read of a landed report. Raises `NotAZoomReport`."""
        kept = self._kept(file_id)
        table = pq.read_table(io.BytesIO(self._store.read(f"{self._folder}/{file_id}.parquet")))
        return kept["facts"], kind_of(kept["facts"]).rows.from_arrow(table), kept["blank_rows"]

    def summary(self, file_id: str) -> tuple[dict[str, Any], Measures]:
        """Return facts and measures of a landed report, without its rows. Raises `NotAZoomReport`."""
        kept = self._kept(file_id)
        return kept["facts"], kept["measures"]

    def erased_lines(self, file_id: str) -> tuple[int, ...]:
        """Return the lines of a landed report that are blank because the person in them was erased."""
        return self._sources.landing.erased_lines(file_id)

    def private_rows(self, file_id: str) -> pd.DataFrame:
        """Return the private messages of a landed chat, read anew each time: nothing of them is kept anywhere."""
        return private_rows(self._sources.landing.read(file_id), file_id, self._sources.settings.timezone)

    def _kept(self, file_id: str) -> dict[str, Any]:
        if not self._store.exists(f"{self._folder}/{file_id}.json"):
            self.read(self._sources.landing.read(file_id), file_id, self._came(file_id))
        kept: dict[str, Any] = json.loads(self._store.read(f"{self._folder}/{file_id}.json"))
        return kept

    def _came(self, file_id: str) -> datetime | None:
        """Return when these bytes came first: a report reads the same on every night, whatever came again."""
        if file_id not in self._first_came:
            self._first_came = first_came(self._sources.landing.arrivals(SOURCE))
        return self._first_came.get(file_id)

    def read(self, data: bytes, file_id: str, received_at: datetime | None) -> ZoomExport:
        """Read a report that came at a time, and keep what was read. Raises `NotAZoomReport`, `AmbiguousDates`."""
        zone = self._sources.settings.timezone
        export = read_report(data, file_id=file_id, zone=zone, received_at=received_at)
        table = kind_of(export.facts).rows
        buffer = io.BytesIO()
        pq.write_table(table.to_arrow(table.conform(export.rows)), buffer, compression="zstd")
        facts = {"facts": export.facts, "blank_rows": export.blank_rows, "measures": measure(export)}
        self._store.write(f"{self._folder}/{file_id}.parquet", buffer.getvalue())
        self._store.write(f"{self._folder}/{file_id}.json", json.dumps(facts, default=str).encode())
        return export


def night_files(sources: NightlySources, parsed: ParsedReports, night: date) -> list[Arrival]:
    """Take in the drop folder for a night, and return the reports it uses: all that ever came, each content once.

    Of the same bytes in several places, one in a sub-folder counts (it may force a profile), then the first by name:
    the order of arrival decides nothing. What was withdrawn is left out. An overtaken night uses what it used, from
    the places it then lay in. A file that is no report is kept as a rejected arrival, and stops no other.
    """
    landing, replayed = sources.landing, sources.replayed(SOURCE, night)
    if replayed is None:
        take_in(sources, parsed)
    counted = landing.night_arrivals(replayed, SOURCE) if replayed else []
    arrivals = _by_content(sources, counted)
    file_ids = landing.night(replayed, SOURCE) or [] if replayed else sorted(arrivals.keys() - withdrawn(landing))
    if replayed is None:
        landing.record_night(night, SOURCE, file_ids, [arrivals[file_id].arrival_id for file_id in file_ids])
    return [arrivals[file_id] for file_id in file_ids]


def arrivals_of_night(sources: NightlySources, night: date) -> list[Arrival]:
    """Return the files that `night_files` recorded for a night, or those that an overtaken night uses."""
    used = sources.replayed(SOURCE, night) or night
    arrivals = _by_content(sources, sources.landing.night_arrivals(used, SOURCE))
    return [arrivals[file_id] for file_id in sources.landing.night(used, SOURCE) or []]


def arrivals_of(sources: NightlySources, file_ids: list[str]) -> list[Arrival]:
    """Return the reports of these contents, each as a night takes it; raises `KeyError` for one that never came."""
    arrivals = _by_content(sources)
    return [arrivals[file_id] for file_id in file_ids]


def _by_content(sources: NightlySources, counted: Collection[str] = ()) -> dict[str, Arrival]:
    """Return the arrival of each content that stands for it; `counted`: the arrivals that did so for a night."""
    accepted = [a for a in sources.landing.arrivals(SOURCE) if a.status == "accepted"]
    by_place = sorted(
        accepted, key=lambda a: (a.arrival_id not in counted, a.folder is None, a.folder or "", a.name, a.received_at)
    )
    return {a.file_id: a for a in reversed(by_place)}


def take_in(
    sources: NightlySources, parsed: ParsedReports, *, seconds: float | None = None, wait: bool = True
) -> IntakeResult:
    """Take all settled files out of the drop folder, for at most `seconds`; without `wait` give way to who is at it."""
    settings = sources.settings
    gone = withdrawn(sources.landing)
    drop = DropFolder(
        source=SOURCE,
        folder=settings.drop_folder / "zoom",
        landing=sources.landing,
        read=parsed.read,
        state=settings.state,
        settle_seconds=settings.drop_settle_seconds,
        max_mb=settings.zoom_max_mb,
        follows_label=heads_summary,
        refuses=lambda file_id: refusal(file_id, gone[file_id]) if file_id in gone else None,
    )
    return drop.take(seconds=seconds, wait=wait)


def with_place(
    facts: dict[str, Any], name: str, folder: str | None, decided: Mapping[str, Place], zone: str
) -> dict[str, Any]:
    """Return the facts of a file; of an attendance whose webinar is known those of an attendee report of it."""
    place = placed(name, folder, decided) if facts["report"] == ATTENDANCE else None
    if place is None:
        return facts
    return facts | {"report": "attendee", "webinar_id": place[0], "started_at": _instant(place[1], zone)}


def placed(name: str, folder: str | None, decided: Mapping[str, Place]) -> Place | None:
    """Return webinar id and start of an attendance file: as chat_files.csv, its name or its folder say.

    In a name they stand as in the id of an occurrence, 81200001001-20260923T1800, local to the project's zone.
    """
    if lookup_key(name) in decided:
        return decided[lookup_key(name)]
    said = [match for text in (name, folder or "") for match in _PLACE.finditer(text)]
    found = {(m["id"], "".join(m.group("year", "month", "day", "hour", "minute"))) for m in said}
    if len(found) != 1:
        return None
    [(webinar_id, at)] = found
    local = pd.to_datetime(at, format="%Y%m%d%H%M", errors="coerce")
    return None if pd.isna(local) else (webinar_id, local)


def decided_places(chat_files: pd.DataFrame) -> dict[str, Place]:
    """Return what chat_files.csv says: key of the file's name → webinar id and start."""
    rows = chat_files[["file_name", "webinar_id", "started_at"]].itertuples(index=False)
    return {lookup_key(name): (re.sub(r"\D", "", webinar_id), pd.Timestamp(at)) for name, webinar_id, at in rows}


def reports_of(
    arrivals: list[Arrival],
    parsed: ParsedReports,
    date_ratio: float,
    zone: str,
    decided: Mapping[str, Place],
    thresholds: Mapping[str, float],
) -> Outcome:
    """Return one row per report the night uses. Columns as `raw.zoom_reports`; its notes hold the file's warnings.

    `thresholds`: file_id → what holds for that file in place of `date_ratio`.
    A report that was taken once and that the reader no longer reads is left out with a note: it stops no other. What
    says nothing of who came is in `raw.zoom_engagement_files`; so is an attendance whose webinar nobody knows.
    """
    records: list[dict[str, Any]] = []
    notes: list[str] = []
    others = 0
    for arrival in arrivals:
        try:
            facts, measures = parsed.summary(arrival.file_id)
        except SourceRejected as error:
            notes.append(f"file {arrival.file_id[:16]} is no longer read: {error}")
            continue
        facts = with_place(facts, arrival.name, arrival.folder, decided, zone)
        if not kind_of(facts).says_who_came:
            others += 1
            continue
        threshold = thresholds.get(arrival.file_id, date_ratio)
        warnings = json.dumps(file_warnings(facts, measures, threshold), ensure_ascii=False)
        of_arrival = {"name": arrival.name, "received_at": arrival.received_at, "bytes": arrival.bytes}
        records.append({**facts, **of_arrival, "profile": arrival.folder, "notes": warnings})
    rows = pd.DataFrame(records, columns=RAW_ZOOM_REPORTS.names)
    reasons = {"excluded:no_longer_read": len(notes)} if notes else {}
    reasons |= {"excluded:engagement_report": others} if others else {}
    line = LedgerLine("zoom drop folder", len(arrivals), len(rows), excluded=len(notes) + others, reasons=reasons)
    return Outcome(rows, [line], notes=notes)


def _instant(at: pd.Timestamp, zone: str) -> str:
    local = at.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if at.tzinfo is None else at
    return local.tz_convert("UTC").isoformat()


def engagement_files_of(arrivals: list[Arrival], parsed: ParsedReports, decided: Mapping[str, Place]) -> Outcome:
    """Return one row per chat, poll or question report of a night. Columns as `raw.zoom_engagement_files`.

    With them an attendance whose webinar is not known: a person has to say it.
    """
    records: list[dict[str, Any]] = []
    for arrival in arrivals:
        try:
            facts, _ = parsed.summary(arrival.file_id)
        except SourceRejected:
            continue  # raw.zoom_reports tells of it
        is_placed = facts["report"] == ATTENDANCE and placed(arrival.name, arrival.folder, decided) is not None
        if not kind_of(facts).says_who_came and not is_placed:
            of_arrival = {"name": arrival.name, "received_at": arrival.received_at, "bytes": arrival.bytes}
            records.append({**facts, **of_arrival, "folder": arrival.folder})
    rows = pd.DataFrame(records, columns=RAW_ZOOM_ENGAGEMENT_FILES.names)
    # Facts are kept as text beside the parsed rows.
    times = ("started_at", "generated_at")
    rows = rows.assign(**{name: pd.to_datetime(rows[name], utc=True, format="ISO8601") for name in times})
    return Outcome(rows, [LedgerLine("zoom drop folder", len(rows), len(rows))])


def rows_of(reports: pd.DataFrame, report: str, parsed: ParsedReports) -> Outcome:
    """Return the rows of all reports of a kind, in order of file_id; each file has its own account."""
    table = KINDS[report].rows
    frames, lines = [table.empty()], []
    for file_id in reports["file_id"][reports["report"] == report].sort_values():
        facts, rows, blank_rows = parsed.get(file_id)
        frames.append(rows)
        private = int(facts.get("private_count") or 0)
        blank, kept = len(blank_rows), len(rows)
        reasons = blank_reasons(blank_rows, parsed.erased_lines(file_id))
        reasons |= {"excluded:private": private} if private else {}
        warnings = int(rows["cell_warnings"].sum()) if "cell_warnings" in rows else 0
        left = blank + private
        lines.append(LedgerLine(f"file {file_id}", kept + left, kept, 0, 0, left, warnings, reasons))
    return Outcome(pd.concat(frames[1:] or frames, ignore_index=True), lines)
