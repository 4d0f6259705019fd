"""Servers of tests: places for PostgreSQL, statements for those who administer it, and a web server of one page."""

import os
import shutil
import socket
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from funnel_etl.platform.postgres import database


def new_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def new_folder() -> Path:
    """A folder that PostgreSQL's OS user can enter, as pytest's own cannot be when the tests run as root.

    In memory if there is plenty: making and deleting a data folder takes a second on some disks.
    """
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes its own folder in it
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 2**30
    folder = Path(tempfile.mkdtemp(prefix="funnel-etl-test-", dir=memory if roomy else None))
    folder.chmod(0o711)
    return folder


def ask(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    """Run a statement in a transaction of its own; returns its rows, if it gives any."""
    with engine.begin() as connection:
        found = connection.execute(text(sql))
        return [tuple(row) for row in found] if found.returns_rows else []


def administer(server_url: str, *statements: str) -> None:
    """Run statements outside any transaction, as CREATE DATABASE needs."""
    engine = database.engine(server_url)
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


class _Page(BaseHTTPRequestHandler):
    body: bytes

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class serving:  # noqa: N801 - reads as what it does
    """Answer every request on loopback with a page and status 200; returns the address."""

    def __init__(self, body: bytes) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Page", (_Page,), {"body": body}))

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
