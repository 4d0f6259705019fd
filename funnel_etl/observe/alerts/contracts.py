"""Contract of the alerts that were sent. Declarations only."""

from funnel_etl.core.tables.contracts import Column, Kind, Table

RUN, CHECK, SOURCE, EXPORT = "run_failed", "check_failed", "source", "missing_export"
CONFIG, VOLUME, PHONES = "config_rejected", "volume", "phones"
DELIVERY_FAILED, DELIVERY_UNKNOWN, DELIVERY_HELD = "delivery_failed", "delivery_unknown", "delivery_held"
DELIVERY_OFF = "delivery_off_with_due"
DELIVERY_KINDS = (DELIVERY_FAILED, DELIVERY_UNKNOWN, DELIVERY_HELD, DELIVERY_OFF)
AUTOMATION, NIGHT = "automation", "night_published"
KINDS = {
    RUN: "a step of a run failed, or a run ended without its end",
    CHECK: "a check found something wrong; that alone fails no run",
    SOURCE: "the data of a source do not reach as far as they should",
    EXPORT: "a Zoom report that should be there is not",
    CONFIG: "an edit of config_csv was rejected",
    VOLUME: "far too few rows on a day",
    PHONES: "far more rows without a phone than usual",
    DELIVERY_FAILED: "the destination refused deliveries, or could not be reached for a day",
    DELIVERY_UNKNOWN: "deliveries may have arrived or not, and only a person can find out",
    DELIVERY_HELD: "deliveries wait for a person",
    DELIVERY_OFF: "deliveries are due, and FUNNEL_DELIVERY is empty",
    AUTOMATION: "the daemon, the schedule or a sensor does not run",
    NIGHT: "the whole night is published: its summary",
}

ALERTS = Table(
    "ops",
    "alerts",
    "One row per cause and time it appeared",
    ("cause", "first_seen_at"),
    (
        Column("cause", Kind.TEXT, "Names the cause: the same one on another night is the same row.", required=True),
        Column("first_seen_at", Kind.TIMESTAMP, "When it was first seen.", required=True),
        Column(
            "kind",
            Kind.TEXT,
            "; ".join(f"{name}: {meaning}" for name, meaning in KINDS.items()) + ".",
            required=True,
            values=tuple(KINDS),
        ),
        Column("what", Kind.TEXT, "What is told, without personal data.", required=True),
        Column("what_to_do", Kind.TEXT, "What a person should do; NULL: nothing."),
        Column("who_does_it", Kind.TEXT, "Who does it."),
        Column(
            "sent_at",
            Kind.TIMESTAMP,
            "When every address had accepted it or may have it twice; NULL: not yet, or none is set.",
        ),
        Column("attempts", Kind.INTEGER, "How often sending was tried.", required=True),
        Column("next_attempt_at", Kind.TIMESTAMP, "Before that it is not tried again by itself."),
        Column("last_error", Kind.TEXT, "Why the last attempt failed, by address, of which scheme and host are shown."),
        Column(
            "accepted_by",
            Kind.JSON,
            "Marks of the addresses that have it already, so that none gets it twice; with ?: may have it.",
        ),
        Column("listed_until", Kind.DATE, "Last night that lists it, resolved or not; NULL: until it is resolved."),
        Column("resolved_at", Kind.TIMESTAMP, "When the cause was gone; it is a new row when it comes back."),
        Column("resolved_told_at", Kind.TIMESTAMP, "When that was sent too, or there was nothing to send."),
    ),
    note="The memory of what was sent: nothing is sent twice. Never published with a night.",
    live=True,
)

TABLES = (ALERTS,)
