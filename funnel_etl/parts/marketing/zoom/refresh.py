"""When reports that arrive in the day are worked in: a pure decision, and what is remembered between two looks.

Nothing is read or asked for here; the sensor gathers the situation and does what was decided.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

ATTEMPTS = 3
"""How often a refresh of the same files is asked for when its run fails."""
NEEDS = (
    "clean.tofu_leads",
    "clean.ad_spend",
    "clean.assigned_leads",
    "clean.sales",
    "raw.consents",
    "mart.spend_by_funnel",
    "mart.data_version",
)
"""Tables a refresh needs and does not make: without them the night is not made, and takes the files itself."""


@dataclass(frozen=True)
class Remembered:
    """What the sensor remembers. Files are named by the first 16 digits of their SHA-256.

    `taken`, `shown`: last arrival whose file was noted as pending, whose partition was told; `decided`: last decision
    that was noted; `pending`: not known to be worked in; `asked`, `run_key`, `attempt`: the refresh asked for last.
    """

    taken: str = ""
    shown: str = ""
    pending: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    run_key: str = ""
    attempt: int = 0
    decided: str = ""

    def to_cursor(self) -> str:
        """Return it as the text of a Dagster cursor."""
        return json.dumps(asdict(self))

    @classmethod
    def from_cursor(cls, cursor: str | None) -> "Remembered":
        """Read a cursor; one that cannot be read is a fresh start: all arrivals are noted again, none is forgotten."""
        try:
            kept: dict[str, Any] = json.loads(cursor or "{}")
            given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()}
            return cls(**given)
        except (ValueError, TypeError, AttributeError):
            return cls()


@dataclass(frozen=True)
class Situation:
    """What a decision rests on. `used`: files D-1 works with, as recorded; `withdrawn`: those no night is to use.

    `under_way`: a job that is queued or running; `missing`: tables of D-1 that are needed and not there; `rest`: files
    in the drop folder that are still to be taken; `asked_run`: how the last refresh stands.
    """

    night: date
    used: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()
    under_way: str | None = None
    missing: tuple[str, ...] = ()
    rest: int = 0
    asked_run: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What to do: ask for a refresh under `run_key`, or not, and `why`; and what to remember."""

    remembered: Remembered
    why: str
    run_key: str | None = None
    files: tuple[str, ...] = field(default=())


def decide(remembered: Remembered, situation: Situation) -> Verdict:
    """Decide whether a refresh of D-1 is asked for now. Files that are not worked in yet stay remembered.

    It gives way to the night: while it (or another refresh) is queued or running, and until D-1 was made. A refresh
    that failed is asked for again, under another key; after three times the next night takes the files.
    """
    failed = situation.asked_run == "failed"
    if situation.under_way:
        return Verdict(remembered, _waiting(remembered, f"{situation.under_way} is queued or running"))
    again = frozenset(remembered.asked) if failed else frozenset()
    if failed and remembered.attempt >= ATTEMPTS:
        left = tuple(key for key in remembered.pending if key not in again)
        given_up = replace(remembered, pending=left, asked=(), run_key="", attempt=0)
        return Verdict(given_up, f"{ATTEMPTS} refreshes failed: the night takes the files; see the failed runs")
    worked_in = situation.used ^ situation.withdrawn
    files = tuple(sorted(again | (frozenset(remembered.pending) - worked_in)))
    kept = replace(remembered, pending=files)
    if not files:
        return Verdict(replace(kept, asked=(), run_key="", attempt=0), "nothing new and settled")
    if situation.missing:
        why = f"the night of {situation.night} has not made {situation.missing[0]}: it takes the files itself"
        return Verdict(kept, _waiting(kept, why))
    if situation.rest:
        return Verdict(kept, _waiting(kept, f"{situation.rest} more files are being taken"))
    attempt = remembered.attempt + 1 if failed else 1
    run_key = batch_key(situation.night, files, attempt)
    asked = replace(kept, asked=files, run_key=run_key, attempt=attempt)
    return Verdict(asked, f"{len(files)} reports are worked into {situation.night}", run_key, files)


def batch_key(night: date, files: Iterable[str], attempt: int = 1) -> str:
    """Name a batch by its night and its files, whatever their order; another attempt is another name."""
    text = "\n".join([night.isoformat(), *sorted(files)])
    return f"{night}-{hashlib.sha256(text.encode()).hexdigest()[:16]}" + (f"-{attempt}" if attempt > 1 else "")


def _waiting(remembered: Remembered, why: str) -> str:
    count = len(remembered.pending)
    return f"{count} reports wait to be worked in: {why}" if count else why
