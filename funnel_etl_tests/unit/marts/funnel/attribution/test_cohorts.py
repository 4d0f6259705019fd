"""Cohorts: what the M0 of a month bought, then and later."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.marts.funnel import conservation
from funnel_etl.marts.funnel.attribution.cohorts import cohorts
from funnel_etl.marts.funnel.attribution.contracts import COHORTS
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES

M0 = "month,phone,funnel\n2026-09-01,1,Webinar\n2026-09-01,2,Webinar\n2026-10-01,3,App\n"
SALES = (
    "sale_id,sold_date,revenue_inr,m0_month,m0_funnel\n"
    "S1,2026-09-20,100,2026-09-01,Webinar\n"
    "S2,2026-11-02,50.01,2026-09-01,Webinar\n"
    "S3,2026-11-03,,2026-09-01,Webinar\n"
    "S4,2026-11-03,70,,\n"
)
Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def made(table_of: Frame) -> Frame:
    def make(m0: str = M0, sales: str = SALES, as_of: str = "2026-11-15") -> pd.DataFrame:
        sold = table_of(ATTRIBUTED_SALES, sales)
        rows = COHORTS.conform(cohorts(table_of(ATTRIBUTED_M0, m0), sold, pd.Timestamp(as_of)).rows)
        assert COHORTS.problems(rows) == []
        for check in (conservation.cohort_sales, conservation.cohort_revenue):
            own, expected = check(rows, {"attributed_sales": sold}, pd.Timestamp(as_of))
            assert own == expected
        return rows.assign(month=rows["month"].dt.strftime("%m"))

    return make


def test_every_cohort_has_a_row_for_each_month_up_to_now_though_it_bought_nothing(made: Frame) -> None:
    columns = ["month", "offset_months", "funnel", "m0_leads", "sales", "revenue_inr"]
    assert made()[columns].to_numpy().tolist() == [
        ["09", 0, "Webinar", 2, 1, 10000],
        ["09", 1, "Webinar", 2, 0, 0],
        ["09", 2, "Webinar", 2, 2, 5001],
        ["10", 0, "App", 1, 0, 0],
        ["10", 1, "App", 1, 0, 0],
    ]


@pytest.mark.parametrize(
    ("as_of", "mature"),
    [
        pytest.param("2026-10-30", [True, False, False], id="the_month_is_not_over"),
        pytest.param("2026-10-31", [True, True, True], id="its_last_day_is_over"),
    ],
)
def test_a_month_is_mature_when_it_is_over(made: Frame, as_of: str, mature: list[bool]) -> None:
    early = "\n".join(SALES.split("\n")[:2]) + "\n"
    assert made(sales=early, as_of=as_of)["is_mature"].tolist() == mature


def test_years_change_between_a_cohort_and_its_sales(made: Frame) -> None:
    rows = made(
        "month,phone,funnel\n2025-12-01,1,App\n",
        "sale_id,sold_date,revenue_inr,m0_month,m0_funnel\nS1,2026-01-02,1,2025-12-01,App\n",
        "2026-01-31",
    )
    assert rows[["offset_months", "sales"]].to_numpy().tolist() == [[0, 0], [1, 1]]


def test_without_m0_there_are_no_cohorts_and_all_sales_are_unmatched(made: Frame) -> None:
    assert made("", "sale_id,sold_date,revenue_inr,m0_month\nS4,2026-11-03,70,\n").empty
