"""From an answer, or the lack of one, to what became of a call. Pure: knows no HTTP library and no ledger.

Sections 5 and 6.4 of the design: what was certainly not sent, what was answered, and all else, which is unknown.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

LONGEST_WAIT = 300.0
"""Seconds that an answer may ask us to wait; longer counts as so long."""
MESSAGE_LENGTH = 300
GUARD = timedelta(hours=3, minutes=30)
"""How long a guarded effect may be repeated under its id: half an hour less than WebEngage drops repeats for."""
SEND_AGAIN, PERSON = "send_again", "person"

_NUMBER = re.compile(r"\+?\d(?:[\s().+-]{0,2}\d){5,}")
_ADDRESS = re.compile(r"\S*@\S*")
_STOPS = {401, 403, 404, 405, 407}


class Fault(StrEnum):
    """Why there is no answer. All but NOT_SENT may have been acted on."""

    NOT_SENT = "no_connection"
    TIMEOUT = "timeout"
    RESET = "reset"
    TRUNCATED = "truncated"


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Accepted:
    """The destination took it."""

    http_status: int
    external_id: str | None = None
    name: str = "accepted"
    message: str | None = None


@dataclass(frozen=True)
class Refused:
    """The destination took nothing of it, and will not."""

    http_status: int
    message: str
    name: str = "refused"


@dataclass(frozen=True)
class NotNow:
    """Nothing was sent, or the destination asked to wait. `after`: seconds, None: it did not say.

    `is_rate`: too many requests, which is no attempt.
    """

    message: str
    http_status: int | None = None
    after: float | None = None
    is_rate: bool = False
    name: str = "not_now"


@dataclass(frozen=True)
class Unknown:
    """It may have been acted on. `reason`: one of the ledger's."""

    reason: str
    message: str
    http_status: int | None = None
    name: str = "unknown"


@dataclass(frozen=True)
class Stop:
    """Nothing of this run can be sent: login, address or account are wrong."""

    message: str
    http_status: int
    name: str = "stop"


Outcome = Accepted | Refused | NotNow | Unknown | Stop


def of_fault(fault: Fault, words: str) -> Outcome:
    """Return the outcome of a call without an answer."""
    if fault is Fault.NOT_SENT:
        return NotNow(words)
    return Unknown(fault.value, words)


def of_answer(answer: Answer, now: datetime, hide: Collection[str] = ()) -> Outcome:
    """Return the outcome of a complete answer of WebEngage, or of whoever answered in its place.

    `hide`: texts that the message must not hold, as the key and what the request told of a person.
    """
    status, said = answer.status, _said(answer.body)
    message = scrubbed(f"{status} {said.message}".strip(), hide)
    if status in _STOPS:
        return Stop(message, status)
    if status == 429:
        return NotNow(message, status, _after(answer.headers, now), is_rate=True)
    if status == 503 and (after := _after(answer.headers, now)) is not None:
        return NotNow(message, status, after)
    if status >= 500 or status == 408:
        return Unknown("server_error", message, status)
    if status >= 400:
        return Refused(status, message)
    if status >= 300 or said.status is None:
        return Unknown("not_an_answer", f"{status}, and not what WebEngage answers", status)
    if said.status == "error":
        return Refused(status, message)
    return Accepted(status)


def after_unknown(effect: str, first_sent_at: datetime | None, now: datetime) -> str:
    """Return what to do about an effect that may have been acted on: `SEND_AGAIN`, or `PERSON`.

    By effect class; `first_sent_at` in the future counts as too long ago, because then the clock moved.
    """
    if effect == "repeatable":
        return SEND_AGAIN
    if effect == "guarded":
        return SEND_AGAIN if is_guarded_now(first_sent_at, now) else PERSON
    return PERSON


def is_guarded_now(first_sent_at: datetime | None, now: datetime) -> bool:
    """Whether the destination still drops a repeat of what may have been sent first then."""
    return first_sent_at is None or timedelta(0) <= now - first_sent_at < GUARD


def pause(attempts: int) -> timedelta:
    """Return how long a delivery that failed waits: one minute, doubling, six hours at most."""
    return min(timedelta(minutes=1 << min(max(attempts - 1, 0), 12)), timedelta(hours=6))


def next_minute(now: datetime) -> float:
    """Return the seconds until the next minute of the clock begins."""
    return 60.0 - (now.second + now.microsecond / 1e6)


def scrubbed(text: str, hide: Collection[str] = ()) -> str:
    """Return a message without secrets, long numbers and addresses, at most 300 characters."""
    for secret in sorted((each for each in hide if len(each) > 2), key=len, reverse=True):
        text = text.replace(secret, "…")
    text = _NUMBER.sub("…", _ADDRESS.sub("…", text))
    return "".join(each if each.isprintable() else " " for each in text)[:MESSAGE_LENGTH]


@dataclass(frozen=True)
class _Said:
    status: str | None = None
    message: str = ""


def _said(body: bytes) -> _Said:
    """Return status and message of `{"response": {"status": …, "message": …}}`; a status of None: it is not that."""
    try:
        content = json.loads(body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        return _Said()
    response = content.get("response") if isinstance(content, dict) else None
    if not isinstance(response, dict) or not isinstance(response.get("status"), str):
        return _Said()
    message = response.get("message")
    return _Said(response["status"], message if isinstance(message, str) else "")


def _after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of Retry-After, which may be a date; None where there is none that can be read."""
    given = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        seconds = float(given) if given.replace(".", "", 1).isdigit() else _until(given, now)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _until(given: str, now: datetime) -> float:
    moment = parsedate_to_datetime(given)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
