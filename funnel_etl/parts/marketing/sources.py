"""The sources of Part 1 that are pulled, and the people in what Zoom's reports become."""

from funnel_etl.core.parts import MARKETING as NAME
from funnel_etl.core.roles import MARKETING_OPERATIONS
from funnel_etl.core.source import Part, Pass, People, Source, Upkeep
from funnel_etl.parts.marketing import contracts
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE, SPEND_TEXTS, spend_column
from funnel_etl.parts.marketing.leads import clean_tofu_leads
from funnel_etl.parts.marketing.spend import clean_ad_spend
from funnel_etl.parts.marketing.zoom.clean.contracts import ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS

TOFU_LEADS = Source(
    name="tofu_leads",
    title="the campaign leads",
    about="Campaign leads",
    columns=contracts.TOFU_LEADS_SOURCE,
    key=contracts.TOFU_LEADS_KEY,
    raw=contracts.RAW_TOFU_LEADS,
    clean=contracts.TOFU_LEADS,
    build=clean_tofu_leads,
    reads=frozenset({"column_aliases", "placeholder_phones", "campaign_mapping", "funnels"}),
    day="created_date",
    counted_as="leads",
    rows="leads",
    upkeep=Upkeep(
        who=MARKETING_OPERATIONS,
        late="see that the lead forms still write into the campaign lead sheet",
        low="see that every lead form still writes into the campaign lead sheet and that the campaigns run; "
        "if so few came, nothing",
        no_phones="see whether the lead form writes the phone into another column of the campaign lead sheet now",
    ),
    content=("created_date", "created_at", "funnel", "phone", "email"),
    matching=(
        Pass(("lead_id",)),
        Pass(("phone_raw", "created_at", "email"), repeated=True),
        Pass(("phone_raw", "created_at"), repeated=True),
        Pass(("email", "created_at"), repeated=True),
        Pass(("phone_raw", "email", "name", "utm_source", "utm_medium", "utm_campaign")),
        Pass(("created_at", "name", "city")),
    ),
    people=People(
        contracts.TOFU_LEADS,
        at="t.created_at",
        event="""concat_ws(', ', 'campaign lead', 'funnel ' || t.funnel,
            'utm ' || concat_ws(' / ', t.utm_source, t.utm_medium, t.utm_campaign),
            CASE WHEN t.is_first_lead THEN 'the first of this person' END, 'phone typed: ' || t.phone_raw, t.email)""",
        email="email",
        ids=("lead_id",),
    ),
)

_SPEND = tuple(spend_column(column.name).name for column in SPEND_SOURCE if column.name != "Funnel")
_CAMPAIGN = tuple(spend_column(name).name for name in SPEND_TEXTS)
AD_SPEND = Source(
    name="ad_spend",
    title="the ad spend",
    about="Ad spend",
    columns=contracts.SPEND_SOURCE,
    key=contracts.SPEND_KEY,
    raw=contracts.RAW_AD_SPEND,
    clean=contracts.AD_SPEND,
    build=clean_ad_spend,
    reads=frozenset({"column_aliases", "funnels"}),
    day="spend_date",
    counted_as="spend",
    rows="lines of ad spend",
    upkeep=Upkeep(
        who=MARKETING_OPERATIONS,
        late="fill in the missing days of the ad spend sheet",
        low="see that no campaign is missing in the ad spend sheet; if so few ran, nothing",
        no_phones=None,
    ),
    content=("spend_date", "funnel", "cost_inr", "impressions", "clicks"),
    matching=(
        Pass((*_SPEND, "funnel_raw"), repeated=True),
        Pass(("date_time", *_CAMPAIGN, "funnel_raw"), repeated=True),
        Pass(("date_time", *_CAMPAIGN)),
        Pass(("campaign", *(name for name in _SPEND if name not in {"campaign", "date_time"}), "funnel_raw")),
        Pass(("date_time", "campaign", "platform")),
    ),
    people=None,
)

_PHONE_OF = """CASE WHEN t.phone_source = 'lead' THEN 'phone of the campaign lead with this e-mail'
            ELSE 'phone by ' || t.phone_source END"""
REGISTERED = People(
    ZOOM_REGISTRATIONS,
    at="t.registered_at",
    event=f"""concat_ws(', ', 'registered for ' || coalesce(e.topic, t.occurrence_id), 'on ' || e.event_date,
            t.approval_status, 'funnel ' || t.funnel, {_PHONE_OF}, t.email)""",
    email="email",
    of_an_occurrence=True,
)
ATTENDED = People(
    ZOOM_ATTENDANCE,
    at="coalesce(t.joined_at, e.started_at)",
    event=f"""concat_ws(', ', CASE WHEN t.attended THEN 'attended ' ELSE 'did not attend ' END
            || coalesce(e.topic, t.occurrence_id), 'on ' || e.event_date,
            t.minutes_union || ' minutes in ' || t.segment_count || ' segments', 'funnel ' || t.funnel,
            {_PHONE_OF}, CASE WHEN t.phone IS NULL THEN 'phone ' || (t.decided_by ->> 'phone') END, t.email)""",
    email="email",
    of_an_occurrence=True,
)

MARKETING = Part(NAME, sources=(TOFU_LEADS, AD_SPEND), other_people=(REGISTERED, ATTENDED))
