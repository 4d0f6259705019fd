"""A lead lends its phone to attendees: past attendance moves when it comes or goes, by its cause."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.marts.funnel import published
from funnel_etl_tests.small_nights import (
    SmallNights,
    assigned,
    at,
    attendee_report,
    by_cause,
    difference,
    lead,
    summed,
)

pytestmark = pytest.mark.slow

FIRST, SECOND = date(2025, 11, 5), date(2025, 11, 6)
A, B, C, D, X = "9876500001", "9876500002", "9876500003", "9876500004", "9876500009"
HELD = at(2025, 11, 4, 19)
MISC = "Other Sources (Miscellaneous)"


def mail(phone: str) -> str:
    return f"p{phone}@example.org"


def lead_of(day: str, phone: str, email_of: str, **more: str) -> dict[str, str]:
    return lead(day, phone, email=mail(email_of), **more)


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> SmallNights:
    """A webinar without any phone, held on the 4th; of its four people one is a lead, all are assigned."""
    made = SmallNights(
        tmp_path_factory.mktemp("company"),
        leads=[lead_of("2025-11-03", A, A)],
        assigned=[assigned("2025-11-03", phone) for phone in (A, B, C, D)],
        reports=[attendee_report(HELD, at(2025, 11, 4, 21), [A, B, C, D], shown=False)],
    )
    made.night(FIRST)
    return made


@pytest.fixture
def company(first_night: SmallNights, tmp_path: Path) -> SmallNights:
    """That company, of a test's own."""
    return first_night.copied(tmp_path / "own")


def test_the_lead_s_phone_is_known_in_m0(first_night: SmallNights) -> None:
    facts = first_night.facts[FIRST].set_index("funnel")
    assert facts.loc["Meta Ads", "m0_attended"].sum() == 1
    assert facts.loc["Webinar", "attendances"].sum() == 4


def a_lead_of_the_new_day(c: SmallNights) -> None:
    c.leads.append(lead_of("2025-11-06", B, B))


def a_late_lead(c: SmallNights) -> None:
    c.leads.append(lead_of("2025-11-02", B, B))


def a_second_phone_of_an_e_mail(c: SmallNights) -> None:
    c.leads.append(lead_of("2025-11-06", X, A))


def a_lead_that_is_gone(c: SmallNights) -> None:
    c.leads[0] = lead_of("2025-11-01", X, X)


def a_lead_with_another_e_mail(c: SmallNights) -> None:
    c.leads[0] = c.leads[0] | {"Email": mail(B)}


def a_lead_that_makes_two_attendees_one(c: SmallNights) -> None:
    c.leads.append(lead_of("2025-11-02", A, B))


def the_switch(c: SmallNights) -> None:
    c.config["metrics"] += "phone_by_email,no\n"


def a_reexport_and_a_late_lead(c: SmallNights) -> None:
    a_late_lead(c)
    c.reports.append(attendee_report(HELD, at(2025, 11, 6, 9), [A, B, C, D, X], shown=False))


M0 = "m0_attended 2025-11-03 Meta Ads"
LATE_LEAD = {f"{name} 2025-11-02 Meta Ads": 1 for name in ("leads", "new_leads")}
CASES: dict[Callable[[SmallNights], None], dict[str, dict[str, int]]] = {
    a_late_lead: {"late": LATE_LEAD | {M0: 1}},
    a_lead_with_another_e_mail: {},
    a_lead_that_makes_two_attendees_one: {
        "late": {
            "leads 2025-11-02 Meta Ads": 1,
            "new_leads 2025-11-02 Meta Ads": 1,
            "new_leads 2025-11-03 Meta Ads": -1,
            "attendances 2025-11-04 Webinar": -1,
            "registrations 2025-11-04 Webinar": -1,
        }
    },
    the_switch: {"config": {M0: -1}},
    a_reexport_and_a_late_lead: {
        "late": LATE_LEAD | {M0: 1},
        "zoom_reexport": {"registrations 2025-11-04 Webinar": 1, "attendances 2025-11-04 Webinar": 1},
    },
}


@pytest.mark.parametrize(("edit", "expected"), CASES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_what_a_lead_moves_shows_under_its_cause_and_nothing_else_does(
    company: SmallNights, edit: Callable[[SmallNights], None], expected: dict[str, dict[str, int]]
) -> None:
    edit(company)
    found = company.night(SECOND)
    assert by_cause(found) == expected
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


@pytest.mark.parametrize(
    ("edit", "moved"), [(a_lead_of_the_new_day, 1), (a_second_phone_of_an_e_mail, -1)], ids=["lent", "several"]
)
def test_a_lead_of_the_new_day_moves_past_attendance_as_a_part_of_the_new_day(
    company: SmallNights, edit: Callable[[SmallNights], None], moved: int
) -> None:
    edit(company)
    found = company.night(SECOND)
    assert by_cause(found, new_days=True)["new_day"][M0] == moved
    assert set(by_cause(found, new_days=True)) == {"new_day"}
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_a_lead_that_is_gone_takes_its_phone_along(company: SmallNights) -> None:
    a_lead_that_is_gone(company)
    found = company.night(SECOND)
    assert by_cause(found)["vanished"][M0] == -1
    assert "zoom_reexport" not in by_cause(found)
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])


def test_the_lake_without_the_last_night_gives_the_same_causes(company: SmallNights) -> None:
    a_late_lead(company)
    expected = company.night(SECOND)
    for path in Path(company.lake.root).rglob(f"{FIRST}*"):
        path.unlink()
    assert company.night(SECOND).equals(expected)


def test_where_the_last_night_s_leads_are_gone_what_they_lent_is_unknown_too(company: SmallNights) -> None:
    a_late_lead(company)
    for path in Path(company.lake.root).rglob(f"tofu_leads/{FIRST}*"):
        path.unlink()
    kept = published.published_before(company.landing, SECOND)
    assert kept
    for file_id in kept.made_from.files["tofu_leads"]:
        next(Path(company.landing.root).rglob(file_id)).unlink()
    found = company.night(SECOND)
    assert by_cause(found) == {"unknown_previous": LATE_LEAD | {M0: 1}}
    assert summed(found) == difference(company.facts[FIRST], company.facts[SECOND])
