"""One question to a model over HTTP, as OpenAI's chat completions take it, and what came of it. Raises nothing.

Plain HTTP: the answer's bytes are what is landed, and a time limit holds over the whole of it (decision 37). Here:
trying again, limits, what went wrong in a word. Not here: what is asked, and what an answer may say.
"""

import time
from dataclasses import dataclass, field

import requests
import urllib3
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader

from funnel_etl.settings import Settings
from funnel_etl.sources.connect.transport import Deadline, DeadlineAdapter

ANSWERED, NOT_CONNECTED, TIMEOUT, CUT, TOO_LONG = "answered", "not_connected", "timeout", "cut", "too_long"
TRIES = 3
CONNECT_SECONDS = 10.0
LONGEST_WAIT = 60.0
"""Seconds; a server that asks for a longer pause is not asked again tonight."""
MOST_BYTES = 64 * 1024
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LOGIN = frozenset({401, 402, 403, 404})


@dataclass(frozen=True)
class ModelAnswer:
    """What came of a question. `outcome`: answered, or in a word why not; `tries` were made, in `seconds`.

    `lost`: tries that were sent and brought nothing whole back: whoever answers may have counted them.
    """

    outcome: str
    data: bytes = b""
    tries: int = 0
    seconds: float = 0.0
    lost: int = 0

    @property
    def is_answered(self) -> bool:
        """Whether a whole answer came."""
        return self.outcome == ANSWERED

    @property
    def is_hopeless(self) -> bool:
        """Whether no other question would be answered either: the login, the address or the model's name is wrong."""
        return self.outcome in {f"http_{status}" for status in _LOGIN} or self.outcome.startswith("http_3")


@dataclass(frozen=True)
class ModelServer:
    """A server that answers as OpenAI's does. `pause`: seconds before the second try; the third waits twice."""

    url: str
    model: str
    key: str | None = field(repr=False)
    seconds: float
    pause: float = 1.0

    def ask(self, body: bytes, ends: float) -> ModelAnswer:
        """Ask until there is an answer, three times at most, and not after `ends` (of the monotonic clock)."""
        began, lost, last = time.monotonic(), 0, ModelAnswer(TIMEOUT)
        for number in range(1, TRIES + 1):
            last, wait = self._try(body, min(ends, time.monotonic() + self.seconds))
            lost += last.lost
            is_last = last.outcome not in {f"http_{status}" for status in _AGAIN} | {NOT_CONNECTED, TIMEOUT, CUT}
            wait = self.pause * 2 ** (number - 1) if wait is None else wait
            is_too_long = wait > LONGEST_WAIT or time.monotonic() + wait >= ends
            if is_last or is_too_long or number == TRIES:
                break
            time.sleep(wait)
        return ModelAnswer(last.outcome, last.data, number, time.monotonic() - began, lost)

    def _try(self, body: bytes, ends: float) -> tuple[ModelAnswer, float | None]:
        """Make one request; returns what came, and how long the server asks to wait."""
        left = max(0.01, ends - time.monotonic())
        with Deadline(ends) as deadline, requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, DeadlineAdapter(deadline))
            # To this machine nothing goes by a proxy; to the outside as all else goes.
            session.trust_env = not self.url.startswith("http://")
            try:
                with session.post(
                    f"{self.url}/chat/completions",
                    data=body,
                    headers={
                        "Content-Type": "application/json",
                        "Accept": "application/json",
                        "User-Agent": "funnel_etl",
                    },
                    auth=_Bearer(self.key),
                    timeout=(min(CONNECT_SECONDS, left), left),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    wait = _asked_pause(response)
                    if response.status_code != requests.codes.ok:
                        return ModelAnswer(f"http_{response.status_code}"), wait
                    data = b""
                    for piece in response.iter_content(64 * 1024):
                        data += piece
                        if len(data) > MOST_BYTES:
                            return ModelAnswer(TOO_LONG, lost=1), None
                    if time.monotonic() >= ends:  # the deadline shut it: what came may be cut
                        return ModelAnswer(TIMEOUT, lost=1), None
                    return ModelAnswer(ANSWERED, data), None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                is_over = time.monotonic() >= ends or isinstance(error, requests.Timeout) or "timed out" in str(error)
                if not deadline.is_connected:
                    return ModelAnswer(NOT_CONNECTED), None
                return ModelAnswer(TIMEOUT if is_over else CUT, lost=1), None


def _asked_pause(response: requests.Response) -> float | None:
    """Return the seconds of Retry-After, which may be a date; None where it asks for nothing that can be read."""
    try:
        return urllib3.Retry().parse_retry_after(response.headers.get("Retry-After", ""))
    except InvalidHeader:
        return None


class _Bearer(AuthBase):
    """The login. As an object, because requests would let a .netrc replace a plain header."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def model_server(settings: Settings) -> ModelServer | None:
    """Return the server of the settings; None: no model is set, or no address of it."""
    if not settings.llm_model or not settings.llm_url:
        return None
    key = settings.llm_key.get_secret_value() if settings.llm_key else None
    return ModelServer(settings.llm_url, settings.llm_model.strip(), key, settings.llm_seconds)
