"""What became of Zoom files that came in the last days: from the drop folder over the archive into the facts.

Read from the drop folder, the landing archive, `ops.files` and Dagster's runs. Here: gathering it, a state and a
sentence for each file. Not here: taking a file (`sources/drop`), or how it looks on the page.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterRunStatus, RunsFilter

from funnel_etl.files import storage_error
from funnel_etl.operate.audit import audit
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS
from funnel_etl.parts.marketing.zoom.intake import SOURCE
from funnel_etl.parts.marketing.zoom.partitions import shown_name
from funnel_etl.parts.marketing.zoom.reader.layout import heads_summary
from funnel_etl.parts.marketing.zoom.sensor import OPEN, REFRESH
from funnel_etl.parts.marketing.zoom.withdrawals import archive, withdrawn
from funnel_etl.platform.dagster.automation_state import sensor_runs
from funnel_etl.platform.dagster.nights import NIGHTLY
from funnel_etl.platform.postgres.database import connected
from funnel_etl.platform.postgres.owner import OURS
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.drop.intake import MEGABYTE
from funnel_etl.sources.drop.ready import look

SENSOR = "zoom_drop_folder"
ACCEPTED = "accepted a file"
"""What the log of the page calls a file that somebody laid into the drop folder; it is about its file_id."""

WAITING, TAKEN, WORKING, PUBLISHED, IN_FACTS = "waiting", "taken", "being worked in", "published", "in the facts"
REJECTED, DUPLICATE, SUPERSEDED, WITHDRAWN = "rejected", "duplicate", "superseded", "withdrawn"
NO_PROFILE, WAITS = "no profile", "waits for a person"
UNDER_WAY = (WAITING, TAKEN, WORKING, PUBLISHED)
"""States that change by themselves, in their order."""

_FILES = sa.text(
    "SELECT f.arrival_id, f.status, f.reason, f.warnings, w.occurrence_id, w.topic, w.profile, w.conductor, "
    "w.webinar_id, e.why AS waits_for FROM ops.files AS f LEFT JOIN ops.engagement_files AS e USING (file_id) "
    "LEFT JOIN clean.webinars AS w ON w.occurrence_id = coalesce(f.occurrence_id, e.occurrence_id) "
    "WHERE f.source = :source AND f.arrival_id = ANY(:ids)"
)
_PUBLISHED = sa.text(
    "SELECT part, max(published_at) AS at FROM ops.nights "  # noqa: S608 - of ours
    f"WHERE {OURS} AND part IN ('marketing', 'funnel') GROUP BY part"
)


@dataclass(frozen=True)
class FileState:
    """One file. `says`: what its state means, in a sentence; `by`: who gave it through the page."""

    file_id: str
    name: str
    came_at: datetime
    state: str
    says: str
    by: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    topic: str | None = None
    profile: str | None = None
    conductor: str | None = None
    webinar_id: str | None = None


@dataclass(frozen=True)
class _Place:
    """What the states of files rest on besides themselves."""

    is_watched: bool
    under_way: str | None
    failed_at: datetime | None
    published: Mapping[str, datetime]
    withdrawn: Mapping[str, str]
    by: Mapping[str, frozenset[str]]
    rows: Mapping[str, Any] = field(default_factory=dict)


def file_states(settings: Settings, days: int = 7) -> list[FileState]:
    """Return the files that came in the last days or still lie in the drop folder, the newest first."""
    since = datetime.now(UTC) - timedelta(days=days)
    landing = archive(settings)
    arrivals = landing.arrivals(SOURCE)
    with (
        instance(settings) as (opened, databases),
        connected(databases.funnel_url) as connection,
    ):
        by = audit.who_did(connection, ACCEPTED, since)
        wanted = _wanted(arrivals, since, by)
        rows = connection.execute(_FILES, {"source": SOURCE, "ids": [one.arrival_id for one in wanted]})
        place = _Place(
            sensor_runs(opened, SENSOR),
            _under_way(opened),
            _failed_at(opened),
            {row.part: row.at for row in connection.execute(_PUBLISHED)},
            {file_id: decision.why for file_id, decision in withdrawn(landing).items()},
            by,
            {row.arrival_id: row for row in rows},
        )
    found = [_of_arrival(arrival, place) for arrival in wanted]
    return sorted([*_lying(settings, landing, place), *found], key=lambda one: one.came_at, reverse=True)


def _wanted(arrivals: Iterable[Arrival], since: datetime, by: Mapping[str, frozenset[str]]) -> list[Arrival]:
    """Return the arrivals since then, and of files given again since then the newest one before."""
    by_id = {one.file_id: one for one in arrivals}
    new = [one for one in arrivals if one.received_at >= since]
    there = {one.file_id for one in new}
    return new + [by_id[file_id] for file_id in by if file_id in by_id and file_id not in there]


def _under_way(opened: dg.DagsterInstance) -> str | None:
    running = {run.job_name for run in opened.get_runs(RunsFilter(statuses=OPEN))}
    return next((job for job in (REFRESH, NIGHTLY) if job in running), None)


def _failed_at(opened: dg.DagsterInstance) -> datetime | None:
    """Return when the newest refresh began, if it failed."""
    newest = opened.get_run_records(RunsFilter(job_name=REFRESH), limit=1)
    failed = [record for record in newest if record.dagster_run.status is DagsterRunStatus.FAILURE]
    return failed[0].create_timestamp.replace(tzinfo=UTC) if failed else None


def _lying(settings: Settings, landing: Landing, place: _Place) -> Iterator[FileState]:
    """Yield what still lies in the drop folder: only a file that the page could have given is looked into."""
    for entry in look(settings.drop_folder / "zoom"):
        if not entry.is_plain or entry.path.name.startswith((".", "~$")):
            continue
        file_id = ""
        if entry.size <= settings.app_upload_mb * MEGABYTE:
            try:
                data = entry.path.read_bytes()
            except FileNotFoundError:
                continue  # it was just taken
            except OSError as error:
                raise storage_error(error, "the drop folder", entry.path.name, "tell the engineer") from error
            file_id = landing.file_id_of(landing.redact_lines(data, heads_summary).data)
        at = datetime.fromtimestamp(entry.touched, UTC)
        says = "it lies in the drop folder, which is looked into every 10 seconds"
        if not place.is_watched:
            says = (
                "it lies in the drop folder, and nothing looks into it by itself just now: the next night takes it. "
                "The engineer starts the daemon with make up (docker compose up -d), or runs funnel-etl run"
            )
        yield FileState(file_id, shown_name(entry.path.name), at, WAITING, says, place.by.get(file_id, frozenset()))


def _of_arrival(arrival: Arrival, place: _Place) -> FileState:
    row = place.rows.get(arrival.arrival_id)
    state, says = _state(arrival, row, place)
    facts: dict[str, Any] = {}
    if row is not None:
        facts = {name: getattr(row, name) for name in ("topic", "profile", "conductor", "webinar_id")}
    webinar_id = facts.get("webinar_id") or ""
    return FileState(
        arrival.file_id,
        shown_name(arrival.name, webinar_id),
        arrival.received_at,
        state,
        says,
        place.by.get(arrival.file_id, frozenset()),
        tuple(_warnings(row)),
        **facts,
    )


def _warnings(row: Any) -> list[str]:
    given = row.warnings if row is not None else None
    return list(json.loads(given) if isinstance(given, str) else given or [])


def _state(arrival: Arrival, row: Any, place: _Place) -> tuple[str, str]:
    if arrival.status == "rejected":
        return REJECTED, arrival.reason or "it was not read"
    if arrival.file_id in place.withdrawn:
        return WITHDRAWN, f"withdrawn: {place.withdrawn[arrival.file_id]}; it counts in no night from then on"
    return _not_yet(arrival, place) if row is None else _published(row, place)


def _published(row: Any, place: _Place) -> tuple[str, str]:
    if row.status == DUPLICATE:
        return DUPLICATE, "the same bytes came before under another name: nothing is counted twice"
    if row.status == SUPERSEDED:
        return SUPERSEDED, "a later report of the same webinar counts in its place"
    if row.status == REJECTED:
        return REJECTED, row.reason or "it was not read"
    if row.waits_for is not None:
        return WAITS, row.waits_for
    if row.occurrence_id is not None and row.profile is None:
        return NO_PROFILE, FINDINGS["webinar_without_profile"].says
    marketing, funnel = (place.published.get(part) for part in ("marketing", "funnel"))
    if funnel is not None and (marketing is None or funnel >= marketing):
        return IN_FACTS, "it counts in every number"
    if place.under_way:
        return PUBLISHED, "it is in the tables of Zoom; the facts are being made"
    return PUBLISHED, "it is in the tables of Zoom, but the facts were not made since: Today says what failed"


def _not_yet(arrival: Arrival, place: _Place) -> tuple[str, str]:
    if place.under_way:
        return WORKING, "a run is under way that works it into the last night"
    if place.failed_at and place.failed_at > arrival.received_at:
        return TAKEN, "the run that worked it in failed; it is tried up to three times, then the next night takes it"
    if place.is_watched:
        return TAKEN, "it is read and kept; the run that works it into the last night is asked for"
    return TAKEN, "it is read and kept; no sensor runs, so it waits for the next night (now: funnel-etl run)"
