"""The tables of Zoom: what arrived (`raw`), then what it means (`clean`). Declarations only."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table

# ---------------------------------------------------------------- raw: what arrived

RAW_ZOOM_REPORTS = Table(
    "raw",
    "zoom_reports",
    "One row per Zoom report file",
    ("file_id",),
    (
        Column("file_id", Kind.TEXT, "SHA-256 of the landed file; see ops.files.", required=True),
        Column("name", Kind.TEXT, "Name under which the file was dropped."),
        Column("received_at", Kind.TIMESTAMP, "When the file arrived."),
        Column("bytes", Kind.INTEGER, "Size of the file."),
        Column("profile", Kind.TEXT, "Sub-folder of the drop folder it lay in; NULL in the folder itself."),
        Column(
            "report",
            Kind.TEXT,
            "Which report it is, by its first line and the columns of its sections.",
            required=True,
            values=("attendee", "registration"),
        ),
        Column("topic", Kind.TEXT, "Topic of the webinar, white space collapsed."),
        Column("webinar_id", Kind.TEXT, "Webinar id, digits only.", required=True),
        Column("generated_at", Kind.TIMESTAMP, "When Zoom made the report; the latest is in force."),
        Column("started_at", Kind.TIMESTAMP, "Actual start, in attendee reports only."),
        Column("scheduled_at", Kind.TIMESTAMP, "Scheduled start, in registration reports only."),
        Column("duration_minutes", Kind.INTEGER, "Duration (actual or planned) as the summary says."),
        Column("registered_count", Kind.INTEGER, "Registered people as the summary says."),
        Column("cancelled_count", Kind.INTEGER, "Cancelled registrations as the summary says."),
        Column("unique_viewers", Kind.INTEGER, "People who came, without staff, as the summary says."),
        Column(
            "total_users",
            Kind.INTEGER,
            "Host, panelist and attended attendee rows, re-joins included, as the summary says.",
        ),
        Column(
            "date_order",
            Kind.TEXT,
            "Order of day and month where the file's dates are numbers (decision 10), else their spelling.",
            values=("iso", "named", "day_first", "month_first", "same"),
        ),
        Column("layout", Kind.TEXT, "Language of the headers (en, pt, es).", required=True),
        Column("notes", Kind.JSON, "What a person should know about the file, as a list.", required=True),
    ),
    note="Times are read in the zone that their header names, else in the project's.",
)

_ROW_COLUMNS = (
    Column(
        "row_problem",
        Kind.TEXT,
        "Why the record cannot be used; NULL when it can.",
        values=("too_few_fields", "too_many_fields", "unknown_header"),
    ),
    Column(
        "attended",
        Kind.BOOLEAN,
        "Yes or No in any language; without that column, whether there is a join time.",
    ),
    Column("user_name", Kind.TEXT, "Display name, as it came.", personal=True),
    Column("first_name", Kind.TEXT, "First name, as it came.", personal=True),
    Column("last_name", Kind.TEXT, "Last name, as it came.", personal=True),
    Column("email", Kind.TEXT, "E-mail, as it came.", personal=True),
    Column(
        "phone",
        Kind.TEXT,
        "The person's own phone as typed: of its column and the questions that ask for one, the first usable.",
        personal=True,
    ),
    Column("registered_at", Kind.TIMESTAMP, "Registration time; NULL on re-join rows, or where unreadable."),
    Column("joined_at", Kind.TIMESTAMP, "Join time of this segment; NULL for no-shows, or where unreadable."),
    Column("left_at", Kind.TIMESTAMP, "Leave time of this segment; NULL for no-shows, or where unreadable."),
    Column("minutes", Kind.INTEGER, "Time in session: the seconds of this segment, rounded up to minutes."),
    Column("approval_status", Kind.TEXT, "Approval status by its English words; an unknown one as it came."),
    Column("registration_source", Kind.TEXT, "Registration source, as it came."),
    Column("attendance_type", Kind.TEXT, "Attendance type, as it came."),
    Column("source_name", Kind.TEXT, "Name of the tracked registration link, as it came."),
    Column("is_guest", Kind.BOOLEAN, "Whether the person is outside the Zoom account."),
    Column("country", Kind.TEXT, "Country or region of the connection, as it came."),
    Column("cell_warnings", Kind.INTEGER, "Dates and minutes that could not be read.", required=True),
    Column("is_test_lead", Kind.BOOLEAN, "Whether it holds what Meta or Google fill in to test a form.", required=True),
    Column("questions", Kind.JSON, "Answers to the form's questions.", required=True, personal=True),
    Column("row", Kind.JSON, "The whole record as it came, header to text.", required=True, personal=True),
)

RAW_ZOOM_ATTENDEE_ROWS = Table(
    "raw",
    "zoom_attendee_rows",
    "One row per record of a Zoom attendee report",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column(
            "section",
            Kind.TEXT,
            "Section of the report; `other` is people who came without registration.",
            required=True,
            values=("host", "panelist", "attendee", "other"),
        ),
        *_ROW_COLUMNS,
        Column("attendance_pct", Kind.NUMBER, "Share of the session they were in, where the file says it (Demio)."),
        Column("focus_pct", Kind.NUMBER, "Share of it in which they looked at it; Zoom has not said that since 2020."),
    ),
    note="A person who left and came back has several records; no-shows are here too.",
)

RAW_ZOOM_REGISTRANT_ROWS = Table(
    "raw",
    "zoom_registrant_rows",
    "One row per record of a Zoom registration report",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("section", Kind.TEXT, "Section of the report.", required=True, values=("registrant",)),
        *_ROW_COLUMNS,
    ),
    note="Columns that only attendee reports have are NULL.",
)

DOCUMENTS = ("questions", "row")
"""Columns that hold much, and that few need."""
RAW_TABLES = (RAW_ZOOM_REPORTS, RAW_ZOOM_ATTENDEE_ROWS, RAW_ZOOM_REGISTRANT_ROWS)
