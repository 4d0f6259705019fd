"""Contracts of the tables that say what is complete and what is missing. Declarations only."""

from funnel_etl.catalog import SOURCES
from funnel_etl.core.roles import WHO
from funnel_etl.core.tables.contracts import Column, Kind, Table

ZOOM, CONFIG = "zoom", "config"
WATCHED = (*SOURCES, ZOOM, CONFIG)
"""Every source that is watched; `zoom` stands for attendee reports."""

COMPLETE, QUIET, LATE, MISSING, FAILED = "complete", "quiet", "late", "missing", "failed"
STATUSES = {
    COMPLETE: "the data reach through the night's day",
    QUIET: "taken in after the day ended, without a row of that day, which is usual for this source",
    LATE: "taken in after the day ended, but without rows for longer than is usual for this source",
    MISSING: "nothing of it was ever taken in, or, of Zoom, reports that should be there are not",
    FAILED: "the night could not take it in; the data are of an earlier night",
}

COMPLETENESS = Table(
    "ops",
    "completeness",
    "One row per source",
    ("source",),
    (
        Column("source", Kind.TEXT, "Source; zoom: its attendee reports.", required=True, values=WATCHED),
        Column("as_of", Kind.DATE, "Night that was looked at.", required=True),
        Column(
            "complete_through",
            Kind.DATE,
            "Latest business day that was over when the newest good table was made, and of which it has rows (config: "
            "latest night that no rejected edit stood in the way of); NULL: there is none.",
        ),
        Column("last_received_at", Kind.TIMESTAMP, "When the newest file that was taken in came."),
        Column(
            "status",
            Kind.TEXT,
            "; ".join(f"{name}: {meaning}" for name, meaning in STATUSES.items()) + ".",
            required=True,
            values=tuple(STATUSES),
        ),
        Column("why", Kind.TEXT, "What the status rests on, in plain words.", required=True),
        Column("what_to_do", Kind.TEXT, "What a person should do now.", required=True),
        Column("who_does_it", Kind.TEXT, "Who does it; NULL: there is nothing to do.", values=WHO),
        Column(
            "usual_gap_days",
            Kind.INTEGER,
            "Days from one day with rows to the next, in nine cases of ten, over the 60 days up to as_of; NULL: too "
            "few days with rows.",
        ),
    ),
    note="Judged from the data after every night, whatever the night gave; not from when a run ended. ops.nights (part "
    "watch) has when it was said.",
)

UNATTENDED, WEEKLY = "no_attendee_report", "expected_weekly"

MISSING_EXPORTS = Table(
    "ops",
    "missing_exports",
    "One row per Zoom report that should be there and is not",
    ("export_id",),
    (
        Column("export_id", Kind.TEXT, "Names the missing report: the same one is the same row.", required=True),
        Column(
            "reason",
            Kind.TEXT,
            f"{UNATTENDED}: people registered for the occurrence, and no attendee report came; "
            f"{WEEKLY}: expected_exports.csv expects it on that weekday, and none came of that day.",
            required=True,
            values=(UNATTENDED, WEEKLY),
        ),
        Column("occurrence_id", Kind.TEXT, "Occurrence whose report is missing; NULL where nothing of it came."),
        Column("webinar_id", Kind.TEXT, "Its webinar id, digits only."),
        Column("topic", Kind.TEXT, "Its topic."),
        Column("profile", Kind.TEXT, "Profile of zoom_profiles.csv the report is of."),
        Column("expected_date", Kind.DATE, "Business day of the webinar.", required=True),
        Column("report", Kind.TEXT, "Which report is missing.", required=True, values=("attendee", "registration")),
        Column(
            "age_hours",
            Kind.INTEGER,
            "Whole hours from the start of the occurrence (of an expected one: from the end of its day) to the end of "
            "as_of.",
            required=True,
        ),
        Column("as_of", Kind.DATE, "Night that was looked at.", required=True),
        Column("what_to_do", Kind.TEXT, "What a person should do.", required=True),
        Column("who_does_it", Kind.TEXT, "Who does it.", required=True, values=WHO),
    ),
    note="A report that comes late closes its row by itself; so does its age, after 60 days.",
)

TABLES = (COMPLETENESS, MISSING_EXPORTS)
