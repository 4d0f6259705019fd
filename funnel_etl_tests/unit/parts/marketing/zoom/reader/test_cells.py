"""Counts and minutes of a Zoom report: a comma stands between groups of digits, or the cell is none."""

import pytest

from funnel_etl.parts.marketing.zoom.reader.cells import whole_number


@pytest.mark.parametrize(
    ("cell", "count"), [("95", 95), ("95.0", 95), ("1,234", 1234), ("1,23,456", 123456), ("-", None), ("", None)]
)
def test_a_count_may_have_groups_and_the_fraction_of_a_spreadsheet(cell: str, count: int | None) -> None:
    assert whole_number(cell) == count


@pytest.mark.parametrize("cell", ["1,23", "12,5", "1.000", "1.234", "1,2345", "0,500", "00,125", "1" * 19, "12 min"])
def test_a_count_is_never_made_of_what_a_decimal_comma_leaves(cell: str) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        whole_number(cell)
