"""Labels of totals: what spreadsheets write below the rows, and what only begins like it."""

import pytest

from funnel_etl.core.reading.total_rows import is_total_label, names_a_total


@pytest.mark.parametrize(
    "text",
    [
        *("Total", "TOTAL:", "Grand total", "Sub total", "Sub-Total", "Subtotals", "Sum", " - Total - ", "Total (88)"),
        *("Total: 1,23,456.00", "Total revenue", "Total: Campaigns", "Total for the month", "Summe"),
        *("Total (Nov)", "Total for November 2026", "G. Total", "Tot.", "TTL", "Overall", "Σ", "∑ (12)", "एकूण"),
        *("Importe total", "Total geral", "Total Paid", "Total Collection", "Results from 2 campaigns", "FY 26 total"),
        *("कुल", "कुल योग", "जो\u0921\u093c", "जो\u095c", "योग"),
    ],
)
def test_a_label_of_a_total_is_known(text: str) -> None:
    assert is_total_label(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "88", "Total Fitness", "Totaled", "Sumit", "Summer sale", "sales", "all", "Teetotal", "उपयोग", "Account"),
        *("SUM-1001", "TOT0007", "Total#12", "November", "Overalls", "Tottenham", "Results", "Total - Search"),
    ],
)
def test_what_only_sounds_like_a_total_is_none(text: str) -> None:
    assert not is_total_label(text)


@pytest.mark.parametrize("text", ["Google Ads Total", "Total - Search", "Total by Asha", "Total Fitness", "Total:"])
def test_a_label_with_other_words_beside_it_names_a_total(text: str) -> None:
    assert names_a_total(text)


@pytest.mark.parametrize("text", ["", "The total cost of CFA", "SUM-1001", "Google Ads", "Totaled", "Summer"])
def test_a_label_inside_other_words_names_none(text: str) -> None:
    assert not names_a_total(text)
