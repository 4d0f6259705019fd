"""What a person decides about deliveries: approve, resolve, fire again. Each is one transaction of the ledger."""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery import ledger, reading
from funnel_etl.delivery.candidates_contract import DELIVER
from funnel_etl.delivery.contracts import HELD
from funnel_etl.delivery.outcome import scrubbed
from funnel_etl.delivery.plan import TypeKey, fired_again, new_types, type_hold
from funnel_etl.delivery.planning import known_of
from funnel_etl.delivery.rows import Candidate, Delivery
from funnel_etl.operate.deliver.place import Place, open_place
from funnel_etl.settings import Settings

SHORTEST_KEY = 8
"""Digits of a delivery key that name it."""


@dataclass(frozen=True)
class Approved:
    """What an approval did: types that are fixed now, rows that are released."""

    types: dict[TypeKey, str]
    released: int


def approve_types(settings: Settings) -> Approved:
    """Approve the types of all attributes that the newest night would send for the first time."""
    now = datetime.now(UTC)
    with open_place(settings) as place, place.engine.begin() as connection:
        candidates = reading.read_candidates(connection, place.own)
        types = new_types(candidates, reading.read_types(connection, place.own))
        ledger.approve_types(connection, place.own, types, now)
        fixed = reading.read_types(connection, place.own)
        held = [row for row in reading.read_open(connection, place.own) if row.reason == "new_attribute_type"]
        return Approved(types, ledger.release(connection, [row for row in held if not type_hold(row, fixed)], now))


def approve_rows(settings: Settings, *, night: date | None = None, occurrence: str | None = None) -> Approved:
    """Release what a person must: a large plan of a night, or what is held of an occurrence."""
    now = datetime.now(UTC)
    with open_place(settings) as place, place.engine.begin() as connection:
        fixed = reading.read_types(connection, place.own)
        rows = []
        for row in reading.read_open(connection, place.own):
            is_of_plan = night is not None and (row.reason, row.planned_night) == ("large_plan", night)
            is_of_occurrence = occurrence is not None and row.occurrence_id == occurrence
            is_of_occurrence = is_of_occurrence and row.reason in ("large_plan", "identity_changed")
            if row.state == HELD and (is_of_plan or is_of_occurrence):
                rows.append(row)
        released = [row for row in rows if not type_hold(row, fixed)]
        ledger.hold(connection, [row for row in rows if type_hold(row, fixed)], "new_attribute_type", now)
        return Approved({}, ledger.release(connection, released, now))


def resolve(
    settings: Settings, keys: Sequence[str], note: str, *, is_delivered: bool, who: str | None = None
) -> list[Delivery]:
    """Decide what became of rows, by their keys or the beginnings of these; returns them.

    `who` decides, for the note; None: the user of this machine.
    Raises `FunnelError` for a key that is none, or of a row that is nobody's to decide.
    """
    said = _note("delivered" if is_delivered else "again", note, who=who)
    with open_place(settings) as place, place.engine.begin() as connection:
        rows = reading.read_open_or_failed(connection, place.own)
        found = [_named(key, rows) for key in keys]
        return ledger.resolve(connection, found, datetime.now(UTC), said, is_delivered=is_delivered)


def give_up(settings: Settings, keys: Sequence[str], note: str, who: str | None = None) -> list[Delivery]:
    """Cancel events of which nobody knows, or that were refused, for good; returns them. Raises as `resolve`."""
    said = _note("given up", note, who=who)
    with open_place(settings) as place, place.engine.begin() as connection:
        rows = reading.read_open_or_failed(connection, place.own)
        found = [_named(key, rows) for key in keys]
        return ledger.give_up(connection, found, datetime.now(UTC), said)


def _named(key: str, rows: Sequence[Delivery]) -> str:
    fits = [row.delivery_key for row in rows if len(key) >= SHORTEST_KEY and row.delivery_key.startswith(key.lower())]
    if len(fits) != 1:
        raise FunnelError(
            "no delivery that is unknown, held or failed has this key" if not fits else "several have this beginning",
            where=key[:16],
            fix="take the delivery_key of funnel-etl deliver report --to FILE.csv",
        )
    return fits[0]


@dataclass(frozen=True)
class Again:
    """Events that are to be fired once more, and how many are not because the night says so no more."""

    rows: list[Delivery]
    left: int


def find_again(settings: Settings, occurrence: str, kind: str, reason: str, who: str | None = None) -> Again:
    """Return what firing an occurrence's events again would plan. Raises `FunnelError` if nothing was delivered."""
    said = _note("again", reason, "--reason", who)
    with open_place(settings) as place:
        return _again(place, occurrence, kind, said)


def _again(place: Place, occurrence: str, kind: str, said: str) -> Again:
    now = datetime.now(UTC)
    with place.engine.connect() as connection:
        delivered = reading.read_delivered(connection, place.own, occurrence, kind)
        if not delivered:
            raise FunnelError(
                f"no event {kind!r} of this occurrence was delivered",
                where=occurrence,
                fix="look for it in funnel-etl deliver report --to FILE.csv",
            )
        candidates = {
            each.subject: each for each in reading.read_candidates(connection, place.own) if each.decision == DELIVER
        }
        known = known_of(connection, place.own, delivered, place.journal(), now, place.zone, 0)
        rows = []
        for row in delivered:
            found: Candidate | None = candidates.get((row.object, row.kind, occurrence, row.user_id or ""))
            if found is not None:
                rows.append(fired_again(row, found, known, said))
        return Again(rows, len(delivered) - len(rows))


def fire_again(settings: Settings, again: Again) -> int:
    """Plan these events once more; returns how many."""
    with open_place(settings) as place, place.engine.begin() as connection:
        return ledger.insert(connection, again.rows)


def _note(word: str, text: str, option: str = "--note", who: str | None = None) -> str:
    clean = scrubbed(" ".join(text.split())).replace(";", ",")
    if not clean:
        raise FunnelError("it is empty", where=option, fix="say why in a sentence, without names and numbers")
    return f"{word} by {who or _who()}: {clean}"


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
