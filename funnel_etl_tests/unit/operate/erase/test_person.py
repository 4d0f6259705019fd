import pytest

from funnel_etl.operate.erase.person import Person, linked

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


SALE = Person(ids={"sale_id": frozenset({"S1"}), "lead_id": frozenset()})


@pytest.mark.parametrize(
    ("table", "columns", "holds"),
    [
        pytest.param("mart.attribution", ["sale_id", "phone"], {"sale_id"}, id="by_its_name"),
        pytest.param("parity.diff", ["table_name", "key"], {"key"}, id="under_another_name"),
        pytest.param("parity.m0", ["key"], set(), id="another_tables_key"),
        pytest.param("clean.tofu_leads", ["lead_id"], set(), id="none_known"),
    ],
)
def test_the_columns_of_a_table_that_hold_ids_are_known(table: str, columns: list[str], holds: set[str]) -> None:
    assert SALE.ids_in(table, columns) == {name: frozenset({"S1"}) for name in holds}
