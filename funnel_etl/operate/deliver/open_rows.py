"""What of the deliveries waits for a person: holds to release, rows of which nobody knows. Nothing is written."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime

from funnel_etl.delivery import reading
from funnel_etl.delivery.contracts import DELIVERED, EVENT, FOR_A_PERSON, HELD, PERMANENT, UNKNOWN
from funnel_etl.delivery.outcome import GUARD
from funnel_etl.delivery.rows import Delivery
from funnel_etl.operate.deliver.own import Own
from funnel_etl.operate.deliver.place import open_place
from funnel_etl.settings import Settings

BY_NIGHT, BY_OCCURRENCE = "large_plan", "identity_changed"
"""Reasons of what is released by its night, and by its webinar."""


@dataclass(frozen=True)
class Hold:
    """Rows that are held for one reason: of a night, or of a webinar, where that is what a person releases."""

    reason: str
    night: date | None
    occurrence: str | None


@dataclass(frozen=True)
class OpenRows:
    """What waits.

    `holds`: how many rows each holds; `undecided`: rows a person decides; `repeated`: unknown ones that the next run
    sends again by itself; `delivered`: how many events were delivered, by webinar and kind.
    """

    holds: dict[Hold, int]
    undecided: list[Delivery]
    repeated: int
    delivered: dict[tuple[str, str], int]


def open_rows(settings: Settings, own: Own | None = None) -> OpenRows:
    """Return what waits for a person at the destination; `own`: of these alone. Raises what `open_place` raises."""
    with open_place(settings, only_read=True) as place, place.engine.connect() as connection:
        rows = reading.all_rows(connection, place.own)
    rows = own.rows(rows) if own else rows
    now = datetime.now(UTC)
    unknown = [row for row in rows if row.state == UNKNOWN and row.effect != "repeatable"]
    for_person = [row for row in unknown if _is_for_person(row, now)]
    refused = [row for row in rows if row.state == PERMANENT]
    delivered = Counter(
        (row.occurrence_id or "", row.kind) for row in rows if (row.object, row.state) == (EVENT, DELIVERED)
    )
    return OpenRows(
        dict(Counter(_hold(row) for row in rows if row.state == HELD)),
        sorted([*for_person, *refused], key=lambda row: row.order),
        len(unknown) - len(for_person),
        dict(sorted(delivered.items(), reverse=True)),
    )


def _is_for_person(row: Delivery, now: datetime) -> bool:
    is_late = row.first_sent_at is None or row.first_sent_at <= now - GUARD
    return row.reason in FOR_A_PERSON or is_late


def _hold(row: Delivery) -> Hold:
    reason = row.reason or ""
    night = row.planned_night if reason == BY_NIGHT else None
    return Hold(reason, night, row.occurrence_id if reason == BY_OCCURRENCE else None)
