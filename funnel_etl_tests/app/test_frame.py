"""What stands around each page: errors as sentences, roles, keyboard, a phone's width, the log of what people did."""

import re
import shutil
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import EVERYBODY, Person, Role
from funnel_etl.app.pages import PAGES
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl_tests.app.conftest import Site, served
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.servers import new_folder, new_port

pytestmark = pytest.mark.slow

PHONE = 390


def test_a_database_that_goes_away_is_a_sentence_and_comes_back(browser: Page) -> None:
    folder = new_folder()
    with EmbeddedServer(folder / "postgres", new_port()) as server:
        (folder / "own").mkdir()
        installation = Installation(folder / "own", server.url("own"))
        with served(installation) as site:
            browser.goto(site.url)
            expect(browser.get_by_role("heading", name="Today")).to_be_visible()
            server.stop()
            browser.reload()
            expect(browser.get_by_text("The database does not answer")).to_be_visible()
            assert "Traceback" not in browser.content()
            server.start()
            browser.get_by_role("button", name="Try again").click()
            expect(browser.get_by_role("heading", name="Today")).to_be_visible()
        installation.engine.dispose()
    shutil.rmtree(folder, ignore_errors=True)


def test_pages_are_named_in_their_address_once_and_open_by_it() -> None:
    assert len({page.name for page in PAGES}) == len(PAGES) >= 8
    assert all(re.fullmatch(r"[a-z]+", page.name) for page in PAGES)
    assert PAGES[0].roles == EVERYBODY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_is_drawn(demo: Installation, tester: Callable[..., AppTest], page: object) -> None:
    seen = tester(page.name, demo)  # type: ignore[attr-defined]
    assert not seen.exception
    assert len(seen.title) == 1


@pytest.mark.parametrize("width", [1280, PHONE])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_is_wider_than_the_screen(site: Site, chromium: Browser, page: object, width: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(site.url if page is PAGES[0] else f"{site.url}/{page.name}")  # type: ignore[attr-defined]
    expect(tab.locator("h1").first).to_be_visible(timeout=20_000)
    tab.wait_for_timeout(1000)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_somebody_is_offered_only_the_pages_of_their_roles() -> None:
    viewer = Person("v@example.com", frozenset({Role.VIEWER}))
    assert {page.name for page in PAGES if viewer.may(page.roles)} == {"today", "funnel"}


def test_an_address_of_a_page_that_somebody_may_not_see_shows_nothing_of_it(site: Site, browser: Page) -> None:
    browser.goto(f"{site.url}/nothing")
    expect(browser.get_by_text("Page not found")).to_be_visible()


def test_pages_are_reached_by_the_keyboard(site: Site, browser: Page) -> None:
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today")).to_be_visible()
    link = browser.get_by_role("link", name="Funnel")
    link.focus()
    browser.keyboard.press("Enter")
    expect(browser.locator("h1", has_text="Funnel")).to_be_visible()
    assert browser.url.endswith("/funnel")


def test_no_telemetry_leaves(site: Site, browser: Page) -> None:
    asked: list[str] = []
    browser.on("request", lambda request: asked.append(request.url))
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today")).to_be_visible()
    browser.wait_for_timeout(1500)
    assert [url for url in asked if not url.startswith((site.url, "data:", "blob:"))] == []


def test_the_first_page_has_its_name_in_an_address_too(site: Site, browser: Page) -> None:
    browser.goto(f"{site.url}/today")
    expect(browser.get_by_role("heading", name="Today")).to_be_visible(timeout=30_000)
    expect(browser.get_by_text("Page not found")).to_have_count(0)
    expect(browser.get_by_test_id("stSidebarNav").get_by_role("link", name="Today")).to_have_count(1)
