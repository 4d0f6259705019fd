"""What many tests share: one real PostgreSQL for the session, and a fresh database for each test."""

import gc
import os
import shutil
import signal
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from sqlalchemy import text

from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer

if TYPE_CHECKING:
    from funnel_etl_tests.installation import Installation


def new_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_folder() -> Path:
    """A folder that PostgreSQL's OS user can enter, as pytest's own cannot be when the tests run as root.

    In memory if there is plenty: making and deleting a data folder takes a second on some disks.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes its own folder in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="funnel-etl-test-", dir=memory if roomy else None))
    folder.chmod(0o711)
    return folder


def administer(server_url: str, *statements: str) -> None:
    """Run statements outside any transaction, as CREATE DATABASE needs."""
    engine = database.engine(server_url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def pytest_collection_finish() -> None:
    """Collect garbage more rarely: what is loaded stays anyway, and walking through it is a sixth of a night's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


@pytest.fixture(scope="session", autouse=True)
def _dagster_keeps_its_connections() -> Iterator[None]:
    """Runs within the tests' own process keep a connection for Dagster's events, as its web server does.

    One for each of thousands of events is a third of the time of a small night. Processes of our own are as they are.
    """
    opened = dg.DagsterInstance.get

    def get() -> dg.DagsterInstance:
        instance = opened()
        instance.optimize_for_webserver(statement_timeout=600_000, pool_recycle=600, max_overflow=20)
        close = instance.dispose

        def close_all() -> None:
            close()
            for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
                storage._engine.dispose()  # type: ignore[union-attr]  # Dagster leaves it to the end of the process

        instance.dispose = close_all  # type: ignore[method-assign]
        return instance

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dg.DagsterInstance, "get", staticmethod(get))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--campaign` run the long tests at their full size: `make campaign`."""
    parser.addoption("--campaign", action="store_true", help="long tests at full size: 30 nights, 50 kills (two hours)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that asks for `campaign`, itself or by a fixture: `make campaign` runs these."""
    for item in items:
        if "campaign" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.campaign)


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> bool:
    """Whether the long tests run at their full size."""
    return bool(request.config.getoption("--campaign"))


def pytest_configure() -> None:
    """Let children hear Ctrl+C: as a background job of a shell we would pass on to them that it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def free_port() -> int:
    return new_port()


@pytest.fixture
def server_home() -> Iterator[Path]:
    """A home for a server of this test's own."""
    folder = new_folder()
    yield folder / "postgres"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedServer]:
    """The session's server, with durability as in production."""
    folder = new_folder()
    try:
        with EmbeddedServer(folder / "postgres", new_port()) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedServer) -> str:
    """The database that each test's own is cloned from."""
    database.ensure_database(postgres.url("postgres"), "funnel_template")
    return "funnel_template"


@pytest.fixture
def database_url(postgres: EmbeddedServer, template_database: str) -> Iterator[str]:
    """A database of this test's own, dropped after it with whoever is still connected."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    administer(postgres.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield postgres.url(name)
    administer(postgres.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses: it is bound, and nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield int(bound.getsockname()[1])


@pytest.fixture(scope="session")
def new_installation(postgres: EmbeddedServer) -> Iterator["Callable[[], Installation]"]:
    """Makes installations, each with databases of its own on the session's server; all are gone at the end."""
    # Loading Dagster and all assets takes seconds that unit tests do without.
    from funnel_etl_tests.installation import Installation  # noqa: PLC0415

    made: list[Installation] = []

    def make() -> Installation:
        for earlier in made:
            earlier.engine.dispose()  # it opens connections anew if it is asked again
        name = f"night_{uuid.uuid4().hex[:8]}"
        folder = postgres.home.parent / name
        folder.mkdir()
        made.append(Installation(folder, postgres.url(name)))
        return made[-1]

    yield make
    for installation in made:
        installation.engine.dispose()
