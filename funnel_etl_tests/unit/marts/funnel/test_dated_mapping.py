"""A source of different funnels over time: right at both ends of every line, from the dump to the facts."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC, Config
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_SALES, FUNNEL_FACTS
from funnel_etl.marts.funnel.facts import funnel_facts
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, ASSIGNED_LEADS_SOURCE, SALES_SOURCE
from funnel_etl.parts.sales.sales import clean_sales

ZONE = "Asia/Kolkata"
AS_OF = pd.Timestamp("2027-12-31")
FUNNELS = "funnel\nWebinar\nMeta Ads\nGoogle Ads\n"
MAPPING = """\
source,funnel,valid_from,valid_to
Form,Webinar,,2026-10-31
Form,Meta Ads,2026-11-01,2026-11-10
Form,Google Ads,2026-11-20,
Retired,Webinar,,2026-11-10
Always,Meta Ads,,
"""
DAYS = [
    pytest.param("Form", "2001-01-01 00:00", "Webinar", id="long_before_a_blank_valid_from_is_open"),
    pytest.param("Form", "2026-10-31 23:59:59", "Webinar", id="last_second_of_valid_to"),
    pytest.param("Form", "2026-11-01 00:00", "Meta Ads", id="midnight_of_valid_from"),
    pytest.param("Form", "2026-11-10 23:59:59", "Meta Ads", id="last_second_of_the_second_line"),
    pytest.param("Form", "2026-11-11 00:00", MISC, id="between_two_lines"),
    pytest.param("Form", "2026-11-19 23:59:59", MISC, id="a_second_before_the_third_line"),
    pytest.param("Form", "2026-11-20 00:00", "Google Ads", id="first_day_of_the_third_line"),
    pytest.param("Form", "2027-12-31 12:00", "Google Ads", id="long_after_a_blank_valid_to_is_open"),
    pytest.param("Retired", "2026-11-10 23:59:59", "Webinar", id="last_day_of_a_retired_source"),
    pytest.param("Retired", "2026-11-11 00:00", MISC, id="first_day_after_it"),
    pytest.param("Always", "2001-01-01 00:00", "Meta Ads", id="both_blank_before"),
    pytest.param("Always", "2027-12-31 12:00", "Meta Ads", id="both_blank_after"),
]


@pytest.fixture
def config(config_of: Callable[..., Config]) -> Config:
    return config_of(funnels=FUNNELS, funnel_mapping=MAPPING)


@pytest.mark.parametrize(("source", "at", "funnel"), DAYS)
def test_an_assignment_has_the_funnel_of_its_day_in_clean_m0_and_facts(
    source: str,
    at: str,
    funnel: str,
    config: Config,
    raw_of: Callable[..., pd.DataFrame],
    table_of: Callable[..., pd.DataFrame],
) -> None:
    dump = f"sources,assignOn,leadMobile,employee\n{source.upper()},{at},9876512345,Asha\n"
    raw = raw_of("crm_assigned_leads", ASSIGNED_LEADS_SOURCE, dump)
    assigned = ASSIGNED_LEADS.conform(clean_assigned_leads(raw, config, ZONE).rows)
    assert assigned["funnel"].tolist() == [funnel]
    m0 = attributed_m0(assigned, table_of(ZOOM_ATTENDANCE), table_of(WEBINARS), AS_OF).rows
    assert m0["funnel"].tolist() == [funnel]
    empty = [table_of(table) for table in (TOFU_LEADS, ZOOM_REGISTRATIONS, ZOOM_ATTENDANCE, WEBINARS)]
    rows = funnel_facts(*empty, assigned, m0, table_of(ATTRIBUTED_SALES), table_of(AD_SPEND), AS_OF).rows
    facts = FUNNEL_FACTS.conform(rows)
    told = facts[["date", "funnel", "assigned_rows", "m0_assigned"]].to_numpy().tolist()
    assert told == [[pd.Timestamp(at[:10]), funnel, 1, 1]]


@pytest.mark.parametrize(("source", "at", "funnel"), DAYS)
def test_a_sale_without_a_funnel_has_that_of_its_lead_source_on_the_day_it_was_sold(
    source: str, at: str, funnel: str, config: Config, raw_of: Callable[..., pd.DataFrame]
) -> None:
    dump = (
        "_id,status,createdOn,StudentContact,netAmount,assignedLeadSources,Funnel\n"
        f"s1,paid,{at},9876512345,100,{source},\n"
    )
    sold = clean_sales(raw_of("crm_sales", SALES_SOURCE, dump), config, ZONE).rows
    assert sold["final_funnel"].tolist() == [funnel]


def test_the_days_of_one_source_are_told_apart_in_one_dump(
    config: Config, raw_of: Callable[..., pd.DataFrame], table_of: Callable[..., pd.DataFrame]
) -> None:
    days = pd.date_range("2026-10-30", "2026-11-21", freq="D").strftime("%Y-%m-%d").tolist()
    lines = "".join(f"Form,{day} 00:00,,A\nForm,{day} 23:59:59,,A\n" for day in days)
    dump = "sources,assignOn,leadMobile,employee\n" + lines
    rows = clean_assigned_leads(raw_of("crm_assigned_leads", ASSIGNED_LEADS_SOURCE, dump), config, ZONE).rows
    assert rows.groupby("funnel")["assigned_date"].agg(["min", "max", "size"]).astype("str").to_dict("index") == {
        "Webinar": {"min": "2026-10-30", "max": "2026-10-31", "size": "4"},
        "Meta Ads": {"min": "2026-11-01", "max": "2026-11-10", "size": "20"},
        MISC: {"min": "2026-11-11", "max": "2026-11-19", "size": "18"},
        "Google Ads": {"min": "2026-11-20", "max": "2026-11-21", "size": "4"},
    }
