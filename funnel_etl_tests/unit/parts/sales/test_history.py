"""Three nights of a sliding dump: what is new, changed, gone, back, or only older than the window."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.first_lines import KNOWN, traced
from funnel_etl.core.tables.accounting import TRACE, Outcome
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, ASSIGNED_LEADS_SOURCE, CRM_HISTORY, SALES, SALES_SOURCE
from funnel_etl.parts.sales.history import crm_history, with_aged_out_leads, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales

pytestmark = pytest.mark.slow

ZONE = "Asia/Kolkata"
LEADS = "sources,assignOn,leadMobile,employee"
SALES_HEADER = "_id,status,createdOn,StudentContact,netAmount,Funnel"
CONFIG = {
    "funnels": "funnel\nMeta Ads\nWebinar\nReferral\n",
    "funnel_mapping": "source,funnel\nFB,Meta Ads\n",
}


@dataclass
class Evening:
    """What a night knows: the clean tables and the history."""

    leads: pd.DataFrame
    sales: pd.DataFrame
    history: pd.DataFrame


Run = Callable[..., Evening]


@pytest.fixture
def night(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Run:
    """Run Part 2 for one night on the lines of two dumps, after the evening before."""

    def balanced(outcome: Outcome) -> pd.DataFrame:
        assert all(line.balances for line in outcome.ledger), outcome.ledger
        return outcome.rows

    def run(
        day: str,
        leads: list[str],
        sales: list[str],
        before: Evening | None,
        leads_header: str = LEADS,
        known: dict[str, pa.Table] | None = None,
        **tables: str,
    ) -> Evening:
        config = config_of(**(CONFIG | tables))
        raw_leads = raw_of("crm_assigned_leads", ASSIGNED_LEADS_SOURCE, "\n".join([leads_header, *leads]))
        raw_sales = raw_of("crm_sales", SALES_SOURCE, "\n".join([SALES_HEADER, *sales]))
        if known is not None:
            raw_leads, raw_sales = led_back("leads", raw_leads, known), led_back("sales", raw_sales, known)
        today_leads = clean_assigned_leads(raw_leads, config, ZONE)
        today_leads.rows = ASSIGNED_LEADS.conform(today_leads.rows)
        today_sales = clean_sales(raw_sales, config, ZONE)
        today_sales.rows = SALES.conform(today_sales.rows)
        kept_leads = balanced(with_aged_out_leads(today_leads, before.leads if before else None, config))
        kept_sales = balanced(with_aged_out_sales(today_sales, before.sales if before else None, config))
        kept_leads, kept_sales = ASSIGNED_LEADS.conform(kept_leads), SALES.conform(kept_sales)
        assert SALES.problems(kept_sales) == []
        history = CRM_HISTORY.conform(
            balanced(
                crm_history(
                    raw_leads,
                    raw_sales,
                    kept_leads,
                    kept_sales,
                    before.history if before else None,
                    pd.Timestamp(day),
                    config,
                )
            )
        )
        assert CRM_HISTORY.problems(history) == []
        return Evening(kept_leads, kept_sales, history)

    return run


def led_back(dataset: str, raw: pd.DataFrame, known: dict[str, pa.Table]) -> pd.DataFrame:
    """The rows of a dump under the lines they first stood on, as a night has them; `known` learns what is new."""
    found = traced(raw, known.get(dataset, KNOWN.empty_table()))
    known[dataset] = pa.concat_tables([known.get(dataset, KNOWN.empty_table()), found.fresh])
    return found.rows


def lead(day: str, phone: str, employee: str = "Asha") -> str:
    return f"FB,{day} 10:00:00,{phone},{employee}"


def sale(key: str, day: str, revenue: int = 500, status: str = "paid", funnel: str = "Webinar") -> str:
    return f"{key},{status},{day} 10:00:00,9876512345,{revenue},{funnel}"


def states(frame: pd.DataFrame, column: str) -> dict[str, str]:
    return dict(zip(frame[column], frame["dump_state"], strict=True))


def versions(evening: Evening, dataset: str = "crm_sales") -> list[tuple[str, str, str, str]]:
    """(key, change, from, to) of a dataset, days as MM-DD."""
    rows = evening.history[evening.history["dataset"] == dataset]
    ends = [column.dt.strftime("%m-%d").fillna("") for column in (rows["valid_from"], rows["valid_to"])]
    return list(zip(rows["key"], rows["change"], *ends, strict=True))


def test_a_row_the_window_moved_past_stays_as_aged_out_and_one_gone_from_inside_does_not(night: Run) -> None:
    leads = [lead("2026-08-01", "9000000001"), lead("2026-08-02", "9000000002"), lead("2026-08-03", "9000000003")]
    sales = [sale("s1", "2026-08-01"), sale("s2", "2026-08-02"), sale("s3", "2026-08-03")]
    first = night("2026-11-01", leads, sales, None)
    assert set(states(first.leads, "phone").values()) == {"current"}

    # The window moves past the first, and the third disappears from inside it.
    new_leads, new_sales = lead("2026-08-04", "9000000004"), sale("s4", "2026-08-04")
    second = night("2026-11-02", [leads[1], new_leads], [sales[1], new_sales], first)
    assert states(second.leads, "phone") == {"9000000001": "aged_out", "9000000002": "current", "9000000004": "current"}
    assert states(second.sales, "sale_id") == {"s1": "aged_out", "s2": "current", "s4": "current"}

    third = night("2026-11-03", [new_leads], [new_sales], second)
    assert states(third.leads, "phone") == {
        "9000000001": "aged_out",
        "9000000002": "aged_out",
        "9000000004": "current",
    }
    assert states(third.sales, "sale_id") == {"s1": "aged_out", "s2": "aged_out", "s4": "current"}


def test_history_over_three_nights_tells_inserted_changed_disappeared_and_reappeared(night: Run) -> None:
    stays, falls = sale("s1", "2026-08-01"), sale("s3", "2026-08-03")
    first = night("2026-11-01", [], [stays, sale("s2", "2026-08-02", 500), falls], None)
    second = night("2026-11-02", [], [stays, sale("s2", "2026-08-02", 700)], first)
    third = night("2026-11-03", [], [stays, sale("s2", "2026-08-02", 700), falls], second)
    assert versions(third) == [
        ("s1", "inserted", "11-01", ""),
        ("s2", "inserted", "11-01", "11-02"),
        ("s2", "changed", "11-02", ""),
        ("s3", "inserted", "11-01", "11-02"),
        ("s3", "disappeared", "11-02", "11-03"),
        ("s3", "reappeared", "11-03", ""),
    ]
    changed = third.history[third.history["change"] == "changed"].iloc[0]
    assert list(changed["changed_columns"]) == ["netAmount"]
    assert changed["row"] == (
        '{"Funnel": "Webinar", "StudentContact": "9876512345", "_id": "s2", '
        '"createdOn": "2026-08-02 10:00:00", "netAmount": "700", "status": "paid"}'
    )


def test_a_row_that_only_aged_out_is_no_change(night: Run) -> None:
    old, young = sale("s1", "2026-08-01"), sale("s2", "2026-08-02")
    first = night("2026-11-01", [], [old, young], None)
    third = night("2026-11-03", [], [young], night("2026-11-02", [], [young], first))
    assert versions(third) == [("s1", "inserted", "11-01", ""), ("s2", "inserted", "11-01", "")]


def test_a_row_that_disappeared_is_told_once(night: Run) -> None:
    stays = sale("s1", "2026-08-01")
    first = night("2026-11-01", [], [stays, sale("s2", "2026-08-02")], None)
    third = night("2026-11-03", [], [stays], night("2026-11-02", [], [stays], first))
    assert versions(third)[1:] == [("s2", "inserted", "11-01", "11-02"), ("s2", "disappeared", "11-02", "")]


def test_equal_assignments_are_told_apart_by_their_number(night: Run) -> None:
    line = lead("2026-08-01", "9000000001")
    first = night("2026-11-01", [line, line], [], None)
    second = night("2026-11-02", [line, line, line], [], first)
    assert [change for _, change, _, _ in versions(second, "crm_assigned_leads")] == ["inserted"] * 3
    starts = [start for _, _, start, _ in versions(second, "crm_assigned_leads")]
    assert sorted(starts) == ["11-01", "11-01", "11-02"]


def test_an_assignment_s_new_employee_is_a_change_of_that_assignment(night: Run) -> None:
    first = night("2026-11-01", [lead("2026-08-01", "9000000001", "Asha")], [], None)
    second = night("2026-11-02", [lead("2026-08-01", "9000000001", "Binoy")], [], first)
    assert [change for _, change, _, _ in versions(second, "crm_assigned_leads")] == ["inserted", "changed"]


def test_assignments_are_known_by_phone_and_time_also_under_other_column_names(night: Run) -> None:
    """The key once ignored the time when the dump called its column `assignedOn`."""
    header = "source,assignedOn,mobile,employee name"
    early, late = lead("2026-08-01", "9000000001"), lead("2026-08-05", "9000000001", "Binoy")
    first = night("2026-11-01", [early, late], [], None, leads_header=header)
    second = night("2026-11-02", [late, early], [], first, leads_header=header)
    assert [change for _, change, _, _ in versions(second, "crm_assigned_leads")] == ["inserted", "inserted"]


def test_an_aged_out_row_follows_today_s_config(night: Run) -> None:
    first = night(
        "2026-11-01",
        [lead("2026-08-01", "9000000001"), lead("2026-08-05", "9000000002")],
        [sale("s1", "2026-08-01", status="refunded"), sale("s2", "2026-08-05")],
        None,
    )
    second = night(
        "2026-11-02",
        [lead("2026-08-05", "9000000002")],
        [sale("s2", "2026-08-05")],
        first,
        funnel_mapping="source,funnel\nFB,Referral\n",
        manual_mapping="sale_id,manual_value\ns1,referral\n",
        metrics="name,value\nexcluded_statuses,refunded\n",
    )
    assert second.leads["funnel"].tolist() == ["Referral", "Referral"]
    assert second.sales["final_funnel"].tolist() == ["Referral", "Webinar"]
    assert second.sales["is_counted"].tolist() == [False, True]


def test_a_sale_that_is_in_the_dump_again_is_not_there_twice(night: Run) -> None:
    first = night("2026-11-01", [], [sale("s1", "2026-08-01"), sale("s2", "2026-08-05")], None)
    moved = night("2026-11-02", [], [sale("s2", "2026-08-05"), sale("s1", "2026-08-06")], first)
    assert states(moved.sales, "sale_id") == {"s1": "current", "s2": "current"}


def test_a_window_that_widens_again_brings_aged_out_rows_back_as_current(night: Run) -> None:
    old, young = lead("2026-08-01", "9000000001"), lead("2026-08-05", "9000000002")
    first = night("2026-11-01", [old, young], [], None)
    second = night("2026-11-02", [young], [], first)
    third = night("2026-11-03", [old, young], [], second)
    assert third.leads["dump_state"].tolist() == ["current", "current"]


def test_dumps_with_only_their_headers_work_on_the_first_night_and_later(night: Run) -> None:
    empty = night("2026-11-01", [], [], None)
    assert empty.leads.empty
    assert empty.sales.empty
    assert empty.history.empty
    filled = night("2026-11-02", [lead("2026-08-01", "9000000001")], [sale("s1", "2026-08-01")], empty)
    assert [change for _, change, _, _ in versions(filled)] == ["inserted"]


def test_an_empty_dump_makes_its_rows_disappear_but_keeps_what_had_aged_out(night: Run) -> None:
    """Aged-out rows are in no dump any more: once lost, no later night could bring them back."""
    old, young = lead("2026-08-01", "9000000001"), lead("2026-08-05", "9000000002")
    sold = [sale("s1", "2026-08-01"), sale("s2", "2026-08-05")]
    second = night("2026-11-02", [young], sold[1:], night("2026-11-01", [old, young], sold, None))
    third = night("2026-11-03", [], [], second)
    assert states(third.leads, "phone") == {"9000000001": "aged_out"}
    assert states(third.sales, "sale_id") == {"s1": "aged_out"}
    assert versions(third)[-1] == ("s2", "disappeared", "11-03", "")


def test_one_odd_old_date_does_not_lose_what_had_aged_out(night: Run) -> None:
    old, young, odd = (
        lead("2026-08-01", "9000000001"),
        lead("2026-08-05", "9000000002"),
        lead("2016-08-05", "9000000003"),
    )
    second = night("2026-11-02", [young], [], night("2026-11-01", [old, young], [], None))
    third = night("2026-11-03", [young, odd], [], second)
    fourth = night("2026-11-04", [young], [], third)
    assert states(third.leads, "phone")["9000000001"] == "aged_out"
    assert states(fourth.leads, "phone")["9000000001"] == "aged_out"
    gone = third.history[third.history["change"] == "disappeared"]
    assert gone.empty


def test_a_rounded_id_and_a_total_have_no_history(night: Run) -> None:
    rounded = [sale("6.54E+23", "2026-08-02", 100), sale("6.54E+23", "2026-08-03", 200)]
    first = night("2026-11-01", [], [sale("s1", "2026-08-01"), *rounded, "Total,,,,800,"], None)
    assert versions(first) == [("s1", "inserted", "11-01", "")]


@pytest.mark.parametrize("seed", range(12))
def test_rows_known_by_their_line_have_the_history_that_comparing_all_cells_gives(night: Run, seed: int) -> None:
    random = np.random.default_rng(seed)
    by_line: Evening | None = None
    by_cells: Evening | None = None
    known: dict[str, pa.Table] = {}
    # Few different rows, so that equal ones stand beside each other, go, come back and change places.
    leads = [lead(f"2026-10-0{day}", f"987651234{n}", who) for day in (1, 2) for n in range(3) for who in ("A", "B")]
    sales = [sale(f"S{n}", f"2026-10-0{day}", revenue) for n in range(4) for day in (1, 2) for revenue in (1, 2)]
    for day in range(1, 8):
        tonight = [list(random.choice(rows, random.integers(0, 12))) for rows in (leads, sales)]
        by_line = night(f"2026-11-0{day}", *tonight, by_line, known=known)
        by_cells = night(f"2026-11-0{day}", *tonight, by_cells)
        pd.testing.assert_frame_equal(by_line.history.drop(columns=TRACE), by_cells.history.drop(columns=TRACE))
