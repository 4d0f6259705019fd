"""Shares of a whole amount: they sum to it exactly, and none is a unit off."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.core.values.apportion import MAX_DENOMINATOR, apportion

Group = tuple[int, list[int]]
AMOUNTS = st.integers(min_value=-(10**18), max_value=10**18)
WEIGHTS = st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=9).filter(any)


def shares(groups: list[Group]) -> list[list[int]]:
    rows = [(amount, w, sum(weights), at) for at, (amount, weights) in enumerate(groups) for w in weights]
    amounts, numerators, denominators, group = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    flat = iter(apportion(amounts, numerators, denominators, group).tolist())
    return [[next(flat) for _ in weights] for _, weights in groups]


@given(st.lists(st.tuples(AMOUNTS, WEIGHTS), min_size=1, max_size=5))
def test_shares_sum_to_the_amount_and_each_is_within_a_unit_of_the_exact_one(groups: list[Group]) -> None:
    for (amount, weights), given_shares in zip(groups, shares(groups), strict=True):
        assert sum(given_shares) == amount
        for weight, share in zip(weights, given_shares, strict=True):
            assert abs(share - Fraction(amount * weight, sum(weights))) < 1


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        pytest.param(100, [1, 1, 1], [34, 33, 33], id="what_is_left_goes_to_the_first_of_equals"),
        pytest.param(100, [1, 3, 3], [14, 43, 43], id="what_is_left_goes_to_the_largest_remainder"),
        pytest.param(-100, [1, 1, 1], [-34, -33, -33], id="a_refund_is_shared_like_a_sale"),
        pytest.param(0, [2, 1], [0, 0], id="nothing"),
        pytest.param(10**18, [1, 2], [333333333333333333, 666666666666666667], id="a_whole_in_18_decimals"),
    ],
)
def test_an_amount_is_shared_in_whole_units(amount: int, weights: list[int], expected: list[int]) -> None:
    assert shares([(amount, weights)]) == [expected]


def test_no_rows_have_no_shares() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert apportion(none, none, none, none).tolist() == []


@pytest.mark.parametrize(
    ("numerators", "denominator"),
    [
        pytest.param([1, 1], 3, id="they_do_not_sum_to_the_denominator"),
        pytest.param([-1, 3], 2, id="a_negative_weight"),
        pytest.param([0, 0], 0, id="nothing_to_share_by"),
        pytest.param([MAX_DENOMINATOR, 1], MAX_DENOMINATOR + 1, id="a_denominator_too_large_for_64_bits"),
    ],
)
def test_weights_that_cannot_be_shared_by_are_refused(numerators: list[int], denominator: int) -> None:
    of_two = np.ones(2, dtype=np.int64)
    with pytest.raises(ValueError, match="numerator"):
        apportion(of_two, np.array(numerators), of_two * denominator, of_two)
