"""Assets of Zoom: from the drop folder to people, occurrences and bootcamps. Each calls one pure function."""

from typing import Any

import dagster as dg
import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.validity import Uses
from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean import contracts as clean_contracts
from funnel_etl.parts.marketing.zoom.clean import event_warnings
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance, zoom_segments
from funnel_etl.parts.marketing.zoom.clean.bootcamps import bootcamp_participation
from funnel_etl.parts.marketing.zoom.clean.contradictions import zoom_contradictions
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.people import PHONE, lent_phones, people_beside
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.files import export
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, clean_files
from funnel_etl.parts.marketing.zoom.intake import (
    SOURCE,
    ParsedReports,
    arrivals_of_night,
    decided_places,
    engagement_files_of,
    night_files,
    reports_of,
    rows_of,
)
from funnel_etl.parts.marketing.zoom.partitions import EXPORT, diagnosis_of, exports, is_key_of, metadata_of
from funnel_etl.parts.marketing.zoom.reader import contracts
from funnel_etl.parts.marketing.zoom.reader import engagement_contracts as said
from funnel_etl.parts.marketing.zoom.reader.measures import date_thresholds
from funnel_etl.parts.marketing.zoom.withdrawals import withdrawn
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.lake_io import reads
from funnel_etl.platform.dagster.nights import ANY_NIGHTS, Night
from funnel_etl.platform.dagster.reuse import key_of_files
from funnel_etl.platform.dagster.table_asset import frames_of, night_of, run_body, table_asset
from funnel_etl.platform.lake import Lake

GROUP = "marketing"
RAW = {
    "attendee_rows": contracts.RAW_ZOOM_ATTENDEE_ROWS,
    "registrant_rows": contracts.RAW_ZOOM_REGISTRANT_ROWS,
}
CELLS = {
    name: table.only(*(column for column in table.names if column not in contracts.DOCUMENTS))
    for name, table in RAW.items()
}
LEADS = TOFU_LEADS.only("email", "created_at", *PHONE, *TRACE)
ROWS = {"reports": clean_contracts.ZOOM_REPORTS, **CELLS, "lent": clean_contracts.LENT_PHONES}
EMAILS = {name: table.only("email") for name, table in RAW.items()}
ATTENDED, REGISTERED = (
    {**ROWS, "occurrences": clean_contracts.ZOOM_OCCURRENCES, name: table} for name, table in RAW.items()
)
"""What the two tables of people are made of: each puts rows of its own reports into quarantine, as they came."""


@dg.asset(
    key=EXPORT,
    group_name=GROUP,
    partitions_def=exports,
    required_resource_keys={"sources", "parsed_reports"},
    kinds={"python", "csv"},
)
def zoom_export(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Read one dropped file, so that each shows its own state and can be retried alone; the night reads the others."""
    sources, parsed = context.resources.sources, context.resources.parsed_reports
    arrivals = [a for a in sources.landing.arrivals(SOURCE) if is_key_of(context.partition_key, a.file_id)]
    if not arrivals:
        raise dg.Failure(description="this file is not in the landing archive", allow_retries=False)
    arrival = min(arrivals, key=lambda a: (a.status != "accepted", a.received_at))
    found = run_body(context, lambda: diagnosis_of(arrival, sources, parsed))
    return dg.MaterializeResult(metadata=metadata_of(found, arrival, sources.settings.timezone))


@table_asset(contracts.RAW_ZOOM_REPORTS, group=GROUP, needs=[CONFIG_VERSIONS.asset_key], resources={"parsed_reports"})
def raw_zoom_reports(night: Night, parsed_reports: ParsedReports) -> Outcome:
    """Take in the drop folder, and list the reports the night uses."""
    files = night_files(night.sources, parsed_reports, night.day)
    ratio, decided = night.sources.settings.zoom_date_ratio, decided_places(night.config.table("chat_files"))
    thresholds = date_thresholds(night.config.table("file_overrides"))
    return reports_of(files, parsed_reports, ratio, night.zone, decided, thresholds)


@table_asset(
    said.RAW_ZOOM_ENGAGEMENT_FILES,
    group=GROUP,
    needs=[contracts.RAW_ZOOM_REPORTS.asset_key],
    resources={"parsed_reports"},
)
def raw_zoom_engagement_files(night: Night, parsed_reports: ParsedReports) -> Outcome:
    """List the chats, polls and question reports the night uses, and attendances of which nobody said of what."""
    decided = decided_places(night.config.table("chat_files"))
    return engagement_files_of(arrivals_of_night(night.sources, night.day), parsed_reports, decided)


def _rows_asset(table: Table, kind: str, reports: Table) -> dg.AssetsDefinition:
    """Return the asset of the rows of all reports of a kind; `reports` lists them."""

    @table_asset(
        table,
        group=GROUP,
        inputs={"reports": reports},
        resources={"parsed_reports"},
        uses=Uses.NOTHING,
    )
    def rows(night: Night, parsed_reports: ParsedReports, reports: pd.DataFrame) -> Outcome:  # noqa: ARG001
        """Gather the rows of all reports of the kind."""
        return rows_of(reports, kind, parsed_reports)

    return rows


raw_zoom_attendee_rows = _rows_asset(contracts.RAW_ZOOM_ATTENDEE_ROWS, "attendee", contracts.RAW_ZOOM_REPORTS)
raw_zoom_registrant_rows = _rows_asset(contracts.RAW_ZOOM_REGISTRANT_ROWS, "registration", contracts.RAW_ZOOM_REPORTS)
raw_zoom_chat_rows = _rows_asset(said.RAW_ZOOM_CHAT_ROWS, said.CHAT, said.RAW_ZOOM_ENGAGEMENT_FILES)
raw_zoom_poll_rows = _rows_asset(said.RAW_ZOOM_POLL_ROWS, said.POLL, said.RAW_ZOOM_ENGAGEMENT_FILES)
raw_zoom_question_rows = _rows_asset(said.RAW_ZOOM_QUESTION_ROWS, said.QUESTIONS, said.RAW_ZOOM_ENGAGEMENT_FILES)


@table_asset(
    clean_contracts.ZOOM_REPORTS,
    group=GROUP,
    inputs={"reports": contracts.RAW_ZOOM_REPORTS, **CELLS},
    needs=[CONFIG_VERSIONS.asset_key],
    uses=Uses.NOTHING,
)
def zoom_reports_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Tie each report to its occurrence, and decide which is in force."""
    return zoom_reports(**frames, zone=night.zone, placeholders=night.config.placeholders)


@table_asset(
    clean_contracts.ZOOM_OCCURRENCES,
    group=GROUP,
    inputs={"reports": clean_contracts.ZOOM_REPORTS, "attendee_rows": CELLS["attendee_rows"]},
    uses=Uses.NOTHING,
)
def zoom_occurrences_asset(night: Night, reports: pd.DataFrame, attendee_rows: pd.DataFrame) -> Outcome:
    """Describe each occurrence: profile, category, conductor, bootcamp day."""
    tables = {name: night.config.table(name) for name in CONFIG_READ}
    conductors = night.config.table("conductors")
    return zoom_occurrences(reports, attendee_rows, **tables, conductors_csv=conductors, zone=night.zone)


@table_asset(clean_contracts.LENT_PHONES, group=GROUP, inputs={"leads": LEADS, **EMAILS}, uses=Uses.NOTHING)
def lent_phones_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Find the phones that campaign leads lend to people of Zoom."""
    return lent_phones(**frames, config=night.config)


@table_asset(clean_contracts.ZOOM_REGISTRATIONS, group=GROUP, inputs=REGISTERED, uses=Uses.NOTHING)
def zoom_registrations_asset(night: Night, lent: pd.DataFrame, **frames: Any) -> Outcome:
    """Return who registered, once per occurrence."""
    return zoom_registrations(**frames, **people_beside(night.config, lent.set_index("email")), zone=night.zone)


@table_asset(clean_contracts.ZOOM_ATTENDANCE, group=GROUP, inputs=ATTENDED, uses=Uses.NOTHING)
def zoom_attendance_asset(night: Night, lent: pd.DataFrame, **frames: Any) -> Outcome:
    """Return who came, and for how long, once per occurrence."""
    return zoom_attendance(**frames, **people_beside(night.config, lent.set_index("email")))


@table_asset(clean_contracts.ZOOM_SEGMENTS, group=GROUP, inputs=ROWS, uses=Uses.NOTHING)
def zoom_segments_asset(night: Night, lent: pd.DataFrame, **frames: Any) -> Outcome:
    """Return each time somebody was in."""
    return zoom_segments(**frames, **people_beside(night.config, lent.set_index("email")))


@table_asset(clean_contracts.ZOOM_CONTRADICTIONS, group=GROUP, inputs=ROWS, uses=Uses.NOTHING)
def zoom_contradictions_asset(night: Night, lent: pd.DataFrame, **frames: Any) -> Outcome:
    """List for a person what a later report takes back or says otherwise."""
    return zoom_contradictions(**frames, **people_beside(night.config, lent.set_index("email")), zone=night.zone)


@table_asset(
    clean_contracts.WEBINARS,
    group=GROUP,
    inputs={
        "occurrences": clean_contracts.ZOOM_OCCURRENCES,
        "registrations": clean_contracts.ZOOM_REGISTRATIONS.only("occurrence_id"),
        "attendance": clean_contracts.ZOOM_ATTENDANCE.only("occurrence_id", "attended"),
    },
    uses=Uses.NOTHING,
)
def webinars_asset(night: Night, **frames: pd.DataFrame) -> Outcome:  # noqa: ARG001
    """Count who registered for and attended each occurrence."""
    return webinars(**frames)


@table_asset(
    clean_contracts.BOOTCAMP_PARTICIPATION,
    group=GROUP,
    inputs={
        "attendance": clean_contracts.ZOOM_ATTENDANCE.only(
            *"occurrence_id person_key attended attended_date bootcamp_day".split(), *PHONE, *TRACE
        ),
        "occurrences": clean_contracts.ZOOM_OCCURRENCES,
    },
    uses=Uses.NOTHING,
)
def bootcamp_participation_asset(night: Night, attendance: pd.DataFrame, occurrences: pd.DataFrame) -> Outcome:  # noqa: ARG001
    """Return which days of a bootcamp each person came to."""
    return bootcamp_participation(attendance, occurrences)


@dg.asset(
    key=["files", "zoom_clean_files"],
    group_name=GROUP,
    partitions_def=ANY_NIGHTS,
    deps=[table.asset_key for table in export.INPUTS.values()],
    required_resource_keys={"lake", "sources"},
    metadata=reads(export.INPUTS.values()),
    kinds={"csv"},
    description="One CSV file per occurrence and download name below exports/zoom in FUNNEL_HOME, for people who work "
    "with files. Written only where its bytes change; never an older night over a newer one.",
)
def zoom_clean_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
    """Write the clean files of the night."""
    night = night_of(context)

    def make() -> list[CleanFile]:
        profiles = night.config.table("zoom_profiles")
        return clean_files(**frames_of(context, export.INPUTS, night), zoom_profiles=profiles, zone=night.zone)

    def write() -> export.Written:
        made_of = key_of_files(night, context.resources.lake.lake, export.INPUTS)
        return export.write_clean_files(export.default_folder(night.sources.settings), make, night.day, made_of=made_of)

    return dg.MaterializeResult(metadata=_shown(run_body(context, write)))


def _shown(done: export.Written) -> dict[str, Any]:
    """Return what Dagster shows of the clean files."""
    counts = {"written": done.written, "unchanged": done.unchanged, "removed": done.removed}
    newer = {"newer_night_stays": done.newer.isoformat()} if done.newer else {}
    return {**counts, **newer, "files_by_profile": dg.MetadataValue.json(done.by_profile)}


def file_states(night: Night, lake: Lake) -> pd.DataFrame:
    """Return what became of each Zoom report, for `ops.files`: file_id, status, occurrence_id, warnings, why."""
    attendance = clean_contracts.ZOOM_ATTENDANCE.only("occurrence_id", "attended", "phone")
    tables = (clean_contracts.ZOOM_REPORTS, clean_contracts.WEBINARS, attendance)
    used = event_warnings.file_states(*(lake.read(table, night.day) for table in tables))
    gone = withdrawn(night.sources.landing)
    left_out = [file_id for file_id in gone if file_id not in set(used["file_id"])]
    whys = {"status": "withdrawn", "why": [gone[file_id].why for file_id in left_out]}
    return pd.concat(
        [used.assign(why=None), pd.DataFrame({"file_id": left_out, **whys}, dtype="str")], ignore_index=True
    )
