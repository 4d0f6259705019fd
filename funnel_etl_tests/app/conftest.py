"""The page as people meet it: `funnel-etl app` as a real process, seen by a real browser; and by Streamlit's tester."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import LOCAL, Person
from funnel_etl_tests.installation import PROGRAM, Installation, Published
from funnel_etl_tests.servers import new_port

START_SECONDS = 60
expect.set_options(timeout=20_000)


@dataclass
class Site:
    """A page that is served, and of which installation."""

    installation: Installation
    url: str
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def served(installation: Installation, *options: str, port: int | None = None, **settings: object) -> Iterator[Site]:
    """Serve the page of an installation by `funnel-etl app`."""
    port = port or new_port()
    log = (installation.home / "app.log").open("wb")
    process = subprocess.Popen(
        [PROGRAM, "app", "--port", str(port), *options],
        env=installation.program_environment(**settings),
        cwd=installation.home,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield Site(installation, url, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the page did not start: see app.log"
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).status == 200:  # noqa: S310 - on loopback
                return
        time.sleep(0.2)
    pytest.fail("the page did not answer")


@pytest.fixture(scope="module")
def demo(published: Published) -> Installation:
    """An installation whose night is published: 400 leads, two months."""
    return published.demo()


@pytest.fixture(scope="module")
def site(demo: Installation) -> Iterator[Site]:
    """Its page."""
    with served(demo) as at:
        yield at


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's browser; `.ci/run` installs it."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Page]:
    """A tab of a fresh profile, 1280 wide."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(20_000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def tester(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return a function that draws one page by its name, for a person, in this process."""

    def draw(name: str, installation: Installation, person: Person = LOCAL, **settings: object) -> AppTest:
        for key, value in installation.program_environment(**settings).items():
            monkeypatch.setenv(key, value)
        monkeypatch.chdir(installation.home)
        own = AppTest.from_function(_one_page, args=(name, person), default_timeout=60)
        return own.run()

    return draw


def _one_page(name: str, person: object) -> None:
    from funnel_etl.app.pages import PAGES  # noqa: PLC0415 - Streamlit runs this function's text by itself
    from funnel_etl.app.visit import Visit  # noqa: PLC0415
    from funnel_etl.environment import load_settings  # noqa: PLC0415

    page = next(page for page in PAGES if page.name == name)
    page.show(Visit(load_settings(), person, name))
