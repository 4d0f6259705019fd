"""Contracts of `mart`: the tables BI reads."""

from dataclasses import dataclass

from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.tables.contracts import Column, Kind, Table

ATTENDED = ("yes", "no", "not_found")
STAGES = ("lead", "registration", "attendance", "assignment")
"""The stages of a touch, in the order of the funnel, which also decides ties."""

_PHONE = Column("phone", Kind.TEXT, "Ten digits, or + and E.164 digits for people abroad.", personal=True)
_USER_ID = Column("user_id", Kind.TEXT, "E.164 digits without the plus.", personal=True)
_ATTENDED = Column(
    "attended",
    Kind.TEXT,
    "yes: attended an occurrence up to as_of; no: in an attendee report, but never attended; "
    "not_found: in no attendee report, or no phone.",
    required=True,
    values=ATTENDED,
)
_FIRST_ATTENDED_AT = Column(
    "first_attended_at", Kind.TIMESTAMP, "Earliest join (or start, where the join is unreadable) up to as_of."
)
_ATTENDED_COUNT = Column("attended_count", Kind.INTEGER, "Number of occurrences attended up to as_of.", required=True)
_MONTH = Column("month", Kind.DATE, "First day of the month.", required=True)
_FUNNEL = Column(
    "funnel",
    Kind.TEXT,
    "Funnel, or a residual bucket: Other Sources (Miscellaneous), (no source), Unmapped.",
    required=True,
)

ATTRIBUTED_M0 = Table(
    "mart",
    "attributed_m0",
    "One row per month and phone assigned in it",
    ("month", "phone"),
    (
        _MONTH,
        Column("phone", Kind.TEXT, _PHONE.description, required=True, personal=True),
        _USER_ID,
        Column("source", Kind.TEXT, "CRM source of the month's earliest assignment."),
        Column("funnel", Kind.TEXT, "Funnel of the month's earliest assignment (m0_first).", required=True),
        Column(
            "assigned_at",
            Kind.TIMESTAMP,
            "The month's earliest assignment; ties by the order of the dump.",
            required=True,
        ),
        Column("assigned_date", Kind.DATE, "Its business day: where funnel_facts counts the row.", required=True),
        Column("first_employee", Kind.TEXT, "Representative of the month's earliest assignment."),
        Column("current_employee", Kind.TEXT, "Representative of the month's latest assignment."),
        Column("assignment_count", Kind.INTEGER, "Assignments of the phone in the month up to as_of.", required=True),
        _ATTENDED,
        Column(
            "attended_before_assignment",
            Kind.BOOLEAN,
            "Whether the first attendance was before assigned_at.",
            required=True,
        ),
        _FIRST_ATTENDED_AT,
        _ATTENDED_COUNT,
        Column("file_id", Kind.TEXT, "Landed file of the month's earliest assignment.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="Only assignments up to as_of. A phone assigned in two months is in both. The rows of closed months stay as "
    "they were closed; mart.restatements has what would differ.",
)

RESTATEMENTS = Table(
    "mart",
    "restatements",
    "One row per cell of a closed month's M0 that tonight's data would change",
    ("month", "phone", "column_name"),
    (
        _MONTH,
        Column("phone", Kind.TEXT, _PHONE.description, required=True, personal=True),
        Column(
            "change",
            Kind.TEXT,
            "added: the month would have this phone too; removed: it would have it no more; changed: another value.",
            required=True,
            values=("added", "removed", "changed"),
        ),
        Column("column_name", Kind.TEXT, "Column of mart.attributed_m0, or (row) for a whole row.", required=True),
        Column("closed_value", Kind.TEXT, "As it was closed, as text; of a whole row its funnel. NULL: none."),
        Column("current_value", Kind.TEXT, "As tonight's data would have it. NULL: none."),
        Column("funnel", Kind.TEXT, "Funnel of the row as it would be now; of a removed row as it was.", required=True),
        Column("file_id", Kind.TEXT, "Landed file of the assignment that says so now, or said so then.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="Months of closed_months.csv: mart.attributed_m0 keeps their rows as they were closed.",
)

TOUCHES = Table(
    "mart",
    "touches",
    "One row per touch up to as_of: a lead, registration, attendance or assignment of a phone",
    ("stage", *TRACE),
    (
        Column("phone", Kind.TEXT, _PHONE.description, required=True, personal=True),
        Column(
            "touch_at",
            Kind.TIMESTAMP,
            "When it was; of an attendance the join, or the start where the join is unreadable.",
            required=True,
        ),
        Column("touch_date", Kind.DATE, "Its business day; of an attendance the occurrence's.", required=True),
        Column("stage", Kind.TEXT, "What it was, as a stage of the funnel.", required=True, values=STAGES),
        Column(
            "source",
            Kind.TEXT,
            "Its source: utm source of the form, Zoom's source tracking, or the CRM's lead source.",
        ),
        Column("funnel", Kind.TEXT, "Its funnel.", required=True),
        Column("file_id", Kind.TEXT, "Landed file that says so.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
    note="Who came is an attendance, who did not is none. An event without a phone or a time is no touch: "
    "ops.row_ledger counts them. At the same instant the earlier stage of the funnel comes first. A sale is no touch.",
)

ATTRIBUTED_SALES = Table(
    "mart",
    "attributed_sales",
    "One row per counted sale up to as_of",
    ("sale_id",),
    (
        Column("sale_id", Kind.TEXT, "The CRM's _id.", required=True),
        Column("sold_date", Kind.DATE, "Business day of the sale.", required=True),
        _PHONE,
        Column("final_funnel", Kind.TEXT, "The funnel the sale counts for.", required=True),
        Column("final_funnel_rule", Kind.TEXT, "Which rule decided it; see clean.sales.", required=True),
        Column("revenue_inr", Kind.MONEY, "Revenue in rupees; NULL adds nothing."),
        Column("employee", Kind.TEXT, "Representative who sold."),
        _ATTENDED,
        Column(
            "attended_before_sale", Kind.BOOLEAN, "Whether the first attendance was before the sale.", required=True
        ),
        _FIRST_ATTENDED_AT,
        _ATTENDED_COUNT,
        Column(
            "m0_month",
            Kind.DATE,
            "Month of the phone's latest M0 row assigned at or before the sale; NULL when there is none.",
        ),
        Column("m0_funnel", Kind.TEXT, "Funnel of that M0 row."),
        Column("first_touch_at", Kind.TIMESTAMP, "Earliest event of the person up to as_of, of any stage."),
        Column(
            "first_touch_stage",
            Kind.TEXT,
            "Stage of that event; ties go to the earlier stage of the funnel.",
            values=STAGES,
        ),
        Column("first_touch_funnel", Kind.TEXT, "Funnel of that event."),
        Column(
            "days_to_convert",
            Kind.INTEGER,
            "Business days from first touch to sale; negative when the person was seen only later.",
        ),
        Column("file_id", Kind.TEXT, "Landed file of the sale.", required=True),
        Column("source_row", Kind.INTEGER, "Its line in that file.", required=True),
    ),
)

SPEND_BY_FUNNEL = Table(
    "mart",
    "spend_by_funnel",
    "One row per month and funnel with ad spend up to as_of",
    ("month", "funnel"),
    (
        _MONTH,
        _FUNNEL,
        Column("spend_inr", Kind.MONEY, "Ad spend in rupees.", required=True),
        Column("impressions", Kind.INTEGER, "Impressions.", required=True),
        Column("clicks", Kind.INTEGER, "Clicks.", required=True),
    ),
)

MEASURES = {
    "leads": "Campaign leads created that day, exact duplicates merged.",
    "new_leads": "Those that are their person's first.",
    "registrations": "People registered for an occurrence of that day.",
    "attendances": "People who attended an occurrence of that day.",
    "assigned_rows": "CRM assignments that day, rows without a phone too.",
    "m0_assigned": "M0 rows whose first assignment of the month was that day.",
    "m0_attended": "Those of them that had attended by as_of; past days move as reports arrive.",
    "sales": "Counted sales of that day, by final funnel.",
    "revenue_inr": "Their revenue in rupees.",
    "spend_inr": "Ad spend of that day in rupees.",
    "impressions": "Ad impressions of that day.",
    "clicks": "Ad clicks of that day.",
}
"""The additive measures of the facts."""


@dataclass(frozen=True)
class Origin:
    """What a measure counts: rows of `table` with `where` (or the sum of `summed`), on the day of column `day`."""

    table: str
    day: str
    where: str = ""
    is_value: str = ""
    summed: str = ""

    @property
    def formula(self) -> str:
        """Return it in one line of Markdown."""
        what = f"sum of `{self.summed}` of" if self.summed else "rows of"
        where = f" where `{self.where}{f' = {self.is_value}' if self.is_value else ''}`" if self.where else ""
        return f"{what} `{self.table}`{where}, on `{self.day}`"

    @property
    def columns(self) -> list[str]:
        """Return the columns it comes from, as schema.table.column."""
        day = self.day if "." in self.day else f"{self.table}.{self.day}"
        return [day, *(f"{self.table}.{name}" for name in (self.where, self.summed) if name)]


ORIGINS = {
    "leads": Origin("clean.tofu_leads", "created_date"),
    "new_leads": Origin("clean.tofu_leads", "created_date", where="is_first_lead"),
    "registrations": Origin("clean.zoom_registrations", "clean.webinars.event_date"),
    "attendances": Origin("clean.zoom_attendance", "clean.webinars.event_date", where="attended"),
    "assigned_rows": Origin("clean.assigned_leads", "assigned_date"),
    "m0_assigned": Origin("mart.attributed_m0", "assigned_date"),
    "m0_attended": Origin("mart.attributed_m0", "assigned_date", where="attended", is_value="'yes'"),
    "sales": Origin("mart.attributed_sales", "sold_date"),
    "revenue_inr": Origin("mart.attributed_sales", "sold_date", summed="revenue_inr"),
    "spend_inr": Origin("clean.ad_spend", "spend_date", summed="cost_inr"),
    "impressions": Origin("clean.ad_spend", "spend_date", summed="impressions"),
    "clicks": Origin("clean.ad_spend", "spend_date", summed="clicks"),
}
"""What each measure is made from: its formula in docs/metrics.md and its lineage in the Dagster UI."""

_MEASURE_COLUMNS = tuple(
    Column(name, Kind.MONEY if name.endswith("_inr") else Kind.INTEGER, text, required=True)
    for name, text in MEASURES.items()
)

FUNNEL_FACTS = Table(
    "mart",
    "funnel_facts",
    "One row per date and funnel on which something happened",
    ("date", "funnel"),
    (Column("date", Kind.DATE, "Business day, up to as_of.", required=True), _FUNNEL, *_MEASURE_COLUMNS),
    note="Additive measures only: they may be summed over any days and funnels.",
)

DISTINCT = {
    "distinct_leads": "Distinct people (phone, else e-mail, else row) among the month's leads.",
    "distinct_registrants": "Distinct people among the month's registrations.",
    "distinct_attendees": "Distinct people among the month's attendances.",
    "distinct_assigned": "Distinct phones among the month's assignments.",
    "distinct_buyers": "Distinct phones among the month's counted sales.",
}

RATES = {
    "registration_rate": ("registrations", "leads"),
    "attendance_rate": ("attendances", "registrations"),
    "assignment_rate": ("m0_assigned", "leads"),
    "conversion_rate": ("sales", "m0_assigned"),
    "roas": ("revenue_inr", "spend_inr"),
}
"""Each rate as numerator over denominator."""

UNIT_COSTS = {
    "cpl_inr": ("spend_inr", "leads"),
    "cost_per_attendee_inr": ("spend_inr", "attendances"),
    "cac_inr": ("spend_inr", "sales"),
}
"""Rupees per …, rounded half-up to the paisa."""

FUNNEL_MONTHLY = Table(
    "mart",
    "funnel_monthly",
    "One row per month and funnel",
    ("month", "funnel"),
    (
        _MONTH,
        _FUNNEL,
        *_MEASURE_COLUMNS,
        *(Column(name, Kind.INTEGER, text, required=True) for name, text in DISTINCT.items()),
        *(
            Column(name, Kind.NUMBER, f"{top} / {bottom}; NULL when {bottom} is zero.")
            for name, (top, bottom) in RATES.items()
        ),
        *(
            Column(name, Kind.MONEY, f"{top} / {bottom}, in rupees; NULL when {bottom} is zero.")
            for name, (top, bottom) in UNIT_COSTS.items()
        ),
    ),
    note="Sums of funnel_facts, distinct people, and rates, which must not be summed.",
)

DATA_VERSION = Table(
    "mart",
    "data_version",
    "One row: the version of the data that mart holds",
    ("as_of",),
    (
        Column("version", Kind.INTEGER, "Number of the published version; see ops.nights. Set when it is published."),
        Column("as_of", Kind.DATE, "The last complete business day in the facts.", required=True),
        Column("published_at", Kind.TIMESTAMP, "When the version was published. Set when it is published."),
        Column("code_version", Kind.TEXT, "Version of funnel_etl that made it.", required=True),
        Column("config_version", Kind.TEXT, "Hash of the config tables in force.", required=True),
        Column(
            "marketing_complete_through",
            Kind.DATE,
            "Latest business day up to as_of through which every nightly source of Part 1 holds rows (leads, spend).",
        ),
        Column(
            "sales_complete_through",
            Kind.DATE,
            "Latest business day up to as_of through which every source of Part 2 holds rows (assignments, sales).",
        ),
    ),
)

TABLES = (
    *(ATTRIBUTED_M0, RESTATEMENTS, TOUCHES, ATTRIBUTED_SALES),
    *(SPEND_BY_FUNNEL, FUNNEL_FACTS, FUNNEL_MONTHLY, DATA_VERSION),
)
