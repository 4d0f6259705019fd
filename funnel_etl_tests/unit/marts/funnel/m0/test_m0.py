"""M0: who was assigned in a month, each phone once."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS

HEADER = "phone,assigned_at,assigned_date,source,funnel,employee\n"
M0 = Callable[..., pd.DataFrame]


@pytest.fixture
def m0(table_of: Callable[..., pd.DataFrame]) -> M0:
    def make(assigned: str, attendance: str = "", webinars: str = "", as_of: str = "2026-11-30") -> pd.DataFrame:
        outcome = attributed_m0(
            table_of(ASSIGNED_LEADS, HEADER + assigned if assigned else ""),
            table_of(ZOOM_ATTENDANCE, attendance),
            table_of(WEBINARS, webinars),
            pd.Timestamp(as_of),
        )
        assert all(line.balances for line in outcome.ledger)
        rows = ATTRIBUTED_M0.conform(outcome.rows)
        assert ATTRIBUTED_M0.problems(rows) == []
        rows.attrs["reasons"] = outcome.ledger[0].reasons
        return rows

    return make


def values(frame: pd.DataFrame, *columns: str) -> list[list[object]]:
    return frame[list(columns)].astype("object").where(frame[list(columns)].notna(), None).to_numpy().tolist()


def test_the_month_s_earliest_row_gives_source_funnel_and_first_employee_its_latest_the_current_one(m0: M0) -> None:
    rows = m0(
        "9000000001,2026-11-05 10:00,2026-11-05,Late,Webinar,Binoy\n"
        "9000000001,2026-11-02 10:00,2026-11-02,Early,Meta Ads,Asha\n"
        "9000000001,2026-11-09 10:00,2026-11-09,Last,App,Chitra\n"
    )
    assert values(rows, "source", "funnel", "first_employee", "current_employee", "assignment_count", "source_row") == [
        ["Early", "Meta Ads", "Asha", "Chitra", 3, 3]
    ]
    assert rows["assigned_date"].dt.day.tolist() == [2]
    assert rows.attrs["reasons"] == {"merged:later_assignment_of_the_month": 2}


def test_ties_go_by_the_order_of_the_dump(m0: M0) -> None:
    same = "2026-11-02 10:00,2026-11-02"
    rows = m0(
        f"9000000001,{same},A,FA,Asha\n9000000001,{same},B,FB,Binoy\n9000000001,{same},C,FC,Chitra\n",
    )
    assert values(rows, "source", "funnel", "first_employee", "current_employee") == [["A", "FA", "Asha", "Chitra"]]


def test_a_missing_employee_is_missing_and_not_filled_from_another_row(m0: M0) -> None:
    rows = m0(
        "9000000001,2026-11-02 10:00,2026-11-02,A,F,\n"
        "9000000001,2026-11-03 10:00,2026-11-03,B,F,Binoy\n"
        "9000000001,2026-11-04 10:00,2026-11-04,C,F,\n"
    )
    assert values(rows, "first_employee", "current_employee") == [[None, None]]


def test_a_phone_assigned_in_two_months_is_in_both(m0: M0) -> None:
    rows = m0(
        "9000000001,2026-10-31 10:00,2026-10-31,Oct,F,Asha\n"
        "9000000001,2026-11-01 10:00,2026-11-01,Nov,F,Binoy\n"
        "9000000002,2026-11-01 10:00,2026-11-01,Nov,F,Binoy\n"
    )
    rows["month"] = rows["month"].dt.strftime("%Y-%m-%d")
    assert values(rows, "month", "phone", "source", "current_employee") == [
        ["2026-10-01", "9000000001", "Oct", "Asha"],
        ["2026-11-01", "9000000001", "Nov", "Binoy"],
        ["2026-11-01", "9000000002", "Nov", "Binoy"],
    ]


def test_assignments_after_as_of_are_not_known_yet(m0: M0) -> None:
    rows = m0(
        "9000000001,2026-11-02 10:00,2026-11-02,A,F,Asha\n"
        "9000000001,2026-11-03 00:00,2026-11-03,B,F,Binoy\n"
        "9000000002,2026-11-03 00:00,2026-11-03,B,F,Binoy\n",
        as_of="2026-11-02",
    )
    assert values(rows, "phone", "current_employee", "assignment_count") == [["9000000001", "Asha", 1]]
    assert rows.attrs["reasons"] == {"excluded:after_as_of": 2}


def test_rows_without_a_phone_are_left_out_by_name(m0: M0) -> None:
    rows = m0(",2026-11-02 10:00,2026-11-02,A,F,Asha\n9000000001,2026-11-02 10:00,2026-11-02,A,F,Asha\n")
    assert rows["phone"].tolist() == ["9000000001"]
    assert rows.attrs["reasons"] == {"excluded:no_phone": 1}


WEBINAR_DAYS = "occurrence_id,event_date,started_at\no1,2026-11-03,2026-11-03 13:30\no2,2026-11-20,2026-11-20 13:30\n"


@pytest.mark.parametrize(
    ("attendance", "as_of", "attended", "before", "count"),
    [
        pytest.param("o1,9000000001,true,2026-11-03 13:40", "2026-11-30", "yes", False, 1, id="attended_after"),
        pytest.param("o1,9000000001,true,2026-11-02 09:00", "2026-11-30", "yes", True, 1, id="attended_before"),
        pytest.param("o1,9000000001,false,", "2026-11-30", "no", False, 0, id="in_a_report_but_never_attended"),
        pytest.param("o1,9000000002,true,2026-11-03 13:40", "2026-11-30", "not_found", False, 0, id="in_no_report"),
        pytest.param("o2,9000000001,true,2026-11-20 13:40", "2026-11-19", "not_found", False, 0, id="after_as_of"),
        pytest.param("o2,9000000001,true,2026-11-20 13:40", "2026-11-20", "yes", False, 1, id="on_as_of"),
        pytest.param(
            "o1,9000000001,true,2026-11-03 13:40\no2,9000000001,false,", "2026-11-30", "yes", False, 1, id="once_is_yes"
        ),
        pytest.param("o1,9000000001,true,", "2026-11-30", "yes", False, 1, id="attended_without_a_readable_time"),
    ],
)
def test_attended_is_yes_no_or_not_found_over_all_occurrences_up_to_as_of(
    m0: M0, attendance: str, as_of: str, attended: str, *, before: bool, count: int
) -> None:
    rows = m0(
        "9000000001,2026-11-02 10:00,2026-11-02,A,F,Asha\n",
        "occurrence_id,phone,attended,joined_at\n" + attendance + "\n",
        WEBINAR_DAYS,
        as_of,
    )
    assert values(rows, "attended", "attended_before_assignment", "attended_count") == [[attended, before, count]]


def test_the_first_attendance_without_a_readable_join_counts_from_the_start_of_the_event(m0: M0) -> None:
    rows = m0(
        "9000000001,2026-11-05 10:00,2026-11-05,A,F,Asha\n",
        "occurrence_id,phone,attended,joined_at\no1,9000000001,true,\n",
        WEBINAR_DAYS,
    )
    assert rows["first_attended_at"].tolist() == [pd.Timestamp("2026-11-03 13:30", tz="UTC")]
    assert rows["attended_before_assignment"].tolist() == [True]


def test_no_assignments_give_an_empty_table(m0: M0) -> None:
    assert m0("").empty
