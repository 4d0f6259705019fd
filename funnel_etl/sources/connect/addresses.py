"""Addresses of sources as manifests, errors and logs may show them: without anything that opens a door.

Only text is handled here; nothing is opened.
"""

import re
from urllib.parse import SplitResult, urlsplit

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_UNREADABLE = "an address that cannot be read"
_SHEET = "gsheet://"


def arrival_name(name: str) -> str:
    """Return the name an arrival is known by: an address without secrets, or the last part of a path."""
    if "://" in name:
        return safe_url(name)
    return _CONTROL.sub("", re.split(r"[\\/]", name)[-1])


def safe_url(url: str) -> str:
    """Return the address without user, password, fragment and the values of its query: `http://host/path?token=…`."""
    place = without_query(url)
    parts = _split(url)
    if url.startswith(_SHEET) or parts is None or not parts.query:
        return place
    # A part without "=" may itself be the secret, so nothing of it is kept.
    shown = (f"{pair.partition('=')[0]}=…" if "=" in pair else "…" for pair in parts.query.split("&"))
    return _CONTROL.sub("", f"{place}?{'&'.join(shown)}")


def without_query(url: str) -> str:
    """Return scheme, host, port and path of the address."""
    if url.startswith(_SHEET):
        return _CONTROL.sub("", url)
    parts = _split(url)
    if parts is None:
        return _UNREADABLE
    return _CONTROL.sub("", f"{parts.scheme}://{_host(parts)}{parts.path}")


def without_user(url: str) -> tuple[str, str | None]:
    """Take `user:password@` out of an address; the second value is that text, or None. Raises ValueError."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=_host(parts)).geturl(), user if at else None


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
