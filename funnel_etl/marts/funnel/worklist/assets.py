"""The asset of the work-list: names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.worklist.contracts import WORKLIST_MAPPING
from funnel_etl.marts.funnel.worklist.undecided_sales import conflicting_sales
from funnel_etl.marts.funnel.worklist.worklist import worklist_mapping
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REPORTS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, RAW_CRM_SALES, SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake


@table_asset(
    WORKLIST_MAPPING,
    group="funnel",
    inputs={
        "tofu_leads": TOFU_LEADS.only("utm_source", "utm_medium", "utm_campaign"),
        "ad_spend": AD_SPEND,
        "assigned_leads": ASSIGNED_LEADS.only("source", "assigned_date", *TRACE),
        "sales": SALES.only(
            *"sale_id phone sold_date status revenue_inr is_counted assigned_lead_sources manual_mapping".split(),
            *("funnel", "final_funnel", "final_funnel_rule", *TRACE),
        ),
        "attributed_m0": ATTRIBUTED_M0.only("phone", "month", "assigned_date", "source"),
        "raw_sales": RAW_CRM_SALES,
        "webinars": WEBINARS,
        "zoom_reports": ZOOM_REPORTS.only("file_id"),
        "zoom_attendance": ZOOM_ATTENDANCE.only("occurrence_id", "phone", "attended", "attended_date"),
    },
    resources={"lake_store"},
    uses=Uses.CUT_OFF,
)
def worklist_mapping_asset(night: Night, lake_store: Lake, raw_sales: pd.DataFrame, **frames: pd.DataFrame) -> Outcome:
    """List what a person should decide about mappings and sales, by the revenue at stake."""
    merged = lake_store.read_account(SALES, night.day)[0].merged
    conflicts = conflicting_sales(raw_sales, merged, frames["sales"], night.config)
    outcome = worklist_mapping(**frames, config=night.config, as_of=night.as_of, conflicts=conflicts)
    lines = night.config.table("funnel_mapping")
    outcome.days = [lines["valid_from"], lines["valid_to"] + pd.Timedelta(days=1)]
    return outcome
