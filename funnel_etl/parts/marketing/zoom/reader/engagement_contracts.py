"""The tables of what Zoom's chats, polls and questions say, as it came. Declarations only."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.parts.marketing.zoom.reader.chat_words import AUDIENCES, HOSTS, KINDS

CHAT, POLL, QUESTIONS, ATTENDANCE = "chat", "poll", "questions", "attendance"
REPORTS = (CHAT, POLL, QUESTIONS, ATTENDANCE)

RAW_ZOOM_ENGAGEMENT_FILES = Table(
    "raw",
    "zoom_engagement_files",
    "One row per chat, poll or question report file, and per attendance that names no webinar",
    ("file_id",),
    (
        Column("file_id", Kind.TEXT, "SHA-256 of the landed file; see ops.files.", required=True),
        Column("name", Kind.TEXT, "Name under which the file was dropped."),
        Column("received_at", Kind.TIMESTAMP, "When the file arrived."),
        Column("bytes", Kind.INTEGER, "Size of the file."),
        Column("folder", Kind.TEXT, "Sub-folder of the drop folder it lay in; NULL in the folder itself."),
        Column("report", Kind.TEXT, "What it is, by its content.", required=True, values=REPORTS),
        Column("form", Kind.TEXT, "Form of it: V1 … V12 or D1 of a chat, P1 … P4 of a poll, Q1, D2.", required=True),
        Column("webinar_id", Kind.TEXT, "Webinar id in its head, digits only; chats have none."),
        Column("topic", Kind.TEXT, "Topic in its head, white space collapsed."),
        Column("started_at", Kind.TIMESTAMP, "Actual start in its head."),
        Column("generated_at", Kind.TIMESTAMP, "When Zoom made the report; of several the latest is in force."),
        Column("first_day", Kind.DATE, "First day that a stamp of a chat names."),
        Column("private_count", Kind.INTEGER, "Private messages in the file: they are not kept.", required=True),
        Column("notes", Kind.JSON, "What a person should know about the file, as a list.", required=True),
    ),
    note="Times are local to the project's zone, but where the header of a poll names another.",
)

RAW_ZOOM_CHAT_ROWS = Table(
    "raw",
    "zoom_chat_rows",
    "One row per message of a saved chat that is not private, and per line before its first header",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("row_problem", Kind.TEXT, "Why the line cannot be used; NULL when it can.", values=("no_header",)),
        Column("position", Kind.INTEGER, "Place among all messages of the file, from 0; -1: no message.", True),
        Column("stamp_day", Kind.DATE, "Day of the stamp, where the form has one."),
        Column("stamp_seconds", Kind.INTEGER, "Seconds of the day, or since the recording began, as stamped."),
        Column("sender_name", Kind.TEXT, "Name shown, white space collapsed.", personal=True),
        Column("email", Kind.TEXT, "E-mail, where the file has one.", personal=True),
        Column("audience", Kind.TEXT, "Who could read it.", values=AUDIENCES),
        Column("recipient_name", Kind.TEXT, "Name of who is addressed beside the hosts.", personal=True),
        Column("is_host_side", Kind.BOOLEAN, f"Whether it is to one person and the {HOSTS}: only a host writes so."),
        Column("kind", Kind.TEXT, "What it is.", values=KINDS),
        Column("text", Kind.TEXT, "What it says, without a quoted message; at most 10,000 characters.", personal=True),
        Column("about", Kind.TEXT, "Beginning of the message that a reply or reaction is about.", personal=True),
        Column("emoji", Kind.TEXT, "Sign of a reaction."),
        Column("is_marked_question", Kind.BOOLEAN, "Whether the file says that it is a question; most say nothing."),
    ),
    note="Private messages are in the landed file alone.",
    lake_only=True,
)

RAW_ZOOM_POLL_ROWS = Table(
    "raw",
    "zoom_poll_rows",
    "One row per answer of a person to a question of a poll",
    ("file_id", "source_row", "position"),
    (
        *TRACE_COLUMNS,
        Column("position", Kind.INTEGER, "Which answer of its line, from 0.", required=True),
        Column("row_problem", Kind.TEXT, "Why the record cannot be used.", values=("too_few_fields",)),
        Column("poll", Kind.TEXT, "Name of the poll, where the report has one, else its number in the report."),
        Column("question", Kind.TEXT, "Question, white space collapsed."),
        Column("answer", Kind.TEXT, "Answer as it came; several are joined by a semicolon.", personal=True),
        Column("user_name", Kind.TEXT, "Name shown.", personal=True),
        Column("email", Kind.TEXT, "E-mail, as it came.", personal=True),
        Column("answered_at", Kind.TIMESTAMP, "When it was submitted, in the zone its header names."),
    ),
    lake_only=True,
)

RAW_ZOOM_QUESTION_ROWS = Table(
    "raw",
    "zoom_question_rows",
    "One row per question of a question report",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("row_problem", Kind.TEXT, "Why the record cannot be used.", values=("too_few_fields",)),
        Column("question", Kind.TEXT, "Question, as it came.", personal=True),
        Column("asker_name", Kind.TEXT, "Name of who asked.", personal=True),
        Column("email", Kind.TEXT, "E-mail, as it came.", personal=True),
        Column("is_anonymous", Kind.BOOLEAN, "Whether it was asked without a name."),
        Column("asked_at", Kind.TIMESTAMP, "When it was asked, where the report says so."),
        Column("answer", Kind.TEXT, "Answer, without the name of who gave it.", personal=True),
        Column("answered_by", Kind.TEXT, "Who answered.", personal=True),
        Column("is_live_answer", Kind.BOOLEAN, "Whether it was answered aloud."),
    ),
    lake_only=True,
)

ENGAGEMENT_TABLES = (
    RAW_ZOOM_ENGAGEMENT_FILES,
    RAW_ZOOM_CHAT_ROWS,
    RAW_ZOOM_POLL_ROWS,
    RAW_ZOOM_QUESTION_ROWS,
)
