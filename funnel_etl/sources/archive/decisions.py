"""Decisions of people, kept in the landing archive: of a kind, about a subject, with why and when.

A later decision of the same kind about the same subject replaces it, or undoes it. Nothing is deleted: who asks what
was decided when finds all of them. What a decision does belongs to who asks for its kind. An erasure is no such
decision: who was erased must not be readable (`erasure_registry`).
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.text import squash_one, typed
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

SOURCE = "decisions"
CONFIRMATIONS = "confirmations"
"""Where acceptances were kept before they were decisions; an archive may still have some."""
ACCEPTED = "refused_accepted"
"""Kind: bytes that were refused and that a person says are right. Subject: their file_id."""
ACCEPTED_WHY = "accepted by funnel-etl confirm"
LONGEST_WHY = 500
_OF_A_PERSON = re.compile(r"[^\s@]+@[^\s@]+\.\w|\d(?:[\s().+-]{0,3}\d){7,}")


@dataclass(frozen=True)
class Decision:
    """What a person decided. `is_undone`: the one before holds no longer; `at`: when; `about`: what else it says."""

    kind: str
    subject: str
    why: str
    at: datetime
    is_undone: bool = False
    about: Mapping[str, str] = field(default_factory=dict)


def decide(
    landing: Landing,
    kind: str,
    subject: str,
    why: str,
    *,
    is_undone: bool = False,
    about: Mapping[str, str] | None = None,
) -> Decision:
    """Keep a decision, and return it. Raises `FunnelError` for a reason that is none, or that names a person."""
    decision = Decision(kind, subject, _reason(why), utc_now(), is_undone, dict(about or {}))
    data = json.dumps(asdict(decision) | {"at": decision.at.isoformat()}, sort_keys=True, ensure_ascii=False).encode()
    landing.put(SOURCE, "decision", f"{kind}_{subject[:12]}.json", data, received_at=decision.at)
    return decision


def decisions(landing: Landing, kind: str) -> dict[str, Decision]:
    """Return the last decision of a kind about each subject, those that undo one too."""
    return {one.subject: one for one in _made(landing, kind)}


def in_force(landing: Landing, kind: str) -> dict[str, Decision]:
    """Return the decisions of a kind that hold, by subject."""
    return {subject: one for subject, one in decisions(landing, kind).items() if not one.is_undone}


def accept_refused(landing: Landing, source: str, file_id: str, refusal: str) -> None:
    """Keep a person's word that exactly these bytes of a source are right, though they were refused."""
    decide(landing, ACCEPTED, file_id, ACCEPTED_WHY, about={"source": source, "refusal": refusal})


def accepted_refused(landing: Landing, source: str) -> list[str]:
    """Return the file_ids of a source that a person has accepted since one was taken, in that order.

    They may be used, and are what the next pull is compared with, until a dump has been taken.
    """
    taken = max((a.arrival_id for a in landing.arrivals(source) if a.status == "accepted"), default="")
    return [one.subject for one in _made(landing, ACCEPTED, after=taken) if one.about.get("source") == source]


def _made(landing: Landing, kind: str, after: str = "") -> Iterator[Decision]:
    """Yield all decisions of a kind that were landed after an arrival, oldest first."""
    if kind == ACCEPTED:
        for arrival in landing.arrivals(CONFIRMATIONS, after=after):
            old = json.loads(landing.read(arrival.file_id))
            about = {"source": old["source"], "refusal": old["refusal"]}
            yield Decision(ACCEPTED, old["file_id"], ACCEPTED_WHY, arrival.received_at, about=about)
    for arrival in landing.arrivals(SOURCE, after=after):
        one = json.loads(landing.read(arrival.file_id))
        if one["kind"] == kind:
            yield Decision(**one | {"at": datetime.fromisoformat(one["at"])})


def _reason(why: str) -> str:
    text = squash_one(typed(why))
    if not text or len(text) > LONGEST_WHY:
        raise FunnelError(
            "the reason is empty" if not text else f"the reason is longer than {LONGEST_WHY} characters",
            where="--why",
            fix='say it in one sentence, as in --why "export of another account"',
        )
    if _OF_A_PERSON.search(unicodedata.normalize("NFKC", text)):
        raise FunnelError(
            "the reason holds an e-mail address or a long number, and it is kept for ever and shown",
            where="--why",
            fix="say it without numbers of eight or more digits and without addresses",
        )
    return text
