"""Assets where the parts meet: each names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.catalog import SOURCES, TAKING_IN
from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel import conservation, contracts, pictures
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.data_version import data_version
from funnel_etl.marts.funnel.facts import funnel_facts, funnel_monthly, spend_by_funnel
from funnel_etl.marts.funnel.m0 import closing
from funnel_etl.marts.funnel.m0.closed_months import closed_months
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.m0.restatements import restatements
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.marts.scopes import map_parts
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

GROUP = "funnel"
ATTENDED = {
    "zoom_attendance": ZOOM_ATTENDANCE.only("occurrence_id", "phone", "attended", "joined_at"),
    "webinars": WEBINARS,
}
"""What tells whether and when a phone attended."""
MADE_FROM = (*(source.clean for source in SOURCES.values()), WEBINARS, ZOOM_REGISTRATIONS, ZOOM_ATTENDANCE)
"""The tables of the parts that the facts are made from."""
ASSIGNED = ASSIGNED_LEADS.only(
    *"phone user_id assigned_at assigned_date employee source funnel file_id source_row".split()
)
TOUCHED = {
    "tofu_leads": TOFU_LEADS.only(*"phone created_at created_date utm_source funnel file_id source_row".split()),
    "zoom_registrations": ZOOM_REGISTRATIONS.only(
        *"phone registered_at registered_date registration_source funnel file_id source_row".split()
    ),
    "zoom_attendance": ZOOM_ATTENDANCE.only(
        *"occurrence_id phone attended joined_at registration_source funnel file_id source_row".split()
    ),
    "webinars": WEBINARS,
    "assigned_leads": ASSIGNED_LEADS.only(*"phone assigned_at assigned_date source funnel file_id source_row".split()),
}
SPENT = AD_SPEND.only("spend_date", "funnel", "impressions", "clicks", "cost_inr")
COUNTED = {
    "tofu_leads": TOFU_LEADS.only("lead_id", "phone", "email", "created_date", "funnel", "is_first_lead"),
    "zoom_registrations": ZOOM_REGISTRATIONS.only("occurrence_id", "person_key", "funnel"),
    "zoom_attendance": ZOOM_ATTENDANCE.only("occurrence_id", "person_key", "attended", "funnel"),
    "webinars": WEBINARS,
    "assigned_leads": ASSIGNED_LEADS.only("phone", "assigned_date", "funnel"),
}
"""What is counted by day, and people of it by month."""


@table_asset(
    contracts.ATTRIBUTED_M0,
    group=GROUP,
    inputs={"assigned_leads": ASSIGNED, **ATTENDED},
    reads_earlier={contracts.ATTRIBUTED_M0: (Earlier.BEFORE,)},
    uses=Uses.CUT_OFF | Uses.MONTHS | Uses.SETTLED,
)
def attributed_m0_asset(night: Night, lake_store: Lake, **frames: pd.DataFrame) -> Outcome:
    """Return the leads assigned in each month, each phone once, and whether they attended; closed months as kept."""
    months = closed_months(night.config, night.as_of)
    closed = closing.rows_as_closed(night, lake_store, months)
    outcome = map_parts(attributed_m0, frames, as_of=night.as_of, closed=closed)
    closing.keep(night, months, outcome.rows)
    return outcome


@table_asset(
    contracts.RESTATEMENTS,
    group=GROUP,
    inputs={"closed": contracts.ATTRIBUTED_M0, "assigned_leads": ASSIGNED, **ATTENDED},
    uses=Uses.CUT_OFF | Uses.MONTHS,
)
def restatements_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """List what tonight's data would change in closed months."""
    return map_parts(restatements, frames, months=closed_months(night.config, night.as_of), as_of=night.as_of)


@table_asset(contracts.TOUCHES, group=GROUP, inputs=TOUCHED, uses=Uses.CUT_OFF)
def touches_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Return every event of every phone, in order of time."""
    return map_parts(touches, frames, as_of=night.as_of)


@table_asset(
    contracts.ATTRIBUTED_SALES,
    group=GROUP,
    inputs={
        "sales": SALES.only(
            *"sale_id phone sold_at sold_date revenue_inr is_counted employee_name final_funnel".split(),
            *("final_funnel_rule", *TRACE),
        ),
        "attributed_m0": contracts.ATTRIBUTED_M0.only("phone", "month", "assigned_at", "funnel"),
        "touches": contracts.TOUCHES.only("phone", "touch_at", "touch_date", "stage", "source", "funnel"),
        **ATTENDED,
    },
    uses=Uses.CUT_OFF,
)
def attributed_sales_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Return the sales that count, with what led to them."""
    return map_parts(attributed_sales, frames, as_of=night.as_of)


@table_asset(
    contracts.SPEND_BY_FUNNEL,
    group=GROUP,
    inputs={"ad_spend": SPENT},
    conserved={"spend_is_conserved": conservation.spend},
    uses=Uses.CUT_OFF,
)
def spend_by_funnel_asset(night: Night, ad_spend: pd.DataFrame) -> Outcome:
    """Sum the ad spend by month and funnel."""
    return spend_by_funnel(ad_spend, night.as_of)


@table_asset(
    contracts.FUNNEL_FACTS,
    group=GROUP,
    inputs={
        **COUNTED,
        "attributed_m0": contracts.ATTRIBUTED_M0.only("assigned_date", "attended", "funnel"),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
        "ad_spend": SPENT,
    },
    conserved={
        "spend_is_conserved": conservation.spend,
        "revenue_is_conserved": conservation.revenue,
        "m0_is_conserved": conservation.m0,
    },
    shows=pictures.shown,
    lineage={measure: origin.columns for measure, origin in contracts.ORIGINS.items()},
    uses=Uses.CUT_OFF,
)
def funnel_facts_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Count and sum everything by day and funnel."""
    return funnel_facts(**frames, as_of=night.as_of)


@table_asset(
    contracts.FUNNEL_MONTHLY,
    group=GROUP,
    inputs={"facts": contracts.FUNNEL_FACTS, **COUNTED, "attributed_sales": contracts.ATTRIBUTED_SALES},
    uses=Uses.CUT_OFF,
)
def funnel_monthly_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Sum the facts by month, count people once, and return the rates."""
    return funnel_monthly(**frames, as_of=night.as_of)


@table_asset(
    contracts.DATA_VERSION,
    group=GROUP,
    inputs={source.name: source.clean.only(source.day) for source in SOURCES.values()},
)
def data_version_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Record what the facts are of: the night, the code, the config, and through which day each part is complete."""
    days = {part.name: [frames[each.name][each.day] for each in part.sources] for part in TAKING_IN}
    return data_version(days, as_of=night.as_of, config_version=night.config.version)
