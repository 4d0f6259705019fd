"""Months of facts, put together."""

from datetime import date

import pandas as pd

from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.operate.facts.facts import Facts, by_cohort, month_end, to_compare, together

NONE = pd.DataFrame()


def rows(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    return pd.DataFrame({name: [0] * count for name in MEASURES} | columns)


def found(daily: pd.DataFrame, as_of: date) -> Facts:
    return Facts(as_of, daily, NONE, NONE, NONE)


def test_rates_of_several_funnels_are_those_of_the_sums_not_the_mean_of_the_rates() -> None:
    sums = together(rows(leads=[10, 990], sales=[1, 9], spend_inr=[1000.0, 0.0], m0_assigned=[5, 95]))
    assert sums["cac_inr"] == 100.0
    assert sums["cpl_inr"] == 1.0
    assert sums["conversion_rate"] == 0.1


def test_a_rate_over_zero_is_none() -> None:
    sums = together(rows(spend_inr=[0.0], revenue_inr=[5.0]))
    assert sums["roas"] is None
    assert sums["cac_inr"] is None


DAYS = rows(
    date=[date(2026, 10, 5), date(2026, 10, 20), date(2026, 11, 5), date(2025, 10, 5)],
    funnel=["a", "b", "a", "a"],
    leads=[1, 2, 4, 8],
)


def test_a_month_that_goes_on_is_compared_with_as_many_days_of_the_month_before() -> None:
    assert list(to_compare(found(DAYS, date(2026, 11, 10)), date(2026, 11, 1), None)["leads"]) == [1]


def test_a_month_that_is_over_is_compared_with_the_whole_month_before() -> None:
    assert list(to_compare(found(DAYS, date(2026, 11, 30)), date(2026, 11, 1), None)["leads"]) == [1, 2]
    assert list(to_compare(found(DAYS, date(2026, 11, 30)), date(2026, 11, 1), "b")["leads"]) == [2]


def test_a_month_ends_with_its_last_day() -> None:
    assert month_end(date(2028, 2, 1)) == date(2028, 2, 29)
    assert month_end(date(2026, 12, 1)) == date(2026, 12, 31)


def test_cohorts_of_several_funnels_share_their_sums() -> None:
    month = date(2026, 10, 1)
    given = pd.DataFrame(
        {
            "month": [month, month, month],
            "offset_months": [0, 0, 1],
            "funnel": ["a", "b", "a"],
            "m0_leads": [10, 30, 10],
            "sales": [1, 3, 2],
            "revenue_inr": [1.0, 2.0, 3.0],
            "is_mature": [True, False, False],
        }
    )
    both = by_cohort(given, [])
    assert list(both["share"]) == [0.1, 0.2]
    assert list(both["is_mature"]) == [False, False]
    assert list(by_cohort(given, ["b"])["m0_leads"]) == [30]
