"""A lock holds between processes, and goes with the process that held it, however that ended."""

import signal
import subprocess
import sys
from pathlib import Path

import funnel_etl
from funnel_etl import locks

PACKAGE = Path(funnel_etl.__file__).parent
_HOLDS = (
    "import sys, time; from funnel_etl import locks; f = open(sys.argv[1], 'ab'); locks.lock(f); print(1, flush=True)"
)


def test_a_lock_is_dropped_with_the_process_however_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with subprocess.Popen(
        [sys.executable, "-c", f"{_HOLDS}; time.sleep(60)", str(path)], stdout=subprocess.PIPE
    ) as held:
        assert held.stdout is not None
        held.stdout.readline()
        with path.open("ab") as file:
            assert not locks.try_lock(file)
            assert not locks.try_share(file)
            assert not locks.is_left(path)
            held.send_signal(signal.SIGKILL)
            held.wait()
            assert locks.try_lock(file)
            assert not locks.is_left(path)
            locks.unlock(file)
            assert locks.is_left(path)


def test_those_who_share_a_file_keep_out_only_who_wants_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with path.open("ab") as first, path.open("ab") as second, path.open("ab") as third:
        assert locks.try_share(first)
        assert locks.try_share(second)
        assert not locks.try_lock(third)


def test_a_file_that_is_gone_is_not_left(tmp_path: Path) -> None:
    assert not locks.is_left(tmp_path / "nothing")


def test_no_other_module_locks_files() -> None:
    holding = [path.name for path in PACKAGE.rglob("*.py") if "import fcntl" in path.read_text(encoding="utf-8")]
    assert holding == ["locks.py"]
