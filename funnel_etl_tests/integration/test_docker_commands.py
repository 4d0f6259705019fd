"""The commands of docker-compose.yml, run here as they stand but for hosts, ports and folders: the stack comes up."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml
from sqlalchemy import make_url, text

from funnel_etl.platform.postgres import database
from funnel_etl.settings import PROJECT

pytestmark = pytest.mark.slow

SERVICES = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
PROGRAMS = Path(sys.executable).parent
QUERY = "{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } } }"


class Stack:
    """The services of compose as processes of this machine."""

    def __init__(self, folder: Path, database_url: str, code_port: int, web_port: int) -> None:
        self.folder, self.web_port = folder, web_port
        self.ports = {"code": code_port, "web": web_port}
        state = folder / "state"
        (state / "dagster").mkdir(parents=True)
        parsed = make_url(database_url)
        storage = parsed.set(database=f"{parsed.database}_dagster").render_as_string(hide_password=False)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("FUNNEL_", "DAGSTER_"))}
        self.environment = inherited | {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "FUNNEL_HOME": str(state),
            "DAGSTER_HOME": str(state / "dagster"),
            "FUNNEL_DATABASE_URL": database.libpq_uri(database_url),
            "FUNNEL_DAGSTER_URL": storage,
        }
        self.replaced = {"0.0.0.0": "127.0.0.1", "4000": str(code_port), "3000": str(web_port)}  # noqa: S104
        workspace = (PROJECT / "workspace.docker.yaml").read_text()
        workspace = workspace.replace("host: code", "host: 127.0.0.1").replace("port: 4000", f"port: {code_port}")
        (folder / "workspace.docker.yaml").write_text(workspace)
        shutil.copy(PROJECT / "dagster.yaml", folder)
        (folder / "config_csv").symlink_to(PROJECT / "config_csv")
        self.started: list[subprocess.Popen[bytes]] = []

    def command(self, words: list[str]) -> list[str]:
        words = [self.replaced.get(word, word).replace("/state/", f"{self.folder}/state/") for word in words]
        return [word.replace("127.0.0.1:3000", f"127.0.0.1:{self.web_port}") for word in words]

    def run(self, words: list[str]) -> int:
        with (self.folder / "log").open("ab") as log:
            return subprocess.run(
                self.command(words), cwd=self.folder, env=self.environment, stdout=log, stderr=log, check=False
            ).returncode

    def start(self, name: str) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self.command(SERVICES[name]["command"]),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)

    def becomes_healthy(self, name: str) -> bool:
        """Ask whether it is healthy once its port is open: the question is a process, and takes seconds."""
        check = SERVICES[name]["healthcheck"]["test"][1:]
        return _within(90, lambda: _is_open(self.ports[name]) and self.run(check) == 0)

    def stop(self) -> None:
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def stack(database_url: str, server_home: Path, free_port: int) -> Iterator[Stack]:
    folder = server_home.parent / "stack"
    folder.mkdir()
    made = Stack(folder, database_url, free_port, _another_port(free_port))
    yield made
    made.stop()
    server = make_url(database_url).set(database="postgres").render_as_string(hide_password=False)
    with database.engine(server).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{make_url(database_url).database}_dagster" WITH (FORCE)'))


def test_the_commands_of_compose_bring_up_tables_code_location_and_web_server(stack, database_url):
    assert stack.run(SERVICES["prepare"]["command"]) == 0, (stack.folder / "log").read_text()[-2000:]
    with database.engine(database_url).connect() as connection:
        assert connection.execute(text("SELECT to_regclass('mart.funnel_facts') IS NOT NULL")).scalar_one()

    for name in ("code", "web"):
        stack.start(name)
        assert stack.becomes_healthy(name), (stack.folder / "log").read_text()[-2000:]
    answer = requests.post(f"http://127.0.0.1:{stack.web_port}/graphql", json={"query": QUERY}, timeout=30)
    [entry] = answer.json()["data"]["workspaceOrError"]["locationEntries"]
    assert entry == {"name": "funnel_etl", "locationOrLoadError": {"__typename": "RepositoryLocation"}}


def _another_port(taken: int) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            if (port := int(probe.getsockname()[1])) != taken:
                return port


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.2)
    return False
