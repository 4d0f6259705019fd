"""The body of an answer, unpacked as it comes: whole, in time, not too large. What it says is not read."""

import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from funnel_etl.core.errors import FunnelError, SourceRejected, SourceUnavailable
from funnel_etl.sources.connect.network_errors import WAIT
from funnel_etl.sources.connect.request import Request
from funnel_etl.sources.connect.transport import Unpacker

_CHUNK = 1 << 16


class BrokenOff(SourceUnavailable):
    """The answer began well and did not come whole: worth downloading again at once."""


def unpacked_body(request: Request[Any], response: requests.Response, ends: float) -> Iterator[bytes]:
    """Yield the unpacked body, and raise unless it comes whole, in time and inside the limit of its size.

    urllib3 raises if fewer bytes come than were announced, or the last chunk is missing. `read1` returns what has
    come, so that a slow drip is noticed; `read` would wait for a full chunk.
    """
    unpacker = Unpacker.for_encoding(response.headers.get("content-encoding", ""))
    if unpacker is None:
        raise SourceRejected(
            "packed its answer in a way that was not asked for",
            where=request.where,
            fix="have it send CSV plain or as gzip",
        )
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > request.policy.max_bytes:
        raise request.too_large()
    yield from request.bounded(_pieces(request, response, unpacker, ends))


def _pieces(request: Request[Any], response: requests.Response, unpacker: Unpacker, ends: float) -> Iterator[bytes]:
    failure: FunnelError | None = None
    while failure is None:
        try:
            chunk = response.raw.read1(_CHUNK, decode_content=False)
            if time.monotonic() < ends and chunk:
                yield from unpacker.unpack(chunk)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            failure = _broken_off(request, response)
        if time.monotonic() >= ends:
            failure = too_slow(request)
        elif failure is None and response.raw.tell() > request.policy.max_bytes:
            failure = request.too_large()
        elif failure is None and not chunk:
            break
    if failure is None and not unpacker.whole:
        failure = _broken_off(request, response)
    if failure is not None:
        raise failure


def too_slow(request: Request[Any]) -> SourceUnavailable:
    """Return the error for an answer that was not whole at the deadline."""
    return SourceUnavailable(
        f"no whole answer within {request.policy.deadline:g} s",
        where=request.where,
        fix=f"{WAIT} why it is slow, or raise FUNNEL_DOWNLOAD_SECONDS",
    )


def _broken_off(request: Request[Any], response: requests.Response) -> BrokenOff:
    announced = response.headers.get("content-length", "")
    of = f" of {announced}" if announced.isdigit() else ""
    return BrokenOff(f"the answer broke off after {response.raw.tell()}{of} bytes", where=request.where, fix=WAIT)
