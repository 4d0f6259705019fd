"""Whose turn it is: one run at a time writes lake and PostgreSQL, whoever began it; and which runs were killed.

Both by locks on files of the state folder, which the system drops with the process that held them, however it ended.
What a run does in its turn is not known here.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from funnel_etl import locks
from funnel_etl.files import open_in_state, private_folder

LOCK, RUNS = "night.lock", "runs"
_held: Counter[Path] = Counter()
_files: dict[Path, IO[bytes]] = {}
"""The locked files of the turns this process has."""
_guard = threading.Lock()


@contextmanager
def exclusive(state: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Have the turn; wait for it if another process has it, after calling `waiting` once.

    A process that has it has it again at once: `funnel-etl run` takes it before the run it then makes.
    """
    path = state.absolute() / LOCK
    with _guard:
        ours = _held[path] > 0
        if ours:
            _held[path] += 1
    if ours:
        try:
            yield
        finally:
            _held[path] -= 1
        return
    with open_in_state(path.parent, LOCK) as file:
        if not locks.try_lock(file):
            waiting()
            locks.lock(file)
        _held[path] += 1
        _files[path] = file
        try:
            yield
        finally:
            del _files[path]
            _held[path] -= 1


@contextmanager
def lend(state: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Let others have the turn meanwhile, then have it again; wait for it as `exclusive` does.

    What is raised within leaves it to the others: who is stopped while he waits writes nothing more.
    """
    file = _files.get(state.absolute() / LOCK)
    if file is None:
        yield
        return
    locks.unlock(file)
    yield
    if not locks.try_lock(file):
        waiting()
        locks.lock(file)


@contextmanager
def run_marker(state: Path, run_id: str) -> Iterator[None]:
    """Show that a run lives, by a file that is there and locked until it ends; a killed one leaves it unlocked."""
    path, unseen = state / RUNS / run_id, state / f"{RUNS}.{run_id}"
    with open_in_state(state, unseen.name) as file:
        private_folder(path.parent)
        # Locked where nobody looks, and only then put into its place: whoever sees the file finds it locked.
        locks.lock(file)
        unseen.rename(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # before the lock is gone: no moment looks as if it was killed


def killed(state: Path) -> list[str]:
    """Return the runs that were killed: each left its file, and nobody holds it. `forget` them once it is said."""
    folder = state / RUNS
    return [path.name for path in sorted(folder.iterdir()) if locks.is_left(path)] if folder.is_dir() else []


def lives(state: Path, run_id: str) -> bool:
    """Return whether a run of this state folder is going on, in its turn or waiting."""
    path = state / RUNS / run_id
    return path.is_file() and not locks.is_left(path)


def forget(state: Path, run_id: str) -> None:
    """Remove what a killed run left."""
    (state / RUNS / run_id).unlink(missing_ok=True)
