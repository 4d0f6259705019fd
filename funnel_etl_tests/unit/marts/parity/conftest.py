"""A night as parity sees it: raw and clean frames of CSV texts, a Zoom tab of (phone, attended) rows, config tables."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.source_frame import Page, raw_pages
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES
from funnel_etl.marts.funnel.facts import spend_by_funnel
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.marts.parity.diff import diff
from funnel_etl.marts.parity.m0 import SheetM0
from funnel_etl.marts.parity.sales import SheetSales
from funnel_etl.marts.parity.spend import SheetSpend
from funnel_etl.marts.parity.zoom_tab import ZoomTab
from funnel_etl.parts.marketing.contracts import AD_SPEND, SPEND_SOURCE, TOFU_LEADS
from funnel_etl.parts.marketing.spend import clean_ad_spend
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_ATTENDEE_ROWS
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, ASSIGNED_LEADS_SOURCE, SALES, SALES_SOURCE
from funnel_etl.parts.sales.sales import clean_sales

ZONE = "Asia/Kolkata"
LEADS_HEADER = "sources,assignOn,leadMobile,employee\n"
SALES_HEADER = "_id,status,createdOn,StudentContact,netAmount,assignedLeadSources,Funnel\n"
SPEND_HEADER = "date_time,cost,Funnel\n"
CONFIG = {
    "funnels": "funnel\nWebinar\nMeta Ads\nOther Sources (Miscellaneous)\n",
    "funnel_mapping": "source,funnel,valid_from,valid_to,note\nWeb List,Webinar,,,\nfb,Meta Ads,,,\n",
    "manual_value_funnel": "manual_value,funnel\nwalk in,Webinar\n",
    "metrics": "name,value\nexcluded_statuses,refunded\n",
}


@lru_cache(maxsize=64)
def once(make: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Return what `make` gives for these; made once, so not to be changed."""
    return make(*given, **named)


@dataclass
class Sheet:
    """What the three tabs show, and each cell that differs from mart with its reason."""

    m0: pd.DataFrame
    sales: pd.DataFrame
    spend: pd.DataFrame
    diff: pd.DataFrame
    mart: dict[str, pd.DataFrame] = field(default_factory=dict)

    def reasons(self, table: str) -> dict[tuple[str, str], tuple[str | None, str | None, str | None]]:
        """Return (key, column) → (in the sheet, in mart, reason) of one table."""
        rows = self.diff[self.diff["table_name"] == table]
        values = rows.astype("object").where(rows.notna(), None)
        cells = zip(values["parity_value"], values["canonical_value"], values["reason"], strict=True)
        return dict(zip(zip(values["key"], values["column_name"], strict=True), cells, strict=True))


@pytest.fixture
def sheet(table_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Callable[..., Sheet]:
    """The sheet of a night. `zoom`: rows phone,attended,occurrence_id,email in the order pasted; all of one event.

    `campaign_leads`: email,phone of the leads that lend their phones. `page`: how many rows a page of a source has.
    `prove_by_all_rows`: the differing cells are the same if all rows are watched, not only those of differing keys.
    """

    def make(
        leads: str = "",
        sales: str = "",
        spend: str = "",
        zoom: str = "",
        *,
        prove_by_all_rows: bool = False,
        as_of: str = "2026-11-15",
        sheet_year: int | None = None,
        aged: str = "",
        campaign_leads: str = "",
        sales_header: str = SALES_HEADER,
        page: int | None = None,
        **config: str,
    ) -> Sheet:
        tables = once(config_of, **(CONFIG | config))
        day = pd.Timestamp(as_of)

        def raw(source: str, header: str, text: str, documented: tuple) -> pd.DataFrame:
            lines = text.splitlines(keepends=True)
            size = page or len(lines) or 1
            texts = ["".join([header, *lines[at : at + size]]) for at in range(0, len(lines), size)] or [header]
            pages = [Page(each.encode(), f"{number:064x}") for number, each in enumerate(texts)]
            return raw_pages(pages, source, documented, {}).rows

        raw_leads = raw("crm_assigned_leads", LEADS_HEADER, leads, ASSIGNED_LEADS_SOURCE)
        raw_sales = raw("crm_sales", sales_header, sales, SALES_SOURCE)
        raw_spend = raw("ad_spend", SPEND_HEADER, spend, SPEND_SOURCE)
        clean_leads = ASSIGNED_LEADS.conform(clean_assigned_leads(raw_leads, tables, ZONE).rows)
        if aged:
            old = table_of(ASSIGNED_LEADS, "phone,phone_raw,assigned_at,assigned_date,source,funnel,employee\n" + aged)
            clean_leads = pd.concat([old.assign(dump_state="aged_out", file_id="old"), clean_leads], ignore_index=True)
        sold = SALES.conform(clean_sales(raw_sales, tables, ZONE).rows)
        spent = AD_SPEND.conform(clean_ad_spend(raw_spend, tables, ZONE).rows)
        pasted = table_of(RAW_ZOOM_ATTENDEE_ROWS, "phone,attended,event,email\n" + zoom).assign(file_id="z")
        reports = once(table_of, ZOOM_REPORTS, "file_id,received_at,occurrence_id\nz,2026-11-01,o\n")
        lent = dict(line.split(",") for line in campaign_leads.splitlines())
        came = table_of(ZOOM_ATTENDANCE, "phone,attended,joined_at,occurrence_id\n" + _people(zoom, lent))
        events = once(table_of, WEBINARS, "occurrence_id,event_date,started_at\no,2020-01-02,2020-01-02 10:00\n")
        lending = once(table_of, TOFU_LEADS, "email,phone\n" + campaign_leads)
        nobody = once(table_of, ZOOM_REGISTRATIONS)
        tab = ZoomTab(pasted, reports, nobody, came, events, day, lending)
        m0 = ATTRIBUTED_M0.conform(attributed_m0(clean_leads, came, events, day).rows)
        touched = touches(once(table_of, TOFU_LEADS), nobody, came, events, clean_leads, day).rows
        bought = attributed_sales(sold, m0, touched, came, events, day)
        mart = {
            "attributed_m0": m0,
            "attributed_sales": ATTRIBUTED_SALES.conform(bought.rows),
            "spend_by_funnel": spend_by_funnel(spent, day).rows,
        }
        sheets = (
            SheetM0(raw_leads, clean_leads, tab, tables, as_of=day, zone=ZONE, sheet_year=sheet_year),
            SheetSales(raw_sales, sold, tab, tables, as_of=day, zone=ZONE),
            SheetSpend(raw_spend, spent, tables, as_of=day, zone=ZONE),
        )
        found = diff(*sheets, **mart, month_is_closed=False).rows
        if prove_by_all_rows:
            with pytest.MonkeyPatch.context() as patch:
                for each in (SheetM0, SheetSales):
                    patch.setattr(each, "of", lambda own, _keys: own)
                pd.testing.assert_frame_equal(found, diff(*sheets, **mart, month_is_closed=False).rows)
        return Sheet(*(each.table() for each in sheets), found, mart)

    return make


def _people(zoom: str, lent: dict[str, str]) -> str:
    """Return the clean attendance of the pasted rows: each phone once, attended if any of its rows did."""
    rows: dict[str, bool] = {}
    for line in zoom.splitlines():
        phone, attended, _, email = [*line.split(","), "", ""][:4]
        ten = "".join(c for c in phone or lent.get(email, "") if c.isdigit())[-10:]
        if len(ten) == 10:
            rows[ten] = rows.get(ten, False) or attended == "true"
    return "".join(f"{phone},{str(came).lower()},,o\n" for phone, came in rows.items())
