"""CRM assignments: typed, mapped by their own day, and never merged."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC, NO_SOURCE, Config
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, ASSIGNED_LEADS_SOURCE

ZONE = "Asia/Kolkata"
CONFIG = {
    "funnels": "funnel\nMeta Ads\nApp\nReferral\n",
    "funnel_mapping": "source,funnel,valid_from,valid_to\n"
    "FB Form,meta ads,,\nPortal,App,,2026-10-31\nPortal,Referral,2026-11-01,\n",
    "placeholder_phones": "phone,note\n1234567890,\n",
}


@pytest.fixture
def clean(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Callable[[str], pd.DataFrame]:
    def make(text: str) -> pd.DataFrame:
        raw = raw_of("crm_assigned_leads", ASSIGNED_LEADS_SOURCE, text)
        outcome = clean_assigned_leads(raw, config_of(**CONFIG), ZONE)
        assert all(line.balances for line in outcome.ledger)
        rows = ASSIGNED_LEADS.conform(outcome.rows)
        assert ASSIGNED_LEADS.problems(rows) == []
        rows.attrs["quarantine"] = dict(
            zip(outcome.quarantine["source_row"], outcome.quarantine["reason"], strict=True)
        )
        return rows

    return make


def test_the_funnel_is_that_of_the_source_on_the_row_s_own_business_day(
    clean: Callable[[str], pd.DataFrame],
) -> None:
    rows = clean("""
        sources,assignOn,leadMobile,employee
        fb  FORM,2026-11-01 10:00:00,9876512345,Asha
        Portal,2026-10-31T18:29:59Z,9876512346,Asha
        Portal,2026-10-31T18:30:00Z,9876512347,Asha
        Unknown,2026-11-01 10:00:00,9876512348,Asha
        ,2026-11-01 10:00:00,9876512349,Asha
    """)
    assert rows["funnel"].tolist() == ["Meta Ads", "App", "Referral", MISC, NO_SOURCE]
    assert rows["source"].fillna("").tolist() == ["fb FORM", "Portal", "Portal", "Unknown", ""]
    assert rows["assigned_date"].dt.strftime("%m-%d").tolist() == ["11-01", "10-31", "11-01", "11-01", "11-01"]


def test_a_total_and_a_test_lead_are_no_assignments(clean: Callable[[str], pd.DataFrame]) -> None:
    rows = clean("""
        sources,assignOn,leadMobile,employee
        FB Form,2026-11-01 10:00:00,9876512345,Asha
        FB Form,2026-11-01 10:00:00,<test lead: dummy data for phone_number>,Asha
        FB Form,2026-11-01 10:00:00,,Asha
        Total,2026-11-01 23:59:59,3,
    """)
    assert rows["source_row"].tolist() == [2, 4]
    assert rows.attrs["quarantine"] == {5: "total_row"}


def test_identical_rows_are_all_kept_in_the_order_of_the_dump(clean: Callable[[str], pd.DataFrame]) -> None:
    rows = clean("""
        sources,assignOn,leadMobile,employee
        FB Form,2026-11-02 10:00:00,9876512345,Asha
        FB Form,2026-11-02 10:00:00,9876512345,Asha
        FB Form,2026-11-01 10:00:00,9876512345,Asha
    """)
    assert rows["source_row"].tolist() == [2, 3, 4]


def test_a_row_without_a_phone_is_kept_and_one_without_a_readable_time_is_not(
    clean: Callable[[str], pd.DataFrame],
) -> None:
    rows = clean("""
        sources,assignOn,leadMobile,employee
        FB Form,2026-11-02 10:00:00,,Asha
        FB Form,2026-11-02 10:00:00,1234567890,Asha
        FB Form,,9876512345,Asha
        FB Form,45962.5,9876512345,Asha
        FB Form,2026-11-02 10:00:00,+91 98765-12345, Asha   Rao
    """)
    assert rows["phone_class"].tolist() == ["blank", "placeholder", "in_mobile"]
    assert rows["phone"].fillna("").tolist() == ["", "", "9876512345"]
    assert rows["user_id"].fillna("").tolist() == ["", "", "919876512345"]
    assert rows["phone_raw"].tolist() == ["", "1234567890", "+91 98765-12345"]
    assert rows["employee"].tolist() == ["Asha", "Asha", "Asha Rao"]
    assert rows.attrs["quarantine"] == {4: "blank_date", 5: "excel_serial"}


def test_a_dump_with_only_its_header_gives_an_empty_table(clean: Callable[[str], pd.DataFrame]) -> None:
    assert clean("sources,assignOn,leadMobile,employee").empty
