"""Deliveries: the preview, holds, what nobody knows of, the report; each decision asks first and is written down."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import LOCAL, Person, Role
from funnel_etl_tests.app.conftest import served
from funnel_etl_tests.delivery_world import World, event_candidate, new_world, not_sent, people, user, user_candidate
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow
OPERATOR = Person("operator@example.org", frozenset({Role.OPERATOR}))
LOG = "SELECT who, action, about, outcome FROM ops.app_actions ORDER BY at"


@pytest.fixture(scope="module")
def whole_world(new_installation: Callable[[], Installation]) -> Iterator[World]:
    with new_world(new_installation()) as made:
        yield made


@pytest.fixture
def world(whole_world: World) -> World:
    whole_world.reset()
    whole_world.sql("TRUNCATE ops.app_actions")
    return whole_world


@pytest.fixture
def page(world: World, tester: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Return a function that draws a part of the page."""

    def draw(part: str = "Preview", person: Person = OPERATOR, **settings: object) -> AppTest:
        seen = tester("deliveries", world.installation, person, **settings)
        if part != "Preview":
            seen.segmented_control[0].set_value(part).run()
        assert not seen.exception
        return seen

    return draw


def click(seen: AppTest, *labels: str) -> AppTest:
    for label in labels:
        seen = next(each for each in seen.button if each.label == label).click().run()
    return seen


def frame(seen: AppTest, column: str) -> dict[object, object]:
    found = next(each.value for each in seen.dataframe if column in each.value)
    return dict(zip(found[column], found["count"], strict=True))


def log(world: World) -> list[list[object]]:
    return world.installation.query(LOG).to_numpy().tolist()


def test_off_it_says_so_and_how_it_is_switched_on(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("deliveries", demo, OPERATOR)
    assert not seen.exception
    assert seen.info[0].value == "Delivery is off: nothing leaves this machine."
    assert "FUNNEL_DELIVERY=webengage" in seen.expander[0].markdown[0].value
    assert not seen.segmented_control


def test_who_may_not_is_told_and_sees_nothing(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    seen = page(person=Person("viewer@example.org", frozenset({Role.VIEWER})))
    assert seen.error[0].value.startswith("This page is not among those of your role.")
    assert not seen.button
    assert not seen.dataframe


def test_the_preview_counts_what_goes_and_what_not_and_masks_the_request(
    world: World, page: Callable[..., AppTest]
) -> None:
    world.lay(*people(3), not_sent(event_candidate(7), "no_consent"))
    world.approve()
    seen = page()
    assert frame(seen, "name") == {"Plutus Webinar Attended": 3, "profile": 3}
    assert frame(seen, "why") == {"not sent: the person did not agree": 1}
    assert user(0) not in seen.code[0].value
    assert '"to": ' in seen.code[0].value
    assert "person0@example.org" in page(person=LOCAL).code[0].value
    assert (world.fake.log, world.rows()) == ([], [])


def test_types_are_approved_after_a_question(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    world.run()
    assert world.states() == {"held:new_attribute_type": 2}
    seen = page("Approve")
    count = world.installation.value("SELECT count(*) FROM ops.delivery_types")
    seen = click(seen, "Approve the types")
    question = next(each.value for each in seen.markdown if "for good?" in each.value)
    assert world.installation.value("SELECT count(*) FROM ops.delivery_types") == count == 0
    yes = next(each.label for each in seen.button if each.label.startswith("Yes, approve"))
    types = int(yes.split()[2])
    assert f"Fix {types} types for good?" in question
    click(seen, yes)
    assert world.installation.value("SELECT count(*) FROM ops.delivery_types") == types
    assert world.states() == {"planned": 2}
    assert log(world)[-1] == [
        OPERATOR.email, "approve types", f"{types} types", f"{types} types approved, {released(world)} rows released.",
    ]  # fmt: skip


def released(world: World) -> int:
    return len(world.rows("state = 'planned'"))


def test_no_leaves_it(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(1))
    world.run()
    click(page("Approve"), "Approve the types", "No, leave it")
    assert world.states() == {"held:new_attribute_type": 1}
    assert log(world) == []


def test_a_large_plan_is_released_by_its_night(world: World, page: Callable[..., AppTest]) -> None:
    world.installation.environment["FUNNEL_DELIVERY_APPROVE_OVER"] = "2"
    world.lay(*people(3))
    world.approve()
    world.run()
    assert world.states() == {"held:large_plan": 3}
    seen = page("Approve")
    assert "3 held of the night of" in next(each.value for each in seen.markdown if "held of the night" in each.value)
    seen = click(seen, "Release 3", "Yes, release 3")
    assert seen.success[0].value == "3 rows released."
    assert world.states() == {"planned": 3}


def lose(world: World) -> None:
    """Let two events go out whose answers are lost, and let the time pass in which they may be repeated."""
    world.lay(*people(2))
    world.approve()
    world.run()
    world.sql(
        "UPDATE ops.deliveries SET state = 'unknown', reason = 'window_passed', accepted_at = NULL, "
        "first_sent_at = first_sent_at - interval '5 hours' WHERE object = 'event'"
    )


def test_what_nobody_knows_of_is_decided_with_a_reason(world: World, page: Callable[..., AppTest]) -> None:
    lose(world)
    seen = page("Decide")
    assert next(each for each in seen.button if each.label == "Decide").disabled
    keys = [row["delivery_key"] for row in world.events_of("unknown")]
    seen.multiselect[0].set_value([keys[0]]).run()
    seen.text_input[0].set_value("seen there").run()
    seen = click(seen, "Decide")
    assert "Mark 1 as delivered? They are never sent again." in [each.value for each in seen.markdown]
    seen = click(seen, "Yes, 1")
    assert seen.success[0].value == "1 marked as delivered."
    assert world.states() == {"delivered": 1, "unknown:window_passed": 1}
    note = next(row["note"] for row in world.events_of("delivered"))
    assert note == "delivered by operator@example.org: seen there"
    assert log(world)[-1] == [OPERATOR.email, "decide", f"delivered: {keys[0][:12]}", "1 marked as delivered."]


def test_all_are_sent_again_after_a_warning(world: World, page: Callable[..., AppTest]) -> None:
    lose(world)
    seen = page("Decide")
    seen.checkbox[0].check().run()
    seen.radio[0].set_value("It did not arrive: send it again").run()
    seen.text_input[0].set_value("not there").run()
    seen = click(seen, "Decide")
    assert "Send 2 again? Whoever did get it gets it twice." in [each.value for each in seen.markdown]
    click(seen, "Yes, 2")
    assert world.states() == {"planned": 2}
    assert {row["resolutions"] for row in world.events_of("planned")} == {1}


def test_what_is_given_up_is_never_sent_by_a_later_run(world: World, page: Callable[..., AppTest]) -> None:
    lose(world)
    sent = len(world.events)
    seen = page("Decide")
    seen.checkbox[0].check().run()
    seen.radio[0].set_value("Give up: it is never sent").run()
    seen.text_input[0].set_value("too late now").run()
    seen = click(seen, "Decide", "Yes, 2")
    assert seen.success[0].value == "2 given up."
    assert world.states() == {"cancelled:given_up": 2}
    assert {row["note"] for row in world.rows("object = 'event'")} == {
        "may_have_been_sent; given up by operator@example.org: too late now"
    }
    world.lay(*people(2))
    world.run()
    world.run(retry=True)
    assert world.states() == {"cancelled:given_up": 2}
    assert len(world.events) == sent


def test_an_event_is_fired_once_more(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    world.approve()
    world.run()
    seen = page("Decide")
    seen.text_input[0].set_value("the journey was broken").run()
    click(seen, "Fire 2 once more", "Yes, 2 once more")
    assert world.states() == {"delivered": 2, "planned": 2}
    world.run()
    assert len(world.events) == 4


def test_the_report_adds_up_and_comes_as_a_file(world: World, browser: Page, tmp_path: Path) -> None:
    world.lay(*people(2), not_sent(event_candidate(7), "no_consent"), user_candidate(9, fields={"firstName": "=1+1"}))
    world.approve()
    world.run()
    with served(world.installation) as site:
        browser.goto(site.url)
        expect(browser.get_by_role("heading", name="Today")).to_be_visible(timeout=30_000)
        browser.get_by_test_id("stSidebarNav").get_by_role("link", name="Deliveries").click()
        browser.get_by_text("Report", exact=True).click()
        expect(browser.get_by_text("6 candidates of the newest night")).to_be_visible()
        with browser.expect_download() as download:
            browser.get_by_role("button", name="A line per row as a file (6)").click()
        download.value.save_as(tmp_path / "deliveries.csv")
        assert user(0) not in (world.installation.home / "app.log").read_text()
    with (tmp_path / "deliveries.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted((row["kind"], row["state"]) for row in rows).count(("attended", "delivered")) == 2
    assert [row["reason"] for row in rows if row["state"] == "not_sent"] == ["no_consent"]
    assert log(world) == [["local", "download", "deliveries.csv, 6 rows", "done"]]
