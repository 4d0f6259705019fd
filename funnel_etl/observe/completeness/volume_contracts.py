"""Contracts of the tables that say whether a source's rows are far too few."""

from dataclasses import dataclass

from funnel_etl.catalog import SOURCES
from funnel_etl.core.roles import MARKETING_OPERATIONS, WHO
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.observe.completeness.contracts import ZOOM


@dataclass(frozen=True)
class Counted:
    """Rows that are counted by day: what they are called, which source brings them, who does what about a drop."""

    rows: str
    brought_by: str
    what_to_do: str
    who: str


_OF_ZOOM = (
    "see whether the {} report of that webinar was downloaded whole (download and drop it again); if so few people "
    "came, nothing"
)
COUNTED = {
    **{
        source.counted_as: Counted(source.rows, source.name, source.upkeep.low, source.upkeep.who)
        for source in SOURCES.values()
    },
    "registrations": Counted("registrations", ZOOM, _OF_ZOOM.format("registration"), MARKETING_OPERATIONS),
    "attendances": Counted("people who attended", ZOOM, _OF_ZOOM.format("attendee"), MARKETING_OPERATIONS),
}

USUAL, LOW, TOO_SMALL, TOO_NEW, UNKNOWN = "usual", "low", "too_small", "too_new", "unknown"
STATUSES = {
    USUAL: "nothing is far too low",
    LOW: "days of it are in ops.volume_alarms",
    TOO_SMALL: "too few rows, or too unsteady ones, to tell a drop of 40 % from chance even over a week",
    TOO_NEW: "too few earlier days to compare one with",
    UNKNOWN: "nothing of it is there",
}
_SOURCE = Column(
    "source",
    Kind.TEXT,
    f"What is counted by day: {', '.join(source.counted_as for source in SOURCES.values())} by their business day; "
    "registrations and attendances by that of the webinar, once its report came.",
    required=True,
    values=tuple(COUNTED),
)

VOLUME_ALARMS = Table(
    "ops",
    "volume_alarms",
    "One row per source and day with far too few rows",
    ("source", "day"),
    (
        _SOURCE,
        Column("day", Kind.DATE, "Business day that is far too low.", required=True),
        Column(
            "days",
            Kind.INTEGER,
            "1, or how many days up to it were taken together, because one alone has too few rows to tell.",
            required=True,
        ),
        Column("since", Kind.DATE, "First day of the low days that follow each other.", required=True),
        Column("expected", Kind.NUMBER, "Rows that are usual for such a day (for those days).", required=True),
        Column("seen", Kind.INTEGER, "Rows there are.", required=True),
        Column("share", Kind.NUMBER, "seen / expected.", required=True),
        Column("why", Kind.TEXT, "What it rests on, in plain words.", required=True),
        Column("what_to_do", Kind.TEXT, "What a person should do.", required=True),
        Column("who_does_it", Kind.TEXT, "Who does it.", required=True, values=WHO),
        Column("as_of", Kind.DATE, "Night that was looked at.", required=True),
    ),
    note="Only drops. A day leaves the list when its rows arrive, or a week after the last low day.",
)

VOLUMES = Table(
    "ops",
    "volumes",
    "One row per source: its newest day against what is usual",
    ("source",),
    (
        _SOURCE,
        Column("as_of", Kind.DATE, "Night that was looked at.", required=True),
        Column("day", Kind.DATE, "Newest day that could be compared; NULL: none."),
        Column("seen", Kind.INTEGER, "Its rows."),
        Column("expected", Kind.NUMBER, "Rows that are usual for such a day."),
        Column("days", Kind.INTEGER, "Over how many days a drop of 40 % shows; NULL: over none."),
        Column(
            "status",
            Kind.TEXT,
            "; ".join(f"{name}: {meaning}" for name, meaning in STATUSES.items()) + ".",
            required=True,
            values=tuple(STATUSES),
        ),
        Column("says", Kind.TEXT, "The same in plain words.", required=True),
    ),
)

VOLUME_TABLES = (VOLUMES, VOLUME_ALARMS)
