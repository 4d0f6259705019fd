"""What the facts are of, and through which day the data of each part reach."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.parts import MARKETING, SALES
from funnel_etl.marts.funnel.contracts import DATA_VERSION
from funnel_etl.marts.funnel.data_version import data_version
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS
from funnel_etl.parts.sales.contracts import SALES as SALES_TABLE

Version = Callable[..., Any]


@pytest.fixture
def version(table_of: Callable[..., pd.DataFrame]) -> Version:
    def make(leads: str = "", spend: str = "", assigned: str = "", sales: str = "") -> Any:
        def days(table: Any, column: str, given: str) -> pd.Series:
            return table_of(table, "\n".join([column, *given.split()]) if given else "")[column]

        of_part = {
            MARKETING: [days(TOFU_LEADS, "created_date", leads), days(AD_SPEND, "spend_date", spend)],
            SALES: [days(ASSIGNED_LEADS, "assigned_date", assigned), days(SALES_TABLE, "sold_date", sales)],
        }
        outcome = data_version(of_part, pd.Timestamp("2026-11-10"), "c0ffee")
        rows = DATA_VERSION.conform(outcome.rows)
        assert DATA_VERSION.problems(rows) == []
        assert len(rows) == 1
        return rows.iloc[0]

    return make


def test_it_names_the_night_and_the_config_and_leaves_the_version_to_publishing(version: Version) -> None:
    row = version()
    assert row["as_of"] == pd.Timestamp("2026-11-10")
    assert row["config_version"] == "c0ffee"
    assert row["code_version"]
    assert pd.isna(row["version"])
    assert pd.isna(row["published_at"])


@pytest.mark.parametrize(
    ("leads", "spend", "through"),
    [
        pytest.param("2026-11-09 2026-11-10", "2026-11-10", "2026-11-10", id="both_reach_as_of"),
        pytest.param("2026-11-10", "2026-11-07 2026-11-08", "2026-11-08", id="the_source_that_is_behind_decides"),
        pytest.param("2026-11-09 2026-11-12", "2026-11-12", None, id="rows_after_as_of_prove_nothing"),
        pytest.param("2026-11-10", "", None, id="a_source_without_rows"),
        pytest.param("", "", None, id="no_rows_at_all"),
    ],
)
def test_a_part_is_complete_through_the_day_all_its_sources_reach(
    version: Version, leads: str, spend: str, through: str | None
) -> None:
    marketing = version(leads=leads, spend=spend)["marketing_complete_through"]
    sales = version(assigned=leads, sales=spend)["sales_complete_through"]
    for day in (marketing, sales):
        assert (None if pd.isna(day) else f"{day:%Y-%m-%d}") == through


def test_one_part_s_sources_do_not_hold_back_the_other(version: Version) -> None:
    row = version(leads="2026-11-10", spend="2026-11-10")
    assert row["marketing_complete_through"] == pd.Timestamp("2026-11-10")
    assert pd.isna(row["sales_complete_through"])
