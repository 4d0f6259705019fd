"""Contract of `ops.changes`, and the causes a difference is split into."""

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.funnel.contracts import MEASURES

CODE, REWRITTEN, UNKNOWN = "code_version", "history_rewritten", "unknown_previous"
MANUAL_MAPPING, MAPPING, CONFIG = "manual_mapping", "mapping", "config"
NEW_DAY, LATE, EDITED, VANISHED = "new_day", "late", "edited", "vanished"
ZOOM_REEXPORT, ZOOM_WITHDRAWN = "zoom_reexport", "zoom_withdrawn"
UNEXPLAINED = "unexplained"

CAUSES = {
    UNKNOWN: "What the last night was made from is neither in the lake nor in the landing archive any more, so that "
    "its rows cannot be told apart: the whole difference of the source.",
    REWRITTEN: "The rows of the last night are no longer what they were then, though the code is the same: a person "
    "was erased, or files of landing or lake were restored or changed by hand.",
    CODE: "Another version of funnel_etl: the rows of the last night, read with its config, give another number now.",
    MANUAL_MAPPING: "An edit of manual_mapping.csv.",
    MAPPING: "An edit of funnel_mapping.csv, campaign_mapping.csv, manual_value_funnel.csv or funnels.csv.",
    CONFIG: "An edit of another table of config_csv (metrics, placeholder phones, closed months, Zoom profiles, …), or "
    "of FUNNEL_TIMEZONE.",
    NEW_DAY: "Rows of the business days that were not yet complete on the last night.",
    LATE: "Rows of older days that came only now; also the first report of an older webinar.",
    ZOOM_REEXPORT: "Another export of a Zoom report that was there already, or a report that is now tied to another "
    "occurrence.",
    ZOOM_WITHDRAWN: "A Zoom report was withdrawn, or one that was withdrawn counts again (funnel-etl zoom withdraw, "
    "funnel-etl zoom restore).",
    EDITED: "A row that was there already, with other content: another amount, status, day, funnel, phone. Also a row "
    "that was in quarantine and is fixed, or the other way round.",
    VANISHED: "A row that is gone from its source, though the dump's window has not moved past it.",
    UNEXPLAINED: "No cause was found. Such a night's changes are never published: their check fails by causes_sum.",
}
"""Every cause, in the order in which they are exchanged; the order decides where two causes meet in one row."""

CHANGES = Table(
    "ops",
    "changes",
    "One row per metric, day, funnel and cause: what moved since the last published night, and why",
    ("metric", "date", "funnel", "cause"),
    (
        Column("metric", Kind.TEXT, "Measure of mart.funnel_facts.", required=True, values=tuple(MEASURES)),
        Column("date", Kind.DATE, "Business day of the fact.", required=True),
        Column("funnel", Kind.TEXT, "Its funnel.", required=True),
        Column(
            "cause",
            Kind.TEXT,
            " ".join(f"{name}: {text}" for name, text in CAUSES.items()),
            required=True,
            values=tuple(CAUSES),
        ),
        Column("difference", Kind.MONEY, "What the cause adds to the number; rupees for …_inr.", required=True),
        Column("previous_value", Kind.MONEY, "The number of the last published night; 0: no row.", required=True),
        Column("current_value", Kind.MONEY, "The number of this night; 0: no row.", required=True),
        Column("previous_as_of", Kind.DATE, "The night compared with: published last before this one.", required=True),
        Column("as_of", Kind.DATE, "This night.", required=True),
    ),
    note="The differences of a metric, day and funnel add up to current_value - previous_value, exactly. A number that "
    "did not move has no row, unless causes cancel each other out. Empty after the very first night.",
)


def _side(side: str, when: str) -> tuple[Column, ...]:
    no_row = f"NULL: {when} it was not there, or did not count"
    return (
        Column(f"{side}_date", Kind.DATE, f"Business day on which the row counted {when}; {no_row}."),
        Column(f"{side}_funnel", Kind.TEXT, f"Funnel for which it counted {when}."),
        Column(f"{side}_value", Kind.MONEY, f"What it added {when}: 1, a count, or rupees for …_inr."),
        Column(f"{side}_file_id", Kind.TEXT, f"Landed file it stood in {when}; NULL: it stood in none."),
        Column(f"{side}_source_row", Kind.INTEGER, "Its line in that file."),
    )


CHANGED_ROWS = Table(
    "ops",
    "changed_rows",
    "One row per measure and row behind it that counted otherwise on the last published night",
    ("metric", "number"),
    (
        Column("metric", Kind.TEXT, "Measure of mart.funnel_facts.", required=True, values=tuple(MEASURES)),
        Column("number", Kind.INTEGER, "Number of the row within its measure.", required=True),
        Column("table_name", Kind.TEXT, "Table whose rows the measure counts.", required=True),
        *_side("before", "on the last published night"),
        *_side("after", "this night"),
    ),
    note="Of days that were published before; a row of a new day is in its table. The after values of a day and "
    "funnel, less the before values, add up to the difference in ops.changes, but for what another version of the code "
    "moved. funnel-etl changes shows both lines.",
)

TABLES = (CHANGES, CHANGED_ROWS)
