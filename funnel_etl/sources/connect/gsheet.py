"""Sources that are tabs of a Google Sheet: `gsheet://ID/TAB`, read by a service account, one request a pull.

A link that anyone may open is never needed: the sheets hold personal data.
"""

import csv
import importlib
import io
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
import stamina

from funnel_etl.core.errors import ConfigError, FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.connect.body import too_slow, unpacked_body
from funnel_etl.sources.connect.network_errors import culprit, refuse_unusable_proxy
from funnel_etl.sources.connect.request import Fetched, Request, T
from funnel_etl.sources.connect.sniff import refuse_unless_text
from funnel_etl.sources.connect.transport import Deadline, DeadlineAdapter

CREDENTIALS_SETTING = "FUNNEL_GOOGLE_CREDENTIALS"

_GOOGLE = "https://sheets.googleapis.com"
_ROWS_AT_ONCE = 5000
_WAIT = "wait for the next run; if it lasts, look at https://www.google.com/appsstatus"


class _BoundedAdapter(DeadlineAdapter):
    """Reads each answer itself, because gspread would wait for any length of it and hold it whole."""

    def __init__(self, request: Request[Any], ends: float, deadline: Deadline) -> None:
        self._request, self._ends = request, ends
        super().__init__(deadline)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and read the answer inside the limits of the pull."""
        request.headers["Accept-Encoding"] = "gzip"
        response = super().send(request, *args, **kwargs)
        response.raw = io.BytesIO(b"".join(unpacked_body(self._request, response, self._ends)))
        return response


def fetch_sheet(request: Request[T], credentials: Path | None, client: Any = None) -> Fetched[T]:
    """Land one tab as CSV, as "File → Download → CSV" would write it.

    `client` is a gspread client, made from the credentials if not given.
    """
    sheet, tab = _address(request)
    refuse_unusable_proxy(_GOOGLE, request)
    ends = time.monotonic() + request.policy.deadline
    with ExitStack() as stack:
        if client is None:
            client = _client(request, credentials)
            _bound(client, _BoundedAdapter(request, ends, stack.enter_context(Deadline(ends))))
        rows = _rows(request, client, sheet, tab, ends)
    check = partial(
        refuse_unless_text,
        where=request.where,
        page_fix=f"the tab starts like a web page: correct {request.setting}",
    )
    return request.land(request.url, request.bounded(_csv(rows)), check)


def _address(request: Request[Any]) -> tuple[str, str]:
    sheet, _, tab = request.url[len("gsheet://") :].partition("/")
    if not sheet or not tab:
        fix = f"write {request.setting} as gsheet://ID/TAB, the ID as between /d/ and /edit in its address"
        raise ConfigError("the address of a sheet needs its ID and its tab", where=request.where, fix=fix)
    return sheet, unquote(tab)


def _client(request: Request[Any], credentials: Path | None) -> Any:
    """Make a gspread client that may only read. Nothing of the key file is repeated in an error."""
    try:
        gspread = importlib.import_module("gspread")
    except ImportError as error:
        raise ConfigError(
            "reading Google Sheets needs a package that is not installed",
            where=request.where,
            fix="pip install funnel_etl[sheets]",
        ) from error
    if credentials is None or not credentials.is_file():
        told = "no service account is set" if credentials is None else f"there is no service account file {credentials}"
        raise ConfigError(
            told,
            where=request.where,
            fix=f"set {CREDENTIALS_SETTING} to the JSON key file of a service account",
        )
    try:
        client = gspread.service_account(filename=credentials, scopes=gspread.auth.READONLY_SCOPES)
    except (ValueError, KeyError, OSError):
        client = None
    if client is None:
        fix = f"download its JSON key again and set {CREDENTIALS_SETTING} to it"
        raise ConfigError(f"{credentials} is not the key of a service account", where=request.where, fix=fix)
    client.http_client.set_timeout((request.policy.connect_timeout, request.policy.read_timeout))
    return client


def _bound(client: Any, adapter: DeadlineAdapter) -> None:
    """Let the client, and the session by which google-auth fetches its token, use this adapter."""
    own = client.http_client.session
    for session in filter(None, (own, getattr(own, "_auth_request_session", None))):
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)


def _rows(request: Request[Any], client: Any, sheet: str, tab: str, ends: float) -> list[list[Any]]:
    policy = request.policy
    again = stamina.retry_context(
        on=SourceUnavailable,
        attempts=policy.retries + 1,
        timeout=policy.deadline,
        wait_initial=policy.backoff,
        wait_max=policy.backoff_max,
        wait_jitter=policy.jitter,
    )
    for attempt in again:
        with attempt:
            return _ask(request, client, sheet, tab, ends)
    raise AssertionError("stamina ends with a result or an error")


def _ask(request: Request[Any], client: Any, sheet: str, tab: str, ends: float) -> list[list[Any]]:
    """Ask once. The libraries' own text stays out of our errors: only status and kind of failure count."""
    quoted = "'" + tab.replace("'", "''") + "'"
    params = {"majorDimension": "ROWS", "valueRenderOption": "FORMATTED_VALUE"}
    failure: FunnelError
    try:
        answer = client.http_client.values_get(sheet, quoted, params=params)
    except FunnelError:
        raise
    except (OSError, ValueError) as error:  # RequestException is an OSError
        failure = culprit(error, request) or SourceUnavailable(
            "Google did not answer, or not whole", where=request.where, fix=_WAIT
        )
    except Exception as error:
        failure_or_none = _refusal(request, error)
        if failure_or_none is None:
            raise
        failure = failure_or_none
    else:
        rows: list[list[Any]] = answer.get("values", [])
        return rows
    raise too_slow(request) if failure.transient and time.monotonic() >= ends else failure


def _refusal(request: Request[Any], error: Exception) -> FunnelError | None:
    """Recognise gspread's and google-auth's errors by their shape, because neither package need be installed."""
    if type(error).__module__.startswith("google.auth."):
        if (known := culprit(error, request)) is not None:
            return known
        if getattr(error, "retryable", False) or type(error).__name__ == "TransportError":
            return SourceUnavailable("Google's login did not answer", where=request.where, fix=_WAIT)
        fix = f"make a new key for it and set {CREDENTIALS_SETTING} to that file"
        return SourceRejected("Google does not accept the service account's key", where=request.where, fix=fix)
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is None:
        return None
    if status == 429 or status >= 500:
        return SourceUnavailable(f"Google answered {status}", where=request.where, fix=_WAIT)
    what, fix = {
        400: (
            "there is no such tab",
            f"correct the part after the last / in {request.setting}: it is the tab's name",
        ),
        404: ("there is no such sheet", f"correct the ID in {request.setting}"),
    }.get(
        status,
        (
            f"the service account may not read this sheet ({status})",
            "share the sheet with its address, as a viewer",
        ),
    )
    return SourceRejected(what, where=request.where, fix=fix)


def _csv(rows: list[list[Any]]) -> Iterator[bytes]:
    """Write rows as UTF-8 CSV. Google cuts empty cells off the end of a row: they are put back."""
    width = max((len(row) for row in rows), default=0)
    remaining = iter(rows)
    while batch := list(islice(remaining, _ROWS_AT_ONCE)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(row + [""] * (width - len(row)) for row in batch)
        yield text.getvalue().encode()
