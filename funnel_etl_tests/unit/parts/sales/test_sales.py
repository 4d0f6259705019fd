"""CRM sales: one row per `_id`, whatever its status; what is merged, what is quarantined, what counts."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC, NO_SOURCE, Config
from funnel_etl.core.errors import MissingColumn
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.sales.contracts import SALES, SALES_SOURCE
from funnel_etl.parts.sales.sales import clean_sales

ZONE = "Asia/Kolkata"
HEADER = "_id,status,createdOn,StudentContact,netAmount,Funnel"
Clean = Callable[..., Outcome]


@pytest.fixture
def clean(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Clean:
    def make(*lines: str, header: str = HEADER, **tables: str) -> Outcome:
        raw = raw_of("crm_sales", SALES_SOURCE, "\n".join([header, *lines]))
        tables = {"funnels": "funnel\nWebinar\nMeta Ads\n"} | tables
        outcome = clean_sales(raw, config_of(**tables), ZONE)
        assert all(line.balances for line in outcome.ledger)
        outcome.rows = SALES.conform(outcome.rows)
        assert SALES.problems(outcome.rows) == []
        return outcome

    return make


def put_aside(outcome: Outcome) -> dict[int, tuple[str, str]]:
    q = outcome.quarantine
    return dict(zip(q["source_row"], zip(q["reason"], q["detail"], strict=True), strict=True))


def merged(outcome: Outcome) -> list[tuple[int, int, str]]:
    columns = ("source_row", "into_source_row", "reason")
    return sorted(zip(*(outcome.merged[c] for c in columns), strict=True))


def test_one_row_per_sale_with_its_day_phone_money_and_funnel(clean: Clean) -> None:
    rows = clean(
        's1,paid,2026-11-01T18:30:00Z,+91 98765 12345,"₹1,00,000.505", webinar ',
        "s2,paid,2026-11-01T18:29:59Z,,-500,Not  Listed",
    ).rows
    assert rows["sale_id"].tolist() == ["s1", "s2"]
    assert rows["sold_date"].dt.strftime("%m-%d").tolist() == ["11-02", "11-01"]
    assert rows["phone"].fillna("").tolist() == ["9876512345", ""]
    assert rows["revenue_inr"].tolist() == [10_000_051, -50_000]
    assert rows["net_amount_inr"].tolist() == [10_000_051, -50_000]
    assert rows["funnel"].tolist() == ["Webinar", "Not Listed"]
    assert rows["final_funnel"].tolist() == ["Webinar", "Not Listed"]


def test_exact_repeats_are_merged_into_the_last(clean: Clean) -> None:
    line = "s1,paid,2026-11-01,9876512345,500,Webinar"
    outcome = clean(line, "s2,paid,2026-11-01,9876512345,500,Webinar", line)
    assert outcome.rows["source_row"].tolist() == [3, 4]
    assert merged(outcome) == [(2, 4, "exact_repeat")]
    assert outcome.notes == []


def test_of_different_rows_with_one_id_the_last_in_the_dump_stays_and_the_conflict_is_noted(clean: Clean) -> None:
    outcome = clean(
        "s1,pending,2026-11-01,9876512345,500,Webinar",
        "s1,paid,2026-11-01,9876512345,700,Webinar",
        "s1,paid,2026-11-01,9876512345,600,Webinar",
        "s2,paid,2026-11-01,9876512345,100,Webinar",
    )
    assert outcome.rows["revenue_inr"].tolist() == [60_000, 10_000]
    assert merged(outcome) == [(2, 4, "same_id_conflict"), (3, 4, "same_id_conflict")]
    assert outcome.notes[0].startswith("2 rows differ from a later row with the same _id")


def test_a_later_row_that_cannot_be_used_does_not_replace_a_good_one(clean: Clean) -> None:
    outcome = clean("s1,paid,2026-11-01,9876512345,500,Webinar", "s1,paid,2026-11-01,9876512345,lots,Webinar")
    assert outcome.rows["revenue_inr"].tolist() == [50_000]
    assert put_aside(outcome) == {3: ("bad_money", "netAmount")}


def test_sales_whose_id_a_spreadsheet_rounded_never_become_one(clean: Clean) -> None:
    """The incident: three sales of a re-saved dump had the id 6.54E+23, and two of them were merged away."""
    outcome = clean(
        *(f"6.54E+23,paid,2026-11-0{day},9876512345,{day}00,Webinar" for day in (1, 2, 3)),
        '"6,54E+23",paid,2026-11-04,9876512345,400,Webinar',
        "1E+15,paid,2026-11-04,9876512345,400,Webinar",
        "654000000000000000000000,paid,2026-11-04,9876512345,400,Webinar",
        "6e5,paid,2026-11-05,9876512345,500,Webinar",
        "64E10,paid,2026-11-05,9876512345,600,Webinar",
        "507f1f77bcf86cd799439011,paid,2026-11-05,9876512345,700,Webinar",
    )
    assert put_aside(outcome) == dict.fromkeys(range(2, 8), ("rounded_id", "_id"))
    assert outcome.rows["sale_id"].tolist() == ["6e5", "64E10", "507f1f77bcf86cd799439011"]
    assert outcome.merged.empty


@pytest.mark.parametrize(
    ("lines", "totals"),
    [
        pytest.param(["Total,,2026-11-02 23:59,,300,"], [4], id="below_the_rows"),
        pytest.param([",,,Total,300,"], [4], id="label_in_another_cell_and_no_date"),
        pytest.param(["TOTAL:,,,,300.00,"], [4], id="capitals_and_a_colon"),
        pytest.param(["Grand total (2),,,,₹ 300,", "कुल,,,,300,"], [4, 5], id="two_of_them"),
        pytest.param(
            ["Sub total,,,,300,", "s3,paid,2026-11-03,9876512345,50,Webinar", "Sub-total,,,,50,", "Sum,,,,350,"],
            [4, 6, 7],
            id="subtotals_and_a_sum_of_all",
        ),
        pytest.param(["s3,paid,2026-11-03,9876512345,many,Webinar", "Total,,,,375,"], [5], id="more_than_can_be_read"),
        pytest.param(["Total,,2026-11-03,,299,"], [4], id="rounded_or_of_other_rows"),
        pytest.param(["Total,,2026-11-03,,100,"], [4], id="of_sales_that_count"),
        pytest.param(["Total,,2026-11-03,,,"], [4], id="without_an_amount"),
        pytest.param(["Total Nov,,,,1,", "Total Dec 2026,,,,2,", "Grand Total,,,,3,"], [4, 5, 6], id="of_months"),
        pytest.param(["Total of Asha's team,,2026-11-03,,300,"], [4], id="another_word_and_the_sum_of_all"),
        pytest.param(["Without refunds total,,2026-11-03,,100,"], [4], id="another_word_and_the_sum_of_a_status"),
        pytest.param(["Without refunds total,,2026-11-03,,299,"], [], id="another_word_and_no_sum"),
        pytest.param(["Overall,,,9876512345,300,Webinar"], [], id="a_label_as_id_with_a_phone"),
        pytest.param(["SUM-1001,paid,2026-11-03,,300,Webinar"], [], id="an_id_that_begins_so"),
        pytest.param(["TOT0007,paid,2026-11-03,,300,Webinar"], [], id="an_id_that_runs_into_digits"),
        pytest.param(["s3,Total,2026-11-03,,300,Webinar"], [], id="a_row_with_an_id"),
        pytest.param(["Total,,2026-11-03,9876512345,300,"], [], id="a_row_with_a_phone"),
        pytest.param(["Total Fitness,,2026-11-03,,301,"], [], id="a_name_that_begins_so"),
    ],
)
def test_a_row_that_adds_up_the_others_is_no_sale(clean: Clean, lines: list[str], totals: list[int]) -> None:
    """The incident: a dated Total row of a dump doubled the month's revenue."""
    outcome = clean(
        "s1,paid,2026-11-01,9876512345,100,Webinar", "s2,refunded,2026-11-02,9876512346,200,Webinar", *lines
    )
    found = outcome.quarantine
    assert found.loc[found["reason"] == "total_row", "source_row"].tolist() == totals


TOTALS = ["Total (Nov)", "Total Nov", "Total for November 2026", "Total Paid", "Total Collection", "G. Total", "TTL"]
TOTALS += ["Tot.", "Overall", "Σ", "∑", "Total geral", "Importe total", "एकूण", "Total till 14 Nov", "Q4 total"]


@pytest.mark.parametrize("amount", ["300", "100", "301"], ids=["all", "only_sales_that_count", "rounded"])
def test_a_total_in_the_place_of_an_id_is_never_a_sale(clean: Clean, amount: str) -> None:
    """`Total (Nov)` counted, and so did the total of the successful sales only: 6000 instead of 3000."""
    rows = ["s1,paid,2026-11-01,9876512345,100,Webinar", "s2,failed,2026-11-02,9876512346,200,Webinar"]
    outcome = clean(*rows, *(f"{label},,2026-11-14 23:59,,{amount}," for label in TOTALS))
    assert outcome.rows["sale_id"].tolist() == ["s1", "s2"]
    assert outcome.quarantine["reason"].tolist() == ["total_row"] * len(TOTALS)


def test_where_every_sale_has_a_label_for_its_id_none_is_a_total(clean: Clean) -> None:
    assert len(clean("Total,paid,2026-11-01,,100,Webinar", "Overall,paid,2026-11-02,,100,Webinar").rows) == 2


def test_what_looks_like_a_total_and_is_the_sum_of_nothing_is_noted(clean: Clean) -> None:
    rows = [f"s{n},paid,2026-11-01,9876512345,100,Webinar" for n in (1, 2)]
    notes = clean(*rows, "Total of Asha's team,,2026-11-03,,299,").notes
    named = "1 with the name of a total, whose amount is the sum of no others, read as a row (the first came on line 4)"
    assert notes == [f"crm_sales: {named}"]


def test_the_total_of_a_dump_is_not_merged_and_disturbs_no_proof_of_its_dates(clean: Clean) -> None:
    days = [f"{day:02d}/{month}/2026" for month in (11, 12) for day in (1, 2, 3, 4, 5)]
    sales = [f"s{day},paid,{day},9876512345,100,Webinar" for day in days]
    outcome = clean(*sales, "Total,,02/11/2026,,1000,", "Total,,02/11/2026,,1000,")
    assert outcome.quarantine["reason"].tolist() == ["total_row"] * 2
    assert outcome.merged.empty
    assert outcome.rows["sold_date"].dt.strftime("%d/%m/%Y").tolist() == days


def test_a_customer_called_total_is_a_customer(clean: Clean) -> None:
    header = HEADER + ",StudentName"
    rows = clean(
        "s1,paid,2026-11-01,9876512345,100,Webinar,Asha",
        "s2,paid,2026-11-02,,100,Webinar,Total",
        header=header,
    ).rows
    assert rows["revenue_inr"].sum() == 20_000


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        pytest.param(" ,paid,2026-11-01,9876512345,500,Webinar", "blank_key", "_id", id="no_id"),
        pytest.param("s1,paid,,9876512345,500,Webinar", "blank_date", "createdOn", id="no_date"),
        pytest.param("s1,paid,soon,9876512345,500,Webinar", "bad_date", "createdOn", id="bad_date"),
        pytest.param("s1,paid,2026-11-01,9876512345,lots,Webinar", "bad_money", "netAmount", id="bad_revenue"),
    ],
)
def test_a_cell_the_sale_needs_quarantines_it_by_name(clean: Clean, line: str, reason: str, column: str) -> None:
    outcome = clean(line)
    assert put_aside(outcome) == {2: (reason, column)}
    assert outcome.rows.empty


def test_blank_revenue_is_missing_and_the_sale_counts(clean: Clean) -> None:
    rows = clean("s1,paid,2026-11-01,9876512345,,Webinar").rows
    assert rows["revenue_inr"].isna().tolist() == [True]
    assert rows["is_counted"].tolist() == [True]


@pytest.mark.parametrize(
    ("status", "counted"),
    [("paid", True), ("", True), (" Refunded ", False), ("CANCELLED", False), ("refund", True)],
    ids=["usual", "blank_counts", "excluded_case_and_blanks", "excluded", "only_the_whole_word"],
)
def test_which_statuses_count_is_the_team_s_to_say(clean: Clean, status: str, *, counted: bool) -> None:
    metrics = "name,value\nexcluded_statuses, cancelled | refunded |\n"
    rows = clean(f"s1,{status},2026-11-01,9876512345,500,Webinar", metrics=metrics).rows
    assert rows["is_counted"].tolist() == [counted]


def test_every_status_counts_while_nothing_is_said(clean: Clean) -> None:
    assert clean("s1,refunded,2026-11-01,9876512345,500,Webinar").rows["is_counted"].tolist() == [True]


@pytest.mark.parametrize("spelling", ["paidAmount", "paidamount", "paid_amount"])
def test_the_revenue_column_is_the_team_s_choice_in_any_spelling(clean: Clean, spelling: str) -> None:
    """A case typed wrong in metrics.csv once made every sale's revenue NULL, silently."""
    rows = clean(
        "s1,paid,2026-11-01,9876512345,500,Webinar,300",
        header=HEADER + ",paidAmount",
        metrics=f"name,value\nrevenue_column,{spelling}\n",
    ).rows
    assert rows["revenue_inr"].tolist() == [30_000]


@pytest.mark.parametrize("spelling", ["Last_Paid_Date", "last_paid_date"])
def test_the_sale_date_column_is_the_team_s_choice_in_any_spelling(clean: Clean, spelling: str) -> None:
    rows = clean(
        "s1,paid,2026-11-01,9876512345,500,Webinar,2026-11-20",
        header=HEADER + ",Last_Paid_Date",
        metrics=f"name,value\nsale_date_column,{spelling}\n",
    ).rows
    assert rows["sold_date"].dt.day.tolist() == [20]


def test_the_chosen_column_may_be_one_the_crm_added(clean: Clean) -> None:
    rows = clean(
        "s1,paid,2026-11-01,9876512345,500,Webinar,42",
        header=HEADER + ",afterFees",
        metrics="name,value\nrevenue_column,afterFees\n",
    ).rows
    assert rows["revenue_inr"].tolist() == [4_200]


def test_a_chosen_column_that_is_not_there_is_an_error_that_names_it(clean: Clean) -> None:
    with pytest.raises(MissingColumn, match="'paidAmount'"):
        clean("s1,paid,2026-11-01,9876512345,500,Webinar", metrics="name,value\nrevenue_column,paidAmount\n")


@pytest.mark.parametrize(
    ("header", "line", "funnel"),
    [
        pytest.param(HEADER, "s1,paid,2026-11-01,9876512345,500,", NO_SOURCE, id="blank_and_no_lead_sources"),
        pytest.param(HEADER.replace(",Funnel", ""), "s1,paid,2026-11-01,9876512345,500", NO_SOURCE, id="column_absent"),
        pytest.param(
            HEADER.replace("Funnel", "assignedLeadSources"),
            's1,paid,2026-11-01,9876512345,500,"Nope; FB Form"',
            "Meta Ads",
            id="derived",
        ),
        pytest.param(
            HEADER.replace("Funnel", "assignedLeadSources"),
            "s1,paid,2026-11-01,9876512345,500,Nope",
            MISC,
            id="none_maps",
        ),
    ],
)
def test_a_sale_without_a_funnel_gets_one_from_its_lead_sources(
    clean: Clean, header: str, line: str, funnel: str
) -> None:
    rows = clean(line, header=header, funnel_mapping="source,funnel\nFB Form,Meta Ads\n").rows
    assert rows["funnel"].tolist() == [funnel]
    assert rows["final_funnel"].tolist() == [funnel]


def test_the_manual_value_of_the_sale_decides_its_final_funnel(clean: Clean) -> None:
    rows = clean(
        "s1,paid,2026-11-01,9876512345,500,Webinar",
        "s2,paid,2026-11-01,9876512345,500,Webinar",
        manual_mapping="sale_id,manual_value\n s2 ,insta\n",
        manual_value_funnel="manual_value,funnel\nInsta,Meta Ads\n",
    ).rows
    assert rows["final_funnel"].tolist() == ["Webinar", "Meta Ads"]
    assert rows["final_funnel_rule"].tolist() == ["crm_funnel", "manual_text_mapped"]
    assert rows["manual_mapping"].fillna("").tolist() == ["", "insta"]


def test_unreadable_cells_the_sale_can_do_without_are_counted_and_the_sale_kept(clean: Clean) -> None:
    outcome = clean(
        "s1,paid,2026-11-01,9876512345,500,Webinar,much,2.5,soon,nobody",
        header=HEADER + ",paidAmount,Total_emi,lastEmiDate,StudentEmail",
    )
    row: Any = outcome.rows.iloc[0]
    assert pd.isna([row["paid_amount_inr"], row["total_emi"], row["last_emi_date"], row["student_email"]]).all()
    assert outcome.ledger[0].cell_warnings == 4


def test_a_dump_with_only_its_header_gives_an_empty_table(clean: Clean) -> None:
    assert clean().rows.empty


def test_a_second_column_of_phones_carries_the_phone_where_the_first_is_blank(clean: Clean) -> None:
    """The columns `metrics.csv` chooses were declared anew, and so no column of sales was known to hold phones."""
    rows = clean(
        "s1,paid,2026-11-01,,500,Webinar,9876512345",
        "s2,paid,2026-11-01,9876512346,500,Webinar,9876512347",
        header=HEADER + ",WhatsApp number",
    ).rows
    assert rows["phone"].tolist() == ["9876512345", "9876512346"]
    assert rows["phone_alternates"].tolist() == [None, ["9876512347"]]
