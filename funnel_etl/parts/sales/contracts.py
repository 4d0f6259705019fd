"""Contracts of Part 2: what the CRM sends, and the tables made of it."""

from funnel_etl.core.reading.common_columns import PHONE_COLUMNS, TRACE_COLUMNS, raw_table
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.values.text import snake_case

ASSIGNED_LEADS_SOURCE = (
    SourceColumn("sources", ("source", "lead sources"), needed=True),
    SourceColumn("assignOn", ("assigned on", "assignedOn"), needed=True),
    SourceColumn("leadMobile", ("mobile", "lead mobile"), needed=True, holds_phones=True),
    SourceColumn("employee", ("employee name",), needed=True),
)
ASSIGNED_LEADS_KEY = DumpKey(when="assignOn", phone="leadMobile")

_MONEY = (
    "tokenAmount WithOut_Token_paidAmount eBookRev bookRev paidAmount TotalAmount EBook_Net_Amount Book_Net_Amount "
    "Product_Net_Amount netAmount Paid_Emi_Amount Unpaid_Amount netAmountAfterPDD"
).split()
_DATES = ("lastEmiDate", "StudentSignupDate", "Last_Paid_Date")
_COUNTS = ("Total_emi", "Paid_Emi_Count", "Unpaid_Emi_Count")
_PERSONAL = ("StudentContact", "StudentName", "StudentEmail")
_NEEDED = ("_id", "StudentContact", "status")

SALES_SOURCE = tuple(
    SourceColumn(name, needed=name in _NEEDED, holds_phones=name == "StudentContact")
    for name in (
        "_id status txn_id sid emiId pId paymentGateway target targetSuperGroup courseName source tokenAmount "
        "WithOut_Token_paidAmount createdOn pType eBookRev bookRev paymentType DP lastEmiDate paidAmount corePartner "
        "StudentContact StudentSignupDate StudentName TotalAmount product mandateStatus StudentEmail EBook_Net_Amount "
        "Book_Net_Amount Product_Net_Amount netAmount employeeName employeeTeam Total_emi Paid_Emi_Count "
        "Unpaid_Emi_Count Paid_Emi_Amount Unpaid_Amount Last_Paid_Date netAmountAfterPDD assignedLeadSources Funnel"
    ).split()
)
"""The 44 columns of the CRM's sales dump, in its order."""


def sales_column(source_name: str) -> Column:
    """Return the typed column of `clean.sales` for a column of the dump."""
    name = "sale_id" if source_name == "_id" else snake_case(source_name)
    text = f"CRM column {source_name!r}"
    if source_name in _MONEY:
        return Column(f"{name}_inr", Kind.MONEY, f"{text}, in rupees.")
    if source_name in _DATES:
        return Column(name, Kind.DATE, f"{text}, as a business day.")
    if source_name in _COUNTS:
        return Column(name, Kind.INTEGER, f"{text}.")
    if source_name == "createdOn":
        return Column(name, Kind.TIMESTAMP, f"{text}: when the sale was entered.")
    return Column(name, Kind.TEXT, f"{text}, trimmed.", personal=source_name in _PERSONAL)


RAW_CRM_ASSIGNED_LEADS = raw_table(
    "crm_assigned_leads", "One row per record of the CRM's dump of assignments", ASSIGNED_LEADS_SOURCE
)
RAW_CRM_SALES = raw_table("crm_sales", "One row per record of the CRM's dump of sales", SALES_SOURCE)

ASSIGNED_LEADS = Table(
    "clean",
    "assigned_leads",
    "One row per CRM assignment",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        Column("source", Kind.TEXT, "Lead source as the CRM names it, white space collapsed; NULL when blank."),
        Column("assigned_at", Kind.TIMESTAMP, "When the lead was assigned.", required=True),
        Column("assigned_date", Kind.DATE, "Business day of the assignment.", required=True),
        *PHONE_COLUMNS,
        Column("employee", Kind.TEXT, "Representative who got the lead, case as typed."),
        Column(
            "funnel",
            Kind.TEXT,
            "Funnel of the source on that day by funnel_mapping.csv; unmapped: Other Sources (Miscellaneous); "
            "blank: (no source).",
            required=True,
        ),
        Column(
            "dump_state",
            Kind.TEXT,
            "current: in the newest dump; aged_out: kept from an earlier one, because the dump's window moved past it.",
            required=True,
            values=("current", "aged_out"),
        ),
    ),
    note="Identical rows are kept: they are assignments. The order of the dump is its pages', then source_row.",
)

FINAL_FUNNEL_RULES = {
    "crm_funnel": "no manual value: the funnel of the CRM, or derived from assignedLeadSources",
    "manual_mapped": "the sale was Misc; its manual value is mapped by manual_value_funnel.csv",
    "manual_text_mapped": "the sale had a funnel; its manual value is mapped, and wins (the sheet: the text as typed)",
    "manual_funnel_name": "the manual value is itself the name of a funnel",
    "manual_value_unmapped": "the manual value is not mapped: the CRM's funnel stays, on the work-list",
    "blank_manual": "the manual value is only blanks: as if there were none",
}
"""How `final_funnel` came about, by name."""

SALES = Table(
    "clean",
    "sales",
    "One row per sale (CRM _id)",
    ("sale_id",),
    (
        *TRACE_COLUMNS,
        *(
            Column(c.name, c.kind, c.description, required=c.name == "sale_id", personal=c.personal)
            for c in map(sales_column, (s.name for s in SALES_SOURCE))
            if c.name != "funnel"
        ),
        Column(
            "funnel",
            Kind.TEXT,
            "The CRM's Funnel in the spelling of funnels.csv; blank or absent: derived from assigned_lead_sources "
            "by sold_date.",
            required=True,
        ),
        *PHONE_COLUMNS,
        Column("sold_at", Kind.TIMESTAMP, "When the sale was made (metrics.csv: sale_date_column).", required=True),
        Column("sold_date", Kind.DATE, "Business day of the sale.", required=True),
        Column(
            "revenue_inr", Kind.MONEY, "Revenue (metrics.csv: revenue_column); NULL when blank, which adds nothing."
        ),
        Column(
            "is_counted",
            Kind.BOOLEAN,
            "Whether the status counts as a sale (metrics.csv: excluded_statuses).",
            required=True,
        ),
        Column("manual_mapping", Kind.TEXT, "What a person typed for this sale in manual_mapping.csv, as typed."),
        Column("final_funnel", Kind.TEXT, "The funnel the sale counts for, after manual mapping.", required=True),
        Column(
            "final_funnel_rule",
            Kind.TEXT,
            "Which rule decided: " + "; ".join(f"{name}: {why}" for name, why in FINAL_FUNNEL_RULES.items()) + ".",
            required=True,
            values=tuple(FINAL_FUNNEL_RULES),
        ),
        Column(
            "dump_state",
            Kind.TEXT,
            "current: in the newest dump; aged_out: kept from an earlier one, because the dump's window moved past it.",
            required=True,
            values=("current", "aged_out"),
        ),
    ),
    note="All sales, whatever their status and day; mart.attributed_sales has those that count up to as_of.",
)

CRM_HISTORY = Table(
    "clean",
    "crm_history",
    "One row per version of a CRM row",
    ("dataset", "key", "valid_from"),
    (
        *TRACE_COLUMNS,
        Column("dataset", Kind.TEXT, "Which dump.", required=True, values=("crm_assigned_leads", "crm_sales")),
        Column(
            "key",
            Kind.TEXT,
            "What names the row across dumps: the sale's _id (case-folded); for assignments a hash of phone, time "
            "and ordinal.",
            required=True,
        ),
        Column("valid_from", Kind.DATE, "As-of date of the first night that saw this version.", required=True),
        Column(
            "valid_to", Kind.DATE, "As-of date of the night that saw the next version; NULL while it is the newest."
        ),
        Column(
            "change",
            Kind.TEXT,
            "How the version came about; disappeared: gone from inside the dump's window.",
            required=True,
            values=("inserted", "changed", "disappeared", "reappeared"),
        ),
        Column("changed_columns", Kind.TEXT_ARRAY, "Columns of the dump that differ from the version before."),
        Column("row_at", Kind.TIMESTAMP, "When the row happened (assigned or sold), where it could be read."),
        Column(
            "row", Kind.JSON, "The row as text: source column → cell, blanks left out.", required=True, personal=True
        ),
    ),
    note="Rows that only aged out of the sliding window are not changes.",
)

TABLES = (RAW_CRM_ASSIGNED_LEADS, RAW_CRM_SALES, ASSIGNED_LEADS, SALES, CRM_HISTORY)
