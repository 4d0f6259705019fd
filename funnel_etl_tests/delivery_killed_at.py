"""`funnel-etl deliver run` that is killed at a point: python delivery_killed_at.py POINT NUMBER ARGUMENT…

K0: before a plan is committed · K1: after · K2: after a claim is committed, before the journal · K3: after the journal
is written · K4: after the request is sent, before its answer · K5: after its answer, before that is committed · K6:
after. NUMBER: at the how-many-th time; of K4 the fake has acted.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from funnel_etl.cli import app
from funnel_etl.delivery import ledger, send
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.webengage.adapter import WebEngage

POINT, NUMBER = sys.argv[1], int(sys.argv[2])
reached = 0


def at(point: str) -> None:
    """Kill this process, if it is the time."""
    global reached  # noqa: PLW0603 - a process of its own
    if point == POINT:
        reached += 1
        if reached == NUMBER:
            os.kill(os.getpid(), signal.SIGKILL)


def wrapped(function: Callable[..., Any], before: str = "", after: str = "") -> Callable[..., Any]:
    """Return a function that may be killed before or after."""

    def wrapper(*arguments: Any, **named: Any) -> Any:
        at(before)
        done = function(*arguments, **named)
        at(after)
        return done

    return wrapper


ledger.write_plan = wrapped(ledger.write_plan, after="K0")
send.Sender.plan = wrapped(send.Sender.plan, after="K1")  # type: ignore[method-assign]
send.Sender._claim = wrapped(send.Sender._claim, after="K2")  # type: ignore[method-assign]
Journal.write = wrapped(Journal.write, after="K3")  # type: ignore[method-assign]
WebEngage.send = wrapped(WebEngage.send, after="K4")  # type: ignore[method-assign]
ledger.accepted = wrapped(ledger.accepted, after="K5")
send.Sender._note = wrapped(send.Sender._note, after="K6")  # type: ignore[method-assign]

sys.argv = ["funnel-etl", *sys.argv[3:]]
app()
