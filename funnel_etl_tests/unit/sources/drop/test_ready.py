"""Which files of the drop folder are ready: settled, plain, and not under a temporary name."""

import os
import time
from pathlib import Path

import pytest

from funnel_etl.sources.drop.ready import FileStat, decide, look, settled

NOW = 1_800_000_000.0
SETTLE = 5.0


def seen(name: str = "report.csv", *, age: float = 60.0, size: int = 10, is_plain: bool = True) -> FileStat:
    return FileStat(Path("drop") / name, size, NOW - age, is_plain)


def verdict(entry: FileStat, before: dict[str, str] | None = None) -> str:
    decision = decide([entry], before or {}, NOW, SETTLE)
    if decision.take:
        assert decision.take == [entry]
        return "take"
    [(path, why)] = [*decision.wait.items(), *decision.ignore.items()]
    assert path == entry.path
    assert why, "somebody will ask why"
    return "wait" if decision.wait else "ignore"


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(60, "take", id="old"),
        pytest.param(5, "take", id="just_settled"),
        pytest.param(4.9, "wait", id="young"),
        pytest.param(0, "wait", id="written_now"),
        pytest.param(NOW, "take", id="from_1970"),
        pytest.param(NOW + 3600, "take", id="from_before_1970"),
        pytest.param(-3600, "wait", id="from_the_future"),
    ],
)
def test_a_file_is_taken_once_it_has_been_left_alone(age: float, expected: str) -> None:
    assert verdict(seen(age=age)) == expected


@pytest.mark.parametrize(
    ("age", "size_before", "expected"),
    [
        pytest.param(-3600, 10, "take", id="future_time_and_unchanged_since_the_last_look"),
        pytest.param(-3600, 9, "wait", id="future_time_but_it_grew"),
        pytest.param(1, 10, "wait", id="young_and_unchanged_still_has_to_settle"),
        pytest.param(60, 9, "wait", id="old_but_it_grew_since_the_last_look"),
    ],
)
def test_the_last_look_tells_whether_a_file_still_grows(age: float, size_before: int, expected: str) -> None:
    before = seen(age=age, size=size_before)
    assert verdict(seen(age=age), {str(before.path): before.mark}) == expected


@pytest.mark.parametrize(("changed", "expected"), [(1, "wait"), (60, "take")], ids=["just_now", "long_ago"])
def test_a_copy_that_kept_its_old_modification_time_has_to_settle_too(changed: float, expected: str) -> None:
    copy = FileStat(Path("drop") / "a.csv", 10, NOW - 86_400, is_plain=True, changed=NOW - changed)
    assert verdict(copy) == expected


@pytest.mark.parametrize(
    "name",
    ["a.csv.part", "a.csv.crdownload", "a.PARTIAL", "a.csv.tmp", "a.download", "a.opdownload", ".a.csv", "~$a.csv"],
)
def test_a_temporary_name_is_waited_for_however_old_it_is(name: str) -> None:
    assert verdict(seen(name)) == "wait"


@pytest.mark.parametrize("name", ["a.csv", "part.csv", "a.partial.csv", "a", "A.CSV", "a (1).csv"])
def test_any_other_name_is_no_temporary_one(name: str) -> None:
    assert verdict(seen(name)) == "take"


def test_what_is_no_plain_file_is_ignored_for_good() -> None:
    assert verdict(seen(is_plain=False)) == "ignore"


def test_each_entry_is_judged_by_itself() -> None:
    entries = [seen("a.csv"), seen("b.csv", age=1), seen("c.csv")]
    decision = decide(entries, {}, NOW, SETTLE)
    assert [entry.path.name for entry in decision.take] == ["a.csv", "c.csv"]
    assert [path.name for path in decision.wait] == ["b.csv"]


def old_file(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def test_files_and_sub_folders_are_seen_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "plutus/d.csv", "plutus/c.csv"):
        old_file(tmp_path / name)
    assert [str(entry.path.relative_to(tmp_path)) for entry in look(tmp_path)] == [
        "a.csv",
        "b.csv",
        "plutus/c.csv",
        "plutus/d.csv",
    ]


def test_a_folder_in_a_sub_folder_is_told_of_and_not_looked_into(tmp_path: Path) -> None:
    old_file(tmp_path / "plutus" / "deeper" / "a.csv")
    decision = decide(look(tmp_path), {}, time.time() + 60, SETTLE)
    assert decision.take == []
    assert list(decision.ignore) == [tmp_path / "plutus" / "deeper"]
    assert "one level up" in decision.ignore[tmp_path / "plutus" / "deeper"]


@pytest.mark.parametrize("folder", ["processed", "Rejected", ".git"])
def test_what_was_dealt_with_and_hidden_folders_are_not_seen(tmp_path: Path, folder: str) -> None:
    old_file(tmp_path / folder / "a.csv")
    assert look(tmp_path) == []


def test_links_are_seen_as_links_and_never_followed(tmp_path: Path) -> None:
    outside = old_file(tmp_path / "outside" / "secret.csv").parent
    folder = tmp_path / "drop"
    (folder / "sub").mkdir(parents=True)
    (folder / "file.csv").symlink_to(outside / "secret.csv")
    (folder / "folder").symlink_to(outside)
    (folder / "sub" / "file.csv").symlink_to(outside / "secret.csv")
    (folder / "gone.csv").symlink_to(outside / "nothing.csv")
    entries = look(folder)
    assert {entry.path.name for entry in entries} == {"file.csv", "folder", "gone.csv"}
    decision = decide(entries, {}, time.time(), SETTLE)
    assert decision.take == []
    assert len(decision.ignore) == len(entries) == 4


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert look(tmp_path / "nothing") == []
    assert settled(tmp_path / "nothing", 60).take == []


def test_settled_takes_files_left_alone_without_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = old_file(tmp_path / "a.csv")
    time.sleep(0.25)
    monkeypatch.setattr(time, "sleep", lambda _seconds: pytest.fail("nothing is young: no need to wait"))
    assert [entry.path for entry in settled(tmp_path, 0.2).take] == [path]


@pytest.mark.parametrize("ahead", [0, 3600], ids=["written_now", "from_the_future"])
def test_settled_waits_out_a_young_file_and_takes_it(tmp_path: Path, ahead: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    os.utime(path, (time.time() + ahead,) * 2)
    assert [entry.path for entry in settled(tmp_path, 0.2).take] == [path]


def test_a_file_that_is_written_while_settled_waits_is_left_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    monkeypatch.setattr(time, "sleep", lambda _seconds: path.write_text("xx"))
    decision = settled(tmp_path, 60)
    assert decision.take == []
    assert list(decision.wait) == [path]
