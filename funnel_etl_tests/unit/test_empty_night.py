"""A night on which every source has only its header, and no Zoom export has come: every table is made, and empty."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.marts.funnel import contracts as mart
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.facts import funnel_facts, funnel_monthly, spend_by_funnel
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.parts.marketing import contracts as marketing
from funnel_etl.parts.marketing.leads import clean_tofu_leads
from funnel_etl.parts.marketing.spend import clean_ad_spend
from funnel_etl.parts.marketing.zoom.clean import contracts as zoom
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance, zoom_segments
from funnel_etl.parts.marketing.zoom.clean.bootcamps import bootcamp_participation
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.reader import contracts as zoom_raw
from funnel_etl.parts.sales import contracts as sales
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.history import crm_history, with_aged_out_leads, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales

ZONE = "Asia/Kolkata"
NIGHT = pd.Timestamp("2026-11-20")
NO_PLACEHOLDERS: frozenset[str] = frozenset()

FULL_CONFIG = {
    "funnels": "funnel\nWebinar\nMeta Ads\n",
    "funnel_mapping": "source,funnel\nFB,Meta Ads\n",
    "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel\nfb,*,*,Meta Ads\n",
    "manual_mapping": "sale_id,manual_value\ns1,FB\n",
    "manual_value_funnel": "manual_value,funnel\nFB,Meta Ads\n",
    "bot_names": "pattern\n*notetaker*\n",
    "zoom_profiles": "name,type,source_tag,topic_pattern\np,webinar_attended,Webinar,*\n",
    "category_tokens": "token,category\nacca,ACCA\n",
    "conductors": "name,conductor\nA,B\n",
    "webinar_overrides": "webinar_id,conductor\n123,B\n",
    "file_overrides": f"file_id,conductor\n{'a' * 64},B\n",
}


def made(table: Table, outcome: Outcome) -> pd.DataFrame:
    rows = table.conform(outcome.rows)
    assert table.problems(rows) == []
    assert all(line.balances and line.rows_in == 0 for line in outcome.ledger)
    assert rows.empty
    # As the lake hands it on: dtypes of the contract, whatever the transform gave.
    return table.from_arrow(table.to_arrow(rows))


@pytest.fixture(params=[{}, FULL_CONFIG], ids=["no_config", "with_config"])
def config(request: pytest.FixtureRequest, config_of: Callable[..., Config]) -> Config:
    return config_of(**request.param)


def header_only(documented: tuple[SourceColumn, ...]) -> str:
    return ",".join(column.name for column in documented) + "\n"


def test_a_night_without_any_rows_makes_every_table(raw_of: Callable[..., pd.DataFrame], config: Config) -> None:
    def raw(table: Table, documented: tuple[SourceColumn, ...]) -> pd.DataFrame:
        return table.from_arrow(table.to_arrow(table.conform(raw_of(table.name, documented, header_only(documented)))))

    leads = made(
        marketing.TOFU_LEADS,
        clean_tofu_leads(raw(marketing.RAW_TOFU_LEADS, marketing.TOFU_LEADS_SOURCE), config, ZONE),
    )
    spend = made(marketing.AD_SPEND, clean_ad_spend(raw(marketing.RAW_AD_SPEND, marketing.SPEND_SOURCE), config, ZONE))

    rows = {
        "attendee_rows": zoom_raw.RAW_ZOOM_ATTENDEE_ROWS.empty(),
        "registrant_rows": zoom_raw.RAW_ZOOM_REGISTRANT_ROWS.empty(),
    }
    reports = made(
        zoom.ZOOM_REPORTS,
        zoom_reports(zoom_raw.RAW_ZOOM_REPORTS.empty(), **rows, zone=ZONE, placeholders=NO_PLACEHOLDERS),
    )
    tables = {name: config.table(name) for name in CONFIG_READ}
    occurrences = made(
        zoom.ZOOM_OCCURRENCES,
        zoom_occurrences(
            reports, rows["attendee_rows"], **tables, conductors_csv=config.table("conductors"), zone=ZONE
        ),
    )
    bots = {"bot_names": config.table("bot_names"), "placeholders": NO_PLACEHOLDERS}
    people = {"reports": reports, **rows, "occurrences": occurrences}
    registrations = made(zoom.ZOOM_REGISTRATIONS, zoom_registrations(**people, **bots, zone=ZONE))
    attendance = made(zoom.ZOOM_ATTENDANCE, zoom_attendance(**people, **bots))
    made(zoom.ZOOM_SEGMENTS, zoom_segments(reports, **rows, **bots))
    events = made(zoom.WEBINARS, webinars(occurrences, registrations, attendance))
    made(zoom.BOOTCAMP_PARTICIPATION, bootcamp_participation(attendance, occurrences))

    raw_assigned = raw(sales.RAW_CRM_ASSIGNED_LEADS, sales.ASSIGNED_LEADS_SOURCE)
    raw_sales = raw(sales.RAW_CRM_SALES, sales.SALES_SOURCE)
    no_sales, no_leads = sales.SALES.empty(), sales.ASSIGNED_LEADS.empty()
    assigned = made(
        sales.ASSIGNED_LEADS, with_aged_out_leads(clean_assigned_leads(raw_assigned, config, ZONE), no_leads, config)
    )
    sold = made(sales.SALES, with_aged_out_sales(clean_sales(raw_sales, config, ZONE), no_sales, config))
    for before in (None, sales.CRM_HISTORY.empty()):
        made(sales.CRM_HISTORY, crm_history(raw_assigned, raw_sales, assigned, sold, before, NIGHT, config))

    m0 = made(mart.ATTRIBUTED_M0, attributed_m0(assigned, attendance, events, NIGHT))
    touched = made(mart.TOUCHES, touches(leads, registrations, attendance, events, assigned, NIGHT))
    attributed = made(mart.ATTRIBUTED_SALES, attributed_sales(sold, m0, touched, attendance, events, NIGHT))
    made(mart.SPEND_BY_FUNNEL, spend_by_funnel(spend, NIGHT))
    facts = made(
        mart.FUNNEL_FACTS,
        funnel_facts(leads, registrations, attendance, events, assigned, m0, attributed, spend, NIGHT),
    )
    made(
        mart.FUNNEL_MONTHLY,
        funnel_monthly(facts, leads, registrations, attendance, events, assigned, attributed, NIGHT),
    )
