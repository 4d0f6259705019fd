"""The company of `make demo-deliver`: what is planted in it, and that every breach of its truth is seen."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from funnel_etl.demo.deliveries import company as planted
from funnel_etl.demo.deliveries.check import AGREED, WITHDRAWN, Compared, compare, event_of
from funnel_etl.demo.deliveries.company import MUST, NEVER, WAITS, Company, Expected, make_company

DAY = date(2026, 11, 20)
State = dict[str, Any]


@pytest.fixture
def company() -> Company:
    return make_company(7, DAY)


def event(one: Expected) -> dict[str, Any]:
    user_id, name, webinar_id, day = one.event
    data = {"WebinarId": webinar_id, "WebinarDate": f"{day}T00:00:00+0530"}
    return {"userId": user_id, "eventName": name, "eventData": data}


def profiles(company: Company) -> dict[str, dict[str, Any]]:
    told = [person for person in company.people if person.agrees and person.phone]
    found = {person.user_id: WITHDRAWN if person.planted == planted.WITHDRAWS else AGREED for person in told}
    return found | {planted.user_id(person.corrected): AGREED for person in company.planted(planted.CORRECTED)}


def truth_kept(company: Company) -> State:
    events = [event(one) for one in company.truth if one.fate == MUST]
    return {"users": profiles(company), "events": events, "dropped": [], "erasures": [{}]}


def compared(company: Company, state: State, waiting: int | None = None) -> Compared:
    waits = [(one.event, one.why) for one in company.truth if one.fate == WAITS]
    return compare(company, state, waits[:waiting])


def of(company: Company, why: str) -> Expected:
    return next(one for one in company.truth if one.why == why and one.user_id)


def test_the_same_seed_makes_the_same_people_and_truth_and_another_one_others(company: Company) -> None:
    assert company == make_company(7, DAY)
    assert company.people != make_company(8, DAY).people
    assert len({person.user_id for person in company.people if person.phone}) == len(company.people) - 3


def test_what_is_planted_is_there(company: Company) -> None:
    counts = Counter(person.planted for person in company.people)
    wanted = [6, 4, 3, 2, 1, 12, 1, 1]
    kinds = (planted.SUPPRESSED, planted.WITHDRAWS, planted.NO_PHONE, planted.ABROAD, planted.ERASED, planted.NO_SHOW)
    assert [counts[kind] for kind in (*kinds, planted.OTHER_MINUTES, planted.CORRECTED)] == wanted
    assert counts[planted.REFUSED_CONSENT] + counts[planted.SILENT] == 9
    fates = Counter(one.fate for one in company.truth)
    assert min(fates[MUST], fates[NEVER], fates[WAITS]) > 0
    assert len({one.event for one in company.truth if one.user_id}) == sum(bool(one.user_id) for one in company.truth)


def test_a_truth_that_is_kept_has_nothing_wrong_and_its_line_says_so(company: Company) -> None:
    found = compared(company, truth_kept(company))
    count = sum(one.fate == MUST for one in company.truth)
    assert found.wrong == ()
    assert found.line == (
        f"events expected {count} · at WebEngage {count} · twice 0 · to people without consent 0 · lost 0 · "
        "waiting for a person 6 (4 attribute type changed, 1 corrected phone, 1 refused record)"
    )


BREACHES: dict[str, tuple[Callable[[Company, State], object], str]] = {
    "an event twice": (lambda _, state: state["events"].append(state["events"][0]), "1 events twice"),
    "an event lost": (lambda _, state: state["events"].pop(), "1 events lost"),
    "an event to a suppressed person": (
        lambda company, state: state["events"].append(event(of(company, "suppressed"))),
        "1 events to people without consent",
    ),
    "an event to who withdrew": (
        lambda company, state: state["events"].append(event(of(company, "withdrawn"))),
        "1 events to people without consent",
    ),
    "an event of a no-show": (
        lambda company, state: state["events"].append(event(of(company, "no-show"))),
        "1 events that nobody should get",
    ),
    "an event under a corrected phone": (
        lambda company, state: state["events"].append(event(of(company, planted.CORRECTED))),
        "1 events that nobody should get",
    ),
    "an event dropped for its type": (lambda _, state: state["dropped"].append({}), "1 events that WebEngage dropped"),
    "a second erasure": (lambda _, state: state["erasures"].append({}), "1 erasures too many or too few"),
    "no erasure": (lambda _, state: state["erasures"].clear(), "1 erasures too many or too few"),
    "a profile of somebody who said nothing": (
        lambda company, state: state["users"].update({company.planted(planted.SILENT)[0].user_id: AGREED}),
        "1 profiles of people of whom nothing may be sent",
    ),
    "a profile missing": (lambda _, state: state["users"].popitem(), "1 profiles that are missing"),
    "a withdrawal that did not arrive": (
        lambda company, state: state["users"].update({company.planted(planted.WITHDRAWS)[0].user_id: AGREED}),
        "1 profiles whose consent is not what the person said",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_every_breach_of_the_truth_is_seen(company: Company, breach: str) -> None:
    state = truth_kept(company)
    break_it, seen = BREACHES[breach]
    break_it(company, state)
    assert seen in compared(company, state).wrong


def test_what_should_wait_for_a_person_and_does_not_is_seen(company: Company) -> None:
    assert compared(company, truth_kept(company), waiting=5).wrong == ("1 events that should wait and do not",)


def test_an_event_is_known_by_person_name_webinar_and_day(company: Company) -> None:
    assert event_of(event(company.truth[0])) == company.truth[0].event
