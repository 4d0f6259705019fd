"""The facts: which day and funnel each thing counts on, and the month's sums, people and rates."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from funnel_etl.marts.funnel import conservation
from funnel_etl.marts.funnel.contracts import (
    ATTRIBUTED_M0,
    ATTRIBUTED_SALES,
    FUNNEL_FACTS,
    FUNNEL_MONTHLY,
    MEASURES,
    SPEND_BY_FUNNEL,
)
from funnel_etl.marts.funnel.facts import funnel_facts, funnel_monthly, spend_by_funnel
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS

TABLES = {
    "tofu_leads": TOFU_LEADS,
    "zoom_registrations": ZOOM_REGISTRATIONS,
    "zoom_attendance": ZOOM_ATTENDANCE,
    "webinars": WEBINARS,
    "assigned_leads": ASSIGNED_LEADS,
    "attributed_m0": ATTRIBUTED_M0,
    "attributed_sales": ATTRIBUTED_SALES,
    "ad_spend": AD_SPEND,
}
HEADERS = {
    "tofu_leads": "created_date,funnel,is_first_lead,phone,email,lead_id",
    "zoom_registrations": "occurrence_id,funnel,person_key,registered_date",
    "zoom_attendance": "occurrence_id,funnel,person_key,attended,attended_date",
    "webinars": "occurrence_id,event_date",
    "assigned_leads": "assigned_date,funnel,phone",
    "attributed_m0": "assigned_date,funnel,attended,month,phone",
    "attributed_sales": "sold_date,final_funnel,revenue_inr,phone,sale_id,attended",
    "ad_spend": "spend_date,funnel,cost_inr,impressions,clicks",
}
WEBINAR = "o1,2026-11-05\n"
Frames = Callable[..., dict[str, pd.DataFrame]]


@pytest.fixture
def frames(table_of: Callable[..., pd.DataFrame]) -> Frames:
    def make(**lines: str) -> dict[str, pd.DataFrame]:
        return {
            name: table_of(table, f"{HEADERS[name]}\n{lines[name]}" if lines.get(name) else "")
            for name, table in TABLES.items()
        }

    return make


def facts_of(frames: dict[str, pd.DataFrame], as_of: str = "2026-11-30") -> pd.DataFrame:
    outcome = funnel_facts(**frames, as_of=pd.Timestamp(as_of))
    assert all(line.balances for line in outcome.ledger)
    rows = FUNNEL_FACTS.conform(outcome.rows)
    assert FUNNEL_FACTS.problems(rows) == []
    return rows


def monthly_of(frames: dict[str, pd.DataFrame], as_of: str = "2026-11-30") -> pd.DataFrame:
    used = {name: frame for name, frame in frames.items() if name not in {"attributed_m0", "ad_spend"}}
    outcome = funnel_monthly(facts_of(frames, as_of), **used, as_of=pd.Timestamp(as_of))
    rows = FUNNEL_MONTHLY.conform(outcome.rows)
    assert FUNNEL_MONTHLY.problems(rows) == []
    return rows


def told(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """(day, funnel) → the measures that are not zero."""
    return {
        (row["date"].strftime("%m-%d"), row["funnel"]): {m: int(row[m]) for m in MEASURES if row[m] != 0}
        for row in rows.to_dict("records")
    }


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        pytest.param(
            {"tofu_leads": "2026-11-02,F,true,9000000001,,l1\n2026-11-02,F,false,9000000001,,l2\n"},
            {("11-02", "F"): {"leads": 2, "new_leads": 1}},
            id="leads_on_their_created_date",
        ),
        pytest.param(
            {"webinars": WEBINAR, "zoom_registrations": "o1,F,p1,2026-11-01\no1,F,p2,\n"},
            {("11-05", "F"): {"registrations": 2}},
            id="registrations_on_the_day_of_the_event",
        ),
        pytest.param(
            {"webinars": WEBINAR, "zoom_attendance": "o1,F,p1,true,2026-11-06\no1,F,p2,false,\no1,F,p3,true,\n"},
            {("11-05", "F"): {"attendances": 2}},
            id="attendances_on_the_day_of_the_event_and_only_who_came",
        ),
        pytest.param(
            {"assigned_leads": "2026-11-03,F,9000000001\n2026-11-03,F,\n2026-11-03,F,9000000001\n"},
            {("11-03", "F"): {"assigned_rows": 3}},
            id="assigned_rows_without_a_phone_too",
        ),
        pytest.param(
            {
                "attributed_m0": "2026-11-03,F,yes,2026-11-01,9000000001\n2026-11-03,F,no,2026-11-01,9000000002\n"
                "2026-11-03,F,not_found,2026-11-01,9000000003\n"
            },
            {("11-03", "F"): {"m0_assigned": 3, "m0_attended": 1}},
            id="m0_on_the_day_and_funnel_of_its_first_assignment",
        ),
        pytest.param(
            {"attributed_sales": "2026-11-04,F,10.50,,s1,no\n2026-11-04,F,,,s2,no\n2026-11-04,F,-0.50,,s3,no\n"},
            {("11-04", "F"): {"sales": 3, "revenue_inr": 1000}},
            id="sales_on_their_day_and_final_funnel_blank_revenue_adds_nothing",
        ),
        pytest.param(
            {"ad_spend": "2026-11-04,F,10.50,7,1\n2026-11-04,F,,,\n"},
            {("11-04", "F"): {"spend_inr": 1050, "impressions": 7, "clicks": 1}},
            id="spend_on_its_day_blank_cost_adds_nothing",
        ),
        pytest.param({"ad_spend": "2026-11-04,F,0,0,0\n"}, {}, id="no_rows_of_zeros"),
        pytest.param(
            {"ad_spend": "2026-11-04,F,5,0,0\n2026-11-04,F,-5,0,0\n2026-11-05,F,5,0,0\n"},
            {("11-05", "F"): {"spend_inr": 500}},
            id="nor_of_what_cancels_out",
        ),
        pytest.param({}, {}, id="nothing_at_all"),
    ],
)
def test_each_thing_counts_on_its_own_day_and_funnel(
    frames: Frames, lines: dict[str, str], facts: dict[tuple[str, str], dict[str, int]]
) -> None:
    assert told(facts_of(frames(**lines))) == facts


def test_measures_of_one_day_and_funnel_share_a_row(frames: Frames) -> None:
    given = frames(
        tofu_leads="2026-11-04,F,true,9000000001,,l1\n2026-11-04,G,true,9000000002,,l2\n",
        ad_spend="2026-11-04,F,5,0,0\n",
        attributed_sales="2026-11-04,F,7,,s1,no\n",
    )
    assert told(facts_of(given)) == {
        ("11-04", "F"): {"leads": 1, "new_leads": 1, "sales": 1, "revenue_inr": 700, "spend_inr": 500},
        ("11-04", "G"): {"leads": 1, "new_leads": 1},
    }


@pytest.mark.parametrize("as_of", ["2026-11-04", "2026-11-05"], ids=["the_day_before", "the_day"])
def test_nothing_after_as_of_is_in_the_facts(frames: Frames, as_of: str) -> None:
    given = frames(
        tofu_leads="2026-11-05,F,true,9000000001,,l1\n",
        webinars=WEBINAR,
        zoom_registrations="o1,F,p1,2026-11-01\n",
        zoom_attendance="o1,F,p1,true,\n",
        assigned_leads="2026-11-05,F,9000000001\n",
        ad_spend="2026-11-05,F,5,0,0\n",
    )
    assert len(facts_of(given, as_of)) == (as_of == "2026-11-05")
    assert len(spend_by_funnel(given["ad_spend"], pd.Timestamp(as_of)).rows) == (as_of == "2026-11-05")


def test_spend_is_summed_by_month_and_funnel(frames: Frames) -> None:
    given = frames(ad_spend="2026-10-31,F,1,1,1\n2026-11-01,F,2,1,\n2026-11-30,F,3.50,1,1\n2026-11-30,Unmapped,,,\n")
    rows = SPEND_BY_FUNNEL.conform(spend_by_funnel(given["ad_spend"], pd.Timestamp("2026-11-30")).rows)
    assert SPEND_BY_FUNNEL.problems(rows) == []
    rows["month"] = rows["month"].dt.strftime("%Y-%m-%d")
    assert rows.to_numpy().tolist() == [
        ["2026-10-01", "F", 100, 1, 1],
        ["2026-11-01", "F", 550, 2, 1],
        ["2026-11-01", "Unmapped", 0, 0, 0],
    ]


def test_no_spend_gives_an_empty_table(frames: Frames) -> None:
    assert SPEND_BY_FUNNEL.conform(spend_by_funnel(frames()["ad_spend"], pd.Timestamp("2026-11-30")).rows).empty


def test_a_month_counts_people_once_by_phone_then_e_mail_then_row(frames: Frames) -> None:
    given = frames(
        tofu_leads="2026-11-01,F,true,9000000001,,l1\n2026-11-02,F,false,9000000001,x@y.in,l2\n"
        "2026-11-02,F,true,,a@b.in,l3\n2026-11-03,F,false,,a@b.in,l4\n2026-11-03,F,true,,,l5\n2026-11-03,F,true,,,l6\n",
        webinars=WEBINAR + "o2,2026-11-06\n",
        zoom_registrations="o1,F,p1,\no2,F,p1,\no2,F,p2,\n",
        zoom_attendance="o1,F,p1,true,\no2,F,p1,true,\no2,F,p2,false,\n",
        assigned_leads="2026-11-01,F,9000000001\n2026-11-09,F,9000000001\n2026-11-09,F,\n",
        attributed_sales="2026-11-04,F,1,9000000001,s1,no\n2026-11-05,F,1,9000000001,s2,no\n2026-11-05,F,1,,s3,no\n",
    )
    row: Any = monthly_of(given).iloc[0]
    assert row["leads"] == 6
    assert row["distinct_leads"] == 4
    assert row["distinct_registrants"] == 2
    assert row["distinct_attendees"] == 1
    assert row["distinct_assigned"] == 1
    assert row["distinct_buyers"] == 1


def test_rates_are_quotients_and_unit_costs_are_rupees_rounded_half_up(frames: Frames) -> None:
    given = frames(
        tofu_leads="".join(f"2026-11-01,F,true,900000000{n},,l{n}\n" for n in range(8)),
        webinars=WEBINAR,
        zoom_registrations="o1,F,p1,\no1,F,p2,\no1,F,p3,\n",
        zoom_attendance="o1,F,p1,true,\no1,F,p2,true,\n",
        attributed_m0="2026-11-03,F,yes,2026-11-01,9000000001\n2026-11-03,F,no,2026-11-01,9000000002\n",
        attributed_sales="2026-11-04,F,10,,s1,no\n",
        ad_spend="2026-11-04,F,100.01,0,0\n",
    )
    row: Any = monthly_of(given).iloc[0]
    assert row["registration_rate"] == pytest.approx(3 / 8)
    assert row["attendance_rate"] == pytest.approx(2 / 3)
    assert row["assignment_rate"] == pytest.approx(2 / 8)
    assert row["conversion_rate"] == pytest.approx(1 / 2)
    assert row["roas"] == pytest.approx(10 / 100.01)
    assert row["cpl_inr"] == 1250, "10001 paise over 8 is 1250.125"
    assert row["cost_per_attendee_inr"] == 5001, "10001 paise over 2 is 5000.5: half up"
    assert row["cac_inr"] == 10001


@pytest.mark.parametrize(
    ("cost", "cpl"), [("-100.01", -5001), ("-100.00", -5000), ("0", 0)], ids=["half_away", "whole", "zero"]
)
def test_a_credit_is_rounded_as_a_cost_is_away_from_zero(frames: Frames, cost: str, cpl: int) -> None:
    given = frames(
        tofu_leads="2026-11-01,F,true,9000000001,,l1\n2026-11-01,F,true,9000000002,,l2\n",
        ad_spend=f"2026-11-04,F,{cost},0,0\n",
    )
    assert monthly_of(given)["cpl_inr"].tolist() == [cpl]


@pytest.mark.parametrize(
    ("lines", "missing"),
    [
        pytest.param(
            {"ad_spend": "2026-11-04,F,5,0,0\n"},
            ["registration_rate", "attendance_rate", "assignment_rate", "conversion_rate", "cpl_inr", "cac_inr"],
            id="spend_only",
        ),
        pytest.param({"attributed_sales": "2026-11-04,F,10,,s1,no\n"}, ["roas", "conversion_rate"], id="sales_only"),
    ],
)
def test_a_rate_with_a_zero_denominator_is_null(frames: Frames, lines: dict[str, str], missing: list[str]) -> None:
    assert monthly_of(frames(**lines))[missing].isna().all(axis=None)


def test_months_and_funnels_have_rows_of_their_own(frames: Frames) -> None:
    given = frames(ad_spend="2026-10-31,F,1,0,0\n2026-11-01,F,2,0,0\n2026-11-01,G,3,0,0\n2026-11-02,F,4,0,0\n")
    rows = monthly_of(given)
    assert list(zip(rows["month"].dt.month, rows["funnel"], rows["spend_inr"], strict=True)) == [
        (10, "F", 100),
        (11, "F", 600),
        (11, "G", 300),
    ]


def test_a_month_in_which_nothing_happened_has_no_rows(frames: Frames) -> None:
    assert monthly_of(frames()).empty


def test_conservation_finds_what_the_facts_lost(frames: Frames) -> None:
    given = frames(
        ad_spend="2026-11-04,F,5,0,0\n2026-11-05,G,,0,0\n2026-12-05,G,9,0,0\n",
        attributed_sales="2026-11-04,F,10,,s1,no\n",
        attributed_m0="2026-11-03,F,yes,2026-11-01,9000000001\n",
    )
    as_of, rows = pd.Timestamp("2026-11-30"), facts_of(given)
    for check, total in ((conservation.spend, 500), (conservation.revenue, 1000), (conservation.m0, 1)):
        assert check(rows, given, as_of) == (total, total)
        own, expected = check(rows.iloc[:0], given, as_of)
        assert (own, expected) == (0, total)
