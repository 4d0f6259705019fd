"""A real HTTP server on loopback that answers as each test scripts it, and an empty landing archive."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from funnel_etl.sources.archive.landing import Landing


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def handle(self) -> None:
        with contextlib.suppress(ConnectionResetError):  # shut at a deadline
            super().handle()

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        self.answer()

    def do_CONNECT(self) -> None:
        self.answer()

    def answer(self) -> None:
        answers = self.server.answers[self.path.partition("?")[0]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a head (underscores in names are dashes) and a body; a header given empty is left out."""
        self.send_response(status)
        sent = {"Content-Type": "text/csv", "Content-Length": str(len(body))}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in sent.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Callable[[Any], None]]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def script(self, path: str, *answers: Callable[[Any], None]) -> str:
        """Return these answers on the path, one a request, the last one for ever; return the address."""
        self.answers[path] = list(answers)
        return self.url(path)


@pytest.fixture
def start_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Server]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    servers: list[Server] = []

    def start() -> Server:
        server = Server()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def server(start_server: Callable[[], Server]) -> Server:
    return start_server()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")
