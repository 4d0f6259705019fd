"""What is handed to sales, and the gaps in it."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.marts.funnel.journeys.contracts import HANDOVER_GAPS, LEAD_JOURNEY, QUALIFIED_LEADS
from funnel_etl.marts.funnel.journeys.handover import handover_gaps, qualified_leads
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS

CAME = "phone,user_id,attended,joined_at,occurrence_id,minutes_union,category,source_row\n"
GIVEN = "phone,user_id,assigned_at,assigned_date,employee,source_row\n"
DAYS = (
    "occurrence_id,event_date,started_at,topic\no1,2026-11-03,2026-11-03 13:30,First\n"
    "o2,2026-11-10,2026-11-10 13:30,Second\no3,2026-12-20,2026-12-20 13:30,Later\n"
)
AS_OF = pd.Timestamp("2026-11-30")
Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def qualified(table_of: Frame) -> Frame:
    def make(came: str, given: str = "", journey: str = "") -> pd.DataFrame:
        phones = sorted({line.split(",")[0] for line in came.splitlines()} - {""})
        known = journey or "phone,user_id\n" + "".join(f"{phone},91{phone}\n" for phone in phones)
        attendance, webinars = table_of(ZOOM_ATTENDANCE, CAME + came), table_of(WEBINARS, DAYS)
        outcome = qualified_leads(
            attendance, webinars, table_of(ASSIGNED_LEADS, GIVEN + given), table_of(LEAD_JOURNEY, known), AS_OF
        )
        assert all(line.balances for line in outcome.ledger)
        rows = QUALIFIED_LEADS.conform(outcome.rows)
        assert QUALIFIED_LEADS.problems(rows) == []
        rows.attrs["reasons"] = outcome.ledger[0].reasons
        return rows.set_index("phone")

    return make


@pytest.fixture
def gaps(table_of: Frame) -> Callable[..., list[list[object]]]:
    def make(came: str = "", given: str = "") -> list[list[object]]:
        attendance, webinars = table_of(ZOOM_ATTENDANCE, CAME + came), table_of(WEBINARS, DAYS)
        outcome = handover_gaps(attendance, webinars, table_of(ASSIGNED_LEADS, GIVEN + given), AS_OF)
        rows = HANDOVER_GAPS.conform(outcome.rows)
        assert HANDOVER_GAPS.problems(rows) == []
        columns = ["gap_kind", "phone", "age_days", "employee", "source_row"]
        return rows[columns].astype("object").where(rows[columns].notna(), None).to_numpy().tolist()

    return make


def test_the_last_attendance_speaks_for_a_phone(qualified: Frame) -> None:
    found = qualified("1,911,true,2026-11-10 13:35,o2,42,Tax,8\n1,911,true,2026-11-03 13:35,o1,7,Audit,9\n")
    row = found.loc["1"]
    assert row[
        ["last_occurrence_id", "last_topic", "minutes", "category", "attended_count", "source_row"]
    ].tolist() == [*("o2", "Second", 42, "Tax", 2, 8)]
    assert row["days_since_attended"] == 20
    assert found.attrs["reasons"] == {"merged:attended_later": 1}


def test_an_unknown_join_is_the_start_and_unknown_minutes_stay_unknown(qualified: Frame) -> None:
    row = qualified("1,911,true,,o1,,Tax,8\n").loc["1"]
    assert str(row["last_attended_at"]) == "2026-11-03 13:30:00+00:00"
    assert pd.isna(row["minutes"])


def test_no_shows_later_events_and_people_without_a_phone_are_not_qualified_and_counted(qualified: Frame) -> None:
    found = qualified("1,911,false,,o1,0,,8\n2,912,true,,o3,5,,9\n,,true,,o1,5,,10\n")
    assert found.empty
    assert found.attrs["reasons"] == {
        "excluded:no_show": 1,
        "excluded:after_as_of": 1,
        "excluded:no_phone_to_hand_over": 1,
    }


def test_assigned_is_whether_ever_up_to_as_of(qualified: Frame) -> None:
    found = qualified(
        "1,911,true,,o1,5,,8\n2,912,true,,o1,5,,9\n",
        "1,911,2026-09-01 10:00,2026-09-01,Asha,2\n2,912,2026-12-01 10:00,2026-12-01,Asha,3\n",
    )
    assert found["is_assigned"].to_dict() == {"1": True, "2": False}


def test_the_first_touch_is_that_of_the_journey(qualified: Frame) -> None:
    journey = "phone,user_id,first_touch_stage,first_touch_funnel\n1,911,lead,Ads\n"
    row = qualified("1,911,true,,o1,5,,8\n", journey=journey).loc["1"]
    assert row[["first_touch_stage", "first_touch_funnel"]].tolist() == ["lead", "Ads"]


@pytest.mark.parametrize(
    ("came", "given", "expected"),
    [
        pytest.param(
            "1,911,true,,o2,5,,8\n1,911,true,,o1,5,,9\n",
            "",
            [["attended_not_assigned", "1", 27, None, 9]],
            id="attended_not_assigned_since_the_first_attendance",
        ),
        pytest.param(
            "1,911,false,,o1,0,,8\n",
            "1,911,2026-11-06 10:00,2026-11-06,Asha,2\n1,911,2026-11-08 10:00,2026-11-08,Binoy,3\n",
            [["assigned_never_attended", "1", 24, "Binoy", 2]],
            id="assigned_never_attended_since_the_first_assignment_with_the_current_employee",
        ),
        pytest.param(
            "",
            "1,911,2026-11-06 10:00,2026-11-06,Asha,3\n1,911,2026-11-06 10:00,2026-11-06,Binoy,2\n",
            [["assigned_never_attended", "1", 24, "Binoy", 3]],
            id="assigned_in_one_minute_at_the_end_of_one_page_and_the_beginning_of_the_next",
        ),
        pytest.param(
            "1,911,true,2026-11-03 13:35,o1,5,,8\n",
            "1,911,2026-11-03 13:34,2026-11-03,Asha,2\n",
            [["assigned_before_attending", "1", 27, "Asha", 2]],
            id="assigned_a_minute_before_attending",
        ),
        pytest.param(
            "1,911,true,2026-11-03 13:35,o1,5,,8\n",
            "1,911,2026-11-03 13:35,2026-11-03,Asha,2\n",
            [],
            id="assigned_when_joining_is_no_gap",
        ),
        pytest.param(
            "1,911,true,,o3,5,,8\n",
            "1,911,2026-12-06 10:00,2026-12-06,Asha,2\n",
            [],
            id="what_is_later_than_as_of_is_no_gap_yet",
        ),
        pytest.param(
            ",,true,,o1,5,,8\n",
            ",,2026-11-06 10:00,2026-11-06,Asha,2\n",
            [],
            id="without_a_phone_nobody_can_be_matched",
        ),
    ],
)
def test_gaps(gaps: Callable[..., list[list[object]]], came: str, given: str, expected: list[list[object]]) -> None:
    assert gaps(came, given) == expected
