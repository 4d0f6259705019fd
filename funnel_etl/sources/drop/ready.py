"""The drop folder: which of its files are ready to be taken, and taking one out of it whole. Knows no file format.

What a file holds is judged by its reader; where it goes afterwards is `disposal`.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TEMPORARY_SUFFIXES = (".part", ".partial", ".crdownload", ".download", ".tmp", ".opdownload")
TEMPORARY_PREFIXES = (".", "~$")
SET_ASIDE = ("processed", "rejected")
"""Sub-folders that hold what was already dealt with."""
NOT_PLAIN = "not a plain file: links and devices are not followed"
TOO_DEEP = "a folder in a sub-folder: it is not looked into, move its files one level up"


@dataclass(frozen=True)
class FileStat:
    """A directory entry as it was seen: path, size, times (Unix seconds), whether it is a plain file.

    `modified` is the time its writer gave it, `changed` the time the file system noticed a change (0: not known).
    `why` says of an entry that is never taken why that is.
    """

    path: Path
    size: int
    modified: float
    is_plain: bool
    changed: float = 0.0
    why: str = NOT_PLAIN

    @property
    def mark(self) -> str:
        """Changes when the file does."""
        return f"{self.size}:{self.modified}"

    @property
    def touched(self) -> float:
        """When it was last written, as far as can be told: a copy may keep an old modification time."""
        return max(self.modified, self.changed)


@dataclass
class Decision:
    """`take`: files that are ready; `wait`: path → why not yet; `ignore`: path → why never."""

    take: list[FileStat] = field(default_factory=list)
    wait: dict[Path, str] = field(default_factory=dict)
    ignore: dict[Path, str] = field(default_factory=dict)


class StillWritten(Exception):
    """The file changed between being seen and being read."""


def look(folder: Path) -> list[FileStat]:
    """See the entries of the folder and of its sub-folders, in the order of their names; links are not followed."""
    found: list[FileStat] = []
    for entry in _entries(folder, found):
        if not entry.is_dir(follow_symlinks=False):
            found += _see(entry)
        elif entry.name.lower() not in SET_ASIDE and not entry.name.startswith("."):
            for below in _entries(Path(entry.path), found):
                if not below.is_dir(follow_symlinks=False):
                    found += _see(below)
                elif not below.name.startswith("."):
                    found.append(FileStat(Path(below.path), 0, 0.0, is_plain=False, why=TOO_DEEP))
    return found


def decide(seen: Iterable[FileStat], before: dict[str, str], now: float, settle_seconds: float) -> Decision:
    """Decide about each entry: taken once it has been left alone for the settle time.

    `before` holds each path's mark at the last look: a file whose mark changed since then waits, and one whose times
    lie in the future counts as left alone when its mark is the same (a copied file keeps odd times).
    """
    decision = Decision()
    for entry in seen:
        name = entry.path.name.lower()
        mark = before.get(str(entry.path))
        if not entry.is_plain:
            decision.ignore[entry.path] = entry.why
        elif name.startswith(TEMPORARY_PREFIXES) or name.endswith(TEMPORARY_SUFFIXES):
            decision.wait[entry.path] = "a temporary name: it is still being written"
        elif mark is not None and mark != entry.mark:
            decision.wait[entry.path] = "it is just being written"
        elif now - entry.touched >= settle_seconds or (mark == entry.mark and entry.touched > now):
            decision.take.append(entry)
        else:
            decision.wait[entry.path] = f"changed less than {settle_seconds:g} s ago: it may still be written"
    return decision


def settled(folder: Path, settle_seconds: float) -> Decision:
    """Look, wait at most the settle time for files that are still young, look again, and decide."""
    first = look(folder)
    youngest = max((entry.touched for entry in first if entry.is_plain), default=0.0)
    if (rest := youngest + settle_seconds - time.time()) > 0:
        time.sleep(min(rest, settle_seconds))
    marks = {str(entry.path): entry.mark for entry in first}
    return decide(look(folder), marks, time.time(), settle_seconds)


def read_whole(entry: FileStat) -> bytes:
    """Read a seen file, never more than it was seen to hold; a link that took its place is not followed.

    Raises OSError when it cannot be read, `StillWritten` when it is no longer what was seen.
    """
    handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise StillWritten
        data = file.read(entry.size + 1)
        if len(data) != entry.size or is_changed(entry):
            raise StillWritten
    return data


def is_changed(entry: FileStat) -> bool:
    """Return whether the file under the path is no longer the one that was seen."""
    try:
        status = os.lstat(entry.path)
    except OSError:
        return True
    return not stat.S_ISREG(status.st_mode) or entry.mark != f"{status.st_size}:{status.st_mtime}"


def _entries(folder: Path, found: list[FileStat]) -> Iterator[os.DirEntry[str]]:
    """Return the entries of a folder by name; one that cannot be opened is itself an entry that is left alone."""
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        why = f"the folder cannot be opened ({error.strerror}): let the user of funnel-etl read it"
        found.append(FileStat(folder, 0, 0.0, is_plain=False, why=why))
        return
    yield from listed


def _see(entry: os.DirEntry[str]) -> list[FileStat]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return []
    is_plain = stat.S_ISREG(status.st_mode)
    return [FileStat(Path(entry.path), status.st_size, status.st_mtime, is_plain, status.st_ctime)]
