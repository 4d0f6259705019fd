"""What lies in the folder of the config tables and is none of them: a wrong name is an edit that nobody reads."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from funnel_etl.core.config_engagement import FOLLOWUPS
from funnel_etl.core.config_models import TABLES
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.nearest import nearest
from funnel_etl.core.values.text import decode
from funnel_etl.sources.drop.ready import TEMPORARY_PREFIXES, TEMPORARY_SUFFIXES

_OF_PROGRAMS = ("thumbs.db", "desktop.ini")
_ENDINGS = (".csv", ".xlsx", ".xlsm", ".xls", ".ods", ".numbers", ".tsv", ".txt", ".bak")


@dataclass(frozen=True)
class UnreadFile:
    """A file that nobody reads: its name without phones and e-mails, why, and when it was last written."""

    name: str
    why: str
    written_at: datetime


def table_file(folder: Path, name: str) -> Path:
    """Return the file or folder that a table is kept in."""
    return folder / FOLLOWUPS if name == FOLLOWUPS else folder / f"{name}.csv"


def table_bytes(folder: Path, name: str) -> bytes | None:
    """Return a table as it lies in the folder, as CSV; None: it is not there. A folder's files are its lines."""
    path = table_file(folder, name)
    if name != FOLLOWUPS:
        return path.read_bytes() if path.is_file() else None
    files = sorted(path.glob("*.txt")) if path.is_dir() else []
    return templates_csv({file.name: decode(file.read_bytes()).text for file in files}) if files else None


def templates_csv(texts: Mapping[str, str]) -> bytes:
    """Return the templates of follow-ups, by their files, as the CSV of their table."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "text"])
    writer.writerows([file, texts[file].replace("\r\n", "\n")] for file in sorted(texts))
    return text.getvalue().encode()


def folder_mark(folder: Path) -> str:
    """Return what is another one when a table of the folder is: names, sizes and times of its files."""
    found = ((path, path.stat()) for path in sorted(folder.glob("*.csv")))
    return "\n".join(f"{path.name}:{status.st_size}:{status.st_mtime_ns}" for path, status in found)


def unread_files(folder: Path) -> list[UnreadFile]:
    """Return the files of a folder that are no config table, by name; hidden, temporary and lock files are fine."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [_unread(path) for path in paths if path.is_file() and not _is_table(path) and not _is_fine(path.name)]


def _is_table(path: Path) -> bool:
    """Whether it is read; where case does not count on a disk, `Funnels.CSV` is."""
    plain = path.with_name(path.name.lower())
    is_known = plain.suffix == ".csv" and plain.stem in TABLES
    return is_known and (plain == path or (plain.exists() and plain.samefile(path)))


def _is_fine(name: str) -> bool:
    small = name.lower()
    is_temporary = small.startswith(TEMPORARY_PREFIXES) or small.endswith((*TEMPORARY_SUFFIXES, "~"))
    return is_temporary or small.startswith("readme") or small in _OF_PROGRAMS


def _unread(path: Path) -> UnreadFile:
    stem = path.name.lower()
    while ending := next((one for one in _ENDINGS if stem.endswith(one)), None):
        stem = stem.removesuffix(ending)
    meant = nearest(stem, TABLES)
    shown = without_contacts(path.name)
    if meant is None:
        asked, fix = "", "move it out of the folder; the tables are listed in its README.md"
    elif path.with_name(f"{meant}.csv").exists() and not path.with_name(f"{meant}.csv").samefile(path):
        asked = f" (did you mean '{meant}.csv', which is there too?)"
        fix = f"if it is the right one, save it as CSV in the place of {meant}.csv; else move it out of the folder"
    else:
        asked, fix = f" (did you mean '{meant}.csv'?)", f"save it as CSV under the name {meant}.csv"
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return UnreadFile(shown, f"config_csv/{shown}: nobody reads this file{asked}. Fix: {fix}", written)
