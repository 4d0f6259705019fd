"""Assets of parity: each names its inputs and calls the sheet."""

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome, summarised
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES, SPEND_BY_FUNNEL
from funnel_etl.marts.funnel.m0.closed_months import closed_months
from funnel_etl.marts.parity import contracts
from funnel_etl.marts.parity.diff import diff, every_cell_has_a_reason
from funnel_etl.marts.parity.m0 import SheetM0
from funnel_etl.marts.parity.sales import SheetSales
from funnel_etl.marts.parity.spend import SheetSpend
from funnel_etl.marts.parity.zoom_tab import ZoomTab
from funnel_etl.parts.marketing.contracts import AD_SPEND, RAW_AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, RAW_CRM_ASSIGNED_LEADS, RAW_CRM_SALES, SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset

GROUP = "parity"
ZOOM = {
    "attendee_rows": RAW_ZOOM_ATTENDEE_ROWS.only(*TRACE, "phone", "email", "attended"),
    "reports": ZOOM_REPORTS,
    "registrations": ZOOM_REGISTRATIONS.only("occurrence_id", "email", "phone", "phone_source"),
    "attendance": ZOOM_ATTENDANCE.only("occurrence_id", "phone", "attended", "joined_at"),
    "webinars": WEBINARS,
}
LEADS = {
    "raw_leads": RAW_CRM_ASSIGNED_LEADS,
    "leads": ASSIGNED_LEADS.only(
        *"assigned_at assigned_date phone phone_raw source employee dump_state".split(), *TRACE
    ),
}
SOLD = {
    "raw_sales": RAW_CRM_SALES,
    "sales": SALES.only(
        *"sale_id sold_date phone phone_raw funnel manual_mapping is_counted dump_state".split(), *TRACE
    ),
}
SPENT = {"raw_spend": RAW_AD_SPEND, "spend": AD_SPEND.only("spend_date", "cost_inr", *TRACE)}
MART = {
    "attributed_m0": ATTRIBUTED_M0,
    "attributed_sales": ATTRIBUTED_SALES,
    "spend_by_funnel": SPEND_BY_FUNNEL,
}
LENDING = {"tofu_leads": TOFU_LEADS.only("email", "phone")}
MADE_FROM = tuple({**ZOOM, **LENDING, **LEADS, **SOLD, **SPENT, **MART}.values())
Frames = dict[str, pd.DataFrame]


@table_asset(contracts.M0, group=GROUP, inputs={**LEADS, **ZOOM, **LENDING}, uses=Uses.MONTHS)
def m0(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Show M0 as the sheet would tonight."""
    rows = _m0(night, frames).table()
    return summarised(rows, **{"raw.crm_assigned_leads": frames["raw_leads"]})


@table_asset(contracts.SALES, group=GROUP, inputs={**SOLD, **ZOOM, **LENDING}, uses=Uses.NOTHING)
def sales(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Show the sales as the sheet would tonight."""
    rows = _sales(night, frames).table()
    return summarised(rows, **{"raw.crm_sales": frames["raw_sales"]})


@table_asset(contracts.SPEND_BY_FUNNEL, group=GROUP, inputs=SPENT, uses=Uses.NOTHING)
def spend_by_funnel(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Show the spend as the sheet would tonight."""
    return summarised(_spend(night, frames).table(), **{"raw.ad_spend": frames["raw_spend"]})


@table_asset(
    contracts.DIFF,
    group=GROUP,
    inputs={**LEADS, **SOLD, **SPENT, **ZOOM, **LENDING, **MART},
    conserved={"every_cell_has_a_reason": every_cell_has_a_reason},
    uses=Uses.CUT_OFF | Uses.MONTHS,
)
def diff_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Compare the sheet with mart, and prove the reason of each difference."""
    is_closed = night.as_of.replace(day=1) in closed_months(night.config, night.as_of)
    mart = {name: frames[name] for name in MART}
    m0 = _m0(night, frames)
    outcome = diff(m0, _sales(night, frames), _spend(night, frames), **mart, month_is_closed=is_closed)
    outcome.days = [m0.leads["at"]]  # as the sheet reads them, which may be another day than ours
    return outcome


def _m0(night: Night, frames: Frames) -> SheetM0:
    def make() -> SheetM0:
        own, year = (frames["raw_leads"], frames["leads"]), night.sources.settings.sheet_year
        zoom = _zoom(night, frames)
        return SheetM0(*own, zoom, night.config, as_of=night.as_of, zone=night.zone, sheet_year=year)

    return night.shared("the sheet's M0", make, (contracts.M0, contracts.DIFF))


def _sales(night: Night, frames: Frames) -> SheetSales:
    def make() -> SheetSales:
        own, zoom = (frames["raw_sales"], frames["sales"]), _zoom(night, frames)
        return SheetSales(*own, zoom, night.config, as_of=night.as_of, zone=night.zone)

    return night.shared("the sheet's sales", make, (contracts.SALES, contracts.DIFF))


def _spend(night: Night, frames: Frames) -> SheetSpend:
    return SheetSpend(frames["raw_spend"], frames["spend"], night.config, as_of=night.as_of, zone=night.zone)


def _zoom(night: Night, frames: Frames) -> ZoomTab:
    def make() -> ZoomTab:
        leads = frames["tofu_leads"] if night.config.is_on("phone_by_email") else None
        return ZoomTab(**{name: frames[name] for name in ZOOM}, as_of=night.as_of, leads=leads)

    return night.shared("the sheet's Zoom tab", make, (contracts.M0, contracts.SALES, contracts.DIFF))
