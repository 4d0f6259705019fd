"""Contracts of the ledger: what was to be sent, what became of it, each call, each approved type. Declarations only."""

from funnel_etl.core.tables.contracts import Column, Kind, Table

PLANNED, HELD, SENDING, DELIVERED = "planned", "held", "sending", "delivered"
TRANSIENT, PERMANENT, UNKNOWN, CANCELLED = "failed_transient", "failed_permanent", "unknown", "cancelled"
STATES = (PLANNED, HELD, SENDING, DELIVERED, TRANSIENT, PERMANENT, UNKNOWN, CANCELLED)
SENDABLE = (PLANNED, TRANSIENT)
"""States from which a row is claimed."""
ENDED = (DELIVERED, CANCELLED, PERMANENT)
"""States in which a row stays unless a person or new data say otherwise."""

REPEATABLE, GUARDED, FINDABLE, BLIND = "repeatable", "guarded", "findable", "blind"
USER, EVENT, ERASURE = "user", "event", "erasure"
OBJECTS = (
    *(USER, EVENT, ERASURE, "student", "app", "assessment", "tracker_copy", "tracker_fill", "tracker_share"),
    *("contact_property", "sheet_rows"),
)
WEBENGAGE = "webengage"

REASONS = {
    "new_attribute_type": "the first value of an attribute fixes its type at the destination for good",
    "attribute_type_changed": "the destination would accept another type than the first and drop the value",
    "large_plan": "more new events than FUNNEL_DELIVERY_APPROVE_OVER",
    "identity_changed": "the same e-mail has this event already under another user id",
    "dependency_failed": "the user of this event was refused, or is not sent",
    "window_passed": "too long after the first try for the destination to drop a repeat",
    "ledger_lost": "the journal knows of a send that this ledger does not",
    "sender_died": "the sender ended between claim and answer",
    "timeout": "no answer in time",
    "reset": "the connection broke off after the request began",
    "truncated": "the answer was cut off",
    "server_error": "the destination answered with an error of its own",
    "not_an_answer": "an answer came that is not the destination's, as a login page",
    "refused_later": "a batch in doubt was refused when it was sent again",
    "batch_incomplete": "a member of a bulk request in doubt may not be sent any more, so none of it can be",
    "no_connection": "nothing was sent: no connection",
    "not_now": "the destination asked to wait",
    "refused": "the destination refused it",
    "withdrawn": "consent was withdrawn",
    "suppressed": "the person is suppressed",
    "erased": "the person was erased",
    "too_old": "older than max_age_days on the day of sending",
    "replaced": "the profile changed before it was sent",
    "no_longer_due": "the newest night does not send it any more",
    "given_up": "a person decided that it is never sent",
}
"""Why a row is in its state."""
FOR_A_PERSON = {"ledger_lost", "refused_later", "batch_incomplete"}
"""Reasons of unknown rows that no run sends again, however soon."""
MAY_HAVE_BEEN_SENT = "may_have_been_sent"
CHANGED, RENAMED = "changed_after_delivery", "renamed_after_delivery"
"""Words of the note."""

DELIVERIES = Table(
    "ops",
    "deliveries",
    "One row per intended effect at a destination",
    ("delivery_key",),
    (
        Column("delivery_key", Kind.TEXT, "SHA-256 of what makes the effect one: 64 hex digits.", required=True),
        Column("destination", Kind.TEXT, "Where it goes, as webengage.", required=True),
        Column("account", Kind.TEXT, "Account there: the licence code.", required=True),
        Column("object", Kind.TEXT, "What is sent.", required=True, values=OBJECTS),
        Column("kind", Kind.TEXT, "Of events registered or attended; of users user.", required=True),
        Column(
            "effect",
            Kind.TEXT,
            "What a repeat does: repeatable changes nothing, guarded is dropped there for a time, findable can be "
            "looked for, blind makes a second one.",
            required=True,
            values=(REPEATABLE, GUARDED, FINDABLE, BLIND),
        ),
        Column("state", Kind.TEXT, "Where it stands.", required=True, values=STATES),
        Column("reason", Kind.TEXT, "Why it is in that state."),
        Column("event_name", Kind.TEXT, "Name of the event as it is sent; NULL for users."),
        Column("user_id", Kind.TEXT, "Whom it is about; NULL once an erasure is accepted.", personal=True),
        Column("email", Kind.TEXT, "E-mail, by which a corrected phone is noticed.", personal=True),
        Column("occurrence_id", Kind.TEXT, "Webinar occurrence it is of, as the newest night names it."),
        Column("webinar_id", Kind.TEXT, "Webinar it is of."),
        Column("started_at", Kind.TIMESTAMP, "Start of the occurrence."),
        Column("event_date", Kind.DATE, "Business day of the event."),
        Column("first_day", Kind.DATE, "First day on which it may be sent; NULL: no limit."),
        Column("last_day", Kind.DATE, "Last day on which it may be sent; NULL: no limit."),
        Column("candidate_id", Kind.TEXT, "Row of ops.delivery_candidates that says whether it is still to be sent."),
        Column("onboarding_id", Kind.TEXT, "Onboarding it is a step of."),
        Column("depends_on", Kind.TEXT_ARRAY, "Keys that must be delivered before."),
        Column("payload", Kind.JSON, "What is sent; NULL some weeks after it ended.", personal=True),
        Column("payload_sha256", Kind.TEXT, "SHA-256 of the payload as canonical JSON."),
        Column("attribute_types", Kind.JSON, "Attribute → type of what the payload holds."),
        Column("request_id", Kind.TEXT, "Id by which the destination drops a repeat: 32 hex digits.", required=True),
        Column("batch_id", Kind.TEXT, "Claim it was sent with last; of a bulk request its id."),
        Column("batch_position", Kind.INTEGER, "Place in the bulk request; NULL: a request of its own."),
        Column("is_single", Kind.BOOLEAN, "Whether it is never sent in bulk any more."),
        Column("generation", Kind.INTEGER, "1, and one more each time a person fires it again.", required=True),
        Column("resolutions", Kind.INTEGER, "How often it was given a new request id.", required=True),
        Column("attempts", Kind.INTEGER, "How often it was sent; a 429 does not count.", required=True),
        Column("planned_at", Kind.TIMESTAMP, "When it was planned.", required=True),
        Column("planned_night", Kind.DATE, "Night whose candidates it was planned from."),
        Column("first_sent_at", Kind.TIMESTAMP, "First send that may have arrived, under this request id."),
        Column("last_sent_at", Kind.TIMESTAMP, "When it was claimed last."),
        Column("not_before", Kind.TIMESTAMP, "Not claimed before; NULL: at once."),
        Column("accepted_at", Kind.TIMESTAMP, "When the destination accepted it."),
        Column("changed_at", Kind.TIMESTAMP, "When its state changed last.", required=True),
        Column("external_id", Kind.TEXT, "Id the destination gave it."),
        Column("http_status", Kind.INTEGER, "Status of the last answer."),
        Column("message", Kind.TEXT, "What the destination said, without persons and secrets."),
        Column("sender", Kind.TEXT, "Run that claimed it last."),
        Column("file_id", Kind.TEXT, "File of the row it was made of."),
        Column("source_row", Kind.INTEGER, "Line of the row it was made of."),
        Column("note", Kind.TEXT, "What a person should know, as changed_after_delivery; who decided what."),
    ),
    note="Written by delivery alone, each change one transaction; docs/decisions/0032.",
    live=True,
)

DELIVERY_ATTEMPTS = Table(
    "ops",
    "delivery_attempts",
    "One row per call of a destination",
    ("batch_id", "attempt"),
    (
        Column("batch_id", Kind.TEXT, "Claim it belongs to.", required=True),
        Column("attempt", Kind.INTEGER, "Number of the call in it.", required=True),
        Column("destination", Kind.TEXT, "Where it went.", required=True),
        Column("object", Kind.TEXT, "What was sent.", required=True),
        Column("row_count", Kind.INTEGER, "Deliveries in it.", required=True),
        Column("started_at", Kind.TIMESTAMP, "When its rows were claimed.", required=True),
        Column("ended_at", Kind.TIMESTAMP, "When its answer was noted; NULL: it never was."),
        Column("outcome", Kind.TEXT, "accepted, refused, not_now, unknown or stop."),
        Column("http_status", Kind.INTEGER, "Status of the answer."),
        Column("seconds", Kind.NUMBER, "How long the call took."),
        Column("message", Kind.TEXT, "What the destination said, without persons and secrets."),
        Column("run_id", Kind.TEXT, "Run that made it.", required=True),
    ),
    live=True,
)

DELIVERY_TYPES = Table(
    "ops",
    "delivery_types",
    "One row per destination, account, object, name and attribute whose type is fixed",
    ("destination", "account", "object", "name", "attribute"),
    (
        Column("destination", Kind.TEXT, "Where.", required=True),
        Column("account", Kind.TEXT, "Account there.", required=True),
        Column("object", Kind.TEXT, "event or user.", required=True),
        Column("name", Kind.TEXT, "Name of the event; empty for users.", required=True),
        Column("attribute", Kind.TEXT, "Attribute.", required=True),
        Column("type", Kind.TEXT, "Its type: text, number, date or boolean.", required=True),
        Column("approved_at", Kind.TIMESTAMP, "When a person approved it."),
        Column("first_sent_at", Kind.TIMESTAMP, "When it was first accepted there."),
    ),
    live=True,
)

TABLES = (DELIVERIES, DELIVERY_ATTEMPTS, DELIVERY_TYPES)
