"""Rows of one `_id` that differ: both amounts, both lines, and by how much what counts would differ."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.source_frame import Page, raw_pages
from funnel_etl.core.tables.accounting import MERGED_COLUMNS
from funnel_etl.marts.funnel.worklist.undecided_sales import conflicting_sales
from funnel_etl.parts.sales.contracts import SALES, SALES_SOURCE
from funnel_etl.parts.sales.sales import clean_sales

HEADER = "_id,status,createdOn,StudentContact,netAmount,Funnel"
Conflicts = Callable[..., pd.DataFrame]


@pytest.fixture
def conflicts(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Conflicts:
    """Return the conflicts of a dump: its rows from line 2 on, after the header."""

    def make(*lines: str, header: str = HEADER, **tables: str) -> pd.DataFrame:
        given = {"metrics": "name,value\nexcluded_statuses,refunded\n"} | tables
        config = config_of(funnels="funnel\nWebinar\n", **given)
        raw = raw_of("crm_sales", SALES_SOURCE, "\n".join([header, *lines]), config.aliases("crm_sales"))
        made = clean_sales(raw, config, "Asia/Kolkata")
        return conflicting_sales(raw, made.merged, SALES.conform(made.rows), config)

    return make


def test_a_refund_line_is_listed_with_both_amounts_and_both_lines(conflicts: Conflicts) -> None:
    [row] = conflicts(
        's1,success,2026-11-01 10:00,9876512345,"1,00,000",Webinar',
        "s2,success,2026-11-01 10:00,9876512345,700,Webinar",
        "s1,Refunded,2026-11-03 10:00,9876512345,-100000,Webinar",
    ).to_dict("records")
    assert (row["sale_id"], row["source_row"], row["rows_count"], row["revenue_inr"]) == ("s1", 4, 2, 100_000_00)
    assert row["detail"] == (
        "kept: line 4, -₹1,00,000.00, Refunded; merged: line 2, ₹1,00,000.00, success "
        "(differs in status, createdOn, netAmount)"
    )
    assert not row["is_counted"]


@pytest.mark.parametrize(
    ("earlier", "last", "differs"),
    [
        pytest.param("success,{day},,300,Webinar", "success,{day},,200,Webinar", 100_00, id="an_instalment"),
        pytest.param("success,{day},,300,Webinar", "success,{day},,,Webinar", 300_00, id="a_blank_amount"),
        pytest.param("refunded,{day},,300,Webinar", "success,{day},,300,Webinar", 300_00, id="only_the_status"),
        pytest.param("success,{day},,300,App", "success,{day},,300,Webinar", 0, id="only_the_funnel"),
        pytest.param("refunded,{day},,300,Webinar", "refunded,{day},,1,Webinar", 0, id="neither_counts"),
    ],
)
def test_the_rupees_that_differ_are_those_that_would_count(
    conflicts: Conflicts, earlier: str, last: str, differs: int
) -> None:
    day = "2026-11-01 10:00"
    [row] = conflicts(f"s1,{earlier.format(day=day)}", f"s1,{last.format(day=day)}").to_dict("records")
    assert row["revenue_inr"] == differs


def test_of_several_rows_each_is_told_and_exact_repeats_are_not(conflicts: Conflicts) -> None:
    """As where two pages of the CRM overlap while it is edited."""
    first, second, last = (f"s1,success,2026-11-01 10:00,,{amount},Webinar" for amount in (100, 250, 400))
    [row] = conflicts(first, second, last, first, second, last, "s2,success,2026-11-01 10:00,,1,Webinar").to_dict(
        "records"
    )
    assert (row["source_row"], row["rows_count"], row["revenue_inr"]) == (7, 3, 450_00)
    assert row["detail"].count("merged: line") == 2
    assert conflicts(first, first).empty
    assert conflicts(first).empty


def test_rows_on_several_pages_are_told_in_the_order_of_the_pages(config_of: Callable[..., Config]) -> None:
    config = config_of(funnels="funnel\nWebinar\n", metrics="name,value\nexcluded_statuses,refunded\n")
    pages = [
        Page("\n".join([HEADER, *(f"{row},Webinar" for row in rows)]).encode(), name * 64)
        for name, rows in (
            ("b", ["s2,success,2026-11-01 10:00,,1", "s1,success,2026-11-01 10:00,,100"]),
            ("a", ["s1,success,2026-11-01 10:00,,250", "s1,success,2026-11-01 10:00,,400"]),
        )
    ]
    raw = raw_pages(pages, "crm_sales", SALES_SOURCE, {}).rows
    made = clean_sales(raw, config, "Asia/Kolkata")
    [row] = conflicting_sales(raw, made.merged, SALES.conform(made.rows), config).to_dict("records")
    assert [text.split(" (")[0] for text in row["detail"].split("; ")] == [
        "kept: line 3, ₹400.00, success",
        "merged: line 3, ₹100.00, success",
        "merged: line 2, ₹250.00, success",
    ]


def test_a_night_without_merged_rows_has_no_conflicts_as_the_lake_gives_them(
    raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config], table_of: Callable[..., pd.DataFrame]
) -> None:
    """Read back from the lake, an account without rows has no types: the first night had no work-list."""
    raw = raw_of("crm_sales", SALES_SOURCE, HEADER + "\ns1,success,2026-11-01 10:00,,1,Webinar")
    merged = pd.DataFrame({name: [] for name in MERGED_COLUMNS})
    assert conflicting_sales(raw, merged, table_of(SALES, "sale_id\ns1"), config_of()).empty


def test_the_amounts_are_of_the_team_s_revenue_column_under_its_alias(conflicts: Conflicts) -> None:
    [row] = conflicts(
        "s1,success,2026-11-01 10:00,,1,Webinar,50",
        "s1,success,2026-11-01 10:00,,1,Webinar,80",
        header=f"{HEADER},Paid now",
        metrics="name,value\nrevenue_column,paidAmount\n",
        column_aliases="source,alias,column\ncrm_sales,Paid now,paidAmount\n",
    ).to_dict("records")
    assert row["revenue_inr"] == 30_00


def test_a_phone_typed_into_a_status_is_not_told(conflicts: Conflicts) -> None:
    day = "2026-11-01 10:00"
    [row] = conflicts(f"s1,call 9876512345,{day},,1,Webinar", f"s1,,{day},,1,Webinar").to_dict("records")
    assert "9876512345" not in row["detail"]
    assert "no status" in row["detail"]
