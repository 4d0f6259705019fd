"""Sales that count, with what led to them."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE
from funnel_etl.parts.sales.contracts import SALES

RULE = "final_funnel_rule"
Attributed = Callable[..., pd.DataFrame]


@pytest.fixture
def attributed(table_of: Callable[..., pd.DataFrame], touched: Callable[..., Outcome]) -> Attributed:
    def make(sales: str, as_of: str = "2026-11-30", **frames: str) -> pd.DataFrame:
        attendance, webinars = frames.get("attendance", ""), frames.get("webinars", "")
        outcome = attributed_sales(
            table_of(SALES, sales),
            table_of(ATTRIBUTED_M0, frames.get("m0", "")),
            touched(leads=frames.get("leads", ""), attendance=attendance, webinars=webinars, as_of=as_of).rows,
            table_of(ZOOM_ATTENDANCE, attendance),
            table_of(WEBINARS, webinars),
            pd.Timestamp(as_of),
        )
        assert all(line.balances for line in outcome.ledger)
        rows = ATTRIBUTED_SALES.conform(outcome.rows)
        assert ATTRIBUTED_SALES.problems(rows) == []
        rows.attrs["reasons"] = outcome.ledger[0].reasons
        return rows

    return make


def test_only_counted_sales_up_to_as_of_are_there(attributed: Attributed) -> None:
    rows = attributed(
        "sale_id,sold_at,sold_date,is_counted,revenue_inr\n"
        "s3,2026-11-29 10:00,2026-11-29,true,5\n"
        "s1,2026-11-30 10:00,2026-11-30,true,\n"
        "s2,2026-11-29 10:00,2026-11-29,false,5\n"
        "s4,2026-12-01 10:00,2026-12-01,true,5\n"
        "s5,2026-12-01 10:00,2026-12-01,false,5\n"
    )
    assert rows["sale_id"].tolist() == ["s1", "s3"]
    assert rows["revenue_inr"].fillna(-1).tolist() == [-1, 500], "blank revenue is missing, and the sale counts"
    assert rows.attrs["reasons"] == {"excluded:after_as_of": 1, "excluded:status_not_counted": 2}


SALE = "sale_id,phone,sold_at,sold_date,is_counted,employee_name\ns1,9000000001,2026-11-10 10:00,2026-11-10,true,Asha\n"
WEBINAR = "occurrence_id,event_date,started_at\no1,2026-11-09,2026-11-09 13:30\n"


@pytest.mark.parametrize(
    ("attendance", "attended", "before"),
    [
        pytest.param("9000000001,true,2026-11-09 13:40,o1\n", "yes", True, id="before_the_sale"),
        pytest.param("9000000001,true,2026-11-10 11:00,o1\n", "yes", False, id="after_the_sale"),
        pytest.param("9000000001,true,2026-11-10 10:00,o1\n", "yes", False, id="at_the_moment_of_the_sale"),
        pytest.param("9000000001,false,,o1\n", "no", False, id="in_a_report_only"),
        pytest.param("9000000002,true,2026-11-09 13:40,o1\n", "not_found", False, id="somebody_else"),
    ],
)
def test_attended_and_attended_before_the_sale(
    attributed: Attributed, attendance: str, attended: str, *, before: bool
) -> None:
    header = "phone,attended,joined_at,occurrence_id\n"
    rows = attributed(SALE, attendance=header + attendance, webinars=WEBINAR)
    assert rows[["attended", "attended_before_sale"]].to_numpy().tolist() == [[attended, before]]
    assert rows["employee"].tolist() == ["Asha"]


@pytest.mark.parametrize(
    ("m0", "month", "funnel"),
    [
        pytest.param("2026-11-01,9000000001,2026-11-05 10:00,Nov\n", "2026-11", "Nov", id="of_the_same_month"),
        pytest.param(
            "2026-10-01,9000000001,2026-10-05 10:00,Oct\n2026-11-01,9000000001,2026-11-11 10:00,Nov\n",
            "2026-10",
            "Oct",
            id="the_latest_at_or_before_the_sale",
        ),
        pytest.param("2026-11-01,9000000001,2026-11-10 10:00,Nov\n", "2026-11", "Nov", id="at_the_moment_of_the_sale"),
        pytest.param("2026-11-01,9000000002,2026-11-05 10:00,Nov\n", "", "", id="somebody_else_s"),
        pytest.param("2026-11-01,9000000001,2026-11-11 10:00,Nov\n", "", "", id="only_after_the_sale"),
    ],
)
def test_the_m0_row_of_a_sale_is_the_phone_s_latest_before_it(
    attributed: Attributed, m0: str, month: str, funnel: str
) -> None:
    rows = attributed(SALE, m0="month,phone,assigned_at,funnel\n" + m0)
    assert rows["m0_month"].dt.strftime("%Y-%m").fillna("").tolist() == [month]
    assert rows["m0_funnel"].fillna("").tolist() == [funnel]


@pytest.mark.parametrize(
    ("lead", "days"),
    [
        pytest.param("9000000001,2026-11-03 23:00,2026-11-04,L\n", 6, id="business_days_apart"),
        pytest.param("9000000001,2026-11-10 01:00,2026-11-10,L\n", 0, id="the_same_day"),
        pytest.param("9000000001,2026-11-12 10:00,2026-11-12,L\n", -2, id="seen_only_later"),
        pytest.param("9000000002,2026-11-03 23:00,2026-11-04,L\n", None, id="never_seen"),
    ],
)
def test_days_to_convert_are_business_days_from_the_first_touch(
    attributed: Attributed, lead: str, days: int | None
) -> None:
    rows = attributed(SALE, leads="phone,created_at,created_date,funnel\n" + lead)
    assert rows["days_to_convert"].astype("object").where(rows["days_to_convert"].notna(), None).tolist() == [days]
    assert rows["first_touch_stage"].fillna("").tolist() == ["" if days is None else "lead"]


def test_each_sale_of_several_gets_its_own_history(attributed: Attributed) -> None:
    rows = attributed(
        "sale_id,phone,sold_at,sold_date,is_counted\n"
        "s1,9000000002,2026-11-10 10:00,2026-11-10,true\n"
        "s2,,2026-11-10 10:00,2026-11-10,true\n"
        "s3,9000000001,2026-11-02 10:00,2026-11-02,true\n"
        "s4,9000000001,2026-11-12 10:00,2026-11-12,true\n",
        m0="month,phone,assigned_at,funnel\n"
        "2026-11-01,9000000001,2026-11-05 10:00,A\n2026-11-01,9000000002,2026-11-06 10:00,B\n",
    )
    assert rows["m0_funnel"].fillna("").tolist() == ["B", "", "", "A"]


def test_no_sales_give_an_empty_table(attributed: Attributed) -> None:
    assert attributed("").empty
    assert attributed("", m0="month,phone,assigned_at,funnel\n2026-11-01,9000000001,2026-11-05 10:00,A\n").empty
