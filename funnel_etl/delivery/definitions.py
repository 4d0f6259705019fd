"""Delivery as Dagster sees it: the job `deliver`, the sensor after a night, the schedule for what is due."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import dagster as dg
import sqlalchemy as sa

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery import reading
from funnel_etl.delivery.contracts import ERASURE, EVENT, TABLES, USER, WEBENGAGE
from funnel_etl.delivery.due import Window
from funnel_etl.delivery.opened import BUSY, OFF, is_on, open_sender, result_lines
from funnel_etl.delivery.outcome import GUARD
from funnel_etl.delivery.scope import Result, Scope
from funnel_etl.delivery.send import Sender
from funnel_etl.delivery.waiting import of_account, read_not_planned
from funnel_etl.delivery.webengage.adapter import adapter_of
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.owner import claim_of, require_owner
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.settings import Settings

__all__ = ["RESOURCES", "TABLES", "defs", "deliver_due"]

SENDER = "delivery_sender"
PART = "delivery"
"""Name of the publication whose newest version the sensor looks at."""
VERSION = sa.text("SELECT max(version) FROM ops.nights WHERE part = :part")
DUE = sa.text(
    "SELECT EXISTS (SELECT FROM ops.deliveries WHERE destination = :destination AND (state = 'sending' "
    "OR (state IN ('planned', 'failed_transient') AND (not_before IS NULL OR not_before <= :now)) "
    "OR (state = 'unknown' AND (effect = 'repeatable' OR first_sent_at > :since))))"
)
ASKED = {
    "destination": dg.Field(str, default_value=WEBENGAGE, description="Where to send: webengage."),
    "occurrence": dg.Field(dg.Noneable(str), default_value=None, description="Only this occurrence_id."),
    "limit": dg.Field(dg.Noneable(int), default_value=None, description="At most so many events."),
    "retry": dg.Field(bool, default_value=False, description="What failed now, what was refused once more."),
    "now": dg.Field(bool, default_value=False, description="Also outside FUNNEL_DELIVERY_WINDOW."),
}


@dataclass
class Run:
    """What the steps of a run share. `sender`: None while delivery is off, or another process sends (`says`)."""

    sender: Sender | None
    says: str
    retry: bool


@contextmanager
def _sender_of_one_run(context: dg.InitResourceContext) -> Iterator[Run]:
    """Yield the sender to one run, from its first step to its last."""
    resources = cast("Any", context.resources)
    settings: Settings = resources.sources.settings
    asked = context.resource_config
    if not is_on(settings, asked["destination"]) or context.run is None:
        yield Run(None, OFF, retry=False)
        return
    url = resources.database_url
    require_owner(url, claim_of(settings))
    opened = engine(url)
    try:
        ensure_schema(opened, resources.all_tables, needed=())
        scope = Scope(asked["occurrence"], None, asked["limit"])
        with ExitStack() as stack:
            adapter = adapter_of(settings, must_send=True)
            sender = stack.enter_context(
                open_sender(settings, opened, adapter, scope, at_any_hour=asked["now"], run_id=context.run.run_id)
            )
            yield Run(sender, BUSY, retry=asked["retry"])
    finally:
        opened.dispose()


RESOURCES = {
    SENDER: dg.ResourceDefinition(
        resource_fn=cast("Any", _sender_of_one_run),
        config_schema=ASKED,
        required_resource_keys={"sources", "database_url", "all_tables"},
    )
}
"""What the job needs beside the resources that all have."""


def _step(context: dg.OpExecutionContext) -> Sender | None:
    run: Run = context.resources.delivery_sender
    if run.sender is None:
        context.log.info(run.says)
    return run.sender


@dg.op(out=dg.Out(dg.Nothing), required_resource_keys={SENDER})
def recover(context: dg.OpExecutionContext) -> None:
    """Bring what an earlier run left in doubt to where it can be decided."""
    if sender := _step(context):
        if sender.scope.limit is not None:
            context.instance.add_run_tags(context.run_id, {"LIMITED": f"to {sender.scope.limit} events"})
        _or_failure(sender.recover)


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), required_resource_keys={SENDER})
def plan(context: dg.OpExecutionContext) -> None:
    """Write what follows from the newest night."""
    if sender := _step(context):
        _or_failure(sender.plan)
        if context.resources.delivery_sender.retry:
            _or_failure(sender.retry)


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), required_resource_keys={SENDER})
def send_users(context: dg.OpExecutionContext) -> None:
    """Send erasures and users."""
    if sender := _step(context):
        _or_failure(lambda: sender.send(ERASURE, USER))


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), required_resource_keys={SENDER})
def send_events(context: dg.OpExecutionContext) -> None:
    """Send events whose user is there."""
    if sender := _step(context):
        _or_failure(lambda: sender.send(EVENT))


@dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing), required_resource_keys={SENDER})
def report(context: dg.OpExecutionContext) -> Iterator[dg.Output[Any]]:
    """Show what was done, by count; fails if the run ended before its end."""
    sender = _step(context)
    if sender is None:
        yield dg.Output(None)
        return
    done = sender.finish()
    if done.ended:
        raise dg.Failure(f"{done.ended}. Fix: {done.fix}", metadata=_metadata(done), allow_retries=False)
    yield dg.Output(None, metadata=_metadata(done))


def _metadata(done: Result) -> dict[str, Any]:
    summary = "\n".join(f"- {line}" for line in result_lines(done))
    return {"summary": dg.MetadataValue.md(summary), **{f"open: {state}": n for state, n in done.open.items()}}


def _or_failure(step: Any) -> None:
    try:
        step()
    except FunnelError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


@dg.config_mapping(config_schema=ASKED)
def _asked(asked: dict[str, Any]) -> dict[str, Any]:
    return {"resources": {SENDER: {"config": asked}}}


@dg.job(
    name="deliver",
    config=_asked,
    executor_def=dg.in_process_executor,
    description="Plans what follows from the newest night, and sends what is due. Launched again it goes on where it "
    "stopped: nothing is sent twice.",
    tags={"funnel_etl/destination": WEBENGAGE},
)
def deliver_job() -> None:
    """Deliver."""
    report(send_events(send_users(plan(recover()))))


def after_night(*, is_on: bool, version: int | None, window: Window, now: datetime, zone: ZoneInfo) -> str | None:
    """Return why no run is asked for; None: one is."""
    if not is_on:
        return OFF
    if version is None:
        return "no night has published what is to be sent"
    if not window.is_open(now, zone):
        return f"nothing is sent before {window.begins:%H:%M} (FUNNEL_DELIVERY_WINDOW)"
    return None


@dg.sensor(
    job=deliver_job,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"sources", "database_url"},
    description="Looks every minute whether a night has published anew what is to be sent, and starts deliver once for "
    "it, in the sending window. Does nothing while FUNNEL_DELIVERY is empty.",
)
def deliver_after_night(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run after each new version of what is to be sent."""
    settings: Settings = context.resources.sources.settings
    on = is_on(settings, WEBENGAGE)
    version = _asked_of(context.resources.database_url, VERSION, part=PART) if on else None
    now, zone = datetime.now(UTC), ZoneInfo(settings.timezone)
    window = Window.of(settings.delivery_window)
    if why := after_night(is_on=on, version=version, window=window, now=now, zone=zone):
        return dg.SkipReason(why)
    return dg.RunRequest(run_key=f"{WEBENGAGE}-{version}")


def deliver_due(timezone: str) -> dg.ScheduleDefinition:
    """Return the hourly schedule for what is due, by the clock of the business zone."""

    def look(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        settings: Settings = context.resources.sources.settings
        now = datetime.now(UTC)
        if not is_on(settings, WEBENGAGE):
            return dg.SkipReason(OFF)
        if not Window.of(settings.delivery_window).is_open(now, ZoneInfo(settings.timezone)):
            return dg.SkipReason("outside FUNNEL_DELIVERY_WINDOW")
        due = {"destination": WEBENGAGE, "now": now, "since": now - GUARD}
        url = context.resources.database_url
        if not _asked_of(url, DUE, **due) and not _is_unplanned(settings, url, now):
            return dg.SkipReason("nothing is due")
        return dg.RunRequest()

    return dg.ScheduleDefinition(
        name="deliver_due",
        job=deliver_job,
        cron_schedule="40 * * * *",
        execution_timezone=timezone,
        execution_fn=look,
        required_resource_keys={"sources", "database_url"},
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Starts deliver at 40 minutes past each hour of the sending window, if something is due. Does "
        "nothing while FUNNEL_DELIVERY is empty.",
    )


def _is_unplanned(settings: Settings, url: str, now: datetime) -> bool:
    """Whether no run has planned what the newest night sends: the sensor's came while somebody was erased."""
    asking = engine(url)
    try:
        with asking.connect() as connection:
            today = now.astimezone(ZoneInfo(settings.timezone)).date()
            own = reading.Account(WEBENGAGE, settings.webengage_licence or "")
            return of_account(read_not_planned(connection, today), own) is not None
    finally:
        asking.dispose()


def _asked_of(url: str, query: sa.TextClause, **values: object) -> Any:
    """Return the one value of a query; None where the tables are not there yet."""
    asking = engine(url)
    try:
        with asking.connect() as connection:
            if not reading.has_table(connection, "ops.deliveries"):
                return None
            return connection.execute(query, values).scalar()
    finally:
        asking.dispose()


defs = dg.Definitions(jobs=[deliver_job], sensors=[deliver_after_night])
