"""A pull ends: at its size, packed and unpacked, and at its deadline, whatever drips. Nothing of it stays."""

import gzip
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gspread
import pytest
import requests
from pydantic import ValidationError

from funnel_etl.catalog import SOURCES
from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import FetchPolicy, fetch
from funnel_etl.sources.connect.transport import Unpacker
from funnel_etl.sources.nightly import NightlySources

LINE = b"9876500000,x\n"
SMALL = FetchPolicy(max_bytes=100_000, retries=2, backoff=0, jitter=0, read_timeout=5)
BRIEF = FetchPolicy(deadline=0.3, retries=2, backoff=0, jitter=0, read_timeout=60)


def refused(url: str, landing: Landing, policy: FetchPolicy, **options: Any) -> FunnelError:
    with pytest.raises(FunnelError) as caught:
        fetch(url, source="crm_sales", landing=landing, policy=policy, **options)
    assert [path for path in Path(landing.root.path).rglob("*") if path.is_file()] == []
    return caught.value


def of_size(size: int) -> bytes:
    return LINE * (size // len(LINE) + 1)


def bomb(handler: Any) -> None:
    handler.send(200, gzip.compress(bytes(20_000_000)), Content_Encoding="gzip")


def large_packed(handler: Any) -> None:
    handler.send(200, gzip.compress(os.urandom(300_000)), Content_Encoding="gzip")


def empty_members(handler: Any) -> None:
    handler.send(200, gzip.compress(b"") * 20_000, Content_Encoding="gzip")


def announced(handler: Any) -> None:
    handler.send(200, LINE, Content_Length="2000000000")


def endless(handler: Any) -> None:
    handler.send(200, b"", Content_Length="", Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"10000\r\n" + of_size(65_536)[:65_536] + b"\r\n")


@pytest.mark.parametrize("answer", [bomb, large_packed, empty_members, announced, endless])
def test_an_answer_that_is_too_large_is_refused_while_it_comes_and_not_asked_for_again(
    server, landing: Landing, answer: Callable[[Any], None]
) -> None:
    """2 MB of gzip were landed as 2 GB."""
    error = refused(server.script("/sales.csv", answer), landing, SMALL)
    assert isinstance(error, SourceRejected)
    assert "it is larger than 0.1 MB, packed or unpacked, so nothing of it was kept" in error.what
    assert "raise FUNNEL_DOWNLOAD_MAX_MB; else correct FUNNEL_CRM_SALES_URL" in error.fix
    assert len(server.seen) == 1


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_an_answer_of_exactly_the_limit_is_landed(server, landing: Landing, packed: bool) -> None:
    body = of_size(100_000)[:100_000]
    headers = {"Content_Encoding": "gzip"} if packed else {}
    url = server.script("/sales.csv", lambda h: h.send(200, gzip.compress(body) if packed else body, **headers))
    assert fetch(url, source="crm_sales", landing=landing, policy=SMALL).arrival.bytes == 100_000


def test_what_is_unpacked_comes_in_pieces_of_bounded_size_and_whole() -> None:
    unpacker, data = Unpacker(packed=True), bytes(9_000_000) + b"end"
    pieces = list(unpacker.unpack(gzip.compress(data)))
    assert max(len(piece) for piece in pieces) <= 1 << 20
    assert b"".join(pieces) == data
    assert unpacker.whole


def test_a_file_that_is_too_large_is_refused_before_it_is_read(landing: Landing, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(b"")
    os.truncate(path, 10**12)
    assert "it is larger than 0.1 MB" in str(refused(str(path), landing, SMALL))


def test_a_file_that_grows_over_the_limit_while_it_is_read_is_refused(
    landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(of_size(50_000))
    read = Landing.put_read

    def growing(*args: Any, **kwargs: Any) -> Any:
        path.write_bytes(of_size(500_000))
        return read(*args, **kwargs)

    monkeypatch.setattr(Landing, "put_read", growing)
    assert "it is larger than 0.1 MB" in str(refused(str(path), landing, SMALL))


def test_the_limit_is_a_setting_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(of_size(1_100_000))
    landing = Landing(tmp_path / "landing")
    settings = Settings(home=tmp_path, addresses={"crm_sales": str(path)}, download_max_mb=1)
    with pytest.raises(SourceRejected, match="it is larger than 1 MB"):
        NightlySources(settings, landing).pull(SOURCES["crm_sales"], settings.yesterday())
    with pytest.raises(ValidationError):
        Settings(download_max_mb=0)


# --- the deadline


def drips(first: bytes) -> Callable[[Any], None]:
    """Answer the beginning of a head, then a byte at a time for seconds: each one begins a read timeout anew."""

    def answer(handler: Any) -> None:
        handler.wfile.write(first)
        for _ in range(300):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "first",
    [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 "],
    ids=["status line", "header", "after a continue"],
)
def test_a_head_that_drips_ends_at_the_deadline(server, landing: Landing, first: bytes) -> None:
    """FUNNEL_DOWNLOAD_SECONDS did not hold: a header of a byte a second kept the night waiting for hours."""
    began = time.monotonic()
    error = refused(server.script("/sales.csv", drips(first)), landing, BRIEF)
    assert "no whole answer within 0.3 s" in error.what
    assert error.transient
    assert 0.3 <= time.monotonic() - began < 2
    assert len(server.seen) == 1


def test_a_proxy_that_drips_ends_at_the_deadline(server, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    server.script("crm.example.test:443", drips(b"HTTP/1.1 200 OK\r\nX-Slow: "))
    monkeypatch.setenv("HTTPS_PROXY", server.url(""))
    began = time.monotonic()
    error = refused("https://crm.example.test/sales.csv", landing, BRIEF)
    assert "no whole answer within 0.3 s" in error.what
    assert time.monotonic() - began < 2


def test_a_connection_made_after_the_deadline_is_not_used(server, landing: Landing) -> None:
    error = refused(server.script("/sales.csv", lambda h: h.send(200, LINE)), landing, FetchPolicy(deadline=1e-9))
    assert "no whole answer within" in error.what
    assert server.seen == []


# --- Google Sheets, read by gspread's own client from a server on loopback


@pytest.fixture
def sheet(server, landing: Landing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FunnelError]:
    """Pull a tab that the server answers for, by the given policy, and return the error."""
    url = server.url("/v4/%s/%s")
    monkeypatch.setattr("gspread.http_client.SPREADSHEET_VALUES_URL", url)
    monkeypatch.setattr(gspread, "service_account", lambda **_: gspread.Client(auth=None, session=requests.Session()))
    key = tmp_path / "key.json"
    key.write_text("{}")

    def pull(answer: Callable[[Any], None], policy: FetchPolicy) -> FunnelError:
        server.script("/v4/ID/%27Tab%27", answer)
        return refused("gsheet://ID/Tab", landing, policy, credentials=key)

    return pull


@pytest.mark.parametrize("answer", [bomb, announced, endless])
def test_a_sheet_that_is_too_large_is_refused_while_it_comes(sheet, server, answer: Callable[[Any], None]) -> None:
    error = sheet(answer, SMALL)
    assert isinstance(error, SourceRejected)
    assert "it is larger than 0.1 MB" in error.what
    assert len(server.seen) == 1


def test_a_sheet_that_becomes_too_large_as_csv_is_refused(sheet) -> None:
    rows = [["x"] * 20_000] + [["y"]] * 10
    body = json.dumps({"values": rows}, separators=(",", ":")).encode()
    assert len(body) < 100_000
    assert "it is larger than 0.1 MB" in sheet(lambda h: h.send(200, body), SMALL).what


def test_a_sheet_whose_answer_drips_ends_at_the_deadline(sheet) -> None:
    began = time.monotonic()
    error = sheet(drips(b"HTTP/1.1 200 OK\r\nX-Slow: "), BRIEF)
    assert isinstance(error, SourceUnavailable)
    assert "no whole answer within 0.3 s" in error.what
    assert time.monotonic() - began < 2


def test_a_sheet_is_still_read_by_gspreads_own_client(sheet, server, landing: Landing, tmp_path: Path) -> None:
    server.script("/v4/ID/%27Tab%27", lambda h: h.send(200, json.dumps({"values": [["a", "b"], ["1"]]}).encode()))
    arrival = fetch("gsheet://ID/Tab", source="tofu_leads", landing=landing, credentials=tmp_path / "key.json").arrival
    assert landing.read(arrival.file_id) == b"a,b\n1,\n"
