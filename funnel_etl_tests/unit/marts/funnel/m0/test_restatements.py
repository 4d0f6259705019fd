"""Closed months: their M0 stays as it was, and what would differ is said beside it."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, RESTATEMENTS
from funnel_etl.marts.funnel.m0.closed_months import ClosedM0, closed_months
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.m0.restatements import restatements
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS

HEADER = "phone,assigned_at,assigned_date,source,funnel,employee\n"
THEN = (
    "9000000001,2026-10-05 10:00,2026-10-05,A,Webinar,Asha\n"
    "9000000002,2026-10-06 10:00,2026-10-06,B,Meta Ads,Binoy\n"
    "9000000003,2026-11-02 10:00,2026-11-02,C,App,Chitra\n"
)
NOW = (
    "9000000001,2026-10-05 10:00,2026-10-05,A,Meta Ads,Asha\n"
    "9000000004,2026-10-07 10:00,2026-10-07,D,App,Binoy\n"
    "9000000003,2026-11-02 10:00,2026-11-02,C,Webinar,Chitra\n"
)
OCTOBER = pd.Timestamp(2026, 10, 1)
NOVEMBER_20 = pd.Timestamp(2026, 11, 20)
Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def m0(table_of: Frame) -> Frame:
    def make(assigned: str, closed: ClosedM0 | None = None) -> pd.DataFrame:
        frames = table_of(ASSIGNED_LEADS, HEADER + assigned), table_of(ZOOM_ATTENDANCE), table_of(WEBINARS)
        outcome = attributed_m0(*frames, NOVEMBER_20, **({"closed": closed} if closed else {}))
        assert all(line.balances for line in outcome.ledger)
        assert sum(line.rows_out for line in outcome.ledger) == len(outcome.rows)
        rows = ATTRIBUTED_M0.conform(outcome.rows)
        assert ATTRIBUTED_M0.problems(rows) == []
        return rows

    return make


@pytest.fixture
def restated(table_of: Frame) -> Frame:
    def make(closed: pd.DataFrame, now: str, attendance: str = "", webinars: str = "") -> pd.DataFrame:
        frames = table_of(ASSIGNED_LEADS, HEADER + now), table_of(ZOOM_ATTENDANCE, attendance)
        outcome = restatements(*frames, table_of(WEBINARS, webinars), closed, (OCTOBER,), NOVEMBER_20)
        rows = RESTATEMENTS.conform(outcome.rows)
        assert RESTATEMENTS.problems(rows) == []
        return rows

    return make


def closed_october(rows: pd.DataFrame) -> ClosedM0:
    return ClosedM0((OCTOBER,), rows[rows["month"] == OCTOBER])


def funnels(m0: pd.DataFrame) -> dict[str, str]:
    return dict(zip(m0["phone"], m0["funnel"], strict=True))


def test_a_closed_month_keeps_its_rows_and_an_open_one_follows_the_data(m0: Frame) -> None:
    assert funnels(m0(NOW, closed_october(m0(THEN)))) == {
        "9000000001": "Webinar",
        "9000000002": "Meta Ads",
        "9000000003": "Webinar",
    }


def test_a_month_closed_without_a_row_stays_without_one(m0: Frame) -> None:
    assert funnels(m0(NOW, ClosedM0((OCTOBER,), ATTRIBUTED_M0.empty()))) == {"9000000003": "Webinar"}


def test_what_would_differ_now_is_restated_cell_by_cell(m0: Frame, restated: Frame) -> None:
    rows = restated(m0(NOW, closed_october(m0(THEN))), NOW)
    columns = ["phone", "change", "column_name", "closed_value", "current_value"]
    assert rows[columns].astype("object").where(rows[columns].notna(), None).to_numpy().tolist() == [
        ["9000000001", "changed", "funnel", "Webinar", "Meta Ads"],
        ["9000000002", "removed", "(row)", "Meta Ads", None],
        ["9000000004", "added", "(row)", None, "App"],
    ]
    assert rows["source_row"].tolist() == [2, 3, 3]  # the lines that say so now, or said so then


def test_a_late_zoom_report_of_a_closed_month_is_a_restatement(m0: Frame, restated: Frame) -> None:
    rows = restated(
        m0(THEN),
        THEN,
        "phone,attended,joined_at,occurrence_id\n9000000001,true,2026-10-04 13:30:00,o1\n",
        "occurrence_id,event_date,started_at\no1,2026-10-04,2026-10-04 13:30\n",
    )
    assert dict(zip(rows["column_name"], rows["current_value"], strict=True)) == {
        "attended": "yes",
        "attended_before_assignment": "True",
        "attended_count": "1",
        "first_attended_at": "2026-10-04T13:30:00.000000Z",
    }


def test_nothing_is_restated_of_an_open_month_or_of_equal_rows(m0: Frame, restated: Frame) -> None:
    assert restated(m0(THEN), THEN).empty
    assert restated(m0(THEN), THEN.replace("9000000003", "9000000009")).empty


@pytest.mark.parametrize(
    ("as_of", "months"),
    [
        pytest.param("2026-10-30", ["2026-09"], id="a_month_that_is_not_over_cannot_be_closed"),
        pytest.param("2026-10-31", ["2026-09", "2026-10"], id="on_its_last_day_it_is_over"),
    ],
)
def test_only_months_that_are_over_are_closed(config_of: Callable[..., Config], as_of: str, months: list[str]) -> None:
    config = config_of(closed_months="month\n2026-10-01\n2026-09-01\n2026-10-01\n")
    assert [f"{month:%Y-%m}" for month in closed_months(config, pd.Timestamp(as_of))] == months
