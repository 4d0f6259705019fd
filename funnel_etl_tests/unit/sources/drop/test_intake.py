"""What becomes of dropped files: landed, judged, moved out of the way; what goes wrong stays with the one file."""

import fcntl
import logging
import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from funnel_etl.core.errors import FunnelError, NotAZoomReport
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.drop import disposal
from funnel_etl.sources.drop import intake as taking
from funnel_etl.sources.drop.intake import DropFolder, IntakeResult


def read_report(data: bytes, _file_id: str, _came: datetime) -> None:
    """Stand for the reader: good files begin with "report"."""
    if data.startswith(b"crash"):
        raise IndexError("98765 43210 is out of range")
    if data.startswith(b"wait"):
        raise FunnelError("the disk is full", fix="make room", transient=True)
    if not data.startswith(b"report"):
        raise NotAZoomReport("it looks like a PDF document, not CSV", fix="export it as CSV")


class Drop:
    """A drop folder and its archive."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "zoom"
        self.landing = Landing(home / "landing")
        self.drop = DropFolder("zoom", self.folder, self.landing, read_report, home / "state", 0, 1)
        self.folder.mkdir()

    def put(self, name: str, data: bytes = b"report") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def take(self, **how: object) -> IntakeResult:
        return self.drop.take(**how)  # type: ignore[arg-type]

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir())

    def arrivals(self) -> list[Arrival]:
        return self.landing.arrivals("zoom")


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(taking.log, "propagate", True)
    caplog.set_level(logging.INFO, logger=taking.log.name)
    return caplog


def test_a_good_file_is_landed_and_then_moved_to_processed_with_its_sub_folder(drop: Drop) -> None:
    drop.put("a.csv", b"report a")
    drop.put("plutus/b.csv", b"report b")
    taken = drop.take()
    assert [(a.name, a.folder, a.status) for a in taken.arrivals] == [
        ("a.csv", None, "accepted"),
        ("b.csv", "plutus", "accepted"),
    ]
    assert drop.files() == ["processed/a.csv", "processed/plutus/b.csv"]
    assert [drop.landing.read(a.file_id) for a in drop.arrivals()] == [b"report a", b"report b"]


def test_a_file_is_judged_as_of_when_its_bytes_came_first(drop: Drop) -> None:
    """A report that holds times is read the same on every night, also when it is dropped again."""
    came: list[datetime] = []
    drop.drop.read = lambda _data, _file_id, at: came.append(at)
    for name in ("a.csv", "a (1).csv"):
        drop.put(name)
        drop.take()
    assert came == [drop.arrivals()[0].received_at] * 2


def test_a_rejected_file_is_kept_and_its_person_is_told_beside_it_what_to_do(drop: Drop) -> None:
    drop.put("plutus/notes.pdf", b"%PDF")
    taken = drop.take()
    assert drop.files() == ["rejected/plutus/notes.pdf", "rejected/plutus/notes.pdf.txt"]
    told = (drop.folder / "rejected/plutus/notes.pdf.txt").read_text()
    assert "It looks like a PDF document, not CSV." in told
    assert "Export it as CSV." in told
    assert list(taken.rejected) == ["plutus/notes.pdf"]
    [arrival] = drop.arrivals()
    assert (arrival.status, drop.landing.read(arrival.file_id)) == ("rejected", b"%PDF")


def test_a_taken_name_gets_a_number(drop: Drop) -> None:
    for number in range(3):
        drop.put("report.csv", b"report %d" % number)
        drop.take()
    assert drop.files() == ["processed/report (2).csv", "processed/report (3).csv", "processed/report.csv"]


def test_the_same_name_with_new_bytes_is_another_file(drop: Drop) -> None:
    for data in (b"report one", b"report two"):
        drop.put("report.csv", data)
        drop.take()
    assert len({a.file_id for a in drop.arrivals()}) == 2


def test_the_same_bytes_under_another_name_are_recorded_and_moved(drop: Drop) -> None:
    drop.put("report.csv")
    drop.put("report (1).csv")
    drop.take()
    assert [a.name for a in drop.arrivals()] == ["report (1).csv", "report.csv"]
    assert len({a.file_id for a in drop.arrivals()}) == 1
    assert drop.files() == ["processed/report (1).csv", "processed/report.csv"]


@pytest.mark.parametrize("data", [b"report", b"%PDF"], ids=["good", "rejected"])
def test_the_same_bytes_under_the_same_name_again_are_moved_but_not_recorded_again(drop: Drop, data: bytes) -> None:
    for _ in range(2):
        drop.put("report.csv", data)
        drop.take()
    assert len(drop.arrivals()) == 1
    assert len([name for name in drop.files() if name.endswith(".csv")]) == 2


def test_a_file_rejected_once_is_taken_when_the_reader_has_learned_to_read_it(drop: Drop) -> None:
    drop.put("report.csv", b"new layout")
    drop.take()
    drop.drop.read = lambda *_given: None
    drop.put("report.csv", b"new layout")
    assert [a.status for a in drop.take().arrivals] == ["accepted"]


@pytest.mark.parametrize(
    "bad",
    [b"%PDF", b"", b"crash: 98765 43210", b"wait", b"report" * 400_000],
    ids=["no_report", "empty", "reader_crashes", "archive_fails", "too_large"],
)
def test_one_bad_file_never_stops_the_others(drop: Drop, bad: bytes) -> None:
    drop.put("a.csv", b"report a")
    drop.put("b.csv", bad)
    drop.put("c.csv", b"report c")
    taken = drop.take()
    assert [a.name for a in taken.arrivals] == ["a.csv", "c.csv"]
    assert len(taken.rejected) + len(taken.left) == 1
    assert "98765" not in " ".join(taken.said()), "an error may hold cells of a person"


def test_what_may_pass_leaves_the_file_for_the_next_look(drop: Drop) -> None:
    drop.put("a.csv", b"wait")
    assert "disk is full" in drop.take().left["a.csv"]
    assert (drop.files(), drop.arrivals()) == (["a.csv"], [])


def test_a_file_on_which_the_reader_has_a_defect_stays_until_the_reader_is_mended(drop: Drop) -> None:
    drop.put("a.csv", b"crash: 98765 43210")
    assert "a defect of funnel_etl" in drop.take().left["a.csv"]
    assert (drop.files(), drop.arrivals()) == (["a.csv"], []), "nobody has to drop it again"


def test_a_file_that_cannot_be_read_stays_and_that_is_said_once(
    drop: Drop, said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.put("closed.csv")
    drop.put("open.csv", b"report b")
    real_open = os.open

    def guarded(path: Path, flags: int, *rest: int) -> int:
        if str(path).endswith("closed.csv"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", guarded)
    for _ in range(3):
        taken = drop.take()
        assert "Permission denied" in taken.left["closed.csv"]
    assert drop.files() == ["closed.csv", "processed/open.csv"]
    assert sum("closed.csv" in line for line in said.messages) == 1


@pytest.mark.parametrize("data", [b"report", b"%PDF"], ids=["good", "rejected"])
def test_a_file_that_cannot_be_moved_stays_is_not_taken_twice_and_that_is_said_once(
    drop: Drop, data: bytes, said: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = drop.put("stuck.csv", data)
    reads: list[bytes] = []
    drop.drop.read = lambda *given: (reads.append(given[0]), read_report(*given))
    with monkeypatch.context() as patch:

        def forbidden(self: Path, _goal: Path) -> Path:
            raise PermissionError(13, "Permission denied")

        patch.setattr(Path, "rename", forbidden)
        for _ in range(3):
            assert "cannot be moved" in drop.take().left["stuck.csv"]
    assert path.exists()
    assert len(drop.arrivals()) == len(reads) == 1
    assert sum("stays where it is" in line for line in said.messages) == 1
    drop.take()
    assert not path.exists(), "moved as soon as that is possible"
    assert len(drop.arrivals()) == 1


def test_a_stuck_file_is_not_recorded_twice_even_if_the_memory_of_it_is_lost(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.put("stuck.csv")
    (drop.folder / "processed").write_text("a file where the folder should be")
    drop.take()
    (drop.drop.state / "drop_zoom.json").write_text("{damaged")
    drop.take()
    assert [a.name for a in drop.arrivals() if a.status == "accepted"] == ["stuck.csv"]


def test_a_stuck_file_that_gets_new_bytes_is_taken_again(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(disposal, "_free", lambda *_: Path("/nowhere/at/all.csv"))
        drop.put("stuck.csv", b"report one")
        drop.take()
        drop.put("stuck.csv", b"report two, longer")
        drop.take()
    assert len(drop.arrivals()) == 2


def test_files_are_never_moved_out_of_the_folder_through_a_link(drop: Drop, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (drop.folder / "processed").symlink_to(outside)
    drop.put("a.csv")
    assert "is a link" in drop.take().left["a.csv"] or "cannot be moved" in drop.take().left["a.csv"]
    assert list(outside.iterdir()) == []


def test_links_pipes_and_deeper_folders_are_left_alone_and_told_of(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"report of somebody")
    (drop.folder / "link.csv").symlink_to(secret)
    os.mkfifo(drop.folder / "pipe.csv")
    drop.put("plutus/deep/er.csv")
    drop.put("folder.csv/inner.csv", b"report inner")
    taken = drop.take()
    assert set(taken.left) == {"link.csv", "pipe.csv", "plutus/deep"}
    assert [(a.name, a.folder) for a in taken.arrivals] == [("inner.csv", "folder.csv")]
    assert (drop.folder / "link.csv").is_symlink()
    assert secret.exists()


@pytest.mark.parametrize("name", ["a.csv.part", "~$a.csv", ".hidden.csv", "a.crdownload"])
def test_temporary_names_wait_and_leave_no_trace(drop: Drop, name: str) -> None:
    drop.put(name)
    taken = drop.take()
    assert list(taken.waiting) == [name]
    assert (drop.arrivals(), drop.files()) == ([], [name])


def test_a_file_too_large_is_rejected_by_its_size_and_not_read(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drop.put("huge.csv", b"")
    os.truncate(path, 2 * 1024**3)  # sparse: two gigabytes that take no room
    real_open = os.open

    def guarded(path: Path, *rest: int) -> int:
        assert not str(path).endswith("huge.csv"), "it was opened"
        return real_open(path, *rest)

    monkeypatch.setattr(os, "open", guarded)
    started = time.monotonic()
    taken = drop.take()
    assert time.monotonic() - started < 1
    assert "too large" in taken.rejected["huge.csv"]
    [arrival] = drop.arrivals()
    assert (arrival.status, arrival.bytes) == ("rejected", 2 * 1024**3)
    assert len(drop.landing.read(arrival.file_id)) < 1000, "a line stands in for the bytes"
    assert "rejected/huge.csv.txt" in drop.files()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        pytest.param("-rf.csv", "-rf.csv", id="leading_dash"),
        pytest.param("a\nb\x1b[31m.csv", "ab[31m.csv", id="control_characters"),
        pytest.param("x\\..\\..\\etc.csv", "etc.csv", id="path_trick"),
        pytest.param("=cmd|' \u202evsc.csv", "=cmd|' vsc.csv", id="direction_trick"),
        pytest.param("ज़ूम रिपोर्ट.csv", "ज़ूम रिपोर्ट.csv", id="devanagari"),
        pytest.param(os.fsdecode(b"caf\xe9.csv"), "caf\ufffd.csv", id="not_utf8"),
        pytest.param("ज" * 80 + ".csv", "ज" * 65 + ".csv", id="very_long"),
    ],
)
@pytest.mark.parametrize("data", [b"report", b"%PDF"], ids=["good", "rejected"])
def test_odd_names_harm_nobody(drop: Drop, name: str, kept: str, data: bytes) -> None:
    drop.put(name, data)
    taken = drop.take()
    assert taken.left == {}
    assert len(drop.arrivals()) == 1
    place = "processed" if data == b"report" else "rejected"
    assert (drop.folder / place / kept).is_file()
    assert all(text.isprintable() for text in taken.said())


def test_a_file_that_changes_after_it_was_landed_is_not_moved_and_taken_next(drop: Drop) -> None:
    path = drop.put("a.csv", b"report one")

    def rewriting(*_given: object) -> None:
        drop.drop.read = read_report
        path.write_bytes(b"report two, longer")

    drop.drop.read = rewriting
    assert "changed" in drop.take().waiting["a.csv"]
    assert path.exists()
    drop.take()
    assert [drop.landing.read(a.file_id) for a in drop.arrivals()] == [b"report one", b"report two, longer"]


def test_a_folder_that_vanished_is_made_again(drop: Drop) -> None:
    drop.folder.rmdir()
    assert drop.take().left == {}
    assert drop.folder.is_dir()


def test_a_folder_that_cannot_be_made_is_told_of(drop: Drop) -> None:
    drop.folder.rmdir()
    drop.folder.write_text("a file in its place")
    assert "FUNNEL_DROP_DIR" in drop.take().left["zoom"]


def test_who_comes_second_gives_way_or_waits(drop: Drop) -> None:
    drop.put("a.csv")
    drop.drop.state.mkdir()
    with (drop.drop.state / "drop_zoom.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken = drop.take(wait=False)
    assert taken.is_busy
    assert taken.arrivals == []
    assert len(drop.take(wait=False).arrivals) == 1


def test_what_the_time_did_not_suffice_for_is_taken_at_the_next_look(drop: Drop) -> None:
    for number in range(4):
        drop.put(f"{number}.csv", b"report %d" % number)
    drop.drop.read = lambda *_given: time.sleep(0.06)
    taken = drop.take(seconds=0.1)
    assert 0 < len(taken.arrivals) < 4
    assert taken.rest == 4 - len(taken.arrivals)
    assert len(drop.take().arrivals) == taken.rest


def test_many_files_take_time_in_proportion(drop: Drop) -> None:
    def seconds(count: int, batch: str) -> float:
        for number in range(count):
            drop.put(f"{batch}{number}.csv", b"report %s %d" % (batch.encode(), number))
        started = time.monotonic()
        assert len(drop.take().arrivals) == count
        return time.monotonic() - started

    few = seconds(100, "a")
    assert seconds(600, "b") < few * 6 * 4, "the work grows faster than the number of files"
