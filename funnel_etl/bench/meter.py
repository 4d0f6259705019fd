"""What a program costs, and what the PostgreSQL server it uses costs meanwhile; read from Linux's /proc.

Work that the server puts off (a checkpoint, autovacuum) counts where it happens, so perhaps in a later program.
"""

import contextlib
import os
import resource
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
LOOK_SECONDS = 0.05
END_SECONDS = 60
"""How long a program that is stopped may take to end by itself."""


@dataclass(frozen=True)
class Cost:
    """What a program took. `client_seconds`: processor time of it and all it started; `server_seconds`: PostgreSQL's.

    `peak_bytes`: the most memory its main process ever had; not the sum over processes that it forked.
    """

    seconds: float
    client_seconds: float
    server_seconds: float
    peak_bytes: int

    @property
    def cpu_seconds(self) -> float:
        """Processor time of client and server together."""
        return self.client_seconds + self.server_seconds


def measure(
    command: Sequence[str], environment: dict[str, str], folder: Path, output: Path, postmaster: int
) -> tuple[int, Cost]:
    """Run a program in `folder`, its words going to `output`; return its exit code and its cost.

    Whatever ends us meanwhile ends the program first. `postmaster`: the process id of the server.
    """
    server, client, began = server_cpu(postmaster), _children_cpu(), time.perf_counter()
    peak = 0
    with output.open("wb") as words:
        program = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while program.poll() is None:
                peak = max(peak, peak_memory(program.pid))
                time.sleep(LOOK_SECONDS)
        finally:
            _end(program)
    seconds = time.perf_counter() - began
    return program.returncode, Cost(seconds, _children_cpu() - client, server_cpu(postmaster) - server, peak)


def server_cpu(postmaster: int) -> float:
    """Return the processor time of a server since it started: of its processes, and of those that ended."""
    while True:
        living = _children(postmaster)
        own = _fields(postmaster)[11:15]  # user and system time of it, and of its children that ended
        if _children(postmaster).keys() == living.keys():  # else one that ended meanwhile counts twice, or not at all
            return (sum(map(int, own)) + sum(living.values())) / os.sysconf("SC_CLK_TCK")


def peak_memory(process: int) -> int:
    """Return the most memory a process ever had, in bytes; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(process) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(process: int) -> dict[int, int]:
    """Return the living children of a process, and how many clock ticks each has worked."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        fields = _fields(int(folder.name))
        if fields[1:2] == [str(process)]:
            found[int(folder.name)] = int(fields[11]) + int(fields[12])
    return found


def _fields(process: int) -> list[str]:
    """Return what /proc/PID/stat has behind the name of the program; nothing when the process is gone."""
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _end(program: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, with all it started: politely, then for good."""
    if program.poll() is not None:
        return
    program.terminate()
    try:
        program.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
