"""The drop folder: which of its files are ready to be taken. A pure decision over what was seen, and the look.

What a file holds is judged by its reader; nothing here opens one.
"""

import os
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

TEMPORARY_SUFFIXES = (".part", ".partial", ".crdownload", ".download", ".tmp", ".opdownload")
TEMPORARY_PREFIXES = (".", "~$")
SET_ASIDE = ("processed", "rejected")
"""Sub-folders that hold what was already dealt with."""


@dataclass(frozen=True)
class Seen:
    """A directory entry as it was seen: path, size, modification time (Unix seconds), whether it is a plain file."""

    path: Path
    size: int
    modified: float
    is_plain: bool

    @property
    def mark(self) -> str:
        """Changes when the file does."""
        return f"{self.size}:{self.modified}"


@dataclass
class Decision:
    """`take`: files that are ready; `wait`: path → why not yet; `ignore`: path → why never."""

    take: list[Seen] = field(default_factory=list)
    wait: dict[Path, str] = field(default_factory=dict)
    ignore: dict[Path, str] = field(default_factory=dict)


def look(folder: Path) -> list[Seen]:
    """See the entries of the folder and of its sub-folders, in the order of their names; links are not followed."""
    found: list[Seen] = []
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name.lower() not in SET_ASIDE and not path.name.startswith("."):
                found += [seen for entry in sorted(path.iterdir()) if (seen := _see(entry)) and not entry.is_dir()]
        elif seen := _see(path):
            found.append(seen)
    return found


def decide(seen: Iterable[Seen], before: dict[str, str], now: float, settle_seconds: float) -> Decision:
    """Decide about each entry: taken once it has been left alone for the settle time.

    `before` holds each path's mark at the last look: a file also counts as left alone when its mark is the same and its
    modification time lies in the future (a copied file keeps odd times).
    """
    decision = Decision()
    for entry in seen:
        name = entry.path.name.lower()
        if not entry.is_plain:
            decision.ignore[entry.path] = "not a plain file: links and devices are not followed"
        elif name.startswith(TEMPORARY_PREFIXES) or name.endswith(TEMPORARY_SUFFIXES):
            decision.wait[entry.path] = "a temporary name: it is still being written"
        elif now - entry.modified >= settle_seconds or (
            before.get(str(entry.path)) == entry.mark and entry.modified > now
        ):
            decision.take.append(entry)
        else:
            decision.wait[entry.path] = f"changed less than {settle_seconds:g} s ago: it may still be written"
    return decision


def settled(folder: Path, settle_seconds: float) -> Decision:
    """Look, wait at most the settle time for files that are still young, look again, and decide."""
    first = look(folder)
    now = time.time()
    youngest = max((entry.modified for entry in first), default=0.0)
    if (rest := youngest + settle_seconds - now) > 0:
        time.sleep(min(rest, settle_seconds))
    marks = {str(entry.path): entry.mark for entry in first}
    return decide(look(folder), marks, time.time(), settle_seconds)


def _see(path: Path) -> Seen | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return Seen(path, status.st_size, status.st_mtime, stat.S_ISREG(status.st_mode))
