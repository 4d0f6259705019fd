"""Config tables written back into their folder: all of some files or none, and never over what somebody else wrote.

Here: bytes and files. Not here: what is in them (`table`, `worklist/apply`).
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from upath import UPath

from funnel_etl import locks
from funnel_etl.core.errors import ConfigError
from funnel_etl.files import open_in_state, storage_error
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_file
from funnel_etl.sources.nightly import NightlySources

LOCK = "config_csv.lock"


def is_writable(folder: Path) -> bool:
    """Return whether a file can be made in a folder: a disk may be read-only, whoever we are."""
    try:
        with tempfile.NamedTemporaryFile(prefix=".incoming-", dir=folder):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def alone(state: Path) -> Iterator[None]:
    """Wait until nobody else writes config tables: two who save at once would both find the file unchanged."""
    with open_in_state(state, LOCK) as file:
        locks.lock(file)
        yield


def replace_kept(settings: Settings, files: Mapping[str, tuple[bytes | None, bytes]]) -> None:
    """Write tables as `replace_tables` does, and keep both versions in the landing archive at once.

    A night would keep only what it finds: of two saves in a day the first would be gone.
    """
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
    for name in files:
        sources.land_config(name)
    replace_tables({table_file(settings.config_folder, name): sides for name, sides in files.items()})
    for name in files:
        sources.land_config(name)


def bytes_of(path: Path) -> bytes | None:
    """Return the bytes of a file; None: it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def replace_tables(files: Mapping[Path, tuple[bytes | None, bytes]]) -> None:
    """Write files from what they were to what they shall be; if one cannot be, those before get back what they had."""
    done: list[tuple[Path, bytes | None]] = []
    try:
        with contextlib.ExitStack() as stack:
            ready = [(path, before, stack.enter_context(_beside(path, text))) for path, (before, text) in files.items()]
            for path, before, beside in ready:
                _refuse_changed(path, before)
                beside.replace(path.resolve())
                done.append((path, before))
    except (OSError, ConfigError) as error:
        for path, before in done:
            path.unlink() if before is None else path.write_bytes(before)
        if isinstance(error, ConfigError):
            raise
        raise storage_error(
            error, "the table", str(error.filename or "config_csv"), "apply again when it can be"
        ) from error


def _refuse_changed(path: Path, before: bytes | None) -> None:
    if bytes_of(path) != before:
        raise ConfigError("somebody changed it just now", where=str(path), fix="apply the file again")


def remove_file(path: Path, before: bytes) -> None:
    """Remove a file that is as somebody looked at it. Raises `ConfigError` when it is not, `StorageUnavailable`."""
    _refuse_changed(path, before)
    try:
        path.unlink()
    except OSError as error:
        raise storage_error(error, "the table", str(path), "do it again when it can be") from error


@contextlib.contextmanager
def _beside(path: Path, data: bytes) -> Iterator[Path]:
    """Write a file next to `path`, with its permissions, ready to be renamed to it; it is gone afterwards."""
    target = path.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".incoming-", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        else:
            beside.chmod(0o644)
        yield beside
    finally:
        beside.unlink(missing_ok=True)
