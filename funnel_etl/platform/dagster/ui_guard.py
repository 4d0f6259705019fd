"""The guard before the Dagster UI, which asks for no login: which requests reach it, and which are refused in one line.

It keeps the pages of other sites out: by name (`Host`), by where a request comes from, by what may change anything.
Pure ASGI. Not here: what answers a request that is let through; starting the server (`operate.web`). Decision 21.
"""

import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, NamedTuple

from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import HOST_NAME

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(rf"(?P<name>{HOST_NAME.pattern})(?::(?P<port>[0-9]{{1,5}}))?")
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<name>{HOST_NAME.pattern})(?::(?P<port>[0-9]{{1,5}}))?")
_JSON = re.compile(r"application/json(?: *; *charset=utf-8)?", re.IGNORECASE)
DEFAULT_PORT = {"http": "80", "https": "443"}

GRAPHQL = "/graphql"
CLOSED = ("report_asset_materialization", "report_asset_check", "report_asset_observation", "notebook", "dagit")
"""First parts of paths that nobody here needs: events told from outside, and notebooks."""
FILES = ("logs", "download_debug")
"""First parts of paths of downloads, which no other site links to."""

HEADERS = [
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]
"""No other site shows the UI in a frame, or reads an answer by including it."""

EVERY = 60.0
"""Seconds between two lines of the log about one reason."""

log = logging.getLogger("funnel_etl.progress")


class Refusal(NamedTuple):
    """Why a request is refused, and what to do about it. `why` holds nothing of the request, for it is logged."""

    why: str
    fix: str


SAME_SITE = "open the UI in a tab of its own; behind a proxy: let it pass on Host as the browser sent it"


class UiGuard:
    """Lets through to `app` what people and programs of this machine ask; refuses what other sites do."""

    def __init__(self, app: App, hosts: Collection[str] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self.app = app
        self.hosts = LOOPBACK | set(hosts)
        self._clock = clock
        self._said: dict[str, float] = {}
        self._unsaid: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif refused := refusal(scope, self.hosts):
            self._log(refused.why)
            await _refuse(scope, send, f"funnel_etl refused this: {refused.why}. Fix: {refused.fix}\n")
        else:
            await self.app(scope, receive, _guarded(send))

    def _log(self, why: str) -> None:
        """Log a refusal: once a minute for each reason, with how many there were since, for a page may ask for ever."""
        now = self._clock()
        if now - self._said.get(why, -EVERY) < EVERY:
            self._unsaid[why] += 1
            return
        more = f" (and {grouped(self._unsaid[why])} times since it was last said)" if self._unsaid[why] else ""
        log.info("Dagster UI: refused a request: %s%s", why, more)
        self._said[why] = now
        del self._unsaid[why]


def refusal(scope: Scope, hosts: Collection[str]) -> Refusal | None:
    """Return why a request is refused; None: it may pass."""
    host = _own_host(scope, hosts)
    if isinstance(host, Refusal):
        return host
    path = scope["path"]
    if scope["type"] == "websocket":
        if path != GRAPHQL:
            return Refusal("there is no WebSocket on that path", f"use {GRAPHQL}")
        return None if _is_same_origin(scope, host) else Refusal("another site opened a WebSocket", SAME_SITE)
    method, first = scope["method"], path.split("/")[1] if path.startswith("/") else path
    if first in CLOSED:
        return Refusal("that path of Dagster is closed here", "run the asset instead, in the UI or by funnel-etl run")
    if method in ("GET", "HEAD"):
        return _refused_reading(scope, host, first)
    if method != "POST" or path != GRAPHQL:
        return Refusal("only GET, and POST to /graphql, are answered", "use one of these")
    if len(kinds := _values(scope, b"content-type")) != 1 or not _JSON.fullmatch(kinds[0]):
        return Refusal("GraphQL is taken as JSON only", "send it with Content-Type: application/json")
    return None if _is_same_origin(scope, host) else Refusal("another site sent it", SAME_SITE)


def _own_host(scope: Scope, hosts: Collection[str]) -> re.Match[str] | Refusal:
    """Return the name and port the request was sent to, if the UI is served under that name."""
    given = _values(scope, b"host")
    found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    if found is None:
        return Refusal("it names no host", "send one Host header, a name and a port")
    if found["name"] not in hosts:
        port, name = f":{found['port']}" if found["port"] else "", found["name"][:100]
        return Refusal(
            "the UI is not served under that host name",
            f"open it as http://localhost{port}, or add {name} to FUNNEL_UI_HOSTS and start it again",
        )
    return found


def _refused_reading(scope: Scope, host: re.Match[str], first: str) -> Refusal | None:
    """Refuse GraphQL by GET, and what another site loads; a link to a page of the UI may be followed from anywhere."""
    if scope["path"] == GRAPHQL and scope["query_string"]:
        return Refusal("GraphQL is taken by POST only", "send it as JSON by POST")
    if _is_same_origin(scope, host, reading=True):
        return None
    is_link = _values(scope, b"sec-fetch-mode") == ["navigate"] and _values(scope, b"sec-fetch-dest") == ["document"]
    if is_link and first not in (*FILES, GRAPHQL[1:]) and not _values(scope, b"origin"):
        return None
    return Refusal("another site loads it", SAME_SITE)


def _is_same_origin(scope: Scope, host: re.Match[str], *, reading: bool = False) -> bool:
    """Whether all that the request says of where it comes from is the UI itself.

    A browser always says it when another site posts or opens a WebSocket; curl and the like say nothing.
    `reading`: a GET may come from nowhere (a bookmark), and says by `Referer` only where a link was.
    """
    is_http = scope["type"] == "http"  # of a WebSocket browsers disagree about Sec-Fetch-Site; all send Origin
    sites, origins, referers = (_values(scope, name) for name in (b"sec-fetch-site", b"origin", b"referer"))
    allowed = {"same-origin", "none"} if reading else {"same-origin"}
    if len(origins) > 1 or (is_http and not set(sites) <= allowed):
        return False
    said = [*origins, *(_origin_of(referer) for referer in ([] if reading else referers))]
    return all(_is_host(origin, host) for origin in said)


def _origin_of(address: str) -> str:
    return "/".join(address.split("/")[:3])


def _is_host(origin: str, host: re.Match[str]) -> bool:
    found = _ORIGIN.fullmatch(origin.lower())
    if found is None:
        return False
    default = DEFAULT_PORT[found["scheme"]]
    return (found["name"], found["port"] or default) == (host["name"], host["port"] or default)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _guarded(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *HEADERS]
        await send(message)

    return sent


async def _refuse(scope: Scope, send: Send, text: str) -> None:
    """Answer 403 with the text; a WebSocket is refused before it is open, in whatever way the server has for it."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *HEADERS]
    await send({"type": f"{kind}.start", "status": 403, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
