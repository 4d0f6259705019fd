"""Contracts of what people agreed to: statements as they came, typed, and what holds by them. Declarations only."""

from funnel_etl.core.parts import DELIVERY
from funnel_etl.core.reading.common_columns import PHONE_COLUMNS, TRACE_COLUMNS, raw_table
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.source import Part, People
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES

CHANNELS = ("email", "sms", "whatsapp", "rcs")
ALL = "all"
"""A statement on it is one on every channel."""
GRANTED, REFUSED, WITHDRAWN, SUPPRESSED, LIFTED = "granted", "refused", "withdrawn", "suppressed", "lifted"
STATES = (LIFTED, GRANTED, REFUSED, WITHDRAWN, SUPPRESSED)
"""What a statement may say, the least restrictive first."""
UNKNOWN = "unknown"
HOLDING = (GRANTED, REFUSED, WITHDRAWN, SUPPRESSED, UNKNOWN)
"""What may hold for a person on a channel."""
TIMES = {state: f"{state}_at" for state in STATES}
"""State → the column with the newest statement that said so."""

CONSENT_SOURCE = (
    SourceColumn("phone", ("mobile", "phone number"), holds_phones=True),
    SourceColumn("email", ("e-mail", "mail", "email address")),
    SourceColumn("channel", needed=True),
    SourceColumn("state", ("status",), needed=True),
    SourceColumn("stated_at", ("date", "stated at"), needed=True),
    SourceColumn("source"),
)
"""Columns of a dropped file of consents: `channel`, `state`, `stated_at`, and a phone or an e-mail."""

RAW_CONSENTS = raw_table("consents", "One row per record of a dropped file of consents", CONSENT_SOURCE)

_CHANNEL = Column("channel", Kind.TEXT, "Channel it is about.", required=True, values=CHANNELS)

CONSENTS = Table(
    "clean",
    "consents",
    "One row per statement of a person on a channel",
    ("file_id", "source_row", "channel"),
    (
        *TRACE_COLUMNS,
        Column("email", Kind.TEXT, "E-mail, trimmed and lower-cased; NULL when it is no address.", personal=True),
        *PHONE_COLUMNS,
        Column(
            "channel",
            Kind.TEXT,
            "Channel the statement is about; all: every one.",
            required=True,
            values=(*CHANNELS, ALL),
        ),
        Column("state", Kind.TEXT, "What it says.", required=True, values=STATES),
        Column("stated_at", Kind.TIMESTAMP, "When it was said; of a registration form when it was filled in.", True),
        Column("consent_source", Kind.TEXT, "Where it was said: the cell of the file, or the question of the form."),
    ),
    note="From files dropped in consent/ of the drop folder, and the questions of Zoom registration forms that "
    "consent_questions.csv names.",
)

CONSENT_STATE = Table(
    "clean",
    "consent_state",
    "One row per phone or e-mail that a statement names, and channel: what holds",
    ("person", "channel"),
    (
        *TRACE_COLUMNS,
        Column("person", Kind.TEXT, "Who it is: the user_id, or email:<e-mail>.", required=True, personal=True),
        Column("user_id", Kind.TEXT, "Digits of the phone; NULL where the row is of an e-mail.", personal=True),
        Column("email", Kind.TEXT, "E-mail; NULL where the row is of a phone.", personal=True),
        _CHANNEL,
        Column("state", Kind.TEXT, "What holds as of the night.", required=True, values=HOLDING),
        Column("stated_at", Kind.TIMESTAMP, "When that was said.", required=True),
        *(
            Column(name, Kind.TIMESTAMP, f"Newest statement that said {state}; NULL: none did.")
            for state, name in TIMES.items()
        ),
    ),
    note="A person with a phone and an e-mail is named by two rows: of each time the later one counts. file_id and "
    "source_row are of the statement that decides.",
)

CONSENTING = People(
    CONSENTS,
    at="t.stated_at",
    event="concat_ws(', ', 'consent ' || t.state || ' on ' || t.channel, t.consent_source, t.email)",
    email="email",
)
WEBENGAGE = Part(DELIVERY, sources=(), other_people=(CONSENTING,))
TABLES = (RAW_CONSENTS, CONSENTS, CONSENT_STATE, DELIVERY_CANDIDATES)
