"""Files we write on this machine: whole or not at all, for us alone where persons are in them, and errors in one line.

For us alone is only what we make: a drop folder on a share, or a folder named with `--to`, is others' to open or close.
"""

import contextlib
import errno
import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from funnel_etl.core.errors import StorageUnavailable

OTHERS = 0o077
"""The bits of a mode that are for everybody but the owner."""
NO_ROOM = {
    errno.ENOSPC: "its disk is full",
    errno.EDQUOT: "the quota of this user is used up",
    errno.EFBIG: "this user may not write files of that size (ulimit -f)",
}
_NOT_OURS = {errno.EROFS: "its disk is read-only", errno.EACCES: "this user may not", errno.EPERM: "this user may not"}


def storage_error(error: OSError, what: str, place: str, elsewhere: str) -> StorageUnavailable:
    """Return what a person needs to know when something cannot be written; `elsewhere`: what else helps."""
    number = error.errno or 0
    why = NO_ROOM.get(number) or _NOT_OURS.get(number)
    words = error.strerror or type(error).__name__
    fix = f"let this user write there, or {elsewhere}"
    if number in NO_ROOM:
        fix = f"make room (funnel-etl purge, exports/replay/; docs/operations.md: The disk is full), or {elsewhere}"
    text = f"{what} cannot be written" + (f": {why} ({words})" if why else f" ({words})")
    return StorageUnavailable(text, where=place, fix=fix)


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write beside the target, flush, rename: nothing half-written is seen or left. Raises OSError.

    A file that is there keeps its permissions, unless it is to be `private`.
    """
    if path.exists() and not path.is_file():  # as /dev/stdout
        path.write_bytes(data)
        return
    beside = path.with_name(f".incoming-{uuid.uuid4().hex}")
    try:
        with beside.open("xb") as file:
            if path.exists():
                shutil.copymode(path, beside)
            if private:
                close_file(beside)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def private_folder(folder: Path, top: Path | None = None) -> None:
    """Make a folder, and what is missing of the folders above it, from `top` on (default: itself) for us alone.

    Those above `top` may be passed through, not read: where we are root, the server's OS user has to.
    """
    top = top or folder
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o700 if path.is_relative_to(top) else 0o711)


def open_in_state(state: Path, name: str) -> BinaryIO:
    """Open a file of the state folder for appending, as to lock it; both are made. Raises `StorageUnavailable`."""
    try:
        private_folder(state, state / name)
        file = (state / name).open("ab")
    except OSError as error:
        raise storage_error(error, "the state folder", str(state), "set FUNNEL_HOME to a folder elsewhere") from error
    close_file(state / name)
    return file


def close_folder(folder: Path) -> None:
    """Take from everybody else what they may do in a folder of ours and all that is in it, if it is open."""
    if not _is_open(folder):
        return
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            close_file(Path(path, name))
    close_file(folder)  # last: killed before, it is closed the next time


def close_file(path: Path) -> None:
    """Take from everybody else what they may do with a file or folder of ours; a disk without modes is let be."""
    with contextlib.suppress(OSError):
        if _is_open(path):
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)


def close_state(state: Path, drop_folder: Path) -> None:
    """Close what an earlier version left open below the state folder, but for the server's own, the demo, and drops."""
    with contextlib.suppress(FileNotFoundError):
        for path in state.iterdir():
            if path.is_file():
                close_file(path)
            elif path.name not in {"postgres", "demo"} and path != drop_folder:
                close_folder(path)


@contextlib.contextmanager
def private_umask() -> Iterator[None]:
    """Let what libraries write for us meanwhile be for us alone, as Dagster's logs."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def _is_open(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return not stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid() and bool(found.st_mode & OTHERS)
