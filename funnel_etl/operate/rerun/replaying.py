"""A replay that a person begins on the page: `funnel-etl replay` as a child process, one at a time, to its end.

A child, because a replay is a whole night in memory. It goes on when the browser is closed, and also when the page's
server ends. What came of it is read by `then_and_now`.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from funnel_etl import locks
from funnel_etl.core.errors import FunnelError
from funnel_etl.files import open_in_state
from funnel_etl.operate.rerun.replay import replayed_tables
from funnel_etl.settings import Settings

LOCK, LOG = "replaying.lock", "replaying.log"
_STEP = re.compile(r"^\s*\d\d:\d\d:\d\d ")
_MADE = re.compile(r": [\d,]+ rows$")


@dataclass
class Replaying:
    """One replay. `of`: how many tables it makes; `code`: its exit code, None while it goes on."""

    who: str
    night: date
    of: int
    log: Path
    code: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.code is not None

    @property
    def made(self) -> int:
        """How many tables are made so far."""
        return sum(bool(_STEP.match(line) and _MADE.search(line)) for line in self._lines())

    @property
    def at_work(self) -> str:
        """What it said last of how far it is."""
        return next((_STEP.sub("", line) for line in reversed(self._lines()) if _STEP.match(line)), "")

    @property
    def said(self) -> list[str]:
        """Why it failed and what to do, in the lines of expected failures; of a fault of ours nothing is shown."""
        return [line for line in self._lines() if ". Fix: " in line and not _STEP.match(line)]

    def _lines(self) -> list[str]:
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines()


_newest: dict[str, Replaying] = {}


def newest(settings: Settings) -> Replaying | None:
    """Return the replay that goes on, or the last one that was begun in this server."""
    return _newest.get(str(settings.state))


def begin(settings: Settings, who: str, night: date, then: Callable[[Replaying], None]) -> threading.Thread:
    """Begin the replay of a night; returns the thread that waits for its end and calls `then`.

    Raises `FunnelError` while another one goes on, whoever's server began it; `StorageUnavailable`.
    """
    log = settings.state / LOG
    with open_in_state(settings.state, LOCK) as lock:
        if not locks.try_lock(lock):
            raise FunnelError("another night is being made again just now", fix="wait until it is there")
        with open_in_state(settings.state, LOG) as file:
            file.truncate(0)
            child = subprocess.Popen(
                [str(Path(sys.executable).with_name("funnel-etl")), "replay", "--as-of", night.isoformat()],
                env=os.environ | settings.given,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=file,
                start_new_session=True,
                pass_fds=[lock.fileno()],  # the lock ends with the child, not with us
            )
    made = _newest[str(settings.state)] = Replaying(who, night, len(replayed_tables()), log)
    thread = threading.Thread(target=_wait, args=(child, made, then))
    thread.start()
    return thread


def _wait(child: "subprocess.Popen[bytes]", made: Replaying, then: Callable[[Replaying], None]) -> None:
    try:
        made.code = child.wait()
    finally:
        then(made)
