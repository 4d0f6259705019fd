"""The landing archive: every pull and file as it came, under its hash, and a manifest of each arrival.

    objects/<first two>/<sha256>                     the bytes
    manifests/<source>/<year>/<arrival_id>.json      one for each arrival, never changed
    nights/<as_of>/<source>.json                     the files a night used
    removed/<first two>/<sha256>.json                why bytes are not there any more
    first_lines/<source>/<as_of>.parquet             the rows that came new with a night: `first_lines`
    erasures/                                        persons who are not kept, and files without their lines
    archive.json, publications/                      which archive this is, and which runs published: `identity`

Reading what is inside the bytes does not belong here.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Required, TypedDict, TypeVar, Unpack

from upath import UPath

from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable, StorageUnavailable
from funnel_etl.core.reading.person_matcher import FollowsLabel, Redacted, no_label
from funnel_etl.sources.archive.arrivals import (
    FILE_ID,
    Arrival,
    Kind,
    arrival_of,
    damaged,
    identified,
    kept_headers,
    known_name,
    manifest_name,
    night_name,
    object_name,
    record_of,
    removed_name,
    utc,
)
from funnel_etl.sources.archive.erasure_registry import Erasures, redacted_from
from funnel_etl.sources.archive.first_lines import FirstLines
from funnel_etl.sources.archive.identity import ArchiveIdentity
from funnel_etl.sources.archive.store import LANDING, Store, open_store
from funnel_etl.sources.connect.addresses import arrival_name

_CHUNK = 1 << 20
T = TypeVar("T")


class About(TypedDict, total=False):
    """What else is known of bytes that arrive. `withheld`: what is left without erased persons, if that is done."""

    received_at: Required[datetime]
    http_status: int | None
    headers: Mapping[str, str] | None
    folder: str | None
    withheld: Redacted | None
    page: int | None


class Landing:
    """The archive below one root: a folder or any `universal-pathlib` URL. Safe for many writers at once."""

    def __init__(self, root: UPath | Path | str) -> None:
        self.root = UPath(root)
        self._store = open_store(self.root, LANDING)

    def put(
        self,
        source: str,
        kind: Kind,
        name: str,
        chunks: Iterable[bytes] | bytes,
        *,
        check: Callable[[Path], None] | None = None,
        **about: Unpack[About],
    ) -> Arrival:
        """Keep the bytes and write the manifest of this arrival; `check` as the reader of `put_read`."""
        arrival, _ = self.put_read(source, kind, name, chunks, check or _unread, **about)
        return arrival

    def put_read(
        self,
        source: str,
        kind: Kind,
        name: str,
        chunks: Iterable[bytes] | bytes,
        read: Callable[[Path], T],
        **about: Unpack[About],
    ) -> tuple[Arrival, T]:
        """Keep the bytes, write the manifest of this arrival, and return it with what `read` made of the file.

        Lines of persons who were erased are emptied first, unless `withheld` says that they are. `read` sees the
        whole file before it counts: if it raises a FunnelError, the bytes are kept, the manifest says rejected and
        why, and the error is raised again. If the chunks fail, nothing is left; memory stays bounded whatever the size.
        """
        known_name(source)
        instant, folder, withheld = utc(about["received_at"]), about.get("folder"), about.get("withheld")
        with ExitStack() as stack:
            path = stack.enter_context(self._store.workspace())
            file_id, size = _fill(self._store, path, [chunks] if isinstance(chunks, bytes) else chunks)
            if withheld is None and self.erasures.matcher() is not None:
                withheld = self.redact_lines(path.read_bytes(), may_be_json=kind == "pull")
                if withheld.is_changed:
                    file_id, size = _fill(self._store, path, [withheld.data])
            if withheld is not None:
                file_id = self.erasures.file_id_of(file_id)
                if withheld.is_changed:
                    self.erasures.keep(file_id, withheld)
            made, refusal = _read(path, read)
            arrival = identified(
                {
                    "source": source,
                    "kind": kind,
                    "name": self.masked(arrival_name(name)),
                    "received_at": instant.isoformat(),
                    "bytes": size,
                    "file_id": file_id,
                    "http_status": about.get("http_status"),
                    "headers": kept_headers(about.get("headers") or {}),
                    "status": "accepted" if refusal is None else "rejected",
                    "reason": None if refusal is None else str(refusal),
                    "folder": self.masked(folder) if folder else folder,
                    "page": about.get("page"),
                    "withheld": len(withheld.lines) if withheld is not None and withheld.is_changed else None,
                    "landing_path": object_name(file_id),
                }
            )
            self._keep(path, arrival)
        if refusal is not None:
            raise refusal
        return arrival, made[0]

    def record_rejected(
        self,
        source: str,
        name: str,
        *,
        size: int,
        received_at: datetime,
        reason: FunnelError,
        folder: str | None = None,
    ) -> Arrival:
        """Record a rejected file without keeping or reading its bytes; a line that says so stands in for them."""
        shown = self.masked(arrival_name(name))
        stand_in = f"{shown}: {size} bytes that were not kept. {reason}\n".encode()
        content: dict[str, Any] = {
            "source": known_name(source),
            "kind": "file",
            "name": shown,
            "received_at": utc(received_at).isoformat(),
            "bytes": size,
            "file_id": hashlib.sha256(stand_in).hexdigest(),
            "status": "rejected",
            "reason": str(reason),
            "folder": self.masked(folder) if folder else folder,
        }
        arrival = identified(content | {"landing_path": object_name(content["file_id"])})
        with ExitStack() as stack:
            path = stack.enter_context(self._store.workspace())
            _fill(self._store, path, [stand_in])
            self._keep(path, arrival)
        return arrival

    def arrivals(self, source: str | None = None, *, after: str = "") -> list[Arrival]:
        """Return the arrivals, of one source or all, by when they were received; only those later than `after`, an id.

        Raises FunnelError for a damaged manifest.
        """
        folder = "manifests" if source is None else f"manifests/{known_name(source)}"
        if after:
            names = [name for name in self._store.names(folder) if name.rpartition("/")[2] > f"{after}.json"]
            found = [arrival_of(name, self._store.read(name)) for name in names]
        else:
            found = [arrival_of(name, data) for name, data in self._store.read_below(folder)]
        return sorted(found, key=lambda arrival: (arrival.received_at, arrival.arrival_id))

    def has(self, file_id: str) -> bool:
        """Return whether the bytes are in the archive (not whether they are still whole: reading them tells)."""
        return self._store.exists(object_name(file_id))

    def read(self, file_id: str) -> bytes:
        """Return the bytes, proved by their hash. Raises FunnelError if they are gone or not the same.

        Of a file that lost lines of persons, what is left.
        """
        with self.open(file_id) as file:
            return file.read()

    def open(self, file_id: str) -> BinaryIO:
        """Open the bytes for reading, after one pass has proved their hash; the caller closes it."""
        name = object_name(file_id)
        try:
            file = self._store.open(name)
        except FileNotFoundError as error:
            raise FunnelError(
                self.removed(file_id) or "this file is not in the landing archive",
                where=name,
                fix="restore it from a backup of the archive, or pull its source again",
            ) from error
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        if digest.hexdigest() != file_id and not self._is_left_of(file_id, digest.hexdigest()):
            file.close()
            raise FunnelError(
                "the archived bytes are no longer the ones that arrived (their sha256 differs)",
                where=name,
                fix="restore this file from a backup of the archive, or land the same file again",
            )
        file.seek(0)
        return file

    def remove(self, file_id: str, why: str) -> None:
        """Remove the bytes of a file for good, and write down why; its arrivals and what nights used it stay told."""
        self._write(removed_name(file_id), {"file_id": file_id, "why": why})
        self._store.remove(object_name(file_id))

    def removed(self, file_id: str) -> str | None:
        """Return why the bytes of a file were removed; None: they never were."""
        name = removed_name(file_id)
        return str(record_of(name, self._store.read(name)).get("why")) if self._store.exists(name) else None

    @cached_property
    def erasures(self) -> Erasures:
        """The persons who were erased, and what was recorded of it."""
        return Erasures(self._store)

    @cached_property
    def first_lines(self) -> FirstLines:
        """The rows that came new with each night, and where they stood."""
        return FirstLines(self._store)

    @cached_property
    def identity(self) -> ArchiveIdentity:
        """Which archive this is."""
        return ArchiveIdentity(self._store)

    def redact_lines(
        self, data: bytes, follows_label: FollowsLabel = no_label, *, may_be_json: bool = False
    ) -> Redacted:
        """Take the lines of erased persons out of bytes that came, before anything of them is kept."""
        matcher = self.erasures.matcher()
        if matcher is None:
            return Redacted(data)
        return redacted_from(data, matcher, follows_label, may_be_json=may_be_json)

    def masked(self, text: str) -> str:
        """Return a name that came with a file, without what in it names erased persons."""
        matcher = self.erasures.matcher()
        return text if matcher is None else matcher.masked(text)

    def file_id_of(self, data: bytes) -> str:
        """Return the file_id that bytes have, or would have, in the archive."""
        return self.erasures.file_id_of(hashlib.sha256(data).hexdigest())

    def erased_lines(self, file_id: str) -> tuple[int, ...]:
        """Return the lines (from 1) of a file that are empty because they named erased persons."""
        tombstone = self.erasures.tombstone(file_id)
        return tombstone.lines if tombstone else ()

    def replace(self, file_id: str, withheld: Redacted, by: Iterable[str]) -> None:
        """Put in place of a file what is left of it, under its file_id; `by`: hashes of the persons erased."""
        self.erasures.keep(file_id, withheld, by)
        self._store.write(object_name(file_id), withheld.data)

    def rename(self, arrival: Arrival, name: str, folder: str | None) -> Arrival:
        """Write the manifest of an arrival anew under another name; the first one goes, also where a night names it."""
        content = arrival.model_dump(mode="json", exclude={"arrival_id"}) | {"name": name, "folder": folder}
        renamed = identified(content)
        self._write(manifest_name(renamed), renamed.model_dump(mode="json"))
        for night in self.nights(arrival.source):
            counted = self.night_arrivals(night, arrival.source)
            if arrival.arrival_id in counted:
                ids = [renamed.arrival_id if one == arrival.arrival_id else one for one in counted]
                self.record_night(night, arrival.source, self.night(night, arrival.source) or [], ids)
        self._store.remove(manifest_name(arrival))
        return renamed

    def file_ids(self) -> list[str]:
        """Return the file_id of every object of the archive, sorted."""
        names = (name.rpartition("/")[2] for name in self._store.names("objects"))
        return sorted(name for name in names if FILE_ID.fullmatch(name))

    def _is_left_of(self, file_id: str, sha256: str) -> bool:
        tombstone = self.erasures.tombstone(file_id)
        return tombstone is not None and sha256 in tombstone.sha256

    def record_night(self, as_of: date, source: str, file_ids: list[str], arrival_ids: list[str] | None = None) -> None:
        """Write down which files a night used, in this order; written again it replaces itself.

        `arrival_ids`: which arrival of each file counted, where the same bytes may have come in several places.
        """
        for file_id in file_ids:
            object_name(file_id)
        record: dict[str, Any] = {"as_of": as_of.isoformat(), "source": known_name(source), "file_ids": file_ids}
        self._write(night_name(as_of, source), record | ({"arrival_ids": arrival_ids} if arrival_ids else {}))

    def night_arrivals(self, as_of: date, source: str) -> list[str]:
        """Return the arrivals that counted for a night; none where it was not written down."""
        name = night_name(as_of, source)
        record = record_of(name, self._store.read(name)) if self._store.exists(name) else {}
        return [str(arrival_id) for arrival_id in record.get("arrival_ids", [])]

    def night(self, as_of: date, source: str) -> list[str] | None:
        """Return the files a night used, or None if that night was never recorded for the source."""
        name = night_name(as_of, source)
        try:
            record = record_of(name, self._store.read(name))
        except FileNotFoundError:
            return None
        file_ids = record.get("file_ids")
        if not isinstance(file_ids, list) or not all(FILE_ID.fullmatch(str(item)) for item in file_ids):
            raise damaged(name)
        return file_ids

    def nights(self, source: str) -> list[date]:
        """Return the nights recorded for a source, sorted."""
        return self.recorded().get(source, [])

    def recorded(self) -> dict[str, list[date]]:
        """Return the nights recorded for each source, sorted: one look through the archive for all of them."""
        found: dict[str, list[date]] = {}
        for name in self._store.names("nights"):
            parts = name.split("/")
            if len(parts) == 3 and parts[2].endswith(".json"):
                found.setdefault(parts[2].removesuffix(".json"), []).append(date.fromisoformat(parts[1]))
        return {source: sorted(nights) for source, nights in found.items()}

    def sweep(self, older_than: timedelta = timedelta(days=1)) -> int:
        """Remove what a killed process left half-written, and return how many; whole files stay."""
        return self._store.sweep(older_than)

    def _keep(self, path: Path, arrival: Arrival) -> None:
        """Bytes first: a manifest is never without its file, and bytes without a manifest harm nobody."""
        self._store.adopt(path, arrival.landing_path)
        self._write(manifest_name(arrival), arrival.model_dump(mode="json"))

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1)
        self._store.write(name, text.encode())


def _fill(store: Store, path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write the chunks to the file; only the writing is the archive's fault, not what the chunks raise."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb", buffering=0) as file:  # a buffer would be written when it is closed, and fail there again
        for chunk in chunks:
            with store.writing():
                left = memoryview(chunk)
                while left:
                    left = left[file.write(left) :]
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _unread(_path: Path) -> None:
    """Take any file."""


def _read(path: Path, read: Callable[[Path], T]) -> tuple[list[T], FunnelError | None]:
    """Return what was made of a file, or the refusal."""
    try:
        return [read(path)], None
    except StorageUnavailable:
        raise  # no fault of the file
    except FunnelError as error:
        return [], error


def settled_chunks(source: str, path: Path) -> Iterator[bytes]:
    """Yield a file in pieces, to be kept by `put`; the file stays where it is.

    Raises SourceUnavailable if it is gone or somebody writes it meanwhile (half a file is no file), SourceRejected if
    it may not be read.
    """
    where = f"{source} at {path.name}"
    try:
        with path.open("rb") as file:
            before = path.stat()
            while chunk := file.read(_CHUNK):
                yield chunk
            after = path.stat()
    except OSError as error:
        raise _unreadable(where, error) from error
    if (before.st_size, before.st_mtime_ns, before.st_ino) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ino,
    ):
        raise SourceUnavailable(
            "the file changed while it was read",
            where=where,
            fix="nothing if it is still being copied: the next run takes it; else copy it again",
        )


def _unreadable(where: str, error: OSError) -> FunnelError:
    if isinstance(error, FileNotFoundError):
        return SourceUnavailable("the file is not there", where=where, fix="put the file there again")
    reason = error.strerror or type(error).__name__
    return SourceRejected(f"cannot be read ({reason})", where=where, fix="let the user of funnel-etl read this file")
