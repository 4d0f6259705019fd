"""Where deliveries stand, in counts over all accounts: for status and alerts. It reads, and names no person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.contracts import FOR_A_PERSON
from funnel_etl.delivery.outcome import GUARD
from funnel_etl.delivery.reading import Account, has_table

TRIED_FOR = timedelta(days=1)
"""How long what fails is tried again before a person is told."""
_NEEDS_PERSON = """(d.state IN ('held', 'failed_permanent')
    OR (d.state = 'unknown' AND d.effect <> 'repeatable'
        AND (d.reason = ANY(:for_a_person) OR d.first_sent_at IS NULL OR d.first_sent_at <= :since))
    OR (d.state = 'failed_transient' AND d.attempts > 0 AND d.planned_at < :tried_since))"""
STANDING = sa.text(
    "SELECT d.destination, d.account, d.state, d.reason, count(*) AS rows, min(d.changed_at) AS oldest, "  # noqa: S608
    f"count(*) FILTER (WHERE {_NEEDS_PERSON}) AS for_a_person, max(d.planned_night) AS night, "
    f"(array_agg(DISTINCT d.occurrence_id) FILTER (WHERE {_NEEDS_PERSON}))[1\\:2] AS occurrences, "
    f"(array_agg(d.delivery_key ORDER BY d.delivery_key) FILTER (WHERE {_NEEDS_PERSON}))[1\\:2] AS keys "
    "FROM ops.deliveries AS d GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
)
CANDIDATES = sa.text(
    "SELECT c.destination, c.account, count(*) FILTER (WHERE c.object = 'event') AS events, "
    "count(*) FILTER (WHERE c.object = 'user') AS users FROM ops.delivery_candidates AS c "
    "WHERE c.decision = 'deliver' AND (c.first_day IS NULL OR c.first_day <= :today) "
    "AND (c.last_day IS NULL OR c.last_day >= :today) AND (NOT c.only_after_delivery OR EXISTS (SELECT "
    "FROM ops.deliveries AS s WHERE s.destination = c.destination AND s.account = c.account AND s.object = 'user' "
    "AND s.user_id = c.user_id AND s.state = 'delivered')) AND NOT EXISTS (SELECT FROM ops.deliveries AS d "
    "WHERE d.destination = c.destination AND d.account = c.account AND d.object = c.object AND d.kind = c.kind "
    "AND d.user_id = c.user_id AND coalesce(d.occurrence_id, '') = coalesce(c.occurrence_id, '') "
    "AND (c.object = 'event' OR d.payload_sha256 = c.payload_sha256)) GROUP BY 1, 2 ORDER BY 1, 2"
)


@dataclass(frozen=True)
class StateCount:
    """The rows of an account in a state for a reason. `for_a_person`: how many nothing is done about by itself.

    `oldest`: since when one is in it; `night`, `occurrences` and `keys`: what a person names to decide (at most two).
    """

    destination: str
    account: str
    state: str
    reason: str | None
    rows: int
    oldest: datetime
    for_a_person: int = 0
    night: date | None = None
    occurrences: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotPlanned:
    """What the newest night says is to be sent, and no run has planned yet."""

    destination: str
    account: str
    events: int
    users: int

    @property
    def rows(self) -> int:
        """How many."""
        return self.events + self.users

    @property
    def says(self) -> str:
        """It in words."""
        count = f"{grouped(self.rows)} candidate{'' if self.rows == 1 else 's'} of the newest night"
        kinds = f"{grouped(self.events)} events, {grouped(self.users)} users"
        return f"{count} ({kinds}) wait{'s' if self.rows == 1 else ''} for funnel-etl deliver run"


def read_standing(connection: sa.Connection, now: datetime) -> list[StateCount]:
    """Return how many rows there are by account, state and reason."""
    if not has_table(connection, "ops.deliveries"):
        return []
    values = {"for_a_person": sorted(FOR_A_PERSON), "since": now - GUARD, "tried_since": now - TRIED_FOR}
    return [StateCount(**_plain(row)) for row in connection.execute(STANDING, values).mappings()]


def read_not_planned(connection: sa.Connection, today: date) -> list[NotPlanned]:
    """Return by account what waits for its first run, on a day in the zone of business."""
    if not (has_table(connection, "ops.delivery_candidates") and has_table(connection, "ops.deliveries")):
        return []
    return [NotPlanned(**row) for row in connection.execute(CANDIDATES, {"today": today}).mappings()]


def of_account(found: Sequence[NotPlanned], own: Account) -> NotPlanned | None:
    """Return what waits of an account; None: nothing."""
    return next((each for each in found if (each.destination, each.account) == (own.destination, own.account)), None)


def _plain(row: sa.RowMapping) -> dict[str, Any]:
    lists = {name: tuple(each for each in row[name] or () if each) for name in ("occurrences", "keys")}
    return {**row, **lists}
