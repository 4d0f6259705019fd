"""A source that comes in pages, night against night: its rows stand in the order of its pages, not of their lines."""

from datetime import date
from pathlib import Path

import pytest

from funnel_etl_tests.small_nights import SmallNights, assigned, by_cause, difference, lead, sale, summed

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = date(2025, 11, 5), date(2025, 11, 6), date(2025, 11, 7)
A, B, C, D = "9876500001", "9876500002", "9876500003", "9876500004"


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> SmallNights:
    """A company in pages of two rows, whose first night is published.

    A is assigned, and writes, twice in one minute: at the end of the first page and at the beginning of the second.
    """
    made = SmallNights(
        tmp_path_factory.mktemp("company"),
        leads=[lead("2025-11-03", B), lead("2025-11-04", A, "fb"), lead("2025-11-04", A, "g"), lead("2025-11-05", C)],
        assigned=[
            *(assigned("2025-11-03", B, employee="Ravi"), assigned("2025-11-04", A, "FB", "Asha")),
            *(assigned("2025-11-04", A, "G", "Binoy"), assigned("2025-11-05", C)),
            assigned("2025-11-05", D),
        ],
        sales=[sale("S1", "2025-11-04", "1000.50"), sale("S2", "2025-11-05", "99"), sale("S3", "2025-11-05", "5")],
        page=2,
    )
    made.night(FIRST)
    return made


@pytest.fixture
def company(first_night: SmallNights, tmp_path: Path) -> SmallNights:
    """That company, of a test's own."""
    return first_night.copied(tmp_path / "own")


def test_of_two_rows_of_the_same_minute_the_one_on_the_earlier_page_is_the_first(company: SmallNights) -> None:
    facts = company.facts[FIRST]
    of_a = facts[facts["date"] == "2025-11-04"].set_index("funnel")
    assert of_a["m0_assigned"].to_dict() == {"Meta Ads": 1, "Google Ads": 0}
    assert of_a["new_leads"].to_dict() == {"Meta Ads": 1, "Google Ads": 0}


def test_rows_that_a_late_row_pushes_onto_the_next_page_are_as_they_were(company: SmallNights) -> None:
    company.assigned.insert(0, assigned("2025-11-02", D))
    company.leads.insert(0, lead("2025-11-02", D))
    found = company.night(SECOND)
    assert by_cause(found) == {
        "late": {
            "assigned_rows 2025-11-02 Meta Ads": 1,
            "m0_assigned 2025-11-02 Meta Ads": 1,
            "m0_assigned 2025-11-05 Meta Ads": -1,
            "leads 2025-11-02 Meta Ads": 1,
            "new_leads 2025-11-02 Meta Ads": 1,
        }
    }
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


@pytest.mark.parametrize("page", [None, 1, 3])
def test_the_same_rows_in_other_pages_are_the_same(company: SmallNights, page: int | None) -> None:
    company.page = page
    assert by_cause(company.night(SECOND)) == {}


def test_rows_of_one_minute_that_the_dump_s_window_moved_past_stay_in_their_order(company: SmallNights) -> None:
    del company.assigned[0]
    assert by_cause(company.night(SECOND)) == {}
    del company.assigned[:2]
    assert by_cause(company.night(THIRD)) == {}


def test_rows_of_one_minute_that_change_places_over_a_page_s_end_are_edited(company: SmallNights) -> None:
    company.assigned[1:3] = reversed(company.assigned[1:3])
    found = company.night(SECOND)
    assert by_cause(found) == {
        "edited": {"m0_assigned 2025-11-04 Meta Ads": -1, "m0_assigned 2025-11-04 Google Ads": 1}
    }
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_an_edited_and_a_vanished_row_on_a_later_page_show_under_their_causes(company: SmallNights) -> None:
    company.assigned[2] = company.assigned[2] | {"sources": "FB"}
    del company.sales[1]
    found = company.night(SECOND)
    assert by_cause(found) == {
        "edited": {"assigned_rows 2025-11-04 Google Ads": -1, "assigned_rows 2025-11-04 Meta Ads": 1},
        "vanished": {"sales 2025-11-05 Meta Ads": -1, "revenue_inr 2025-11-05 Meta Ads": -9900},
    }
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])
