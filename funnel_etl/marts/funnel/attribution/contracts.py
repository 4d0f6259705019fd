"""Contracts of attribution and cohorts: which touch earned what, and what each month's M0 bought later."""

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.funnel.contracts import STAGES

MODELS = ("first_touch", "last_touch", "linear", "position", "time_decay")
"""The models, in the order they are shown."""
NO_TOUCH = "no touch"
NO_TOUCH_FUNNEL = "(no touch)"

_MODEL = Column(
    "model",
    Kind.TEXT,
    "first_touch and last_touch: all credit to one; linear: equal parts; position: 40 % first, 40 % last, 20 % shared "
    "between (two touches: 50/50); time_decay: half the weight for every attribution_half_life_days before the sale.",
    required=True,
    values=MODELS,
)

ATTRIBUTION = Table(
    "mart",
    "attribution",
    "One row per counted sale, model and touch that has credit",
    ("sale_id", "model", "touch_number"),
    (
        Column("sale_id", Kind.TEXT, "The CRM's _id; see mart.attributed_sales.", required=True),
        _MODEL,
        Column(
            "touch_number",
            Kind.INTEGER,
            "Place of the touch among the sale's, in order of time, from 1; 0: no touch.",
            required=True,
        ),
        Column("funnel", Kind.TEXT, "Funnel of the touch; (no touch) where the sale has none.", required=True),
        Column(
            "touch_stage",
            Kind.TEXT,
            "What the touch was; no touch: the buyer was not seen within the look-back.",
            required=True,
            values=(*STAGES, NO_TOUCH),
        ),
        Column("touch_at", Kind.TIMESTAMP, "When it was; NULL for no touch."),
        Column("touch_date", Kind.DATE, "Its business day; of an attendance the occurrence's."),
        Column(
            "credit",
            Kind.SHARE,
            "Part of the sale this touch earned, to 18 decimals by largest remainder: exactly 1 per sale and model.",
            required=True,
        ),
        Column("credit_numerator", Kind.INTEGER, "The exact credit is credit_numerator / credit_denominator.", True),
        Column("credit_denominator", Kind.INTEGER, "Sum of the numerators of the sale and model.", required=True),
        Column(
            "revenue_inr",
            Kind.MONEY,
            "The sale's revenue by exact credit, in whole paise by largest remainder: they sum to it. NULL when it is.",
        ),
        Column("touch_file_id", Kind.TEXT, "Landed file of the touch; NULL for no touch."),
        Column("touch_source_row", Kind.INTEGER, "Its line in that file."),
    ),
    note="Touches of a sale: its phone's leads, registrations, attendances and assignments at or before it and at most "
    "attribution_lookback_days (metrics.csv) business days before its day. The models are readings of the same sales: "
    "choose one, never add them up.",
)

ATTRIBUTION_BY_FUNNEL = Table(
    "mart",
    "attribution_by_funnel",
    "One row per month, model and funnel with credit or spend",
    ("month", "model", "funnel"),
    (
        Column("month", Kind.DATE, "First day of the month of the sales, the spend and the leads.", required=True),
        _MODEL,
        Column("funnel", Kind.TEXT, "Funnel of the touches, of the spend and of the leads.", required=True),
        Column("credited_sales", Kind.NUMBER, "Sum of exact credits, rounded to double precision.", required=True),
        Column("credited_revenue_inr", Kind.MONEY, "Revenue credited to the funnel.", required=True),
        Column("spend_inr", Kind.MONEY, "Ad spend of the month and funnel; the same for each model.", required=True),
        Column("leads", Kind.INTEGER, "Campaign leads of the month and funnel; the same for each model.", True),
        Column(
            "spend_without_lead_inr",
            Kind.MONEY,
            "The spend, where not one lead of the funnel came in the month; else 0.",
            required=True,
        ),
        Column("roas", Kind.NUMBER, "credited_revenue_inr / spend_inr; NULL when spend_inr is zero."),
    ),
    note="Spend with no lead and sales with no touch are rows, not omissions. Choose one model, never add them up.",
)

COHORTS = Table(
    "mart",
    "cohorts",
    "One row per M0 month, months since, and funnel",
    ("month", "offset_months", "funnel"),
    (
        Column("month", Kind.DATE, "M0 month: first day of the month of assignment.", required=True),
        Column("offset_months", Kind.INTEGER, "Months since: 0 is M0, 1 is M1, up to the month of as_of.", True),
        Column("funnel", Kind.TEXT, "Funnel of the M0 row.", required=True),
        Column("m0_leads", Kind.INTEGER, "M0 rows of the month and funnel: the same on every offset.", required=True),
        Column("sales", Kind.INTEGER, "Counted sales of the cohort (m0_month, m0_funnel) in that month.", True),
        Column("revenue_inr", Kind.MONEY, "Their revenue.", required=True),
        Column("is_mature", Kind.BOOLEAN, "Whether that month is over by as_of: its numbers are whole.", required=True),
    ),
    note="Dense: a month in which the cohort bought nothing is a row of zeros. Sales without an M0 row at or before "
    "them (m0_month is NULL in mart.attributed_sales) are in no cohort.",
)

TABLES = (ATTRIBUTION, ATTRIBUTION_BY_FUNNEL, COHORTS)
