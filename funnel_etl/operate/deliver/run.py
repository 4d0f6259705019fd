"""One run of `funnel-etl deliver run`, and of the job `deliver`: the same steps, the same order."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from funnel_etl.delivery.contracts import ERASURE, EVENT, USER
from funnel_etl.delivery.due import Window
from funnel_etl.delivery.send import Result, Scope, Sender
from funnel_etl.delivery.sender_lock import sender_lock
from funnel_etl.operate.deliver.place import is_on, open_place
from funnel_etl.settings import Settings


@contextmanager
def open_sender(
    settings: Settings,
    scope: Scope | None = None,
    *,
    at_any_hour: bool = False,
    run_id: str | None = None,
    to_send: bool = True,
) -> Iterator[Sender | None]:
    """Yield the one sender of the destination, or None while another process sends there."""
    with open_place(settings, to_send=to_send) as place, sender_lock(place.engine, place.adapter.destination) as lock:
        if lock is None:
            yield None
            return
        yield Sender(
            place.engine,
            place.adapter,
            lock,
            place.journal(),
            Window.of(settings.delivery_window),
            place.zone,
            run_id or f"cmd-{uuid.uuid4().hex[:12]}",
            approve_over=settings.delivery_approve_over,
            keep_days=settings.delivery_keep_payload_days,
            bulk_from=settings.webengage_bulk_from,
            scope=scope or Scope(),
            at_any_hour=at_any_hour,
        )


def deliver(
    settings: Settings, scope: Scope | None = None, *, retry: bool = False, at_any_hour: bool = False
) -> Result | None:
    """Recover, plan, send what is due; returns what was done, None while delivery is off."""
    if not is_on(settings):
        return None
    with open_sender(settings, scope, at_any_hour=at_any_hour) as sender:
        if sender is None:
            return busy()
        sender.recover()
        sender.plan()
        if retry:
            sender.retry()
        sender.send(ERASURE, USER, EVENT)
        return sender.finish()


def busy() -> Result:
    """Return the result of a run that found another one sending."""
    return Result("webengage", is_busy=True)


def rebuild(settings: Settings) -> tuple[int, int] | None:
    """Plan anew after the database was lost, and send nothing.

    Returns how many were planned, and of how many the journal says that they may have been sent; None while another
    process sends. Raises what `open_place` raises.
    """
    with open_sender(settings, to_send=False) as sender:
        if sender is None:
            return None
        sender.recover()
        made = sender.plan()
        rows = [*made.new, *(row for _, row in made.changed)]
        return len(made.new), sum(row.reason == "ledger_lost" for row in rows)
