"""Names in chats: who one is, where nobody is credited, is said on Mappings, and the next night credits it."""

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.app.pages import mappings
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.integration.test_engagement import (
    CHAT,
    NIGHT,
    OCCURRENCE,
    PEOPLE,
    REGISTERED,
    WEBINAR,
    lay_sources,
)
from funnel_etl_tests.unit.marts.engagement.conftest import report

pytestmark = pytest.mark.slow
OPERATOR = Person("operator@team.example", frozenset({Role.OPERATOR}))
CREDITED = "SELECT person_key, matched_by FROM clean.chat_messages WHERE sender_name = 'Zoya Khan'"


@pytest.fixture(scope="module")
def made(new_installation: Callable[[], Installation]) -> Installation:
    """A webinar in whose chat somebody writes under a name that is in no report."""
    installation = new_installation()
    lay_webinar(installation)
    return installation


def lay_webinar(installation: Installation) -> None:
    """Give it a webinar with a chat, and run the night."""
    lay_sources(installation)
    (installation.drop / "zoom" / "attendees.csv").write_bytes(report(PEOPLE))
    (installation.drop / "zoom" / "registered.csv").write_text(REGISTERED)
    (installation.drop / "zoom" / f"chat_{WEBINAR}.txt").write_bytes(CHAT)
    assert installation.night(NIGHT).failures == {}


def names_of(tester: Callable[..., AppTest], installation: Installation, person: Person) -> AppTest:
    seen = tester("mappings", installation, person)
    seen.segmented_control(key="mappings-view").set_value(mappings.CHATS).run()
    assert not seen.exception
    return seen


def test_somebody_with_webinars_of_their_own_sees_no_others(made: Installation, tester: Callable[..., AppTest]) -> None:
    other = Person("other@team.example", frozenset({Role.OPERATOR}), conductors=frozenset({"Somebody Else"}))
    seen = names_of(tester, made, other)
    assert not seen.dataframe
    assert len(names_of(tester, made, OPERATOR).dataframe) == 1


def test_a_table_that_cannot_be_read_is_said_and_is_not_taken_for_no_chat(
    made: Installation, tester: Callable[..., AppTest]
) -> None:
    path = made.config / "chat_names.csv"
    before = path.read_bytes()
    path.write_bytes(b"<html><body>sign in</body></html>")
    try:
        seen = tester("mappings", made, OPERATOR)
        seen.segmented_control(key="mappings-view").set_value(mappings.CHATS).run()
    finally:
        path.write_bytes(before)
    assert not seen.info
    assert "chat_names" in seen.exception[0].message


def test_a_name_is_decided_and_the_next_night_credits_it(made: Installation, tester: Callable[..., AppTest]) -> None:
    assert made.query(CREDITED)["matched_by"].tolist() == ["unmatched"]
    seen = names_of(tester, made, OPERATOR)
    [shown] = seen.dataframe
    assert shown.value[["sender_name", "why", "messages"]].to_numpy().tolist() == [
        ["Zoya Khan", "nobody in the report is called so", 1]
    ]
    person = next(each for each in seen.selectbox if each.label == "Is")
    assert person.options == ["Asha Rao, phone …0001, there for 60 min", "Dev Shah, phone …0002, there for 40 min"]
    assert [each.label for each in seen.button if each.label == "Save"] == []
    seen = person.select_index(1).run()
    seen = next(each for each in seen.button if each.label == "Save").click().run()
    assert not seen.exception
    assert seen.success[0].value == "Saved who Zoya Khan is. The next night credits it."
    assert seen.success[1].value.startswith("Every name in a chat is credited or decided")
    table = (made.config / "chat_names.csv").read_text().splitlines()
    assert table[1].startswith(f"{OCCURRENCE},Zoya Khan,9810000002")
    log = made.query("SELECT who, about FROM ops.app_actions")
    assert log["who"].tolist() == [OPERATOR.email]
    assert not log["about"].str.contains("Zoya|9810").any()
    assert made.night(NIGHT).failures == {}
    assert made.query(CREDITED).to_numpy().tolist() == [["9810000002", "decided"]]
    seen = names_of(tester, made, OPERATOR)
    assert seen.success[0].value.startswith("Every name in a chat is credited or decided"), "also after that night"
