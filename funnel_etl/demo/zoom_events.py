"""Webinars and bootcamps of the demo: the calendar, who registered, who came and when. Not how a report spells it."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from funnel_etl.demo.config import DemoConfig, Window
from funnel_etl.demo.messes import spell_phones

PLUTUS_TOPICS = (
    "Plutus ACCA Masterclass",
    "Plutus: is CFA for you?",
    "Plutus evening for Maccabi fans, with CMA",
    "Plutus US CPA Q&A",
)
TLS_TOPICS = (
    "TLS Contract Drafting Workshop",
    "TLS Intellectual Property Basics",
    "TLS Mergers & Acquisitions Live",
    "TLS Technology & Fintech Law",
    "TLS Arbitration and Dispute Resolution",
    "TLS Career Evening",
)
LAYOUTS = ("2026", "2024", "portuguese", "2020", "registration_off", "2021", "2026")
STATUSES = ("approved", "denied", "cancelled by self", "upgraded to panelist", "")
COUNTRIES = ("India", "India", "India", "United Arab Emirates", "Singapore")
MINUTE = pd.Timedelta(minutes=1)


@dataclass(frozen=True)
class Event:
    """One occurrence. `phone_in`: which report carries phones ("attendee", "registration", "")."""

    webinar_id: str
    topic: str
    scheduled: pd.Timestamp
    start: pd.Timestamp
    minutes: int
    layout: str
    tag: str
    conductor: str
    has_registration: bool = True
    has_attendee: bool = True
    folder: str = ""

    @property
    def phone_in(self) -> str:
        """Which report carries the phones."""
        if self.layout == "2024":
            return "attendee"
        return "registration" if self.has_registration else ""


@dataclass
class Zoom:
    """The planted events; `rows`: one per registrant of an event; `segments`: one per join (row, joined, left)."""

    events: list[Event]
    rows: pd.DataFrame
    segments: pd.DataFrame


def make_zoom(
    rng: np.random.Generator,
    people: pd.DataFrame,
    known_since: pd.Series,
    window: Window,
    config: DemoConfig,
) -> Zoom:
    """Plan the events and fill them. People without `known_since` (by person) first show at an event.

    Only people who are known with a phone have registrations that were not approved, or that wait for their event.
    """
    events = _calendar(rng, window, list(config.conductors) or ["Ritvik Solvane"])
    size = max(30, int(0.3 * len(people) / max(len(events), 1)))
    rows = pd.concat(
        [_registrants(rng, number, event, known_since, size) for number, event in enumerate(events)], ignore_index=True
    )
    who = people.loc[rows["person"]].reset_index(drop=True)
    phones = spell_phones(rng, who["phone"], config.placeholders, lost=0.03)
    rows = rows.assign(name=who["name"], email=who["email"], phone_text=phones["text"], phone=phones["phone"])
    without = rows["event"].map({i: e.phone_in == "" for i, e in enumerate(events)}).astype(bool)
    rows["phone"] = rows["phone"].mask(without, "")
    rows = _second_addresses(rng, rows, without)
    return Zoom(events, rows, _segments(rng, rows, events))


def _calendar(rng: np.random.Generator, window: Window, conductors: list[str]) -> list[Event]:
    """Plutus on Wednesdays under one id, a TLS track on Fridays, two bootcamps a month; one webinar still to come."""
    events: list[Event] = []
    days = pd.date_range(window.start, pd.Timestamp(window.as_of))
    for week, day in enumerate(days[days.day_of_week == 2]):
        layout = LAYOUTS[week % len(LAYOUTS)]
        events.append(_event(rng, "81200001001", PLUTUS_TOPICS[week % 4], day, 19, layout, conductors[0]))
    for week, day in enumerate(days[days.day_of_week == 4]):
        track = week % len(TLS_TOPICS)
        layout = LAYOUTS[(week + 3) % len(LAYOUTS)]
        conductor = conductors[(1 + track // 5) % len(conductors)]
        events.append(_event(rng, f"8120000200{track + 1}", TLS_TOPICS[track], day, 18, layout, conductor))
    for month in window.month_starts:
        saturday = month + pd.Timedelta(days=7 + (5 - month.day_of_week) % 7)
        if saturday + pd.Timedelta(days=1) <= pd.Timestamp(window.as_of):
            events += _bootcamps(rng, saturday, conductors)
    if len(events) > 2:
        events[1] = replace(events[1], topic="Alumni evening", folder="plutus_webinar", webinar_id="81200001009")
    coming = pd.Timestamp(window.as_of) + pd.Timedelta(days=4)
    plan = _event(rng, "81200001777", "Plutus FRM Preview", coming, 19, "2026", conductors[0])
    return [*events, replace(plan, has_attendee=False)]


def _event(
    rng: np.random.Generator, webinar_id: str, topic: str, day: pd.Timestamp, hour: int, layout: str, conductor: str
) -> Event:
    if layout == "portuguese":
        hour = 11  # the documented spellings of Portuguese times are those of morning and afternoon
    scheduled = day + pd.Timedelta(hours=hour)
    start = scheduled + MINUTE * int(rng.integers(-6, 9))
    has_registration = layout != "registration_off" and (layout != "2024" or day.day % 2 == 0)
    tag = "Bootcamp" if "Bootcamp" in topic else "Webinar"
    minutes = int(rng.integers(70, 130))
    return Event(webinar_id, topic, scheduled, start, minutes, layout, tag, conductor, has_registration)


def _bootcamps(rng: np.random.Generator, saturday: pd.Timestamp, conductors: list[str]) -> list[Event]:
    sunday = saturday + pd.Timedelta(days=1)
    tls = [
        _event(rng, "81200003002", "TLS Drafting Bootcamp", day, 15, "2024", conductors[-1])
        for day in (saturday, sunday)
    ]
    return [
        _event(rng, "81200003001", "Plutus ACCA Bootcamp - Day 1", saturday, 10, "2026", conductors[0]),
        _event(rng, "81200003001", "Plutus ACCA Bootcamp (day_2)", sunday, 10, "2026", conductors[0]),
        *[replace(event, has_registration=False) for event in tls],
    ]


def _registrants(
    rng: np.random.Generator, number: int, event: Event, known_since: pd.Series, size: int
) -> pd.DataFrame:
    """Draw who registers for an event, when, and with what status: one row per person, in order of registration."""
    new = known_since.isna()
    deadline = event.start - pd.Timedelta(hours=3)
    if not event.has_attendee:
        deadline -= pd.Timedelta(days=5)
        new = new & False
    pool = known_since.index[(known_since < deadline) | new].to_numpy()
    persons = rng.choice(pool, min(size, len(pool)), replace=False)
    since = known_since.reindex(persons)
    opened = (event.start - pd.Timedelta(days=12)).floor("s")
    known_from = since.where(since > opened, opened).reset_index(drop=True)
    earliest = known_from + 10 * MINUTE
    latest = event.start - MINUTE if event.has_attendee else deadline
    span = (latest - earliest).dt.total_seconds().clip(lower=1)
    registered = earliest + pd.to_timedelta((span * rng.random(len(span))).astype("int64"), unit="s")
    known = since.notna().to_numpy()
    status = rng.choice(np.array(STATUSES, dtype=object), len(persons), p=(0.9, 0.03, 0.03, 0.01, 0.03))
    status[~known] = "approved"
    came = (rng.random(len(persons)) < 0.55) & np.isin(status, ["approved", ""]) & event.has_attendee
    if event.layout == "registration_off":
        came[:] = True
    rows = pd.DataFrame(
        {
            "event": number,
            "person": persons,
            "registered": registered.to_numpy(),
            "status": pd.Series(status, dtype="str"),
            "came": came,
            "again": known & (status == "approved") & (rng.random(len(persons)) < 0.02),
            "times": rng.choice(["good", "none", "inverted"], len(persons), p=(0.985, 0.01, 0.005)),
            "country": rng.choice(COUNTRIES, len(persons)),
        }
    )
    return rows.sort_values("registered", kind="stable", ignore_index=True)


def _second_addresses(rng: np.random.Generator, rows: pd.DataFrame, without: pd.Series) -> pd.DataFrame:
    """Let a few people who came register a second time, with another address and the same phone."""
    able = np.flatnonzero((rows["came"] & ~without & (rows["phone"] != "") & (rows["times"] == "good")).to_numpy())
    twins = rows.iloc[np.sort(rng.choice(able, max(1, len(able) // 100), replace=False))]
    twins = twins.assign(email="alt." + twins["email"], registered=twins["registered"] + 2 * MINUTE, again=False)
    return pd.concat([rows, twins], ignore_index=True).sort_values("event", kind="stable", ignore_index=True)


def _segments(rng: np.random.Generator, rows: pd.DataFrame, events: list[Event]) -> pd.DataFrame:
    """Draw when people were there: most once, some again and again, some with two devices at a time."""
    came = rows.index[rows["came"]].to_numpy()
    repeats = np.where(rng.random(len(came)) < 0.22, rng.integers(2, 6, len(came)), 1)
    row = np.repeat(came, repeats)
    event = rows["event"].to_numpy()[row]
    start = pd.Series(pd.DatetimeIndex([e.start for e in events])[event])
    length = np.array([e.minutes * 60 for e in events])[event]
    joined = (rng.random(len(row)) ** 2 * length * 0.8).astype("int64")
    stayed = 20 + (rng.random(len(row)) * (length - joined)).astype("int64")
    frame = pd.DataFrame(
        {
            "row": row,
            "joined": start + pd.to_timedelta(joined, unit="s"),
            "left": start + pd.to_timedelta(joined + stayed, unit="s"),
        }
    )
    inverted = (rows["times"] == "inverted").to_numpy()[row]
    frame.loc[inverted, ["joined", "left"]] = frame.loc[inverted, ["left", "joined"]].to_numpy()
    frame = frame.sort_values(["row", "joined"], kind="stable", ignore_index=True)
    single = rows["times"].ne("good").to_numpy()[frame["row"]] & frame.duplicated("row").to_numpy()
    kept: pd.DataFrame = frame[~single].reset_index(drop=True)
    return kept
