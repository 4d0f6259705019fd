"""Contracts of `parity`: what the old sheet would show tonight, and why mart differs from it."""

from funnel_etl.core.reading.common_columns import TRACE_COLUMNS
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.parity.reasons import PARITY_REASONS

_ATTENDED = Column(
    "attended",
    Kind.TEXT,
    "Yes or No of the first Zoom row with that phone, in the order the files arrived; empty: not found.",
    required=True,
    values=("Yes", "No", ""),
)
_SHEET = (
    "A date is what our reader reads, or an Excel serial; another text counts as later than every date, a blank is out."
)

M0 = Table(
    "parity",
    "m0",
    "One row per phone of the sheet's M0",
    ("phone",),
    (
        Column("phone", Kind.TEXT, "Last ten digits of leadMobile; empty: all leads without one.", True, personal=True),
        Column("funnel", Kind.TEXT, "VLOOKUP of the source of the first row by date; empty for a blank one.", True),
        Column("assigned_at", Kind.TIMESTAMP, "assignOn of the first row by date; NULL where that is a text."),
        _ATTENDED,
        Column("employee", Kind.TEXT, "Employee of the first row in sheet order.", required=True),
        *TRACE_COLUMNS,
    ),
    note="The sheet's month: that of today - 2 in the typed year (FUNNEL_SHEET_YEAR), after midnight of the 1st, "
    f"without an end. {_SHEET}",
)

SALES = Table(
    "parity",
    "sales",
    "One row per row of the sheet's sales tab",
    ("file_id", "source_row"),
    (
        Column("sale_id", Kind.TEXT, "The CRM's _id; empty where it is blank.", required=True),
        Column("final_funnel", Kind.TEXT, "Final funnel as the sheet shows it.", required=True),
        _ATTENDED,
        *TRACE_COLUMNS,
    ),
    note="Every record of tonight's dump: whatever its status and day.",
)

SPEND_BY_FUNNEL = Table(
    "parity",
    "spend_by_funnel",
    "One row per funnel of funnels.csv",
    ("funnel",),
    (
        Column("funnel", Kind.TEXT, "Funnel, as funnels.csv writes it: the criterion of the sheet's SUMIFS.", True),
        Column("spend_inr", Kind.MONEY, "Sum of the costs a sheet sees as numbers, over all dates.", required=True),
    ),
    note="Unmapped spend is in no row. ₹, Rs., INR and /- make a cost a text, which adds nothing.",
)

DIFF = Table(
    "parity",
    "diff",
    "One row per cell in which the sheet and mart differ",
    ("table_name", "key", "column_name"),
    (
        Column("table_name", Kind.TEXT, "m0, sales or spend_by_funnel.", True, ("m0", "sales", "spend_by_funnel")),
        Column(
            "key",
            Kind.TEXT,
            "Phone, sale _id (of a further record of a sale with its line, of several pages its page too), or funnel.",
            required=True,
            personal=True,
        ),
        Column("column_name", Kind.TEXT, "Column of that table; (row): the row is on one side only.", required=True),
        Column("parity_value", Kind.TEXT, "What the sheet shows; of a whole row its funnel or spend. NULL: no row."),
        Column("canonical_value", Kind.TEXT, "What mart has, written as the sheet would. NULL: no row."),
        Column(
            "reason",
            Kind.TEXT,
            "The rule of the sheet whose correction makes the difference; docs/reasons.md lists them.",
            values=tuple(PARITY_REASONS),
        ),
    ),
    note="m0: against mart.attributed_m0 of the month of as_of (employee: first_employee); sales: against "
    "mart.attributed_sales; spend_by_funnel: against mart.spend_by_funnel over all months. Each reason is proved: the "
    "sheet's rules are corrected one after the other, and the last correction that changed the cell is its reason.",
)

TABLES = (M0, SALES, SPEND_BY_FUNNEL, DIFF)
