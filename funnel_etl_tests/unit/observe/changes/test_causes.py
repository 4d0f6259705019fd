"""Each cause, on two nights of a tiny company: what was planted shows under its cause, and nothing else does."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.marts.funnel import published
from funnel_etl.parts.marketing.zoom.withdrawals import KIND
from funnel_etl.sources.archive.decisions import decide
from funnel_etl_tests.planted_edits import (
    CASES,
    FIRST,
    HELD,
    SECOND,
    THIRD,
    A,
    B,
    C,
    D,
    a_late_assignment_that_takes_the_m0,
    a_late_lead_that_is_the_first,
    a_manual_mapping,
    a_mapping_edit,
    a_placeholder_phone,
    a_reexport_with_one_more,
    a_refund,
    a_report_of_the_new_day,
    an_assignment_of_another_source,
    edited,
    new_rows,
    restated_spend,
)
from funnel_etl_tests.small_nights import (
    SmallNights,
    assigned,
    at,
    attendee_report,
    by_cause,
    difference,
    lead,
    sale,
    spent,
    summed,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> SmallNights:
    """A company whose first night has been published; not to be touched."""
    made = SmallNights(
        tmp_path_factory.mktemp("company"),
        leads=[lead("2025-11-03", A), lead("2025-11-04", B, "g"), lead("2025-11-04", A, "g", at="12:00")],
        assigned=[assigned("2025-11-03", A), assigned("2025-11-04", B, "G"), assigned("2025-11-05", C, "Somebody")],
        sales=[sale("S1", "2025-11-04", "1000.50"), sale("S2", "2025-11-05", "99", "Google Ads")],
        spend=[spent("2025-11-03", "250.25"), spent("2025-11-04", "10", "Google Ads", "winter")],
        reports=[attendee_report(HELD, at(2025, 11, 4, 21), [A, B])],
    )
    made.night(FIRST)
    return made


@pytest.fixture
def company(first_night: SmallNights, tmp_path: Path) -> SmallNights:
    """That company, of a test's own."""
    return first_night.copied(tmp_path / "own")


@pytest.mark.parametrize(("edit", "expected"), CASES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_what_is_planted_shows_under_its_cause_and_nothing_else_does(
    company: SmallNights, edit: Callable[[SmallNights], None], expected: dict[str, dict[str, int]]
) -> None:
    edit(company)
    found = company.night(SECOND)
    assert by_cause(found) == expected
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_a_report_of_the_new_day_moves_older_numbers_as_a_part_of_the_new_day(company: SmallNights) -> None:
    a_report_of_the_new_day(company)
    found = by_cause(company.night(SECOND), new_days=True)
    assert set(found) == {"new_day"}
    assert found["new_day"]["m0_attended 2025-11-05 Other Sources (Miscellaneous)"] == 1


def test_rows_of_a_day_that_was_not_complete_are_new_whatever_became_of_them_meanwhile(company: SmallNights) -> None:
    company.sales.append(sale("S9", "2025-11-06", "5"))
    company.leads.append(lead("2025-11-06", D))
    company.night(FIRST)
    edited(company.sales, 2, netAmount="6")
    del company.leads[-1]
    found = company.night(SECOND)
    assert by_cause(found, new_days=True) == {
        "new_day": {"sales 2025-11-06 Meta Ads": 1, "revenue_inr 2025-11-06 Meta Ads": 600}
    }


def test_a_line_that_was_in_quarantine_and_is_mended_is_edited(company: SmallNights) -> None:
    company.spend.append(spent("2025-11-05", "as agreed", campaign="flyers"))
    company.assigned.append(assigned("soon", D))
    company.night(FIRST)
    edited(company.spend, 2, cost="40")
    edited(company.assigned, 3, assignOn="2025-11-05 11:00")
    edited(company.leads, 1, **{"created date": "some day"})
    found = by_cause(company.night(SECOND))
    assert set(found) == {"edited"}
    assert found["edited"]["spend_inr 2025-11-05 Meta Ads"] == 4000
    assert found["edited"]["assigned_rows 2025-11-05 Meta Ads"] == 1
    assert found["edited"]["leads 2025-11-04 Google Ads"] == -1


def test_rows_the_dump_s_window_moved_past_have_not_vanished(company: SmallNights) -> None:
    del company.assigned[0], company.sales[0]
    assert by_cause(company.night(SECOND)) == {}
    assert by_cause(company.night(THIRD)) == {}


def test_three_missed_nights_are_compared_with_the_last_one_that_was_published(company: SmallNights) -> None:
    company.leads += [lead("2025-11-06", C), lead("2025-11-07", D)]
    company.night(SECOND, publish=False)
    edited(company.sales, 0, netAmount="900")
    found = company.night(date(2025, 11, 8))
    assert set(found["previous_as_of"].dt.date) == {FIRST}
    assert by_cause(found) == {"edited": {"revenue_inr 2025-11-04 Meta Ads": -10050}}
    assert summed(found) == difference(company.facts[FIRST], company.facts[date(2025, 11, 8)])


def test_the_same_night_again_gives_the_same_and_a_refresh_the_whole_difference(company: SmallNights) -> None:
    a_refund(company)
    once = company.night(SECOND)
    assert company.night(SECOND).equals(once)
    a_reexport_with_one_more(company)
    found = company.night(SECOND)
    assert set(by_cause(found)) == {"edited", "zoom_reexport"}
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])
    assert by_cause(company.night(THIRD)) == {}


def test_the_first_night_has_nothing_to_compare_with(tmp_path: Path) -> None:
    company = SmallNights(tmp_path, leads=[lead("2025-11-03", A)])
    assert len(company.night(FIRST)) == 0
    assert "nothing to compare" in company.changed.notes[0]


def test_a_withdrawn_report_and_its_return_are_a_cause_of_their_own(company: SmallNights) -> None:
    [report] = company.reports
    company.reports.clear()
    decide(company.landing, KIND, company.landing.file_id_of(report), "another account")
    found = company.night(SECOND)
    moved = by_cause(found)
    assert moved.keys() == {"zoom_withdrawn"}
    assert moved["zoom_withdrawn"]["attendances 2025-11-04 Webinar"] == -2
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])
    company.reports.append(report)
    decide(company.landing, KIND, company.landing.file_id_of(report), "it was right", is_undone=True)
    back = company.night(THIRD)
    assert by_cause(back) == {"zoom_withdrawn": {name: -value for name, value in moved["zoom_withdrawn"].items()}}


def test_a_wrong_report_withdrawn_for_the_right_one_of_its_webinar_adds_up(company: SmallNights) -> None:
    [wrong] = company.reports
    company.reports[0] = attendee_report(HELD, at(2025, 11, 4, 20), [A, C])
    decide(company.landing, KIND, company.landing.file_id_of(wrong), "another account")
    found = company.night(SECOND)
    assert by_cause(found).keys() == {"zoom_withdrawn"}
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_many_causes_at_once_still_add_up(company: SmallNights) -> None:
    for edit in (
        a_late_lead_that_is_the_first,
        a_late_assignment_that_takes_the_m0,
        a_reexport_with_one_more,
        a_mapping_edit,
        a_manual_mapping,
        a_placeholder_phone,
        an_assignment_of_another_source,
        restated_spend,
        new_rows,
    ):
        edit(company)
    del company.sales[1]
    found = company.night(SECOND)
    assert set(by_cause(found)) == {
        *("late", "zoom_reexport", "mapping", "manual_mapping", "config", "edited", "vanished")
    }
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_a_lake_that_lost_the_last_night_changes_nothing_of_what_is_told(company: SmallNights) -> None:
    for edit in (a_mapping_edit, a_refund, a_reexport_with_one_more):
        edit(company)
    expected = company.night(SECOND)
    for path in Path(company.lake.root).rglob(f"{FIRST}*"):
        path.unlink()
    again = company.night(SECOND)
    assert again.equals(expected)


def test_a_lake_whose_last_night_was_made_again_with_other_content_is_not_believed(company: SmallNights) -> None:
    expected = company.night(SECOND)
    night = company.lake.read(published.MADE_FROM[0], FIRST)
    assert len(night) > 1
    company.lake.write(published.MADE_FROM[0], FIRST, night.iloc[:1])
    assert company.night(SECOND).equals(expected)


def test_another_version_of_the_code_that_moves_nothing_hides_nothing_else(
    company: SmallNights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funnel_etl.observe.changes.steps.code_in_force", lambda: "another")
    edited(company.sales, 0, netAmount="900")
    assert by_cause(company.night(SECOND)) == {"edited": {"revenue_inr 2025-11-04 Meta Ads": -10050}}


def test_a_rule_that_changes_shows_as_the_code_s(company: SmallNights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funnel_etl.observe.changes.steps.code_in_force", lambda: "another")
    monkeypatch.setattr("funnel_etl.parts.sales.sales.is_counted", lambda status, _config: status == "no")
    company.made = {}
    found = company.night(SECOND)
    assert set(by_cause(found)) == {"code_version"}
    assert by_cause(found)["code_version"]["revenue_inr 2025-11-04 Meta Ads"] == -100050
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_a_closed_month_moves_only_by_being_closed_or_opened(company: SmallNights) -> None:
    before, closed = date(2025, 12, 1), date(2025, 12, 2)
    company.night(before)
    company.config["closed_months"] += "2025-11-01\n"
    a_late_assignment_that_takes_the_m0(company)
    found = company.night(closed)
    assert by_cause(found) == {"late": {"assigned_rows 2025-11-01 Meta Ads": 1}}
    company.config["closed_months"] = "month\n"
    found = company.night(date(2025, 12, 3))
    assert set(by_cause(found)) == {"config"}
    assert by_cause(found)["config"]["m0_assigned 2025-11-01 Meta Ads"] == 1
    assert summed(found) == difference(company.facts[closed], company.facts[date(2025, 12, 3)])


def test_a_month_that_closes_before_it_was_complete_adds_up_also_after_a_refresh(company: SmallNights) -> None:
    closing = date(2025, 12, 1)
    company.config["closed_months"] += "2025-11-01\n"
    company.night(closing)
    a_reexport_with_one_more(company)
    found = company.night(closing)
    assert summed(found) == difference(company.facts[FIRST], company.facts[closing])


def test_what_can_no_longer_be_made_is_said_to_be_unknown(company: SmallNights) -> None:
    a_refund(company)
    for path in Path(company.lake.root).rglob(f"{FIRST}*"):
        path.unlink()
    kept = published.published_before(company.landing, SECOND)
    assert kept
    for file_id in kept.made_from.files["crm_sales"]:
        next(Path(company.landing.root).rglob(file_id)).unlink()
    found = company.night(SECOND)
    assert by_cause(found) == {
        "unknown_previous": {"sales 2025-11-04 Meta Ads": -1, "revenue_inr 2025-11-04 Meta Ads": -100050}
    }
    assert "clean.sales of 2025-11-05 can no longer be made" in company.changed.notes
