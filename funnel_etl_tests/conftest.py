"""What many tests share: one real PostgreSQL for the session, and a fresh database for each test."""

import gc
import shutil
import signal
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl_tests.servers import administer, new_folder, new_port

if TYPE_CHECKING:
    from funnel_etl_tests.installation import Installation, Published


def pytest_collection_finish() -> None:
    """Collect garbage more rarely: what is loaded stays anyway, and walking through it is a sixth of a night's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 100)


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
def published(postgres: EmbeddedServer) -> Iterator["Published"]:
    """Installations with databases on the session's server, whose first nights are made once and copied."""
    # Loading Dagster and all assets takes seconds that unit tests do without.
    from funnel_etl_tests.installation import Published  # noqa: PLC0415

    made = Published(postgres)
    yield made
    made.close()


@pytest.fixture(scope="session")
def new_installation(published: "Published") -> "Callable[[], Installation]":
    """Makes installations before their first night."""
    return published.new
