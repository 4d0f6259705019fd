import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.values import date_spelling, dates

KOLKATA = "Asia/Kolkata"


def column(*texts):
    return pd.Series(list(texts), dtype="str")


def parse(*texts, **options):
    return dates.parse(column(*texts), KOLKATA, column="created date", **options)


def local(result, zone=KOLKATA):
    return [str(value.tz_localize(None)) for value in result.instants.dt.tz_convert(zone)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-12", "2026-11-12 00:00:00"),
        ("2026-1-5 9:05", "2026-01-05 09:05:00"),
        ("2026/11/12", "2026-11-12 00:00:00"),
        ("2026-11-12 18:30", "2026-11-12 18:30:00"),
        ("2026-11-12T18:30:05", "2026-11-12 18:30:05"),
        ("2026-11-12T18:30:00.123456789", "2026-11-12 18:30:00.123456"),
        ("2026-11-12T18:30:00Z", "2026-11-13 00:00:00"),
        ("2026-11-12T18:30:00.000z", "2026-11-13 00:00:00"),
        ("2026-11-12 18:30:00 UTC", "2026-11-13 00:00:00"),
        ("2026-11-12 18:30:00+00", "2026-11-13 00:00:00"),
        ("2026-11-12T18:30:00+05:30", "2026-11-12 18:30:00"),
        ("2026-11-12T18:30:00-0100", "2026-11-13 01:00:00"),
        ("Mar 28, 2020 08:07:27", "2020-03-28 08:07:27"),
        ("Mar 28, 2020 2:20 PM", "2020-03-28 14:20:00"),
        ("Apr 1, 2026 2:38\u202fPM", "2026-04-01 14:38:00"),
        ("April 1 2026", "2026-04-01 00:00:00"),
        ("28 Mar 2020 14:05", "2020-03-28 14:05:00"),
        ("28-Mar-2020", "2020-03-28 00:00:00"),
        ("28-Mar-20", "2020-03-28 00:00:00"),
        ("1st Sept 2026", "2026-09-01 00:00:00"),
        ("jan. 12, 2021 8:53 da manhã", "2021-01-12 08:53:00"),
        ("fev. 12, 2021 8:53 da tarde", "2021-02-12 20:53:00"),
        ("out. 2, 2021 9:00 da noite", "2021-10-02 21:00:00"),
        ("12 de dezembro de 2021", "2021-12-12 00:00:00"),
        ("ene. 12, 2021 8:53 p. m.", "2021-01-12 20:53:00"),
        ("dic. 12, 2021 8:53 a.\u00a0m.", "2021-12-12 08:53:00"),
        ("13/04/2026", "2026-04-13 00:00:00"),
        ("13-04-2026 17:05", "2026-04-13 17:05:00"),
        ("13.04.26", "2026-04-13 00:00:00"),
        ("04/13/2026 05:42:17 PM", "2026-04-13 17:42:17"),
        ("12/25/2025, 12:00 am", "2025-12-25 00:00:00"),
        ("12/25/2025 12:00 pm", "2025-12-25 12:00:00"),
        ("  2026-11-12\t", "2026-11-12 00:00:00"),
    ],
)
def test_a_spelling_is_read_in_the_zone_of_the_setting(text, expected):
    result = parse(text)
    assert local(result) == [expected]
    assert result.reason.isna().all()


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2026",
        "2026-02-30",
        "2025-02-29",
        "32/13/2026",
        "2026-11-12 24:00",
        "2026-11-12 10:60",
        "2026-11-12 10:10:60",
        "2026-11-12T10:00+05:75",
        "13/04/2026 13:05 PM",
        "13/04/2026 0:05 PM",
        "1969-12-31",
        "2101-01-01",
        "0026-11-12",
        "2026-11",
        "20261112",
        "12/11-2026",
        "Foo 12, 2026",
        "tomorrow",
        "NA",
        "--",
        "4596",
    ],
)
def test_what_is_no_date_is_bad_and_the_rows_beside_it_are_still_read(text):
    result = parse("2026-11-12", text)
    assert result.reason.tolist()[1] == "bad_date"
    assert result.instants.isna().tolist() == [False, True]


@pytest.mark.parametrize("text", ["45962", "45962.5", " 45962.52083 "])
def test_an_excel_serial_is_told_by_its_own_reason(text):
    result = parse(text)
    assert result.reason.tolist() == ["excel_serial"]
    assert result.instants.isna().all()
    assert result.order is None


def test_blank_is_what_the_caller_says_and_what_is_missing():
    result = parse("", None, " na ", "--", "2026-11-12", blanks=("", "NA", "--"))
    assert result.reason.tolist()[:4] == ["blank_date"] * 4
    assert result.reason.isna().tolist()[4]
    assert result.instants.notna().tolist() == [False] * 4 + [True]


def test_an_empty_column_and_a_column_of_blanks_have_no_order():
    assert parse().order is None
    result = parse(None, "")
    assert result.order is None
    assert str(result.instants.dtype) == "datetime64[us, UTC]"


def test_the_index_of_the_column_is_kept():
    series = pd.Series(["2026-11-12", None], index=[7, 3], dtype="str")
    result = dates.parse(series, KOLKATA, column="c")
    assert list(result.instants.index) == [7, 3]
    assert list(result.reason.index) == [7, 3]


def test_a_value_over_twelve_in_the_first_place_proves_day_first_for_the_column():
    result = parse("03/04/2026", "13/04/2026")
    assert (local(result), result.order) == (["2026-04-03 00:00:00", "2026-04-13 00:00:00"], "day_first")
    assert "over 12" in result.proof


def test_a_value_over_twelve_in_the_second_place_proves_month_first():
    result = parse("03/04/2026", "04/13/2026")
    assert (local(result), result.order) == (["2026-03-04 00:00:00", "2026-04-13 00:00:00"], "month_first")


def test_an_impossible_day_proves_nothing():
    with pytest.raises(AmbiguousDates):
        parse("03/04/2026", "31/02/2026")


def test_one_contradiction_in_ten_is_a_bad_date_with_a_warning():
    result = parse(*["13/04/2026"] * 9, "04/13/2026")
    assert result.order == "day_first"
    assert result.reason.tolist()[9] == "bad_date"
    assert len(result.warnings) == 1


def test_more_contradictions_than_that_refuse_the_column():
    with pytest.raises(AmbiguousDates, match=r"8 rows can only be day-first .*2 only month-first"):
        parse(*["13/04/2026"] * 8, "04/13/2026", "04/14/2026")


def test_equal_days_and_months_need_no_proof():
    result = parse("03/03/2026", "04/04/2026")
    assert (local(result), result.order) == (["2026-03-03 00:00:00", "2026-04-04 00:00:00"], "same")


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (("11/03/2026", "12/03/2026", "01/04/2026"), "day_first"),
        (("01/04/2026", "12/03/2026", "11/03/2026"), "day_first"),
        (("03/11/2026", "03/12/2026", "04/01/2026"), "month_first"),
    ],
    ids=["ascending", "descending", "month first"],
)
def test_rows_in_order_of_time_in_one_reading_only_prove_it(texts, order):
    result = parse(*texts)
    assert result.order == order
    assert "order of time" in result.proof


def test_two_different_values_are_too_few_for_the_proof_by_order():
    with pytest.raises(AmbiguousDates):
        parse("12/03/2026", "12/03/2026", "01/04/2026")


def test_an_iso_value_out_of_order_spoils_the_proof_by_order():
    with pytest.raises(AmbiguousDates):
        parse("11/03/2026", "12/03/2026", "2020-01-01", "01/04/2026")


def test_a_refusal_names_the_column_and_both_readings_and_no_more_of_the_cell():
    with pytest.raises(AmbiguousDates) as error:
        parse("03/04/2026 10:15")
    assert "03/04/2026 is 3 April or 4 March" in str(error.value)
    assert str(error.value).startswith("created date: ")
    assert "10:15" not in str(error.value)


def test_a_column_is_read_in_both_orders_for_a_caller_who_proves_the_order_otherwise():
    texts = column("08/09/2026 10:45", "13/09/2026", "Mar 5, 2026", "2026-03-04", "--", "soon", None)
    read = dates.readings(texts, KOLKATA, blanks=("--",))
    by_day, by_month = (pd.DatetimeIndex(part.view("datetime64[us]")) for part in (read.by_day, read.by_month))
    assert by_day.strftime("%m-%d").tolist()[:4] == ["09-08", "09-12", "03-04", "03-03"]
    assert by_month.strftime("%m-%d")[0] == "08-09"
    assert (read.by_month == dates.MISSING).tolist() == [False, True, False, False, True, True, True]
    assert read.is_blank.tolist() == [False, False, False, False, True, False, True]


def test_iso_named_and_numeric_spellings_mix_in_one_column_and_iso_is_never_day_first():
    result = parse("2026-03-04", "Mar 5, 2026", "13/03/2026", "06/03/2026", "2026-03-06T18:30:00Z")
    expected = ["2026-03-04", "2026-03-05", "2026-03-13", "2026-03-06", "2026-03-07"]
    assert local(result) == [f"{day} 00:00:00" for day in expected]


@pytest.mark.parametrize(
    ("text", "order"),
    [("2026-03-04", "iso"), ("Mar 4, 2026", "named"), ("rubbish", None), ("31/02/2026", None)],
)
def test_without_numeric_dates_the_order_is_the_spelling(text, order):
    assert parse(text).order == order


def test_clock_changes_take_the_first_of_two_hours_and_step_over_the_missing_one():
    texts = column("2026-10-25 02:30", "2026-03-29 02:30")
    result = dates.parse(texts, "Europe/Berlin", column="c")
    assert [str(value) for value in result.instants] == [
        "2026-10-25 00:30:00+00:00",
        "2026-03-29 01:00:00+00:00",
    ]


def test_a_business_day_begins_at_midnight_in_the_zone():
    instants = parse("2026-11-12T18:29:59Z", "2026-11-12T18:30:00Z", None).instants
    days = dates.business_day(instants, KOLKATA)
    assert days.dtype == np.dtype("datetime64[us]")
    assert [str(day.date()) for day in days[:2]] == ["2026-11-12", "2026-11-13"]
    assert days.isna().tolist() == [False, False, True]


def test_a_month_starts_on_its_first_day():
    days = pd.Series(pd.to_datetime(["2026-11-30", "2026-12-01", None])).astype("datetime64[us]")
    months = dates.month_start(days)
    assert months.dtype == np.dtype("datetime64[us]")
    assert [str(month.date()) for month in months[:2]] == ["2026-11-01", "2026-12-01"]
    assert months.isna().tolist() == [False, False, True]


STAMPS = st.from_regex(
    r"(|[0-9]{4}[-/.][0-9]{2}[-/.][0-9]{2}([ tT][0-9]{2}[:. ][0-9]{2}[:.+]?[0-9.]{2})?"
    r"|20[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9](:[0-6][0-9]){2})?)",
    fullmatch=True,
)


@given(st.lists(STAMPS, max_size=5) | st.lists(st.text("0123456789-:tz +./", min_size=10, max_size=19), max_size=3))
def test_a_column_as_databases_write_it_is_read_as_the_patterns_read_it(texts: list[str]) -> None:
    plain = date_spelling.tidy(pa.array(texts, type=pa.large_string()))
    fast = date_spelling.read(plain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(date_spelling, "_as_databases_write", lambda _: None)
        careful = date_spelling.read(plain)
    is_dated = careful.kind != date_spelling.BAD
    assert fast.kind.tolist() == careful.kind.tolist()
    for name, cells in careful._asdict().items():
        assert getattr(fast, name)[is_dated].tolist() == cells[is_dated].tolist(), name


def test_a_column_as_databases_write_it_takes_the_fast_way() -> None:
    texts = pa.array(["2025-11-20 10:45:00", "", "2025-11-21", "2024-02-29t23:59:59"], type=pa.large_string())
    stamps = date_spelling._as_databases_write(texts)
    assert [stamp and f"{stamp:%F %T}" for stamp in stamps.to_pylist()] == [
        "2025-11-20 10:45:00",
        None,
        "2025-11-21 00:00:00",
        "2024-02-29 23:59:59",
    ]
