"""A sender for the settings of this installation: its account, its lock, its journal. Its steps are its caller's."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import ERASURE, EVENT, USER
from funnel_etl.delivery.due import Window
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.scope import Result, Scope
from funnel_etl.delivery.send import Sender
from funnel_etl.delivery.sender_lock import sender_lock
from funnel_etl.delivery.webengage.adapter import WebEngage
from funnel_etl.settings import Settings

OFF = "delivery is off: FUNNEL_DELIVERY is empty, so nothing is sent"
BUSY = "another run is sending to this destination; this one does nothing"


def is_on(settings: Settings, destination: str) -> bool:
    """Whether a destination is switched on."""
    return destination in settings.destinations


@contextmanager
def open_sender(
    settings: Settings,
    engine: sa.Engine,
    adapter: WebEngage,
    scope: Scope | None = None,
    *,
    at_any_hour: bool = False,
    run_id: str | None = None,
) -> Iterator[Sender | None]:
    """Yield the one sender of a destination, or None while another process sends there."""
    with sender_lock(engine, adapter.destination) as lock:
        if lock is None:
            yield None
            return
        yield Sender(
            engine,
            adapter,
            lock,
            Journal(settings.landing_root, adapter.destination),
            Window.of(settings.delivery_window),
            ZoneInfo(settings.timezone),
            run_id or f"cmd-{uuid.uuid4().hex[:12]}",
            approve_over=settings.delivery_approve_over,
            keep_days=settings.delivery_keep_payload_days,
            bulk_from=settings.webengage_bulk_from,
            scope=scope or Scope(),
            at_any_hour=at_any_hour,
        )


def run_all(sender: Sender, *, retry: bool) -> Result:
    """Take all steps of a run, and return what was done."""
    sender.recover()
    sender.plan()
    if retry:
        sender.retry()
    sender.send(ERASURE, USER, EVENT)
    return sender.finish()


def result_lines(done: Result) -> list[str]:
    """Return a run in lines, without any person."""
    if done.is_busy:
        return [BUSY]
    counts = done.counts
    planned = f"{grouped(done.planned)} planned, {grouped(done.cancelled)} cancelled"
    lines = [
        f"{done.destination}: {planned}, {grouped(counts['accepted'])} accepted, {grouped(counts['refused'])} refused"
    ]
    if done.waits:
        lines.append(done.waits)
    if done.open:
        lines.append("open: " + ", ".join(f"{grouped(count)} {state}" for state, count in sorted(done.open.items())))
    if done.exit_code:
        lines.append("What to do: funnel-etl deliver status")
    return lines
