"""A CRM on loopback: real HTTP, a bearer token, the two dumps of a folder. For the demo and for tests."""

import hmac
import shutil
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

DUMPS = {"/assigned_leads.csv": "crm_assigned_leads.csv", "/sales.csv": "crm_sales.csv"}
"""Paths and the files of the folder behind them."""
LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>\n"


class LoopbackCrm:
    """Serves the dumps of `folder` on 127.0.0.1, on a free port, while the `with` block lasts.

    Without `Authorization: Bearer <token>` every path answers 401 with a login page in HTML.
    """

    def __init__(self, folder: Path, token: str) -> None:
        handler = type("CrmHandler", (_Handler,), {"folder": folder, "token": token})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="loopback-crm", daemon=True)
        self.token = token

    @property
    def url(self) -> str:
        """The address, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def assigned_leads_url(self) -> str:
        """The address of the dump of assignments."""
        return f"{self.url}/assigned_leads.csv"

    @property
    def sales_url(self) -> str:
        """The address of the dump of sales."""
        return f"{self.url}/sales.csv"

    def __enter__(self) -> Self:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    folder: Path
    token: str
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a dump, a login page, or 404."""
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            self._page(HTTPStatus.UNAUTHORIZED, LOGIN_PAGE)
            return
        file = self.folder / DUMPS.get(self.path.partition("?")[0], "")
        if not file.is_file():
            self._page(HTTPStatus.NOT_FOUND, b"<!DOCTYPE html><html><body><h1>Not found</h1></body></html>\n")
            return
        with file.open("rb") as dump:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/csv; charset=utf-8")
            self.send_header("Content-Length", str(file.stat().st_size))
            self.end_headers()
            shutil.copyfileobj(dump, self.wfile, 64 * 1024)

    def _page(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the demo's own progress is what people read."""
