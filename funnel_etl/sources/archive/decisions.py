"""Decisions of people, kept in the landing archive: of a kind, about a subject, with why and when.

A later decision of the same kind about the same subject replaces it, or undoes it. Nothing is deleted: who asks what
was decided when finds all of them. What a decision does belongs to who asks for its kind.
"""

import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.text import squash_one
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.connect.fetch import utc_now

SOURCE = "decisions"
LONGEST_WHY = 500
_OF_A_PERSON = re.compile(r"[^\s@]+@[^\s@]+\.\w|\d(?:[\s().+-]{0,3}\d){7,}")


@dataclass(frozen=True)
class Decision:
    """One decision. `is_undone`: the one before it holds no longer; `at`: when it was made."""

    kind: str
    subject: str
    why: str
    at: datetime
    is_undone: bool = False


def decide(landing: Landing, kind: str, subject: str, why: str, *, is_undone: bool = False) -> Decision:
    """Keep a decision, and return it. Raises `FunnelError` for a reason that is none, or that names a person."""
    decision = Decision(kind, subject, _reason(why), utc_now(), is_undone)
    data = json.dumps(asdict(decision) | {"at": decision.at.isoformat()}, sort_keys=True, ensure_ascii=False).encode()
    landing.put(SOURCE, "decision", f"{kind}_{subject[:12]}.json", data, received_at=decision.at)
    return decision


def decisions(landing: Landing, kind: str) -> dict[str, Decision]:
    """Return the last decision of a kind about each subject, those that undo one too."""
    kept = (json.loads(landing.read(arrival.file_id)) for arrival in landing.arrivals(SOURCE))
    given = (Decision(**one | {"at": datetime.fromisoformat(one["at"])}) for one in kept if one["kind"] == kind)
    return {one.subject: one for one in given}


def in_force(landing: Landing, kind: str) -> dict[str, Decision]:
    """Return the decisions of a kind that hold, by subject."""
    return {subject: one for subject, one in decisions(landing, kind).items() if not one.is_undone}


def _reason(why: str) -> str:
    text = squash_one(why)
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
