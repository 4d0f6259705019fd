"""Deliveries: the preview, holds, what nobody knows of, the report; each decision asks first and is written down."""

import csv
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import LOCAL, Person, Role
from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.deliver import run as service
from funnel_etl.operate.deliver import sending
from funnel_etl_tests.app.conftest import served
from funnel_etl_tests.delivery_world import (
    World,
    event_candidate,
    new_world,
    not_sent,
    people,
    user,
    user_candidate,
    window,
)
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


# Send now


@pytest.fixture(autouse=True)
def no_run_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has sent anything from this server yet."""
    monkeypatch.setattr(sending, "_newest", {})


def sent(seen: AppTest) -> AppTest:
    """Wait for the end of the run, and draw the page anew."""
    until = time.monotonic() + 60
    while not all(run.is_over for run in sending._newest.values()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return seen.run().run()


def test_send_now_asks_with_the_counts_sends_and_tells_how_it_ended(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(3), not_sent(event_candidate(7), "no_consent"))
    world.approve()
    seen = click(page(), "Send now")
    question = next(each.value for each in seen.markdown if "cannot be taken back" in each.value)
    assert "3 Plutus Webinar Attended, 3 profiles" in question
    assert (world.events, log(world)) == ([], [])
    seen = sent(click(seen, "Yes, send 6"))
    assert not seen.exception
    assert len(world.events) == 3
    assert world.states() == {"delivered": 3}
    assert "6 accepted" in seen.success[-1].value
    many = "3 Plutus Webinar Attended, 3 profiles"
    assert sorted(row[1:] for row in log(world)) == [
        ["send now", many, "Sending of 6 has begun. It goes on if you close the page."],
        ["send now", many, "begun"],
        ["sent", many, "6 accepted."],
    ]
    assert "There is nothing to send now." in [each.value for each in seen.info]


def test_nobody_sends_while_a_run_goes_on_here_or_elsewhere(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(1))
    world.approve()
    with world.settings() as settings, service.open_sender(settings) as sender:
        assert sender is not None
        seen = sent(click(page(), "Send now", "Yes, send 2"))
    assert "another run is sending to WebEngage just now" in seen.warning[-1].value
    assert world.events == []
    with world.settings() as settings:
        sending._newest[str(settings.state)] = sending.Sending("asha@example.org", 2)
        with pytest.raises(FunnelError, match=r"asha@example\.org is sending just now"):
            sending.begin(settings, "local", 2, lambda _: None)
    seen = page()
    assert not [each for each in seen.button if each.label == "Send now"]


def test_outside_the_hours_it_is_sent_only_when_somebody_says_so(world: World, page: Callable[..., AppTest]) -> None:
    hours = window(is_open=False)
    world.lay(*people(1))
    world.approve()
    seen = page(delivery_window=hours)
    assert next(each for each in seen.button if each.label == "Send now").disabled
    seen.checkbox("send_at_any_hour").check().run()
    sent(click(seen, "Send now", "Yes, send 2"))
    assert len(world.events) == 1
    with world.settings(delivery_window=hours) as settings, pytest.raises(FunnelError, match="outside"):
        sending.begin(settings, "local", 2, lambda _: None)


def test_what_is_held_is_not_offered(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    world.run()
    seen = page()
    assert not [each for each in seen.button if each.label == "Send now"]
    assert "There is nothing to send now. 2 are held: look under Approve." in [each.value for each in seen.info]


def test_what_was_refused_is_sent_once_more_after_a_question(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "users$"}, "do": "status", "status": 400, "times": 9}])
    world.run()
    refused = [row for row in world.rows() if row["state"] == "failed_permanent"]
    assert refused
    assert world.events == []
    world.fake.faults.clear()
    many = f"Send the {len(refused)} refused once more"
    seen = page(delivery_window=window(is_open=False))
    assert next(each for each in seen.button if each.label == many).disabled
    seen = click(page(), many)
    assert any("WebEngage refuses them again" in each.value for each in seen.markdown)
    yes = next(each.label for each in seen.button if each.label.startswith("Yes, send"))
    seen = sent(click(seen, yes))
    assert not seen.exception
    assert not [row for row in world.rows() if row["state"] == "failed_permanent"]
    assert not [each for each in seen.button if "refused once more" in each.label]
    assert {row[1] for row in log(world)} == {"send the refused once more", "sent"}


def test_a_run_that_ends_early_says_why_and_what_to_do(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(2))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "users$"}, "do": "status", "status": 401, "times": 9}])
    seen = sent(click(page(), "Send now", "Yes, send 4"))
    assert "It ended early" in seen.warning[-1].value
    assert "What to do" in seen.warning[-1].value
    assert world.events == []
    assert [each for each in seen.button if each.label == "Send now"]


def test_without_a_key_or_a_destination_it_is_refused_in_a_sentence(world: World, page: Callable[..., AppTest]) -> None:
    world.lay(*people(1))
    world.approve()
    seen = page(webengage_key="")
    seen = click(seen, "Send now", "Yes, send 2")
    assert "FUNNEL_WEBENGAGE_KEY: it is not set" in seen.error[0].value.replace("\\", "")
    assert not [each for each in page(delivery="").button if each.label == "Send now"]
    assert world.events == []


# People with webinars of their own


def test_who_has_webinars_of_their_own_sees_and_decides_of_these_alone(
    world: World, page: Callable[..., AppTest]
) -> None:
    mine = Person("meera@example.org", frozenset({Role.OPERATOR}), conductors=frozenset({"meera quillon"}))
    own, others = people(2, webinar="81200002006"), people(5, webinar="81200002007")[4:]
    world.lay(*own, *others)
    world.approve()
    world.sql("UPDATE clean.webinars SET conductor = 'Meera Quillon' WHERE occurrence_id LIKE '81200002006%'")
    seen = page(person=mine)
    assert frame(seen, "name") == {"Plutus Webinar Attended": 2, "profile": 2}
    assert not seen.code
    assert not [each for each in seen.button if each.label == "Send now"]
    world.run()
    world.sql(
        "UPDATE ops.deliveries SET state = 'unknown', reason = 'window_passed', "
        "first_sent_at = first_sent_at - interval '5 hours' WHERE object = 'event'"
    )
    seen = page("Decide", person=mine)
    assert len(next(each.value for each in seen.dataframe if "user" in each.value)) == 2
    assert len(next(each.value for each in page("Decide").dataframe if "user" in each.value)) == 5
    seen = page("Report", person=mine)
    assert any("4 candidates of the newest night of your webinars" in each.value for each in seen.markdown)
