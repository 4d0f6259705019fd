"""Files whose values were once read wrongly, through the clean transforms; where their folder is beside the project."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.source_frame import raw_records
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE, TOFU_LEADS_SOURCE
from funnel_etl.parts.marketing.leads import clean_tofu_leads
from funnel_etl.parts.marketing.spend import clean_ad_spend
from funnel_etl.parts.sales.contracts import SALES_SOURCE
from funnel_etl.parts.sales.sales import clean_sales

BESIDE = (parent / "shared" / "data" / "faults" for parent in Path(__file__).resolve().parents)
FOLDER = next((folder for folder in BESIDE if folder.is_dir()), None)
pytestmark = pytest.mark.skipif(FOLDER is None, reason="the folder of faulty inputs is not on this machine")

Clean = Callable[[pd.DataFrame, Config, str], Outcome]
SOURCES: dict[str, tuple[tuple[SourceColumn, ...], Clean]] = {
    "tofu_leads": (TOFU_LEADS_SOURCE, clean_tofu_leads),
    "ad_spend": (SPEND_SOURCE, clean_ad_spend),
    "crm_sales": (SALES_SOURCE, clean_sales),
}


def cleaned(name: str, source: str) -> Outcome:
    documented, clean = SOURCES[source]
    raw = raw_records((FOLDER / name).read_bytes(), "f" * 64, source, documented, {}).rows
    outcome = clean(raw, Config(), "Asia/Kolkata")
    assert all(line.balances for line in outcome.ledger)
    return outcome


def put_aside(outcome: Outcome) -> dict[int, str]:
    return dict(zip(outcome.quarantine["source_row"], outcome.quarantine["reason"], strict=True))


def test_phones_come_out_of_every_spelling() -> None:
    rows = cleaned("41_leads_phone_spellings.csv", "tofu_leads").rows
    expected = [f"98765123{number:02d}" for number in range(1, 11)] + ["", "8041234567", "9876512313"]
    assert rows["phone"].fillna("").tolist() == expected
    assert [len(others or []) for others in rows["phone_alternates"]] == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_a_cost_is_never_a_hundred_times_itself() -> None:
    outcome = cleaned("19_spend_decimal_comma.csv", "ad_spend")
    assert outcome.rows["cost_inr"].tolist() == [120_050, 9_875, 123_456, 30_000]
    assert len(outcome.notes) == 1


def test_money_that_is_not_plain_is_in_quarantine() -> None:
    outcome = cleaned("50_sales_money_spellings.csv", "crm_sales")
    assert outcome.rows.set_index("sale_id")["revenue_inr"].to_dict() == {
        "s0": 12_345_600,
        "s1": 1_250_000,
        "s5": -500_000,
    }
    assert set(put_aside(outcome).values()) == {"bad_money"}


def test_sales_with_a_rounded_id_are_not_one() -> None:
    outcome = cleaned("28_sales_ids_excel.csv", "crm_sales")
    assert outcome.rows["sale_id"].tolist() == ["s4"]
    assert put_aside(outcome) == dict.fromkeys((2, 3, 4), "rounded_id")


def test_a_test_lead_is_left_out() -> None:
    outcome = cleaned("39_leads_meta_test_lead.csv", "tofu_leads")
    assert outcome.rows["name"].tolist() == ["Asha Rao"]
    assert outcome.ledger[0].reasons == {"excluded:test_lead": 1}


def test_a_total_row_is_no_sale() -> None:
    outcome = cleaned("40_sales_total_row.csv", "crm_sales")
    assert outcome.rows["revenue_inr"].sum() == 300_000
    assert put_aside(outcome) == {4: "total_row"}
