"""Each cause, on two nights of a tiny company: what was planted shows under its cause, and nothing else does."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.marts.funnel import published
from funnel_etl.parts.marketing.zoom.withdrawals import KIND
from funnel_etl.sources.archive.decisions import decide
from funnel_etl_tests.small_nights import (
    SmallNights,
    assigned,
    at,
    attendee_report,
    by_cause,
    difference,
    lead,
    registration_report,
    sale,
    spent,
    summed,
)

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = date(2025, 11, 5), date(2025, 11, 6), date(2025, 11, 7)
A, B, C, D = "9876500001", "9876500002", "9876500003", "9876500004"
HELD = at(2025, 11, 4, 19)


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


def edited(rows: list[dict[str, str]], number: int, **cells: str) -> None:
    rows[number] = rows[number] | cells


def no_edit(_: SmallNights) -> None:
    pass


def new_rows(c: SmallNights) -> None:
    c.leads.append(lead("2025-11-06", C))
    c.sales.append(sale("S3", "2025-11-06", "5"))


def a_late_lead_that_is_the_first(c: SmallNights) -> None:
    c.leads.append(lead("2025-11-02", B, "g"))


def a_late_assignment_that_takes_the_m0(c: SmallNights) -> None:
    c.assigned.append(assigned("2025-11-01", B))


def a_late_sale_and_a_late_line_of_spend(c: SmallNights) -> None:
    c.sales.insert(0, sale("S0", "2025-11-01", "7.77"))
    c.spend.insert(0, spent("2025-11-01", "3.33", campaign="spring"))


def an_edited_amount(c: SmallNights) -> None:
    edited(c.sales, 0, netAmount="900")


def a_refund(c: SmallNights) -> None:
    edited(c.sales, 0, status="Refunded")


def a_sale_on_another_day_and_funnel(c: SmallNights) -> None:
    edited(c.sales, 0, createdOn="2025-11-03 12:00", Funnel="Google Ads")


def a_sale_moved_to_the_new_day(c: SmallNights) -> None:
    edited(c.sales, 0, createdOn="2025-11-06 12:00")


def a_lead_with_another_campaign(c: SmallNights) -> None:
    edited(c.leads, 0, utmSource="g")


def a_lead_on_another_day(c: SmallNights) -> None:
    edited(c.leads, 1, **{"created date": "2025-11-03 10:00"})


def an_assignment_of_another_source(c: SmallNights) -> None:
    edited(c.assigned, 0, sources="G")


def an_assignment_at_another_time(c: SmallNights) -> None:
    edited(c.assigned, 0, assignOn="2025-11-02 11:00")


def an_assignment_of_another_phone(c: SmallNights) -> None:
    edited(c.assigned, 2, leadMobile=B)


def restated_spend(c: SmallNights) -> None:
    edited(c.spend, 0, cost="260", clicks="7")


def a_vanished_lead(c: SmallNights) -> None:
    del c.leads[0]


def a_vanished_sale_and_line_of_spend(c: SmallNights) -> None:
    del c.sales[1], c.spend[1]


def a_vanished_assignment(c: SmallNights) -> None:
    del c.assigned[1]


def a_reexport_with_one_more(c: SmallNights) -> None:
    c.reports.append(attendee_report(HELD, at(2025, 11, 6, 9), [A, B, C]))


def the_first_report_of_an_older_webinar(c: SmallNights) -> None:
    c.reports.append(attendee_report(at(2025, 11, 5, 19), at(2025, 11, 6, 9), [C], "812 0000 0002"))


def a_report_of_the_new_day(c: SmallNights) -> None:
    c.reports.append(attendee_report(at(2025, 11, 6, 19), at(2025, 11, 6, 21), [C], "812 0000 0002"))


def the_first_registration_report_comes_late(c: SmallNights) -> None:
    c.reports.append(registration_report(HELD, at(2025, 11, 4, 18), [A, B, D]))


def a_mapping_edit(c: SmallNights) -> None:
    c.config["funnel_mapping"] += "Somebody,Referral\n"


def a_campaign_mapping_edit(c: SmallNights) -> None:
    c.config["campaign_mapping"] = c.config["campaign_mapping"].replace("g,,,Google Ads", "g,,,Referral")


def a_manual_mapping(c: SmallNights) -> None:
    c.config["manual_mapping"] += "S1,Friend,\n"


def another_rule_of_what_counts(c: SmallNights) -> None:
    c.config["metrics"] = "name,value\nexcluded_statuses,success\n"


def a_placeholder_phone(c: SmallNights) -> None:
    c.config["placeholder_phones"] += f"{A},\n"


def only_a_note_in_a_mapping(c: SmallNights) -> None:
    c.config["manual_value_funnel"] = "manual_value,funnel\nfriend,Referral\nnobody,Referral\n"


CASES: dict[Callable[[SmallNights], None], dict[str, dict[str, int]]] = {
    no_edit: {},
    new_rows: {},
    only_a_note_in_a_mapping: {},
    a_late_lead_that_is_the_first: {
        "late": {
            "leads 2025-11-02 Google Ads": 1,
            "new_leads 2025-11-02 Google Ads": 1,
            "new_leads 2025-11-04 Google Ads": -1,
        }
    },
    a_late_assignment_that_takes_the_m0: {
        "late": {
            "assigned_rows 2025-11-01 Meta Ads": 1,
            "m0_assigned 2025-11-01 Meta Ads": 1,
            "m0_assigned 2025-11-04 Google Ads": -1,
            "m0_attended 2025-11-01 Meta Ads": 1,
            "m0_attended 2025-11-04 Google Ads": -1,
        }
    },
    a_late_sale_and_a_late_line_of_spend: {
        "late": {
            "sales 2025-11-01 Meta Ads": 1,
            "revenue_inr 2025-11-01 Meta Ads": 777,
            "spend_inr 2025-11-01 Meta Ads": 333,
            "impressions 2025-11-01 Meta Ads": 100,
            "clicks 2025-11-01 Meta Ads": 5,
        }
    },
    an_edited_amount: {"edited": {"revenue_inr 2025-11-04 Meta Ads": -10050}},
    a_refund: {"edited": {"sales 2025-11-04 Meta Ads": -1, "revenue_inr 2025-11-04 Meta Ads": -100050}},
    a_sale_on_another_day_and_funnel: {
        "edited": {
            "sales 2025-11-04 Meta Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "sales 2025-11-03 Google Ads": 1,
            "revenue_inr 2025-11-03 Google Ads": 100050,
        }
    },
    a_sale_moved_to_the_new_day: {
        "edited": {
            "sales 2025-11-04 Meta Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "sales 2025-11-06 Meta Ads": 1,
            "revenue_inr 2025-11-06 Meta Ads": 100050,
        }
    },
    a_lead_with_another_campaign: {
        "edited": {
            "leads 2025-11-03 Meta Ads": -1,
            "leads 2025-11-03 Google Ads": 1,
            "new_leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-03 Google Ads": 1,
        }
    },
    a_lead_on_another_day: {
        "edited": {
            "leads 2025-11-04 Google Ads": -1,
            "leads 2025-11-03 Google Ads": 1,
            "new_leads 2025-11-04 Google Ads": -1,
            "new_leads 2025-11-03 Google Ads": 1,
        }
    },
    an_assignment_of_another_source: {
        "edited": {
            "assigned_rows 2025-11-03 Meta Ads": -1,
            "assigned_rows 2025-11-03 Google Ads": 1,
            "m0_assigned 2025-11-03 Meta Ads": -1,
            "m0_assigned 2025-11-03 Google Ads": 1,
            "m0_attended 2025-11-03 Meta Ads": -1,
            "m0_attended 2025-11-03 Google Ads": 1,
        }
    },
    an_assignment_at_another_time: {
        "edited": {
            f"{metric} 2025-11-0{day} Meta Ads": sign
            for metric in ("assigned_rows", "m0_assigned", "m0_attended")
            for day, sign in ((3, -1), (2, 1))
        }
    },
    an_assignment_of_another_phone: {"edited": {"m0_assigned 2025-11-05 Other Sources (Miscellaneous)": -1}},
    restated_spend: {"edited": {"spend_inr 2025-11-03 Meta Ads": 975, "clicks 2025-11-03 Meta Ads": 2}},
    a_vanished_lead: {
        "vanished": {
            "leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-04 Google Ads": 1,
        }
    },
    a_vanished_sale_and_line_of_spend: {
        "vanished": {
            "sales 2025-11-05 Google Ads": -1,
            "revenue_inr 2025-11-05 Google Ads": -9900,
            "spend_inr 2025-11-04 Google Ads": -1000,
            "impressions 2025-11-04 Google Ads": -100,
            "clicks 2025-11-04 Google Ads": -5,
        }
    },
    a_vanished_assignment: {
        "vanished": {
            f"{metric} 2025-11-04 Google Ads": -1 for metric in ("assigned_rows", "m0_assigned", "m0_attended")
        }
    },
    a_reexport_with_one_more: {
        "zoom_reexport": {
            "registrations 2025-11-04 Webinar": 1,
            "attendances 2025-11-04 Webinar": 1,
            "m0_attended 2025-11-05 Other Sources (Miscellaneous)": 1,
        }
    },
    the_first_report_of_an_older_webinar: {
        "late": {
            "registrations 2025-11-05 Webinar": 1,
            "attendances 2025-11-05 Webinar": 1,
            "m0_attended 2025-11-05 Other Sources (Miscellaneous)": 1,
        }
    },
    the_first_registration_report_comes_late: {"late": {"registrations 2025-11-04 Webinar": 1}},
    a_mapping_edit: {
        "mapping": {
            f"{metric} 2025-11-05 {funnel}": sign
            for metric in ("assigned_rows", "m0_assigned")
            for funnel, sign in (("Referral", 1), ("Other Sources (Miscellaneous)", -1))
        }
    },
    a_campaign_mapping_edit: {
        "mapping": {
            "leads 2025-11-04 Google Ads": -2,
            "leads 2025-11-04 Referral": 2,
            "new_leads 2025-11-04 Google Ads": -1,
            "new_leads 2025-11-04 Referral": 1,
        }
    },
    a_manual_mapping: {
        "manual_mapping": {
            "sales 2025-11-04 Meta Ads": -1,
            "sales 2025-11-04 Referral": 1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "revenue_inr 2025-11-04 Referral": 100050,
        }
    },
    another_rule_of_what_counts: {
        "config": {
            "sales 2025-11-04 Meta Ads": -1,
            "sales 2025-11-05 Google Ads": -1,
            "revenue_inr 2025-11-04 Meta Ads": -100050,
            "revenue_inr 2025-11-05 Google Ads": -9900,
        }
    },
    a_placeholder_phone: {
        "config": {
            "m0_assigned 2025-11-03 Meta Ads": -1,
            "m0_attended 2025-11-03 Meta Ads": -1,
            "new_leads 2025-11-04 Google Ads": 1,
        }
    },
}


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
