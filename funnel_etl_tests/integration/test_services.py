"""`funnel-etl up` as a real process: what answers, what is on, and that it leaves nothing behind."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import port_is_free
from funnel_etl_tests.installation import PROGRAM
from funnel_etl_tests.servers import new_port
from funnel_etl_tests.whole import defs

pytestmark = pytest.mark.slow

STATES = """
{ workspaceOrError { __typename ... on Workspace { locationEntries { locationOrLoadError { __typename
  ... on RepositoryLocation { repositories {
    schedules { name scheduleState { status } } sensors { name sensorState { status } } } } } } } } }
"""
STOP_SECONDS = 30


@pytest.fixture
def environment(server_home: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FUNNEL_", "DAGSTER_"))}
    return own | {
        "FUNNEL_HOME": str(server_home.parent / "state"),
        "FUNNEL_DATABASE_PORT": str(new_port()),
        "FUNNEL_UI_PORT": str(new_port()),
    }


@pytest.fixture
def up(environment: dict[str, str], server_home: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [PROGRAM, "up"],
                env=environment,
                cwd=server_home.parent,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        for one in [*family(process), process]:
            if one.poll() is None if isinstance(one, subprocess.Popen) else one.is_running():
                one.kill()
        process.communicate()
    server = EmbeddedServer(Path(environment["FUNNEL_HOME"]) / "postgres", int(environment["FUNNEL_DATABASE_PORT"]))
    if server.is_running():
        server.start()
        server.stop()


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_for(question: Callable[[], Any], process: subprocess.Popen[str], seconds: float = 90) -> Any:
    """Ask until there is an answer; fails when the process ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        if answer := question():
            return answer
        time.sleep(0.2)
    raise AssertionError("waited too long")


def states(port: str) -> dict[str, str] | None:
    """Return schedules and sensors with their state, once the code is loaded."""
    try:
        answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": STATES}, timeout=20).json()
    except (requests.ConnectionError, requests.Timeout):
        return None
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    location = entries[0]["locationOrLoadError"] if entries else None
    if not location or location["__typename"] != "RepositoryLocation":
        return None
    found = location["repositories"][0]
    return {s["name"]: s["scheduleState"]["status"] for s in found["schedules"]} | {
        s["name"]: s["sensorState"]["status"] for s in found["sensors"]
    }


def daemon_beats(environment: dict[str, str]) -> bool:
    query = "{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } } }"
    address = f"http://127.0.0.1:{environment['FUNNEL_UI_PORT']}/graphql"
    found = requests.post(address, json={"query": query}, timeout=20).json()
    health = {s["daemonType"]: s["healthy"] for s in found["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]}
    return bool(health.get("SCHEDULER") and health.get("SENSOR"))


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGINT, id="Ctrl+C")]
)
def test_the_ui_answers_schedule_and_sensor_run_and_a_signal_ends_everything(
    number: signal.Signals, up: Callable[[], subprocess.Popen[str]], environment: dict[str, str]
) -> None:
    process = up()
    port = environment["FUNNEL_UI_PORT"]
    found = wait_for(lambda: states(port), process)
    declared = defs.get_repository_def()
    everything = {each.name for each in [*declared.schedule_defs, *declared.sensor_defs]}
    assert everything >= {"nightly", "zoom_drop_folder", "watch_after_success", "watch_after_failure"}
    assert found == dict.fromkeys(everything, "RUNNING")
    if number is signal.SIGTERM:
        wait_for(lambda: daemon_beats(environment), process)
        with socket.socket() as outside:
            outside.settimeout(2)
            own = [a.address for n in psutil.net_if_addrs().values() for a in n if a.family == socket.AF_INET]
            for address in set(own) - {"127.0.0.1"}:
                assert outside.connect_ex((address, int(port))) != 0, "the UI listens beyond loopback"
    children = family(process)
    assert len(children) >= 3
    asked = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=STOP_SECONDS)
    assert time.monotonic() - asked < STOP_SECONDS
    assert "Traceback" not in err
    assert process.returncode == {signal.SIGTERM: 143, signal.SIGINT: 130}[number]
    assert f"http://127.0.0.1:{port}" in out
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert port_is_free(int(environment["FUNNEL_DATABASE_PORT"])), "postgres was left behind"
    assert port_is_free(int(port))
    home = environment["FUNNEL_HOME"]
    assert [one.pid for one in psutil.process_iter(["cmdline"]) if home in " ".join(one.info["cmdline"] or [])] == []


def test_a_taken_port_is_one_readable_line_with_the_setting_to_change(
    up: Callable[[], subprocess.Popen[str]], environment: dict[str, str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment["FUNNEL_UI_PORT"])))
        taken.listen()
        process = up()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    port = environment["FUNNEL_UI_PORT"]
    assert f"port {port} is taken by another program. Fix: set FUNNEL_UI_PORT to a free one" in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert not (Path(environment["FUNNEL_HOME"]) / "postgres").exists(), "the database was started for nothing"
