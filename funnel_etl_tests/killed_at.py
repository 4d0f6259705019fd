"""`funnel-etl` that is killed at a chosen step of its work: python killed_at.py PLACE NUMBER PID ARGUMENT…

PLACE: `landing` or `lake`: the file of the NUMBER-th write there is half written; `merge`: the NUMBER-th table was
merged; `commit`: the NUMBER-th part is about to be committed; `committed`: it was. PID: who is killed; 0 is itself.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from funnel_etl.cli import app
from funnel_etl.platform.dagster import publish_asset
from funnel_etl.platform.postgres import publisher
from funnel_etl.sources.archive import store

counted: Counter[str] = Counter()


def kill(place: str, number: int, pid: int) -> Callable[[str], None]:
    """Return what is called at every step of every place, and kills at the chosen one."""

    def step(name: str) -> None:
        counted[name] += 1
        if (name, counted[name]) == (place, number):
            os.kill(pid or os.getpid(), signal.SIGKILL)
            time.sleep(0.2)  # a server needs a moment to be gone

    return step


def arm(step: Callable[[str], None]) -> None:
    """Call `step` at each step."""
    flush, merge, note, publish = store._flush, publisher._send, publisher._note_night, publisher.publish

    def flushing(path: Path) -> None:
        name = next((place for place in ("landing", "lake") if f"/state/{place}" in str(path)), "elsewhere")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        step(name)
        path.write_bytes(whole)
        flush(path)

    def merging(*arguments: Any) -> Any:
        done = merge(*arguments)
        step("merge")
        return done

    def noting(*arguments: Any) -> None:
        note(*arguments)
        step("commit")

    def publishing(*arguments: Any) -> Any:
        done = publish(*arguments)
        step("committed")
        return done

    store._flush, publisher._send, publisher._note_night = flushing, merging, noting
    publish_asset.publish = publishing


if __name__ == "__main__":
    at, number, pid, *arguments = sys.argv[1:]
    arm(kill(at, int(number), int(pid)))
    sys.argv = ["funnel-etl", *arguments]
    app()
