"""What an amount is once it lies in a sheet."""

import pandas as pd
import pytest

from funnel_etl.core.values.money import parse
from funnel_etl.marts.parity.sheet_cells import as_numbers


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        pytest.param("1,200.5", 1_200_500_000, id="commas"),
        pytest.param("(7)", -7_000_000, id="brackets"),
        pytest.param("₹ 7", None, id="a_sign_of_the_rupee"),
        pytest.param("", None, id="blank"),
        pytest.param("900000000000", 900_000_000_000_000_000, id="twelve_digits"),
        pytest.param("000009999999999999", None, id="thirteen_digits"),
        pytest.param("-9999999999999", None, id="thirteen_digits_less_than_nothing"),
        pytest.param("999999999999.995", None, id="thirteen_digits_once_rounded"),
        pytest.param("9" * 400, None, id="more_than_a_float_holds"),
    ],
)
def test_an_amount_is_a_number_only_where_a_sum_can_hold_it(text: str, millionths: int | None) -> None:
    [seen] = as_numbers(pd.Series([text], dtype="str"))
    assert (None if pd.isna(seen) else int(seen)) == millionths


@pytest.mark.parametrize("text", ["999999999999.994", "999999999999.995", "1000000000000", "9999999999999"])
def test_the_sheet_takes_no_larger_amount_than_our_own_reader(text: str) -> None:
    column = pd.Series([text], dtype="str")
    assert as_numbers(column).isna().tolist() == parse(column).paise.isna().tolist()
