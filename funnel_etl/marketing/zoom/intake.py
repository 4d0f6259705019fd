"""Zoom exports from the drop folder to parsed reports: each file landed once, read once, kept parsed by its content.

The reading itself is in `read`; what the rows mean in the table modules.
"""

import hashlib
import io
import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from funnel_etl.core.accounting import LedgerLine, Outcome
from funnel_etl.core.contracts import Table
from funnel_etl.core.errors import FunnelError
from funnel_etl.marketing.zoom.contracts import (
    RAW_ZOOM_ATTENDEE_ROWS,
    RAW_ZOOM_REGISTRANT_ROWS,
    RAW_ZOOM_REPORTS,
)
from funnel_etl.marketing.zoom.read import ZoomExport, read_export
from funnel_etl.sources.drop_folder import settled
from funnel_etl.sources.fetch import utc_now
from funnel_etl.sources.landing import Arrival
from funnel_etl.sources.nightly import NightlySources
from funnel_etl.sources.store import Store

SOURCE = "zoom"
READER_VERSION = "1"
"""Raise it when `read_export` gives something else for the same bytes: what was parsed before is then parsed again."""

log = logging.getLogger("funnel_etl.progress")
Parsed = tuple[dict[str, Any], pd.DataFrame, list[int]]


class ParsedReports:
    """The parsed reports, by content: a file is read once. A cache below the lake: deleted, files are read again."""

    def __init__(self, store: Store, sources: NightlySources) -> None:
        self._store = store
        self._sources = sources
        zone = sources.settings.timezone
        self._folder = f"_zoom/{READER_VERSION}-{zone.replace('/', '_')}"

    def get(self, file_id: str) -> Parsed:
        """Give facts (times as text), rows and blank lines of a landed report. Raises `NotAZoomReport`."""
        if not self._store.exists(f"{self._folder}/{file_id}.json"):
            self.read(self._sources.landing.read(file_id), file_id)
        kept = json.loads(self._store.read(f"{self._folder}/{file_id}.json"))
        table = pq.read_table(io.BytesIO(self._store.read(f"{self._folder}/{file_id}.parquet")))
        return kept["facts"], _rows_table(kept["facts"]).from_arrow(table), kept["blank_rows"]

    def read(self, data: bytes, file_id: str) -> ZoomExport:
        """Read a report and keep what was read. Raises `NotAZoomReport`."""
        export = read_export(data, file_id=file_id, zone=self._sources.settings.timezone)
        table = _rows_table(export.facts)
        buffer = io.BytesIO()
        pq.write_table(table.to_arrow(table.conform(export.rows)), buffer, compression="zstd")
        facts = {"facts": export.facts, "blank_rows": export.blank_rows}
        self._store.write(f"{self._folder}/{file_id}.parquet", buffer.getvalue())
        self._store.write(f"{self._folder}/{file_id}.json", json.dumps(facts, default=str).encode())
        return export


def night_files(sources: NightlySources, parsed: ParsedReports, night: date) -> list[Arrival]:
    """Take in the drop folder for a night, and give the reports it uses: the first arrival of all that ever came.

    An overtaken night uses what it used. A file that is no report is kept as a rejected arrival, and stops no other.
    """
    recorded = sources.recorded(SOURCE, night)
    if recorded is None:
        take_in(sources, parsed)
    arrivals = {a.file_id: a for a in reversed(sources.landing.arrivals(SOURCE)) if a.status == "accepted"}
    file_ids = sorted(arrivals) if recorded is None else recorded
    if recorded is None:
        sources.landing.record_night(night, SOURCE, file_ids)
    return [arrivals[file_id] for file_id in file_ids]


def take_in(sources: NightlySources, parsed: ParsedReports) -> list[Arrival]:
    """Land every settled file of the drop folder that is new; gives the new arrivals, rejected ones too."""
    folder = sources.settings.drop_folder / "zoom"
    known = {(a.name, a.folder, a.file_id) for a in sources.landing.arrivals(SOURCE)}
    decision = settled(folder, sources.settings.drop_settle_seconds)
    for path, why in [*decision.wait.items(), *decision.ignore.items()]:
        log.info("zoom drop folder: %s left alone: %s", path.name, why)
    new: set[str] = set()
    for entry in decision.take:
        if file_id := _land(entry.path, folder, known, sources, parsed):
            new.add(file_id)
    return [arrival for arrival in sources.landing.arrivals(SOURCE) if arrival.file_id in new]


def reports_of(arrivals: list[Arrival], parsed: ParsedReports) -> Outcome:
    """Give one row per report the night uses. Columns as `raw.zoom_reports`."""
    records = [
        {
            **parsed.get(arrival.file_id)[0],
            "name": arrival.name,
            "received_at": arrival.received_at,
            "bytes": arrival.bytes,
            "profile": arrival.folder,
        }
        for arrival in arrivals
    ]
    rows = pd.DataFrame(records, columns=RAW_ZOOM_REPORTS.names)
    return Outcome(rows, [LedgerLine("zoom drop folder", len(arrivals), len(rows))])


def rows_of(reports: pd.DataFrame, report: str, parsed: ParsedReports) -> Outcome:
    """Give the rows of all attendee (or registration) reports, files in order of their id."""
    table = RAW_ZOOM_ATTENDEE_ROWS if report == "attendee" else RAW_ZOOM_REGISTRANT_ROWS
    frames, blank, warnings = [table.empty()], 0, 0
    for file_id in reports["file_id"][reports["report"] == report].sort_values():
        _, rows, blank_rows = parsed.get(file_id)
        frames.append(rows)
        blank += len(blank_rows)
        warnings += int(rows["cell_warnings"].sum())
    rows = pd.concat(frames[1:] or frames, ignore_index=True)
    reasons = {"excluded:blank_row": blank} if blank else {}
    line = LedgerLine(
        f"zoom {report} reports", len(rows) + blank, len(rows), excluded=blank, cell_warnings=warnings, reasons=reasons
    )
    return Outcome(rows, [line])


def _land(
    path: Path,
    folder: Path,
    known: set[tuple[str, str | None, str]],
    sources: NightlySources,
    parsed: ParsedReports,
) -> str | None:
    sub_folder = path.parent.name if path.parent != folder else None

    def check(landed: Path) -> None:
        data = landed.read_bytes()
        parsed.read(data, hashlib.sha256(data).hexdigest())

    try:
        with path.open("rb") as file:
            file_id = hashlib.file_digest(file, "sha256").hexdigest()
        if (path.name, sub_folder, file_id) in known:
            return None
        sources.landing.put_file(SOURCE, path, received_at=utc_now(), folder=sub_folder, check=check)
    except (FunnelError, OSError) as error:
        log.info("zoom drop folder: %s not taken: %s", path.name, error)
        return None
    return file_id


def _rows_table(facts: dict[str, Any]) -> Table:
    return RAW_ZOOM_ATTENDEE_ROWS if facts["report"] == "attendee" else RAW_ZOOM_REGISTRANT_ROWS
