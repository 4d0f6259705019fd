"""A real HTTP server on loopback that takes alerts as a chat service does, and misbehaves on request."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass
class Receiver:
    """What came, and how the next ones are answered: `status` after `seconds`."""

    secret: str = "s3cr3t-token"
    status: int = 200
    seconds: float = 0.0
    taken: list[dict[str, Any]] = field(default_factory=list)
    tried: int = 0

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.tried += 1
                status = receiver.status
                time.sleep(receiver.seconds)
                if status == 200:
                    receiver.taken.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        """Its address for apprise, with a user and a secret in it."""
        return f"json://robot:{self.secret}@127.0.0.1:{self.server.server_address[1]}/hooks/{self.secret}"

    @property
    def subjects(self) -> list[str]:
        """The subjects of what came."""
        return [str(each["title"]) for each in self.taken]

    @property
    def text(self) -> str:
        """All that came, as text."""
        return json.dumps(self.taken, ensure_ascii=False)

    def of(self, subject: str) -> list[str]:
        """Return the bodies of what came with such a subject."""
        return [str(each["message"]) for each in self.taken if subject in str(each["title"])]

    def clear(self) -> None:
        """Forget what came."""
        self.taken.clear()
        self.tried = 0
