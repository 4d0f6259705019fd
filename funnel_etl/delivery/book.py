"""The rows of the ledger while a plan is made: as they were, as they are to be, and how they are found. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from funnel_etl.delivery.contracts import EVENT, USER
from funnel_etl.delivery.rows import Candidate, Delivery, subject_of


class Book:
    """`was`: the rows as they were read; `rows`: as they are to be. By key."""

    def __init__(self, rows: Iterable[Delivery]) -> None:
        self.was = {row.delivery_key: row for row in rows}
        self.rows = dict(self.was)
        self.users: dict[str, list[str]] = defaultdict(list)
        self.events: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
        self.people: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for row in self.rows.values():
            self._index(row)

    def put(self, row: Delivery) -> None:
        """Take a row as it is to be."""
        is_new = row.delivery_key not in self.rows
        self.rows[row.delivery_key] = row
        if is_new:
            self._index(row)

    def of_user(self, user_id: str) -> list[Delivery]:
        """Return the rows of a user, oldest first."""
        return sorted((self.rows[key] for key in self.users[user_id]), key=lambda row: (row.planned_at, row.changed_at))

    def of_event(self, subject: tuple[str, str, str, str]) -> list[Delivery]:
        """Return the rows of an event, by generation."""
        return sorted((self.rows[key] for key in self.events[subject]), key=lambda row: row.generation)

    def move(self, row: Delivery, candidate: Candidate) -> None:
        """Let a row be of the occurrence that its own has become."""
        self.events[subject_of(row)].remove(row.delivery_key)
        moved = replace(
            row,
            candidate_id=candidate.candidate_id,
            occurrence_id=candidate.occurrence_id,
            started_at=candidate.started_at,
            event_date=candidate.event_date,
            first_day=candidate.first_day,
            last_day=candidate.last_day,
        )
        self.rows[row.delivery_key] = moved
        self._index(moved)

    def _index(self, row: Delivery) -> None:
        if row.object == USER and row.user_id:
            self.users[row.user_id].append(row.delivery_key)
        if row.object == EVENT:
            self.events[subject_of(row)].append(row.delivery_key)
            if row.email:
                self.people[row.kind, row.occurrence_id or "", row.email].append(row.delivery_key)
