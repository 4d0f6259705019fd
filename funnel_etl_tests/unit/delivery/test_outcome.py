"""What became of a call, by what was answered: sections 5 and 6.4 of the design, line by line."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from funnel_etl.delivery.outcome import (
    GUARD,
    PERSON,
    SEND_AGAIN,
    Accepted,
    Answer,
    Fault,
    NotNow,
    Outcome,
    Refused,
    Stop,
    Unknown,
    after_unknown,
    next_minute,
    of_answer,
    of_fault,
    pause,
    scrubbed,
)

NOW = datetime(2026, 11, 21, 4, 30, 20, tzinfo=UTC)
QUEUED = b'{"response":{"status":"queued"}}'
ERROR = b'{"response":{"message":"Error: no.","status":"error"}}'
PAGE = b"<!DOCTYPE html><html><body>Please sign in</body></html>"


def answered(status: int, body: bytes = ERROR, **headers: str) -> Outcome:
    return of_answer(Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body), NOW)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_that_is_queued_is_accepted(status: int) -> None:
    assert isinstance(answered(status, QUEUED), Accepted)


@pytest.mark.parametrize(("status", "body"), [(400, ERROR), (413, PAGE), (422, ERROR), (200, ERROR), (409, b"")])
def test_a_4xx_or_an_error_in_a_2xx_is_refused(status: int, body: bytes) -> None:
    assert isinstance(answered(status, body), Refused)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407])
def test_a_refused_login_stops(status: int) -> None:
    assert isinstance(answered(status), Stop)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, ERROR, "server_error"),
        (502, PAGE, "server_error"),
        (503, b"", "server_error"),
        (504, b"", "server_error"),
        (408, b"", "server_error"),
        (200, PAGE, "not_an_answer"),
        (200, b"{}", "not_an_answer"),
        (204, b"", "not_an_answer"),
        (200, b'{"response":{"status":1}}', "not_an_answer"),
        (200, b'{"response":{"status":"que', "not_an_answer"),
        (200, b"[" * 100_000, "not_an_answer"),
        (302, b"", "not_an_answer"),
    ],
)
def test_what_may_have_been_acted_on_is_unknown(status: int, body: bytes, reason: str) -> None:
    outcome = answered(status, body)
    assert isinstance(outcome, Unknown)
    assert outcome.reason == reason


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2", 2.0),
        ("1.5", 1.5),
        ("9999", 300.0),
        ("Sat, 21 Nov 2026 04:30:50 GMT", 30.0),
        ("Sat, 21 Nov 2026 04:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_at_most_five_minutes(given: str, seconds: float | None) -> None:
    outcome = answered(429, Retry_After=given)
    assert isinstance(outcome, NotNow)
    assert (outcome.after, outcome.is_rate) == (seconds, True)


def test_a_503_that_says_when_was_not_sent() -> None:
    outcome = answered(503, Retry_After="7")
    assert isinstance(outcome, NotNow)
    assert (outcome.after, outcome.is_rate) == (7.0, False)


def test_only_what_had_no_connection_was_not_sent() -> None:
    assert isinstance(of_fault(Fault.NOT_SENT, "x"), NotNow)
    for fault in (Fault.TIMEOUT, Fault.RESET, Fault.TRUNCATED):
        outcome = of_fault(fault, "x")
        assert isinstance(outcome, Unknown)
        assert outcome.reason == fault.value


@pytest.mark.parametrize(
    ("effect", "ago", "then"),
    [
        ("repeatable", timedelta(days=9), SEND_AGAIN),
        ("guarded", timedelta(0), SEND_AGAIN),
        ("guarded", GUARD - timedelta(seconds=1), SEND_AGAIN),
        ("guarded", GUARD, PERSON),
        ("guarded", timedelta(seconds=-1), PERSON),
        ("blind", timedelta(0), PERSON),
    ],
)
def test_an_unknown_effect_goes_again_by_its_class(effect: str, ago: timedelta, then: str) -> None:
    assert after_unknown(effect, NOW - ago, NOW) == then


def test_a_failed_delivery_waits_a_minute_doubling_to_six_hours() -> None:
    minutes = [pause(attempts) / timedelta(minutes=1) for attempts in (0, 1, 2, 3, 9, 10, 500)]
    assert minutes == [1, 1, 2, 4, 256, 360, 360]


def test_until_the_next_minute_of_the_clock() -> None:
    assert next_minute(NOW) == 40.0


def test_a_message_holds_no_person_and_no_secret() -> None:
    told = "user 919876512345 (+91 98765-12345, asha@example.org, Asha Rao) with key s3cr3t\x00 of 2026"
    assert scrubbed(told, ["s3cr3t", "Asha", "Rao", ""]) == "user … (…, … … …) with key …  of 2026"
    assert len(scrubbed("x" * 1000)) == 300
    outcome = of_answer(Answer(400, {}, json.dumps({"response": {"status": "error", "message": told}}).encode()), NOW)
    assert "98765" not in (outcome.message or "")
