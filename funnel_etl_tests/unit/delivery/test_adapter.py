"""One request to WebEngage on real sockets: what leaves, what is answered, and that it ends."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from funnel_etl.core.errors import ConfigError
from funnel_etl.delivery.calls import Call
from funnel_etl.delivery.keys import sha256_hex
from funnel_etl.delivery.outcome import Accepted, NotNow, Outcome, Refused, Unknown
from funnel_etl.delivery.rows import Delivery
from funnel_etl.delivery.webengage.adapter import WebEngage, adapter_of
from funnel_etl.delivery.webengage.requests_made import call_of
from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import FakeWebEngage
from funnel_etl.settings import Settings

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
KEY = "s3cr3t-key"
PAYLOAD = '{"eventData":{"WebinarName":"आशा"},"eventName":"Plutus Webinar Attended","userId":"919876512345"}'


def call() -> Call:
    row = Delivery(
        delivery_key=sha256_hex("k"),
        destination="webengage",
        account="in~demo",
        object="event",
        kind="attended",
        effect="guarded",
        request_id=sha256_hex("k")[:32],
        planned_at=NOW,
        changed_at=NOW,
        payload=PAYLOAD,
        payload_sha256=sha256_hex(PAYLOAD),
    )
    return call_of([row], is_bulk=False)


def sent(url: str, seconds: float = 5.0) -> Outcome:
    return WebEngage(url, "in~demo", KEY, {}).send(call(), seconds)


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(lambda: FakeWebEngage(KEY)) as made:
        yield made


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads a request whole, and then does as it is told."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            data = b""
            while PAYLOAD.encode()[-20:] not in data:
                data += connection.recv(65536)
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    with listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_the_bytes_the_path_and_the_headers_are_those_of_the_call(fake: Fake) -> None:
    assert isinstance(sent(fake.url), Accepted)
    [request] = fake.log
    assert (request["method"], request["path"]) == ("POST", "/v1/accounts/in~demo/events")
    assert request["body"] == PAYLOAD
    headers = request["headers"]
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == sha256_hex("k")[:32]
    assert int(headers["content-length"]) == len(PAYLOAD.encode())


@pytest.mark.parametrize(
    ("do", "reason"), [("drop_before", "reset"), ("drop_after", "reset"), ("truncate", "truncated")]
)
def test_a_connection_that_breaks_off_is_unknown(fake: Fake, do: str, reason: str) -> None:
    fake.misbehave([{"do": do}])
    outcome = sent(fake.url)
    assert isinstance(outcome, Unknown)
    assert outcome.reason == reason
    assert len(fake.log) == 1


def test_an_answer_that_is_late_is_unknown_and_the_call_ends_in_time(fake: Fake) -> None:
    fake.misbehave([{"do": "delay", "seconds": 3}])
    began = time.monotonic()
    outcome = sent(fake.url, seconds=1.0)
    assert time.monotonic() - began < 2
    assert isinstance(outcome, Unknown)
    assert outcome.reason == "timeout"


def test_an_answer_that_drips_a_byte_at_a_time_ends_in_time() -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    with answering(drip) as url:
        began = time.monotonic()
        outcome = sent(url, seconds=1.0)
        assert time.monotonic() - began < 2
    assert isinstance(outcome, Unknown)


def test_what_does_not_listen_was_not_sent(closed_port: int) -> None:
    outcome = sent(f"http://127.0.0.1:{closed_port}")
    assert isinstance(outcome, NotNow)
    assert outcome.http_status is None


def test_a_name_that_is_none_and_a_server_without_tls_were_not_sent(fake: Fake) -> None:
    assert isinstance(sent("https://name-that-is-none.invalid"), NotNow)
    assert isinstance(sent(fake.url.replace("http://", "https://")), NotNow)
    assert fake.log == []


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(fake: Fake) -> None:
    with Fake(lambda: FakeWebEngage(KEY)) as other:
        fake.misbehave([{"do": "status", "status": 307, "headers": {"Location": f"{other.url}/v1/x"}}])
        assert isinstance(sent(fake.url), Unknown)
        assert other.log == []


def test_a_netrc_does_not_replace_the_login(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert isinstance(sent(fake.url), Accepted)


def test_a_proxy_of_the_environment_does_not_see_what_goes_to_this_machine(
    fake: Fake, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("NO_PROXY", "")
    assert isinstance(sent(fake.url), Accepted)


def test_a_huge_answer_is_read_to_its_limit(fake: Fake) -> None:
    fake.misbehave([{"do": "status", "status": 200, "body": "x" * 3_000_000}])
    assert isinstance(sent(fake.url), Unknown)


def test_what_the_answer_repeats_of_a_person_is_not_told(fake: Fake) -> None:
    body = {"response": {"status": "error", "message": f"{KEY} 919876512345 आशा in~demo x@example.org"}}
    fake.misbehave([{"do": "status", "status": 400, "body": body}])
    outcome = sent(fake.url)
    assert isinstance(outcome, Refused)
    assert outcome.message == "400 … … … … …"


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(WebEngage("https://api.example.org", "in~demo", KEY, {}))


@pytest.mark.parametrize("missing", ["webengage_licence", "webengage_key"])
def test_without_licence_or_key_nothing_can_be_sent_and_a_preview_needs_neither(missing: str, tmp_path: Path) -> None:
    given = {"webengage_licence": "in~demo", "webengage_key": KEY} | {missing: None}
    settings = Settings(home=tmp_path, **given)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=f"FUNNEL_{missing.upper()}"):
        adapter_of(settings, must_send=True)
    assert adapter_of(settings, must_send=False).destination == "webengage"


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("https://api.in.webengage.com", True),
        ("https://api.ksa.webengage.com/", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080/", True),
        ("http://api.in.webengage.com", False),
        ("http://127.0.0.1.example.org", False),
        ("https://user:secret@api.in.webengage.com", False),
        ("https://api.in.webengage.com/v1", False),
        ("ftp://127.0.0.1", False),
    ],
)
def test_only_https_or_this_machine_gets_the_key(url: str, is_good: bool, tmp_path: Path) -> None:
    if is_good:
        assert not Settings(home=tmp_path, webengage_url=url).webengage_url.endswith("/")
    else:
        with pytest.raises(ValidationError):
            Settings(home=tmp_path, webengage_url=url)
