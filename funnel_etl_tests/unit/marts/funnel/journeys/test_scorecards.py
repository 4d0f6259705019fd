"""Score-cards of representatives and webinars."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES
from funnel_etl.marts.funnel.journeys.contracts import EMPLOYEE_SCORECARD, WEBINAR_SCORECARD
from funnel_etl.marts.funnel.journeys.scorecards import employee_scorecard, webinar_scorecard, wilson
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def employees(table_of: Frame) -> Callable[[str, str], list[list[object]]]:
    def make(m0: str, sales: str) -> list[list[object]]:
        leads = table_of(ATTRIBUTED_M0, "month,phone,current_employee,attended\n" + m0)
        sold = table_of(ATTRIBUTED_SALES, "sale_id,sold_date,phone,employee,revenue_inr,m0_month\n" + sales)
        rows = EMPLOYEE_SCORECARD.conform(employee_scorecard(leads, sold).rows)
        assert EMPLOYEE_SCORECARD.problems(rows) == []
        rows["month"] = rows["month"].dt.strftime("%m")
        kept = rows.drop(columns=["conversion_low", "conversion_high"])
        return kept.astype("object").where(kept.notna(), None).to_numpy().tolist()

    return make


@pytest.fixture
def webinars(table_of: Frame) -> Frame:
    def make(came: str, given: str = "", sold: str = "") -> pd.DataFrame:
        days = "occurrence_id,event_date,started_at,registered_count,attended_count\n"
        days += "o1,2026-11-03,2026-11-03 13:30,9,2\no2,2026-11-10,2026-11-10 13:30,4,0\n"
        days += "o3,2026-12-20,2026-12-20 13:30,1,1\n"
        sales = "sale_id,phone,sold_at,sold_date,revenue_inr\n" + sold
        outcome = webinar_scorecard(
            table_of(WEBINARS, days),
            table_of(ZOOM_ATTENDANCE, "phone,attended,joined_at,occurrence_id\n" + came),
            table_of(ASSIGNED_LEADS, "phone,assigned_at,assigned_date\n" + given),
            table_of(SALES, sales),
            table_of(ATTRIBUTED_SALES, sales),
            pd.Timestamp("2026-11-30"),
        )
        rows = WEBINAR_SCORECARD.conform(outcome.rows)
        assert WEBINAR_SCORECARD.problems(rows) == []
        return rows.set_index("occurrence_id")

    return make


def test_m0_is_the_current_employee_s_and_sales_are_who_sold(
    employees: Callable[[str, str], list[list[object]]],
) -> None:
    assert employees(
        "2026-10-01,1,Asha,yes\n2026-10-01,2,Asha,no\n2026-11-01,1,Binoy,yes\n",
        "S1,2026-11-05,1,Asha,100,2026-11-01\nS2,2026-11-06,1,Asha,,2026-11-01\n",
    ) == [
        ["10", "Asha", 2, 1, 0, 0, 0, 0.0],
        ["11", "Asha", 0, 0, 0, 2, 10000, None],
        ["11", "Binoy", 1, 1, 1, 0, 0, 1.0],
    ]


def test_leads_and_sales_of_nobody_are_a_row(employees: Callable[[str, str], list[list[object]]]) -> None:
    assert employees("2026-11-01,1,,no\n", "S1,2026-11-05,9,,100,\n") == [
        ["11", "(no employee)", 1, 0, 0, 1, 10000, 0.0]
    ]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        pytest.param(8, 10, 0.4901625, 0.9433178, id="eight_of_ten"),
        pytest.param(0, 10, 0.0, 0.2775328, id="none_of_ten"),
        pytest.param(10, 10, 0.7224672, 1.0, id="all_of_ten"),
        pytest.param(500, 1000, 0.4690696, 0.5309304, id="half_of_a_thousand"),
    ],
)
def test_the_interval_is_wilson_s(successes: int, trials: int, low: float, high: float) -> None:
    found = wilson(pd.Series([successes]), pd.Series([trials])).iloc[0]
    assert found["conversion_rate"] == successes / trials
    assert found["conversion_low"] == pytest.approx(low, abs=1e-7)
    assert found["conversion_high"] == pytest.approx(high, abs=1e-7)


def test_without_trials_there_is_no_rate() -> None:
    assert wilson(pd.Series([0]), pd.Series([0])).isna().all(axis=None)


def test_a_webinar_is_scored_by_what_its_attendees_did_after_joining(webinars: Frame) -> None:
    found = webinars(
        "1,true,2026-11-03 13:35,o1\n2,true,,o1\n3,false,,o1\n",
        "1,2026-11-03 13:35,2026-11-03\n2,2026-11-03 13:29,2026-11-03\n3,2026-11-04 10:00,2026-11-04\n",
        "S1,1,2026-11-04 10:00,2026-11-04,100.01\nS2,1,2026-11-05 10:00,2026-11-05,\n"
        "S3,2,2026-11-01 10:00,2026-11-01,5\n",
    )
    assert found.index.tolist() == ["o1", "o2"]
    columns = ["registered_count", "attended_count", "assigned_count", "sold_count", "revenue_inr"]
    assert found.loc["o1", columns].tolist() == [9, 2, 1, 1, 10001]
    assert found.loc["o1", "revenue_per_attendee_inr"] == 5001
    assert pd.isna(found.loc["o2", "revenue_per_attendee_inr"])
