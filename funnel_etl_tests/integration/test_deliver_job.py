"""The job `deliver` as Dagster runs it, and when its sensor and its schedule ask for it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from funnel_etl.assembly import build_definitions
from funnel_etl.delivery.definitions import after_night
from funnel_etl.delivery.due import Window
from funnel_etl.delivery.sender_lock import sender_lock
from funnel_etl_tests.delivery_world import KEY, World, people, user

pytestmark = pytest.mark.slow
INDIA = ZoneInfo("Asia/Kolkata")


def run_job(world: World, instance: dg.DagsterInstance, config: dict[str, Any] | None = None, **changes: Any) -> Any:
    with world.settings(**changes) as settings:
        job = build_definitions(settings).resolve_job_def("deliver")
        return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)


def test_the_job_sends_and_launched_again_goes_on(world: World) -> None:
    world.lay(*people(3))
    world.approve()
    with dg.DagsterInstance.ephemeral() as instance:
        limited = run_job(world, instance, {"limit": 1})
        assert limited.success
        assert len(world.events) == 1
        tags = instance.get_run_by_id(limited.run_id)
        assert tags is not None
        assert tags.tags["LIMITED"] == "to 1 events"
        assert run_job(world, instance).success
        assert len(world.events) == 3
        assert {row["sender"] for row in world.rows()} <= {run.run_id for run in instance.get_runs()}


def test_nothing_that_dagster_keeps_names_a_person_or_the_key(world: World) -> None:
    world.lay(*people(2))
    world.approve()
    world.fake.misbehave(
        [
            {
                "match": {"path_re": "/events$"},
                "do": "status",
                "status": 400,
                "times": 1,
                "body": {"response": {"status": "error", "message": f"no {user(0)} Person0 {KEY}"}},
            }
        ]
    )
    with dg.DagsterInstance.ephemeral() as instance:
        done = run_job(world, instance)
        kept = json.dumps([str(event) for event in instance.all_logs(done.run_id)])
        kept += json.dumps([dict(run.run_config) for run in instance.get_runs()])
    assert "1 refused" in kept
    assert not [one for one in (user(0), user(1), "Person0", "@example.org", KEY) if one in kept]


def test_a_run_that_ends_before_its_end_fails_with_what_to_do(world: World) -> None:
    world.lay(*people(1))
    world.fake.misbehave([{"do": "status", "status": 401, "times": 9}])
    with dg.DagsterInstance.ephemeral() as instance:
        done = run_job(world, instance)
        failed = [str(event.step_failure_data.user_failure_data) for event in done.get_step_failure_events()]
    assert not done.success
    assert "service account" in failed[0]


def test_while_delivery_is_off_or_another_sends_the_job_does_nothing(world: World) -> None:
    world.lay(*people(1))
    with dg.DagsterInstance.ephemeral() as instance:
        assert run_job(world, instance, delivery="").success
        with sender_lock(world.engine, "webengage") as lock:
            assert lock is not None
            assert run_job(world, instance).success
    assert world.fake.log == []


@pytest.mark.parametrize(
    ("on", "version", "hour", "says"),
    [
        (False, 3, 10, "delivery is off"),
        (True, None, 10, "no night"),
        (True, 3, 3, "nothing is sent before 09:00"),
        (True, 3, 10, None),
    ],
)
def test_a_run_follows_a_night_in_the_window_only(on: bool, version: int | None, hour: int, says: str | None) -> None:
    now = datetime(2026, 11, 21, hour, tzinfo=INDIA)
    why = after_night(is_on=on, version=version, window=Window.of("09:00-20:00"), now=now, zone=INDIA)
    assert (why is None) if says is None else says in str(why)


def look(world: World, name: str, **changes: Any) -> Any:
    """Evaluate the sensor or the schedule once."""
    with world.settings(**changes) as settings, dg.DagsterInstance.ephemeral() as instance:
        defs = build_definitions(settings)
        repository = defs.get_repository_def()
        with dg.build_resources(_plain(defs, "sources", "database_url")) as given:
            if name == "deliver_due":
                context: Any = dg.build_schedule_context(
                    instance,
                    scheduled_execution_time=datetime.now(UTC),
                    resources={"sources": given.sources, "database_url": given.database_url},
                    repository_def=repository,
                )
                return defs.resolve_schedule_def(name).evaluate_tick(context)
            context = dg.build_sensor_context(
                instance,
                resources={"sources": given.sources, "database_url": given.database_url},
                repository_def=repository,
            )
            return defs.resolve_sensor_def(name).evaluate_tick(context)


def _plain(defs: dg.Definitions, *names: str) -> dict[str, Any]:
    return {name: (defs.resources or {})[name] for name in names}


def test_the_sensor_asks_once_for_each_version(world: World) -> None:
    world.sql("DELETE FROM ops.nights")
    assert "no night" in str(look(world, "deliver_after_night").skip_message)
    world.sql(
        "INSERT INTO ops.nights (version, part, as_of, published_at, run_id, code_version, config_version, inserted, "
        "changed, deleted) VALUES (7, 'delivery', '2026-11-20', now(), 'r', 'c', 'c', 0, 0, 0)"
    )
    [request] = look(world, "deliver_after_night").run_requests
    assert request.run_key == "webengage-7"
    assert "delivery is off" in str(look(world, "deliver_after_night", delivery="").skip_message)
    world.sql("DELETE FROM ops.nights")


def test_the_schedule_asks_only_for_what_is_due(world: World) -> None:
    assert "nothing is due" in str(look(world, "deliver_due").skip_message)
    world.lay(*people(1))
    world.approve()
    assert len(look(world, "deliver_due").run_requests) == 1  # the sensor's run found another one at work
    now = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    closed = "20:00-20:01" if now.hour < 20 else "01:00-01:01"
    world.command("run", delivery_window=closed)
    assert len(look(world, "deliver_due").run_requests) == 1
    assert "outside" in str(look(world, "deliver_due", delivery_window=closed).skip_message)
    assert "delivery is off" in str(look(world, "deliver_due", delivery="").skip_message)
    world.run()
    assert "nothing is due" in str(look(world, "deliver_due").skip_message)
