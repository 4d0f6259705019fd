"""Sources that are files of this machine: a path or `file://`. The Zoom drop folder has a sensor for it."""

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from funnel_etl.core.errors import ConfigError, SourceRejected, SourceUnavailable
from funnel_etl.sources.archive.landing import settled_chunks
from funnel_etl.sources.connect.request import Fetched, Request, T
from funnel_etl.sources.connect.sniff import refuse_unless_text


def fetch_local(request: Request[T]) -> Fetched[T]:
    """Land the file.

    Raises SourceUnavailable if it is not there or still being written, SourceRejected if it is not CSV or too large.
    """
    path = _path(request)
    if path.is_dir():
        raise SourceRejected(
            "this is a folder, not a file",
            where=request.where,
            fix=f"set {request.setting} to the CSV file in it",
        )
    if not path.exists():
        raise SourceUnavailable(
            "there is no such file",
            where=request.where,
            fix=f"put the file there, or correct {request.setting}",
        )
    if not path.is_file():
        raise SourceRejected(
            "this is not a plain file", where=request.where, fix=f"set {request.setting} to a CSV file"
        )
    if path.stat().st_size > request.policy.max_bytes:
        raise request.too_large()
    check = partial(
        refuse_unless_text,
        where=request.where,
        page_fix="the page was saved instead of the file: download the CSV again",
        wanted=request.format,
    )
    return request.land(path.name, request.bounded(settled_chunks(request.source, path)), check)


def _path(request: Request[Any]) -> Path:
    if not request.url.lower().startswith("file:"):
        return Path(request.url).expanduser()
    parts = urlsplit(request.url)
    if parts.netloc not in {"", "localhost"}:
        raise ConfigError(
            "a file:// address must be of this machine",
            where=request.where,
            fix=f"write {request.setting} as file:///folder/name.csv",
        )
    return Path(url2pathname(parts.path))
