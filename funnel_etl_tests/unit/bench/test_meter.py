"""What a program costs: its processor time with that of what it starts, its memory, its server, and its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from funnel_etl.bench.meter import Cost, measure, server_cpu

pytestmark = pytest.mark.slow

BURN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"


def run(code: str, folder: Path) -> tuple[int, Cost]:
    return measure([sys.executable, "-c", code], dict(os.environ), folder, folder / "words", postmaster=os.getpid())


def test_the_processor_time_of_a_child_is_counted_with_its_parent(tmp_path: Path) -> None:
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN.format(seconds=0.6)!r}])\n"
    _, cost = run(child + BURN.format(seconds=0.3), tmp_path)
    assert 0.9 <= cost.client_seconds < 2
    assert cost.seconds >= cost.client_seconds * 0.9


def test_the_peak_is_of_the_main_process_alone(tmp_path: Path) -> None:
    size = 200_000_000
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'x = bytes(range(256)) * {size // 256}'])"
    _, small = run(child, tmp_path)
    _, large = run(f"import time\nx = bytes(range(256)) * {size // 256}\ndel x\ntime.sleep(0.3)", tmp_path)
    assert small.peak_bytes < size / 2
    assert size < large.peak_bytes < 2 * size


def test_exit_code_and_words_of_a_program_are_kept(tmp_path: Path) -> None:
    code, _ = run("import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr)\nsys.exit(3)", tmp_path)
    assert code == 3
    assert (tmp_path / "words").read_text() == "out\nerr\n"


def test_a_server_counts_with_its_processes_and_with_those_that_ended() -> None:
    code = f"""
import subprocess, sys
done = subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.4)!r}])
living = subprocess.Popen([sys.executable, "-c", {BURN.format(seconds=0.4)!r} + "print('burnt', flush=True)\\ninput()"],
                          stdin=subprocess.PIPE)
living.wait()
"""
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "burnt\n"
        assert 0.75 <= server_cpu(server.pid) < 2
    finally:
        server.kill()
        server.wait()


def test_who_is_stopped_ends_the_program_first(tmp_path: Path) -> None:
    interrupt = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(code, tmp_path)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "words").read_text()), 0)
