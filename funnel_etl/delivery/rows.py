"""A row of the ledger and one of the candidates, as plain Python sees them, and how they read from the database."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.contracts import ERASURE, EVENT, GUARDED, PLANNED
from funnel_etl.delivery.keys import canonical, request_id, sha256_hex

KIND_ORDER = {"registered": 0, "attended": 1}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of `ops.deliveries`, by its columns. `payload`: canonical JSON, None where it was not read or is gone."""

    delivery_key: str
    destination: str
    account: str
    object: str
    kind: str
    effect: str
    request_id: str
    planned_at: datetime
    changed_at: datetime
    state: str = PLANNED
    reason: str | None = None
    event_name: str | None = None
    user_id: str | None = None
    email: str | None = None
    occurrence_id: str | None = None
    webinar_id: str | None = None
    started_at: datetime | None = None
    event_date: date | None = None
    first_day: date | None = None
    last_day: date | None = None
    candidate_id: str | None = None
    onboarding_id: str | None = None
    depends_on: tuple[str, ...] = ()
    payload: str | None = None
    payload_sha256: str | None = None
    attribute_types: tuple[tuple[str, str], ...] = ()
    batch_id: str | None = None
    batch_position: int | None = None
    is_single: bool = False
    generation: int = 1
    resolutions: int = 0
    attempts: int = 0
    planned_night: date | None = None
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    not_before: datetime | None = None
    accepted_at: datetime | None = None
    external_id: str | None = None
    http_status: int | None = None
    message: str | None = None
    sender: str | None = None
    file_id: str | None = None
    source_row: int | None = None
    note: str | None = None

    @property
    def is_guarded(self) -> bool:
        """Whether a repeat is dropped only for a time, so that what was sent must be known."""
        return self.effect == GUARDED

    @property
    def is_frozen(self) -> bool:
        """Whether it is in a guarded bulk request that may have arrived: members and bytes never change any more."""
        return self.is_guarded and self.batch_position is not None and self.first_sent_at is not None

    @property
    def order(self) -> tuple[Any, ...]:
        """Where it stands in the order of sending: by occurrence, kind and user."""
        start = self.started_at.timestamp() if self.started_at else 0.0
        kind = KIND_ORDER.get(self.kind, 2)
        return (start, self.occurrence_id or "", kind, self.user_id or "", self.generation, self.delivery_key)

    @property
    def body(self) -> str:
        """What is sent, to the byte. Raises `FunnelError` where the ledger holds something else than was planned."""
        if self.payload is None or sha256_hex(self.payload) != self.payload_sha256:
            raise FunnelError(
                "a payload in the ledger is not the one that was planned, so nothing more is sent",
                where=f"ops.deliveries, {self.delivery_key[:12]}",
                fix="look who changed it; funnel-etl deliver report names its file and line",
            )
        return self.payload

    def with_note(self, word: str) -> "Delivery":
        """Return the row with a word in its note, once."""
        return replace(self, note=noted(self.note, word))

    def with_new_request(self) -> "Delivery":
        """Return the row under a new request id, as if it had never been sent."""
        number = self.resolutions + 1
        return replace(
            self,
            resolutions=number,
            request_id=request_id(self.delivery_key, number),
            first_sent_at=None,
            not_before=None,
            batch_position=None,
            is_single=self.object == EVENT,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row of `ops.delivery_candidates`, by its columns."""

    candidate_id: str
    destination: str
    account: str
    object: str
    kind: str
    effect: str
    decision: str
    key_parts: str | None = None
    user_id: str | None = None
    email: str | None = None
    occurrence_id: str | None = None
    webinar_id: str | None = None
    started_at: datetime | None = None
    event_name: str | None = None
    event_date: date | None = None
    first_day: date | None = None
    last_day: date | None = None
    profile: str | None = None
    reason: str | None = None
    only_after_delivery: bool = False
    payload: str | None = None
    payload_sha256: str | None = None
    attribute_types: tuple[tuple[str, str], ...] = ()
    consent: str | None = None
    file_id: str | None = None
    source_row: int | None = None

    @property
    def subject(self) -> tuple[str, str, str, str]:
        """What it is about: object, kind, occurrence and user."""
        return (self.object, self.kind, self.occurrence_id or "", self.user_id or "")

    @property
    def order(self) -> tuple[Any, ...]:
        """Where it stands in the order of sending: users first."""
        start = self.started_at.timestamp() if self.started_at else 0.0
        kind = KIND_ORDER.get(self.kind, 2)
        return (self.object == EVENT, start, self.occurrence_id or "", kind, self.user_id or "", self.candidate_id)


def subject_of(row: Delivery) -> tuple[str, str, str, str]:
    """Return what a row of the ledger is about, as `Candidate.subject`."""
    return (row.object, row.kind, row.occurrence_id or "", row.user_id or "")


def noted(note: str | None, word: str) -> str:
    """Return a note with a word in it, once."""
    words = [each for each in (note or "").split("; ") if each]
    return "; ".join(words if word in words else [*words, word])


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """Return a row of the ledger as it was read; JSON columns are text there."""
    values = {name: row[name] for name in _DELIVERY if name in row}
    values["depends_on"] = tuple(values.get("depends_on") or ())
    values["attribute_types"] = types_of(values.get("attribute_types"))
    values["is_single"] = bool(values.get("is_single"))
    if values.get("payload") is not None:
        values["payload"] = canonical(json.loads(values["payload"]))
    return Delivery(**values)


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """Return a row of the candidates as it was read."""
    values = {name: row[name] for name in _CANDIDATE if name in row}
    values["attribute_types"] = types_of(values.get("attribute_types"))
    values["only_after_delivery"] = bool(values.get("only_after_delivery"))
    return Candidate(**values)


def types_of(text: str | None) -> tuple[tuple[str, str], ...]:
    """Return attribute and type of a JSON object, sorted."""
    return tuple(sorted(json.loads(text).items())) if text else ()


def record_of(row: Delivery) -> dict[str, Any]:
    """Return a row of the ledger as JSON has it, for `jsonb_populate_recordset`."""
    record: dict[str, Any] = {}
    for name in _DELIVERY:
        value = getattr(row, name)
        if isinstance(value, (date, datetime)):
            value = value.isoformat()
        record[name] = value
    record["payload"] = None if row.payload is None else json.loads(row.payload)
    record["attribute_types"] = dict(row.attribute_types)
    record["depends_on"] = list(row.depends_on)
    return record


def erasure(destination: str, account: str, key: str, user_id: str, payload: str, now: datetime) -> Delivery:
    """Return the planned erasure of a user at a destination; `payload`: canonical JSON."""
    return Delivery(
        delivery_key=key,
        destination=destination,
        account=account,
        object=ERASURE,
        kind=ERASURE,
        effect="repeatable",
        request_id=request_id(key),
        planned_at=now,
        changed_at=now,
        user_id=user_id,
        payload=payload,
        payload_sha256=sha256_hex(payload),
    )


_DELIVERY = tuple(each.name for each in fields(Delivery))
_CANDIDATE = tuple(each.name for each in fields(Candidate))
