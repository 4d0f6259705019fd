"""Where a dropped file goes once it was dealt with: `processed/`, or `rejected/` with a word to who dropped it.

Only moves inside the drop folder; nothing here reads a file or decides what it is.
"""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from funnel_etl.files import close_file, close_folder, private_folder, write_whole

PROCESSED, REJECTED = "processed", "rejected"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_LONGEST = 200
"""Bytes of a name: file systems allow 255, and " (2)" and ".txt" are still to come."""


def plain_name(name: str) -> str:
    """Return a file name as it may be shown and used: no path, no control or direction characters, no odd bytes."""
    text = name.encode(errors="surrogateescape").decode(errors="replace")
    return _CONTROL.sub("", re.split(r"[\\/]", text)[-1]).strip() or "unnamed"


def move_away(
    path: Path, folder: Path, place: str, advice: str = "", *, named: str | None = None, kept: bytes | None = None
) -> Path:
    """Move a file of the drop folder to `<place>/` (its sub-folder kept), with `advice` beside it; returns where it is.

    A name that is taken becomes `name (2).csv`. `named`: its name there; `kept`: what is kept of it, if that is not
    all. Raises OSError, and leaves the file where it is, when it cannot.
    """
    target = folder / place
    for part in ("", *path.parent.relative_to(folder).parts):
        target = target / part
        private_folder(target)
        if target.is_symlink():
            raise NotADirectoryError(0, f"{target.name}/ is a link", str(target))
    close_folder(folder / place)
    goal = _free(target, plain_name(named or path.name))
    if kept is not None:
        # In its own place first: killed between the two, nothing of what is not kept is left aside.
        write_whole(path, kept, private=True)
    path.rename(goal)
    close_file(goal)
    if advice:
        write_whole(goal.with_name(f"{goal.name}.txt"), advice.encode(), private=True)
    return goal


def advice(name: str, looks_like: str, fix: str) -> str:
    """Write what a person is told about a rejected file."""
    return (
        f"{plain_name(name)} was not taken.\n\n"
        f"What it is: {_sentence(looks_like)}\n"
        f"What to do: {_sentence(fix)}\n\n"
        "Put the right file into the drop folder itself, not in here. This one can be deleted: nobody reads it.\n"
    )


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def names_for(name: str) -> Iterator[str]:
    """Yield `name.csv`, `name (2).csv`, … for ever; a very long name is shortened."""
    suffix = Path(name).suffix[:20]
    stem = name.removesuffix(suffix) if suffix else name
    while len(f"{stem}{suffix}".encode()) > _LONGEST:
        stem = stem[:-1]
    yield f"{stem}{suffix}"
    for number in count(2):
        yield f"{stem} ({number}){suffix}"


def _free(folder: Path, name: str) -> Path:
    """Return the first of the names that is not taken."""
    goals = (folder / free for free in names_for(name))
    return next(goal for goal in goals if not (goal.exists() or goal.is_symlink()))
