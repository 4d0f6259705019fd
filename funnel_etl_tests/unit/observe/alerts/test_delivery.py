"""Sending at its boundary: a real HTTP server on loopback that answers, fails, dawdles, or is not there."""

import contextlib
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from funnel_etl.observe.alerts.delivery import NO_CONNECTION, UNANSWERED, _hushed, _sending, redacted, send, split_urls
from funnel_etl.observe.alerts.messages import Message
from funnel_etl_tests.receiver import Receiver

pytestmark = pytest.mark.slow

TEST = Message(
    "funnel_etl: a run failed", "- raw/crm_sales: it could not be had\n  → the engineer: resolve it", "failure"
)


@pytest.fixture(autouse=True)
def none_goes_on() -> Iterator[None]:
    """A send that was given up goes on for a while, and hushes the logs as long."""
    yield
    deadline = time.monotonic() + 20
    while _sending and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


def test_a_message_arrives_whole_and_is_said_to_be_accepted(receiver: Receiver) -> None:
    assert send(receiver.url, TEST) is None
    assert receiver.subjects == [TEST.subject]
    assert receiver.taken[0]["message"] == TEST.body
    assert receiver.taken[0]["type"] == "failure"


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_an_answer_that_is_no_success_is_not_taken_for_one(receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert send(receiver.url, TEST) == f"it answered {status}"
    receiver.status = 200
    assert send(receiver.url, TEST) is None


def test_nobody_who_listens_is_told(closed_port: int) -> None:
    assert send(f"json://127.0.0.1:{closed_port}/s3cr3t", TEST) == NO_CONNECTION


def test_a_server_that_takes_its_time_is_waited_for(receiver: Receiver) -> None:
    receiver.seconds = 5
    assert send(receiver.url, TEST) is None


def test_of_a_server_that_takes_a_message_and_says_nothing_it_is_told_that_it_may_have_it(receiver: Receiver) -> None:
    receiver.seconds = 3
    assert send(f"{receiver.url}?rto=0.3", TEST) == UNANSWERED
    assert receiver.tried == 1


def test_whatever_an_address_does_the_pass_goes_on_after_its_time(receiver: Receiver) -> None:
    receiver.seconds = 2
    assert send(receiver.url, TEST, seconds=0.5) == UNANSWERED


def test_before_it_is_connected_nothing_has_arrived() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent:
        port = silent.getsockname()[1]
        assert send(f"jsons://127.0.0.1:{port}?cto=0.3", TEST) == NO_CONNECTION, "the handshake of TLS gets no answer"
        with contextlib.ExitStack() as waiting, contextlib.suppress(TimeoutError):
            for _ in range(9):  # until no more are let wait
                waiting.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.2))
        # The queue stays full: what waits in it is never accepted.
        assert send(f"json://127.0.0.1:{port}?cto=0.3", TEST) == NO_CONNECTION
        assert send(f"json://127.0.0.1:{port}?cto=3", TEST, seconds=0.5) == NO_CONNECTION


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("nosuch://s3cr3t@example.org/s3cr3t", id="unknown_scheme"),
        pytest.param("slack://s3cr3t", id="too_short_for_its_service"),
        pytest.param("s3cr3t", id="no_address_at_all"),
        pytest.param("json://", id="no_host"),
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_its_text(url: str) -> None:
    why = send(url, TEST)
    assert why is not None
    assert why.startswith("apprise cannot read this address")
    assert "s3cr3t" not in why + redacted(url)


def test_no_log_of_anybody_holds_the_secret_of_an_address(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("apprise", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    for status in (200, 500):
        receiver.status = status
        send(receiver.url, TEST)
    send(f"nosuch://robot:{receiver.secret}@example.org", TEST)
    assert receiver.tried == 2
    shown = capfd.readouterr()
    assert receiver.secret not in caplog.text + shown.out + shown.err
    assert logging.getLogger("urllib3").level == logging.DEBUG, "and it is left as it was"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        pytest.param("json://a/1", ["json://a/1"], id="one"),
        pytest.param("json://a/1,slack://b/2", ["json://a/1", "slack://b/2"], id="comma"),
        pytest.param("json://a/1 , slack://b/2,", ["json://a/1", "slack://b/2"], id="comma_and_blanks"),
        pytest.param("\n json://a/1\n\tslack://b/2\n", ["json://a/1", "slack://b/2"], id="lines"),
        pytest.param(
            "mailto://u:p@h?to=a@x,b@y,json://c", ["mailto://u:p@h?to=a@x,b@y", "json://c"], id="comma_inside"
        ),
        pytest.param("json://a/1 json://a/1", ["json://a/1"], id="twice"),
        pytest.param("nonsense json://a/1", ["nonsense", "json://a/1"], id="one_without_a_scheme_spoils_no_other"),
        pytest.param("  ", [], id="nothing"),
    ],
)
def test_addresses_are_separated_by_blanks_lines_and_commas_before_a_scheme(text: str, urls: list[str]) -> None:
    assert split_urls(text) == urls


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("json://robot:s3cr3t@127.0.0.1:8080/s3cr3t?k=s3cr3t", "json://127.0.0.1", id="http"),
        pytest.param("mailtos://me:s3cr3t@mail.example.org?to=a@b.c", "mailtos://mail.example.org", id="mail"),
        pytest.param("json://chat:8080/s3cr3t", "json://chat", id="a_host_of_one_word"),
        pytest.param("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://…", id="token_as_host"),
        pytest.param("tgram://123456789:AAF-s3cr3t/12315544/", "tgram://…", id="token_with_a_colon"),
        pytest.param("pbul://o.gn5kj6nfhv736I7jC3cj3QLRiyhgl98b", "pbul://…", id="token_with_a_point"),
        pytest.param("gchat://workspace/key/token", "gchat://…", id="google_chat"),
        pytest.param("json://[::1]:80/s3cr3t", "json://::1", id="ipv6"),
        pytest.param("json://[bad/s3cr3t", "json://…", id="broken"),
    ],
)
def test_of_an_address_only_scheme_and_host_are_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_two_sends_at_once_leave_the_levels_of_all_logs_as_they_were() -> None:
    """One may be given up, and end after another began and ended."""
    logger = logging.getLogger("urllib3.util.retry")
    before = logger.level
    first, second = _hushed(), _hushed()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logger.level == logging.CRITICAL
    second.__exit__(None, None, None)
    assert logger.level == before
