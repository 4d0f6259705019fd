"""Where the landing archive puts its bytes: a local folder or an object store, each name whole or not at all.

Only names relative to the root and bytes are known here; what they mean belongs to `landing`.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from upath import UPath

from funnel_etl.files import private_folder, storage_error

LANDING = ("landing archive", "FUNNEL_LANDING_URL")
LAKE = ("lake", "FUNNEL_LAKE_URL")
TEMPORARY = ("temporary folder", "TMPDIR")
"""What a store is called, and the setting that says where it is."""
_LOCAL_PROTOCOLS = {"", "file", "local"}
_TEMPORARY = ".incoming-"


class Store(Protocol):
    """Named bytes under one root. A missing name raises FileNotFoundError.

    What cannot be written raises `StorageUnavailable`, and nothing half-written stays.
    """

    def exists(self, name: str) -> bool:
        """Return whether the name is there."""

    def read(self, name: str) -> bytes:
        """Return the bytes of the name."""

    def open(self, name: str) -> BinaryIO:
        """Open the name for reading from its start; the caller closes it."""

    def write(self, name: str, data: bytes) -> None:
        """Write the name whole, replacing what was there."""

    def link(self, name: str, other: str) -> None:
        """Let `other` have the bytes of the name, as `write` would. Written or removed later, neither changes both."""

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise `StorageUnavailable` for what fails to be written inside, as to the workspace."""

    def workspace(self) -> contextlib.AbstractContextManager[Path]:
        """Return an empty local file to fill; it is removed afterwards unless it was adopted."""

    def adopt(self, path: Path, name: str) -> None:
        """Put a filled workspace file under the name; the local path is gone or stale after it."""

    def names(self, folder: str) -> list[str]:
        """List every name below a folder ("": all), sorted; none for a folder that is not there."""

    def read_below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Read every name below a folder, sorted."""

    def size(self, name: str) -> int:
        """Return how many bytes the name takes: of bytes that several names share, its part."""

    def remove(self, name: str) -> None:
        """Remove the name; one that is not there is no error."""

    def sweep(self, older_than: timedelta) -> int:
        """Remove what a killed process left half-written; return how many."""


def open_store(root: UPath, place: tuple[str, str] = LAKE) -> Store:
    """Choose the store for a root: a folder of this machine, or an object store."""
    if root.protocol in _LOCAL_PROTOCOLS:
        return LocalStore(Path(root.path).absolute(), place)
    return ObjectStore(root, place)


@contextlib.contextmanager
def _written(root: str, place: tuple[str, str]) -> Iterator[None]:
    what, setting = place
    try:
        yield
    except OSError as error:
        raise storage_error(error, f"the {what}", root, f"set {setting} to a folder elsewhere") from error


class LocalStore:
    """A folder of this machine: a temporary name beside the target, flushed to disk, then renamed over it.

    Nobody else may read what is in it.
    """

    def __init__(self, root: Path, place: tuple[str, str] = LAKE) -> None:
        self.root = root
        self._place = place

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise `StorageUnavailable` for what fails to be written inside."""
        return _written(str(self.root), self._place)

    def exists(self, name: str) -> bool:
        """Return whether the name is there."""
        return (self.root / name).is_file()

    def read(self, name: str) -> bytes:
        """Return the bytes of the name."""
        return (self.root / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open the name for reading."""
        return (self.root / name).open("rb")

    def write(self, name: str, data: bytes) -> None:
        """Write beside the target, flush, rename."""
        target = self.root / name
        with self.writing(), self._temporary(target.parent) as path:
            path.write_bytes(data)
            _flush(path)
            path.replace(target)

    def link(self, name: str, other: str) -> None:
        """Make a hard link beside the target, rename; a copy where the file system has no links, or no more of them."""
        source, target = self.root / name, self.root / other
        with self.writing(), self._temporary(target.parent) as path:
            path.unlink()
            try:
                path.hardlink_to(source)
            except OSError:
                path.touch(mode=0o600)
                shutil.copyfile(source, path)
                _flush(path)
            path.replace(target)

    def workspace(self) -> contextlib.AbstractContextManager[Path]:
        """Return a file on the root's own file system, so that adopting it is a rename."""
        return self._temporary(self.root)

    def adopt(self, path: Path, name: str) -> None:
        """Rename the file to its name; the same bytes again replace it, which fixes a damaged copy."""
        target = self.root / name
        with self.writing():
            private_folder(target.parent, self.root)
            _flush(path)
            path.replace(target)

    def names(self, folder: str) -> list[str]:
        """List every name below a folder."""
        return sorted(self._below(folder))

    def read_below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Read every name below a folder."""
        root = str(self.root)
        for name in self.names(folder):
            with open(f"{root}/{name}", "rb") as file:  # noqa: PTH123 - thousands of names: a Path each would double the time
                yield name, file.read()

    def size(self, name: str) -> int:
        """Return how many bytes the file has, divided among its links: removing one of two frees nothing yet."""
        found = (self.root / name).stat()
        return found.st_size // found.st_nlink

    def remove(self, name: str) -> None:
        """Remove the file; its folder stays."""
        with self.writing():
            (self.root / name).unlink(missing_ok=True)

    def sweep(self, older_than: timedelta) -> int:
        """Remove temporary files older than the given age."""
        limit = time.time() - older_than.total_seconds()
        stale = [path for path in self.root.rglob(f"{_TEMPORARY}*") if path.stat().st_mtime < limit]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _below(self, folder: str) -> Iterator[str]:
        path = f"{self.root}/{folder}"
        if not os.path.isdir(path):  # noqa: PTH112 - as above
            return
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._below(f"{folder}/{entry.name}".removeprefix("/"))
                elif not entry.name.startswith("."):
                    yield f"{folder}/{entry.name}".removeprefix("/")

    @contextlib.contextmanager
    def _temporary(self, folder: Path) -> Iterator[Path]:
        with self.writing():
            private_folder(folder, self.root)
            handle, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
            os.close(handle)
        path = Path(name)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)


class ObjectStore:
    """An fsspec file system (S3, GCS, Azure, memory): each name is one put, which becomes visible whole."""

    def __init__(self, root: UPath, place: tuple[str, str] = LAKE) -> None:
        self.fs = root.fs
        self.base = root.path.rstrip("/")
        self._place = place

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise `StorageUnavailable` for what fails to be written to the workspace, which is on this machine."""
        return _written(tempfile.gettempdir(), TEMPORARY)

    def exists(self, name: str) -> bool:
        """Return whether the name is there."""
        self.fs.invalidate_cache()
        return bool(self.fs.isfile(self._path(name)))

    def read(self, name: str) -> bytes:
        """Return the bytes of the name."""
        return cast("bytes", self.fs.cat_file(self._path(name)))

    def open(self, name: str) -> BinaryIO:
        """Open the name for reading."""
        return cast("BinaryIO", self.fs.open(self._path(name), "rb"))

    def write(self, name: str, data: bytes) -> None:
        """Put the bytes in one request."""
        self._put(name, lambda target: self.fs.pipe_file(target, data))

    def link(self, name: str, other: str) -> None:
        """Copy the object, in the store itself."""
        self._put(other, lambda target: self.fs.cp_file(self._path(name), target))

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """Return a file in this machine's temporary folder."""
        with self.writing():
            temporary = tempfile.TemporaryDirectory(prefix="funnel-landing-")
        with temporary as folder:
            path = Path(folder) / "incoming"
            path.touch()
            yield path

    def adopt(self, path: Path, name: str) -> None:
        """Upload the file, also over the same bytes, which fixes a damaged copy."""
        self._put(name, lambda target: self.fs.put_file(str(path), target))

    def names(self, folder: str) -> list[str]:
        """List every name below a folder."""
        self.fs.invalidate_cache()
        # File systems differ in whether their names begin with "/".
        base = self.base.strip("/") + "/"
        return sorted(str(path).strip("/").removeprefix(base) for path in self.fs.find(self._path(folder)))

    def read_below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Read every name below a folder, many requests at a time where the file system can."""
        names = self.names(folder)
        if names:
            found = {str(path).strip("/"): data for path, data in self.fs.cat([self._path(n) for n in names]).items()}
            yield from ((name, found[self._path(name).strip("/")]) for name in names)

    def size(self, name: str) -> int:
        """Return how many bytes the object has."""
        return int(self.fs.size(self._path(name)))

    def remove(self, name: str) -> None:
        """Remove the object."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))

    def sweep(self, older_than: timedelta) -> int:  # noqa: ARG002 - the protocol's signature
        """Do nothing: a put that did not end is not visible."""
        return 0

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}"

    def _put(self, name: str, put: Callable[[str], object]) -> None:
        """Put, making the folder only if it is missed: buckets have none, and may forbid to make any."""
        target = self._path(name)
        with _written(self.base, self._place):
            try:
                put(target)
            except FileNotFoundError:
                self.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
                put(target)


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
