"""From a raw table to values: which cell quarantines its row, and which only warns."""

import pandas as pd
import pytest

from funnel_etl.core.errors import AmbiguousDates, MissingColumn, SourceRejected
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.source_frame import SourceFrame, raw_records

ZONE = "Asia/Kolkata"
DOCUMENTED = (
    SourceColumn("id", needed=True),
    SourceColumn("when", ("at",), needed=True),
    SourceColumn("cost"),
    SourceColumn("clicks"),
)


def raw(text: str, **aliases: str) -> pd.DataFrame:
    return raw_records(text.encode(), "f" * 64, "ad_spend", DOCUMENTED, aliases).rows


def frame(*lines: str) -> SourceFrame:
    return SourceFrame(raw("\n".join(["id,when,cost,clicks", *lines, ""])), DOCUMENTED, {}, "ad_spend")


def put_aside(source: SourceFrame) -> dict[int, str]:
    found = source.account.quarantined_rows()
    return dict(zip(found["source_row"], found["reason"], strict=True))


def test_a_raw_table_has_the_file_and_line_of_each_record_and_the_columns_the_file_lacks() -> None:
    rows = raw("id,when,ad name\n1,2026-11-01,x\n\n2,2026-11-02,y\n")
    assert rows["source_row"].tolist() == [2, 4]
    assert rows["file_id"].unique().tolist() == ["f" * 64]
    assert rows["cost"].isna().all()
    assert rows["ad name"].tolist() == ["x", "y"]


def test_blank_records_are_accounted_as_excluded() -> None:
    outcome = raw_records(b"id,when\n1,2\n,\n\n", "f" * 64, "ad_spend", DOCUMENTED, {})
    line = outcome.ledger[0]
    assert (line.rows_in, line.rows_out, line.excluded) == (3, 1, 2)
    assert line.reasons == {"excluded:blank_row": 2}
    assert line.balances


def test_columns_beyond_the_documented_ones_are_kept() -> None:
    outcome = raw_records(b"id,when,ad name\n1,2,3\n", "f" * 64, "ad_spend", DOCUMENTED, {})
    assert outcome.rows["ad name"].tolist() == ["3"]


@pytest.mark.parametrize(
    ("data", "error", "what"),
    [
        pytest.param(b"id,cost\n1,2\n", MissingColumn, "ad_spend: the needed column 'when'", id="missing_column"),
        pytest.param(b"", SourceRejected, "ad_spend: the file is empty", id="empty_file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_the_name_of_its_source(
    data: bytes, error: type[Exception], what: str
) -> None:
    with pytest.raises(error, match=what):
        raw_records(data, "f" * 64, "ad_spend", DOCUMENTED, {})


def test_opening_a_frame_quarantines_ragged_records() -> None:
    source = frame("1,2026-11-01,5,5", "2,2026-11-02", "3,2026-11-03,5,5,extra")
    assert put_aside(source) == {3: "too_few_fields", 4: "too_many_fields"}


def test_a_column_is_found_under_a_known_spelling_or_an_alias() -> None:
    source = SourceFrame(raw("id,AT,Spend\n1,2026-11-01,5\n", spend="cost"), DOCUMENTED, {"spend": "cost"}, "ad_spend")
    assert source.text("when").tolist() == ["2026-11-01"]
    assert source.text("cost").tolist() == ["5"]


def test_a_column_the_file_does_not_have_is_all_missing() -> None:
    source = SourceFrame(raw("id,when\n1,2026-11-01\n"), DOCUMENTED, {}, "ad_spend")
    assert source.text("cost").isna().tolist() == [True]
    assert source.money("cost").isna().tolist() == [True]
    assert source.account.line().cell_warnings == 0


def test_a_date_the_row_needs_quarantines_it_with_the_reason() -> None:
    source = frame("1,2026-11-01T18:30:00Z,,", "2,,,", "3,soon,,", "4,45962.5,,")
    instants = source.needed_instant("when", ZONE)
    assert put_aside(source) == {3: "blank_date", 4: "bad_date", 5: "excel_serial"}
    assert instants.dropna().tolist() == [pd.Timestamp("2026-11-01T18:30:00Z")]


def test_a_needed_date_that_reads_both_ways_refuses_the_source() -> None:
    with pytest.raises(AmbiguousDates, match=r"ad_spend\.when"):
        frame("1,01/11/2026,,", "2,01/11/2026,,").needed_instant("when", ZONE)


def test_a_ragged_row_does_not_disprove_what_the_good_ones_prove() -> None:
    source = frame("1,25/11/2026,,", "2,26/11/2026,,", "3,11/25/2026")
    assert source.needed_instant("when", ZONE).dt.tz_convert(ZONE).dt.day.dropna().tolist() == [25, 26]


def test_a_date_the_row_can_do_without_only_warns() -> None:
    source = frame("1,2026-11-01,,", "2,,,", "3,soon,,")
    assert source.instant("when", ZONE).isna().tolist() == [False, True, True]
    assert source.account.line().cell_warnings == 1, "a blank cell is no warning"
    assert put_aside(source) == {}


def test_an_optional_column_that_reads_both_ways_is_left_empty_and_counted() -> None:
    source = frame("1,01/11/2026,,", "2,,,", "3,01/11/2026,,")
    assert source.instant("when", ZONE).isna().all()
    assert source.account.line().cell_warnings == 2
    assert source.account.notes[0].startswith("when left empty")


def test_an_amount_the_row_needs_quarantines_it_unless_it_is_blank() -> None:
    source = frame("1,2026-11-01,₹1\u00a0200.505,", "2,2026-11-01,,", "3,2026-11-01,free,")
    paise = source.needed_money("cost")
    assert put_aside(source) == {4: "bad_money"}
    assert paise.isna().tolist() == [False, True, True]


def test_an_amount_the_row_can_do_without_only_warns() -> None:
    source = frame("1,2026-11-01,(5.25),", "2,2026-11-01,free,", "3,2026-11-01,,")
    assert source.money("cost").fillna(0).tolist() == [-525, 0, 0]
    assert source.account.line().reasons == {"cell_warning:cost": 1}


def test_a_count_is_a_whole_number_or_a_warning() -> None:
    source = frame(
        '1,2026-11-01,,"1,200"', "2,2026-11-01,,3.5", "3,2026-11-01,,many", "4,2026-11-01,,", "5,2026-11-01,,7.0"
    )
    assert source.integer("clicks").fillna(-1).tolist() == [1200, -1, -1, -1, 7]
    assert source.account.line().cell_warnings == 2


def test_a_figure_is_a_number_or_a_warning() -> None:
    source = frame('1,2026-11-01,,"1,200.5"', "2,2026-11-01,,many", "3,2026-11-01,,")
    assert source.number("clicks").fillna(-1).tolist() == [1200.5, -1, -1]
    assert source.account.line().cell_warnings == 1


def test_a_row_without_its_identifier_is_quarantined() -> None:
    source = frame(" 1 ,2026-11-01,,", " ,2026-11-01,,", "\u200b,2026-11-01,,")
    assert source.key("id").fillna("").tolist() == ["1", "", ""]
    assert put_aside(source) == {3: "blank_key", 4: "blank_key"}


def test_a_file_with_only_its_header_gives_columns_of_the_right_dtypes() -> None:
    source = frame()
    assert source.needed_instant("when", ZONE).dtype == "datetime64[us, UTC]"
    assert source.needed_money("cost").dtype == "Int64"
    assert source.integer("clicks").dtype == "Int64"
    assert source.key("id").dtype == "str"
    assert source.account.line().balances


def test_a_count_may_be_in_any_digits_mixed_too_and_as_large_as_a_bigint() -> None:
    source = frame("1,2026-11-01,१२,", "2,2026-11-01,5१०,", "3,2026-11-01,,", "4,2026-11-01,999999999999999999,")
    assert source.integer("cost").tolist() == [12, 510, pd.NA, 999_999_999_999_999_999]
    assert source.account.line().cell_warnings == 0


@pytest.mark.parametrize(
    "text",
    [
        "(5)",
        "Rs 7",
        "7-",
        "1.5",
        "inf",
        "n/a",
        "1.234",
        "1.000",
        '"1,23"',
        '"12,5"',
        '"4,999,00"',
        '"0,500"',
        '"00,125"',
        "2.5.2",
    ],
)
def test_a_count_is_a_whole_number_and_nothing_else(text: str) -> None:
    source = frame(f"1,2026-11-01,{text},", '2,2026-11-01,"1,234",', "3,2026-11-01,12.0,")
    assert source.integer("cost").tolist() == [pd.NA, 1234, 12]
    assert source.account.line().cell_warnings == 1


@pytest.mark.parametrize("text", ['"1,23"', '"98,75"', '"1.234,5"', '"1,2,3"'])
def test_a_figure_has_its_commas_between_groups_only(text: str) -> None:
    source = frame(f"1,2026-11-01,,{text}", '2,2026-11-01,,"-1,234.5"', "3,2026-11-01,,1.5E-05")
    assert source.number("clicks").fillna(-1).tolist() == [-1, -1234.5, 1.5e-05]
    assert source.account.line().cell_warnings == 1


def test_a_column_proved_to_use_decimal_commas_is_read_so_as_a_whole_and_noted_once() -> None:
    source = frame('1,2026-11-01,"1.234,56","1.234,0"', '2,2026-11-01,"98,75",1.000', '3,2026-11-01,"12,500",7')
    assert source.needed_money("cost").fillna(-1).tolist() == [123456, 9875, -1]
    assert source.money("cost").notna().tolist() == [True, True, False]
    assert source.integer("clicks").tolist() == [1234, 1000, 7]
    assert source.number("clicks").tolist() == [1234.0, 1000.0, 7.0]
    assert put_aside(source) == {4: "bad_money"}
    assert [note.split(":")[0] for note in source.account.notes] == ["cost", "clicks"]


def test_a_column_of_both_kinds_loses_what_may_be_either_and_says_so() -> None:
    source = frame("1,2026-11-01,1.234.567,", "2,2026-11-01,1.200,", "3,2026-11-01,99.5,", "4,2026-11-01,25,")
    assert source.needed_money("cost").fillna(-1).tolist() == [-1, -1, 9950, 2500]
    assert put_aside(source) == {2: "bad_money", 3: "bad_money"}
    assert source.account.notes == [
        "cost: one amount has points between thousands, another before decimals: 1.500 was not read"
    ]


def test_costs_with_three_decimals_are_what_they_are_where_nothing_proves_groups() -> None:
    source = frame("1,2026-11-01,25.333,", "2,2026-11-01,1.200,", "3,2026-11-01,₹ 4.999,")
    assert source.needed_money("cost").tolist() == [2533, 120, 500]
    assert source.account.notes == []


def test_a_ragged_row_proves_no_decimal_commas() -> None:
    source = frame('1,2026-11-01,"1,250",', '2,2026-11-01,"1.234,56"')
    assert source.needed_money("cost").dropna().tolist() == [125000]
