"""The clean files on disk: written whole or not at all, only where their bytes change, stale ones removed.

Here: folders and bytes. Not here: what is in a file (`clean_files`).
"""

import contextlib
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path

from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.files import close_folder, private_folder, storage_error, write_whole
from funnel_etl.parts.marketing.zoom.clean.contracts import ZOOM_ATTENDANCE, ZOOM_OCCURRENCES, ZOOM_REGISTRATIONS
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, as_csv, clean_files
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

INPUTS = {"occurrences": ZOOM_OCCURRENCES, "registrations": ZOOM_REGISTRATIONS, "attendance": ZOOM_ATTENDANCE}
log = logging.getLogger("funnel_etl.progress")
LIST = ".written.json"
"""What was written, so that stale files are known from people's own."""


@dataclass
class Written:
    """What became of the files of a night. `newer`: a newer night's files are there and stay; nothing was done."""

    folder: Path
    night: date
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    by_profile: dict[str, int] = field(default_factory=dict)
    newer: date | None = None


def default_folder(settings: Settings) -> Path:
    """Return the folder the night writes to; the files are in its `zoom/`."""
    return settings.state / "exports"


def write_clean_files(
    to: Path, make: Callable[[], list[CleanFile]], night: date, *, made_of: str = "", private: bool = True
) -> Written:
    """Bring `<to>/zoom/<folder>/<name>` up to date. Files that we did not write are left alone, edited ones are not.

    `made_of`: what the files follow from; where those of the same are still there, none is made again. `private`:
    nobody else may read them. Raises `FunnelError` when the folder cannot be written.
    """
    root = to / "zoom"
    done = Written(root, night)
    try:
        if private:
            close_folder(to)
        before = _read_list(root)
        if before.night > night.isoformat():
            done.newer = date.fromisoformat(before.night)
            return done
        if made_of and before.made_of == made_of and all(_is(root / name, mark) for name, mark in before.files.items()):
            done.unchanged, done.by_profile = len(before.files), before.by_profile
            _write_list(root, replace(before, night=night.isoformat()), private=private)
            return done
        files = make()
        done.by_profile = dict(sorted(Counter(file.profile for file in files).items()))
        now = {}
        for file in files:
            name, data = f"{file.folder}/{file.name}", as_csv(file.frame)
            now[name] = hashlib.sha256(data).hexdigest()
            if _has(root / name, data):
                done.unchanged += 1
            else:
                _replace(root / name, data, root if private else None)
                done.written += 1
        # The list of what was there stays in force until the stale files are gone.
        for name in sorted(set(before.files) - set(now)):
            done.removed += _remove(root, name)
        _write_list(root, _Before(night.isoformat(), now, made_of, done.by_profile), private=private)
    except OSError as error:
        raise storage_error(error, "the clean files", str(root), "choose another folder with --to") from error
    return done


def export_newest(settings: Settings, to: Path | None) -> Written:
    """Write the clean files of the newest night in the lake below `to` (default: where the night writes them).

    Raises `FunnelError` when no night has made them, or an older version of the program has.
    """
    lake = Lake(UPath(settings.lake_root))
    nights = set.intersection(*(set(lake.nights(table)) for table in INPUTS.values()))
    if not nights:
        raise FunnelError(
            "no night has made the Zoom tables yet", where=settings.lake_root, fix="run a night: funnel-etl run"
        )
    night = max(nights)
    try:
        frames = {name: lake.read(table, night) for name, table in INPUTS.items()}
    except KeyError as error:
        raise FunnelError(
            f"the night {night} was made by another version: it has no column {error}",
            where=settings.lake_root,
            fix=f"run the night again: funnel-etl run --as-of {night}",
        ) from error
    config = NightlySources(settings, Landing(UPath(settings.landing_root))).config(night)
    profiles = config.table("zoom_profiles")
    make = partial(clean_files, **frames, zoom_profiles=profiles, zone=settings.timezone)
    return write_clean_files(to or default_folder(settings), make, night, private=to is None)


@dataclass(frozen=True)
class _Before:
    """What was written last: the night, the SHA-256 of each file, what they follow from, files by profile."""

    night: str = ""
    files: dict[str, str] = field(default_factory=dict)
    made_of: str = ""
    by_profile: dict[str, int] = field(default_factory=dict)


def _read_list(root: Path) -> _Before:
    """Read what was written last; a damaged list counts as none: then stale files stay."""
    try:
        body = json.loads((root / LIST).read_bytes())
        files = {str(name): str(mark) for name, mark in body["files"].items()}
        by_profile = {str(name): int(count) for name, count in body.get("by_profile", {}).items()}
        return _Before(str(body["night"]), files, str(body.get("made_of", "")), by_profile)
    except FileNotFoundError:
        return _Before()
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("%s is damaged: files of earlier nights that are stale stay in %s", LIST, root)
        return _Before()


def _write_list(root: Path, written: _Before, *, private: bool) -> None:
    _replace(root / LIST, json.dumps(asdict(written), indent=0).encode(), root if private else None)


def _is(path: Path, mark: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == mark


def _has(path: Path, data: bytes) -> bool:
    return path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data


def _replace(path: Path, data: bytes, private: Path | None) -> None:
    """Write a file whole; for us alone below the folder `private`, else with the permissions that new files have."""
    if private:
        private_folder(path.parent, private.parent)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, data, private=bool(private))


def _remove(root: Path, name: str) -> int:
    """Remove a file we wrote, and its folder if nothing else is in it; returns how many files went."""
    path = root / name
    if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
        return 0
    path.unlink()
    with contextlib.suppress(OSError):  # somebody keeps a file of their own there
        path.parent.rmdir()
    return 1
