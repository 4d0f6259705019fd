"""From candidates, ledger and journal to what the ledger is to say: planned, held, cancelled, adopted. Pure.

It says what becomes of each row; the ledger writes it (`ledger.plan`), the preview only shows it. Sections 7.4 to 7.6
of the design, and its precisions.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.book import Book
from funnel_etl.delivery.candidates_contract import DELIVER
from funnel_etl.delivery.contracts import (
    CANCELLED,
    CHANGED,
    DELIVERED,
    ERASURE,
    EVENT,
    HELD,
    MAY_HAVE_BEEN_SENT,
    PERMANENT,
    PLANNED,
    RENAMED,
    SENDABLE,
    TRANSIENT,
    UNKNOWN,
    USER,
)
from funnel_etl.delivery.due import OF_CONSENT, NewestBatch, cancelled, is_lost, is_too_old, lost, why_cancelled
from funnel_etl.delivery.keys import canonical, event_key, request_id, user_key
from funnel_etl.delivery.rows import Candidate, Delivery, subject_of

ADOPTED_WITHIN = timedelta(hours=36)
"""How far the start of a webinar may move for it to be the same one."""
BY_A_PERSON = {"large_plan", "identity_changed"}
"""Holds that only a person releases; the others are looked at again by each plan."""
TypeKey = tuple[str, str, str]
"""Object, name of the event (empty for users), attribute."""


@dataclass(frozen=True)
class Known:
    """What is known beside the candidates. `occurrences`: those that the newest night has; `types`: those approved."""

    rows: Sequence[Delivery]
    occurrences: Collection[str]
    types: Mapping[TypeKey, str]
    newest_batch: NewestBatch
    now: datetime
    zone: ZoneInfo
    night: date | None
    approve_over: int
    batch_sizes: Mapping[str, int] = field(default_factory=dict)
    """How many rows each bulk request had, whatever became of them."""

    @property
    def today(self) -> date:
        """The day of sending."""
        return self.now.astimezone(self.zone).date()


@dataclass
class Plan:
    """What the ledger is to say. `new`: rows to insert; `changed`: rows as they are to be, by the state they were in.

    `unplanned`: candidate_id → why it says deliver and is not in the ledger.
    """

    new: list[Delivery] = field(default_factory=list)
    changed: list[tuple[str, Delivery]] = field(default_factory=list)
    unplanned: dict[str, str] = field(default_factory=dict)
    rows: list[Delivery] = field(default_factory=list)
    """Every row that was known, as it is afterwards, and the new ones."""


def plan(candidates: Sequence[Candidate], known: Known) -> Plan:
    """Return what the ledger is to say by the newest night. `candidates`: those that say deliver, and of open rows."""
    made = Plan()
    book = Book(known.rows)
    due = sorted((each for each in candidates if each.decision == DELIVER), key=lambda each: each.order)
    _adopt(book, due, known)
    _cancel(book, candidates, known)
    for candidate in due:
        if why := _not_today(candidate, known):
            made.unplanned[candidate.candidate_id] = why
        elif candidate.object == USER:
            _plan_user(book, candidate, known, made)
        else:
            _plan_event(book, candidate, known, made)
    _hold_large(book, known)
    _keep_batches_whole(book, known.batch_sizes)
    for key, row in book.rows.items():
        before = book.was.get(key)
        if before is None:
            made.new.append(row)
        elif before != row:
            moved = (before.state, before.reason) != (row.state, row.reason)
            book.rows[key] = after = replace(row, changed_at=known.now) if moved else row
            made.changed.append((before.state, after))
    made.rows = list(book.rows.values())
    return made


def _not_today(candidate: Candidate, known: Known) -> str | None:
    if candidate.first_day is not None and known.today < candidate.first_day:
        return "before_from_date"
    if candidate.object == EVENT and is_too_old(candidate, candidate.last_day, known.today, known.zone):
        return "too_old"
    return None


def _adopt(book: Book, due: Iterable[Candidate], known: Known) -> None:
    """Let rows of occurrences that are no more be of what these became: a registration report names another start."""
    homeless: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in list(book.rows.values()):
        was_cancelled = row.state == CANCELLED and MAY_HAVE_BEEN_SENT not in (row.note or "")
        if row.object == EVENT and row.occurrence_id not in known.occurrences and not was_cancelled:
            homeless[row.kind, row.webinar_id or "", row.user_id or ""].append(row.delivery_key)
    for candidate in due:
        if candidate.object != EVENT or book.of_event(candidate.subject):
            continue
        rows = homeless.get((candidate.kind, candidate.webinar_id or "", candidate.user_id or ""), [])
        near = {key: far for key in rows if (far := _distance(book.rows[key], candidate)) <= ADOPTED_WITHIN}
        nearest = min(near, key=lambda key: near[key], default=None)
        if nearest is None:
            continue
        old = book.rows[nearest].occurrence_id
        for key in [key for key in rows if book.rows[key].occurrence_id == old]:
            book.move(book.rows[key], candidate)
            rows.remove(key)


def _distance(row: Delivery, candidate: Candidate) -> timedelta:
    if row.started_at is None or candidate.started_at is None:
        return timedelta.max
    return abs(row.started_at - candidate.started_at)


def _cancel(book: Book, candidates: Iterable[Candidate], known: Known) -> None:
    """Cancel what is not sent yet and the newest night sends no more, or that has become too old."""
    by_subject = {each.subject: each for each in candidates if each.user_id}
    for key, row in list(book.rows.items()):
        if row.object == ERASURE or row.state not in (*SENDABLE, HELD, UNKNOWN):
            continue
        candidate = by_subject.get(subject_of(row))
        reason = why_cancelled(candidate)
        if row.state == UNKNOWN:
            # What a person must decide about is theirs, but for what nobody may send any more.
            reason = reason if reason in OF_CONSENT else None
        elif reason is None and row.object == EVENT and is_too_old(row, row.last_day, known.today, known.zone):
            reason = "too_old"
        if reason:
            book.rows[key] = cancelled(row, reason)


def _plan_user(book: Book, candidate: Candidate, known: Known, made: Plan) -> None:
    """Plan a user whose profile is not the one delivered last; an older one that was not sent is replaced."""
    rows = book.of_user(candidate.user_id or "")
    delivered = [row for row in rows if row.state == DELIVERED]
    waiting = [row for row in rows if row.state in (*SENDABLE, HELD, UNKNOWN)]
    others = [row for row in waiting if row.payload_sha256 != candidate.payload_sha256]
    in_doubt = any(row.first_sent_at for row in others)
    for row in others:
        book.put(cancelled(row, "replaced"))
    same = [row for row in waiting if row.payload_sha256 == candidate.payload_sha256]
    for row in same:
        book.put(_held_or_not(row, book, known))
    last = max(delivered, key=lambda row: row.accepted_at or row.changed_at, default=None)
    refused = [row for row in rows if row.state == PERMANENT and row.payload_sha256 == candidate.payload_sha256]
    if same or refused:
        return
    if candidate.only_after_delivery and not (delivered or in_doubt):
        made.unplanned[candidate.candidate_id] = "never_delivered"
        return
    if last is not None and last.payload_sha256 == candidate.payload_sha256 and not in_doubt:
        return
    number = len(delivered)
    while (gone := book.rows.get(user_key(candidate.key_parts or "", number))) and gone.user_id is None:
        number += 1  # of a person who was erased there, and is let in again
    key = user_key(candidate.key_parts or "", number)
    row = _row(candidate, key, 1, known)
    if (before := book.rows.get(key)) is not None:
        # It was replaced, and has come back: the same key, under another request id.
        row = replace(row, resolutions=before.resolutions, note=before.note, batch_id=before.batch_id)
        row = row.with_new_request()
    book.put(_held_or_not(row, book, known))


def _plan_event(book: Book, candidate: Candidate, known: Known, made: Plan) -> None:
    """Plan an event that is new; of one that is known say what has changed since."""
    rows = book.of_event(candidate.subject)
    if rows:
        book.put(_known_event(rows[-1], candidate, book, known))
        return
    row = _row(candidate, event_key(candidate.key_parts or "", 1), 1, known)
    if row.delivery_key in book.rows:
        # Of a person who was erased and is let in again: what was sent before is not fired again.
        made.unplanned[candidate.candidate_id] = "erased"
        return
    row = replace(row, depends_on=_depends_on(book, candidate.user_id or ""))
    if is_lost(row, known.newest_batch):
        book.put(lost(row, known.newest_batch))
    elif _is_of_another(row, book):
        book.put(replace(row, state=HELD, reason="identity_changed"))
    else:
        book.put(_held_or_not(row, book, known))


def _known_event(row: Delivery, candidate: Candidate, book: Book, known: Known) -> Delivery:
    """Return an event that is in the ledger, as it is to be: what was sent stays, what was not is today's."""
    is_changed = row.payload_sha256 != candidate.payload_sha256
    if row.state == DELIVERED:
        is_renamed = row.event_name != candidate.event_name
        row = row.with_note(CHANGED) if is_changed else row
        return row.with_note(RENAMED) if is_renamed else row
    if row.state == PERMANENT:
        return _held_or_not(replace(_as_today(row, candidate), state=PLANNED), book, known) if is_changed else row
    if row.first_sent_at is not None or row.state not in (*SENDABLE, HELD):
        return row
    if is_lost(row, known.newest_batch):
        return lost(row, known.newest_batch)
    row = _as_today(row, candidate)
    return replace(_held_or_not(row, book, known), depends_on=_depends_on(book, candidate.user_id or ""))


def _as_today(row: Delivery, candidate: Candidate) -> Delivery:
    """Return a row that was never sent with what the newest night says of it."""
    if row.state == PERMANENT:
        row = row.with_new_request()
    return replace(row, **_of_tonight(candidate))


def _row(candidate: Candidate, key: str, generation: int, known: Known) -> Delivery:
    return Delivery(
        delivery_key=key,
        destination=candidate.destination,
        account=candidate.account,
        object=candidate.object,
        kind=candidate.kind,
        effect=candidate.effect,
        request_id=request_id(key),
        planned_at=known.now,
        changed_at=known.now,
        user_id=candidate.user_id,
        occurrence_id=candidate.occurrence_id,
        webinar_id=candidate.webinar_id,
        generation=generation,
        planned_night=known.night,
        file_id=candidate.file_id,
        source_row=candidate.source_row,
        **_of_tonight(candidate),
    )


def _of_tonight(candidate: Candidate) -> dict[str, Any]:
    """Return what the newest night says anew of a row that was not sent yet."""
    names = "candidate_id event_name email started_at event_date first_day last_day payload_sha256 attribute_types"
    return {name: getattr(candidate, name) for name in names.split()} | {"payload": _payload(candidate)}


def fired_again(row: Delivery, candidate: Candidate, known: Known, note: str) -> Delivery:
    """Return the next generation of an event that was delivered, with what the newest night says of it."""
    generation = row.generation + 1
    made = _row(candidate, event_key(candidate.key_parts or "", generation), generation, known)
    return replace(made, depends_on=row.depends_on, note=note)


def _payload(candidate: Candidate) -> str:
    """Return the payload. Raises `FunnelError` for one that the ledger could not give back to the byte."""
    text = candidate.payload or ""
    if not text or canonical(json.loads(text)) != text:
        raise FunnelError(
            "a candidate's payload is not canonical JSON, so it could not be sent as it was previewed",
            where=f"ops.delivery_candidates, {candidate.candidate_id[:12]}",
            fix="run the night again: funnel-etl run; if it stays so, report it",
        )
    return text


def _held_or_not(row: Delivery, book: Book, known: Known) -> Delivery:
    """Return a row that was not sent yet as planned, or held; what a person must release stays held."""
    if row.first_sent_at is not None or row.state not in (*SENDABLE, HELD):
        return row
    if row.state == HELD and row.reason in BY_A_PERSON:
        return row
    reason = type_hold(row, known.types) or _user_hold(row, book)
    if reason:
        return replace(row, state=HELD, reason=reason)
    return replace(row, state=PLANNED, reason=None) if row.state == HELD else row


def type_hold(row: Delivery, types: Mapping[TypeKey, str]) -> str | None:
    """Return why the types of a row's attributes may not be sent; None: they may."""
    held = None
    for attribute, kind in row.attribute_types:
        known = types.get((row.object, row.event_name or "", attribute))
        if known is not None and known != kind:
            return "attribute_type_changed"
        if known is None:
            held = "new_attribute_type"
    return held


def new_types(candidates: Iterable[Candidate], types: Mapping[TypeKey, str]) -> dict[TypeKey, str]:
    """Return the attributes that would be sent for the first time, with their type."""
    found: dict[TypeKey, str] = {}
    for each in candidates:
        if each.decision == DELIVER:
            for attribute, kind in each.attribute_types:
                found.setdefault((each.object, each.event_name or "", attribute), kind)
    return {key: kind for key, kind in sorted(found.items()) if key not in types}


def _user_hold(row: Delivery, book: Book) -> str | None:
    if row.object != EVENT:
        return None
    rows = [each for each in book.of_user(row.user_id or "") if each.state != CANCELLED]
    return "dependency_failed" if not rows or rows[-1].state == PERMANENT else None


def _depends_on(book: Book, user_id: str) -> tuple[str, ...]:
    rows = [row for row in book.of_user(user_id) if row.state != CANCELLED]
    return (rows[-1].delivery_key,) if rows else ()


def _is_of_another(row: Delivery, book: Book) -> bool:
    """Whether the same e-mail has this event already under another user id."""
    if not row.email:
        return False
    others = (book.rows[key] for key in book.people[row.kind, row.occurrence_id or "", row.email])
    return any(each.user_id != row.user_id and each.state not in (CANCELLED, PERMANENT) for each in others)


def _hold_large(book: Book, known: Known) -> None:
    """Hold the new events of a plan that has more of them than anybody expects."""
    new = [row for key, row in book.rows.items() if key not in book.was and row.object == EVENT]
    waiting = [row for row in new if row.state in (PLANNED, HELD)]
    if len(waiting) > known.approve_over:
        for row in waiting:
            if row.reason != "identity_changed":
                book.rows[row.delivery_key] = replace(row, state=HELD, reason="large_plan")


def _keep_batches_whole(book: Book, sizes: Mapping[str, int]) -> None:
    """Leave a bulk request in doubt to a person, if one of its members may not be sent any more."""
    batches: dict[str, list[Delivery]] = defaultdict(list)
    for row in book.rows.values():
        if row.batch_id and row.batch_position is not None:
            batches[row.batch_id].append(row)
    for batch, members in batches.items():
        again = [row for row in members if row.state == TRANSIENT and row.is_frozen]
        if again and len(again) < max(len(members), sizes.get(batch, 0)):
            for row in again:
                book.rows[row.delivery_key] = replace(row, state=UNKNOWN, reason="batch_incomplete")
