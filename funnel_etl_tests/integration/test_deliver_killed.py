"""A sender that is killed at any point, two at once, a lost database: every effect once, and the ledger says so."""

import json
import random
import shutil
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from funnel_etl.core.errors import StorageUnavailable
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.sender_lock import sender_lock
from funnel_etl.operate.deliver import run as service
from funnel_etl_tests.delivery_world import World, event_candidate, people, user, user_candidate

pytestmark = pytest.mark.slow
KILLED = -9


def sent_once(world: World, count: int) -> None:
    """Every one of so many events took effect, none twice, and the ledger is the state of the fake."""
    effects = Counter(event["userId"] for event in world.events)
    assert (len(effects), set(effects.values())) == (count, {1})
    delivered = world.events_of("delivered")
    assert {row["user_id"] for row in delivered} == set(effects)
    if not world.requests("bulk-events"):
        assert {row["request_id"] for row in delivered} == {event["request_id"] for event in world.events}


@pytest.mark.parametrize("point", ["K0", "K1", "K2", "K3", "K4", "K5", "K6"])
def test_a_sender_killed_at_any_point_sends_each_event_once(world: World, point: str) -> None:
    world.lay(*people(3))
    world.approve()
    # The first claim and call are those of the users.
    number = {"K0": 1, "K1": 1, "K3": 1}.get(point, 2)
    assert world.killed_at(point, number) == KILLED
    states = world.states()
    if point == "K0":
        assert states == {}
    elif point == "K1":
        assert states == {"planned": 3}
    elif point in {"K2", "K3", "K4", "K5"}:
        assert states == {"sending": 3}
    else:
        assert states == {"delivered": 1, "sending": 2}
    assert len(world.events) == (1 if point in {"K4", "K5", "K6"} else 0)
    world.pass_time(seconds=61)
    assert world.run().exit_code == 0
    sent_once(world, 3)


@pytest.mark.parametrize("point", ["K2", "K3", "K4", "K5"])
def test_a_bulk_request_in_doubt_goes_again_with_the_same_members_and_bytes(world: World, point: str) -> None:
    world.installation.environment["FUNNEL_WEBENGAGE_BULK_FROM"] = "1"
    world.lay(*people(30))
    world.approve()
    assert world.killed_at(point, {"K3": 1}.get(point, 3)) == KILLED  # two requests of users go before
    world.lay(*people(31))  # one more, who would stand in the middle
    world.pass_time(seconds=61)
    assert world.run().exit_code == 0
    sent_once(world, 31)
    bodies = Counter(one["body"] for one in world.requests("bulk-events"))
    # Of K2 and K3 one request was claimed; of K4 and K5 both, the first of which had been sent.
    assert sorted(bodies.values()) == ([1, 1] if point in {"K2", "K3"} else [1, 1, 2])


def test_a_kill_outside_the_window_of_the_destination_is_for_a_person(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    assert world.killed_at("K4", 2) == KILLED
    world.pass_time(hours=4)
    assert world.run().exit_code == 1
    assert world.states() == {"unknown:window_passed": 2}
    assert len(world.events) == 1


def test_a_run_waits_for_the_last_call_of_a_dead_sender_a_minute_at_most(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    assert world.killed_at("K4", 2) == KILLED
    slept: list[float] = []
    with world.settings() as settings, service.open_sender(settings) as sender:
        assert sender is not None
        sender.sleep = slept.append
        sender.recover()
    assert len(slept) == 1
    assert 30 < slept[0] <= 60


def test_killed_at_twenty_random_points_two_hundred_events_take_effect_once(world: World) -> None:
    world.lay(*people(200))
    world.approve()
    dice = random.Random(13)  # noqa: S311 - the same points each time
    killed = 0
    for _ in range(20):
        point = dice.choice(["K0", "K1", "K2", "K3", "K4", "K5", "K6"])
        most = {"K0": 1, "K1": 1, "K2": 3, "K3": 2}.get(point, 25)
        killed += world.killed_at(point, dice.randint(1, most)) == KILLED
        world.pass_time(seconds=61)
    assert killed >= 12
    world.run()
    sent_once(world, 200)
    assert len(world.state["users"]) == 200


def test_of_two_runs_at_once_one_sends_and_the_other_says_so(world: World) -> None:
    world.lay(*people(30))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "users$"}, "do": "delay", "seconds": 3, "times": 1}])
    first = threading.Thread(target=lambda: world.installation.program("deliver", "run"))
    first.start()
    while not world.fake.log:
        time.sleep(0.05)
    second = world.command("run")
    assert second.returncode == 0
    assert "another run is sending" in second.stdout
    first.join()
    sent_once(world, 30)


def test_a_sender_whose_lock_is_lost_sends_no_more(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    with world.settings() as settings, service.open_sender(settings) as sender:
        assert sender is not None
        sender.recover()
        sender.plan()
        world.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
        with pytest.raises(Exception, match=r"connection|lock"):
            sender.send("user", "event")
    assert world.fake.log == []
    with sender_lock(world.engine, "webengage") as lock:
        assert lock is not None


def test_when_the_database_is_lost_nothing_fires_again(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    world.run()
    world.sql("DELETE FROM ops.deliveries")
    world.lay(*people(4))
    assert world.run().exit_code == 1
    assert world.states() == {"unknown:ledger_lost": 3, "delivered": 1}
    sent_once_each = Counter(event["userId"] for event in world.events)
    assert set(sent_once_each.values()) == {1}
    [lost] = world.rows("reason = 'ledger_lost' AND user_id = :user", user=user(0))
    assert world.command("resolve", lost["delivery_key"], "--again", "--note", "it never came").returncode == 0
    world.run()
    assert Counter(event["userId"] for event in world.events)[user(0)] == 2


def test_an_older_backup_of_the_database_fires_nothing_again(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    assert world.command("run", delivery_window=closed_window()).returncode == 0
    assert world.states() == {"planned": 3}
    backup = world.rows()
    assert world.run().exit_code == 0
    world.sql("DELETE FROM ops.deliveries")
    put_back(world, backup)
    assert world.states() == {"planned": 3}
    world.fake.ahead += timedelta(hours=5)
    assert world.run().exit_code == 1
    assert world.states() == {"unknown:ledger_lost": 3}
    sent = Counter(event["userId"] for event in world.events)
    assert set(sent.values()) == {1}


def test_a_lost_secret_of_the_journal_stops_everything(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.run()
    (world.installation.home / "state" / "landing" / "deliveries" / "key").unlink()
    world.lay(*people(2))
    done = world.command("run")
    assert done.returncode == 1
    assert "secret" in done.stderr
    assert len(world.events) == 1
    shutil.rmtree(world.installation.home / "state" / "landing" / "deliveries")


def test_rebuild_plans_and_sends_nothing(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    world.run()
    world.sql("DELETE FROM ops.deliveries")
    before = len(world.fake.log)
    done = world.command("rebuild")
    assert (done.returncode, len(world.fake.log)) == (1, before)
    assert world.states() == {"unknown:ledger_lost": 2}


def test_the_journal_names_nobody(world: World) -> None:
    world.lay(user_candidate(1), event_candidate(1))
    world.approve()
    world.run()
    files = list((world.installation.home / "state" / "landing" / "deliveries").rglob("*.json"))
    [row] = world.rows("object = 'event'")
    assert len(files) == 1
    text = files[0].read_text()
    assert row["delivery_key"] not in text
    assert user(1) not in text
    assert files[0].parts[-3:-1] == ("webengage", f"{row['first_sent_at']:%Y-%m}")


def closed_window() -> str:
    """Hours of the day that are not now."""
    now = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    return "20:00-20:01" if now.hour < 20 else "01:00-01:01"


def put_back(world: World, rows: list[dict[str, object]]) -> None:
    """Put rows of the ledger back as a backup had them."""
    sql = (
        "INSERT INTO ops.deliveries SELECT * FROM jsonb_populate_recordset(NULL::ops.deliveries, CAST(:rows AS jsonb))"
    )
    with world.engine.begin() as connection:
        connection.execute(sa.text(sql), {"rows": json.dumps(rows, default=str)})


def test_where_the_journal_cannot_be_written_nothing_is_sent_and_nothing_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageUnavailable("its disk is full", fix="make room")

    world.lay(*people(2))
    world.approve()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        with pytest.raises(StorageUnavailable):
            world.run()
    assert world.events == []
    assert world.states() == {"planned": 2}
    assert {(row["attempts"], row["first_sent_at"]) for row in world.rows("object = 'event'")} == {(0, None)}
    assert world.run().exit_code == 0
    sent_once(world, 2)
