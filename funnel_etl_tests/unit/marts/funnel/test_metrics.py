"""The generated tables of docs/metrics.md: what they name is there, and what should be on the page is."""

import re

import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.marts.funnel import metrics
from funnel_etl.marts.funnel.contracts import MEASURES, ORIGINS
from funnel_etl.settings import PROJECT

COLUMNS = {f"{table.full_name}.{column.name}" for table in TABLES for column in table.columns}
PAGE = (PROJECT / "docs/metrics.md").read_text()


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_says_which_columns_it_comes_from_and_they_are_there(name: str) -> None:
    assert set(ORIGINS[name].columns) <= COLUMNS
    assert len(ORIGINS[name].columns) >= 1


def test_no_measure_has_an_origin_that_is_none() -> None:
    assert list(ORIGINS) == list(MEASURES)


def test_what_the_sheet_has_stands_at_columns_that_are_there() -> None:
    assert set(metrics.SHEET) <= COLUMNS
    told = "\n".join(metrics.sections().values())
    assert all(f"| `{place}` |" in told for place in metrics.SHEET)
    of_parity = set(re.findall(r"`(parity\.\w+\.\w+)`", told))
    assert len(of_parity) >= 8
    assert of_parity <= COLUMNS


def test_every_section_is_on_the_page_once() -> None:
    for name in metrics.sections():
        assert PAGE.count(f"<!-- metrics: {name} -->\n") == 1


def test_the_page_is_what_the_contracts_say() -> None:
    assert metrics.with_sections(PAGE) == PAGE, "run `make docs`"


def test_a_section_is_filled_anew_and_what_is_around_it_stays() -> None:
    page = "before\n<!-- metrics: rates -->\n| old |\n<!-- end -->\nafter <!-- end of page -->"
    filled = metrics.with_sections(page)
    assert "| old |" not in filled
    assert "| `cpl_inr` | `spend_inr` / `leads` | `mart.funnel_monthly.cpl_inr` |  |" in filled
    assert filled.startswith("before\n<!-- metrics: rates -->\n| metric |")
    assert filled.endswith("<!-- end -->\nafter <!-- end of page -->")


@pytest.mark.parametrize("page", ["<!-- metrics: nothing -->\n<!-- end -->", "<!-- metrics: rates -->\nno end"])
def test_a_section_that_nobody_makes_or_that_does_not_end_is_an_error(page: str) -> None:
    with pytest.raises(ValueError, match=r"docs/metrics.md: no section"):
        metrics.with_sections(page)
