"""One process at a time has the turn, and a run that was killed is seen to be."""

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from funnel_etl.platform.run_lock import RUNS, exclusive, forget, killed, run_marker

HOLDER = """
    import sys, time
    from pathlib import Path
    from funnel_etl.platform.run_lock import exclusive, run_marker
    state = Path(sys.argv[1])
    with run_marker(state, "a-run"), exclusive(state, lambda: print("waits", flush=True)):
        print("has it", flush=True)
        sys.stdin.read()
"""


def holder(state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), state], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_second_process_says_that_it_waits_and_has_the_turn_when_the_first_is_killed(tmp_path: Path) -> None:
    first = holder(tmp_path)
    assert line_of(first) == "has it"
    second = holder(tmp_path)
    assert line_of(second) == "waits"
    first.send_signal(signal.SIGKILL)
    assert line_of(second) == "has it"
    second.communicate(timeout=20)
    first.communicate(timeout=20)
    assert second.returncode == 0


def test_a_process_that_has_the_turn_has_it_again_and_keeps_it_until_the_outer_one_ends(tmp_path: Path) -> None:
    with exclusive(tmp_path, lambda: pytest.fail("it waits for itself")):
        with exclusive(tmp_path, lambda: pytest.fail("it waits for itself")):
            pass
        other = holder(tmp_path)
        assert line_of(other) == "waits"
    assert line_of(other) == "has it"
    other.communicate(timeout=20)


def test_a_killed_run_is_seen_and_one_that_lives_or_ended_is_not(tmp_path: Path) -> None:
    assert killed(tmp_path) == []
    with run_marker(tmp_path, "lives"):
        process = holder(tmp_path)
        assert line_of(process) == "has it"
        assert killed(tmp_path) == []
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        assert killed(tmp_path) == ["a-run"]
        assert killed(tmp_path) == ["a-run"], "to look is not to forget"
        forget(tmp_path, "a-run")
    assert killed(tmp_path) == []
    assert os.listdir(tmp_path / RUNS) == []  # noqa: PTH208 - names are enough


def test_however_a_look_falls_into_the_begin_or_end_of_a_run_it_is_not_taken_for_killed(tmp_path: Path) -> None:
    stopped, found = threading.Event(), []

    def look() -> None:
        while not stopped.is_set():
            found.extend(killed(tmp_path))

    looks = [threading.Thread(target=look) for _ in range(3)]
    for each in looks:
        each.start()
    for _ in range(500):
        with run_marker(tmp_path, "lives"):
            pass
    stopped.set()
    for each in looks:
        each.join()
    assert found == []


def test_a_look_that_holds_the_file_as_a_run_begins_does_not_leave_it_without_its_lock(tmp_path: Path) -> None:
    left = tmp_path / RUNS / "lives"
    left.parent.mkdir()
    with left.open("ab") as looked:
        fcntl.flock(looked, fcntl.LOCK_SH)
        with run_marker(tmp_path, "lives"):
            fcntl.flock(looked, fcntl.LOCK_UN)
            assert killed(tmp_path) == []
    assert list(tmp_path.iterdir()) == [left.parent]
    assert list(left.parent.iterdir()) == []


def test_looking_for_killed_runs_does_not_make_one_wait(tmp_path: Path) -> None:
    with run_marker(tmp_path, "lives"):
        began = time.monotonic()
        assert killed(tmp_path) == []
    assert time.monotonic() - began < 5
