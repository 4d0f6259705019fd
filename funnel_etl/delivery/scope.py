"""What a run is about, and what it did. Data only."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from funnel_etl.delivery.contracts import ERASURE, EVENT, HELD, TRANSIENT, UNKNOWN, USER
from funnel_etl.delivery.rows import Delivery


@dataclass(frozen=True)
class Scope:
    """What of the plan a run is about: an occurrence, a kind, at most so many events. All None: all of it."""

    occurrence: str | None = None
    kind: str | None = None
    limit: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it is all."""
        return self.occurrence is None and self.kind is None and self.limit is None

    def of(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """Return the rows of it in the order of sending: its events, the users these need, and erasures."""
        ordered = sorted(rows, key=lambda row: row.order)
        if self.is_whole:
            return ordered
        events = [row for row in ordered if row.object == EVENT and self._has(row)][: self.limit]
        users = {row.user_id for row in events}
        return [
            row for row in ordered if row.object == ERASURE or (row.object == USER and row.user_id in users)
        ] + events

    def _has(self, row: Delivery) -> bool:
        is_of = self.occurrence is None or row.occurrence_id == self.occurrence
        return is_of and (self.kind is None or row.kind == self.kind)


@dataclass
class Result:
    """What a run did. `ended`: why it ended before its end, `fix`: what to do then; `waits`: why it sent nothing."""

    destination: str
    planned: int = 0
    cancelled: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ended: str | None = None
    fix: str | None = None
    waits: str | None = None
    is_busy: bool = False
    open: Counter[str] = field(default_factory=Counter)
    """Rows that are open at the end, by state."""

    @property
    def exit_code(self) -> int:
        """0: all is done or nothing was to do; 1: something failed, is unknown, or waits for a person."""
        failed = self.counts["refused"] or self.open[UNKNOWN] or self.open[HELD] or self.open[TRANSIENT]
        return 1 if self.ended or failed else 0
