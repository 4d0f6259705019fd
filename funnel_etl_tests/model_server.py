"""A real HTTP server on loopback that answers as a model does, and misbehaves on request."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Reply = Callable[[dict[str, Any]], Any]
"""Gives of what was asked (subject, body, facts) the content of the answer: a dict, or any text."""


def kinder(data: dict[str, Any]) -> dict[str, str]:
    """Return the mail with one harmless line more."""
    first, rest = data["body"].split("\n", 1)
    line = "hum khush hain ki aap yahan hain." if data["language"] == "hinglish" else "it is good to have you with us."
    return {"subject": data["subject"], "body": f"{first}\n\n{line}\n{rest.lstrip()}"}


@dataclass
class FakeModel:
    """What came, and how the next ones are answered: by `reply`, unless `faults` holds one that comes first.

    A fault: ("status", code, headers), ("cut",), ("drip", seconds), ("raw", bytes), ("close",).
    """

    reply: Reply = kinder
    faults: list[tuple[Any, ...]] = field(default_factory=list)
    always: tuple[Any, ...] | None = None
    usage: Any = field(default_factory=lambda: {"prompt_tokens": 500, "completion_tokens": 100})
    pause: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    most_at_once: int = 0

    def __enter__(self) -> Self:
        fake = self
        lock = threading.Lock()
        now = [0]

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    now[0] += 1
                    fake.most_at_once = max(fake.most_at_once, now[0])
                    fake.asked.append(body)
                    fake.keys.append(self.headers.get("Authorization"))
                    fault = fake.faults.pop(0) if fake.faults else fake.always
                try:
                    time.sleep(fake.pause)
                    self._answer(fault, body)
                except OSError:
                    pass  # who asked has gone
                finally:
                    with lock:
                        now[0] -= 1

            def _answer(self, fault: tuple[Any, ...] | None, body: dict[str, Any]) -> None:
                kind = fault[0] if fault else "reply"
                data = fault[1] if kind == "raw" and fault else fake.answer(body)
                if kind == "close":
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send_response(fault[1] if kind == "status" and fault else 200)
                for name, value in (fault[2] if kind == "status" and fault and len(fault) > 2 else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if kind == "drip" and fault:
                    for byte in data:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(fault[1])
                elif kind == "cut":
                    self.wfile.write(data[: len(data) // 2])
                    self.close_connection = True
                else:
                    self.wfile.write(data)

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
        """Its address, as FUNNEL_LLM_URL has it."""
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def answer(self, body: dict[str, Any]) -> bytes:
        """Return the answer to a request, as OpenAI's server writes it."""
        content = self.reply(json.loads(body["messages"][1]["content"]))
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return json.dumps({"id": "a1", "choices": [choice], "usage": self.usage}, ensure_ascii=False).encode()

    @property
    def text(self) -> str:
        """All that was asked, as text."""
        return json.dumps(self.asked, ensure_ascii=False)
