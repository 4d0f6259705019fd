"""`funnel-etl deliver run` and `rebuild`: the database is opened and brought up to date, then a sender goes on."""

from collections.abc import Iterator
from contextlib import contextmanager

from funnel_etl.delivery import opened
from funnel_etl.delivery.contracts import WEBENGAGE
from funnel_etl.delivery.scope import Result, Scope
from funnel_etl.delivery.send import Sender
from funnel_etl.operate.deliver.place import open_place
from funnel_etl.settings import Settings


@contextmanager
def open_sender(
    settings: Settings, scope: Scope | None = None, *, at_any_hour: bool = False, to_send: bool = True
) -> Iterator[Sender | None]:
    """Yield the one sender of the destination, or None while another process sends there."""
    with (
        open_place(settings, to_send=to_send) as place,
        opened.open_sender(settings, place.engine, place.adapter, scope, at_any_hour=at_any_hour) as sender,
    ):
        yield sender


def deliver(
    settings: Settings, scope: Scope | None = None, *, retry: bool = False, at_any_hour: bool = False
) -> Result | None:
    """Recover, plan, send what is due; returns what was done, None while delivery is off."""
    if not opened.is_on(settings, WEBENGAGE):
        return None
    with open_sender(settings, scope, at_any_hour=at_any_hour) as sender:
        return busy() if sender is None else opened.run_all(sender, retry=retry)


def busy() -> Result:
    """Return the result of a run that found another one sending."""
    return Result(WEBENGAGE, is_busy=True)


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
