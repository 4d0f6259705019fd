"""A dropped file is read whole, as it was seen, and nothing that took its place is."""

import os
import time
from pathlib import Path

import pytest

from funnel_etl.sources.drop.ready import StillWritten, decide, look, read_whole

SETTLE = 5.0


def dropped(folder: Path, data: bytes = b"harmless") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "a.csv"
    path.write_bytes(data)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def test_a_copy_that_keeps_an_old_modification_time_still_settles(tmp_path: Path) -> None:
    dropped(tmp_path)
    [entry] = look(tmp_path)
    assert entry.modified < entry.changed
    assert decide([entry], {}, entry.changed + 1, SETTLE).take == []
    assert decide([entry], {}, entry.changed + SETTLE, SETTLE).take == [entry]


def test_an_old_file_whose_size_changed_since_the_last_look_waits(tmp_path: Path) -> None:
    path = dropped(tmp_path)
    [entry] = look(tmp_path)
    later = time.time() + 60
    assert decide([entry], {str(path): entry.mark}, later, SETTLE).take == [entry]
    assert decide([entry], {str(path): "3:1000000000.0"}, later, SETTLE).take == []


def test_a_sub_folder_that_cannot_be_opened_is_told_of_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped(tmp_path / "closed")
    path = dropped(tmp_path / "open")
    scandir = os.scandir

    def guarded(folder: Path) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    decision = decide(look(tmp_path), {}, time.time() + 60, SETTLE)
    assert [entry.path for entry in decision.take] == [path]
    assert "Permission denied" in decision.ignore[tmp_path / "closed"]


def test_a_file_that_changed_since_it_was_seen_is_not_read(tmp_path: Path) -> None:
    path = dropped(tmp_path)
    [entry] = look(tmp_path)
    assert read_whole(entry) == b"harmless"
    path.write_text("much longer than it was")
    with pytest.raises(StillWritten):
        read_whole(entry)


def test_a_link_that_took_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    path = dropped(tmp_path / "drop")
    secret = dropped(tmp_path / "elsewhere")
    [entry] = look(tmp_path / "drop")
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        read_whole(entry)


def test_a_pipe_that_took_the_place_of_a_file_does_not_hang_the_reader(tmp_path: Path) -> None:
    path = dropped(tmp_path)
    [entry] = look(tmp_path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StillWritten):
        read_whole(entry)
