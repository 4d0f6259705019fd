"""Assets of journeys, hand-over and score-cards: each names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel import contracts
from funnel_etl.marts.funnel.assets import ASSIGNED, ATTENDED, GROUP
from funnel_etl.marts.funnel.journeys import contracts as journey_contracts
from funnel_etl.marts.funnel.journeys.handover import handover_gaps, qualified_leads
from funnel_etl.marts.funnel.journeys.journeys import lead_journey
from funnel_etl.marts.funnel.journeys.scorecards import employee_scorecard, webinar_scorecard
from funnel_etl.marts.scopes import map_parts
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset

HANDED_OVER = ZOOM_ATTENDANCE.only(
    *"occurrence_id phone user_id attended joined_at minutes_union category conductor source_tag".split(), *TRACE
)


@table_asset(
    journey_contracts.LEAD_JOURNEY,
    group=GROUP,
    inputs={
        "touches": contracts.TOUCHES,
        "zoom_registrations": ZOOM_REGISTRATIONS.only(
            *"occurrence_id phone registered_at registration_source funnel file_id source_row".split()
        ),
        "webinars": WEBINARS,
        "assigned_leads": ASSIGNED_LEADS.only("employee", "file_id", "source_row"),
        "sales": SALES.only(
            *"phone sold_at sold_date revenue_inr is_counted employee_name source final_funnel".split(),
            *TRACE,
        ),
    },
    uses=Uses.CUT_OFF | Uses.MONTHS,
)
def lead_journey_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Follow each phone from its first touch to its sale."""
    return map_parts(lead_journey, frames, as_of=night.as_of)


@table_asset(
    journey_contracts.QUALIFIED_LEADS,
    group=GROUP,
    inputs={
        "zoom_attendance": HANDED_OVER,
        "webinars": WEBINARS,
        "assigned_leads": ASSIGNED_LEADS.only("phone", "assigned_date"),
        "lead_journey": journey_contracts.LEAD_JOURNEY.only(
            *"phone user_id first_touch_at first_touch_stage first_touch_source first_touch_funnel".split(),
            "first_assigned_at",
        ),
    },
    uses=Uses.SHOWN,
)
def qualified_leads_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Return who attended, with the first touch: Part 1's output."""
    return map_parts(qualified_leads, frames, as_of=night.as_of)


@table_asset(
    journey_contracts.HANDOVER_GAPS,
    group=GROUP,
    inputs={"zoom_attendance": HANDED_OVER, "webinars": WEBINARS, "assigned_leads": ASSIGNED},
    uses=Uses.SHOWN,
)
def handover_gaps_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Find who attended and was not assigned, and the reverse."""
    return map_parts(handover_gaps, frames, as_of=night.as_of)


@table_asset(
    journey_contracts.EMPLOYEE_SCORECARD,
    group=GROUP,
    inputs={
        "attributed_m0": contracts.ATTRIBUTED_M0.only("phone", "month", "attended", "current_employee"),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
    },
    uses=Uses.NOTHING,
)
def employee_scorecard_asset(_night: Night, **frames: pd.DataFrame) -> Outcome:
    """Score each representative by month."""
    return employee_scorecard(**frames)


@table_asset(
    journey_contracts.WEBINAR_SCORECARD,
    group=GROUP,
    inputs={
        **ATTENDED,
        "assigned_leads": ASSIGNED_LEADS.only("phone", "assigned_at", "assigned_date"),
        "sales": SALES.only("sale_id", "sold_at"),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
    },
    uses=Uses.CUT_OFF,
)
def webinar_scorecard_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Score each occurrence by what its attendees did after it."""
    return webinar_scorecard(**frames, as_of=night.as_of)
