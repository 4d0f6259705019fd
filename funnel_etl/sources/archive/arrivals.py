"""What the landing archive writes beside the bytes: the manifest of an arrival, and the names of all it keeps.

Checked on the way in and out. Reading and writing the store is done in `landing`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from funnel_etl.core.errors import FunnelError

Kind = Literal["pull", "file", "config", "closing", "confirmation", "decision"]

# Never cookies, never anything that says who asked.
KEPT_HEADERS = ("content-type", "content-length", "content-encoding", "etag", "last-modified", "date")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_]*")
FILE_ID = re.compile(r"[0-9a-f]{64}")


class Arrival(BaseModel):
    """One file or pull that arrived, as its manifest tells it.

    Grain: one per arrival, so the same bytes may have many. `bytes` is the size, `file_id` the sha256, `folder` the
    sub-folder of the drop folder it lay in, `withheld` how many lines of erased persons were not kept; `page`:
    its number (from 1) among the pages of a pull.
    """

    model_config = ConfigDict(frozen=True)

    arrival_id: str
    source: str
    kind: Kind
    name: str
    received_at: AwareDatetime
    bytes: int = Field(ge=0)
    file_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    http_status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    status: Literal["accepted", "rejected"] = "accepted"
    reason: str | None = None
    folder: str | None = None
    withheld: int | None = None
    page: int | None = None
    landing_path: str


def identified(content: dict[str, Any]) -> Arrival:
    """Name an arrival by its instant and all its manifest says: writing it twice writes the same file."""
    stamp = datetime.fromisoformat(content["received_at"]).strftime("%Y%m%dT%H%M%S%fZ")
    # Through the model first, so that what is hashed is exactly what the manifest will say.
    draft = Arrival(arrival_id=stamp, **content)
    return draft.model_copy(update={"arrival_id": f"{stamp}-{_digest(draft.model_dump(mode='json'))}"})


def _digest(content: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "arrival_id"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


def arrival_of(name: str, data: bytes) -> Arrival:
    """Read a manifest. Raises `FunnelError` for one that is damaged, or that is not what its name says."""
    content = record_of(name, data)
    try:
        arrival = Arrival.model_validate(content)
    except ValidationError as error:
        raise damaged(name) from error
    if not arrival.arrival_id.endswith(_digest(content)) or not name.endswith(f"/{arrival.arrival_id}.json"):
        raise damaged(name)
    return arrival


def first_came(arrivals: Iterable[Arrival]) -> dict[str, datetime]:
    """Return when each content came first, by file_id."""
    return {a.file_id: a.received_at for a in sorted(arrivals, key=lambda one: one.received_at, reverse=True)}


def newest_pull(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return the newest arrival of a source that is pulled, given all in their order; of pages all of that pull."""
    for place in reversed(range(len(arrivals))):
        if arrivals[place].page in (None, 1):
            return list(arrivals[place:])
    return list(arrivals)


def record_of(name: str, data: bytes) -> dict[str, Any]:
    """Read a record. Raises `FunnelError` for one that is damaged."""
    try:
        content = json.loads(data)
    except ValueError as error:
        raise damaged(name) from error
    if not isinstance(content, dict):
        raise damaged(name)
    return content


def damaged(name: str) -> FunnelError:
    """Return the error of a record that is damaged."""
    return FunnelError(
        "this record of the landing archive is damaged or half-written",
        where=name,
        fix="restore it from a backup, or move it away: the files stay in objects/ and can be landed again",
    )


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the HTTP headers that are kept: none that says who asked."""
    lower = {key.lower(): value for key, value in headers.items()}
    return {key: lower[key] for key in KEPT_HEADERS if key in lower}


def utc(instant: datetime) -> datetime:
    """Return an instant in UTC. Raises `ValueError` for one without a time zone."""
    if instant.tzinfo is None:
        raise ValueError("received_at must say its time zone")
    return instant.astimezone(UTC)


def known_name(source: str) -> str:
    """Return the name of a source if it is a plain one: it becomes a folder. Raises `ValueError`."""
    if not _SOURCE.fullmatch(source):
        raise ValueError(f"a source is named in lower case, digits and underscores, not {source!r}")
    return source


def object_name(file_id: str) -> str:
    """Name the bytes of a file. Raises `ValueError` for what is no file_id: it becomes a path."""
    if not FILE_ID.fullmatch(file_id):
        raise ValueError("a file_id is 64 hexadecimal digits")
    return f"objects/{file_id[:2]}/{file_id}"


def removed_name(file_id: str) -> str:
    """Name the record that says why bytes are not there any more."""
    return object_name(file_id).replace("objects/", "removed/", 1) + ".json"


def manifest_name(arrival: Arrival) -> str:
    """Name the manifest of an arrival."""
    return f"manifests/{arrival.source}/{arrival.received_at.astimezone(UTC):%Y}/{arrival.arrival_id}.json"


def night_name(as_of: date, source: str) -> str:
    """Name the record of what a night used of a source."""
    return f"nights/{as_of.isoformat()}/{known_name(source)}.json"
