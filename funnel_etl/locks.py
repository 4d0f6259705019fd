"""Locks between processes, on files: the only module that speaks to `fcntl`. What a lock is for is its holder's.

The system drops such a lock with the process, however it ended. A file is never removed for being unlocked.

Not `filelock`, which comes along with Dagster: its locks of files have no shared kind (its ReadWriteLock is a SQLite
database), which the users of the server and whoever looks for killed runs need; it knows a lock by its path, and the
mark of a run is locked under another name than it is seen by; and it makes the file itself, with a mode of its own.
"""

import fcntl
import os
from pathlib import Path
from typing import IO


def lock(file: IO[bytes]) -> None:
    """Wait until the file is ours alone, until it is closed."""
    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file: IO[bytes]) -> bool:
    """Have the file for ourselves alone if nobody has it, until it is closed; return whether it is so."""
    return _try(file, fcntl.LOCK_EX)


def try_share(file: IO[bytes]) -> bool:
    """Have the file together with others who share it, if nobody has it alone; return whether it is so."""
    return _try(file, fcntl.LOCK_SH)


def unlock(file: IO[bytes]) -> None:
    """Let go of a file by word, not by closing it: a forked child may hold the same open file."""
    fcntl.flock(file, fcntl.LOCK_UN)


def is_left(path: Path) -> bool:
    """Whether the file is there and nobody has it: who locked it has ended. Two who look at once do not matter."""
    try:
        with path.open("rb") as file:
            return try_share(file) and os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _try(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
