"""Which rows of two nights can count otherwise: all others add the same to both, and are left out of both. Pure.

A row that is as it was, of a day that both nights count, counts the same alone. Which lead is its person's first
follows from all leads of that person, and M0 from all assignments and attendances of a phone: whoever has a row that
moved is here with all rows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.values.text import is_one_of
from funnel_etl.observe.changes.rows import Rows

Mask = npt.NDArray[np.bool_]
Frames = dict[str, pd.DataFrame]
EVENT = ["event_date", "started_at"]


@dataclass
class Moved:
    """Who and what moved: phones, persons of leads, occurrences (each may stand there twice)."""

    phones: pd.Series
    persons: pd.Series
    occurrences: pd.Series
    as_of: pd.Timestamp
    _cut: dict[int, tuple[pd.DataFrame, pd.DataFrame]] = field(init=False, default_factory=dict)

    def rows(self, name: str, rows: Rows) -> Rows:
        """Return the rows of a source that can count otherwise."""
        was, now = rows.moving(self.as_of)
        if name == "tofu_leads":
            was, now = (kept | is_one_of(_person(side), self.persons) for kept, side in _sides(rows, was, now))
        if name == "assigned_leads":
            was, now = (kept | is_one_of(side["phone"], self.phones) for kept, side in _sides(rows, was, now))
        return rows.part(was, now)

    def people(self, frames: Frames) -> Frames:
        """Return the people of Zoom that can count otherwise; of the same object always the same one."""
        return frames | {name: self._people(name, frames[name]) for name in ("zoom_registrations", "zoom_attendance")}

    def of_phones(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of M0 whose phone moved."""
        return rows[is_one_of(rows["phone"], self.phones)].reset_index(drop=True)

    def _people(self, name: str, rows: pd.DataFrame) -> pd.DataFrame:
        if id(rows) not in self._cut:
            kept = is_one_of(rows["occurrence_id"], self.occurrences)
            if name == "zoom_attendance":
                kept |= is_one_of(rows["phone"], self.phones)
            self._cut[id(rows)] = rows, rows[kept].reset_index(drop=True)
        return self._cut[id(rows)][1]


def what_moved(
    sources: Mapping[str, Rows],
    zoom: Iterable[Frames],
    occurrences: Iterable[str],
    as_of: pd.Timestamp,
    phones: Iterable[pd.Series] = (),
) -> Moved:
    """Return what moved between two nights. `zoom`: both nights' people and webinars, the earlier night's first.

    `occurrences`: those whose people moved; `phones`: what else people may be known by on the way.
    """
    before, after = zoom
    since = sources["assigned_leads"].since
    events = pd.concat([_events(before, after, since, as_of), pd.Series([*occurrences], dtype="str")])
    came = [side["phone"][is_one_of(side["occurrence_id"], events)] for side in _attendances(before, after)]
    return Moved(
        phones=pd.concat([*_keys(sources["assigned_leads"], lambda rows: rows["phone"], as_of), *came, *phones]),
        persons=pd.concat(_keys(sources["tofu_leads"], _person, as_of)),
        occurrences=events,
        as_of=as_of,
    )


def _events(before: Frames, after: Frames, since: pd.Timestamp, as_of: pd.Timestamp) -> pd.Series:
    """Return the occurrences that were held at another time, or on a day that only tonight counts."""
    was, now = (frames["webinars"].set_index("occurrence_id")[EVENT] for frames in (before, after))
    ids = was.index.union(now.index, sort=False)
    was, now = was.reindex(ids), now.reindex(ids)
    moved = ((was != now) & ~(was.isna() & now.isna())).any(axis="columns")
    for days in (was["event_date"], now["event_date"]):
        moved |= (days > since) & (days <= as_of)
    return pd.Series(ids[moved.to_numpy()], dtype="str")


def _attendances(before: Frames, after: Frames) -> list[pd.DataFrame]:
    found = [frames["zoom_attendance"] for frames in (before, after)]
    return found[:1] if found[0] is found[1] else found


def _keys(rows: Rows, key: Callable[[pd.DataFrame], pd.Series], as_of: pd.Timestamp) -> list[pd.Series]:
    """Return the keys of the rows that moved, on both nights, and of those that changed places among their own."""
    was, now = rows.moving(as_of)
    changed = rows.changed_places(key(rows.before)) if rows.moved else rows.before["file_id"].iloc[:0]
    return [key(rows.before[was]), key(rows.after[now]), changed]


def _sides(rows: Rows, was: Mask, now: Mask) -> tuple[tuple[Mask, pd.DataFrame], tuple[Mask, pd.DataFrame]]:
    return (was, rows.before), (now, rows.after)


def _person(leads: pd.DataFrame) -> pd.Series:
    """Return whose lead it is; missing where that is not known. Rule: Person key."""
    return leads["phone"].fillna("email:" + leads["email"])
