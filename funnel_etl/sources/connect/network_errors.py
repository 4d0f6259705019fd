"""Whose fault it is that a source cannot be asked: the proxy, the CA file, the certificate, the name, or the source.

No text of `requests` or `urllib3` is repeated: it holds the whole address, so maybe the token; of a proxy only the host
is shown, because its address may hold a password. What an answer means belongs to `http`.
"""

import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment

import requests
from requests.utils import should_bypass_proxies
from urllib3.exceptions import HTTPError as UrllibError
from urllib3.exceptions import (
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxySchemeUnknown,
    ProxySchemeUnsupported,
    ReadTimeoutError,
)
from urllib3.exceptions import ProxyError as UrllibProxyError
from urllib3.exceptions import TimeoutError as UrllibTimeoutError
from urllib3.util import Url, parse_url

from funnel_etl.core.errors import ConfigError, FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.connect.request import Request

WAIT = "wait for the next run; if it lasts, ask who runs this source"

_CA_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CA_FILES_OF_OTHERS = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
}
_EXPIRED, _NOT_YET, _OTHER_HOST = {10}, {9}, {62, 64}
"""Codes of OpenSSL's X509_V_ERR_…"""


def explain(error: Exception, request: Request[Any]) -> FunnelError:
    """Return a failed request as one line, permanent or transient, that names whose fault it is."""
    if (known := culprit(error, request)) is not None:
        return known
    if isinstance(error, requests.TooManyRedirects):
        what = "sends us round in circles: is the token still valid?"
        return SourceRejected(what, where=request.where, fix=request.login_fix)
    if isinstance(error, requests.exceptions.InvalidSchema):
        what = "sends us on to an address that is not HTTP"
        return SourceRejected(what, where=request.where, fix=f"correct {request.setting}")
    # An address or header that cannot be used, as requests and urllib3 see it: not a network that failed.
    if isinstance(error, ValueError):
        return ConfigError("this address cannot be used", where=request.where, fix=f"correct {request.setting}")
    what = _network_words(list(_causes(error)), request) + by_proxy(_asked(error, request))
    return SourceUnavailable(what, where=request.where, fix=WAIT)


def culprit(error: Exception, request: Request[Any]) -> FunnelError | None:
    """Return the error if the proxy, the CA file, a certificate or the host's name is to blame, else None."""
    url, causes = _asked(error, request), list(_causes(error))
    return (
        _proxy_fault(error, causes, url, request)
        or _ca_fault(causes, url, request)
        or _certificate_fault(causes, url, request)
        or _name_fault(causes, url, request)
    )


def proxy_of(url: str) -> tuple[str, str] | None:
    """Return the variable that names the proxy for an address, and that proxy's host ("": it cannot be read).

    None: the address is asked directly.
    """
    proxies = getproxies_environment()
    kind = next((kind for kind in (urlsplit(url).scheme, "all") if kind in proxies), None)
    if kind is None or should_bypass_proxies(url, no_proxy=None):
        return None
    name = f"{kind}_proxy"
    try:
        parsed = parse_url(proxies[kind] if "://" in proxies[kind] else f"http://{proxies[kind]}")
    except (ValueError, UrllibError):
        parsed = Url()
    # A password whose @ or / is not encoded may be where the host should be.
    host = parsed.host if parsed.host and re.fullmatch(r"[\w.-]+|\[[\da-fA-F:.]+\]", parsed.host) else ""
    return (name if os.environ.get(name) else name.upper()), host


def by_proxy(url: str) -> str:
    """Return what an error says behind its fact when a proxy stands between us and the source, else an empty text."""
    proxy = proxy_of(url)
    return f" (by the proxy that {proxy[0]} names)" if proxy else ""


def refuse_unusable_proxy(url: str, request: Request[Any]) -> None:
    """Raise `ConfigError` if the address of the proxy cannot be read: requests would fail in a way of its own."""
    if (proxy := proxy_of(url)) is not None and not proxy[1]:
        raise _unusable(proxy, url, request)


def _proxy_fault(error: Exception, causes: list[BaseException], url: str, request: Request[Any]) -> FunnelError | None:
    proxy = proxy_of(url)
    if proxy is None:
        return None
    if _any(causes, ProxySchemeUnknown, ProxySchemeUnsupported) or str(error).startswith(
        "Missing dependencies for SOCKS"
    ):
        return _unusable(proxy, url, request)
    if not (isinstance(error, requests.exceptions.ProxyError) or _any(causes, UrllibProxyError)):
        return None
    answered = next(
        (found[1] for cause in causes if (found := re.search(r"connection failed: (\d{3})", str(cause)))), ""
    )
    if answered == "407":
        return proxy_login(url, request)
    if _any(causes, NameResolutionError):
        what = "is not known: there is no such host"
    elif _any(causes, ssl.SSLError):
        what = "has no certificate that is trusted, or speaks no TLS"
    elif answered:
        what = f"did not let us through: it answered {answered}"
    elif _any(causes, UrllibTimeoutError, TimeoutError) and not _any(causes, NewConnectionError):
        what = "did not answer in time"
    else:
        what = "refused the connection, or is not running"
    return SourceUnavailable(f"{_the_proxy(proxy)} {what}", where=request.where, fix=_correct(proxy, url))


def _unusable(proxy: tuple[str, str], url: str, request: Request[Any]) -> ConfigError:
    what = f"{_the_proxy(proxy)} cannot be used: it is no http:// address"
    return ConfigError(what, where=request.where, fix=_correct(proxy, url))


def _the_proxy(proxy: tuple[str, str]) -> str:
    name, host = proxy
    return f"the proxy that {name} names" + (f" ({host})" if host else "")


def _correct(proxy: tuple[str, str], url: str) -> str:
    return f"correct {proxy[0]}, as http://HOST:PORT, or add {urlsplit(url).hostname} to NO_PROXY"


def proxy_login(url: str, request: Request[Any]) -> FunnelError:
    """Return the error for a proxy that asks for a login (407)."""
    name = proxy[0] if (proxy := proxy_of(url)) else "HTTPS_PROXY"
    what = f"the proxy that {name} names asks for a login, or does not accept the one it is given (407)"
    return SourceRejected(what, where=request.where, fix=f"write {name} as http://USER:PASSWORD@HOST:PORT")


def _ca_fault(causes: list[BaseException], url: str, request: Request[Any]) -> FunnelError | None:
    """Return the error if the file of trusted authorities cannot be used, whatever it made fail."""
    name = _ca_file()
    if name is None or not url.startswith("https:") or not _any(causes, OSError):
        return None
    path = Path(os.environ[name])
    try:
        if path.is_dir():
            return None
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        what = "holds no certificate in PEM form"
    except OSError as error:
        what = f"cannot be read ({error.strerror or type(error).__name__})"
    else:
        return None
    fix = f"point {name} at a PEM file of the authorities to trust, or unset it"
    return ConfigError(f"the file that {name} names {what}", where=request.where, fix=fix)


def _certificate_fault(causes: list[BaseException], url: str, request: Request[Any]) -> FunnelError | None:
    host = urlsplit(url).hostname
    ask = "ask who runs this source" + (" or that proxy" if proxy_of(url) else "")
    correct = f"correct the host in {request.setting}, or {ask}" if request.url.startswith("http") else ask
    found = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if found is None:
        if not any(isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS for cause in causes):
            return None
        what = f"{host} speaks no TLS at this port{by_proxy(url)}"
        return SourceRejected(what, where=request.where, fix=f"write http:// or the right port, or {ask}")
    if found.verify_code in _EXPIRED:
        what, fix = f"the certificate of {host} has expired", f"{ask} to renew it, if this machine's clock is right"
    elif found.verify_code in _NOT_YET:
        what, fix = f"the certificate of {host} is not valid yet", f"set this machine's clock; if it is right, {ask}"
    elif found.verify_code in _OTHER_HOST:
        what, fix = f"the certificate that came is not for {host}", correct
    else:
        of = f" by the authorities in the file that {_ca_file()} names" if _ca_file() else ""
        what = f"the certificate of {host} is not trusted{of}"
        other = next((name for name in _CA_FILES_OF_OTHERS if os.environ.get(name)), None)
        fix = f"point {_CA_FILES[0]} at a PEM file that holds the authority that signed it"
        if other and not _ca_file():
            fix = f"set {_CA_FILES[0]} to what {other} names, which is not read here"
    return SourceRejected(what + by_proxy(url), where=request.where, fix=fix)


def _name_fault(causes: list[BaseException], url: str, request: Request[Any]) -> FunnelError | None:
    if not _any(causes, NameResolutionError):
        return None
    fix = "wait for the next run if this machine was offline; where it needs a proxy, set HTTPS_PROXY"
    if request.url.startswith("http"):
        fix = f"correct the host in {request.setting}; if it is right, {fix}"
    return SourceUnavailable(f"there is no host {urlsplit(url).hostname}, or no network", where=request.where, fix=fix)


def _network_words(causes: list[BaseException], request: Request[Any]) -> str:
    if _any(causes, NewConnectionError):
        return "refused the connection, or is not running"
    if _any(causes, ReadTimeoutError, UrllibTimeoutError, requests.Timeout):
        return f"did not answer within {request.policy.read_timeout:g} s"
    if _any(causes, ProtocolError):
        return "dropped the connection before it answered"
    return "the connection failed"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it wraps: requests and urllib3 hand over their reasons in several ways."""
    seen: list[BaseException] = []
    rest: list[object] = [error]
    while rest:
        one = rest.pop(0)
        if isinstance(one, BaseException) and not any(one is before for before in seen):
            seen.append(one)
            reason = one.reason if isinstance(one, MaxRetryError) else getattr(one, "original_error", None)
            rest += [*one.args, reason, one.__cause__]
            yield one


def _any(causes: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _asked(error: Exception, request: Request[Any]) -> str:
    """Return the address that was really asked: after a redirect, or of Google for a sheet."""
    asked = next((sent.url for cause in _causes(error) if (sent := getattr(cause, "request", None)) is not None), None)
    return asked or request.url


def _ca_file() -> str | None:
    return next((name for name in _CA_FILES if os.environ.get(name)), None)
