"""Contracts of Part 1 outside Zoom: campaign leads and ad spend. Zoom's are beside its reader."""

from funnel_etl.core.reading.common_columns import PHONE_COLUMNS, TRACE_COLUMNS, raw_table
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.values.text import snake_case

_PHONES = (
    *("Phone number", "Phone", "Phone no", "Mobile", "Mobile number", "Mobile no", "Contact number", "Contact no"),
    *("WhatsApp number", "WhatsApp no", "WhatsApp"),
)
"""What a form calls a person's own number; never one that is asked for as somebody else's."""
_NUMBERED = (f"{name} {number}" for number in (1, 2) for name in _PHONES)
TOFU_LEADS_SOURCE = (
    SourceColumn("Name", ("Full name", "Lead name", "Student name")),
    SourceColumn("Email", ("E-mail", "Email address", "Email id")),
    SourceColumn("Phone number", (*_PHONES, *_NUMBERED), needed=True, holds_phones=True),
    SourceColumn("City", ("Town", "Your city")),
    SourceColumn("Question 1", ("Question", "Q1")),
    SourceColumn("utmSource", ("utm_source",), needed=True),
    SourceColumn("utmMedium", ("utm_medium",)),
    SourceColumn("utmCamp", ("utm_campaign", "utm_camp")),
    SourceColumn("created date", ("created_at", "created time", "created on", "timestamp"), needed=True),
)
"""The columns of the campaign lead sheet. Forms differ: other spellings, and more columns, are usual."""
TOFU_LEADS_KEY = DumpKey(when="created date", phone="Phone number")

SPEND_TEXTS = (
    "campaign ad_group account platform AccountDescriptiveName CampaignType Objective Category subCategory goalID "
    "goalName region"
).split()
SPEND_COUNTS = "impressions clicks video_views".split()
SPEND_SOURCE = tuple(
    SourceColumn(name, needed=name in {"date_time", "cost", "Funnel"})
    for name in (
        "date_time,campaign,ad_group,impressions,clicks,cost,account,video_views,platform,AccountDescriptiveName,"
        "CampaignType,Objective,Category,subCategory,goalID,goalName,region,Installs,SignUps,Purchases,Revenue,"
        "Web Purchases,Web Revenue,Subscribers,Super Leads,Skill Leads,Online Purchases,Online Revenue,Lead Purchases,"
        "Lead Revenue,Pass Purchases,Pass Revenue,Pass Pro Purchases,Pass Pro Revenue,SuperCoaching Purchases,"
        "SuperCoaching Revenue,"
        "SkillAcademy Purchases,SkillAcademy Revenue,Book Purchases,Book Revenue,Total Purchases,Total Revenue,Funnel"
    ).split(",")
)
"""The 43 columns of the ad spend sheet, in its order."""
SPEND_KEY = DumpKey(when="date_time")
"""A line of spend has no name of its own, and campaigns are renamed: lines of a time are counted."""


def spend_column(source_name: str) -> Column:
    """Return the typed column of `clean.ad_spend` for a column of the sheet."""
    name, text = snake_case(source_name), f"Sheet column {source_name!r}"
    if source_name == "date_time":
        return Column(name, Kind.TIMESTAMP, f"{text}: when the money was spent.", required=True)
    if source_name == "cost":
        return Column(name, Kind.TEXT, f"{text}, as typed; cost_inr is its value.")
    if source_name in SPEND_TEXTS:
        return Column(name, Kind.TEXT, f"{text}, white space collapsed.")
    if source_name in SPEND_COUNTS:
        return Column(name, Kind.INTEGER, f"{text}.")
    unit = (
        ", in rupees, as the ad platform reports it"
        if source_name.endswith("Revenue")
        else ", as the ad platform reports it"
    )
    return Column(name, Kind.NUMBER, f"{text}{unit}.")


RAW_TOFU_LEADS = raw_table("tofu_leads", "One row per record of the campaign lead sheet", TOFU_LEADS_SOURCE)
RAW_AD_SPEND = raw_table("ad_spend", "One row per record of the ad spend sheet", SPEND_SOURCE)

TOFU_LEADS = Table(
    "clean",
    "tofu_leads",
    "One row per form submission",
    ("lead_id",),
    (
        *TRACE_COLUMNS,
        Column(
            "lead_id",
            Kind.TEXT,
            "Names the submission by its content: the same row has the same id every night.",
            required=True,
        ),
        Column("name", Kind.TEXT, "Name; proper-cased only if it was typed all lower or all upper.", personal=True),
        Column("email", Kind.TEXT, "E-mail, trimmed and lower-cased; NULL when it is no address.", personal=True),
        *PHONE_COLUMNS,
        Column("city", Kind.TEXT, "City, white space collapsed."),
        Column("question_1", Kind.TEXT, "Answer to the form's first question."),
        Column("utm_source", Kind.TEXT, "utm source, white space collapsed, case as it came."),
        Column("utm_medium", Kind.TEXT, "utm medium, likewise."),
        Column("utm_campaign", Kind.TEXT, "utm campaign, likewise."),
        Column(
            "funnel",
            Kind.TEXT,
            "First line of campaign_mapping.csv that matches; else Other Sources (Miscellaneous).",
            required=True,
        ),
        Column("created_at", Kind.TIMESTAMP, "When the form was submitted.", required=True),
        Column("created_date", Kind.DATE, "Business day of the submission.", required=True),
        Column(
            "is_first_lead",
            Kind.BOOLEAN,
            "Whether this is the earliest submission of that person (phone, else e-mail, else the row itself).",
            required=True,
        ),
    ),
    note="Exact duplicates of a record are merged into the first.",
)

AD_SPEND = Table(
    "clean",
    "ad_spend",
    "One row per spend line",
    ("file_id", "source_row"),
    (
        *TRACE_COLUMNS,
        *(spend_column(s.name) for s in SPEND_SOURCE if s.name != "Funnel"),
        Column("spend_date", Kind.DATE, "Business day of the spend.", required=True),
        Column(
            "cost_inr", Kind.MONEY, "Cost in rupees, rounded half-up per line; NULL when blank, which adds nothing."
        ),
        Column(
            "funnel",
            Kind.TEXT,
            "The sheet's funnel in the spelling of funnels.csv; blank or unknown: Unmapped.",
            required=True,
        ),
        Column("funnel_raw", Kind.TEXT, "The sheet's funnel as typed."),
    ),
    note="Equal lines are two lines. The sum over funnels is the sum of usable cost, to the paisa.",
)

TABLES = (RAW_TOFU_LEADS, RAW_AD_SPEND, TOFU_LEADS, AD_SPEND)
