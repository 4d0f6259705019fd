"""Contract of the table that says whether a source's phones are missing."""

from funnel_etl.catalog import SOURCES
from funnel_etl.core.roles import WHO
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.observe.completeness.volume_contracts import Counted

_ALIAS = "(a line of `config_csv/column_aliases.csv` has it read; if the phones were not asked for, nothing)"
WITH_PHONES = {
    source.name: Counted(source.rows, source.name, f"{source.upkeep.no_phones} {_ALIAS}", source.upkeep.who)
    for source in SOURCES.values()
    if source.upkeep.no_phones
}

USUAL, MORE, TOO_SMALL, UNKNOWN = "usual", "more", "too_small", "unknown"
STATUSES = {
    USUAL: "no more rows without a phone than usual",
    MORE: "far more than usual",
    TOO_SMALL: "too few rows to tell",
    UNKNOWN: "nothing of it is there",
}

PHONE_SHARES = Table(
    "ops",
    "phone_shares",
    "One row per source with phones: the share of its rows without one",
    ("source",),
    (
        Column("source", Kind.TEXT, "Source.", required=True, values=tuple(WITH_PHONES)),
        Column("as_of", Kind.DATE, "Night that was looked at.", required=True),
        Column(
            "status",
            Kind.TEXT,
            "; ".join(f"{name}: {meaning}" for name, meaning in STATUSES.items()) + ".",
            required=True,
            values=tuple(STATUSES),
        ),
        Column("day", Kind.DATE, "Newest of the business days that are shown; NULL: none could be judged."),
        Column("days", Kind.INTEGER, "How many business days with rows are shown together."),
        Column("rows", Kind.INTEGER, "Their rows."),
        Column("lacking", Kind.INTEGER, "Those of them without a phone that can be used."),
        Column("share", Kind.NUMBER, "lacking / rows."),
        Column(
            "usual_share",
            Kind.NUMBER,
            "The same of the eight weeks before, or of the same days as an earlier night read them.",
        ),
        Column("says", Kind.TEXT, "The same in plain words.", required=True),
        Column("what_to_do", Kind.TEXT, "What a person should do; NULL: nothing."),
        Column("who_does_it", Kind.TEXT, "Who does it; NULL: there is nothing to do.", values=WHO),
    ),
    note="Told when the share is a tenth of all rows larger than usual, and further off than chance "
    "(`volume_certainty` of metrics.csv) explains, in a day of the last week, or in 3 or 7 days together.",
)
