"""The ledger: with `erasing` the only SQL that writes `ops.deliveries`, `delivery_attempts` and `delivery_types`.

Each function is one transition of section 6.3 and is called in a transaction of its own, which is committed before
anything else happens. A transition out of `sending` holds only for rows that are still in that claim.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa

from funnel_etl.delivery.calls import Call
from funnel_etl.delivery.contracts import (
    DELIVERIES,
    EVENT,
    HELD,
    PERMANENT,
    PLANNED,
    SENDING,
    TRANSIENT,
    UNKNOWN,
    USER,
)
from funnel_etl.delivery.due import Verdict, cancelled
from funnel_etl.delivery.outcome import Accepted, Outcome, Refused
from funnel_etl.delivery.plan import Plan, TypeKey
from funnel_etl.delivery.reading import Account, read_keys
from funnel_etl.delivery.rows import Delivery, record_of

AT_ONCE = 500
"""Rows of a statement: a plan of thousands does not lie in memory several times over."""
_ROWS = "jsonb_populate_recordset(NULL::ops.deliveries, CAST(:rows AS jsonb))"
_SETS = ", ".join(
    f"{name} = " + ("coalesce(r.payload, d.payload)" if name == "payload" else f"r.{name}")
    for name in DELIVERIES.names
    if name != "delivery_key"
)
INSERT = sa.text(f"INSERT INTO ops.deliveries SELECT * FROM {_ROWS} ON CONFLICT (delivery_key) DO NOTHING")  # noqa: S608
UPDATE = sa.text(
    f"UPDATE ops.deliveries AS d SET {_SETS} FROM {_ROWS} AS r "  # noqa: S608 - of the contract
    "JOIN jsonb_to_recordset(CAST(:was AS jsonb)) AS w(delivery_key text, state text) "
    "ON w.delivery_key = r.delivery_key WHERE d.delivery_key = r.delivery_key AND d.state = w.state "
    "AND d.delivery_key = ANY(:keys)"  # found by the key, however large the ledger is
)
ATTEMPT = sa.text(
    "INSERT INTO ops.delivery_attempts (batch_id, attempt, destination, object, row_count, started_at, run_id) "
    "VALUES (:batch, :attempt, :destination, :object, :rows, :now, :sender)"
)
LAST_ATTEMPT = sa.text("SELECT coalesce(max(attempt), 0) FROM ops.delivery_attempts WHERE batch_id = :batch")
MEMBERS = sa.text("SELECT max(row_count) FROM ops.delivery_attempts WHERE batch_id = :batch")
ATTEMPT_ENDED = sa.text(
    "UPDATE ops.delivery_attempts SET ended_at = :now, outcome = :outcome, http_status = :status, seconds = :seconds, "
    "message = :message WHERE batch_id = :batch AND attempt = :attempt"
)
NOT_MADE = sa.text("DELETE FROM ops.delivery_attempts WHERE batch_id = :batch AND attempt = ANY(:attempts)")
IN_CLAIM = "d.state = 'sending' AND d.batch_id = :batch AND d.delivery_key = ANY(:keys)"
DELIVERED_SET = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'delivered', reason = NULL, accepted_at = :now, changed_at = :now, "  # noqa: S608
    "external_id = :external, http_status = :status, message = NULL, not_before = NULL, "
    "user_id = CASE WHEN d.object = 'erasure' THEN NULL ELSE d.user_id END, "
    "payload = CASE WHEN d.object = 'erasure' THEN NULL ELSE d.payload END, "
    f"payload_sha256 = CASE WHEN d.object = 'erasure' THEN NULL ELSE d.payload_sha256 END WHERE {IN_CLAIM}"
)
TYPES_SENT = sa.text(
    "UPDATE ops.delivery_types AS t SET first_sent_at = :now FROM ops.deliveries AS d "
    "WHERE d.delivery_key = ANY(:keys) AND t.destination = d.destination AND t.account = d.account "
    "AND t.object = d.object AND t.name = coalesce(d.event_name, '') AND t.first_sent_at IS NULL "
    "AND d.attribute_types ? t.attribute"
)
REFUSED_SET = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'failed_permanent', reason = 'refused', changed_at = :now, "  # noqa: S608
    f"http_status = :status, message = :message, not_before = NULL WHERE {IN_CLAIM} RETURNING d.user_id, d.object"
)
BLOCKED = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'held', reason = 'dependency_failed', changed_at = :now "
    "WHERE d.destination = :destination AND d.account = :account AND d.object = 'event' AND d.user_id = ANY(:users) "
    "AND d.state IN ('planned', 'failed_transient') AND d.first_sent_at IS NULL"
)
UNKNOWN_SET = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'unknown', reason = :reason, changed_at = :now, http_status = :status, "  # noqa: S608
    f"message = :message, not_before = NULL WHERE {IN_CLAIM}"
)
# What certainly was not sent leaves no trace of a first send, unless an earlier one may have arrived.
_NEVER = "first_sent_at = CASE WHEN d.first_sent_at = d.last_sent_at THEN NULL ELSE d.first_sent_at END"
NOT_NOW_SET = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'failed_transient', reason = :reason, changed_at = :now, "  # noqa: S608
    "http_status = :status, message = :message, not_before = :until, "
    f"attempts = d.attempts - :given_back, {_NEVER} WHERE {IN_CLAIM}"
)
GIVEN_BACK = sa.text(
    "UPDATE ops.deliveries AS d SET attempts = d.attempts - 1, changed_at = :now, not_before = NULL, "  # noqa: S608
    "state = CASE WHEN d.first_sent_at < d.last_sent_at THEN 'unknown' "
    "WHEN d.attempts > 1 THEN 'failed_transient' ELSE 'planned' END, "
    f"reason = CASE WHEN d.attempts > 1 THEN d.reason END, {_NEVER} WHERE {IN_CLAIM}"
)
SINGLY = sa.text(
    "UPDATE ops.deliveries AS d SET state = 'planned', reason = NULL, changed_at = :now, is_single = true, "  # noqa: S608
    "http_status = :status, message = :message, first_sent_at = NULL, batch_position = NULL, not_before = NULL "
    f"WHERE {IN_CLAIM}"
)
FORGET = sa.text(
    "UPDATE ops.deliveries SET payload = NULL WHERE payload IS NOT NULL AND destination = :destination "
    "AND state IN ('delivered', 'cancelled') AND changed_at < :before"
)
APPROVE_TYPE = sa.text(
    "INSERT INTO ops.delivery_types (destination, account, object, name, attribute, type, approved_at) "
    "VALUES (:destination, :account, :object, :name, :attribute, :type, :now) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True)
class Claim:
    """Rows that are ours to send: in `sending`, with the number of each call's attempt."""

    batch_id: str
    rows: tuple[Delivery, ...]
    attempts: tuple[int, ...]


def write_plan(connection: sa.Connection, made: Plan) -> None:
    """Insert what is new, and bring what changed to where the plan wants it; what moved meanwhile stays."""
    insert(connection, made.new)
    update(connection, made.changed)


def insert(connection: sa.Connection, rows: Iterable[Delivery]) -> int:
    """Insert rows whose key is not there yet; returns how many."""
    inserted, rest = 0, iter(rows)
    while records := [record_of(row) for row in islice(rest, AT_ONCE)]:
        inserted += connection.execute(INSERT, {"rows": json.dumps(records)}).rowcount
    return inserted


def update(connection: sa.Connection, changed: Sequence[tuple[str, Delivery]]) -> int:
    """Write rows as they are to be, if they are still in the state they were read in; returns how many."""
    updated, rest = 0, iter(changed)
    while part := list(islice(rest, AT_ONCE)):
        records = [record_of(row) for _, row in part]
        was = [{"delivery_key": row.delivery_key, "state": state} for state, row in part]
        values = {"rows": json.dumps(records), "was": json.dumps(was), "keys": [row.delivery_key for _, row in part]}
        updated += connection.execute(UPDATE, values).rowcount
    return updated


def claim(
    connection: sa.Connection,
    rows: Sequence[Delivery],
    verdicts: Mapping[str, Verdict],
    *,
    batch_id: str,
    is_bulk: bool,
    members: int | None,
    sender: str,
    now: datetime,
) -> Claim:
    """Take rows, which the caller has locked, for sending: `sending`, an attempt each, or one of all if `is_bulk`.

    What the verdict does not send is cancelled, left, or for a person. `members`: of a bulk request in doubt, how many
    its rows are; all go, or none.
    """
    sent = [verdicts[row.delivery_key].row for row in rows if verdicts[row.delivery_key].is_sent]
    others = [verdicts[row.delivery_key].row for row in rows if not verdicts[row.delivery_key].is_sent]
    if members is not None and not len(sent) == members == _members(connection, batch_id):
        others += [replace(row, state=UNKNOWN, reason="batch_incomplete") for row in sent]
        sent = []
    before = {row.delivery_key: row for row in rows}
    changed = [(before[row.delivery_key].state, row) for row in others if row != before[row.delivery_key]]
    update(connection, [(state, replace(row, changed_at=now)) for state, row in changed])
    claimed = [
        replace(
            row,
            state=SENDING,
            batch_id=batch_id,
            batch_position=at if is_bulk else None,
            sender=sender,
            attempts=row.attempts + 1,
            first_sent_at=row.first_sent_at or now,
            last_sent_at=now,
            changed_at=now,
        )
        for at, row in enumerate(sent)
    ]
    update(connection, [(before[row.delivery_key].state, row) for row in claimed])
    calls = [len(claimed)] if is_bulk else [1] * len(claimed)
    first = int(connection.execute(LAST_ATTEMPT, {"batch": batch_id}).scalar_one()) + 1
    numbers = tuple(range(first, first + len(calls))) if claimed else ()
    for number, count in zip(numbers, calls, strict=False):
        about = {"batch": batch_id, "attempt": number, "rows": count, "now": now, "sender": sender}
        connection.execute(ATTEMPT, about | {"destination": claimed[0].destination, "object": claimed[0].object})
    return Claim(batch_id, tuple(claimed), numbers)


def _members(connection: sa.Connection, batch_id: str) -> int:
    """Return how many rows a bulk request had, whatever became of them."""
    return int(connection.execute(MEMBERS, {"batch": batch_id}).scalar_one() or 0)


@dataclass(frozen=True)
class Noted:
    """A call whose outcome is noted: its claim and attempt, when, and how long it took."""

    call: Call
    batch_id: str
    attempt: int
    now: datetime
    seconds: float

    def values(self, outcome: Outcome) -> dict[str, object]:
        """Return it as parameters."""
        return {
            "batch": self.batch_id,
            "keys": self.call.keys,
            "attempt": self.attempt,
            "now": self.now,
            "seconds": round(self.seconds, 3),
            "outcome": outcome.name,
            "status": outcome.http_status,
            "message": outcome.message,
        }


def accepted(connection: sa.Connection, noted: Noted, outcome: Accepted) -> None:
    """Note that the destination took it; of an erasure whom it was about is forgotten."""
    values = noted.values(outcome)
    connection.execute(DELIVERED_SET, values | {"external": outcome.external_id})
    connection.execute(TYPES_SENT, values)
    connection.execute(ATTEMPT_ENDED, values)


def refused(connection: sa.Connection, noted: Noted, outcome: Refused) -> None:
    """Note that the destination takes it not; events of a user that was refused wait for other data."""
    values = noted.values(outcome)
    users = [row.user_id for row in connection.execute(REFUSED_SET, values) if row.object == USER]
    first = noted.call.rows[0]
    if users:
        whose = {"destination": first.destination, "account": first.account, "users": users}
        connection.execute(BLOCKED, values | whose)
    connection.execute(ATTEMPT_ENDED, values)


def refused_in_bulk(connection: sa.Connection, noted: Noted, outcome: Refused) -> None:
    """Note that a bulk request was refused: each row is sent singly next, under its own id.

    One that may have arrived before is for a person: singly it would arrive under another id.
    """
    values = noted.values(outcome)
    if any(row.first_sent_at != row.last_sent_at for row in noted.call.rows if row.object == EVENT):
        connection.execute(UNKNOWN_SET, values | {"reason": "refused_later"})
    else:
        connection.execute(SINGLY, values)
    connection.execute(ATTEMPT_ENDED, values)


def not_now(
    connection: sa.Connection, noted: Noted, outcome: Outcome, until: datetime | None, *, is_attempt: bool
) -> None:
    """Note that it was not sent, and when it is due again."""
    values = noted.values(outcome) | {"until": until, "given_back": 1 - int(is_attempt)}
    reason = "not_now" if outcome.http_status else "no_connection"
    connection.execute(NOT_NOW_SET, values | {"reason": reason})
    connection.execute(ATTEMPT_ENDED, values)


def unknown(connection: sa.Connection, noted: Noted, outcome: Outcome, reason: str) -> None:
    """Note that it may have been acted on."""
    values = noted.values(outcome)
    connection.execute(UNKNOWN_SET, values | {"reason": reason})
    connection.execute(ATTEMPT_ENDED, values)


def stopped(connection: sa.Connection, noted: Noted, outcome: Outcome) -> None:
    """Note that the login was refused: the row goes back as if it had not been claimed."""
    values = noted.values(outcome)
    connection.execute(GIVEN_BACK, values)
    connection.execute(ATTEMPT_ENDED, values)


def give_back(connection: sa.Connection, batch_id: str, calls: Mapping[int, Call], now: datetime) -> None:
    """Put back what was claimed and certainly not sent: attempt → call."""
    keys = [key for call in calls.values() for key in call.keys]
    connection.execute(GIVEN_BACK, {"batch": batch_id, "keys": keys, "now": now})
    connection.execute(NOT_MADE, {"batch": batch_id, "attempts": list(calls)})


def due_again(connection: sa.Connection, keys: Collection[str], now: datetime) -> None:
    """Let rows that failed be due at once: the destination was down, and it is not their fault."""
    sql = (
        "UPDATE ops.deliveries SET not_before = NULL WHERE delivery_key = ANY(:keys) AND state = 'failed_transient' "
        "AND not_before > :now"
    )
    connection.execute(sa.text(sql), {"keys": list(keys), "now": now})


def retry(connection: sa.Connection, rows: Iterable[Delivery], now: datetime) -> int:
    """Let what failed be sent now, what failed for good once more; returns how many."""
    changed = []
    for row in rows:
        if row.state == TRANSIENT and row.not_before:
            changed.append((row.state, replace(row, not_before=None)))
        elif row.state == PERMANENT:
            changed.append((row.state, replace(row.with_new_request(), state=PLANNED, reason=None, changed_at=now)))
    return update(connection, changed)


def forget_payloads(connection: sa.Connection, own: Account, now: datetime, keep_days: int) -> int:
    """Forget what was sent so many days after it ended; returns of how many rows."""
    before = now - timedelta(days=keep_days)
    return connection.execute(FORGET, {"destination": own.destination, "before": before}).rowcount


def approve_types(connection: sa.Connection, own: Account, types: Mapping[TypeKey, str], now: datetime) -> None:
    """Keep that a person approved these types."""
    for (object_, name, attribute), kind in types.items():
        values = {"object": object_, "name": name, "attribute": attribute, "type": kind, "now": now}
        connection.execute(APPROVE_TYPE, own.named | values)


def release(connection: sa.Connection, rows: Iterable[Delivery], now: datetime) -> int:
    """Let rows that are held be planned again, by a person's word; returns how many."""
    changed = [(HELD, replace(row, state=PLANNED, reason=None, changed_at=now)) for row in rows if row.state == HELD]
    return update(connection, changed)


def hold(connection: sa.Connection, rows: Iterable[Delivery], reason: str, now: datetime) -> int:
    """Hold rows for another reason than they were; returns how many."""
    changed = [(HELD, replace(row, reason=reason, changed_at=now)) for row in rows if row.state == HELD]
    return update(connection, changed)


def resolve(
    connection: sa.Connection, keys: Sequence[str], now: datetime, note: str, *, is_delivered: bool
) -> list[Delivery]:
    """Decide by a person's word what became of rows: delivered, or to be sent again under a new id; returns these.

    Only what is unknown, held or failed; the others are left.
    """
    rows = [
        row for row in read_keys(connection, keys, locked=True) if row.state in (UNKNOWN, HELD, PERMANENT, TRANSIENT)
    ]
    changed = []
    for row in rows:
        if is_delivered:
            after = replace(row, state="delivered", reason=None, accepted_at=now, changed_at=now, not_before=None)
        else:
            after = replace(row.with_new_request(), state=PLANNED, reason=None, changed_at=now)
        changed.append((row.state, after.with_note(note)))
    update(connection, changed)
    return [row for _, row in changed]


def give_up(connection: sa.Connection, keys: Sequence[str], now: datetime, note: str) -> list[Delivery]:
    """Cancel events by a person's word: no plan takes them up again; returns these.

    Only what is unknown or refused; the others are left, and so are profiles, which may be repeated at any time.
    """
    rows = [
        row
        for row in read_keys(connection, keys, locked=True)
        if row.object == EVENT and row.state in (UNKNOWN, PERMANENT)
    ]
    update(
        connection,
        [(row.state, replace(cancelled(row, "given_up"), changed_at=now).with_note(note)) for row in rows],
    )
    return rows
