"""Whether what runs by itself does: the daemon, the schedule, the sensors. Asks Dagster's own storage only."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickStatus

DAEMON_SILENCE_SECONDS = 300


@dataclass(frozen=True)
class Automatic:
    """A daemon, schedule or sensor. `state`: running, dead, off, failing; `at`: when it last gave a sign of life."""

    name: str
    state: str
    says: str
    what_to_do: str | None = None
    at: datetime | None = None


def daemon_lives(opened: dg.DagsterInstance) -> bool:
    """Return whether a daemon has given a sign of life in the last minutes."""
    beat = _last_beat(opened)
    return beat is not None and time.time() - beat.timestamp() < DAEMON_SILENCE_SECONDS


def sensor_runs(opened: dg.DagsterInstance, name: str) -> bool:
    """Return whether a sensor that is on by its code works: its daemon lives, and nobody has turned it off."""
    states = {state.instigator_name: state for state in opened.all_instigator_state()}
    is_off = name in states and states[name].status is InstigatorStatus.STOPPED
    return daemon_lives(opened) and not is_off


def automation_state(opened: dg.DagsterInstance, code: dg.RepositoryDefinition) -> list[Automatic]:
    """Return the daemon, and each schedule and sensor that is off or failed at its last look."""
    found = [_daemon(opened)]
    states = {state.instigator_name: state for state in opened.all_instigator_state()}
    for schedule in sorted(code.schedule_defs, key=lambda each: each.name):
        is_on = schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        found += _instigator(opened, "schedule", schedule.name, states.get(schedule.name), is_on=is_on)
    for sensor in sorted(code.sensor_defs, key=lambda each: each.name):
        is_on = sensor.default_status is dg.DefaultSensorStatus.RUNNING
        found += _instigator(opened, "sensor", sensor.name, states.get(sensor.name), is_on=is_on)
    return found


def _daemon(opened: dg.DagsterInstance) -> Automatic:
    beat = _last_beat(opened)
    start = "start it with make up (docker compose up -d), or go on by funnel-etl run"
    if beat is None:
        return Automatic("daemon", "off", "it never ran: no schedule and no sensor works", start)
    if not daemon_lives(opened):
        silent = datetime.now(UTC) - beat
        said = f"no sign of life for {_length_of(silent)}: no schedule and no sensor works"
        return Automatic("daemon", "dead", said, start, beat)
    return Automatic("daemon", "running", "it gave a sign of life within the last minutes", at=beat)


def _instigator(
    opened: dg.DagsterInstance, kind: str, name: str, state: InstigatorState | None, *, is_on: bool
) -> list[Automatic]:
    """Return of a schedule or sensor only what is wrong; without a stored state it is as its code says."""
    if state is not None and state.status is not InstigatorStatus.DECLARED_IN_CODE:
        is_on = state.status is not InstigatorStatus.STOPPED
    if not is_on:
        turn_on = f"turn it on in the Dagster UI (Automation, {name})"
        return [Automatic(f"{kind} {name}", "off", "it is turned off", turn_on)]
    ticks = opened.get_ticks(state.instigator_origin_id, state.selector_id, limit=1) if state else []
    if ticks and ticks[0].status is TickStatus.FAILURE:
        at = datetime.fromtimestamp(ticks[0].timestamp, UTC)
        look = f"read the error of its last look in the Dagster UI (Automation, {name})"
        return [Automatic(f"{kind} {name}", "failing", "its last look failed", look, at)]
    return []


def _last_beat(opened: dg.DagsterInstance) -> datetime | None:
    beats = [beat.timestamp for beat in opened.get_daemon_heartbeats().values()]
    return datetime.fromtimestamp(max(beats), UTC) if beats else None


def _length_of(span: timedelta) -> str:
    """Return a length of time as people say it."""
    if span < timedelta(hours=2):
        return f"{span // timedelta(minutes=1)} minutes"
    return f"{span // timedelta(hours=1)} hours" if span < timedelta(days=2) else f"{span.days} days"
