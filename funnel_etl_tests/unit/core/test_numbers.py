"""Numbers are written in one style for people."""

from decimal import Decimal

import pytest

from funnel_etl.core.numbers import grouped, rupees


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1,000"), (123456, "1,23,456"), (12345678, "1,23,45,678"), (-100000, "-1,00,000")],
)
def test_a_count_is_grouped_the_indian_way(count: int, text: str) -> None:
    assert grouped(count) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal(123456), "₹1,23,456.00"),
        (Decimal("-50.5"), "-₹50.50"),
        (Decimal("0.005"), "₹0.01"),
        (0, "₹0.00"),
        (Decimal("-0.001"), "₹0.00"),
        (99.999, "₹100.00"),
    ],
)
def test_rupees_are_written_with_their_paise(amount: Decimal, text: str) -> None:
    assert rupees(amount) == text


def test_rupees_can_be_written_without_paise() -> None:
    assert rupees(Decimal("123456.50"), paise=False) == "₹1,23,457"
