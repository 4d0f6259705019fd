"""What differs between two makings of a night: what came in less what went out is the difference of the facts."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.contracts import Table
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES, FUNNEL_MONTHLY
from funnel_etl.operate.rerun.table_diff import (
    ELSEWHERE,
    MOVED,
    OTHER_AMOUNT,
    OTHER_MONTH,
    changed_cells,
    changed_lines,
    changed_rows,
    month_totals,
    moved,
)
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

AS_OF = pd.Timestamp("2026-11-20")
MOVING = (TOFU_LEADS, ASSIGNED_LEADS, ATTRIBUTED_M0, ATTRIBUTED_SALES, AD_SPEND)
TableOf = Callable[..., pd.DataFrame]
SALE = "sale_id,sold_date,final_funnel,revenue_inr\n"
MONTHLY = "month,funnel,leads,sales,revenue_inr,distinct_leads,roas\n"


def moves_of(table_of: TableOf, table: Table, before: str, after: str) -> set[tuple[object, ...]]:
    """Return (month, from, to, then each measure that is not 0) of two makings of one table, the others empty."""
    nothing = {moving.full_name: moving.empty() for moving in MOVING}
    sides = [nothing | {table.full_name: table_of(table, text)} for text in (before, after)]
    rows = moved(sides[0], sides[1], AS_OF)
    return {
        (f"{month:%Y-%m}", source, target, *(f"{name} {value}" for name, value in row.items() if value))
        for (month, source, target), row in rows.set_index(MOVED).T.to_dict().items()
    }


def test_rows_with_another_funnel_move_in_their_month_and_after_as_of_nothing_moves(table_of: TableOf) -> None:
    rows = "assigned_date,funnel\n2026-10-31,{0}\n2026-11-01,{0}\n2026-11-20,{0}\n2026-11-21,{0}\n2026-11-02,C\n"
    assert moves_of(table_of, ASSIGNED_LEADS, rows.format("A"), rows.format("B")) == {
        ("2026-10", "A", "B", "assigned_rows 1"),
        ("2026-11", "A", "B", "assigned_rows 2"),
    }


def test_a_sale_moves_with_its_revenue_and_a_blank_one_with_none(table_of: TableOf) -> None:
    before = SALE + "s1,2026-11-01,A,100.50\ns2,2026-11-02,A,\ns3,2026-11-03,B,7\n"
    after = SALE + "s1,2026-11-01,B,100.50\ns2,2026-11-02,B,\ns3,2026-11-03,B,7\n"
    assert moves_of(table_of, ATTRIBUTED_SALES, before, after) == {
        ("2026-11", "A", "B", "sales 2", "revenue_inr 10050")
    }


def test_a_sale_that_no_longer_counts_goes_elsewhere_and_a_new_one_comes_from_there(table_of: TableOf) -> None:
    found = moves_of(table_of, ATTRIBUTED_SALES, SALE + "s1,2026-11-01,A,1\n", SALE + "s2,2026-10-01,B,2\n")
    assert found == {
        ("2026-11", "A", ELSEWHERE, "sales 1", "revenue_inr 100"),
        ("2026-10", ELSEWHERE, "B", "sales 1", "revenue_inr 200"),
    }


def test_a_sale_with_another_day_leaves_one_month_and_comes_into_the_other(table_of: TableOf) -> None:
    found = moves_of(table_of, ATTRIBUTED_SALES, SALE + "s1,2026-11-01,A,1\n", SALE + "s1,2026-10-31,A,2\n")
    assert found == {
        ("2026-11", "A", OTHER_MONTH, "sales 1", "revenue_inr 100"),
        ("2026-10", OTHER_MONTH, "A", "sales 1", "revenue_inr 200"),
    }


@pytest.mark.parametrize("now", ["A", "B"])
def test_another_amount_is_told_apart_from_the_move(table_of: TableOf, now: str) -> None:
    found = moves_of(table_of, ATTRIBUTED_SALES, SALE + "s1,2026-11-01,A,100\n", SALE + f"s1,2026-11-02,{now},70\n")
    way = {("2026-11", "A", "B", "sales 1", "revenue_inr 10000")} if now == "B" else set()
    assert found == way | {("2026-11", OTHER_AMOUNT, now, "revenue_inr -3000")}


def test_a_spend_line_is_named_by_its_line_of_the_file_and_m0_by_month_and_phone(table_of: TableOf) -> None:
    spend = "spend_date,funnel,cost_inr,source_row\n2026-11-01,{},5,2\n2026-11-01,C,5,3\n"
    assert moves_of(table_of, AD_SPEND, spend.format("A"), spend.format("B")) == {
        ("2026-11", "A", "B", "spend_lines 1", "spend_inr 500")
    }
    m0 = "month,phone,assigned_date,funnel\n2026-11-01,1,2026-11-02,{}\n2026-11-01,2,2026-11-03,A\n"
    assert moves_of(table_of, ATTRIBUTED_M0, m0.format("A"), m0.format("B")) == {("2026-11", "A", "B", "m0_assigned 1")}


def test_totals_of_a_month_are_over_all_funnels_and_only_of_what_may_be_summed(table_of: TableOf) -> None:
    before = {FUNNEL_MONTHLY.full_name: table_of(FUNNEL_MONTHLY, MONTHLY + "2026-10-01,A,5,1,10,5,1\n")}
    after = table_of(
        FUNNEL_MONTHLY, MONTHLY + "2026-10-01,A,2,1,10,2,1\n2026-10-01,B,3,0,0,4,1\n2026-11-01,B,0,1,2.5,0,1\n"
    )
    rows = month_totals(before, {FUNNEL_MONTHLY.full_name: after})
    told = [
        (f"{r['month']:%m}", r["measure"], r["before"], r["after"], r["difference"]) for r in rows.to_dict("records")
    ]
    assert told == [("11", "sales", 0, 1, 1), ("11", "revenue_inr", 0, 250, 250)]


def test_cells_that_differ_are_told_with_their_key_in_rupees_and_missing_ones_as_blank(table_of: TableOf) -> None:
    before = {FUNNEL_MONTHLY.full_name: table_of(FUNNEL_MONTHLY, MONTHLY + "2026-10-01,A,5,1,10.25,5,\n")}
    after = table_of(FUNNEL_MONTHLY, MONTHLY + "2026-10-01,A,5,1,12,5,\n2026-10-01,B,0,0,0,0,\n")
    cells = changed_cells([FUNNEL_MONTHLY], before, {FUNNEL_MONTHLY.full_name: after})
    own = cells[cells["key"] == "funnel=A"]
    assert own[["column_name", "before", "after", "difference"]].to_numpy().tolist() == [
        ["revenue_inr", "10.25", "12.00", "1.75"]
    ]
    new = cells[(cells["key"] == "funnel=B") & (cells["column_name"] == "leads")].iloc[0]
    assert (new["before"], new["after"], f"{new['month']:%Y-%m-%d}") == ("", "0", "2026-10-01")
    assert "roas" not in set(cells["column_name"])


def test_rows_are_counted_by_the_key_of_the_contract(table_of: TableOf) -> None:
    sides = (
        SALE + "s1,2026-11-01,A,1\ns2,2026-11-01,A,\ns3,2026-11-01,A,1\n",
        SALE + "s1,2026-11-01,B,1\ns2,2026-11-01,A,\n",
    )
    before, after = (table_of(ATTRIBUTED_SALES, text) for text in sides)
    assert changed_rows(ATTRIBUTED_SALES, before, after) == (0, 1, 1)
    assert changed_rows(ATTRIBUTED_SALES, after, before) == (1, 0, 1)
    assert changed_rows(ATTRIBUTED_SALES, before, before) == (0, 0, 0)
    lists = table_of(SALES, "sale_id\ns1\n")
    other = lists.assign(phone_alternates=[["1"]])
    assert changed_rows(SALES, lists, other) == (0, 0, 1)


@pytest.mark.parametrize(
    ("after", "counts"),
    [
        pytest.param("source,funnel\na,X\nb,X\n", None, id="the_same"),
        pytest.param("source,funnel\na,X\nb,X\nc,X\nc,Y\n", (2, 0, 0, False), id="added"),
        pytest.param("source,funnel\nb,X\n", (0, 1, 0, False), id="removed"),
        pytest.param("source,funnel\na,X\nb,Y\n", (0, 0, 1, False), id="changed"),
        pytest.param("source,funnel\nc,X\nb,X\n", (1, 1, 0, False), id="another_name_is_another_line"),
        pytest.param("source,funnel\nb,X\na,X\n", (0, 0, 0, True), id="another_order"),
        pytest.param("source,funnel\na,X\na,X\nb,X\n", (1, 0, 0, False), id="the_same_line_twice"),
    ],
)
def test_lines_of_config_are_counted(
    config_of: Callable[..., Config], after: str, counts: tuple[int, int, int, bool] | None
) -> None:
    sides = [config_of(funnel_mapping=text).tables for text in ("source,funnel\na,X\nb,X\n", after)]
    rows = changed_lines(*sides)
    told = [tuple(row[1:]) for row in rows.to_numpy().tolist()]
    assert told == ([] if counts is None else [counts])
