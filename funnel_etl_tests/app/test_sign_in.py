"""Signing in by a real OIDC provider, from a registry, and what somebody may then see: real processes and browser."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.sync_api import Page, expect

from funnel_etl_tests.app.conftest import Site, served
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow

LEAD, STRANGER, UNPROVED = "lead@example.com", "stranger@example.com", "unproved@example.com"
SILENT = "silent@example.com"
USERS = (
    f"email,roles,conductors,profiles\n{LEAD.title()},viewer;sales,Ritvik Solvane,\n"
    f"{UNPROVED},engineer,,\n{SILENT},engineer,,\n"
)


@dataclass
class Guarded:
    """A page that asks for a sign-in, and its users file."""

    site: Site
    users: Path


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    people = [
        User(sub="lead", claims={"email": LEAD, "email_verified": True}),
        User(sub="stranger", claims={"email": STRANGER, "email_verified": True}),
        User(sub="silent", claims={"email": SILENT}),
        User(sub="unproved", claims={"email": UNPROVED, "email_verified": False}),
    ]
    with run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def guarded(demo: Installation, provider: str) -> Iterator[Guarded]:
    users, port = demo.home / "users.csv", new_port()
    users.write_text(USERS)
    with served(demo, port=port, **sign_in(provider, users, f"http://127.0.0.1:{port}")) as site:
        yield Guarded(site, users)


def sign_in(provider: str, users: Path, url: str) -> dict[str, object]:
    return {
        "app_url": url,
        "app_users": users,
        "app_oidc_url": provider,
        "app_oidc_client_id": "page",
        "app_oidc_client_secret": "secret-of-the-page",
    }


def enter(guarded: Guarded, browser: Page, who: str) -> None:
    browser.goto(guarded.site.url)
    browser.get_by_role("button", name="Sign in").click()
    browser.get_by_role("button", name=who, exact=True).click()


def test_without_signing_in_nothing_is_seen(guarded: Guarded, browser: Page) -> None:
    browser.goto(f"{guarded.site.url}/today")
    expect(browser.get_by_role("button", name="Sign in")).to_be_visible()
    expect(browser.get_by_role("heading", name="Today")).to_have_count(0)


def test_somebody_with_a_role_gets_in_and_out(guarded: Guarded, browser: Page) -> None:
    enter(guarded, browser, "lead")
    expect(browser.get_by_role("heading", name="Today")).to_be_visible()
    expect(browser.get_by_text(f"{LEAD} · sales, viewer")).to_be_visible()
    browser.get_by_role("button", name="Sign out").click()
    expect(browser.get_by_role("heading", name="End Session")).to_be_visible()  # the provider's own page
    browser.goto(guarded.site.url)
    expect(browser.get_by_role("button", name="Sign in")).to_be_visible()


def test_somebody_nobody_gave_a_role_is_told_whom_to_ask(guarded: Guarded, browser: Page) -> None:
    enter(guarded, browser, "stranger")
    expect(browser.get_by_text("who has no role here yet")).to_be_visible()
    expect(browser.get_by_role("heading", name="Today")).to_have_count(0)


@pytest.mark.parametrize("who", ["unproved", "silent"])
def test_an_address_that_the_provider_has_not_proved_opens_nothing(guarded: Guarded, browser: Page, who: str) -> None:
    enter(guarded, browser, who)
    expect(browser.get_by_text("who has no role here yet")).to_be_visible()


def test_who_is_taken_out_of_the_users_file_is_out_at_the_next_look(guarded: Guarded, browser: Page) -> None:
    enter(guarded, browser, "lead")
    expect(browser.get_by_role("heading", name="Today")).to_be_visible()
    guarded.users.write_text("email,roles,conductors,profiles\n")
    try:
        browser.reload()
        expect(browser.get_by_text("who has no role here yet")).to_be_visible()
    finally:
        guarded.users.write_text(USERS)


def test_the_secret_is_for_this_account_alone(guarded: Guarded) -> None:
    home = guarded.site.installation.home / "state" / "app"
    assert {path.stat().st_mode & 0o777 for path in (home, home / "secrets.toml", home / "cookie_key")} == {
        0o700,
        0o600,
    }
    log = (guarded.site.installation.home / "app.log").read_text()
    assert "secret-of-the-page" not in log
    assert LEAD not in log


def refused(demo: Installation, *options: str, **settings: object) -> str:
    environment = demo.program_environment(**settings)
    command = [PROGRAM, "app", *options]
    done = subprocess.run(
        command, env=environment, cwd=demo.home, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    return re.sub(r"\s+", " ", done.stderr)


def test_it_does_not_serve_others_without_a_sign_in(demo: Installation) -> None:
    assert "others can reach 0.0.0.0, and nobody has to sign in" in refused(demo, "--host", "0.0.0.0")  # noqa: S104


def test_a_port_that_is_taken_is_told_with_the_setting(demo: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused(demo, "--port", str(taken.getsockname()[1]))
    assert "is taken by another program. Fix: set FUNNEL_APP_PORT to a free one" in said


def test_no_program_outlives_the_command(demo: Installation) -> None:
    with served(demo) as site:
        site.process.kill()
        site.process.wait(timeout=10)
        port, until = int(site.url.rpartition(":")[2]), time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return
            time.sleep(0.2)
    pytest.fail("the page still answers")


def test_half_a_sign_in_is_none(demo: Installation) -> None:
    said = refused(demo, app_oidc_url="http://localhost:1/.well-known/openid-configuration")
    assert "FUNNEL_APP_URL and FUNNEL_APP_OIDC_CLIENT_ID" in said


def test_a_users_file_with_a_role_that_is_none_is_refused_by_its_line(demo: Installation, provider: str) -> None:
    users = demo.home / "wrong.csv"
    users.write_text("email,roles\na@example.com,vewer\n")
    said = refused(demo, **sign_in(provider, users, "http://127.0.0.1:1"))
    assert "wrong.csv, line 2: there is no role 'vewer' (did you mean 'viewer'?)" in said


def test_without_the_extra_it_says_what_to_install(demo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = demo.command("app")
    assert done.returncode == 1
    assert "Streamlit is not installed. Fix: install the extra: pip install -e '.[app]'" in " ".join(
        done.stderr.split()
    )
