"""Dumps that a person said are right though they were refused: exactly these bytes, kept in the landing archive.

A confirmed dump may be used, and is what the next pull is compared with, until a dump has been taken.
"""

import json
from dataclasses import asdict, dataclass

from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

SOURCE = "confirmations"


@dataclass(frozen=True)
class Confirmation:
    """`file_id`: the dump that is right; `refusal`: what it was refused for."""

    source: str
    file_id: str
    refusal: str


def confirm(landing: Landing, confirmation: Confirmation) -> None:
    """Keep a confirmation; the arrival says when it was given."""
    data = json.dumps(asdict(confirmation), sort_keys=True, ensure_ascii=False).encode()
    name = f"{confirmation.source}_{confirmation.file_id[:12]}.json"
    landing.put(SOURCE, "confirmation", name, data, received_at=utc_now())


def confirmed(landing: Landing, source: str) -> list[str]:
    """Return the dumps of a source that were confirmed since one was taken, in that order."""
    taken = max((a.arrival_id for a in landing.arrivals(source) if a.status == "accepted"), default="")
    given = (Confirmation(**json.loads(landing.read(a.file_id))) for a in landing.arrivals(SOURCE, after=taken))
    return [one.file_id for one in given if one.source == source]
