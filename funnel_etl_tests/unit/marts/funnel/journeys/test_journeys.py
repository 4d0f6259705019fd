"""A phone's journey: the first of everything, how far it came, what it took."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.marts.funnel.journeys.contracts import LEAD_JOURNEY
from funnel_etl.marts.funnel.journeys.journeys import lead_journey
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

LEADS = "phone,created_at,created_date,utm_source,funnel,source_row\n"
REGISTERED = "phone,registered_at,registered_date,registration_source,funnel,occurrence_id,source_row\n"
CAME = "phone,attended,joined_at,funnel,occurrence_id\n"
GIVEN = "phone,assigned_at,assigned_date,source,funnel,employee,source_row\n"
SOLD = "phone,sold_at,sold_date,source,final_funnel,revenue_inr,is_counted,sale_id,source_row\n"
DAYS = "occurrence_id,event_date,started_at\no1,2026-11-03,2026-11-03 13:30\no2,2026-12-20,2026-12-20 13:30\n"
Journey = Callable[..., pd.DataFrame]


@pytest.fixture
def journey(table_of: Callable[..., pd.DataFrame], touched: Callable[..., Outcome]) -> Journey:
    """The journeys by phone, times and days as text."""

    def make(
        leads: str = "",
        registered: str = "",
        came: str = "",
        given: str = "",
        sold: str = "",
        as_of: str = "2026-11-30",
    ) -> pd.DataFrame:
        outcome = lead_journey(
            touched(LEADS + leads, REGISTERED + registered, CAME + came, DAYS, GIVEN + given, as_of).rows,
            table_of(ZOOM_REGISTRATIONS, REGISTERED + registered),
            table_of(WEBINARS, DAYS),
            table_of(ASSIGNED_LEADS, GIVEN + given),
            table_of(SALES, SOLD + sold),
            pd.Timestamp(as_of),
        )
        rows = LEAD_JOURNEY.conform(outcome.rows)
        assert LEAD_JOURNEY.problems(rows) == []
        texts = rows.astype("object").where(rows.notna(), None)
        for column in rows.select_dtypes(["datetime", "datetimetz"]):
            texts[column] = rows[column].dt.strftime("%m-%d %H:%M").astype("object").where(rows[column].notna(), None)
        return texts.set_index("phone")

    return make


def test_a_whole_journey_has_the_first_of_each_stage_and_the_days_between(journey: Journey) -> None:
    found = journey(
        leads="1,2026-11-02 10:00,2026-11-02,late,LL,5\n1,2026-11-01 10:00,2026-11-01,fb,L,6\n",
        registered="1,2026-11-02 12:00,2026-11-02,mail,R,o1,3\n",
        came="1,true,2026-11-03 13:35,A,o1\n",
        given="1,2026-11-05 09:00,2026-11-05,Webinar list,G,Asha,2\n1,2026-11-06 09:00,2026-11-06,x,X,Binoy,3\n",
        sold="1,2026-11-09 09:00,2026-11-09,crm,S,100.50,true,S1,2\n1,2026-11-20 09:00,2026-11-20,c,T,1,true,S2,3\n",
    ).loc["1"]
    expected = {
        "user_id": "911",
        "stage_reached": "sale",
        "sales": 2,
        "revenue_inr": 10150,
        "source_row": 6,
        "first_lead_at": "11-01 10:00",
        "first_lead_source": "fb",
        "first_lead_funnel": "L",
        "first_registered_at": "11-02 12:00",
        "first_registered_source": "mail",
        "first_registered_funnel": "R",
        "first_attended_at": "11-03 13:35",
        "first_attended_funnel": "A",
        "first_assigned_at": "11-05 09:00",
        "first_assigned_source": "Webinar list",
        "first_assigned_funnel": "G",
        "first_assigned_employee": "Asha",
        "m0_first_at": "11-05 09:00",
        "m0_first_funnel": "G",
        "first_sold_at": "11-09 09:00",
        "first_sold_source": "crm",
        "first_sold_funnel": "S",
        "first_touch_at": "11-01 10:00",
        "first_touch_stage": "lead",
        "first_touch_funnel": "L",
        "days_lead_to_registration": 1,
        "days_registration_to_attendance": 1,
        "days_attendance_to_assignment": 2,
        "days_assignment_to_sale": 4,
        "days_first_touch_to_sale": 8,
    }
    assert found[list(expected)].to_dict() == expected


@pytest.mark.parametrize(
    ("events", "stage"),
    [
        pytest.param({"leads": "1,2026-11-01 10:00,2026-11-01,fb,L,2\n"}, "lead", id="lead"),
        pytest.param({"registered": "1,2026-11-02 12:00,2026-11-02,mail,R,o1,3\n"}, "registration", id="registration"),
        pytest.param({"came": "1,true,,A,o1\n"}, "attendance", id="attendance_at_an_unknown_time"),
        pytest.param({"given": "1,2026-11-05 09:00,2026-11-05,x,G,Asha,2\n"}, "assignment", id="assignment"),
        pytest.param({"sold": "1,2026-11-09 09:00,2026-11-09,c,S,1,true,S1,2\n"}, "sale", id="a_sale_out_of_nowhere"),
        pytest.param(
            {
                "given": "1,2026-11-01 09:00,2026-11-01,x,G,Asha,2\n",
                "leads": "1,2026-11-10 10:00,2026-11-10,fb,L,2\n",
            },
            "assignment",
            id="the_furthest_not_the_latest",
        ),
    ],
)
def test_the_stage_reached_is_the_furthest(journey: Journey, events: dict[str, str], stage: str) -> None:
    assert journey(**events).loc["1", "stage_reached"] == stage


def test_first_touch_has_three_meanings(journey: Journey) -> None:
    found = journey(
        leads="1,2026-09-01 10:00,2026-09-01,fb,Ads,2\n",
        given="1,2026-10-05 09:00,2026-10-05,Old,Referral,Asha,2\n1,2026-11-05 09:00,2026-11-05,New,App,Binoy,3\n",
    ).loc["1"]
    assert found[["first_touch_funnel", "first_assigned_funnel", "m0_first_funnel"]].tolist() == [
        "Ads",
        "Referral",
        "App",
    ]


def test_who_was_not_assigned_this_month_has_no_m0(journey: Journey) -> None:
    found = journey(given="1,2026-10-05 09:00,2026-10-05,Old,Referral,Asha,2\n").loc["1"]
    assert found[["m0_first_at", "m0_first_funnel"]].tolist() == [None, None]


def test_a_registration_at_no_known_time_counts_by_the_event_s_day(journey: Journey) -> None:
    found = journey(registered="1,,,mail,R,o1,3\n2,,,mail,R,o2,4\n")
    assert found.index.tolist() == ["1"]
    assert found.loc["1", ["stage_reached", "first_registered_at", "first_touch_at", "source_row"]].tolist() == [
        *("registration", None, None, 3)
    ]


def test_days_are_negative_when_the_order_is_reversed(journey: Journey) -> None:
    found = journey(
        given="1,2026-11-05 09:00,2026-11-05,x,G,Asha,2\n", sold="1,2026-11-01 09:00,2026-11-01,c,S,1,true,S1,2\n"
    ).loc["1"]
    assert found[["days_assignment_to_sale", "days_first_touch_to_sale"]].tolist() == [-4, -4]


def test_what_is_later_than_as_of_or_does_not_count_or_has_no_phone_is_in_no_journey(journey: Journey) -> None:
    found = journey(
        leads="1,2026-12-01 10:00,2026-12-01,fb,L,2\n,2026-11-01 10:00,2026-11-01,fb,L,3\n",
        came="2,false,2026-11-03 13:35,A,o1\n3,true,2026-12-20 13:35,A,o2\n",
        sold="4,2026-11-09 09:00,2026-11-09,c,S,1,false,S1,2\n5,2026-12-09 09:00,2026-12-09,c,S,1,true,S2,3\n",
    )
    assert found.empty


def test_revenue_that_is_not_known_adds_nothing(journey: Journey) -> None:
    found = journey(sold="1,2026-11-09 09:00,2026-11-09,c,S,,true,S1,2\n").loc["1"]
    assert found[["sales", "revenue_inr", "source_row"]].tolist() == [1, 0, 2]


def test_of_sales_of_one_minute_the_one_on_the_earlier_page_is_the_first(journey: Journey) -> None:
    at = "2026-11-09 09:00,2026-11-09,crm"
    found = journey(sold=f"1,{at},S,1,true,S1,3\n1,{at},T,1,true,S2,2\n").loc["1"]
    assert found[["first_sold_funnel", "source_row"]].tolist() == ["S", 3]


def test_people_abroad_have_the_digits_of_their_number(journey: Journey) -> None:
    found = journey(leads="+971501234567,2026-11-01 10:00,2026-11-01,fb,L,2\n")
    assert found["user_id"].tolist() == ["971501234567"]
