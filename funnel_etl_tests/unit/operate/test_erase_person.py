import re

import pytest

from funnel_etl.operate.erase_person import Person, linked

PAIRS = {
    "one_person": {("e1", "p1"), ("e2", "p1")},
    "family": {("son", "home"), ("mother", "home"), ("son", "mobile")},
    "agency": {("agency", "p1"), ("agency", "p2"), ("own", "p1")},
    "two_phones": {("e1", "p1"), ("e1", "p2")},
}


@pytest.mark.parametrize(
    ("world", "asked", "phones", "emails", "shared"),
    [
        pytest.param("one_person", "p1", {"p1"}, {"e1", "e2"}, set(), id="all_e-mails_of_a_phone"),
        pytest.param("one_person", "e1", set(), {"e1"}, {"p1"}, id="a_phone_of_two_e-mails_is_asked_about"),
        pytest.param("family", "son", {"mobile"}, {"son"}, {"home"}, id="a_shared_phone_stays"),
        pytest.param("family", "home", {"home"}, {"mother"}, {"son"}, id="an_e-mail_with_another_phone_stays"),
        pytest.param("agency", "own", set(), {"own"}, {"p1"}, id="a_phone_that_an_agency_has_too_stays"),
        pytest.param("agency", "p1", {"p1"}, {"own"}, {"agency"}, id="an_agency_is_not_followed"),
        pytest.param("two_phones", "e1", {"p1", "p2"}, {"e1"}, set(), id="all_phones_of_an_e-mail"),
        pytest.param("two_phones", "p1", {"p1"}, set(), {"e1"}, id="an_e-mail_of_two_phones_is_asked_about"),
    ],
)
def test_only_what_is_tied_to_nobody_else_goes_along(
    world: str, asked: str, phones: set[str], emails: set[str], shared: set[str]
) -> None:
    known = PAIRS[world]
    named = {"phones": set(), "emails": set()} | {"emails" if any(asked == e for e, _ in known) else "phones": {asked}}
    found = linked(**named, pairs_of=lambda p, e: {pair for pair in known if pair[0] in e or pair[1] in p})
    assert (found.phones, found.emails, found.shared) == (phones, emails, shared)


@pytest.mark.parametrize("text", ["9876500001", '{"a": "+91 98765-00001"}', "(x,ASHA+1@example.org,y)", "98765 (00001"])
def test_the_pattern_finds_the_person(text: str) -> None:
    person = Person(frozenset({"9876500001"}), frozenset({"asha+1@example.org"}))
    assert re.search(person.pattern, text, re.IGNORECASE)


@pytest.mark.parametrize(
    "text", ["9876500002", "98765,00001", "basha+1@example.org", "asha+1@example.orgs", "ashaa1@example.org"]
)
def test_the_pattern_finds_nobody_else(text: str) -> None:
    person = Person(frozenset({"9876500001"}), frozenset({"asha+1@example.org"}))
    assert not re.search(person.pattern, text, re.IGNORECASE)
