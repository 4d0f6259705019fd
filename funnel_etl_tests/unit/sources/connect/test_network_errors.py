"""The right one is named when a source cannot be asked: proxy, CA file, certificate, name. No password with it."""

import datetime as dt
import ipaddress
import socket
import ssl
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gspread
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.auth.exceptions import TransportError

from funnel_etl.core.errors import ConfigError, FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import FetchPolicy, fetch

QUICK = FetchPolicy(connect_timeout=2, read_timeout=2, deadline=5, retries=0, downloads=1, backoff=0, jitter=0)
SECRET = "s3cr3t"
HTTPS, HTTP = "https://crm.example.test/sales.csv", "http://crm.example.test/sales.csv"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def refused(url: str, landing: Landing, kind: type[FunnelError], **options: Any) -> str:
    with pytest.raises(kind) as caught:
        fetch(url, source="crm_sales", landing=landing, policy=QUICK, **options)
    told = str(caught.value)
    assert type(caught.value) is kind
    assert SECRET not in told + "".join(traceback.format_exception(caught.value))
    assert "\n" not in told
    return told.removeprefix(f"crm_sales at {url}: ")


# --- proxies


@pytest.mark.parametrize(
    ("name", "url"),
    [("HTTPS_PROXY", HTTPS), ("https_proxy", HTTPS), ("HTTP_PROXY", HTTP), ("http_proxy", HTTP), ("ALL_PROXY", HTTPS)],
)
def test_a_proxy_that_refuses_is_named_by_its_variable(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, closed_port: int, name: str, url: str
) -> None:
    """A wrong HTTPS_PROXY was reported as the source's own failure."""
    monkeypatch.setenv(name, f"http://user:{SECRET}@127.0.0.1:{closed_port}")
    told = refused(url, landing, SourceUnavailable)
    assert told.startswith(f"the proxy that {name} names (127.0.0.1) refused the connection, or is not running. Fix: ")
    assert f"correct {name}, as http://HOST:PORT, or add crm.example.test to NO_PROXY" in told


@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_a_proxy_whose_host_is_not_known_is_named(landing: Landing, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("ALL_PROXY", f"http://user:{SECRET}@proxy.example.test:3128")
    told = refused(url, landing, SourceUnavailable)
    assert told.startswith("the proxy that ALL_PROXY names (proxy.example.test) is not known: there is no such host")


@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{SECRET}@", f"http://user:{SECRET}/x@proxy:3128", "http://proxy:99999", "http://proxy:port",
        f"ftp://user:{SECRET}@proxy:3128", f"socks5://user:{SECRET}@proxy:1080", "http://[bad",
    ],
    ids=["no host", "slash in the password", "port too high", "port of letters", "ftp", "socks", "bracket"],
)  # fmt: skip
@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_a_proxy_that_cannot_be_used_is_a_wrong_setting_and_shows_no_password(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, url: str, value: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("ALL_PROXY", value)
    told = refused(url, landing, ConfigError)
    assert told.startswith("the proxy that ALL_PROXY names")
    assert "cannot be used: it is no http:// address. Fix: correct ALL_PROXY" in told


@pytest.mark.parametrize(("url", "name"), [(HTTP, "HTTP_PROXY"), (HTTPS, "HTTPS_PROXY")])
def test_a_proxy_that_asks_for_a_login_is_not_taken_for_the_source(
    server, landing: Landing, monkeypatch: pytest.MonkeyPatch, url: str, name: str
) -> None:
    for path in (HTTP, "crm.example.test:443"):
        server.script(path, lambda handler: handler.send(407))
    monkeypatch.setenv(name, server.url(""))
    monkeypatch.delenv("NO_PROXY")
    told = refused(url, landing, SourceRejected)
    assert told.startswith(
        f"the proxy that {name} names asks for a login, or does not accept the one it is given (407)"
    )
    assert f"write {name} as http://USER:PASSWORD@HOST:PORT" in told


def test_a_proxy_that_does_not_let_us_through_is_named(
    server, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script("crm.example.test:443", lambda handler: handler.send(503))
    server.script(HTTP, lambda handler: handler.send(503))
    monkeypatch.setenv("ALL_PROXY", server.url(""))
    monkeypatch.delenv("NO_PROXY")
    assert "did not let us through: it answered 503" in refused(HTTPS, landing, SourceUnavailable)
    told = refused(HTTP, landing, SourceUnavailable)
    assert told.startswith("answered 503 each time it was asked (by the proxy that ALL_PROXY names)")


def test_a_source_that_no_proxy_is_for_is_blamed_itself(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.test:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    url = f"http://127.0.0.1:{closed_port}/x"
    assert refused(url, landing, SourceUnavailable).startswith("refused the connection, or is not running. Fix: wait")


# --- names


def unknown(*_: object, **__: object) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_host_that_does_not_resolve_is_named_with_its_setting(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    told = refused(HTTPS, landing, SourceUnavailable)
    assert told.startswith(
        "there is no host crm.example.test, or no network. Fix: correct the host in FUNNEL_CRM_SALES_URL"
    )
    assert "set HTTPS_PROXY" in told


# --- certificates, by a real TLS server on loopback


class Authority:
    """A certificate authority of the test, which signs certificates for 127.0.0.1."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        extension = x509.BasicConstraints(ca=True, path_length=None)
        made = self._sign(self.name, self.key.public_key(), extension, *_days(-1, 30))
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str = "127.0.0.1", days: tuple[int, int] = (-1, 30)) -> ssl.SSLContext:
        """Return what a server needs to show a certificate for the host, valid from and to so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        made = self._sign(x509.Name([]), key.public_key(), x509.SubjectAlternativeName([name]), *_days(*days))
        path = self.folder / "server.pem"
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(
            key.private_bytes(pem, form, serialization.NoEncryption()) + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(self, subject: x509.Name, key: Any, extension: Any, begins: dt.datetime, ends: dt.datetime) -> Any:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(begins).not_valid_after(ends)
        return builder.add_extension(extension, critical=True).sign(self.key, hashes.SHA256())


def _days(begins: int, ends: int) -> tuple[dt.datetime, dt.datetime]:
    now = dt.datetime.now(dt.UTC)
    return now + dt.timedelta(days=begins), now + dt.timedelta(days=ends)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure(start_server, monkeypatch: pytest.MonkeyPatch) -> Callable[[ssl.SSLContext], str]:
    """Start a TLS server that answers CSV, and return its address."""

    def start(context: ssl.SSLContext) -> str:
        server = start_server()
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.script("/sales.csv", lambda handler: handler.send(200, b"a,b\n1,2\n"))
        return server.url("/sales.csv").replace("http:", "https:")

    return start


def test_a_source_of_an_authority_that_the_ca_file_holds_is_read(
    secure, landing: Landing, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    assert fetch(secure(authority.context()), source="crm_sales", landing=landing, policy=QUICK).arrival.bytes == 8


@pytest.mark.parametrize(
    ("host", "days", "says", "fix"),
    [
        ("127.0.0.1", (-9, -2), "the certificate of 127.0.0.1 has expired", "ask who runs this source to renew it"),
        ("127.0.0.1", (2, 9), "the certificate of 127.0.0.1 is not valid yet", "set this machine's clock"),
        (
            "other.example.test",
            (-1, 9),
            "the certificate that came is not for 127.0.0.1",
            "correct the host in FUNNEL_CRM",
        ),
        ("127.0.0.2", (-1, 9), "the certificate that came is not for 127.0.0.1", "correct the host in FUNNEL_CRM"),
    ],
    ids=["expired", "not yet valid", "another host", "another address"],
)
def test_what_is_wrong_with_a_certificate_is_said(
    secure,
    landing: Landing,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    days,
    says: str,
    fix: str,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.file))
    told = refused(secure(authority.context(host, days)), landing, SourceRejected)
    assert told.startswith(f"{says}. Fix: ")
    assert fix in told


@pytest.mark.parametrize(
    ("name", "says", "fix"),
    [
        ("", "is not trusted. Fix: ", "point REQUESTS_CA_BUNDLE at a PEM file"),
        ("SSL_CERT_FILE", "is not trusted. Fix: ", "set REQUESTS_CA_BUNDLE to what SSL_CERT_FILE names, which is not"),
        ("REQUESTS_CA_BUNDLE", "is not trusted by the authorities in the file that REQUESTS_CA_BUNDLE names. Fix: ",
         "point REQUESTS_CA_BUNDLE at a PEM file that holds the authority"),
    ],
    ids=["no CA file", "the CA file of others", "a CA file of another authority"],
)  # fmt: skip
def test_an_authority_that_is_not_trusted_names_the_ca_file(
    secure, landing: Landing, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    name: str, says: str, fix: str,
) -> None:  # fmt: skip
    if name:
        monkeypatch.setenv(name, str(Authority(tmp_path, "another").file))
    told = refused(secure(authority.context()), landing, SourceRejected)
    assert told.startswith(f"the certificate of 127.0.0.1 {says}")
    assert fix in told


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read (No such file or directory)"), ("", "holds no certificate"), ("x", "holds no certificate")],
    ids=["missing", "empty", "no certificate"],
)
def test_a_ca_file_that_cannot_be_used_is_to_blame_and_not_the_source(
    secure, landing: Landing, authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    name: str, content: str | None, says: str,
) -> None:  # fmt: skip
    """A missing CA file was a traceback, one without a certificate was told as the source's own."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv(name, str(path))
    told = refused(secure(authority.context()), landing, ConfigError)
    assert told.startswith(f"the file that {name} names {says}")
    assert f"point {name} at a PEM file of the authorities to trust, or unset it" in told


def test_a_server_that_speaks_no_tls_is_said_to(server, landing: Landing) -> None:
    url = server.script("/sales.csv", lambda h: h.send(200)).replace("http:", "https:")
    assert refused(url, landing, SourceRejected).startswith("127.0.0.1 speaks no TLS at this port. Fix: write http://")


# --- Google Sheets


@pytest.mark.parametrize("is_login", [False, True], ids=["the sheet", "the login"])
def test_a_sheet_behind_a_wrong_proxy_names_it(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed_port: int, is_login: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@127.0.0.1:{closed_port}")
    session = requests.Session()
    if is_login:
        get = session.request

        def request(*args: Any, **kwargs: Any) -> Any:
            try:
                return get(*args, **kwargs)
            except requests.RequestException as error:
                raise TransportError(error) from error

        monkeypatch.setattr(session, "request", request)
    monkeypatch.setattr(gspread, "service_account", lambda **_: gspread.Client(auth=None, session=session))
    (tmp_path / "key.json").write_text("{}")
    told = refused("gsheet://ID/Tab", landing, SourceUnavailable, credentials=tmp_path / "key.json")
    assert told.startswith("the proxy that HTTPS_PROXY names (127.0.0.1) refused the connection, or is not running")
