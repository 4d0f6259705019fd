"""Contracts of the clean Zoom tables. The raw ones are in `contracts`."""

from funnel_etl.core.reading.common_columns import PHONE_COLUMNS, TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.parts.marketing.zoom.clean.conductors import SOURCES
from funnel_etl.parts.marketing.zoom.clean.contradictions import COLUMNS as CONTRADICTED
from funnel_etl.parts.marketing.zoom.clean.occurrences import SOURCE_TAGS
from funnel_etl.parts.marketing.zoom.clean.people import LEAD, REGISTRATION, REPORT, ROW
from funnel_etl.parts.marketing.zoom.clean.registrations import ATTENDEE_REPORT, REGISTRATION_REPORT
from funnel_etl.parts.marketing.zoom.clean.topics import DAYS

OCCURRENCE_ID = Column(
    "occurrence_id",
    Kind.TEXT,
    "Webinar id and start to the minute: <webinar id>-YYYYMMDDTHHMM.",
    required=True,
)
WEBINAR_ID = Column(
    "webinar_id", Kind.TEXT, "Zoom's id of the webinar, digits only; a recurring one keeps it.", required=True
)
PERSON_KEY = Column(
    "person_key",
    Kind.TEXT,
    "Who it is: the phone; without one email:<e-mail>; without either row:<file_id>:<line>.",
    required=True,
    personal=True,
)
TOPIC = Column("topic", Kind.TEXT, "Topic of the webinar, as the report has it.")
DURATION = Column(
    "duration_minutes", Kind.INTEGER, "Duration by the report's summary, in minutes (actual, else scheduled)."
)
SOURCE_TAG = Column(
    "source_tag",
    Kind.TEXT,
    "Kind of event by its profile; without one Bootcamp if the topic has that word, else Webinar.",
    required=True,
    values=SOURCE_TAGS,
)
FUNNEL = Column(
    "funnel",
    Kind.TEXT,
    "The funnel of funnels.csv with the name of the source tag; else Other Sources (Miscellaneous).",
    required=True,
)
CATEGORY = Column(
    "category", Kind.TEXT, "Category by override, fixed by the profile, or by the longest token in the topic."
)
CONDUCTOR = Column("conductor", Kind.TEXT, "Who conducted, in the spelling of conductors.csv where listed there.")
BOOTCAMP_DAY = Column("bootcamp_day", Kind.TEXT, "Day of the bootcamp; NULL for other events.", values=DAYS)
NAMES = (
    Column(
        "user_name",
        Kind.TEXT,
        "Name shown in the session; proper-cased only if all lower or all upper.",
        personal=True,
    ),
    Column("first_name", Kind.TEXT, "First name as registered, likewise.", personal=True),
    Column("last_name", Kind.TEXT, "Last name as registered, likewise.", personal=True),
    Column("email", Kind.TEXT, "E-mail, trimmed and lower-cased; NULL when it is no address.", personal=True),
)
PHONE_SOURCE = Column(
    "phone_source",
    Kind.TEXT,
    "The phone is of the person's own row; of their e-mail elsewhere in the report, in the registration report, or "
    "among the campaign leads (phone_by_email of metrics.csv).",
    values=(ROW, REPORT, REGISTRATION, LEAD),
)
REGISTRATION_COLUMNS = (
    Column("registered_at", Kind.TIMESTAMP, "When the person registered; NULL where the report does not say."),
    Column("approval_status", Kind.TEXT, "Status of the registration, in Zoom's English words."),
    Column("registration_source", Kind.TEXT, "Where the registration came from, by Zoom's source tracking."),
    Column("attendance_type", Kind.TEXT, "How the person attends, as the report has it."),
)
OCCURRENCE_COLUMNS = (
    OCCURRENCE_ID,
    WEBINAR_ID,
    Column(
        "started_at",
        Kind.TIMESTAMP,
        "Actual start; the scheduled one while no attendee report has come.",
        required=True,
    ),
    Column("event_date", Kind.DATE, "Business day of the start.", required=True),
    TOPIC,
    DURATION,
    SOURCE_TAG,
    Column("profile", Kind.TEXT, "Profile of zoom_profiles.csv: by override, sub-folder, or topic."),
    Column(
        "profile_source",
        Kind.TEXT,
        "What the profile was found by; topic_tie: another one fits the topic as well, the first is taken.",
        values=("override", "folder", "topic", "topic_tie"),
    ),
    Column(
        "registered_profile", Kind.TEXT, "Profile of the registration report; that of a dual event is in both columns."
    ),
    Column("product", Kind.TEXT, "Product of the profile."),
    CATEGORY,
    Column(
        "category_source",
        Kind.TEXT,
        "What the category was found by; topic_tie: equally long tokens of several categories, the first is taken.",
        values=("override", "profile", "topic", "topic_tie"),
    ),
    CONDUCTOR,
    Column("conductor_source", Kind.TEXT, "What the conductor was found by.", values=SOURCES),
    BOOTCAMP_DAY,
    Column(
        "day_source",
        Kind.TEXT,
        "What the bootcamp day was found by; default: nothing said it.",
        values=("override", "topic", "weekday", "default"),
    ),
    FUNNEL,
    Column("has_registration_report", Kind.BOOLEAN, "Whether a registration report has come.", required=True),
    Column("has_attendee_report", Kind.BOOLEAN, "Whether an attendee report has come.", required=True),
)

ZOOM_REPORTS = Table(
    "clean",
    "zoom_reports",
    "One row per Zoom report",
    ("file_id",),
    (
        *TRACE_COLUMNS,
        Column("name", Kind.TEXT, "File name under which it arrived."),
        Column("received_at", Kind.TIMESTAMP, "When it arrived."),
        Column("report", Kind.TEXT, "Which report it is.", required=True, values=("attendee", "registration")),
        OCCURRENCE_ID,
        WEBINAR_ID,
        TOPIC,
        DURATION,
        Column("profile", Kind.TEXT, "Sub-folder of the drop folder it arrived in."),
        Column("generated_at", Kind.TIMESTAMP, "When Zoom made the report."),
        Column("started_at", Kind.TIMESTAMP, "Actual start, of attendee reports."),
        Column("scheduled_at", Kind.TIMESTAMP, "Scheduled start, of registration reports."),
        Column("in_force", Kind.BOOLEAN, "Whether it is the one its occurrence goes by.", required=True),
        Column(
            "status",
            Kind.TEXT,
            "superseded: by a later one (people only in it stay); subset: only lacks people; duplicate: says the same.",
            required=True,
            values=("in_force", "superseded", "subset", "duplicate"),
        ),
        Column("superseded_by", Kind.TEXT, "file_id of the report that is in force instead."),
        Column(
            "precedence",
            Kind.INTEGER,
            "1 is in force; a person is taken from the lowest that has them; NULL: not used.",
        ),
        Column("notes", Kind.JSON, "What was noticed when the report was read, and phones that many share, as a list."),
    ),
    note="Of several reports of an occurrence the latest generated is in force, whatever the order of arrival.",
)

ZOOM_OCCURRENCES = Table(
    "clean",
    "zoom_occurrences",
    "One row per occurrence",
    ("occurrence_id",),
    (*TRACE_COLUMNS, *OCCURRENCE_COLUMNS),
    note="What follows from topic, start and configuration; file_id is the report it comes from.",
)

WEBINARS = Table(
    "clean",
    "webinars",
    "One row per occurrence",
    ("occurrence_id",),
    (
        *TRACE_COLUMNS,
        *OCCURRENCE_COLUMNS,
        Column("registered_count", Kind.INTEGER, "People who registered.", required=True),
        Column("attended_count", Kind.INTEGER, "People who attended.", required=True),
    ),
)

ZOOM_REGISTRATIONS = Table(
    "clean",
    "zoom_registrations",
    "One row per person and occurrence registered for",
    ("occurrence_id", "person_key"),
    (
        *TRACE_COLUMNS,
        OCCURRENCE_ID,
        WEBINAR_ID,
        PERSON_KEY,
        *NAMES,
        *PHONE_COLUMNS,
        PHONE_SOURCE,
        *REGISTRATION_COLUMNS,
        Column("registered_date", Kind.DATE, "Business day of the registration."),
        SOURCE_TAG,
        FUNNEL,
        Column(
            "registration_from",
            Kind.TEXT,
            "Registration report; where none has come, the attendee report.",
            required=True,
            values=(REGISTRATION_REPORT, ATTENDEE_REPORT),
        ),
    ),
    note="Of several registrations of a person the earliest approved stays, else the earliest.",
)

ZOOM_ATTENDANCE = Table(
    "clean",
    "zoom_attendance",
    "One row per person and occurrence in its attendee reports, no-shows too",
    ("occurrence_id", "person_key"),
    (
        *TRACE_COLUMNS,
        OCCURRENCE_ID,
        WEBINAR_ID,
        PERSON_KEY,
        Column("attended", Kind.BOOLEAN, "Whether the person attended.", required=True),
        *NAMES,
        *PHONE_COLUMNS,
        PHONE_SOURCE,
        *REGISTRATION_COLUMNS,
        Column("joined_at", Kind.TIMESTAMP, "Earliest join; NULL for no-shows and where no join can be used."),
        Column("left_at", Kind.TIMESTAMP, "Latest leave, likewise."),
        Column(
            "minutes_max",
            Kind.INTEGER,
            "Longest segment by the report's minutes (the old tool's); no-shows 0.",
        ),
        Column("minutes_sum", Kind.INTEGER, "Sum of the report's minutes: two devices count twice; no-shows 0."),
        Column(
            "minutes_union",
            Kind.INTEGER,
            "Minutes present, overlaps once, rounded up; NULL: times unknown; no-shows 0.",
        ),
        Column("segment_count", Kind.INTEGER, "Segments in clean.zoom_segments.", required=True),
        Column("is_guest", Kind.BOOLEAN, "Whether Zoom calls the person a guest."),
        Column("country", Kind.TEXT, "Country or region, as the report has it."),
        SOURCE_TAG,
        CATEGORY,
        CONDUCTOR,
        BOOTCAMP_DAY,
        FUNNEL,
        Column("attended_date", Kind.DATE, "Business day of the occurrence; NULL when not attended."),
        Column(
            "decided_by",
            Kind.JSON,
            "How it was decided: who it is, phone, presence, minutes, from how many rows; category, conductor, day.",
            required=True,
        ),
    ),
    note="Without hosts, panelists, staff and bots; file_id and source_row are of the person's first row.",
)

ZOOM_SEGMENTS = Table(
    "clean",
    "zoom_segments",
    "One row per join segment",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        OCCURRENCE_ID,
        PERSON_KEY,
        Column("joined_at", Kind.TIMESTAMP, "Join.", required=True),
        Column("left_at", Kind.TIMESTAMP, "Leave.", required=True),
        Column("minutes", Kind.INTEGER, "Minutes by the report; NULL where unreadable."),
    ),
    note="Segments of one person overlap when two devices were used.",
)

BOOTCAMP_PARTICIPATION = Table(
    "clean",
    "bootcamp_participation",
    "One row per person and bootcamp attended",
    ("bootcamp_id", "person_key"),
    (
        *TRACE_COLUMNS,
        Column("bootcamp_id", Kind.TEXT, "Topic without its day, and the date of the first day.", required=True),
        PERSON_KEY,
        *PHONE_COLUMNS,
        Column("bootcamp_days", Kind.TEXT, "Days the person attended.", required=True, values=DAYS),
    ),
    note="Days of one bootcamp are at most three days apart; file_id and source_row: the first attendance.",
)

ZOOM_CONTRADICTIONS = Table(
    "ops",
    "zoom_contradictions",
    "One row per occurrence, person and column on which a later report contradicts an earlier one",
    ("occurrence_id", "person_key", "column_name", "later_file_id"),
    (
        OCCURRENCE_ID,
        PERSON_KEY,
        Column("column_name", Kind.TEXT, "What they contradict each other in.", required=True, values=CONTRADICTED),
        Column("earlier_value", Kind.TEXT, "What the report generated earlier says.", required=True, personal=True),
        Column("later_value", Kind.TEXT, "What the report generated later says.", required=True, personal=True),
        Column("earlier_file_id", Kind.TEXT, "Report generated earlier; see clean.zoom_reports.", required=True),
        Column("earlier_source_row", Kind.INTEGER, "Line of it that says so.", required=True),
        Column("later_file_id", Kind.TEXT, "Report generated later.", required=True),
        Column("later_source_row", Kind.INTEGER, "Line of it that says so.", required=True),
    ),
    note="For a person to look at. Between reports of one kind the later generated is in force; between attendee and "
    "registration report each table keeps its own. Missing cells, grown presence and other spellings are none.",
)

LENT_PHONES = Table(
    "clean",
    "lent_phones",
    "One row per e-mail of a Zoom report under which campaign leads have a phone",
    ("email",),
    (
        *TRACE_COLUMNS,
        Column("email", Kind.TEXT, "E-mail as it stands in reports and leads, in lower case.", True, personal=True),
        *PHONE_COLUMNS,
        Column(
            "has_several_lead_phones",
            Kind.BOOLEAN,
            "Whether the leads have several phones under it: then none is lent.",
            required=True,
        ),
    ),
    note="The phone of the earliest such lead, whose line it is. No row while phone_by_email of metrics.csv is off.",
)

CLEAN_TABLES = (
    LENT_PHONES,
    ZOOM_REPORTS,
    ZOOM_OCCURRENCES,
    WEBINARS,
    ZOOM_REGISTRATIONS,
    ZOOM_ATTENDANCE,
    ZOOM_SEGMENTS,
    BOOTCAMP_PARTICIPATION,
    ZOOM_CONTRADICTIONS,
)
