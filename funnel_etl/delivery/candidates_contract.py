"""The contract of `ops.delivery_candidates`: where what could be sent meets what sends it. Declaration only."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table

DELIVER, EXCLUDED, HELD = "deliver", "excluded", "held"
USER, EVENT = "user", "event"
REPEATABLE, GUARDED = "repeatable", "guarded"

DELIVERY_CANDIDATES = Table(
    "ops",
    "delivery_candidates",
    "One row per event or user that could be sent to a destination",
    ("candidate_id",),
    (
        Column("candidate_id", Kind.TEXT, "SHA-256 of what identifies the row.", required=True),
        Column("destination", Kind.TEXT, "Where it could be sent to.", required=True, values=("webengage",)),
        Column("account", Kind.TEXT, "Account there: the licence code; empty while none is set.", required=True),
        Column("object", Kind.TEXT, "What it is there.", required=True, values=(USER, EVENT)),
        Column("kind", Kind.TEXT, "Kind of event; of users user.", required=True),
        Column(
            "effect",
            Kind.TEXT,
            "What a repeat does there: repeatable changes nothing; guarded is dropped for some hours.",
            required=True,
            values=(REPEATABLE, GUARDED),
        ),
        Column(
            "key_parts",
            Kind.TEXT,
            "What its delivery key is made of, a line each, without generation and count; NULL without a user_id.",
            personal=True,
        ),
        Column("user_id", Kind.TEXT, "Id of the user there: the phone's digits; NULL: there is none.", personal=True),
        Column("email", Kind.TEXT, "E-mail of the person, in lower case.", personal=True),
        Column("occurrence_id", Kind.TEXT, "Occurrence of an event; NULL for users."),
        Column("webinar_id", Kind.TEXT, "Its webinar; NULL for users."),
        Column("started_at", Kind.TIMESTAMP, "Its start; NULL for users."),
        Column("event_name", Kind.TEXT, "Name of the event as it is sent; NULL for users, or where none is known."),
        Column("event_date", Kind.DATE, "Business day of the occurrence; NULL for users."),
        Column("first_day", Kind.DATE, "Not sent before this day: from_date of its rule; NULL: no limit."),
        Column("last_day", Kind.DATE, "Not sent after this day: event_date and max_age_days; NULL: no limit."),
        Column("profile", Kind.TEXT, "Profile of zoom_profiles.csv its name comes from; NULL for users."),
        Column("decision", Kind.TEXT, "What the night decided.", required=True, values=(DELIVER, EXCLUDED, HELD)),
        Column("reason", Kind.TEXT, "Why it is not to be sent; docs/reasons.md lists them. NULL: it is."),
        Column(
            "only_after_delivery",
            Kind.BOOLEAN,
            "Whether it is sent only if this user was delivered before: a user without an event that is due.",
            required=True,
        ),
        Column("payload", Kind.TEXT, "Exact JSON of the event or user; NULL unless it is to be sent.", personal=True),
        Column("payload_sha256", Kind.TEXT, "SHA-256 of these bytes."),
        Column("attribute_types", Kind.TEXT, "JSON: attribute to its type, of what the payload holds."),
        Column("consent", Kind.TEXT, "JSON: channel to what holds for the person on it.", required=True),
        *TRACE_COLUMNS,
    ),
    note="By the newest night. Empty while no line of delivery_rules.csv says yes: then the row ledger alone counts.",
)
