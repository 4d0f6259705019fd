"""A run of the sender that a person begins on the page: in a thread of the server, one at a time, to its end.

It goes on when the browser is closed. What a run does is in `run`; how far it is, and how it ended, is here.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery import opened
from funnel_etl.delivery.contracts import WEBENGAGE
from funnel_etl.delivery.due import Window
from funnel_etl.delivery.scope import Result
from funnel_etl.delivery.webengage.adapter import adapter_of
from funnel_etl.operate.deliver.run import busy, open_sender
from funnel_etl.settings import Settings


@dataclass
class Sending:
    """One run. `of`: how many users and events the preview counted; `error`: why it did not get to its end."""

    who: str
    of: int
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    result: Result | None = None
    error: FunnelError | None = None
    is_over: bool = False

    @property
    def answered(self) -> int:
        """How many have an answer so far."""
        return sum(self.result.counts.values()) if self.result else 0


_newest: dict[str, Sending] = {}
_only_one = threading.Lock()


def newest(settings: Settings) -> Sending | None:
    """Return the run that goes on, or the last one that was begun in this server."""
    return _newest.get(str(settings.state))


def is_open(settings: Settings) -> bool:
    """Whether the hours are those in which anything is sent."""
    return Window.of(settings.delivery_window).is_open(datetime.now(UTC), ZoneInfo(settings.timezone))


def begin(
    settings: Settings,
    who: str,
    of: int,
    then: Callable[[Sending], None],
    *,
    at_any_hour: bool = False,
    retry: bool = False,
) -> threading.Thread:
    """Begin a run in a thread, which is returned; `then` is called when it has ended.

    `retry`: what failed is sent now, and what was refused for good once more.

    Raises `FunnelError` where nothing may be sent: delivery is off, a key is missing, the hours, a run that goes on.
    """
    if not opened.is_on(settings, WEBENGAGE):
        raise FunnelError("delivery is off, so nothing is sent", fix="the engineer sets FUNNEL_DELIVERY=webengage")
    adapter_of(settings, must_send=True)
    if not at_any_hour and not is_open(settings):
        raise FunnelError(
            f"nothing is sent outside {settings.delivery_window}", fix="wait, or send all the same at this hour"
        )
    with _only_one:
        going = newest(settings)
        if going is not None and not going.is_over:
            raise FunnelError(f"{going.who} is sending just now", fix="see how far it is, and wait for its end")
        made = _newest[str(settings.state)] = Sending(who, of)
    how = {"at_any_hour": at_any_hour, "retry": retry}
    thread = threading.Thread(target=_run, args=(settings, made, then), kwargs=how)
    thread.start()
    return thread


def _run(settings: Settings, made: Sending, then: Callable[[Sending], None], *, at_any_hour: bool, retry: bool) -> None:
    try:
        with open_sender(settings, at_any_hour=at_any_hour) as sender:
            made.result = busy() if sender is None else sender.result
            if sender is not None:
                opened.run_all(sender, retry=retry)
    except FunnelError as error:
        made.error = error
    except Exception as error:  # noqa: BLE001 - nobody waits for the thread: what went wrong is told on the page
        made.error = FunnelError(f"a fault of ours: {type(error).__name__}", fix="tell the engineer")
    finally:
        made.is_over = True
        then(made)
