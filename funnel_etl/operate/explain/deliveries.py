"""What was sent about a person to the outside, what is on its way, and what is not sent and why."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from funnel_etl.core.values.phone import user_ids_of
from funnel_etl.delivery.candidates_contract import DELIVER, DELIVERY_CANDIDATES
from funnel_etl.delivery.contracts import DELIVERIES, ERASURE, REASONS
from funnel_etl.delivery.reading import has_table

_OF_PERSON = "(t.user_id = ANY(:users) OR t.email = ANY(:emails))"
LEDGER = sa.text(
    "SELECT coalesce(t.accepted_at, t.last_sent_at, t.changed_at) AS at, t.destination, t.object, t.event_name, "  # noqa: S608
    "t.kind, t.occurrence_id, t.state, t.reason, t.accepted_at, t.last_sent_at, t.attempts, t.note, t.message, "
    f"t.file_id, t.source_row FROM ops.deliveries AS t WHERE {_OF_PERSON} "
    "ORDER BY 1, t.object DESC, t.occurrence_id, t.kind, t.generation"
)
CANDIDATES = sa.text(
    "SELECT t.destination, t.object, t.event_name, t.kind, t.occurrence_id, t.decision, t.reason, t.file_id, "  # noqa: S608
    f"t.source_row FROM ops.delivery_candidates AS t WHERE {_OF_PERSON} AND NOT t.only_after_delivery AND NOT EXISTS ("
    "SELECT FROM ops.deliveries AS d WHERE d.destination = t.destination AND d.account = t.account "
    "AND d.object = t.object AND d.kind = t.kind AND d.user_id = t.user_id "
    "AND coalesce(d.occurrence_id, '') = coalesce(t.occurrence_id, '')) "
    "ORDER BY t.object DESC, t.started_at, t.occurrence_id, t.kind, t.file_id, t.source_row"
)


class DeliveryEvent(NamedTuple):
    """One thing that was, is or will not be sent: when its state was reached, where it stands, what in plain words."""

    at: datetime | None
    table: str
    what: str
    file_id: str | None
    line: int | None


def delivery_events(
    connection: sa.Connection, phones: tuple[str, ...], emails: tuple[str, ...]
) -> Iterator[DeliveryEvent]:
    """Return the rows of the ledger about a person, then the candidates of the newest night that no run has planned."""
    values = {"users": sorted(user_ids_of(phones)), "emails": list(emails)}
    if not has_table(connection, DELIVERIES.full_name):
        return
    for row in connection.execute(LEDGER, values):
        yield DeliveryEvent(row.at, DELIVERIES.full_name, _of_ledger(row), row.file_id, row.source_row)
    if not has_table(connection, DELIVERY_CANDIDATES.full_name):
        return
    for row in connection.execute(CANDIDATES, values):
        yield DeliveryEvent(None, DELIVERY_CANDIDATES.full_name, _of_night(row), row.file_id, row.source_row)


def _of_ledger(row: sa.Row[tuple[object, ...]]) -> str:
    reason = f" ({row.reason}: {REASONS.get(row.reason, row.reason)})" if row.reason else ""
    parts = [f"{row.destination}: {_name(row)}: {row.state}{reason}"]
    if row.accepted_at is None and row.last_sent_at is not None:
        parts.append(f"tried {row.attempts} time{'' if row.attempts == 1 else 's'}, not accepted so far")
    parts += [f"{label}: {text}" for label, text in (("answer", row.message), ("note", row.note)) if text]
    return "; ".join(parts)


def _of_night(row: sa.Row[tuple[object, ...]]) -> str:
    if row.decision == DELIVER:
        return f"{row.destination}: {_name(row)}: not sent yet, waits for funnel-etl deliver run"
    return f"{row.destination}: {_name(row)}: not sent: {row.reason} (docs/reasons.md, Delivery)"


def _name(row: sa.Row[tuple[object, ...]]) -> str:
    if row.object == ERASURE:
        return "the request to erase the user"
    if row.occurrence_id is None:
        return "the user's profile"
    return f"event {row.event_name or 'without a name'} ({row.kind}) of {row.occurrence_id}"
