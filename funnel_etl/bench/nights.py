"""Whole nights, measured: each size in a temporary folder with a PostgreSQL of its own, each night a process.

Not here: what their inputs are (`inputs`), how a process is measured (`meter`), what is made of the figures (`report`).
"""

import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from funnel_etl.bench import inputs
from funnel_etl.bench.meter import Cost, measure
from funnel_etl.bench.stages import Stage, server_version, stages
from funnel_etl.core.errors import FunnelError
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.platform.postgres.database import ensure_database, libpq_uri
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import HOST, postmaster, settle

EMPTY, FLOOR, FIRST, ORDINARY, UNCHANGED = "empty", "floor", "first", "ordinary", "unchanged"
KINDS = (FIRST, ORDINARY, UNCHANGED)
"""The nights of a story, in the order in which they are run."""
FIRST_NIGHT = date(2025, 10, 15)
"""The same on every day, so that inputs are the same; in the middle of a month, as most nights are."""
SEED = 7
PROGRAM = Path(sys.executable).with_name("funnel-etl")
LAST_LINES = 15
Say = Callable[[str], None]


@dataclass(frozen=True)
class Night:
    """A night that was measured, or the floor under the first one. `leads`: 0 for the empty one."""

    leads: int
    kind: str
    cost: Cost


@dataclass(frozen=True)
class Story:
    """All nights of one size, what they left behind, and the version of the server."""

    nights: list[Night]
    stages: list[Stage]
    postgres: str


def require_linux() -> None:
    """Raise `FunnelError` where what a process costs cannot be read."""
    if platform.system() != "Linux":
        raise FunnelError(
            "bench reads what a night costs from Linux's /proc, and this is not Linux",
            fix="run it on a Linux machine",
        )


def require_duckdb() -> None:
    """Raise `FunnelError` when the floor cannot be measured."""
    if importlib.util.find_spec("duckdb") is None:
        raise FunnelError("DuckDB is not installed", where="--floor", fix="install the extra: pip install -e '.[dev]'")


def empty_story(say: Say) -> Story:
    """Measure the night of an installation whose sources have only their header."""
    with _installation() as own:
        inputs.only_headers(own.sources)
        return Story([own.night(EMPTY, 0, FIRST_NIGHT, say)], own.stages(), own.postgres)


def story(leads: int, say: Say, *, floor: bool = False) -> Story:
    """Measure the first, an ordinary and an unchanged night of `leads` leads; before them the floor, if asked for."""
    with _installation() as own:
        own.prepare("first", FIRST_NIGHT, leads, SEED, say=say)
        nights = [own.floor(leads, say)] if floor else []
        for later, kind in enumerate(KINDS):
            day = FIRST_NIGHT + timedelta(days=later)
            if kind == ORDINARY:
                own.prepare("after", day, SEED, say=say)
            nights.append(own.night(kind, leads, day, say))
        return Story(nights, own.stages(), own.postgres)


class _Installation:
    """An installation on the demo's sources, below a folder, on a server that nobody else uses."""

    def __init__(self, folder: Path, server: EmbeddedServer) -> None:
        self._folder = folder
        self._server = server
        self._url = server.url("funnel")
        running = postmaster(settle(server.home).data)
        assert running is not None  # noqa: S101 - it was started just now
        self._postmaster = running[0]
        self.sources = folder / "sources"
        self.sources.mkdir()
        self.postgres = server_version(server.url("postgres"))

    def prepare(self, what: str, day: date, *numbers: int, say: Say) -> None:
        """Make inputs: the `first` ones, or those of the day `after`."""
        say("makes the inputs")
        words = [what, str(self.sources), day.isoformat(), *map(str, numbers)]
        self._measured("making of inputs", [sys.executable, "-m", "funnel_etl.bench.inputs", *words], {})

    def night(self, kind: str, leads: int, day: date, say: Say) -> Night:
        """Run and measure a night."""
        say(f"runs the {kind} night")
        settings = {
            "FUNNEL_HOME": str(self._folder / "state"),
            "FUNNEL_DATABASE_URL": libpq_uri(self._url),
            "FUNNEL_CONFIG_DIR": str(DEMO_CONFIG),
            "FUNNEL_DROP_DIR": str(self.sources / "drop"),
            "FUNNEL_DROP_SETTLE_SECONDS": "0",
            "FUNNEL_DOWNLOAD_MAX_MB": "1000000",
            **{f"FUNNEL_{name.upper()}_URL": str(self.sources / f"{name}.csv") for name in inputs.DATES},
        }
        command = [str(PROGRAM), "run", "--as-of", day.isoformat()]
        return Night(leads, kind, self._measured(f"{kind} night", command, settings))

    def floor(self, leads: int, say: Say) -> Night:
        """Measure the floor on the sources as they are, into a database of its own."""
        say("measures the floor")
        ensure_database(self._server.url("postgres"), FLOOR)
        address = self._server.address
        login = {"PGUSER": address.user, "PGPASSWORD": address.password.get_secret_value(), "PGDATABASE": FLOOR}
        server = login | {"PGHOST": address.host, "PGPORT": str(address.port)}
        command = [sys.executable, "-m", "funnel_etl.bench.floor", str(self.sources)]
        return Night(leads, FLOOR, self._measured(FLOOR, command, server))

    def _measured(self, what: str, command: list[str], settings: dict[str, str]) -> Cost:
        """Run a program and return what it cost. Raises `FunnelError` with its last lines when it fails."""
        # The settings of the installation it is run from are not the nights'.
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("FUNNEL_", "DAGSTER_"))}
        output = self._folder / "night.log"
        code, cost = measure(command, ours | settings, self._folder, output, self._postmaster)
        if code:
            lines = output.read_text(errors="replace").splitlines()[-LAST_LINES:]
            raise FunnelError(
                "\n".join([f"the {what} ended with exit code {code}; its last lines:", *lines]),
                fix="do what these lines say, then run it again",
            )
        return cost

    def stages(self) -> list[Stage]:
        """Return what is there now."""
        return stages(self._url, self._folder / "state" / "lake")


@contextmanager
def _installation() -> Iterator[_Installation]:
    """Make an installation in a temporary folder; its server and all its files go with it."""
    folder = Path(tempfile.mkdtemp(prefix="funnel-etl-bench-"))
    folder.chmod(0o711)  # PostgreSQL's own user must be able to enter it
    home = folder / "postgres"
    try:
        with EmbeddedServer(home, _free_port()) as server:
            yield _Installation(folder, server)
    finally:
        if (elsewhere := home / "data_folder").exists():  # where PostgreSQL's user cannot enter the temporary folder
            shutil.rmtree(elsewhere.read_text().strip(), ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
