"""Sources over HTTP: streamed into the landing archive, retried inside a deadline, refused if not what they declare.

No text of `requests` or `urllib3` reaches an error or a log: it holds the whole address, so maybe the token.
For the same reason failures are raised after their `except` block, where no context is attached to them.
"""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import requests
import stamina
import urllib3
from pydantic import SecretStr

from funnel_etl.core.errors import ConfigError, SourceRejected, SourceUnavailable
from funnel_etl.core.source import Format
from funnel_etl.sources.connect.addresses import without_query, without_user
from funnel_etl.sources.connect.auth import Auth
from funnel_etl.sources.connect.body import BrokenOff, too_slow, unpacked_body
from funnel_etl.sources.connect.network_errors import WAIT, by_proxy, explain, proxy_login, refuse_unusable_proxy
from funnel_etl.sources.connect.pages import Page, fetch_pages
from funnel_etl.sources.connect.paging import counting, refuse_page
from funnel_etl.sources.connect.request import Fetched, FetchPolicy, Request, T
from funnel_etl.sources.connect.sniff import refuse_unless_text
from funnel_etl.sources.connect.transport import Deadline, DeadlineAdapter, DeadlineRetry, discreet_logs

_ACCEPTED: dict[Format, str] = {"csv": "text/csv", "json": "application/json"}
_HEADERS = {"Accept-Encoding": "gzip", "User-Agent": "funnel-etl"}
R = TypeVar("R")
_TRANSIENT = {408, 425, 429}
_STILL_VALID = ": is the token still valid?"


class _Session(requests.Session):
    """Follows redirects without taking the login to another host, and never reads logins from a `.netrc`."""

    def __init__(self, request: Request[Any], ends: float, deadline: Deadline) -> None:
        super().__init__()
        self._request = request
        self.max_redirects = 10
        patience = DeadlineRetry.until(min(ends, time.monotonic() + request.policy.retry_for), request.policy)
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter(deadline, patience))

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Keep the login on the source's own host; refuse a redirect that carries it away in its address."""
        old, new = response.request.url or "", prepared_request.url or ""
        if not self.should_strip_auth(old, new):  # type: ignore[no-untyped-call]
            return
        login = self._request.auth
        login.withdraw(prepared_request)
        if login.is_in(new):
            raise SourceRejected(
                "it sends us to another host with the token in the address, so it was not followed" + _STILL_VALID,
                where=self._request.where,
                fix=self._request.login_fix,
            )


def fetch_http(request: Request[T]) -> Fetched[T]:
    """Land one whole answer, or all pages. Errors and their kinds are those of `fetch`."""
    request = _login_out_of_address(request)
    refuse_unusable_proxy(request.url, request)
    ends = time.monotonic() + request.policy.deadline
    if request.pages is None:
        return _again(request.policy, lambda: _download(request, ends))

    def get(url: str) -> Page:
        of_page = dataclasses.replace(request, url=url)
        return _again(request.policy, lambda: _page(of_page, ends))

    return fetch_pages(request, request.pages, get)


def _again(policy: FetchPolicy, download: Callable[[], R]) -> R:
    """Download, and again if the answer breaks off."""
    again = stamina.retry_context(
        on=BrokenOff,
        attempts=policy.downloads,
        timeout=policy.deadline,
        wait_initial=policy.backoff,
        wait_max=policy.backoff_max,
        wait_jitter=policy.jitter,
    )
    for attempt in again:
        with attempt, discreet_logs():
            return download()
    raise AssertionError("stamina ends with a result or an error")


def _login_out_of_address(request: Request[T]) -> Request[T]:
    """Use `user:password@` of an address as a basic login, unless another is set: it is shown nowhere."""
    try:
        url, user = without_user(request.url)
    except ValueError:
        url, user = "", None
    if not url:
        raise ConfigError("this address cannot be read", where=request.source, fix=f"correct {request.setting}")
    if user is None:
        return request
    auth = (
        request.auth
        if request.auth.kind != "none"
        else Auth.parse(
            "basic", SecretStr(unquote(user if ":" in user else f"{user}:")), (request.setting, request.setting)
        )
    )
    return dataclasses.replace(request, url=url, auth=auth)


def _download(request: Request[T], ends: float) -> Fetched[T]:
    with (
        Deadline(ends) as deadline,
        _Session(request, ends, deadline) as session,
        _answer(session, request, ends) as response,
    ):
        refuse_page(request, response.status_code, response.headers)
        _refuse_status(request, response)
        final = response.url or request.url
        moved = f" (we were sent on to {without_query(final)})" if response.history else ""
        check = partial(
            refuse_unless_text,
            where=request.where,
            content_type=response.headers.get("content-type", ""),
            page_note=_STILL_VALID + moved,
            page_fix=request.login_fix,
            wanted=request.format,
        )
        return request.land(
            request.url,
            unpacked_body(request, response, ends),
            counting(check, request, response.headers),
            http_status=response.status_code,
            headers=response.headers,
        )


def _page(request: Request[Any], ends: float) -> Page:
    with (
        Deadline(ends) as deadline,
        _Session(request, ends, deadline) as session,
        _answer(session, request, ends) as response,
    ):
        _refuse_status(request, response)
        data = b"".join(unpacked_body(request, response, ends))
        return Page(request.url, response.status_code, response.headers, data)


def _answer(session: requests.Session, request: Request[Any], ends: float) -> requests.Response:
    policy = request.policy
    left = ends - time.monotonic()
    if left <= 0:
        raise too_slow(request)
    timeout = (min(policy.connect_timeout, left), min(policy.read_timeout, left))
    headers = _HEADERS | {"Accept": f"{_ACCEPTED[request.format]}, */*;q=0.5"}
    try:
        return session.get(request.url, auth=request.auth, stream=True, timeout=timeout, headers=headers)
    except (OSError, urllib3.exceptions.HTTPError, UnicodeError) as error:  # RequestException is an OSError
        failure = explain(error, request)
    raise too_slow(request) if failure.transient and time.monotonic() >= ends else failure


def _refuse_status(request: Request[Any], response: requests.Response) -> None:
    """Raise for every answer but a whole one. 206 is a part nobody asked for; 3xx here leads nowhere."""
    status, url = response.status_code, response.url or request.url
    if 200 <= status < 300 and status != 206:
        return
    if status >= 500 or status in _TRANSIENT:
        raise SourceUnavailable(
            f"answered {status} each time it was asked{by_proxy(url)}", where=request.where, fix=WAIT
        )
    if status == 407:
        raise proxy_login(url, request)
    if status in {401, 403}:
        raise SourceRejected(f"answered {status}{_STILL_VALID}", where=request.where, fix=request.login_fix)
    nothing = "there is nothing at this address" if status in {404, 410} else "it does not accept this request"
    raise SourceRejected(f"answered {status}: {nothing}", where=request.where, fix=f"correct {request.setting}")
