"""One door to every source: looks at the address and hands it to its reader. No reading is done here."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from funnel_etl.core.errors import ConfigError
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.auth import Auth
from funnel_etl.sources.connect.gsheet import fetch_sheet
from funnel_etl.sources.connect.http import fetch_http
from funnel_etl.sources.connect.local import fetch_local
from funnel_etl.sources.connect.request import Content, Fetched, FetchPolicy, Judge, Request, T

__all__ = ["Auth", "FetchPolicy", "Fetched", "fetch"]

# A single letter is the drive of a Windows path.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)


def utc_now() -> datetime:
    """Return the present instant."""
    return datetime.now(UTC)


def fetch(
    url: str,
    *,
    source: str,
    landing: Landing,
    auth: Auth = Auth(),  # noqa: B008 - frozen
    policy: FetchPolicy = FetchPolicy(),  # noqa: B008 - frozen
    clock: Callable[[], datetime] = utc_now,
    setting: str | None = None,
    credentials: Path | None = None,
    judge: Judge[T] | None = None,
    content: Content = Content(),  # noqa: B008 - frozen
) -> Fetched[T]:
    """Pull a source once, whole, into the landing archive and return its arrival, with what `judge` read of it.

    `url` is a path, `file://`, `http(s)://` or `gsheet://ID/TAB`; `setting` the name that errors blame
    (`CRM_SALES_URL`; by default the source's); `credentials` the service account file for sheets; `judge` reads what
    came whole and looks like CSV, or refuses it by raising a FunnelError;
    `content` is what the source declares of what it sends.
    Raises SourceUnavailable when trying again may help, SourceRejected when it will not (a whole answer that
    is not CSV is kept as a rejected arrival), ConfigError for an address or login that cannot be used.
    """
    name = f"FUNNEL_{(setting or f'{source}_url').upper().removeprefix('FUNNEL_')}"
    address = url.strip()
    if not address:
        raise ConfigError("no address is set", where=source, fix=f"set {name} to a path or an address")
    request = Request(
        url=address,
        source=source,
        setting=name,
        landing=landing,
        auth=auth,
        policy=policy,
        clock=clock,
        judge=judge,
        format=content.format,
        pages=content.pages,
        read=content.read,
    )
    found = _SCHEME.match(address)
    scheme = found.group(1).lower() if found else "file"
    if content.pages is not None and scheme not in {"http", "https"}:
        raise ConfigError("only an address of HTTP has pages", where=request.where, fix=f"set {name} to http(s)://")
    match scheme:
        case "http" | "https":
            return fetch_http(request)
        case "gsheet":
            return fetch_sheet(request, credentials)
        case "file":
            return fetch_local(request)
    raise ConfigError(
        "this kind of address is not known",
        where=request.where,
        fix=f"set {name} to a path, file://, http://, https:// or gsheet://ID/TAB",
    )
