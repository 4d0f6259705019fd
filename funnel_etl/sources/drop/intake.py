"""Taking files out of the drop folder: each landed, judged by its reader, and moved out of the way.

One bad file never stops the others. What a file means is the reader's; which files are ready is `ready`'s.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from funnel_etl import locks
from funnel_etl.core.errors import FunnelError, SourceRejected, StorageUnavailable
from funnel_etl.core.reading.person_matcher import FollowsLabel, Redacted, no_label
from funnel_etl.core.values.numbers import grouped
from funnel_etl.files import open_in_state, write_whole
from funnel_etl.sources.archive.arrivals import Arrival, first_came
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now
from funnel_etl.sources.drop.disposal import PROCESSED, REJECTED, advice, move_away, plain_name
from funnel_etl.sources.drop.ready import FileStat, StillWritten, is_changed, read_whole, settled

log = logging.getLogger("funnel_etl.progress")
MEGABYTE = 1_000_000
ONE_WEBINAR = "export the report of one webinar alone"


@dataclass
class IntakeResult:
    """What one look at the drop folder did; files are named as they may be shown.

    `arrivals`: taken now; `rejected`: name → why; `waiting`: name → why not yet; `left`: name → why it stays there;
    `rest`: how many were ready, but the time did not suffice; `is_busy`: another process is taking files.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    rest: int = 0
    is_busy: bool = False

    def said(self) -> list[str]:
        """Return in one line each what a person may wonder about."""
        lines = [f"{name} was rejected: {why}" for name, why in self.rejected.items()]
        lines += [f"{name} stays where it is: {why}" for name, why in self.left.items()]
        return lines + [f"{name} waits: {why}" for name, why in self.waiting.items()]


@dataclass
class _Stuck:
    """A file that was dealt with but could not be moved: where it belongs, and what its person is to be told."""

    mark: str
    place: str
    advice: str


@dataclass
class DropFolder:
    """One drop folder: `read(data, file_id, came)` judges a file by raising FunnelError; `state`: where memory is kept.

    `follows_label`: which lines of a file of this kind are no rows of persons; `refuses`: why these bytes (a file_id),
    however well they read, are not taken; `smaller`: how a person makes smaller files of one that is too large.
    """

    source: str
    folder: Path
    landing: Landing
    read: Callable[[bytes, str, datetime], object]
    state: Path
    settle_seconds: float
    max_mb: int
    follows_label: FollowsLabel = no_label
    refuses: Callable[[str], FunnelError | None] = lambda _file_id: None
    smaller: str = ONE_WEBINAR

    def take(self, *, seconds: float | None = None, wait: bool = True) -> IntakeResult:
        """Take every file that is ready, for at most `seconds`; if another process is at it, wait or give way."""
        taken = IntakeResult()
        with self._alone(wait=wait) as is_alone:
            if not is_alone:
                taken.is_busy = True
                return taken
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                taken.left[self.folder.name] = (
                    f"the drop folder is not there and cannot be made ({error.strerror}): see FUNNEL_DROP_DIR"
                )
                log.info("drop folder: %s", taken.left[self.folder.name])
                return taken
            self._take_settled(taken, seconds)
        return taken

    def _take_settled(self, taken: IntakeResult, seconds: float | None) -> None:
        decision = settled(self.folder, self.settle_seconds)
        taken.waiting |= {self.shown(path): why for path, why in decision.wait.items()}
        taken.left |= {self.shown(path): why for path, why in decision.ignore.items()}
        seen_files = _SeenFiles(self.state / f"drop_{self.source}.json")
        work = _Work(self, taken, seen_files)
        deadline = time.monotonic() + seconds if seconds is not None else float("inf")
        for number, entry in enumerate(decision.take):
            if time.monotonic() > deadline:
                taken.rest = len(decision.take) - number
                work.keep_in_mind(decision.take[number:])
                break
            work.take(entry)
        seen_files.settle(taken.left)

    def shown(self, path: Path) -> str:
        """Name a file of the folder as it may be shown."""
        return "/".join(plain_name(part) for part in path.relative_to(self.folder).parts) or path.name

    @contextmanager
    def _alone(self, *, wait: bool) -> Iterator[bool]:
        """Hold the lock on the folder: a night and the sensor would otherwise take the same file twice."""
        with open_in_state(self.state, f"drop_{self.source}.lock") as file:
            if wait:
                locks.lock(file)
            yield wait or locks.try_lock(file)


class _Work:
    """The files of one look, one by one."""

    def __init__(self, drop: DropFolder, taken: IntakeResult, seen_files: "_SeenFiles") -> None:
        self.drop = drop
        self.taken = taken
        self.seen_files = seen_files
        self._came: dict[str, datetime] = {}
        self._known: dict[tuple[str, str | None, str], str] | None = None
        self._kept: bytes | None = None
        """What is kept of the file that is taken, where that is not all of it."""

    @property
    def known(self) -> dict[tuple[str, str | None, str], str]:
        """The status of each name, sub-folder and content that came; read when a first file is taken."""
        if self._known is None:
            arrivals = sorted(self.drop.landing.arrivals(self.drop.source), key=lambda a: a.status == "accepted")
            self._known = {(a.name, a.folder, a.file_id): a.status for a in arrivals}
            self._came = first_came(arrivals)
        return self._known

    def take(self, entry: FileStat) -> None:
        """Land a file, judge it, move it aside; whatever goes wrong is said of this file only."""
        shown = self.drop.shown(entry.path)
        try:
            stuck = self.seen_files.stuck(shown, entry.mark)
            self._kept = None
            place, told = self._known_stuck(entry, stuck) if stuck else self._land(entry, shown)
            self._dispose(entry, shown, place, told)
        except StillWritten:
            self.taken.waiting[shown] = "it is just being written"
        except FunnelError as error:
            self.taken.left[shown] = str(error)
            log.info("drop folder: %s stays where it is: %s", shown, error)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.taken.left[shown] = f"it cannot be read ({reason}): let the user of funnel-etl read it"

    def _known_stuck(self, entry: FileStat, stuck: _Stuck) -> tuple[str, str]:
        """Return where a file belongs that was landed before; somebody in it may have been erased since."""
        if self.drop.landing.erasures.matcher() is not None and entry.size <= self.drop.max_mb * MEGABYTE:
            withheld = self.drop.landing.redact_lines(read_whole(entry), self.drop.follows_label)
            self._kept = withheld.data if withheld.is_changed else None
        return stuck.place, stuck.advice

    def keep_in_mind(self, entries: list[FileStat]) -> None:
        """Do not forget which of the files that are not looked at now are stuck."""
        for entry in entries:
            self.seen_files.stuck(self.drop.shown(entry.path), entry.mark)

    def _land(self, entry: FileStat, shown: str) -> tuple[str, str]:
        """Record a file; returns where it belongs and what to tell."""
        folder, masked = self.drop.folder, self.drop.landing.masked
        name = masked(plain_name(entry.path.name))
        sub_folder = masked(plain_name(entry.path.parent.name)) if entry.path.parent != folder else None
        if entry.size > self.drop.max_mb * MEGABYTE:
            refusal: FunnelError | None = self._reject(entry, name, sub_folder)
        else:
            withheld = self.drop.landing.redact_lines(read_whole(entry), self.drop.follows_label)
            data, file_id = withheld.data, self.drop.landing.file_id_of(withheld.data)
            self._kept = data if withheld.is_changed else None
            key = (name, sub_folder, file_id)
            refusal = self.drop.refuses(file_id)
            if refusal is None and self.known.get(key) == "accepted":
                log.info("drop folder: %s was taken before: the same bytes under the same name", shown)
                return PROCESSED, ""
            now = utc_now()
            refusal = refusal or self._judged(data, file_id, self._came.setdefault(file_id, now))
            if refusal is None or key not in self.known:
                self._put(name, withheld, sub_folder, refusal, now)
            self.known[key] = "accepted" if refusal is None else "rejected"
        if refusal is None:
            return PROCESSED, ""
        self.taken.rejected[shown] = str(refusal)
        log.info("drop folder: %s rejected: %s", shown, refusal)
        return REJECTED, advice(name, refusal.what, refusal.fix)

    def _put(
        self, name: str, withheld: Redacted, sub_folder: str | None, refusal: FunnelError | None, now: datetime
    ) -> None:
        def check(_landed: Path) -> None:
            if refusal is not None:
                raise refusal

        drop = self.drop
        try:
            about: dict[str, Any] = {"received_at": now, "folder": sub_folder, "check": check, "withheld": withheld}
            arrival = drop.landing.put(drop.source, "file", name, withheld.data, **about)
            self.taken.arrivals.append(arrival)
        except FunnelError as error:
            if error is not refusal:
                raise

    def _reject(self, entry: FileStat, name: str, sub_folder: str | None) -> FunnelError:
        drop = self.drop
        refusal = too_large(entry.size, drop.max_mb, drop.smaller)
        drop.landing.record_rejected(
            drop.source, name, size=entry.size, received_at=utc_now(), reason=refusal, folder=sub_folder
        )
        return refusal

    def _judged(self, data: bytes, file_id: str, came: datetime) -> FunnelError | None:
        """Let the reader judge. Raises OSError, what may pass, and a defect of the reader (the file stays)."""
        try:
            self.drop.read(data, file_id, came)
        except FunnelError as error:
            if error.transient or isinstance(error, StorageUnavailable):
                raise
            return error
        except OSError:
            raise
        except Exception as error:
            raise reader_defect(error) from error
        return None

    def _dispose(self, entry: FileStat, shown: str, place: str, told: str) -> None:
        """Move a file that is landed; one that cannot be moved stays, is known by its mark, and that is said once."""
        if is_changed(entry):
            self.taken.waiting[shown] = "it changed while it was taken: what it holds now is taken next"
            return
        try:
            named = self.drop.landing.masked(entry.path.name)
            move_away(entry.path, self.drop.folder, place, told, named=named, kept=self._kept)
            self.seen_files.moved(shown)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.taken.left[shown] = f"it was dealt with, but cannot be moved to {place}/ ({reason}): move it yourself"
            self.seen_files.stay(shown, _Stuck(entry.mark, place, told))


class _SeenFiles:
    """What was said of files that stay, and which are stuck: a small file. Lost, it costs reading them once more."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._before: dict[str, dict[str, str]] = {}
        self._said: dict[str, str] = {}
        self._now: dict[str, dict[str, str]] = {}
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            self._said, self._before = dict(kept["said"]), dict(kept["stuck"])

    def stuck(self, shown: str, mark: str) -> _Stuck | None:
        """Return what is known of a file that could not be moved, if it is still the same file."""
        kept = self._before.get(shown)
        if kept is None or kept.get("mark") != mark:
            return None
        self._now[shown] = kept
        return _Stuck(kept["mark"], kept["place"], kept["advice"])

    def stay(self, shown: str, stuck: _Stuck) -> None:
        """Remember a file that could not be moved."""
        self._now[shown] = vars(stuck)

    def moved(self, shown: str) -> None:
        """Forget a file that is out of the way."""
        self._now.pop(shown, None)

    def settle(self, left: dict[str, str]) -> None:
        """Report what is new of the files that stay, and write down what was reported."""
        for shown, why in left.items():
            if self._said.get(shown) != why:
                log.info("drop folder: %s stays where it is: %s", shown, why)
        if (left, self._now) != (self._said, self._before):
            with suppress(OSError):
                text = json.dumps({"said": left, "stuck": self._now}, ensure_ascii=False)
                write_whole(self.path, text.encode(), private=True)


def too_large(size: int, max_mb: int, smaller: str = ONE_WEBINAR) -> FunnelError:
    """Return the refusal of a file over the limit of FUNNEL_ZOOM_MAX_MB."""
    return SourceRejected(
        f"it is too large ({grouped(round(size / MEGABYTE))} MB; the limit is {max_mb} MB), and was not read",
        fix=f"{smaller}; the engineer can raise FUNNEL_ZOOM_MAX_MB",
    )


def reader_defect(error: Exception) -> FunnelError:
    """Return the refusal of a file on which the reader itself failed; its own words may hold cells."""
    return SourceRejected(
        f"the reader failed on it ({type(error).__name__}), which is a defect of funnel_etl",
        fix="give this file to the engineer",
    )
