"""Contract of the dated deltas of revenue. Its rules are in `deltas`."""

from funnel_etl.core.tables.contracts import Column, Kind, Table

KINDS = {
    "new_sale": "it counts for the first time",
    "status_flip": "its status was changed, so that it counts no more, or again",
    "refund": "it counts no more, by a status that says that the money went back",
    "amount_edit": "its revenue was edited",
    "redated": "its date was moved behind the night, or back",
    "disappeared": "its row is gone from inside the dump's window",
    "unreadable": "its row is in quarantine now",
    "reappeared": "its row had disappeared or was unreadable, and is there again",
    "rule_edit": "the CRM's row is as it was: metrics.csv counts it otherwise",
}
"""Why what a sale counts for changed, by name."""

REVENUE_CHANGES = Table(
    "mart",
    "revenue_changes",
    "One row per sale and night on which what it counts for changed",
    ("sale_id", "changed_date"),
    (
        Column("sale_id", Kind.TEXT, "Sale (CRM _id).", required=True),
        Column("changed_date", Kind.DATE, "As-of date of the night that saw it.", required=True),
        Column(
            "kind",
            Kind.TEXT,
            "; ".join(f"{name}: {why}" for name, why in KINDS.items()) + ".",
            required=True,
            values=tuple(KINDS),
        ),
        Column("sold_date", Kind.DATE, "Business day of the sale: as it is now, or was while it was there."),
        Column("final_funnel", Kind.TEXT, "Funnel the sale counts for, likewise."),
        Column("old_status", Kind.TEXT, "Status when it last changed; NULL before its first row."),
        Column("new_status", Kind.TEXT, "Status now; NULL when its row is gone."),
        Column("old_revenue_inr", Kind.MONEY, "What it counted for before; NULL: it did not count."),
        Column("new_revenue_inr", Kind.MONEY, "What it counts for now; NULL: it does not count."),
        Column("delta_inr", Kind.MONEY, "new_revenue_inr less old_revenue_inr, NULL as 0.", required=True),
        Column("file_id", Kind.TEXT, "File of its row now; see ops.files. NULL when its row is gone."),
        Column("source_row", Kind.INTEGER, "Line of its row in that file."),
    ),
    note="The sum of delta_inr up to a night is the revenue of mart.attributed_sales of that night, to the paisa. Rows "
    "that only age out of the dump's window go on counting, and make no row here.",
)

TABLES = (REVENUE_CHANGES,)
