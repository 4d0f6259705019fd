"""The tables of what was said in webinars, and by whom. Declarations only. Score and drafts: `score/`, `drafts/`."""

from funnel_etl.core.reading.common_columns import PHONE_COLUMNS, TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.parts.marketing.zoom.clean.contracts import OCCURRENCE_ID, WEBINAR_ID
from funnel_etl.parts.marketing.zoom.reader.chat_words import AUDIENCES, KINDS
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import REPORTS

TIED, WAITS = "tied", "waits"
BY = ("chat_files", "report", "name", "recording", "stamps", "clock")
WALL, RELATIVE, NO_CLOCK = "wall", "relative", "unknown"
EXACT, MEDIUM, NONE = "exact", "medium", "none"
MATCHED_BY = (
    "decided", "email", "staff", "phone_in_name", "exact_name", "exact_name_and_time", "name_variant", "weak_name",
    "ambiguous", "absent_then", "device_name", "anonymous", "unmatched",
)  # fmt: skip
CREDITED_BY = {
    "decided": EXACT, "email": EXACT, "phone_in_name": EXACT, "exact_name": EXACT, "exact_name_and_time": EXACT,
    "name_variant": MEDIUM, "weak_name": MEDIUM,
}  # fmt: skip
"""How a name is matched → how sure that is. All other ways credit nobody."""

PERSON_KEY = Column(
    "person_key",
    Kind.TEXT,
    "Who it is: the key of clean.zoom_attendance; a further person of the same phone has |<name> behind it.",
    personal=True,
)
OWNER = Column("owner", Kind.TEXT, "Role that the webinar belongs to (engagement_owners.csv); NULL: nobody's.")
_MATCH = (
    PERSON_KEY,
    Column("matched_by", Kind.TEXT, "How the name was matched.", required=True, values=MATCHED_BY),
    Column("match_confidence", Kind.TEXT, "How sure that is.", required=True, values=(EXACT, MEDIUM, NONE)),
)

ENGAGEMENT_PEOPLE = Table(
    "clean",
    "engagement_people",
    "One row per person of an occurrence as its attendee report names them",
    ("occurrence_id", "person_key"),
    (
        *TRACE_COLUMNS,
        OCCURRENCE_ID,
        Column("person_key", Kind.TEXT, PERSON_KEY.description, required=True, personal=True),
        Column("zoom_person_key", Kind.TEXT, "Key in clean.zoom_attendance.", required=True, personal=True),
        Column("display_name", Kind.TEXT, "Name as registered, else as shown.", personal=True),
        Column(
            "first_name", Kind.TEXT, "First name as registered, else the first word of the shown one.", personal=True
        ),
        Column("names", Kind.JSON, "All names of the person: shown, original, registered.", True, personal=True),
        Column("email", Kind.TEXT, "E-mail, trimmed and lower-cased.", personal=True),
        *PHONE_COLUMNS,
        Column("attended", Kind.BOOLEAN, "Whether the person attended.", required=True),
        Column("minutes_union", Kind.INTEGER, "Minutes present, overlaps once, rounded up; NULL: times unknown."),
        Column("attendance_pct", Kind.NUMBER, "Percent of the session, where the file says it (Demio)."),
        Column("focus_pct", Kind.NUMBER, "Percent of it in which the person looked at it, likewise; Zoom says none."),
        Column("presence", Kind.JSON, "When the person was in: [from, to] in seconds since 1970.", required=True),
    ),
    note="Two of a family with one phone are two here, where their names are different ones. The key of a person "
    "until customers have ids of their own.",
)

ENGAGEMENT_STAFF = Table(
    "clean",
    "engagement_staff",
    "One row per occurrence and name of a host or panelist",
    ("occurrence_id", "name_key"),
    (
        *TRACE_COLUMNS,
        OCCURRENCE_ID,
        Column("name_key", Kind.TEXT, "Name, case and blanks apart.", required=True, personal=True),
    ),
    note="Whoever has such a name in a chat is credited to nobody.",
)

ENGAGEMENT_FILES = Table(
    "ops",
    "engagement_files",
    "One row per chat, poll or question report file",
    ("file_id",),
    (
        Column("file_id", Kind.TEXT, "SHA-256 of the landed file; see ops.files.", required=True),
        Column("name", Kind.TEXT, "Name under which it was dropped."),
        Column("report", Kind.TEXT, "What it is.", required=True, values=REPORTS),
        Column("form", Kind.TEXT, "Form of it.", required=True),
        Column("occurrence_id", Kind.TEXT, "Occurrence it belongs to; NULL while it waits."),
        Column("state", Kind.TEXT, "waits: a person says in chat_files.csv.", required=True, values=(TIED, WAITS)),
        Column("tied_by", Kind.TEXT, "What it was tied by.", values=BY),
        Column("why", Kind.TEXT, "Why it waits, and what to do."),
        Column(
            "clock",
            Kind.TEXT,
            "What the stamps of a chat are: a clock, or since the recording began.",
            values=(WALL, RELATIVE, NO_CLOCK),
        ),
        Column("rows_count", Kind.INTEGER, "Messages, answers or questions in it that are not private.", required=True),
        Column("private_count", Kind.INTEGER, "Private messages in it.", required=True),
    ),
    note="Never guessed: a file that fits none or several occurrences waits, and is on the work-list.",
)

CHAT_MESSAGES = Table(
    "clean",
    "chat_messages",
    "One row per message of a chat that everybody or the hosts could read",
    ("message_id",),
    (
        Column("message_id", Kind.TEXT, "Hash of occurrence, sender, text, minute, and which of several.", True),
        OCCURRENCE_ID,
        Column("position", Kind.INTEGER, "Place in the chat, from 1: the order of the file.", required=True),
        Column("sent_at", Kind.TIMESTAMP, "When, by the sender's clock; NULL where the clock is not known."),
        Column("sender_name", Kind.TEXT, "Name shown.", personal=True),
        Column("audience", Kind.TEXT, "Who could read it; private: to a host.", required=True, values=AUDIENCES),
        Column("kind", Kind.TEXT, "What it is.", required=True, values=KINDS),
        Column("text", Kind.TEXT, "What it says; NULL when it is older than is kept.", personal=True),
        Column("text_hash", Kind.TEXT, "Equal for equal texts, case and blanks apart.", required=True),
        Column("is_question", Kind.BOOLEAN, "Whether it asks something; a private one does not count.", required=True),
        Column("is_noise", Kind.BOOLEAN, "Whether it says nothing (chat_noise.csv, or signs only).", required=True),
        *_MATCH,
        OWNER,
        *TRACE_COLUMNS,
    ),
    note="Private messages between attendees are in the landed file alone. Two files of one chat are one.",
    restricted=True,
)

POLL_ANSWERS = Table(
    "clean",
    "poll_answers",
    "One row per answer to a question of a poll",
    ("file_id", "source_row", "answer_number"),
    (
        OCCURRENCE_ID,
        Column("poll", Kind.TEXT, "Name of the poll, where the report has one."),
        Column("question", Kind.TEXT, "Question.", required=True),
        Column("answer", Kind.TEXT, "Answer as it came; several are joined by a semicolon.", personal=True),
        Column("answered_at", Kind.TIMESTAMP, "When it was submitted."),
        Column("sender_name", Kind.TEXT, "Name shown.", personal=True),
        *_MATCH,
        OWNER,
        *TRACE_COLUMNS,
        Column("answer_number", Kind.INTEGER, "Which answer of its line, from 0.", required=True),
    ),
    restricted=True,
)

QA_QUESTIONS = Table(
    "clean",
    "qa_questions",
    "One row per question of a question report",
    ("file_id", "source_row"),
    (
        OCCURRENCE_ID,
        Column("question", Kind.TEXT, "Question; NULL when it is older than is kept.", personal=True),
        Column("text_hash", Kind.TEXT, "Equal for equal texts, case and blanks apart.", required=True),
        Column("is_anonymous", Kind.BOOLEAN, "Whether it was asked without a name.", required=True),
        Column("asked_at", Kind.TIMESTAMP, "When it was asked."),
        Column("answer", Kind.TEXT, "Answer; NULL when it is older than is kept.", personal=True),
        Column("answered_by", Kind.TEXT, "Who answered.", personal=True),
        Column("is_live_answer", Kind.BOOLEAN, "Whether it was answered aloud.", required=True),
        Column("sender_name", Kind.TEXT, "Name of who asked.", personal=True),
        *_MATCH,
        OWNER,
        *TRACE_COLUMNS,
    ),
    restricted=True,
)

CHAT_UNMATCHED = Table(
    "ops",
    "chat_unmatched",
    "One row per occurrence and name that is credited to nobody",
    ("occurrence_id", "sender_key"),
    (
        OCCURRENCE_ID,
        Column("sender_key", Kind.TEXT, "Name, case and blanks apart.", required=True, personal=True),
        Column("sender_name", Kind.TEXT, "Name as shown first.", personal=True),
        Column("matched_by", Kind.TEXT, "Why nobody is credited.", required=True, values=MATCHED_BY),
        Column("messages", Kind.INTEGER, "Messages, answers and questions under it.", required=True),
        Column("candidates", Kind.JSON, "Keys of persons it might be.", required=True, personal=True),
        Column("config_line", Kind.TEXT, "Line for chat_names.csv, but for the person_key.", personal=True),
        OWNER,
    ),
    note="A line of chat_names.csv says who it is. Names of hosts are not listed.",
    restricted=True,
)

WEBINAR_ENGAGEMENT = Table(
    "mart",
    "webinar_engagement",
    "One row per occurrence of which a chat, poll or question report is there",
    ("occurrence_id",),
    (
        OCCURRENCE_ID,
        WEBINAR_ID,
        Column("has_chat", Kind.BOOLEAN, "Whether a chat is there.", required=True),
        Column("has_questions", Kind.BOOLEAN, "Whether a question report is there.", required=True),
        Column("has_polls", Kind.BOOLEAN, "Whether a poll report is there.", required=True),
        Column("messages", Kind.INTEGER, "Messages and replies that are no host's.", required=True),
        Column("credited", Kind.INTEGER, "How many of them are credited to somebody.", required=True),
        Column("chat_credited_pct", Kind.NUMBER, "Share of them, in percent; NULL where there are none."),
    ),
    note="Under 80 % a warning says so: what is credited to nobody lowers scores.",
)

TABLES = (
    ENGAGEMENT_PEOPLE,
    ENGAGEMENT_STAFF,
    ENGAGEMENT_FILES,
    CHAT_MESSAGES,
    POLL_ANSWERS,
    QA_QUESTIONS,
    CHAT_UNMATCHED,
    WEBINAR_ENGAGEMENT,
)
OF_OCCURRENCES = (ENGAGEMENT_PEOPLE, ENGAGEMENT_STAFF, CHAT_MESSAGES, POLL_ANSWERS, QA_QUESTIONS, WEBINAR_ENGAGEMENT)
"""Tables whose rows follow from those of their occurrence alone, once files are tied."""
