"""What a night's candidates become: why no event fires twice, what waits for a person, what is cancelled."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from funnel_etl.delivery import ledger
from funnel_etl.delivery.keys import canonical, delivery_key
from funnel_etl.delivery.rows import erasure
from funnel_etl.operate.deliver.run import open_sender
from funnel_etl_tests.delivery_world import (
    LICENCE,
    World,
    event_candidate,
    not_sent,
    people,
    start_of,
    today,
    user,
    user_candidate,
    window,
)

pytestmark = pytest.mark.slow


def test_with_nothing_set_nothing_happens(world: World) -> None:
    world.lay(*people(3))
    done = world.command("run", delivery="")
    assert (done.returncode, world.rows(), world.fake.log) == (0, [], [])
    assert "delivery is off" in done.stdout
    assert "delivery is off" in world.command("status", delivery="").stdout


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("webengage_key", "", id="no_key"),
        pytest.param("webengage_licence", "", id="no_licence"),
        pytest.param("webengage_url", "http://api.example.org", id="plain_http"),
        pytest.param("delivery", "mailchimp", id="unknown_destination"),
        pytest.param("delivery_window", "9-20", id="no_window"),
    ],
)
def test_a_wrong_setting_has_an_exit_code_of_its_own(world: World, setting: str, value: str) -> None:
    done = world.command("run", **{setting: value})
    assert (done.returncode, world.fake.log) == (2, [])
    assert f"FUNNEL_{setting.upper()}" in done.stderr
    assert "Fix:" in done.stderr


def test_a_person_whose_phone_comes_with_a_later_report_gets_the_event_once(world: World) -> None:
    """B-17: known by e-mail alone there is nobody to send to; the registration report brings the phone."""
    nobody = replace(event_candidate(0), user_id=None, key_parts=None)
    world.lay(not_sent(nobody, "no_user_id"), *people(3)[2:])
    world.approve()
    world.run()
    assert {event["userId"] for event in world.events} == {user(1), user(2)}
    for _ in range(2):
        world.lay(*people(3))
        world.run()
        assert sorted(event["userId"] for event in world.events) == [user(0), user(1), user(2)]


def test_a_fuller_export_fires_only_what_is_new_and_says_what_changed(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    world.run()
    other = event_candidate(0, data={"TimeInSessionMinutes": 61, "WebinarId": "81200002006"})
    world.lay(
        user_candidate(0), other, user_candidate(1), event_candidate(1, event_name="Plutus Attended"), *people(3)[4:]
    )
    world.approve()
    assert world.run().exit_code == 0
    assert [event["userId"] for event in world.events] == [user(0), user(1), user(2)]
    assert [row["note"] for row in world.rows("object = 'event'")] == [
        "changed_after_delivery",
        "changed_after_delivery; renamed_after_delivery",
        None,
    ]


def test_an_event_not_sent_yet_is_sent_as_the_newest_night_has_it(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.command("run", delivery_window=window(is_open=False))
    world.lay(user_candidate(0), event_candidate(0, data={"TimeInSessionMinutes": 61, "WebinarId": "81200002006"}))
    world.run()
    assert [event["eventData"]["TimeInSessionMinutes"] for event in world.events] == [61]


def test_an_occurrence_that_moves_takes_its_events_with_it(world: World) -> None:
    day = today() - timedelta(days=1)
    early = start_of(day) - timedelta(minutes=2)
    world.lay(user_candidate(0), event_candidate(0, "registered"))
    world.approve()
    world.run()
    [before] = world.rows("object = 'event'")
    moved = [event_candidate(0, kind, started_at=early) for kind in ("registered", "attended")]
    world.lay(user_candidate(0), *moved)
    world.approve()
    assert world.run().exit_code == 0
    assert [event["eventName"] for event in world.events] == ["Plutus Webinar Registered", "Plutus Webinar Attended"]
    [after] = world.rows("object = 'event' AND kind = 'registered'")
    assert after["delivery_key"] == before["delivery_key"]
    assert (before["occurrence_id"][-5:], after["occurrence_id"][-5:]) == ("T1900", "T1858")
    assert after["started_at"] == early


def test_a_second_webinar_of_a_day_is_a_second_event(world: World) -> None:
    day = today() - timedelta(days=1)
    first, second = event_candidate(0), event_candidate(0, started_at=start_of(day) + timedelta(hours=2))
    world.lay(user_candidate(0), first)
    world.approve()
    world.run()
    world.lay(user_candidate(0), second, occurrences=[str(first.occurrence_id), str(second.occurrence_id)])
    world.run()
    assert len(world.events) == 2


def test_a_corrected_phone_is_held_until_a_person_says_that_it_is_another(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.run()
    other = user(77)
    corrected = event_candidate(0, user_id=other)
    world.lay(user_candidate(0, user_id=other), corrected)
    assert world.run().exit_code == 1
    assert world.states() == {"delivered": 1, "held:identity_changed": 1}
    assert len(world.events) == 1
    world.run()
    assert world.command("approve", "--occurrence", str(corrected.occurrence_id)).returncode == 0
    assert world.run().exit_code == 0
    assert [event["userId"] for event in world.events] == [user(0), other]


def test_of_two_people_with_one_e_mail_in_one_plan_the_second_is_held(world: World) -> None:
    world.lay(*people(1), user_candidate(5), event_candidate(5, email="person0@example.org"))
    world.approve()
    world.run()
    assert world.states() == {"delivered": 1, "held:identity_changed": 1}


def test_an_attribute_of_another_type_never_leaves_this_machine(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.run()
    text = {"TimeInSessionMinutes": "57", "WebinarId": "81200002006"}
    world.lay(*people(1), user_candidate(1), event_candidate(1, data=text))
    world.approve()
    assert world.run().exit_code == 1
    assert world.states() == {"delivered": 1, "held:attribute_type_changed": 1}
    assert world.state["dropped"] == []
    world.lay(*people(2))
    assert world.run().exit_code == 0
    assert len(world.events) == 2


def test_types_are_noted_as_sent_when_the_first_value_was_accepted(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    types = world.installation.query("SELECT name, attribute, type, approved_at, first_sent_at FROM ops.delivery_types")
    assert list(types["attribute"]) == ["TimeInSessionMinutes", "WebinarId"]
    assert types["first_sent_at"].isna().all()
    world.run()
    assert world.installation.query("SELECT first_sent_at FROM ops.delivery_types")["first_sent_at"].notna().all()


def test_a_plan_of_too_many_new_events_waits_for_a_person(world: World) -> None:
    world.lay(*people(6))
    world.approve()
    assert world.run(delivery_approve_over=5).exit_code == 1
    assert world.states() == {"held:large_plan": 6}
    world.run(delivery_approve_over=5)
    assert world.events == []
    night = (today() - timedelta(days=1)).isoformat()
    assert "6 rows released" in world.command("approve", "--plan", night).stdout
    assert world.run(delivery_approve_over=5).exit_code == 0
    assert len(world.events) == 6


def test_a_large_plan_that_is_released_still_waits_for_its_types(world: World) -> None:
    world.lay(*people(6))
    world.run(delivery_approve_over=5)
    world.command("approve", "--plan", (today() - timedelta(days=1)).isoformat())
    assert world.states() == {"held:new_attribute_type": 6}
    assert world.events == []


@pytest.mark.parametrize(
    ("age", "state"), [pytest.param(8, {}, id="eight_days"), pytest.param(7, {"delivered": 1}, id="seven_days")]
)
def test_an_event_is_sent_within_its_days_only(world: World, age: int, state: dict[str, int]) -> None:
    world.lay(*people(1, day=today() - timedelta(days=age)))
    world.approve()
    world.run()
    assert world.states() == state


def test_what_became_too_old_while_it_waited_is_cancelled(world: World) -> None:
    world.lay(*people(2, day=today() - timedelta(days=7)))
    world.approve()
    world.command("run", delivery_window=window(is_open=False))
    world.sql("UPDATE ops.deliveries SET started_at = started_at - interval '1 day' WHERE user_id = :id", id=user(0))
    assert world.run().exit_code == 0
    assert world.states() == {"cancelled:too_old": 1, "delivered": 1}


def test_consent_that_is_withdrawn_between_plan_and_claim_cancels(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    with world.settings() as settings, open_sender(settings) as sender:
        assert sender is not None
        sender.recover()
        sender.plan()
        world.lay(not_sent(user_candidate(0), "no_consent"), not_sent(event_candidate(0), "no_consent"), *people(2)[2:])
        sender.send("user", "event")
    assert world.rows("user_id = :id AND state <> 'cancelled'", id=user(0)) == []
    assert {row["reason"] for row in world.rows("user_id = :id", id=user(0))} == {"withdrawn"}
    assert user(0) not in json.dumps(world.fake.log)
    assert [event["userId"] for event in world.events] == [user(1)]


@pytest.mark.parametrize(
    ("reason", "cancelled"),
    [
        ("no_consent", "withdrawn"),
        ("suppressed", "suppressed"),
        ("erased", "erased"),
        ("delivery_off", "no_longer_due"),
    ],
)
def test_what_the_night_sends_no_more_is_cancelled_and_stays_so(world: World, reason: str, cancelled: str) -> None:
    world.lay(*people(1))
    world.approve()
    world.command("run", delivery_window=window(is_open=False))
    world.lay(not_sent(user_candidate(0), reason), not_sent(event_candidate(0), reason))
    assert world.run().exit_code == 0
    assert world.states() == {f"cancelled:{cancelled}": 1}
    world.lay(*people(1))
    world.run()
    assert (world.events, world.states()) == ([], {f"cancelled:{cancelled}": 1})


def test_what_may_have_been_sent_and_may_not_be_any_more_says_so(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 9}])
    world.run()
    world.fake.faults.clear()
    world.lay(not_sent(user_candidate(0), "no_consent"), not_sent(event_candidate(0), "no_consent"))
    world.run()
    [row] = world.rows("object = 'event'")
    assert (row["state"], row["reason"], row["note"]) == ("cancelled", "withdrawn", "may_have_been_sent")


def test_a_bulk_request_in_doubt_that_lost_a_member_is_for_a_person(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "bulk-events$"}, "do": "drop_after", "times": 9}])
    world.run(webengage_bulk_from=1)
    world.fake.faults.clear()
    sent = len(world.fake.log)
    world.lay(*people(2), not_sent(user_candidate(2), "no_consent"), not_sent(event_candidate(2), "no_consent"))
    for _ in range(2):
        assert world.run(webengage_bulk_from=1).exit_code == 1
    assert world.states() == {"unknown:batch_incomplete": 2, "cancelled:withdrawn": 1}
    assert len(world.fake.log) == sent


def test_granted_withdrawn_granted_are_three_updates(world: World) -> None:
    yes, no = {"emailOptIn": True}, {"emailOptIn": False}
    world.lay(user_candidate(0, fields=yes))
    world.run()
    for fields in (no, yes, yes):
        world.lay(user_candidate(0, fields=fields, only_after_delivery=fields is no))
        assert world.run().exit_code == 0
    assert [json.loads(one["body"])["users"][0]["emailOptIn"] for one in world.requests("users")] == [True, False, True]
    assert world.states("user") == {"delivered": 3}
    assert len({one["headers"]["x-request-id"] for one in world.requests("users")}) == 3


def test_a_withdrawal_of_somebody_never_delivered_is_not_sent(world: World) -> None:
    world.lay(user_candidate(0, only_after_delivery=True))
    world.run()
    assert (world.rows(), world.fake.log) == ([], [])
    assert "candidates 1 = 1 not_sent" in world.command("report").stdout


def test_a_profile_that_changed_before_it_was_sent_is_replaced_and_may_come_back(world: World) -> None:
    closed = window(is_open=False)
    for name in ("Asha", "Usha", "Asha"):
        world.lay(user_candidate(0, fields={"firstName": name}))
        world.command("run", delivery_window=closed)
    assert sorted(row["state"] for row in world.rows()) == ["cancelled", "planned"]
    world.run()
    assert [json.loads(one["body"])["users"][0]["firstName"] for one in world.requests("users")] == ["Asha"]


def test_a_profile_that_may_have_arrived_is_put_right_by_todays(world: World) -> None:
    world.lay(user_candidate(0, fields={"firstName": "Asha"}))
    world.run()
    world.lay(user_candidate(0, fields={"firstName": "Usha"}))
    world.fake.misbehave([{"match": {}, "do": "drop_after", "times": 9}])
    world.run()
    world.fake.faults.clear()
    world.lay(user_candidate(0, fields={"firstName": "Asha"}))
    assert world.run().exit_code == 0
    assert world.state["users"][user(0)]["firstName"] == "Asha"


def test_the_candidates_of_another_account_move_nothing(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.command("run", delivery_window=window(is_open=False))
    world.lay(user_candidate(0, account="in~other"), event_candidate(0, account="in~other"))
    assert world.states() == {"planned": 1}
    world.run()
    assert {row["account"] for row in world.rows()} == {LICENCE}


def test_a_night_that_sends_nothing_any_more_cancels_and_one_that_was_not_published_does_not(world: World) -> None:
    closed = window(is_open=False)
    world.lay(*people(1))
    world.approve()
    world.run(delivery_window=closed)
    world.lay()
    world.sql("DELETE FROM ops.published_tables")
    world.run()
    assert (world.states(), world.fake.log) == ({"planned": 1}, [])
    world.lay()  # published, and empty: no rule says yes any more
    world.run()
    assert (world.states(), world.fake.log) == ({"cancelled:no_longer_due": 1}, [])


def test_a_bulk_request_in_doubt_of_which_a_person_took_one_out_never_goes_with_other_members(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "bulk-events$"}, "do": "drop_after", "times": 9}])
    world.run(webengage_bulk_from=1)
    world.fake.faults.clear()
    [key, *_] = [row["delivery_key"] for row in world.rows("object = 'event'")]
    assert world.command("resolve", key, "--again", "--note", "try it").returncode == 0
    sent = len(world.requests("bulk-events"))
    for _ in range(2):
        assert world.run(webengage_bulk_from=1).exit_code == 1
    assert len(world.requests("bulk-events")) == sent
    assert world.states() == {"delivered": 1, "unknown:batch_incomplete": 2}


def test_an_erasure_is_sent_outside_the_window_and_then_forgets_whom(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.run()
    payload = canonical({"subject_request_id": "r1", "subject_request_type": "erasure", "subject_identities": []})
    key = delivery_key(["webengage", LICENCE, "erasure", user(0)])
    with world.engine.begin() as connection:
        row = erasure("webengage", LICENCE, key, user(0), payload, datetime.now(UTC))
        assert ledger.insert(connection, [row, row]) == 1
    assert world.command("run", delivery_window=window(is_open=False)).returncode == 0
    assert [one["body"] for one in world.requests("opengdpr_requests")] == [payload]
    assert len(world.state["erasures"]) == 1
    [row] = world.rows("object = 'erasure'")
    assert (row["state"], row["user_id"], row["email"], row["payload"]) == ("delivered", None, None, None)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens_each_event_takes_effect_once(world: World, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same each time
    world.installation.environment["FUNNEL_WEBENGAGE_BULK_FROM"] = dice.choice(["0", "12"])
    count = 20
    world.lay(*people(count))
    world.approve()
    for _ in range(6):
        minutes = [dice.randint(40, 60) for _ in range(count)]
        edited = [
            event_candidate(n, data={"TimeInSessionMinutes": minutes[n], "WebinarId": "81200002006"})
            if dice.random() < 0.2
            else event_candidate(n)
            for n in range(count)
        ]
        world.lay(*(user_candidate(n) for n in range(count)), *edited)
        for _ in range(dice.randint(1, 6)):
            fault: dict[str, object] = {
                "do": dice.choice(["drop_before", "drop_after", "truncate", "garbage", "status"])
            }
            if fault["do"] == "status":
                fault |= {"status": dice.choice([500, 503, 429, 502]), "headers": {"Retry-After": "0"}}
            world.fake.misbehave([fault | {"skip": dice.randint(0, 5), "times": dice.randint(1, 4)}])
        world.run()
        world.pass_time(minutes=dice.randint(1, 20))
    world.fake.faults.clear()
    world.lay(*people(count))
    for _ in range(2):
        done = world.run()
    assert done.exit_code == 0
    effects = [event["userId"] for event in world.events]
    assert sorted(effects) == [user(n) for n in range(count)]
    assert world.states() == {"delivered": count}
