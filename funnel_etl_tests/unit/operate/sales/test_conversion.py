"""Conversion by representative and team."""

import pandas as pd
import pytest

from funnel_etl.marts.engagement.calibration_maths import wilson
from funnel_etl.operate.sales.sales import NO_TEAM, conversion

SCORES = pd.DataFrame(
    [
        ("Asha Corvane", "North", 40, 10, 8, 3, 300.0),
        ("ASHA CORVANE", "North", 10, 5, 2, 0, 0.0),
        ("Dev Elvoor", "North", 50, 20, 5, 1, 100.0),
        ("Sold Only", NO_TEAM, 0, 0, 0, 2, 50.0),
    ],
    columns=["employee", "team", "m0_leads", "m0_attended", "m0_converted", "sales", "revenue_inr"],
)


def test_spellings_that_differ_by_case_are_one_representative() -> None:
    found = conversion(SCORES, "employee")
    assert found["employee"].tolist() == ["Asha Corvane", "Dev Elvoor", "Sold Only"]
    assert found["m0_leads"].tolist() == [50, 50, 0]
    assert found["rate"].tolist()[:2] == [0.2, 0.1]
    assert (found["low"][0], found["high"][0]) == pytest.approx(wilson(10, 50))


def test_who_had_no_lead_has_no_rate() -> None:
    last = conversion(SCORES, "employee").iloc[-1]
    assert pd.isna(last["rate"])
    assert pd.isna(last["low"])
    assert last["revenue_inr"] == 50


def test_a_team_is_the_sum_of_its_people() -> None:
    found = conversion(SCORES, "team").set_index("team")
    assert found.loc["North", ["m0_leads", "m0_converted", "sales"]].tolist() == [100, 15, 4]
