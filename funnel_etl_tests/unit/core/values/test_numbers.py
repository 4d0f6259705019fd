"""Numbers are written in one style for people."""

import ast
import re
from decimal import Decimal

import pytest

from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.settings import PROJECT


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


def test_no_number_is_written_in_western_groups() -> None:
    """`:,` writes 100,000 where everybody else here writes 1,00,000."""
    package = PROJECT / "funnel_etl"
    files = [file for file in package.rglob("*.py") if file.relative_to(package).parts[0] != "bench"]
    found = {}
    for file in files:
        nodes = ast.walk(ast.parse(file.read_text()))
        specs = [node.format_spec for node in nodes if isinstance(node, ast.FormattedValue) and node.format_spec]
        if western := [text for spec in specs if re.fullmatch(r"f'.*,(\.\d+)?[a-z]?'", text := ast.unparse(spec))]:
            found[file.name] = western
    assert found == {}
