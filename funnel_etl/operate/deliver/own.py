"""Deliveries of some webinars alone: for people who see only their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from funnel_etl.delivery.report import COLUMNS, ReportLine
from funnel_etl.delivery.rows import Delivery
from funnel_etl.operate.deliver.place import open_place
from funnel_etl.settings import Settings

Owns = Callable[[str | None, str | None], bool]
"""Whether a webinar is somebody's, by its conductor and profile."""
_WEBINARS = sa.text("SELECT occurrence_id, conductor, profile FROM clean.webinars")
_WEBINAR, _USER = COLUMNS.index("occurrence_id"), COLUMNS.index("user_id")


@dataclass(frozen=True)
class Own:
    """The webinars of somebody: their events, and the profiles of who is in these."""

    occurrences: frozenset[str]

    def rows(self, rows: Sequence[Delivery]) -> list[Delivery]:
        """Return the rows that are of them."""
        users = {row.user_id for row in rows if row.occurrence_id in self.occurrences}
        return [row for row in rows if self._has(row.occurrence_id, row.user_id, users)]

    def lines(self, lines: Sequence[ReportLine]) -> list[ReportLine]:
        """Return the lines of a report that are of them."""
        users = {line.cells[_USER] for line in lines if line.cells[_WEBINAR] in self.occurrences}
        return [line for line in lines if self._has(line.cells[_WEBINAR], line.cells[_USER], users)]

    def _has(self, occurrence: str | None, user: str | None, users: set[str | None] | set[str]) -> bool:
        return occurrence in self.occurrences if occurrence else user in users


def own_of(settings: Settings, owns: Owns) -> Own:
    """Return the webinars that `owns` says are somebody's. Raises what `open_place` raises."""
    with open_place(settings, only_read=True) as place, place.engine.connect() as connection:
        found = connection.execute(_WEBINARS).all()
    return Own(frozenset(row.occurrence_id for row in found if owns(row.conductor, row.profile)))
