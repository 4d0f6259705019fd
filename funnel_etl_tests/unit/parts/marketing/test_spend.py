"""Ad spend: every line counts, to the paisa, under a known funnel or Unmapped."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.core.config_tables import UNMAPPED, Config
from funnel_etl.core.errors import MissingColumn
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.marketing.contracts import AD_SPEND, SPEND_SOURCE
from funnel_etl.parts.marketing.spend import clean_ad_spend

ZONE = "Asia/Kolkata"
HEADER = "date_time,cost,impressions,Web Revenue,Funnel"
Clean = Callable[..., Outcome]


@pytest.fixture
def clean(raw_of: Callable[..., pd.DataFrame], config_of: Callable[..., Config]) -> Clean:
    def make(*lines: str, header: str = HEADER) -> Outcome:
        raw = raw_of("ad_spend", SPEND_SOURCE, "\n".join([header, *lines]))
        outcome = clean_ad_spend(raw, config_of(funnels="funnel\nMeta Ads\nWebinar\n"), ZONE)
        assert all(line.balances for line in outcome.ledger)
        outcome.rows = AD_SPEND.conform(outcome.rows)
        assert AD_SPEND.problems(outcome.rows) == []
        return outcome

    return make


@pytest.mark.parametrize(
    ("typed", "funnel", "raw"),
    [
        pytest.param("Meta Ads", "Meta Ads", "Meta Ads", id="known"),
        pytest.param(" meta  ADS ", "Meta Ads", " meta  ADS ", id="case_and_blanks"),
        pytest.param("Metta Ads", UNMAPPED, "Metta Ads", id="unknown"),
        pytest.param("Other Sources (Miscellaneous)", UNMAPPED, "Other Sources (Miscellaneous)", id="no_misc_in_spend"),
        pytest.param("", UNMAPPED, None, id="blank"),
        pytest.param("*", UNMAPPED, "*", id="a_star_is_no_pattern"),
    ],
)
def test_the_funnel_is_looked_up_among_known_ones(clean: Clean, typed: str, funnel: str, raw: str | None) -> None:
    row = clean(f"2026-11-01,5,,,{typed}").rows.iloc[0]
    assert row["funnel"] == funnel
    assert (None if pd.isna(row["funnel_raw"]) else row["funnel_raw"]) == raw


def test_equal_lines_are_two_lines(clean: Clean) -> None:
    line = "2026-11-01,10.50,7,1,Meta Ads"
    rows = clean(line, line).rows
    assert rows["cost_inr"].sum() == 2100
    assert rows["source_row"].tolist() == [2, 3]


def test_each_line_is_rounded_half_up_before_any_sum(clean: Clean) -> None:
    assert clean("2026-11-01,0.005,,,X", "2026-11-01,0.005,,,X").rows["cost_inr"].tolist() == [1, 1]


def test_the_sum_over_funnels_is_the_sum_of_usable_cost_and_the_rest_is_in_quarantine(clean: Clean) -> None:
    outcome = clean(
        '2026-11-01,"₹1,200.10",7,,Meta Ads',
        "2026-11-01,,7,,Meta Ads",
        "2026-11-01,free,7,,Meta Ads",
        "soon,300,7,,Webinar",
        "2026-11-02,(100),7,,Nobody",
    )
    assert outcome.rows.groupby("funnel")["cost_inr"].sum().to_dict() == {"Meta Ads": 120_010, UNMAPPED: -10_000}
    assert outcome.rows["cost_inr"].isna().sum() == 1, "a blank cost is missing, and its line kept"
    assert dict(zip(outcome.quarantine["source_row"], outcome.quarantine["reason"], strict=True)) == {
        4: "bad_money",
        5: "bad_date",
    }


def test_commas_that_group_nothing_never_multiply_a_cost_by_a_hundred(clean: Clean) -> None:
    outcome = clean(
        '2026-11-01,"4,999,00",7,,Meta Ads',
        '2026-11-01,"12,50","1,23",,Meta Ads',
        '2026-11-01,"1,23,456.50","1,234",,Meta Ads',
    )
    assert outcome.rows["cost_inr"].tolist() == [12_345_650]
    assert outcome.rows["impressions"].tolist() == [1234]
    assert outcome.quarantine["reason"].tolist() == ["bad_money", "bad_money"]
    assert outcome.ledger[0].reasons == {"quarantined:bad_money": 2}


def test_a_sheet_of_decimal_commas_is_read_to_the_paisa_with_a_note(clean: Clean) -> None:
    """The incident: a sheet saved in a German Excel had 100 times its cost, but for the one line with both signs."""
    lines = ("1200,50;1.234", "98,75;5", "1.234,56;7", "300;1")
    outcome = clean(*(f"2026-11-01;{line};;Meta Ads" for line in lines), header=HEADER.replace(",", ";"))
    assert outcome.rows["cost_inr"].tolist() == [120_050, 9_875, 123_456, 30_000]
    assert outcome.rows["impressions"].fillna(-1).tolist() == [-1, 5, 7, 1], "nothing proves that 1.234 is 1,234"
    assert outcome.notes == [
        "cost: its amounts have points between thousands (1.234.567 or 1.234,56), and were read so"
    ]


def test_the_business_day_is_that_of_the_zone(clean: Clean) -> None:
    rows = clean("2026-11-12T18:29:59Z,5,,,X", "2026-11-12T18:30:00Z,5,,,X").rows
    assert rows["spend_date"].dt.day.tolist() == [12, 13]


def test_unreadable_figures_the_line_can_do_without_are_counted(clean: Clean) -> None:
    outcome = clean("2026-11-01,5,many,lots,X", '2026-11-01,5,"1,200","1,200.5",X')
    assert outcome.rows["impressions"].fillna(-1).tolist() == [-1, 1200]
    assert outcome.rows["web_revenue"].fillna(-1).tolist() == [-1, 1200.5]
    assert outcome.ledger[0].reasons == {"cell_warning:Web Revenue": 1, "cell_warning:impressions": 1}


def test_all_43_columns_of_the_sheet_are_there_in_snake_case() -> None:
    assert len(SPEND_SOURCE) == 43
    for name in ("account_descriptive_name", "sub_category", "goal_id", "super_coaching_revenue", "funnel"):
        assert name in AD_SPEND.by_name


@pytest.mark.parametrize("column", ["date_time", "cost", "Funnel"])
def test_a_sheet_without_a_needed_column_is_refused_by_name(clean: Clean, column: str) -> None:
    with pytest.raises(MissingColumn, match=f"'{column}'"):
        clean("x,y,z,w,v", header=HEADER.replace(column, "x" * 20))


def test_a_sheet_with_only_its_header_gives_an_empty_table(clean: Clean) -> None:
    assert clean().rows.empty


def test_a_line_that_adds_up_the_others_is_no_spend_and_a_campaign_with_total_in_its_name_is(clean: Clean) -> None:
    header = "date_time,campaign,impressions,cost,Funnel"
    outcome = clean(
        "2026-11-01,Total Fitness,10,100.10,Meta Ads",
        "2026-11-02,Total,20,50.15,Meta Ads",
        "2026-11-02,Brand,20,25.333,Meta Ads",
        "2026-11-02,Brand,20,25.333,Meta Ads",
        "Total: Account,,70,200.92,",
        ",Grand Total, --,200.916,--",
        header=header,
    )
    assert outcome.rows["cost_inr"].tolist() == [10_010, 5_015, 2_533, 2_533]
    assert outcome.quarantine[["source_row", "reason"]].to_numpy().tolist() == [[6, "total_row"], [7, "total_row"]]


BARE, FULL = "2026-11-30,{},,600.5,", "2026-11-30,Webinar,{},600.5,Meta Ads"


@pytest.mark.parametrize(
    ("label", "total"),
    [
        *(("Google Ads Total", BARE), ("Total - Search", BARE), ("google total", FULL)),
        *(("Results from 2 campaigns", BARE), ("Overall", FULL), ("Total Nov", FULL)),
    ],
)
def test_a_dated_total_is_no_spend_whatever_else_its_label_says(clean: Clean, label: str, total: str) -> None:
    lines = [f"2026-11-0{day},{cell},Webinar" for day, cell in ((1, "a,G,300.25"), (2, "b,G,200.25"), (3, "c,M,100"))]
    outcome = clean(*lines, total.format(label), header="date_time,campaign,platform,cost,Funnel")
    assert outcome.rows["cost_inr"].sum() == 60_050
    assert outcome.quarantine[["source_row", "reason"]].to_numpy().tolist() == [[5, "total_row"]]


def test_totals_of_months_and_platforms_between_the_lines_are_no_spend(clean: Clean) -> None:
    outcome = clean(
        *("2026-11-01,a,Google,300,Webinar", "2026-11-02,b,Google,200,Webinar", "2026-11-30,,Google total,500,"),
        *("2026-11-03,c,Meta,50,Webinar", "2026-11-03,d,Meta,25,Webinar", "2026-11-30,,Total - Meta,75,"),
        *("2026-11-30,Total Nov,,575,", "2026-12-01,e,Meta,10,Webinar", "2026-12-31,Total Dec,,10,"),
        "2026-12-31,Grand Total,,585,",
        header="date_time,campaign,platform,cost,Funnel",
    )
    assert outcome.quarantine["source_row"].tolist() == [4, 7, 8, 10, 11]
    assert outcome.rows["cost_inr"].sum() == 58_500


@pytest.mark.parametrize(
    ("campaign", "funnel"),
    [("Total Fitness", "Meta Ads"), ("Total Fitness", ""), ("Overall", "Meta Ads"), ("योग", "Meta Ads"), ("TTL", "")],
)
def test_a_campaign_with_a_label_in_its_name_and_a_cost_of_its_own_is_spend(
    clean: Clean, campaign: str, funnel: str
) -> None:
    lines = [f"2026-11-0{day},{name},{cost},{funnel}" for day in (1, 2, 3) for name, cost in (("a", 500), ("b", 400))]
    own = [f"2026-11-0{day},{campaign},{cost},{funnel}" for day, cost in ((1, 500), (2, 900), (3, 1300))]
    outcome = clean(*sorted([*lines, *own]), header="date_time,campaign,cost,Funnel")
    assert outcome.rows["cost_inr"].sum() == 540_000
    assert outcome.notes == []


def test_a_name_that_most_lines_have_is_no_label_of_a_total(clean: Clean) -> None:
    lines = [f"2026-11-0{day},Total Academy,c,{cost},Meta Ads" for day, cost in ((1, 500), (2, 900), (3, 1400))]
    outcome = clean(*lines, "2026-11-30,Total,,2800,", header="date_time,account,campaign,cost,Funnel")
    assert outcome.quarantine["source_row"].tolist() == [5]


def test_a_total_that_has_no_cost_is_one_if_it_says_nothing_else(clean: Clean) -> None:
    outcome = clean("2026-11-01,5,7,,Meta Ads", "Total,,3,,", "2026-11-02,,Total,,Meta Ads")
    assert outcome.quarantine[["source_row", "reason"]].to_numpy().tolist() == [[3, "bad_date"]]
    outcome = clean("2026-11-01,5,7,,Meta Ads", "Total,,1,,", "2026-11-02,,Total,,Meta Ads")
    assert outcome.quarantine[["source_row", "reason"]].to_numpy().tolist() == [[3, "total_row"]]


def test_lines_that_are_all_called_total_are_spend(clean: Clean) -> None:
    """A sheet of one line a day for the whole account: equal costs on two days are no sums of each other."""
    outcome = clean(
        *("2026-11-01,Total,500,Meta Ads", "2026-11-02,Total,500,Meta Ads", "2026-11-03,Total,1000,Meta Ads"),
        header="date_time,campaign,cost,Funnel",
    )
    assert outcome.rows["cost_inr"].sum() == 200_000
