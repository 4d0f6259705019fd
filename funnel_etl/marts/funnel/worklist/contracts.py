"""Contract of the work-list: what a person should decide, by the revenue at stake."""

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS, WHO

ITEM_KINDS = {
    "unmapped_source": "a CRM source that no line of funnel_mapping.csv covers on its day",
    "retired_source": "a CRM source that came after the valid_to of its line of funnel_mapping.csv",
    "misc_sale": "a counted sale whose final funnel is Misc, and of which nobody has said that it should be",
    "manual_value_unmapped": "a value of manual_mapping.csv that is in no line of manual_value_funnel.csv",
    "unknown_funnel": "a funnel named by the CRM that is not in funnels.csv",
    "unmapped_spend": "a funnel named in the spend sheet that is not in funnels.csv, or (blank)",
    "unused_mapping": "a line of a mapping that nothing used, neither up to as_of nor after",
    "unknown_status": "a status that counts as a sale, and that metrics.csv knows neither as excluded nor as counted",
    "conflicting_sale": "a sale of which the CRM's dump has rows that differ: the last counts, the others are merged",
    **{kind: f"of a webinar: {finding.says}" for kind, finding in FINDINGS.items()},
}
"""What can stand on the work-list, by its kind."""

DECIDED_IN = {
    "unmapped_source": "funnel_mapping",
    "retired_source": "funnel_mapping",
    "misc_sale": "manual_mapping",
    "manual_value_unmapped": "manual_value_funnel",
    "unknown_funnel": "funnels",
    "unmapped_spend": "funnels",
}
"""The table of `config_csv` in which an item is decided; of an unused line it is the line's own table."""

DECIDED_AT = DECIDED_IN | {"unknown_status": "metrics", "conflicting_sale": "crm_sales"}
"""The table, or the source, in which an item is decided; those beyond DECIDED_IN have no file to fill in."""

DECIDED_BY = {
    "unmapped_source": "marketing operations",
    "retired_source": "marketing operations",
    "misc_sale": "the sales lead",
    "manual_value_unmapped": "the sales lead",
    "unknown_funnel": "the analyst",
    "unmapped_spend": "marketing operations",
    "unknown_status": "the analyst",
    "conflicting_sale": "the sales lead",
}
"""Who decides an item: who edits the table it is decided in (config_csv/README.md), or knows the sale. An unused line
waits for nobody."""

WHAT_TO_DO = {
    "unmapped_source": "say which funnel it is: a line of funnel_mapping.csv",
    "retired_source": "say which funnel it is since then: a line of funnel_mapping.csv with valid_from; or ask why it "
    "still comes",
    "misc_sale": "say which funnel it is: a line of manual_mapping.csv; if its lead source is listed too, map it",
    "manual_value_unmapped": "say which funnel it means: a line of manual_value_funnel.csv",
    "unknown_funnel": "if it is a funnel of yours, add it to funnels.csv; else have it corrected in the CRM",
    "unmapped_spend": "if it is a funnel of yours, add it to funnels.csv; else correct it in the spend sheet",
    "unused_mapping": "see whether its name is spelled as it comes; if nothing will come any more, delete the line",
    "unknown_status": "it counts as a sale as long as nobody decides: add it to excluded_statuses or to "
    "counted_statuses in metrics.csv",
    "conflicting_sale": "see in the CRM which row is right, and have the others corrected there",
    **{kind: f"{WHO}: {finding.to_do}" for kind, finding in FINDINGS.items()},
}
"""What a person can do about an item, by its kind."""

WORKLIST_MAPPING = Table(
    "ops",
    "worklist_mapping",
    "One row per thing a person should decide about mappings",
    ("item_kind", "config_table", "item", "config_line"),
    (
        Column(
            "item_kind",
            Kind.TEXT,
            "What it is: " + "; ".join(f"{name}: {text}" for name, text in ITEM_KINDS.items()) + ".",
            required=True,
            values=tuple(ITEM_KINDS),
        ),
        Column(
            "item",
            Kind.TEXT,
            "The source, sale_id, manual value, funnel or status, in its newest spelling; of an unused line its key; "
            "of a webinar its topic, its id and topic, or the conductor's name. A phone or e-mail in it is masked.",
            required=True,
        ),
        Column(
            "config_table",
            Kind.TEXT,
            "Table of config_csv in which it is decided, without .csv; of conflicting_sale its source.",
            required=True,
        ),
        Column(
            "config_line",
            Kind.INTEGER,
            "Line of that table: the unused one, or the one that ended last; 0 when no line is meant.",
            required=True,
        ),
        Column(
            "rows_count",
            Kind.INTEGER,
            "Rows of clean up to as_of that carry it: assignments and sales (of any status), or spend lines; of a "
            "webinar the people who attended, each once an occurrence.",
            required=True,
        ),
        Column("leads", Kind.INTEGER, "CRM assignments among them.", required=True),
        Column(
            "sales",
            Kind.INTEGER,
            "Counted sales up to as_of at stake: those that carry it; for a source also all of the phones with an M0 "
            "row of it, of any month; for a webinar all of the phones that attended.",
            required=True,
        ),
        Column(
            "revenue_inr",
            Kind.MONEY,
            "Revenue at stake, in rupees: of those sales; of conflicting_sale by how much its rows differ in what "
            "counts. A sale stands at every item it has to do with: not to be summed over rows.",
            required=True,
        ),
        Column("spend_inr", Kind.MONEY, "Ad spend of it in rupees; 0 but for unmapped_spend.", required=True),
        Column("first_date", Kind.DATE, "Business day of the first of the rows; NULL for an unused line."),
        Column("last_date", Kind.DATE, "Business day of the last of the rows; NULL for an unused line."),
        Column(
            "suggested_funnel",
            Kind.TEXT,
            "Funnel of the most similar name that has one (of a status: its list in metrics.csv); NULL: none is near.",
        ),
        Column(
            "suggested_from",
            Kind.TEXT,
            "That name: a source of funnel_mapping.csv; for values and funnels also a manual value or a funnel; for a "
            "status one of metrics.csv.",
        ),
        Column(
            "similarity",
            Kind.NUMBER,
            "How similar it is, 0 to 1, case and punctuation left out: rapidfuzz's ratio, or if greater the mean of "
            "its token_sort_ratio and token_set_ratio; 1 is the same name.",
        ),
        Column("what_to_do", Kind.TEXT, "What a person can do about it.", required=True),
        Column(
            "detail",
            Kind.TEXT,
            "Of conflicting_sale: amount, status and line of the row that counts and of those merged into it (of the "
            "file of file_id), and in which columns these differ.",
        ),
        Column("file_id", Kind.TEXT, "Landed file of an example, the newest row; NULL for an unused line."),
        Column("source_row", Kind.INTEGER, "Its line in that file."),
    ),
    note="Ordered by revenue_inr it says what to decide first. funnel-etl worklist shows it, and takes the decisions.",
)

TABLES = (WORKLIST_MAPPING,)
