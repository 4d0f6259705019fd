"""One request to WebEngage, and what came of it. No retry, no redirect, no second thought: that is the engine's.

Each call has a connection of its own: one that idled and was closed by the other side would look like a lost answer.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from funnel_etl.core.errors import ConfigError
from funnel_etl.delivery.calls import Call
from funnel_etl.delivery.contracts import WEBENGAGE
from funnel_etl.delivery.outcome import Answer, Fault, Outcome, of_answer, of_fault
from funnel_etl.delivery.rows import Delivery
from funnel_etl.delivery.webengage.requests_made import BULK, GDPR, SINGLE, call_of, calls_of
from funnel_etl.settings import Settings
from funnel_etl.sources.connect.transport import Deadline, DeadlineAdapter

CONNECT_SECONDS, READ_SECONDS = 10.0, 30.0
MOST_BYTES = 1 << 20
"""Of an answer; WebEngage's has a hundred."""
GDPR_PER_MINUTE = 90
"""Erasures a minute; WebEngage allows 100."""
MASKED_KEY = "Bearer ‹secret›"
STOPPED = (
    "look whether FUNNEL_WEBENGAGE_KEY is the key of a service account with the role Data Ingestion, and whether "
    "FUNNEL_WEBENGAGE_LICENCE and FUNNEL_WEBENGAGE_URL (the data centre) are those of its account; then run "
    "funnel-etl deliver run again"
)
_RESET_WORDS = "the connection broke off before a whole answer"


@dataclass(frozen=True)
class WebEngage:
    """An account of WebEngage. `key` may be None where nothing is sent, as in a preview."""

    url: str
    account: str
    key: str | None = field(repr=False)
    paces: dict[str, int]
    destination: str = WEBENGAGE
    title: str = "WebEngage"
    stopped: str = STOPPED

    def calls(self, rows: Sequence[Delivery], *, in_bulk: bool) -> list[Call]:
        """Return the requests of rows of one object, in the order of sending."""
        return calls_of(rows, in_bulk=in_bulk)

    def call(self, rows: Sequence[Delivery], *, is_bulk: bool) -> Call:
        """Return the one request of these rows."""
        return call_of(rows, is_bulk=is_bulk)

    def path(self, call: Call) -> str:
        """Return the path of a request."""
        return f"/v1/accounts/{self.account}/{call.path}"

    def headers(self, call: Call) -> dict[str, str]:
        """Return the headers of a request, but for the key, which is masked."""
        return {
            "Authorization": MASKED_KEY,
            "Content-Type": "application/json",
            "x-request-id": call.request_id,
        }

    def send(self, call: Call, seconds: float) -> Outcome:
        """Make the request; returns what came of it, after so many seconds at most. Raises nothing the network does."""
        now, ends = datetime.now(UTC), time.monotonic() + seconds
        with Deadline(ends) as deadline, requests.Session() as session:
            adapter = DeadlineAdapter(deadline)
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            # To this machine nothing goes by a proxy; to the outside as all else goes.
            session.trust_env = not self.url.startswith("http://")
            headers = {name: value for name, value in self.headers(call).items() if name != "Authorization"}
            try:
                with session.post(
                    f"{self.url}{self.path(call)}",
                    data=call.body.encode(),
                    headers=headers | {"User-Agent": "funnel_etl", "Accept": "application/json"},
                    auth=_Bearer(self.key or ""),
                    timeout=(min(CONNECT_SECONDS, seconds), min(READ_SECONDS, seconds)),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    body = _read(response)
                    answer = Answer(response.status_code, dict(response.headers), body)
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                return of_fault(*_fault(error, is_connected=deadline.is_connected, is_over=time.monotonic() >= ends))
        return of_answer(answer, now, hide=[self.key or "", self.account, *_texts(call)])


class _Bearer(AuthBase):
    """The login. As an object, because requests would let a .netrc replace a plain header."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def _read(response: requests.Response) -> bytes:
    """Return the whole body. Raises what requests raises for one that is cut off; one that is too long is cut here."""
    body: bytes = b""
    for piece in response.iter_content(64 * 1024):
        body += piece
        if len(body) > MOST_BYTES:
            return body[:MOST_BYTES]
    return body


def _fault(error: Exception, *, is_connected: bool, is_over: bool) -> tuple[Fault, str]:
    """Return why there is no answer. The error's own text is not told: it may hold the address with its account."""
    if not is_connected:
        return Fault.NOT_SENT, f"no connection ({type(error).__name__}); nothing was sent"
    if is_over or isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return Fault.TIMEOUT, "no answer in time"
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)):
        return Fault.TRUNCATED, "the answer was cut off"
    return Fault.RESET, _RESET_WORDS


def _texts(call: Call) -> Iterator[str]:
    """Yield the texts of a request that may name a person: an answer may repeat them."""
    content: list[Any] = [json.loads(call.body)]
    while content:
        each = content.pop()
        if isinstance(each, dict):
            content += each.values()
        elif isinstance(each, list):
            content += each
        elif isinstance(each, str):
            yield each


def adapter_of(settings: Settings, *, must_send: bool) -> WebEngage:
    """Return the account of the settings. Raises `ConfigError` if it `must_send`, and licence or key are not set."""
    for name in ("webengage_licence", "webengage_key") if must_send else ():
        if not getattr(settings, name):
            raise ConfigError(
                "it is not set, and nothing can be sent without it",
                where=f"FUNNEL_{name.upper()}",
                fix="set it (docs/settings.md), or empty FUNNEL_DELIVERY",
            )
    singles = settings.webengage_per_minute
    paces = {f"users-{SINGLE}": singles, f"events-{SINGLE}": singles, BULK: settings.webengage_bulk_per_minute}
    return WebEngage(
        settings.webengage_url,
        settings.webengage_licence or "",
        settings.webengage_key.get_secret_value() if settings.webengage_key else None,
        paces | {GDPR: GDPR_PER_MINUTE},
    )
