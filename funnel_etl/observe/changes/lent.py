"""What leads do to the people of Zoom: a lead lends its phone to attendees without one, so it moves them by its cause.

Here: the people of a night as they would be beside other leads. Not here: why a lead moved (`rows`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from funnel_etl.observe.changes.rows import SAME, Rows
from funnel_etl.parts.marketing.zoom.clean.people import SEVERAL, lent_by_leads

PEOPLE = ("zoom_registrations", "zoom_attendance")
Frames = dict[str, pd.DataFrame]
PeopleOf = Callable[[Frames, list[str], pd.DataFrame], Frames]
"""Makes PEOPLE of some occurrences of a night's Zoom tables again, beside other leads."""


@dataclass
class LentPhones:
    """The phones that the leads of both nights lend, where they differ. `before`, `after`: the nights' Zoom tables.

    `is_on`: whether leads lend at all; `occurrences`: those in which it may make a difference.
    """

    before: Frames
    after: Frames
    leads: Rows
    people_of: PeopleOf
    is_on: bool

    def __post_init__(self) -> None:
        leads = self.leads
        changed = [leads.before["email"][leads.was != SAME], leads.after["email"][leads.now != SAME]]
        self._emails = pd.concat(changed).dropna().unique() if self.is_on else []
        self._was, self._now = self._phones(leads.before), self._phones(leads.after)
        emails = {email for email in {*self._was, *self._now} if self._was.get(email) != self._now.get(email)}
        phones = {own.get(email) for email in emails for own in (self._was, self._now)} - {None, ""}
        tables = [frames[name] for frames in (self.before, self.after) for name in PEOPLE] if emails else []
        found = [rows["occurrence_id"][rows["email"].isin(emails) | rows["phone"].isin(phones)] for rows in tables]
        self.occurrences = sorted(pd.concat(found).unique()) if found else []
        own = ((self.before, self._was), (self.after, self._now))
        self._made = [(phones, {name: frames[name] for name in PEOPLE}) for frames, phones in own]

    def beside(self, leads: pd.DataFrame) -> tuple[Frames, Frames]:
        """Return the people of both nights' reports beside these leads; the same objects if they lend the same."""
        phones = self._phones(leads) if self.occurrences else {}
        for side, frames in enumerate((self.before, self.after) if self.occurrences else ()):
            own = self._was if side == 0 else self._now
            if phones == own:
                self._made[side] = own, {name: frames[name] for name in PEOPLE}
            elif phones != self._made[side][0]:
                made = self.people_of(frames, self.occurrences, leads)
                self._made[side] = phones, {name: self._with(frames[name], made[name]) for name in PEOPLE}
        return self._made[0][1], self._made[1][1]

    def phones(self) -> list[pd.Series]:
        """Return every phone that leads may lend on the way from one night to the other."""
        sides = (self.leads.before, self.leads.after) if self.occurrences else ()
        return [rows["phone"][rows["email"].isin(self._emails)] for rows in sides]

    def _with(self, rows: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
        others = rows[~rows["occurrence_id"].isin(self.occurrences)]
        return pd.concat([part for part in (others, made) if len(part)] or [made], ignore_index=True)

    def _phones(self, leads: pd.DataFrame) -> dict[str, str]:
        """Return the phone that each e-mail lends, "" for none because of several; only e-mails of leads that moved."""
        lent = lent_by_leads(leads[leads["email"].isin(self._emails)])
        return dict(zip(lent.index, lent["phone"].mask(lent[SEVERAL], ""), strict=True))
