"""Today."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl_tests.app.conftest import Site
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


def test_the_first_page_says_where_things_stand(site: Site, browser: Page) -> None:
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today")).to_be_visible()


def test_it_is_drawn_without_a_browser(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("today", demo)
    assert not seen.exception
    assert seen.title[0].value == "Today"
