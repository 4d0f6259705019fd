"""`deliver run` on a real PostgreSQL and a real HTTP server: an event is sent once, whatever happens."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from funnel_etl.delivery import send
from funnel_etl.delivery.keys import sha256_hex
from funnel_etl.delivery.outcome import next_minute
from funnel_etl_tests.delivery_world import KEY, World, event_candidate, people, user, user_candidate

pytestmark = pytest.mark.slow


def test_three_attendees_are_three_events_and_one_request_of_users(world: World) -> None:
    world.lay(*people(3))
    assert world.run().exit_code == 1  # held: new attribute types
    assert world.states() == {"held:new_attribute_type": 3}
    assert [one["path"].rpartition("/")[2] for one in world.fake.log] == ["bulk-users"]
    world.approve()
    done = world.run()
    assert (done.exit_code, done.ended) == (0, None)
    assert len(world.events) == 3
    assert set(world.state["users"]) == {user(n) for n in range(3)}
    assert world.states() == {"delivered": 3}


def test_a_run_again_sends_nothing(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.run()
    before = len(world.fake.log)
    for _ in range(3):
        assert world.run().exit_code == 0
    world.lay(*people(3))
    assert world.run().exit_code == 0
    assert len(world.fake.log) == before


def of_events(world: World) -> list[dict[str, str]]:
    return world.requests("/events")


def test_the_first_body_is_that_of_the_night_to_the_byte_under_its_own_id(world: World) -> None:
    candidates = people(1)
    world.lay(*candidates)
    world.approve()
    world.run()
    [request] = of_events(world)
    [row] = world.events_of("delivered")
    assert request["body"] == candidates[1].payload
    assert request["headers"]["x-request-id"] == row["request_id"] == row["delivery_key"][:32]
    assert request["headers"]["authorization"] == f"Bearer {KEY}"
    [users] = world.requests("bulk-users")
    assert users["body"] == f'{{"users":[{candidates[0].payload}]}}'


def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_id_and_bytes(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 1}])
    done = world.run()
    assert done.exit_code == 0
    first, *_, last = of_events(world)
    assert (first["body"], first["headers"]["x-request-id"]) == (last["body"], last["headers"]["x-request-id"])
    assert len(world.events) == 2
    assert sorted(row["attempts"] for row in world.events_of("delivered")) == [1, 2]


def test_a_lost_answer_to_users_or_in_bulk_costs_nothing(world: World) -> None:
    world.lay(*people(30))
    world.approve()
    world.fake.misbehave(
        [
            {"match": {"path_re": "bulk-users$"}, "do": "drop_after", "times": 1},
            {"match": {"path_re": "bulk-events$"}, "do": "truncate", "times": 1},
        ]
    )
    assert world.run(webengage_bulk_from=10).exit_code == 0
    assert (len(world.events), len(world.state["users"])) == (30, 30)
    assert of_events(world) == []
    bodies = [(one["headers"]["x-request-id"], one["body"]) for one in world.requests("bulk-events")]
    assert (len(bodies), len(set(bodies))) == (3, 2)


def test_after_the_window_nothing_is_sent_again_and_a_person_decides(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 9}])
    assert world.run().exit_code == 1
    assert world.states() == {"unknown:reset": 1}
    sent = len(world.fake.log)
    world.pass_time(hours=4, minutes=1)
    world.fake.faults.clear()
    assert world.run().exit_code == 1
    assert len(world.fake.log) == sent
    assert world.states() == {"unknown:window_passed": 1}
    [row] = world.rows("object = 'event'")
    key = row["delivery_key"]
    done = world.command("resolve", key[:12], "--again", "--note", "not in the dashboard")
    assert (done.returncode, world.states()) == (0, {"planned": 1})
    assert world.run().exit_code == 0
    assert len(world.events) == 2  # it had arrived, and a person said that it had not
    last = of_events(world)[-1]
    assert last["headers"]["x-request-id"] == sha256_hex(f"{key}\n1")[:32]


def test_a_person_may_say_that_it_arrived(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 9}])
    world.run()
    world.pass_time(hours=5)
    world.fake.faults.clear()
    world.run()
    [row] = world.rows("object = 'event'")
    assert world.command("resolve", row["delivery_key"], "--delivered", "--note", "seen there").returncode == 0
    assert world.run().exit_code == 0
    assert (len(world.events), world.states()) == (1, {"delivered": 1})


def test_a_first_send_in_the_future_is_past_its_window(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 9}])
    world.run()
    world.pass_time(hours=-2)
    world.fake.faults.clear()
    sent = len(world.fake.log)
    world.run()
    assert (len(world.fake.log), world.states()) == (sent, {"unknown:window_passed": 1})


@pytest.mark.parametrize(("headers", "least"), [({"Retry-After": "2"}, 2.0), ({}, 0.0)], ids=["two_seconds", "minute"])
def test_too_many_requests_are_waited_for_and_are_no_attempts(
    world: World, headers: dict[str, str], least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(send.Sender, "__post_init__", _sleeping(send.Sender.__post_init__, slept))
    world.lay(*people(6))
    world.approve()
    world.fake.misbehave(
        [{"match": {"path_re": "/events$"}, "do": "status", "status": 429, "headers": headers, "times": 2, "skip": 1}]
    )
    before = datetime.now(UTC)
    assert world.run().exit_code == 0
    assert {row["attempts"] for row in world.events_of("delivered")} == {1}
    assert len(world.events) == 6
    if headers:
        assert [round(one) for one in slept] == [2, 2]
    else:
        assert all(0 < one <= 60.1 for one in slept)
        assert abs(slept[0] - next_minute(before)) < 10 or slept[0] > 50


def _sleeping(real: Callable[[send.Sender], None], slept: list[float]) -> Callable[[send.Sender], None]:
    def init(sender: send.Sender) -> None:
        sender.sleep = slept.append
        real(sender)

    return init


def test_five_errors_in_a_row_end_the_run_and_the_next_goes_on(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "status", "status": 503, "times": 5}])
    done = world.run()
    assert done.ended is not None
    assert "WebEngage is down" in done.ended
    assert done.exit_code == 1
    assert world.run().exit_code == 0
    assert (len(world.events), world.states()) == (3, {"delivered": 3})


def test_five_errors_of_the_users_end_the_run_too(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.fake.misbehave([{"match": {}, "do": "status", "status": 503, "times": 5}])
    assert "is down" in str(world.run().ended)
    assert world.run().exit_code == 0
    assert len(world.events) == 3


def test_one_row_that_always_fails_holds_up_no_other(world: World) -> None:
    world.lay(*people(12))
    world.approve()
    world.fake.misbehave([{"match": {"body_re": f"eventName.*{user(0)}"}, "do": "status", "status": 500, "times": 99}])
    assert world.run().exit_code == 1
    assert world.states() == {"delivered": 11, "unknown:server_error": 1}


def test_a_destination_that_does_not_listen_is_not_a_send(world: World, closed_port: int) -> None:
    world.lay(*people(2))
    world.approve()
    done = world.run(webengage_url=f"http://127.0.0.1:{closed_port}")
    assert "is down" in str(done.ended)
    assert world.states("user") == {"failed_transient:no_connection": 2}
    assert {row["first_sent_at"] for row in world.rows()} == {None}
    assert world.run().exit_code == 0
    assert len(world.events) == 2


def test_a_login_that_is_refused_stops_at_once_and_nothing_counts_as_failed(world: World) -> None:
    world.lay(*people(6))
    world.approve()
    fault = {"match": {"path_re": "/events$"}, "do": "status", "status": 401, "times": 99, "skip": 2}
    world.fake.misbehave([fault | {"body": {"response": {"message": f"bad {KEY}", "status": "error"}}}])
    done = world.run()
    assert done.exit_code == 1
    assert "service account" in str(done.fix)
    assert KEY not in f"{done.ended}{done.fix}"
    assert world.states() == {"delivered": 2, "planned": 4}
    assert {row["attempts"] for row in world.events_of("planned")} == {0}
    assert len(of_events(world)) == 3
    world.fake.faults.clear()
    assert world.run().exit_code == 0
    assert len(world.events) == 6


def test_a_login_page_is_no_answer_and_three_in_a_row_end_the_run(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "garbage", "times": 99}])
    done = world.run()
    assert "proxy" in str(done.ended)
    assert len(of_events(world)) == 3
    assert set(world.states()) == {"unknown:not_an_answer", "planned"} or world.states() == {"unknown:not_an_answer": 3}
    world.fake.faults.clear()
    assert world.run().exit_code == 0
    assert len(world.events) == 3


def test_a_refused_event_is_named_and_the_others_go_on(world: World) -> None:
    bad = event_candidate(
        1, payload='{"eventName":"","userId":"x"}', payload_sha256=sha256_hex('{"eventName":"","userId":"x"}')
    )
    world.lay(*people(1), user_candidate(1), bad)
    world.approve()
    assert world.run().exit_code == 1
    assert world.states() == {"delivered": 1, "failed_permanent:refused": 1}
    [row] = world.events_of("failed_permanent")
    assert (row["http_status"], row["message"]) == (400, "400 Error: eventName cannot be empty.")
    assert world.run().exit_code == 0  # it is told once
    world.lay(*people(2))  # its data changed
    assert world.run().exit_code == 0
    assert len(world.events) == 2


@pytest.mark.parametrize("bulk_from", [0, 1], ids=["users", "events"])
def test_a_bulk_request_that_is_refused_is_sent_singly_once(world: World, bulk_from: int) -> None:
    candidates = people(4)
    place = 3 if bulk_from else 2
    payload = '{"firstName":"x"}'
    candidates[place] = replace(candidates[place], payload=payload, payload_sha256=sha256_hex(payload))
    world.lay(*candidates)
    world.approve()
    assert world.run(webengage_bulk_from=bulk_from).exit_code == 1
    if bulk_from:
        assert world.states() == {"delivered": 3, "failed_permanent:refused": 1}
        assert (len(world.requests("bulk-events")), len(of_events(world))) == (1, 4)
    else:
        assert world.states("user") == {"delivered": 3, "failed_permanent:refused": 1}
        assert world.states() == {"delivered": 3, "held:dependency_failed": 1}
    assert len(world.events) == 3
    if not bulk_from:
        world.lay(*people(4))
        assert world.run().exit_code == 0
        assert len(world.events) == 4


def test_no_message_in_the_ledger_holds_a_person(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    told = f"no user {user(0)} +91 98000 00000 person0@example.org Person0 {KEY}"
    body = {"response": {"status": "error", "message": told}}
    world.fake.misbehave([{"match": {"path_re": "users"}, "do": "status", "status": 400, "body": body, "times": 9}])
    world.run()
    [row] = world.rows("object = 'user'")
    [*attempts] = world.installation.query("SELECT message FROM ops.delivery_attempts")["message"].dropna()
    assert len(attempts) == 2
    for message in [row["message"], *attempts]:
        assert message.startswith("400 no user …")
        assert not [one for one in (user(0), "98000", "@", "Person0", KEY) if one in message]
