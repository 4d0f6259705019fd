import csv
import gzip
import io
import logging
import socket
import time
import traceback
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from funnel_etl.core.errors import ConfigError, FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import Auth, FetchPolicy, fetch

CSV = b"leadMobile,employee\n" + b"9876543210,A\n" * 500
PAGE = b"<!DOCTYPE html><html><body>Log in</body></html>"
CRM = ("FUNNEL_CRM_AUTH", "FUNNEL_CRM_SECRET")
SECRET = "tok3n-very-secret"
NOW = datetime(2025, 3, 1, 21, tzinfo=UTC)
QUICK = FetchPolicy(
    connect_timeout=2,
    read_timeout=2,
    deadline=5,
    retries=2,
    downloads=2,
    backoff=0.01,
    backoff_max=0.02,
    jitter=0,
)
BEARER = Auth.parse("bearer", SecretStr(SECRET), CRM)


def pull(url: str, landing: Landing, **options: Any) -> Arrival:
    options = {"source": "crm_sales", "auth": BEARER, "policy": QUICK, "clock": lambda: NOW} | options
    return fetch(url, landing=landing, **options).arrival


def refused(url: str, landing: Landing, kind: type[FunnelError] = SourceRejected, **options: Any) -> str:
    """Pull, expect exactly this kind of error, and return its one line, which shows no secret anywhere."""
    with pytest.raises(kind) as caught:
        pull(url, landing, **options)
    told = str(caught.value)
    whole = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told + repr(caught.value) + whole
    assert caught.value.transient is (kind is SourceUnavailable)
    assert "\n" not in told
    return told


def ok(handler: Any) -> None:
    handler.send(200, CSV, ETag='"7"', Set_Cookie="session=1")


def status(code: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    return lambda handler: handler.send(code, body, **headers)


def asks_for(header: str, value: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send(200, CSV) if handler.headers.get(header) == value else handler.send(401)

    return answer


def cut(handler: Any) -> None:
    handler.send(200, CSV[:3000], Content_Length=str(len(CSV)))
    handler.hang_up()


def cut_chunks(handler: Any) -> None:
    handler.send(200, b"64\r\n" + CSV[:100] + b"\r\n64\r\n" + CSV[:40], Content_Length="", Transfer_Encoding="chunked")
    handler.hang_up()


def whole_chunks(handler: Any) -> None:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CSV), CSV)
    handler.send(200, body, Content_Length="", Transfer_Encoding="chunked")


def packed(handler: Any) -> None:
    handler.send(200, gzip.compress(CSV), Content_Encoding="gzip")


def packed_twice(handler: Any) -> None:
    handler.send(200, gzip.compress(CSV[:50]) + gzip.compress(CSV[50:]), Content_Encoding="gzip")


def hush(_: Any) -> None:
    time.sleep(0.6)


def stall(handler: Any) -> None:
    handler.send(200, CSV[:100], Content_Length=str(len(CSV)))
    hush(handler)


def drip(handler: Any) -> None:
    handler.send(200, b"", Content_Length="100000")
    for _ in range(200):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.02)


def drop_before_answer(handler: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


# --- HTTP: what comes whole is landed


def test_a_pull_is_landed_with_what_matters_of_its_answer(server, landing: Landing) -> None:
    arrival = pull(server.script("/sales.csv", ok), landing)
    assert landing.read(arrival.file_id) == CSV
    assert (arrival.kind, arrival.status, arrival.http_status) == ("pull", "accepted", 200)
    assert arrival.name == server.url("/sales.csv")
    assert arrival.received_at == NOW
    assert arrival.headers["etag"] == '"7"'
    assert "set-cookie" not in arrival.headers
    assert landing.arrivals("crm_sales") == [arrival]


@pytest.mark.parametrize(
    ("answer", "headers"),
    [
        (whole_chunks, {}),
        (packed, {"content-encoding": "gzip"}),
        (packed_twice, {"content-encoding": "gzip"}),
    ],
    ids=["in chunks", "gzip", "gzip of two members"],
)
def test_the_transport_is_undone(server, landing: Landing, answer, headers: dict[str, str]) -> None:
    arrival = pull(server.script("/sales.csv", answer), landing)
    assert landing.read(arrival.file_id) == CSV
    assert headers.items() <= arrival.headers.items()


@pytest.mark.parametrize(
    ("kind", "secret", "answer"),
    [
        ("none", None, ok),
        ("bearer", SECRET, asks_for("Authorization", f"Bearer {SECRET}")),
        ("basic", "me:pw", asks_for("Authorization", "Basic bWU6cHc=")),
        ("header:X-Api-Key", SECRET, asks_for("X-Api-Key", SECRET)),
        ("query:token", SECRET, lambda h: h.send(200 if h.path.endswith(f"?token={SECRET}") else 401, CSV)),
    ],
    ids=["none", "bearer", "basic", "header", "query"],
)
def test_each_kind_of_login_is_accepted_and_a_wrong_secret_is_not(
    server, landing: Landing, kind: str, secret: str | None, answer
) -> None:
    url = server.script("/sales.csv", answer)
    arrival = pull(url, landing, auth=Auth.parse(kind, SecretStr(secret) if secret else None, CRM))
    assert arrival.name == url
    if secret:
        told = refused(url, landing, auth=Auth.parse(kind, SecretStr("me:wrong"), CRM))
        assert f"crm_sales at {url}: answered 401: is the token still valid?" in told
        assert "renew FUNNEL_CRM_SECRET" in told


def test_a_password_in_the_address_is_used_and_shown_nowhere(server, landing: Landing, tmp_path: Path) -> None:
    url = server.script("/sales.csv", asks_for("Authorization", "Basic bWU6cC93"))
    arrival = pull(url.replace("http://", "http://me:p%2Fw@"), landing, auth=Auth())
    assert arrival.name == url


def test_a_netrc_of_the_machine_is_not_used(server, landing: Landing, tmp_path: Path, monkeypatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    pull(server.script("/sales.csv", ok), landing, auth=Auth())
    assert "Authorization" not in server.seen[0][1]


# --- HTTP: what may help to be tried again


@pytest.mark.parametrize(
    "broken",
    [status(500), status(503), status(429, Retry_After="0"), cut, cut_chunks, drop_before_answer,
     lambda h: h.send(200, gzip.compress(CSV)[:-9], Content_Encoding="gzip"),
     lambda h: h.send(200, b"not gzip at all", Content_Encoding="gzip")],
    ids=["500", "503", "429", "cut off", "chunks cut off", "dropped before", "gzip cut off", "damaged gzip"],
)  # fmt: skip
def test_what_fails_once_is_tried_again(server, landing: Landing, broken) -> None:
    arrival = pull(server.script("/sales.csv", broken, ok), landing)
    assert landing.read(arrival.file_id) == CSV
    assert len(server.seen) == 2
    assert len(landing.arrivals()) == 1


def test_retry_after_is_honoured_inside_its_limit(server, landing: Landing) -> None:
    url = server.script("/sales.csv", status(429, Retry_After="3600"), ok)
    began = time.monotonic()
    pull(url, landing, policy=FetchPolicy(backoff=0, jitter=0, retry_after_max=0.3))
    assert 0.3 <= time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("broken", "says", "requests"),
    [
        (status(500), "answered 500 each time", 3),
        (status(429), "answered 429 each time", 3),
        (cut, f"the answer broke off after 3000 of {len(CSV)} bytes", 2),
        (cut_chunks, "the answer broke off after 140 bytes", 2),
        (drop_before_answer, "dropped the connection before it answered", 3),
    ],
    ids=["500", "429", "cut off", "chunks cut off", "dropped before"],
)
def test_what_fails_every_time_is_transient_and_leaves_nothing(
    server, landing: Landing, tmp_path: Path, broken, says: str, requests: int
) -> None:
    url = server.script("/sales.csv", broken)
    told = refused(url, landing, SourceUnavailable)
    assert told.startswith(f"crm_sales at {url}: {says}")
    assert len(server.seen) == requests
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_refused_connection_is_transient_and_names_the_source(landing: Landing) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/sales.csv"
        told = refused(f"{url}?token={SECRET}", landing, SourceUnavailable)
    assert told.startswith(f"crm_sales at {url}: refused the connection")


def test_a_slow_drip_ends_at_the_deadline(server, landing: Landing) -> None:
    began = time.monotonic()
    told = refused(
        server.script("/sales.csv", drip),
        landing,
        SourceUnavailable,
        policy=FetchPolicy(deadline=0.4, jitter=0),
    )
    assert "no whole answer within 0.4 s" in told
    assert 0.4 <= time.monotonic() - began < 1.5
    assert len(server.seen) == 1


def test_a_body_that_stalls_ends_at_the_deadline(server, landing: Landing) -> None:
    url = server.script("/sales.csv", stall)
    told = refused(url, landing, SourceUnavailable, policy=FetchPolicy(deadline=0.3, jitter=0))
    assert "no whole answer within 0.3 s" in told
    assert len(server.seen) == 1


def test_silence_ends_at_the_read_timeout(server, landing: Landing) -> None:
    url = server.script("/sales.csv", hush)
    told = refused(
        url, landing, SourceUnavailable, policy=FetchPolicy(read_timeout=0.1, retries=1, backoff=0, jitter=0)
    )
    assert "did not answer within 0.1 s" in told
    assert len(server.seen) == 2


def test_waiting_between_tries_ends_at_the_deadline(server, landing: Landing) -> None:
    url = server.script("/sales.csv", status(503, Retry_After="30"))
    began = time.monotonic()
    policy = FetchPolicy(deadline=0.3, retries=100, retry_after_max=0.1)
    refused(url, landing, SourceUnavailable, policy=policy)
    assert time.monotonic() - began < 1.5
    assert 2 <= len(server.seen) <= 5


# --- HTTP: what will not help to be tried again


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (401, "answered 401: is the token still valid?"),
        (403, "answered 403: is the token still valid?"),
        (404, "answered 404: there is nothing at this address. Fix: correct FUNNEL_CRM_SALES_URL"),
        (400, "answered 400: it does not accept this request"),
        (206, "answered 206"),
    ],
)
def test_a_refusal_is_permanent_and_asked_once(server, landing: Landing, code: int, says: str) -> None:
    url = server.script("/sales.csv", status(code, b"no"))
    assert refused(url, landing).startswith(f"crm_sales at {url}: {says}")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (PAGE, "text/html; charset=utf-8", "got a web page, not CSV: is the token still valid?"),
        (PAGE, "text/csv", "got a web page, not CSV: is the token still valid?"),
        (b"\xef\xbb\xbf\n  <!-- x -->\n<HTML><head>", "text/csv", "got a web page, not CSV"),
        ("<html>".encode("utf-16"), "text/csv", "got a web page, not CSV"),
        (b"Please log in", "text/html", "got a web page, not CSV"),
        (b"", "text/csv", "got nothing: it is empty"),
        (b"\xef\xbb\xbf \r\n", "text/csv", "got nothing: it is empty"),
        (b'{"error": "expired"}', "application/json", "got JSON, not CSV: is it an error message?"),
        (zipped("sales.csv"), "text/csv", "got a ZIP archive, not CSV"),
        (zipped("[Content_Types].xml", "xl/x.xml"), "text/csv", "got an Excel workbook (XLSX), not CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "text/csv", "got an old Excel workbook (XLS), not CSV"),
        (gzip.compress(CSV), "text/csv", "got a gzip archive, not CSV"),
        (b"%PDF-1.7", "text/csv", "got a PDF document, not CSV"),
    ],
    ids=["login page", "page called CSV", "page after BOM and comment", "page in UTF-16", "text called page",
         "empty", "only blanks", "JSON", "ZIP", "XLSX", "XLS", "gzip", "PDF"],
)  # fmt: skip
def test_what_is_not_csv_is_kept_as_rejected_and_not_asked_for_again(
    server, landing: Landing, body: bytes, content_type: str, says: str
) -> None:
    url = server.script("/sales.csv", status(200, body, Content_Type=content_type))
    told = refused(url, landing)
    assert told.startswith(f"crm_sales at {url}: {says}")
    (arrival,) = landing.arrivals("crm_sales")
    assert (arrival.status, arrival.reason) == ("rejected", told)
    assert landing.read(arrival.file_id) == body
    assert len(server.seen) == 1


def test_a_redirect_to_a_login_page_is_told_with_where_it_led(server, landing: Landing) -> None:
    server.script("/login", status(200, PAGE, Content_Type="text/html"))
    url = server.script("/sales.csv", status(302, Location="/login?next=%2Fsales.csv"))
    told = refused(url, landing)
    assert "got a web page, not CSV: is the token still valid?" in told
    assert f"(we were sent on to {server.url('/login')})" in told
    assert landing.arrivals()[0].status == "rejected"


def test_a_redirect_in_circles_is_permanent(server, landing: Landing) -> None:
    told = refused(server.script("/sales.csv", status(302, Location="/sales.csv")), landing)
    assert "sends us round in circles: is the token still valid?" in told


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/hostname"])
def test_a_redirect_off_http_is_not_followed(server, landing: Landing, target: str) -> None:
    told = refused(server.script("/sales.csv", status(302, Location=target)), landing)
    assert "sends us on to an address that is not HTTP" in told


@pytest.mark.parametrize("kind", ["bearer", "header:X-Api-Key", "query:token"])
def test_the_login_stays_on_a_redirect_of_the_same_host_and_never_goes_to_another(
    start_server, landing: Landing, kind: str
) -> None:
    own, other = start_server(), start_server()
    own.script("/moved.csv", status(302, Location=other.script("/file.csv", ok)))
    pull(
        own.script("/sales.csv", status(302, Location="/moved.csv")),
        landing,
        auth=Auth.parse(kind, SecretStr(SECRET), CRM),
    )
    first, second = (str(seen) for seen in own.seen)
    assert SECRET in first
    assert (SECRET in second) is not kind.startswith("query")
    assert SECRET not in str(other.seen)
    assert len(other.seen) == 1


def test_a_redirect_that_carries_the_token_to_another_host_is_not_followed(start_server, landing: Landing) -> None:
    own, other = start_server(), start_server()
    login = other.script("/login", status(200, PAGE))
    url = own.script("/sales.csv", lambda h: h.send(302, Location=f"{login}?next=%2Fsales.csv%3Ftoken%3D{SECRET}"))
    told = refused(url, landing, auth=Auth.parse("query:token", SecretStr(SECRET), CRM))
    assert "to another host with the token in the address" in told
    assert other.seen == []


# --- secrets


def test_no_log_and_no_manifest_holds_the_secret(server, landing: Landing, tmp_path: Path, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3.util.retry", "urllib3.connectionpool"):  # a send of an alert that was given up may hush them
        caplog.set_level(logging.DEBUG, name)
    url = server.script("/sales.csv", status(503), drop_before_answer, cut, ok)
    pull(f"{url}?key={SECRET}", landing, auth=Auth.parse("query:token", SecretStr(SECRET), CRM))
    logged = caplog.text + "".join(capfd.readouterr())
    assert "Incremented Retry" in logged
    assert "/sales.csv?…" in logged
    assert SECRET not in logged
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept
    assert landing.arrivals()[0].name == f"{url}?key=…"


# --- files


def test_a_file_is_landed_from_a_path_and_from_an_address(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "my leads.csv"
    path.write_bytes(CSV)
    for url in (str(path), path.as_uri(), f"file://localhost{path.as_uri().removeprefix('file://')}"):
        arrival = pull(url, landing, source="tofu_leads")
        assert landing.read(arrival.file_id) == CSV
        assert (arrival.kind, arrival.name, arrival.http_status) == ("pull", "my leads.csv", None)


def test_a_path_may_begin_with_the_home_folder(landing: Landing, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "leads.csv").write_bytes(CSV)
    assert pull("~/leads.csv", landing).bytes == len(CSV)


def test_a_missing_file_names_its_setting(landing: Landing, tmp_path: Path) -> None:
    told = refused(
        str(tmp_path / "leads.csv"), landing, SourceUnavailable, source="tofu_leads", setting="TOFU_LEADS_URL"
    )
    assert told.startswith(f"tofu_leads at {tmp_path}/leads.csv: there is no such file")
    assert "correct FUNNEL_TOFU_LEADS_URL" in told


def test_a_folder_instead_of_a_file_is_told(landing: Landing, tmp_path: Path) -> None:
    told = refused(str(tmp_path), landing, source="ad_spend")
    assert "this is a folder, not a file. Fix: set FUNNEL_AD_SPEND_URL to the CSV file in it" in told


@pytest.mark.parametrize(
    ("body", "says"),
    [(PAGE, "got a web page, not CSV"), (b"", "got nothing"), (zipped("a"), "got a ZIP archive")],
    ids=["page", "empty", "ZIP"],
)
def test_a_file_that_is_not_csv_is_kept_as_rejected(landing: Landing, tmp_path: Path, body: bytes, says: str) -> None:
    path = tmp_path / "leads.csv"
    path.write_bytes(body)
    told = refused(str(path), landing)
    assert told.startswith(f"crm_sales at {path}: {says}")
    assert [arrival.status for arrival in landing.arrivals()] == ["rejected"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no address is set. Fix: set FUNNEL_CRM_SALES_URL"),
        ("s3://bucket/x.csv", "this kind of address is not known"),
        ("file://server/share/x.csv", "must be of this machine"),
        ("http://", "this address cannot be used"),
        ("http://[bad/x", "this address cannot be read"),
        ("http://host:port/x", "this address cannot be used"),
        ("gsheet://ID", "needs its ID and its tab"),
    ],
    ids=["empty", "other scheme", "other machine", "no host", "bad host", "bad port", "sheet without tab"],
)
def test_an_address_that_cannot_be_used_is_a_readable_error(landing: Landing, url: str, says: str) -> None:
    assert says in refused(url, landing, ConfigError)


def test_csv_of_one_column_is_not_mistaken_for_anything_else(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["<name>"], ["PK"], ["{x}"]])
    assert pull(str(path), landing).status == "accepted"
