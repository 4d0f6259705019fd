"""The dry run: what a run would send now, to the byte, and what not and why. Reads; opens no socket to a destination.

It goes the way of the run (`recovered`, `plan`, the adapter's calls), and takes for granted that users are accepted.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from funnel_etl.delivery import reading
from funnel_etl.delivery.calls import Adapter, Call
from funnel_etl.delivery.contracts import CANCELLED, ERASURE, EVENT, SENDABLE, USER
from funnel_etl.delivery.due import recovered
from funnel_etl.delivery.journal import Journal
from funnel_etl.delivery.plan import Plan, TypeKey, new_types, plan
from funnel_etl.delivery.planning import known_of
from funnel_etl.delivery.rows import Delivery
from funnel_etl.delivery.scope import Scope


@dataclass(frozen=True)
class Preview:
    """What a run would do now. `calls`: its requests in their order; `made`: the plan it would write."""

    calls: list[Call]
    made: Plan
    new_types: dict[TypeKey, str]
    has_candidates: bool

    @property
    def by_event(self) -> Counter[str]:
        """Events and users that would be sent, by name of the event (users: `user`)."""
        return Counter(row.event_name or row.object for call in self.calls for row in call.rows)


def make_preview(
    connection: sa.Connection,
    adapter: Adapter,
    journal: Journal,
    now: datetime,
    zone: ZoneInfo,
    *,
    approve_over: int,
    bulk_from: int,
    scope: Scope | None = None,
) -> Preview:
    """Return what a run would do now; nothing is written."""
    own = reading.Account(adapter.destination, adapter.account)
    candidates = reading.read_candidates(connection, own)
    is_there = reading.has_candidates(connection, own)
    rows = reading.read_rows(connection, own, candidates)
    after = {row.delivery_key: row for row in recovered(rows, now)}
    rows = [after.get(row.delivery_key, row) for row in rows]
    known = known_of(connection, own, rows, journal, now, zone, approve_over)
    made = plan(candidates, known) if reading.night_speaks(connection, own) else Plan(rows=rows)
    calls = _calls(made.rows, adapter, now, bulk_from, scope or Scope())
    return Preview(calls, made, new_types(candidates, known.types), is_there)


def _calls(rows: Sequence[Delivery], adapter: Adapter, now: datetime, bulk_from: int, scope: Scope) -> list[Call]:
    sendable = [row for row in rows if row.state in SENDABLE and reading.is_due(row, now)]
    newest: dict[str, Delivery] = {}
    for row in sorted(rows, key=lambda row: (row.planned_at, row.changed_at)):
        if row.object == USER and row.state != CANCELLED:
            newest[row.user_id or ""] = row
    goes = {user for user, row in newest.items() if row.state == "delivered" or row in sendable}
    due = scope.of([row for row in sendable if row.object != EVENT or row.user_id in goes])
    events = [row for row in due if row.object == EVENT]
    in_bulk = 0 < bulk_from <= len(events)
    calls: list[Call] = []
    for each in (ERASURE, USER, EVENT):
        calls += adapter.calls([row for row in due if row.object == each], in_bulk=in_bulk)
    return calls


def request_lines(preview: Preview, adapter: Adapter) -> list[str]:
    """Return `requests.ndjson`: a request a line, its body as text, the key masked."""
    return [
        json.dumps(
            {
                "method": "POST",
                "path": adapter.path(call),
                "headers": adapter.headers(call),
                "body": call.body,
                "delivery_keys": call.keys,
                "batch": call.is_bulk,
            },
            ensure_ascii=False,
        )
        for call in preview.calls
    ]
