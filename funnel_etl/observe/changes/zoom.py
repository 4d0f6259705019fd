"""Zoom, night against night: why the people of an occurrence moved, by what became of its reports.

What leads do to them, by the phones they lend, is exchanged with the leads (`lent`).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from funnel_etl.observe.changes.contracts import LATE, NEW_DAY, VANISHED, ZOOM_REEXPORT, ZOOM_WITHDRAWN
from funnel_etl.observe.changes.lent import LentPhones
from funnel_etl.observe.changes.matching import row_hashes
from funnel_etl.observe.changes.rows import PLACE, SAME

REPORT_OF = {"zoom_registrations": "registration", "zoom_attendance": "attendee"}
CONTENT = {
    "zoom_registrations": ["occurrence_id", "person_key", "funnel"],
    "zoom_attendance": ["occurrence_id", "person_key", "funnel", "attended", "phone", "joined_at"],
}
"""Table → what of a row the facts are made of."""
Frames = dict[str, pd.DataFrame]


@dataclass
class Zoom:
    """Both nights' people of every occurrence. Frames: zoom_registrations, zoom_attendance, webinars, zoom_reports.

    `decided`: files that a person has ever withdrawn.
    """

    before: Frames
    after: Frames
    since: pd.Timestamp
    lent: LentPhones
    decided: frozenset[str] = frozenset()
    last: Frames = field(init=False)

    def __post_init__(self) -> None:
        self.last = {name: self.before[name] for name in (*CONTENT, "webinars")}
        beside_tonight, _ = self.lent.beside(self.lent.leads.after)
        self.moved = {name: differing(name, beside_tonight[name], self.after[name]) for name in CONTENT}
        self.sides = self.lent.beside(self.lent.leads.before)
        self.causes = _Causes(self.before, self.after, self.since, self.decided)
        self.places = {
            name: {occurrence: PLACE[self.causes.of(occurrence, name)] for occurrence in moved}
            for name, moved in self.moved.items()
        }
        both = [frames["webinars"] for frames in (self.after, self.before) if len(frames["webinars"])]
        webinars = pd.concat(both or [self.after["webinars"]], ignore_index=True)
        self.webinars = webinars.drop_duplicates("occurrence_id", ignore_index=True)

    def occurrences(self) -> set[str]:
        """Return those whose people move on the way from the one night to the other."""
        return {*self.lent.occurrences, *(occurrence for moved in self.moved.values() for occurrence in moved)}

    def up_to(self, cause: str, leads: pd.DataFrame) -> Frames:
        """Return the tables with the causes up to this one exchanged, beside the leads as they are by then.

        The same objects when it changes nothing.
        """
        place = PLACE[cause]
        given = dict(self.last)
        last, self.sides = self.sides, self.lent.beside(leads)
        for name, places in self.places.items():
            is_lent_anew = any(now[name] is not before[name] for now, before in zip(self.sides, last, strict=True))
            if place in places.values() or is_lent_anew:
                given[name] = self._mixed(name, place, *(side[name] for side in self.sides))
        if any(given[name] is not self.last[name] for name in CONTENT):
            given["webinars"] = self.webinars
        self.last = given
        return given

    def _mixed(self, name: str, place: int, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
        places = self.places[name]
        was, now = (frame["occurrence_id"].map(places).fillna(SAME) for frame in (before, after))
        parts = [before[(was > place).to_numpy()], after[(now <= place).to_numpy()]]
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


class _Causes:
    """Why an occurrence differs, by its day and its reports on both nights."""

    def __init__(self, before: Frames, after: Frames, since: pd.Timestamp, decided: frozenset[str]) -> None:
        self.since = since
        self.decided = decided
        self.days_before, self.days = (f["webinars"].set_index("occurrence_id")["event_date"] for f in (before, after))
        was, now = (f["zoom_reports"].set_index("file_id") for f in (before, after))
        self.was_in, self.is_in, self.kind = was["occurrence_id"], now["occurrence_id"], now["report"]
        self.files = {str(name): set(files) for name, files in self.is_in.groupby(self.is_in).groups.items()}
        self.files_before = {str(name): set(files) for name, files in self.was_in.groupby(self.was_in).groups.items()}

    def of(self, occurrence: str, table: str) -> str:
        if occurrence not in self.files:
            return self._of_one_gone(occurrence, table)
        files = self.files[occurrence]
        known = {file for file in files if file in self.was_in.index}
        places = {self.was_in[file] for file in known} | ({occurrence} & set(self.days_before.index))
        was_published = bool((self.days_before.reindex(list(places)) <= self.since).any())
        if not was_published and occurrence in self.days.index and self.days[occurrence] > self.since:
            return NEW_DAY
        if self._is_decided(occurrence):
            return ZOOM_WITHDRAWN
        fresh = {self.kind[file] for file in files - known}
        had = {self.kind[file] for file in known}
        if not fresh:
            return ZOOM_REEXPORT
        own = {REPORT_OF[table]} & fresh or fresh
        return ZOOM_REEXPORT if own <= had else LATE

    def _of_one_gone(self, occurrence: str, table: str) -> str:
        """Return why an occurrence is no longer there: its reports are tied to another one, or they are gone."""
        moved_to = {self.is_in[file] for file in self.files_before.get(occurrence, set()) if file in self.is_in.index}
        if not moved_to:
            day = self.days_before.get(occurrence)
            if day is not None and day > self.since:
                return NEW_DAY
            return ZOOM_WITHDRAWN if self._is_decided(occurrence) else VANISHED
        found = {self.of(other, table) for other in moved_to}
        return min(found - {NEW_DAY} or {ZOOM_REEXPORT}, key=PLACE.__getitem__)

    def _is_decided(self, occurrence: str) -> bool:
        """Whether a report of the occurrence is gone, or is there again, because a person said so."""
        was, now = self.files_before.get(occurrence, set()), self.files.get(occurrence, set())
        moved = {file for file in was - now if file not in self.is_in.index}
        moved |= {file for file in now - was if file not in self.was_in.index}
        return not self.decided.isdisjoint(moved)


def differing(name: str, before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Return the occurrences whose rows of a table are not the same on both nights."""
    if before is after:
        return []
    sums = [_summed(frame[CONTENT[name]]) for frame in (before, after)]
    ids = sums[0].index.union(sums[1].index, sort=False)
    was, now = (side.reindex(ids, fill_value=0) for side in sums)
    return [str(occurrence) for occurrence in ids[(was != now).to_numpy()]]


def _summed(rows: pd.DataFrame) -> pd.Series:
    hashed = row_hashes(rows).view(np.int64) | 1
    sums: pd.Series = pd.Series(hashed).groupby(rows["occurrence_id"].to_numpy()).sum()
    return sums
