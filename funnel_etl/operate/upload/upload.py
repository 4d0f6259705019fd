"""One Zoom file that a person gives through the page: checked in memory, or laid whole into the drop folder.

What a file is, is decided where `funnel-etl zoom check` has it decided; what becomes of one that lies in the drop
folder is in `states`.
"""

import contextlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from funnel_etl.core.errors import FunnelError, SourceRejected
from funnel_etl.files import storage_error
from funnel_etl.parts.marketing.zoom.files.check import check_bytes, config_of
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile
from funnel_etl.parts.marketing.zoom.files.diagnose import Diagnosis
from funnel_etl.parts.marketing.zoom.intake import SOURCE
from funnel_etl.parts.marketing.zoom.withdrawals import archive, refusal, withdrawn
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.drop.disposal import names_for, plain_name
from funnel_etl.sources.drop.intake import MEGABYTE
from funnel_etl.sources.drop.ready import SET_ASIDE, TEMPORARY_PREFIXES, TEMPORARY_SUFFIXES

_NO_FOLDER = (*SET_ASIDE, "")


@dataclass(frozen=True)
class Profile:
    """A kind of event a person may choose: its name is that of the sub-folder which forces it."""

    name: str
    product: str
    use_case: str
    type: str


@dataclass(frozen=True)
class Checked:
    """A file as it would be read. `files`: its clean files, of these bytes alone; `before`: when they came."""

    name: str
    file_id: str
    size: int
    diagnosis: Diagnosis
    files: list[CleanFile] = field(repr=False, default_factory=list)
    before: Arrival | None = None

    @property
    def webinar_id(self) -> str | None:
        """The webinar it is of, where the file says so."""
        return self.diagnosis.event.get("webinar_id")


def profiles(settings: Settings) -> list[Profile]:
    """Return the profiles of `zoom_profiles.csv` as it is now, in its order."""
    rows = config_of(settings.config_folder)[0].table("zoom_profiles")
    columns = (rows[name] for name in ("name", "product", "use_case", "type"))
    return [Profile(*map(str, cells)) for cells in zip(*columns, strict=True)]


def check(settings: Settings, name: str, data: bytes, profile: str | None = None) -> Checked:
    """Check a file as if it lay in the sub-folder of a profile; stores nothing.

    Raises `SourceRejected` for one that is larger than the page takes.
    """
    refuse_large(settings, name, data)
    found, files = check_bytes(data, settings, name=name_in_folder(name), folder=profile)
    came = [one for one in archive(settings).arrivals(SOURCE) if one.file_id == found.file_id]
    came = [one for one in came if one.status == "accepted"]
    return Checked(plain_name(name), found.file_id, len(data), found, files, came[-1] if came else None)


def refuse_large(settings: Settings, name: str, data: bytes) -> None:
    """Raise `SourceRejected` for a file that is larger than the page takes."""
    if len(data) > settings.app_upload_mb * MEGABYTE:
        raise SourceRejected(
            f"it is larger than {settings.app_upload_mb} MB, so the page does not take it",
            where=plain_name(name),
            fix="give it in smaller files, or lay it into the drop folder itself",
        )


def accept(settings: Settings, checked: Checked, data: bytes, profile: str | None = None) -> str:
    """Lay a checked file whole into the drop folder, and return its name there: that of nobody else's file.

    Raises `SourceRejected` for one that would be rejected or was withdrawn, `StorageUnavailable`.
    """
    if checked.diagnosis.refusal is not None:
        raise SourceRejected(
            checked.diagnosis.refusal.partition(". Fix: ")[0], where=checked.name, fix="export it again"
        )
    gone = withdrawn(archive(settings))
    if checked.file_id in gone:
        raise refusal(checked.file_id, gone[checked.file_id])
    return laid(settings.drop_folder / "zoom" / _sub_folder(profile), checked.name, data)


def laid(folder: Path, name: str, data: bytes) -> str:
    """Lay a file whole into a folder of the drop folder, and return its name there. Raises `StorageUnavailable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _lay(folder, name_in_folder(name), data)
    except OSError as error:
        raise storage_error(error, "the drop folder", str(folder), "tell the engineer") from error


def name_in_folder(name: str) -> str:
    """Return a name under which the drop folder takes a file: not one of a file that is still being written."""
    bare = plain_name(name)
    while bare.lower().startswith(TEMPORARY_PREFIXES):
        bare = bare[1:]
    return f"{bare or 'unnamed'}.csv" if not bare or bare.lower().endswith(TEMPORARY_SUFFIXES) else bare


def _sub_folder(profile: str | None) -> str:
    if profile is None:
        return ""
    if profile.lower() in _NO_FOLDER or profile.startswith(".") or set(profile) & set("/\\\0"):
        raise FunnelError(
            f"the profile {profile!r} cannot be the name of a folder, so it cannot be forced",
            where="zoom_profiles.csv",
            fix="let the file say what it is, or give the profile another name",
        )
    return profile


def _lay(folder: Path, name: str, data: bytes) -> str:
    """Write a file under the first name that is free; nobody sees half of it, and nobody's file is replaced."""
    handle, beside = tempfile.mkstemp(prefix=".incoming-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        for free in names_for(name):
            with contextlib.suppress(FileExistsError):
                _name(Path(beside), folder / free)
                return free
    finally:
        Path(beside).unlink(missing_ok=True)
    raise AssertionError("there is always another name")


def _name(beside: Path, goal: Path) -> None:
    """Bring a whole file under a name that nobody has. Raises `FileExistsError`."""
    try:
        os.link(beside, goal)
    except FileExistsError:
        raise
    except OSError:  # a share without links: the name is had first, and is empty for a moment
        goal.open("xb").close()
        beside.replace(goal)
