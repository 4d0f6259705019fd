"""The rows behind what moved, on two nights of a tiny company: each with its line of a file, then and now."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from funnel_etl_tests.small_nights import SmallNights, assigned, at, attendee_report, lead, moved_by_rows, sale, summed

pytestmark = pytest.mark.slow

FIRST, SECOND = date(2025, 11, 5), date(2025, 11, 6)
A, B, C = "9876500001", "9876500002", "9876500003"
HELD = at(2025, 11, 4, 19)
Pair = tuple[str, str | None, int | None, int | None, str | None, int | None, int | None]


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> SmallNights:
    """A company whose first night has been published."""
    made = SmallNights(
        tmp_path_factory.mktemp("company"),
        leads=[lead("2025-11-03", A), lead("2025-11-04", B, "g")],
        assigned=[assigned("2025-11-03", A), assigned("2025-11-04", B, "G")],
        sales=[
            sale("S1", "2025-11-04", "1000.50"),
            sale("S2", "2025-11-05", "99", "Google Ads"),
            sale("S0", "2025-11-03", "1"),  # the dump's window begins before the sales that are edited
        ],
        reports=[attendee_report(HELD, at(2025, 11, 4, 21), [A])],
    )
    made.night(FIRST)
    return made


@pytest.fixture
def company(first_night: SmallNights, tmp_path: Path) -> SmallNights:
    """That company, of a test's own."""
    return first_night.copied(tmp_path / "own")


def edit(company: SmallNights, **cells: str) -> None:
    company.sales[0] = company.sales[0] | cells


def pairs(rows: pd.DataFrame) -> list[Pair]:
    """Return metric; funnel, value and line before; the same after."""
    names = [f"{side}_{name}" for side in ("before", "after") for name in ("funnel", "value", "source_row")]
    cells: list[Any] = rows[["metric", *names]].astype("object").where(rows.notna(), None).to_numpy().tolist()
    return [tuple(row) for row in cells]


def an_amount_edited(c: SmallNights) -> None:
    edit(c, netAmount="900")


def a_sale_refunded(c: SmallNights) -> None:
    edit(c, status="refunded")


def a_sale_gone(c: SmallNights) -> None:
    del c.sales[0]


def a_sale_moved_to_another_funnel_by_mapping(c: SmallNights) -> None:
    c.config["manual_mapping"] += "S1,friend,\n"


def a_lead_come_late(c: SmallNights) -> None:
    c.leads.append(lead("2025-11-04", C))


def an_assignee_who_attended_after_all(c: SmallNights) -> None:
    c.reports.append(attendee_report(HELD, at(2025, 11, 5, 9), [A, B]))


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (an_amount_edited, [("revenue_inr", "Meta Ads", 100050, 2, "Meta Ads", 90000, 2)]),
        (
            a_sale_refunded,
            [
                ("sales", "Meta Ads", 100, 2, None, None, 2),
                ("revenue_inr", "Meta Ads", 100050, 2, None, None, 2),
            ],
        ),
        (
            a_sale_gone,
            [
                ("sales", "Meta Ads", 100, 2, None, None, None),
                ("revenue_inr", "Meta Ads", 100050, 2, None, None, None),
            ],
        ),
        (
            a_sale_moved_to_another_funnel_by_mapping,
            [
                ("sales", "Meta Ads", 100, 2, "Referral", 100, 2),
                ("revenue_inr", "Meta Ads", 100050, 2, "Referral", 100050, 2),
            ],
        ),
        (
            a_lead_come_late,
            [("leads", None, None, None, "Meta Ads", 100, 4), ("new_leads", None, None, None, "Meta Ads", 100, 4)],
        ),
        (
            an_assignee_who_attended_after_all,
            [
                ("registrations", None, None, None, "Webinar", 100, 8),
                ("attendances", None, None, None, "Webinar", 100, 8),
                ("m0_attended", None, None, 3, "Google Ads", 100, 3),
            ],
        ),
    ],
    ids=lambda given: given.__name__ if callable(given) else "",
)
def test_what_moved_a_number_is_listed_with_both_lines(
    company: SmallNights, plant: Callable[[SmallNights], None], expected: list[Pair]
) -> None:
    plant(company)
    found = company.night(SECOND)

    assert sorted(pairs(company.rows), key=str) == sorted(expected, key=str)
    assert moved_by_rows(company.rows, FIRST) == summed(found[found["date"] <= str(FIRST)])


def test_nothing_is_listed_when_nothing_moved(company: SmallNights) -> None:
    company.night(SECOND)
    assert len(company.rows) == 0


def test_a_row_of_a_new_day_is_not_listed(company: SmallNights) -> None:
    company.sales.append(sale("S3", "2025-11-06", "5"))
    assert len(company.night(SECOND)) == 2
    assert len(company.rows) == 0


def test_files_of_both_nights_are_named(company: SmallNights) -> None:
    an_amount_edited(company)
    company.night(SECOND)
    row = company.rows.iloc[0]
    landed = [company.landing.night(day, "crm_sales") for day in (FIRST, SECOND)]
    assert [[row["before_file_id"]], [row["after_file_id"]]] == landed


def test_a_company_without_webinars_has_its_rows_listed_too(tmp_path: Path) -> None:
    made = SmallNights(tmp_path, sales=[sale("S1", "2025-11-04", "1000.50"), sale("S0", "2025-11-03", "1")])
    made.night(FIRST)
    an_amount_edited(made)
    made.night(SECOND)
    assert pairs(made.rows) == [("revenue_inr", "Meta Ads", 100050, 2, "Meta Ads", 90000, 2)]
