"""A person who was sent something asks to be erased: WebEngage is asked to, and nothing names the person any more."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from funnel_etl.delivery.sender_lock import no_sender, sender_lock
from funnel_etl.delivery.webengage.erasures import erasure_of
from funnel_etl_tests.delivery_world import LICENCE, World, event_candidate, people, user, user_candidate

pytestmark = pytest.mark.slow

PHONE, EMAIL = user(1), "person1@example.org"
GDPR = "opengdpr_requests"


@pytest.fixture
def world(whole_world: World) -> World:
    whole_world.reset()
    whole_world.sql("TRUNCATE clean.consents")
    return whole_world


def erase(world: World, *who: str) -> str:
    done = world.installation.command("erase", *(who or (f"+{PHONE}", EMAIL)), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def deliver_three(world: World) -> None:
    """Three people are delivered; of the second another event waits for a person."""
    held = event_candidate(1, webinar="82000000001", data={"New": "text"})
    world.lay(*people(3))
    world.approve()
    assert world.run().exit_code == 0
    world.lay(*people(3), held)
    world.run()
    assert world.states() == {"delivered": 3, "held:new_attribute_type": 1}


def traces(world: World) -> list[str]:
    """The tables of ours that still name the person."""
    tables = world.installation.query(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('ops', 'clean', 'raw')"
    )["name"]
    sql = "SELECT count(*) FROM {} AS t WHERE t::text LIKE '%9800000001%' OR t::text LIKE '%person1@%'"
    return [name for name in tables if world.installation.value(sql.format(name))]


def test_one_erasure_is_sent_and_no_later_request_or_row_names_the_person(world: World) -> None:
    deliver_three(world)
    before = len(world.fake.log)
    said = erase(world)
    assert "1 at WebEngage to be erased there too: funnel-etl deliver run asks for it" in said
    assert world.states() == {"delivered": 3, "cancelled:erased": 1}
    assert {row["user_id"] for row in world.rows("object <> 'erasure'")} == {user(0), user(2), None}
    assert len(world.fake.log) == before
    assert world.run(delivery_window="00:00-00:01").exit_code == 0  # also outside the window
    [request] = world.fake.log[before:]
    assert request["path"].endswith(GDPR)
    assert json.loads(request["body"])["subject_identities"] == [{"identity_type": "cuid", "identity_value": PHONE}]
    assert len(world.state["erasures"]) == 1
    assert traces(world) == []
    [kept] = world.rows("object = 'erasure'")
    assert (kept["state"], kept["user_id"], kept["payload"]) == ("delivered", None, None)

    world.lay(*(each for n in (0, 2) for each in (user_candidate(n), event_candidate(n))))
    assert world.run().exit_code == 0
    erase(world)
    assert world.run().exit_code == 0
    assert len(world.fake.log) == before + 1


def test_somebody_who_was_never_sent_anything_is_only_cancelled(world: World) -> None:
    world.lay(event_candidate(1), user_candidate(1), *people(1))
    world.run(delivery_window="00:00-00:01")
    assert world.states("user") == {"planned": 2}
    erase(world)
    assert world.states("user") == {"planned": 1, "cancelled:erased": 1}
    assert world.rows("object = 'erasure'") == []
    assert traces(world) == []


def test_what_may_have_been_sent_is_erased_there_and_says_so(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    world.run()
    world.sql("UPDATE ops.deliveries SET state = 'unknown', reason = 'window_passed' WHERE user_id = :who", who=PHONE)
    erase(world)
    assert {row["note"] for row in world.rows("state = 'cancelled'")} == {"may_have_been_sent"}
    assert [row["user_id"] for row in world.rows("object = 'erasure'")] == [PHONE]


def test_a_phone_alone_is_enough_and_masks_what_else_names_it(world: World) -> None:
    deliver_three(world)
    world.sql("UPDATE ops.deliveries SET email = NULL, note = :note WHERE user_id = :who", note=f"+{PHONE}", who=PHONE)
    world.sql("UPDATE ops.deliveries SET message = :note WHERE user_id = :who", note=f"not {PHONE}", who=user(0))
    erase(world, "98000 00001")
    assert [row["user_id"] for row in world.rows("object = 'erasure'")] == [PHONE]
    assert world.run().exit_code == 0
    assert traces(world) == []
    assert world.states() == {"delivered": 3, "cancelled:erased": 1}


def test_what_was_sent_before_a_phone_was_corrected_is_erased_but_nobody_elses(world: World) -> None:
    wrong, anothers = user(8), user(9)
    mine = {"email": EMAIL, "fields": {"email": EMAIL}}
    world.lay(*people(2), user_candidate(8, **mine), user_candidate(9, **mine))
    world.approve()
    world.run()
    world.sql(
        "INSERT INTO clean.consents (file_id, source_row, phone, user_id, channel, state, stated_at) "
        "SELECT 'f', 2, :phone, :user, 'sms', 'granted', now()",
        phone=anothers.removeprefix("91"),
        user=anothers,
    )
    erase(world)
    assert {row["user_id"] for row in world.rows("object = 'erasure'")} == {PHONE, wrong}
    left = world.rows("object <> 'erasure'")
    assert not [row for row in left if row["email"] == EMAIL or row["user_id"] in (PHONE, wrong)]
    assert [row["state"] for row in left if row["user_id"] == anothers] == ["delivered"]


def test_who_is_let_in_again_gets_nothing_twice_and_can_be_erased_again(world: World) -> None:
    deliver_three(world)
    erase(world)
    assert world.run().exit_code == 0
    world.lay(*people(3), event_candidate(1, webinar="83000000001"))
    world.run()
    assert [row["webinar_id"] for row in world.rows("user_id = :who AND object = 'event'", who=PHONE)] == [
        "83000000001"
    ]
    assert len(world.events) == 4
    erase(world)
    assert world.run().exit_code == 0
    first, second = world.requests(GDPR)
    assert first["body"] == second["body"]
    assert first["headers"]["x-request-id"] != second["headers"]["x-request-id"]


def test_the_request_is_the_same_whenever_it_is_made() -> None:
    first, second = (erasure_of(LICENCE, PHONE, datetime.now(UTC) + timedelta(days=n)) for n in (0, 1))
    assert (first.delivery_key, first.payload, first.request_id) == (
        second.delivery_key,
        second.payload,
        second.request_id,
    )
    assert json.loads(first.body)["subject_request_type"] == "erasure"


def test_while_somebody_is_erased_or_old_things_are_purged_nothing_is_sent(world: World) -> None:
    with no_sender(world.engine):
        assert world.run().is_busy


@pytest.mark.parametrize("arguments", [("erase", f"+{PHONE}", EMAIL, "--yes"), ("purge",)], ids=["erase", "purge"])
def test_they_wait_for_a_sender(world: World, arguments: tuple[str, ...]) -> None:
    world.lay(*people(2))
    world.approve()
    world.run()
    with sender_lock(world.engine, "webengage"):
        # A person erased meanwhile could be sent by what the sender has claimed.
        started = threading.Event()
        done: list[int] = []

        def run() -> None:
            started.set()
            done.append(world.installation.program(*arguments, seconds=120).returncode)

        waiting = threading.Thread(target=run)
        waiting.start()
        started.wait()
        waiting.join(15)
        assert done == []
        assert world.rows("object = 'erasure'") == []
    waiting.join(120)
    assert done == [0]
