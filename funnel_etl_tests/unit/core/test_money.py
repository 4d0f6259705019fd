from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funnel_etl.core import money


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
