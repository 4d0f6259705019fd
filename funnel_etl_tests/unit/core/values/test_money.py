from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_etl.core.values import money


def column(*texts):
    return pd.Series(list(texts), dtype="str")


@pytest.mark.parametrize(
    ("text", "paise"),
    [
        ("0", 0),
        ("500", 50000),
        ("500.5", 50050),
        ("500.", 50000),
        (".5", 50),
        ("₹1,23,456.78", 12345678),
        ("₹ 500", 50000),
        ("Rs. 500/-", 50000),
        ("Rs.500", 50000),
        ("rs 500", 50000),
        ("INR 500.00", 50000),
        ("500 INR", 50000),
        ("500 Rs.", 50000),
        ("1 23 456", 12345600),
        ("1\u00a023\u202f456", 12345600),
        ("1 2\u200b34", 123400),
        ("1,23,456", 12345600),
        ("1,234,567.5", 123456750),
        ("12,34,567", 123456700),
        ("100,000", 10000000),
        ("₹ 12,500", 1250000),
        ("(5,000)", -500000),
        ("(500)", -50000),
        ("₹(500)", -50000),
        ("(₹500)", -50000),
        ("-500", -50000),
        ("- ₹500", -50000),
        ("₹-500", -50000),
        ("\u2212500", -50000),
        ("500-", -50000),
        ("+500", 50000),
        ("12.344", 1234),
        ("12.345", 1235),
        ("-12.345", -1235),
        ("0.005", 1),
        ("0.00499999", 0),
        ("999999999999.994", 99999999999999),
        ("000000000000012", 1200),
    ],
)
def test_rupees_become_whole_paise_rounded_half_up_away_from_zero(text, paise):
    result = money.parse(column(text))
    assert result.paise.tolist() == [paise]
    assert result.reason.isna().all()


@pytest.mark.parametrize(
    "text",
    [
        "-",
        "--5",
        ".",
        "₹",
        "/-",
        "abc",
        "NA",
        "12a",
        "1e5",
        "1.2.3",
        "1.234,56",
        "5%",
        "$5",
        "(5",
        "5)",
        "((5))",
        "-5-",
        "1/2",
        "1234567890123",
        "999999999999.995",
        "₹Rs.5",
        "१२",
        "500 only",
        "Rs 999 only",
        "1.25 L",
        "25k",
        pytest.param("12,50", id="paise_behind_a_comma"),
        pytest.param("98,75", id="paise_behind_a_comma_again"),
        pytest.param("1200,50", id="four_digits_before_a_comma"),
        pytest.param("4,999,00", id="the_last_group_has_two_digits"),
        pytest.param("1,23,45", id="indian_groups_that_end_in_two"),
        pytest.param("1,2345", id="a_group_of_four"),
        pytest.param("1234,567", id="four_digits_before_a_group"),
        pytest.param("123,45,678", id="three_digits_before_indian_groups"),
        pytest.param("1,234,56,789", id="groups_of_two_kinds"),
        pytest.param(",500", id="nothing_before_a_comma"),
        pytest.param("500,", id="nothing_behind_a_comma"),
        pytest.param("1,,234", id="two_commas"),
        pytest.param("12 50", id="a_blank_that_groups_nothing"),
        pytest.param("12.500,00", id="a_comma_behind_a_point"),
    ],
)
def test_what_is_not_clearly_a_number_is_refused(text):
    result = money.parse(column(text))
    assert result.reason.tolist() == ["bad_money"]
    assert result.paise.isna().all()


def test_a_blank_adds_nothing_and_is_no_error():
    result = money.parse(column("", " \u00a0", None, "5"))
    assert result.paise.isna().tolist() == [True, True, True, False]
    assert result.reason.isna().all()
    assert str(result.paise.dtype) == "Int64"


def test_the_index_of_the_column_is_kept_and_repeats_are_read_alike():
    series = pd.Series(["5", "x", "5"], index=[9, 4, 1], dtype="str")
    result = money.parse(series)
    assert result.paise.fillna(-1).to_dict() == {9: 500, 4: -1, 1: 500}
    assert result.reason.fillna("").to_dict() == {9: "", 4: "bad_money", 1: ""}


def test_an_empty_column_is_read():
    assert len(money.parse(column()).paise) == 0


@settings(max_examples=60, deadline=None)
@given(st.decimals(min_value=-(10**11), max_value=10**11, allow_nan=False, places=4))
def test_rounding_agrees_with_decimal_arithmetic(amount):
    expected = int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert money.parse(column(format(amount, "f"))).paise.tolist() == [expected]


@pytest.mark.parametrize(
    ("texts", "is_proved"),
    [
        pytest.param(["1.234,56", "1200,50", "98,75", "300"], True, id="an_amount_with_both"),
        pytest.param(["₹ 12.34.567,8", "300"], True, id="indian_groups_by_points"),
        pytest.param(["(1.234,56)", "1.500"], True, id="a_point_that_may_be_either"),
        pytest.param(["1.234,56", "12,500"], True, id="a_comma_that_may_be_either"),
        pytest.param(["1.234.567", "1.200", "4.999", "999"], True, id="two_points"),
        pytest.param(["Rs. 12.34.567", "1.200"], True, id="two_points_in_indian_groups"),
        pytest.param(["1200,50", "98,75"], False, id="nothing_with_both"),
        pytest.param(["Rs. 1.200", "4.999", "Rs. 25.333"], False, id="one_point_each"),
        pytest.param(["1.234.56", "13.11.2026", "1.2.3"], False, id="two_points_between_no_groups"),
        pytest.param(["1.234.567", "1.200", "0.500"], False, id="two_points_and_one_behind_a_zero"),
        pytest.param(["1.234.567", "1.200", "99.5"], False, id="two_points_and_one_before_a_decimal"),
        pytest.param(["1.234,56", "99.50"], False, id="a_point_with_two_decimals"),
        pytest.param(["1.234,56", "1,23,456"], False, id="indian_groups_by_commas"),
        pytest.param(["1.234,56", "1,234.56"], False, id="one_of_each_kind"),
        pytest.param(["12.34,56", "300"], False, id="points_that_group_nothing"),
        pytest.param(["1,234.56", "", None], False, id="the_usual"),
        pytest.param([], False, id="no_rows"),
    ],
)
def test_decimal_commas_are_proved_by_an_amount_with_both_signs_and_disproved_by_a_point(texts, is_proved):
    assert money.uses_decimal_commas(column(*texts)) is is_proved


def test_a_column_of_decimal_commas_is_read_with_points_and_what_may_be_two_amounts_as_none():
    texts = column("1.234,56", "1200,50", "-98,7", "300", "1.500", "12,500", "", None, "as agreed")
    read = money.parse(money.with_points(texts))
    assert read.paise.fillna(-1).tolist() == [123456, 120050, -9870, 30000, 150000, -1, -1, -1, -1]
    assert read.reason.fillna("").tolist() == ["", "", "", "", "", "bad_money", "", "", "bad_money"]


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        *(
            (text, False)
            for text in ("0,500", "00,125", "0,750", "-0,500", "0 500", "01,23,456", "0,00,500", "000,000")
        ),
        *((text, True) for text in ("0", "0500", "0.500", "1,000", "10,500", "10,00,000", "1,00,000", "2,050")),
    ],
)
def test_groups_begin_with_no_zero(text, is_read):
    """`0,500`, half a rupee with a decimal comma, counted as 500."""
    assert money.parse(column(text)).reason.isna().tolist() == [is_read]


def test_points_between_thousands_are_read_as_such_in_the_whole_column():
    """`1.234.567` was `bad_money`, and `1.200` beside it ₹1.20 without a word."""
    read = money.parse(money.with_points(column("1.234.567", "1.200", "-4.999", "999", "0,500")))
    assert read.paise.fillna(-1).tolist() == [123456700, 120000, -499900, 99900, 50]


def test_in_a_column_of_both_kinds_a_point_that_may_be_either_is_not_read():
    read = money.parse(money.without_unclear_points(column("1.234.567", "1.200", "99.5", "25.3333", "12,500", "7")))
    assert read.paise.fillna(-1).tolist() == [-1, -1, 9950, 2533, 1250000, 700]


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0, max_value=10**12 - 1), st.sampled_from([3, 2]))
def test_groups_of_both_forms_are_the_number_they_are_made_of(rupees, size):
    text, head = str(rupees)[-3:], str(rupees)[:-3]
    while head:
        text, head = f"{head[-size:]},{text}", head[:-size]
    assert money.parse(column(text)).paise.tolist() == [rupees * 100]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.from_regex(r"[0-9]{1,4}(,[0-9]{1,4}){1,3}", fullmatch=True))
def test_commas_that_end_in_no_group_of_three_are_never_dropped(text):
    read = money.parse(column(text))
    first, *between, last = text.split(",")
    western = len(first) <= 3 and all(len(group) == 3 for group in between)
    indian = len(first) <= 2 and all(len(group) == 2 for group in between)
    assert read.reason.isna().tolist() == [len(last) == 3 and (western or indian) and not text.startswith("0")]
