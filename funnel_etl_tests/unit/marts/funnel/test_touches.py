"""What came first in a person's history, over both parts."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.marts.funnel.contracts import STAGES, TOUCHES
from funnel_etl.marts.funnel.touches import attendance_by_phone, first_touches, of_phones, with_attendance
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE

WEBINAR_DAYS = "occurrence_id,event_date,started_at\no1,2026-11-03,2026-11-03 13:30\no2,2026-11-20,2026-11-20 13:30\n"
LEAD = "phone,created_at,created_date,funnel\n"
REGISTRATION = "phone,registered_at,registered_date,funnel,occurrence_id\n"
ATTENDANCE = "phone,attended,joined_at,funnel,occurrence_id\n"
ASSIGNMENT = "phone,assigned_at,assigned_date,funnel\n"
Touched = Callable[..., Outcome]
First = Callable[..., dict[str, tuple[str, str, str]]]


def test_each_stage_of_a_phone_is_a_touch_with_its_line_in_order_of_time(touched: Touched) -> None:
    rows = touched(
        "phone,created_at,created_date,utm_source,funnel,source_row\n1,2026-11-02 10:00,2026-11-02,fb,L,7\n",
        "phone,registered_at,registered_date,registration_source,funnel,source_row\n"
        "1,2026-11-01 22:00,2026-11-02,mail,R,7\n",
        "phone,attended,joined_at,occurrence_id,registration_source,funnel,source_row\n1,true,,o1,chat,W,7\n",
        WEBINAR_DAYS,
        "phone,assigned_at,assigned_date,source,funnel,source_row\n"
        "1,2026-11-04 10:00,2026-11-04,list,A,7\n1,2026-11-04 10:00,2026-11-04,list,A,8\n",
    ).rows
    assert list(rows.columns) == TOUCHES.names
    told = rows.assign(touch_at=rows["touch_at"].dt.strftime("%m-%d %H:%M"), day=rows["touch_date"].dt.day)
    assert told[["stage", "touch_at", "day", "source", "funnel", "source_row"]].to_numpy().tolist() == [
        ["registration", "11-01 22:00", 2, "mail", "R", 7],
        ["lead", "11-02 10:00", 2, "fb", "L", 7],
        ["attendance", "11-03 13:30", 3, "chat", "W", 7],
        ["assignment", "11-04 10:00", 4, "list", "A", 7],
        ["assignment", "11-04 10:00", 4, "list", "A", 8],
    ], "two assignments that say the same are two, and one line may tell of several stages"
    assert set(rows["stage"]) == set(STAGES)
    assert rows["phone"].tolist() == ["1"] * 5


def test_every_event_is_a_touch_or_says_why_it_is_none(touched: Touched) -> None:
    outcome = touched(
        LEAD + "1,2026-11-02 10:00,2026-11-02,L\n1,2026-11-20 10:00,2026-11-20,L\n,2026-11-02 10:00,2026-11-02,L\n",
        REGISTRATION + "1,2026-11-02 10:00,2026-11-02,R,o1\n1,,,R,o1\n",
        ATTENDANCE + "1,true,,W,o1\n2,false,,W,o1\n1,true,,W,o2\n1,true,2026-11-03 13:40,W,unknown\n,true,,W,o1\n",
        WEBINAR_DAYS,
        ASSIGNMENT + "1,2026-11-19 10:00,2026-11-19,A\n1,2026-11-20 10:00,2026-11-20,A\n",
        as_of="2026-11-19",
    )
    assert outcome.rows["stage"].tolist() == ["lead", "registration", "attendance", "assignment"]
    reasons = {line.input_name: line.reasons for line in outcome.ledger}
    assert reasons == {
        "clean.tofu_leads": {"excluded:after_as_of": 1, "excluded:no_phone_to_follow": 1},
        "clean.zoom_registrations": {"excluded:no_time": 1},
        "clean.zoom_attendance": {
            "excluded:after_as_of": 1,
            "excluded:no_phone_to_follow": 1,
            "excluded:no_show": 1,
            "excluded:no_time": 1,
        },
        "clean.assigned_leads": {"excluded:after_as_of": 1},
    }


def test_touches_of_one_instant_are_in_the_order_of_the_funnel_then_of_the_source(touched: Touched) -> None:
    at = "1,2026-11-02 10:00,2026-11-02"
    rows = touched(LEAD + f"{at},L1\n{at},L2\n", REGISTRATION + f"{at},R,o1\n", assigned=ASSIGNMENT + f"{at},A\n").rows
    assert rows["funnel"].tolist() == ["L1", "L2", "R", "A"]


@pytest.fixture
def first(touched: Touched) -> First:
    """Each phone's first touch: (stage, funnel, day)."""

    def make(lead: str = "", registration: str = "", attendance: str = "", assignment: str = "", day: int = 30):
        events = touched(
            LEAD + lead,
            REGISTRATION + registration,
            ATTENDANCE + attendance,
            WEBINAR_DAYS,
            ASSIGNMENT + assignment,
            as_of=f"2026-11-{day}",
        )
        found = first_touches(events.rows)
        days = found["first_touch_date"].dt.strftime("%m-%d")
        return dict(
            zip(
                found.index,
                zip(found["first_touch_stage"], found["first_touch_funnel"], days, strict=True),
                strict=True,
            )
        )

    return make


@pytest.mark.parametrize(
    ("events", "touch"),
    [
        pytest.param({"lead": "1,2026-11-02 10:00,2026-11-02,L\n"}, ("lead", "L", "11-02"), id="only_a_lead"),
        pytest.param(
            {
                "lead": "1,2026-11-02 10:00,2026-11-02,L\n",
                "registration": "1,2026-11-01 10:00,2026-11-01,R,o1\n",
                "assignment": "1,2026-11-03 10:00,2026-11-03,A\n",
            },
            ("registration", "R", "11-01"),
            id="the_earliest_of_all_stages",
        ),
        pytest.param(
            {
                "lead": "1,2026-11-02 10:00,2026-11-02,L1\n1,2026-11-01 10:00,2026-11-01,L2\n",
            },
            ("lead", "L2", "11-01"),
            id="the_earliest_of_one_stage",
        ),
        pytest.param(
            {
                "assignment": "1,2026-11-02 10:00,2026-11-02,A\n",
                "lead": "1,2026-11-02 10:00,2026-11-02,L\n",
            },
            ("lead", "L", "11-02"),
            id="ties_go_to_the_earlier_stage",
        ),
        pytest.param(
            {"assignment": "1,2026-11-02 10:00,2026-11-02,A1\n1,2026-11-02 10:00,2026-11-02,A2\n"},
            ("assignment", "A1", "11-02"),
            id="ties_of_one_stage_go_by_the_source",
        ),
        pytest.param(
            {"attendance": "1,true,,W,o1\n", "assignment": "1,2026-11-04 10:00,2026-11-04,A\n"},
            ("attendance", "W", "11-03"),
            id="an_unreadable_join_is_the_start_of_the_event",
        ),
        pytest.param(
            {"attendance": "1,false,,W,o1\n", "assignment": "1,2026-11-04 10:00,2026-11-04,A\n"},
            ("assignment", "A", "11-04"),
            id="who_did_not_come_did_not_touch",
        ),
        pytest.param(
            {"registration": "1,,,R,o1\n", "assignment": "1,2026-11-04 10:00,2026-11-04,A\n"},
            ("assignment", "A", "11-04"),
            id="a_registration_without_a_time_cannot_be_first",
        ),
    ],
)
def test_the_first_touch_is_the_earliest_event(
    first: First, events: dict[str, str], touch: tuple[str, str, str]
) -> None:
    assert first(**events) == {"1": touch}


def test_events_after_as_of_are_not_known_yet(first: First) -> None:
    lead, assignment = "1,2026-11-20 10:00,2026-11-20,L\n", "2,2026-11-19 10:00,2026-11-19,A\n"
    assert set(first(lead=lead, assignment=assignment, day=19)) == {"2"}
    assert set(first(lead=lead, assignment=assignment, day=20)) == {"1", "2"}


def test_events_without_a_phone_are_nobody_s(first: First) -> None:
    assert first(lead=",2026-11-01 10:00,2026-11-01,L\n") == {}


def test_no_events_at_all_give_no_touches(first: First) -> None:
    assert first() == {}


def test_attendance_is_summed_up_by_phone_over_occurrences_up_to_as_of(table_of: Callable[..., pd.DataFrame]) -> None:
    attendance = table_of(
        ZOOM_ATTENDANCE,
        ATTENDANCE
        + "1,true,2026-11-03 13:40,W,o1\n1,true,2026-11-20 13:40,W,o2\n2,false,,W,o1\n2,true,2026-11-20 13:40,W,o2\n"
        + ",true,2026-11-03 13:40,W,o1\n",
    )
    webinars = table_of(WEBINARS, WEBINAR_DAYS)
    early = attendance_by_phone(attendance, webinars, pd.Timestamp("2026-11-19"))
    assert early["attended"].to_dict() == {"1": "yes", "2": "no"}
    assert early["attended_count"].to_dict() == {"1": 1, "2": 0}
    late = attendance_by_phone(attendance, webinars, pd.Timestamp("2026-11-20"))
    assert late["attended"].to_dict() == {"1": "yes", "2": "yes"}
    assert late["first_attended_at"]["1"] == pd.Timestamp("2026-11-03 13:40", tz="UTC")


def test_rows_without_a_phone_or_a_report_are_not_found(table_of: Callable[..., pd.DataFrame]) -> None:
    attendance = table_of(ZOOM_ATTENDANCE, ATTENDANCE + "1,true,2026-11-03 13:40,W,o1\n,true,2026-11-03 13:40,W,o1\n")
    people = attendance_by_phone(attendance, table_of(WEBINARS, WEBINAR_DAYS), pd.Timestamp("2026-11-30"))
    rows = pd.DataFrame({"phone": pd.Series(["1", None, "9"], index=[4, 2, 8], dtype="str")})
    found = with_attendance(rows, people)
    assert found["attended"].to_dict() == {4: "yes", 2: "not_found", 8: "not_found"}
    assert found["attended_count"].tolist() == [1, 0, 0]


def test_without_any_zoom_report_everybody_is_not_found(table_of: Callable[..., pd.DataFrame]) -> None:
    people = attendance_by_phone(table_of(ZOOM_ATTENDANCE), table_of(WEBINARS), pd.Timestamp("2026-11-30"))
    found = with_attendance(pd.DataFrame({"phone": pd.Series(["1"], dtype="str")}), people)
    assert found["attended"].tolist() == ["not_found"]
    assert found["first_attended_at"].dtype == "datetime64[us, UTC]"


def test_the_touches_of_some_phones_are_theirs_in_the_same_order(touched: Touched) -> None:
    day = ",2026-11-02 10:00,2026-11-02,F\n"
    everything = touched(LEAD + "".join(f"{phone}{day}" for phone in ["1", "2", "3", "1"])).rows
    found = of_phones(everything, pd.Series(["3", None, "1", "9", "1"], dtype="str"))
    assert found["phone"].tolist() == ["1", "3", "1"]
    assert found.index.tolist() == [0, 1, 2]
    assert found["source_row"].tolist() == [2, 4, 5]
    assert of_phones(everything, pd.Series([], dtype="str")).empty
