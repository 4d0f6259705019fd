"""Whole or not at all, for us alone, one line when a disk refuses: with real modes and a real limit of size."""

import errno
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from funnel_etl.core.errors import FunnelError, StorageUnavailable
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.files import close_folder, close_state, private_folder, storage_error, write_whole
from funnel_etl.operate.rerun.replay_files import write_folder
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile
from funnel_etl.parts.marketing.zoom.files.export import write_clean_files
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.run_lock import exclusive, run_marker
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.drop.disposal import PROCESSED, move_away
from funnel_etl.sources.drop.intake import DropFolder

NIGHT, NOON = date(2026, 11, 20), datetime(2026, 11, 20, 12, tzinfo=UTC)
TABLE = Table("mart", "numbers", "One row per number", ("n",), (Column("n", Kind.INTEGER, "It.", required=True),))

CLEAN = CleanFile(name="a.csv", occurrence_id="1", profile="p", folder="f", frame=pd.DataFrame({"a": ["x"]}))


def rows(count: int = 3) -> pd.DataFrame:
    return TABLE.conform(pd.DataFrame({"n": pd.Series(range(count), dtype="Int64")}))


def open_paths(folder: Path) -> list[str]:
    """What of a folder somebody else might read."""
    found = [path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077]
    return sorted(str(path.relative_to(folder)) for path in found)


@pytest.fixture
def umask() -> Iterator[None]:
    """The most open umask there is."""
    before = os.umask(0)
    yield
    os.umask(before)


@contextmanager
def file_size_at_most(size: int) -> Iterator[None]:
    """Let the system itself refuse to write larger files (EFBIG), as a quota or a full disk does in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# --- for us alone


@pytest.mark.usefixtures("umask")
def test_landing_lake_runs_and_exports_are_readable_by_nobody_else_whatever_the_umask(tmp_path: Path) -> None:
    """Everybody with a login on the machine could read the clean files and the archive."""
    state = tmp_path / "state"
    arrival = Landing(state / "landing").put("zoom", "file", "a.csv", b"x\n1\n", received_at=NOON)
    Landing(state / "landing").record_night(NIGHT, "zoom", [arrival.file_id])
    Lake(state / "lake").write(TABLE, NIGHT, rows())
    write_clean_files(state / "exports", lambda: [CLEAN], NIGHT)
    write_folder(state / "exports" / "replay" / "2026-11-20", [], {"as_of": "2026-11-20"})
    with exclusive(state, lambda: None), run_marker(state, "run"):
        assert open_paths(state) == ["."]
    assert stat.S_IMODE(state.stat().st_mode) == 0o711  # the server's OS user passes through it
    assert len(list(state.rglob("*"))) > 15


@pytest.mark.usefixtures("umask")
def test_a_file_that_was_taken_is_closed_and_the_drop_folder_stays_as_open_as_it_was(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    (drop / "webinar").mkdir(parents=True)
    dropped = drop / "webinar" / "a.csv"
    dropped.write_bytes(b"x")
    (drop / PROCESSED).mkdir()
    (drop / PROCESSED / "earlier.csv").write_bytes(b"x")
    where = move_away(dropped, drop, PROCESSED, "what became of it")
    assert open_paths(drop / PROCESSED) == []
    assert where.name == "a.csv"
    assert {path.name for path in (drop / PROCESSED).rglob("*.*")} == {"a.csv", "a.csv.txt", "earlier.csv"}
    assert stat.S_IMODE(drop.stat().st_mode) == stat.S_IMODE((drop / "webinar").stat().st_mode) == 0o777


@pytest.mark.usefixtures("umask")
def test_what_an_earlier_version_left_open_is_closed_but_the_server_the_demo_and_drops(tmp_path: Path) -> None:
    for name in ("landing/objects/ab", "dagster/storage", "exports/zoom", "postgres", "demo", "drop/zoom"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "file").write_bytes(b"x")
    (tmp_path / "drop_zoom.json").write_bytes(b"{}")
    (tmp_path / "elsewhere").symlink_to("/")
    close_state(tmp_path, tmp_path / "drop")
    assert {path.partition("/")[0] for path in open_paths(tmp_path)} == {"postgres", "demo", "drop", "elsewhere"}
    assert Path("/").stat().st_mode & 0o077
    close_state(tmp_path / "missing", tmp_path / "drop")


@pytest.mark.usefixtures("umask")
def test_an_export_to_a_folder_that_was_named_has_the_permissions_of_new_files(tmp_path: Path) -> None:
    write_clean_files(tmp_path, lambda: [CLEAN], NIGHT, private=False)
    assert stat.S_IMODE((tmp_path / "zoom" / "f" / "a.csv").stat().st_mode) == 0o666


@pytest.mark.usefixtures("umask")
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private_folder(tmp_path / "a" / "b")
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b")] == [0o711, 0o700]
    (tmp_path / "theirs").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    close_folder(tmp_path / "theirs")
    assert stat.S_IMODE((tmp_path / "theirs").stat().st_mode) == 0o777


def test_a_file_that_is_written_again_keeps_its_permissions_and_is_never_half_written(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"before")
    path.chmod(0o640)
    with file_size_at_most(1000), pytest.raises(OSError, match="File too large"):
        write_whole(path, bytes(5000))
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"before", [path])
    write_whole(path, b"after")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"after", 0o640)


# --- a disk that refuses


@pytest.mark.parametrize(
    ("number", "says", "fix"),
    [
        (
            errno.ENOSPC,
            "the lake cannot be written: its disk is full (No space left on device)",
            "make room (funnel-etl",
        ),
        (errno.EDQUOT, "the quota of this user is used up", "make room (funnel-etl purge, exports/replay/"),
        (errno.EFBIG, "this user may not write files of that size (ulimit -f)", "make room"),
        (errno.EROFS, "its disk is read-only (Read-only file system)", "let this user write there, or set X"),
        (errno.EACCES, "this user may not (Permission denied)", "let this user write there, or set X"),
        (errno.EIO, "the lake cannot be written (Input/output error)", "let this user write there, or set X"),
    ],
)
def test_why_a_folder_cannot_be_written_is_one_line(number: int, says: str, fix: str) -> None:
    error = storage_error(OSError(number, os.strerror(number)), "the lake", "/srv/lake", "set X")
    assert str(error).startswith("/srv/lake: ")
    assert says in str(error)
    assert fix in error.fix
    assert not error.transient


def test_a_full_disk_inside_the_lakes_io_manager_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """It was a traceback of 129 to 386 lines, in which the folder was not named."""
    lake = Lake(tmp_path / "lake")
    context = dg.build_output_context(
        asset_key=dg.AssetKey(TABLE.asset_key), partition_key=NIGHT.isoformat(), run_id="r"
    )
    manager = LakeIOManager(lake, [TABLE])
    with file_size_at_most(200), pytest.raises(dg.Failure) as caught:
        manager.handle_output(context, Outcome(rows(100_000)))
    assert str(caught.value.description).startswith(
        f"{tmp_path / 'lake'}: the lake cannot be written: this user may not"
    )
    assert caught.value.__cause__ is None
    assert not caught.value.allow_retries
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_in_the_landing_archive_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with file_size_at_most(100_000), pytest.raises(StorageUnavailable, match="the landing archive cannot be written"):
        Landing(tmp_path).put("a", "file", "a.csv", (bytes(7000) for _ in range(100)), received_at=NOON)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_while_a_pull_is_judged_is_no_fault_of_the_pull(tmp_path: Path) -> None:
    """It would have been recorded as a rejected dump."""

    def keeps_what_it_read(_path: Path) -> None:
        raise storage_error(OSError(errno.ENOSPC, "No space left on device"), "the lake", "/srv", "set X")

    landing = Landing(tmp_path)
    with pytest.raises(StorageUnavailable):
        landing.put("a", "pull", "a.csv", b"x", received_at=NOON, check=keeps_what_it_read)
    assert landing.arrivals() == []


def test_a_full_disk_while_a_dropped_file_is_read_leaves_it_where_it_is(tmp_path: Path) -> None:
    """It would have been moved to rejected/, or said to be unreadable."""

    def read(*_: object) -> None:
        raise storage_error(OSError(errno.ENOSPC, "No space left on device"), "the lake", "/srv", "set X")

    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_bytes(b"x")
    taken = DropFolder("zoom", drop, Landing(tmp_path / "landing"), read, tmp_path, 0, 200).take()
    assert taken.rejected == {}
    assert taken.left["a.csv"].startswith("/srv: the lake cannot be written: its disk is full")
    assert (drop / "a.csv").exists()


@pytest.mark.parametrize("name", ["exclusive", "run_marker"])
def test_a_state_folder_that_cannot_be_written_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    taken = exclusive(tmp_path / "file", lambda: None) if name == "exclusive" else run_marker(tmp_path / "file", "run")
    with pytest.raises(FunnelError, match=r"the state folder cannot be written \(.*set FUNNEL_HOME"), taken:
        pass
