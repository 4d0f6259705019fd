"""Labels of totals: what spreadsheets write below the rows, and what only begins like it."""

import pytest

from funnel_etl.core.total_rows import is_total_label


@pytest.mark.parametrize(
    "text",
    [
        *("Total", "TOTAL:", "Grand total", "Sub total", "Sub-Total", "Subtotals", "Sum", " - Total - ", "Total (88)"),
        *("Total: 1,23,456.00", "Total revenue", "Total: Campaigns", "Total for the month", "Summe"),
        *("कुल", "कुल योग", "जो\u0921\u093c", "जो\u095c", "योग"),
    ],
)
def test_a_label_of_a_total_is_known(text: str) -> None:
    assert is_total_label(text)


@pytest.mark.parametrize(
    "text",
    ["", "88", "Total Fitness", "Totaled", "Sumit", "Summer sale", "sales", "all", "Teetotal", "उपयोग", "Account"],
)
def test_what_only_sounds_like_a_total_is_none(text: str) -> None:
    assert not is_total_label(text)
