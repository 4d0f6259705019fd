"""What all fakes share: requests on loopback, a log, a clock, faults by order. What a request does is the fake's own.

GET /__admin/log, /__admin/state; POST /__admin/reset, /__admin/clock {"plus_seconds": N}, /__admin/faults [{"match":
{"method", "path_re", "body_re"}, "times": k, "skip": k, "do": …, "status", "headers", "body", "seconds"}]. `do`: status
and garbage answer without acting, drop_before closes without acting, drop_after acts and closes, delay acts and answers
late, truncate acts and cuts the answer.
"""

import contextlib
import json
import re
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self

GARBAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>\n"


@dataclass(frozen=True)
class Reply:
    """An answer: status, content, headers."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)


class Behaviour(Protocol):
    """What a fake does. It is called by one request at a time."""

    def act(self, method: str, path: str, headers: dict[str, str], body: bytes, now: datetime) -> Reply:
        """Do what a request asks for."""

    def state(self) -> dict[str, Any]:
        """Return the effects so far."""


@dataclass
class _Fault:
    match: dict[str, str]
    do: str
    times: int = 1
    skip: int = 0
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0

    def fits(self, method: str, path: str, body: bytes) -> bool:
        """Whether it is meant for a request, and not used up."""
        if self.times <= 0 or self.match.get("method", method) != method:
            return False
        text = body.decode("utf-8", "replace")
        fits = re.search(self.match.get("path_re", ""), path) and re.search(self.match.get("body_re", ""), text)
        if not fits:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Fake:
    """A fake that serves on 127.0.0.1, on a free port, while the `with` block lasts. `make`: its behaviour anew."""

    def __init__(self, make: Any, port: int = 0) -> None:
        self._make = make
        self.guard = threading.Lock()
        self.reset()
        handler = type("FakeHandler", (_Handler,), {"fake": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="fake", daemon=True)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def port(self) -> int:
        """The port."""
        return int(self._server.server_address[1])

    def reset(self) -> None:
        """Forget effects, log, clock and faults."""
        self.behaviour: Behaviour = self._make()
        self.log: list[dict[str, Any]] = []
        self.faults: list[_Fault] = []
        self.ahead = timedelta()

    @property
    def now(self) -> datetime:
        """The time by its clock."""
        return datetime.now(UTC) + self.ahead

    def misbehave(self, faults: list[dict[str, Any]]) -> None:
        """Do wrong what these say, in this order."""
        self.faults += [
            _Fault(match=one.get("match", {}), **{k: v for k, v in one.items() if k != "match"}) for one in faults
        ]

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def serve(self) -> None:
        """Serve until the program ends."""
        self._thread.start()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, but not that the client has gone: senders are killed on purpose."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    fake: Fake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self._answer("GET")

    def do_POST(self) -> None:
        """Answer."""
        self._answer("POST")

    def do_PUT(self) -> None:
        """Answer."""
        self._answer("PUT")

    def do_PATCH(self) -> None:
        """Answer."""
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path
        if path.startswith("/__admin/"):
            self._send(self._administer(method, path.removeprefix("/__admin/"), body))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        fake = self.fake
        with fake.guard:
            fake.log.append(
                {
                    "n": len(fake.log) + 1,
                    "at": fake.now.isoformat(),
                    "method": method,
                    "path": path,
                    "headers": headers,
                    "body": body.decode("utf-8", "replace"),
                }
            )
            fault = next((one for one in fake.faults if one.fits(method, path, body)), None)
            acts = fault is None or fault.do in {"drop_after", "delay", "truncate"}
            reply = fake.behaviour.act(method, path, headers, body, fake.now) if acts else None
        self._misbehave(fault, reply)

    def _misbehave(self, fault: _Fault | None, reply: Reply | None) -> None:
        if fault is not None and fault.do in {"drop_before", "drop_after"}:
            self._close()
        elif fault is not None and fault.do == "status":
            content = {} if fault.body is None else fault.body
            self._send(Reply(fault.status, content, fault.headers))
        elif fault is not None and fault.do == "garbage":
            self._send(Reply(fault.status if fault.status != 503 else 200, GARBAGE, {"Content-Type": "text/html"}))
        elif fault is not None and fault.do == "delay":
            time.sleep(fault.seconds)
            self._send(reply)
        elif fault is not None and fault.do == "truncate":
            self._send(reply, cut=True)
        else:
            self._send(reply)

    def _administer(self, method: str, name: str, body: bytes) -> Reply:
        fake = self.fake
        with fake.guard:
            if (method, name) == ("GET", "log"):
                return Reply(200, list(fake.log))
            if (method, name) == ("GET", "state"):
                return Reply(200, fake.behaviour.state())
            if method == "POST" and name == "reset":
                fake.reset()
            elif method == "POST" and name == "clock":
                fake.ahead += timedelta(seconds=json.loads(body)["plus_seconds"])
            elif method == "POST" and name == "faults":
                fake.misbehave(json.loads(body))
            else:
                return Reply(404, {})
            return Reply(200, {})

    def _send(self, reply: Reply | None, *, cut: bool = False) -> None:
        if reply is None:
            return
        data = reply.content if isinstance(reply.content, bytes) else _data(reply.content)
        with contextlib.suppress(OSError):  # who asked may have hung up
            self.send_response(reply.status)
            for name, value in ({"Content-Type": "application/json"} | reply.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self._close()

    def _close(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: it has a log of its own."""


def _data(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else json.dumps(content, ensure_ascii=False).encode()
