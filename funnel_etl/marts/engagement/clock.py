"""What the stamps of a chat mean: a clock on the wall, or the time since the recording began. Rule: B7 of the design.

Pure. Stamps are of the sender's device, so the order of the file is kept, and a few may lie outside.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.marts.engagement.contracts import NO_CLOCK, RELATIVE, WALL

AROUND = pd.Timedelta(minutes=30)
"""So long before its start and after its end a chat may be written in."""
ENOUGH = 0.8
"""The share of the stamps that must lie within."""
AFTER_THE_END = pd.Timedelta(minutes=15)
LONGEST = pd.Timedelta(hours=6)
"""How long a webinar is taken to be whose duration is not known, by the clock on the wall."""
_DAY, _HALF = 86_400, 43_200


@dataclass(frozen=True)
class Occurrence:
    """What of an occurrence says when it was. `minutes`: None where its duration is not known."""

    occurrence_id: str
    webinar_id: str
    started_at: pd.Timestamp
    minutes: int | None

    @property
    def window(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """From when to when its chat is written."""
        length = LONGEST if self.minutes is None else pd.Timedelta(minutes=self.minutes)
        return self.started_at - AROUND, self.started_at + length + AROUND


@dataclass(frozen=True)
class Stamps:
    """The stamps of a chat in file order: days (NaT: none was stamped) and seconds (NaN: unreadable)."""

    days: pd.DatetimeIndex
    seconds: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Stamps":
        """Return those of `raw.zoom_chat_rows`."""
        return cls(pd.DatetimeIndex(rows["stamp_day"]), rows["stamp_seconds"].to_numpy(np.float64, na_value=np.nan))

    @property
    def have_days(self) -> bool:
        """Whether any of them has a day."""
        return bool(self.days.notna().any())


@dataclass(frozen=True)
class Clock:
    """What the stamps are, and the instant of each (NaT: not known)."""

    kind: str
    sent_at: pd.DatetimeIndex


def continued(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return stamps of a clock that go on over midnight: a drop of more than twelve hours is the next day."""
    known = np.flatnonzero(~np.isnan(seconds))
    steps = np.diff(seconds[known])
    days = np.cumsum((steps < -_HALF).astype(float) - (steps > _HALF))
    found = seconds.copy()
    found[known[1:]] += days * _DAY
    return found


def on_the_wall(stamps: Stamps, occurrence: Occurrence, zone: str) -> tuple[float, pd.DatetimeIndex]:
    """Return the share of the stamps within the webinar, were they of a clock in `zone`, and the instants then."""
    if stamps.have_days:
        instants = _local(stamps.days, stamps.seconds, zone)
        return _share(instants, occurrence), instants
    seconds = continued(stamps.seconds)
    start = occurrence.started_at.tz_convert(zone).tz_localize(None).normalize()
    best: tuple[float, pd.DatetimeIndex] | None = None
    for offset in (0, -1, 1):
        days = pd.DatetimeIndex([start + pd.Timedelta(days=offset)]).repeat(len(seconds))
        instants = _local(days, seconds, zone)
        share = _share(instants, occurrence)
        if best is None or share > best[0]:
            best = share, instants
    assert best is not None  # noqa: S101 - of three
    return best


def since_the_start(stamps: Stamps, occurrence: Occurrence) -> bool:
    """Whether the stamps may be of a recording: without days, and the last within the webinar."""
    known = stamps.seconds[~np.isnan(stamps.seconds)]
    if stamps.have_days or not len(known) or occurrence.minutes is None or (np.diff(known) < -_HALF).any():
        return False
    return pd.Timedelta(seconds=known.max()) <= pd.Timedelta(minutes=occurrence.minutes) + AFTER_THE_END


def clock_of(stamps: Stamps, occurrence: Occurrence, zone: str, recorded_at: pd.Timestamp | None = None) -> Clock:
    """Return what the stamps are, and when each was: wall, relative, or unknown where both fit, or neither.

    `recorded_at`: when the recording began, where its name says so.
    """
    share, instants = on_the_wall(stamps, occurrence, zone)
    is_wall, is_relative = share >= ENOUGH, since_the_start(stamps, occurrence)
    if is_wall and not is_relative:
        return Clock(WALL, instants)
    if is_relative and not is_wall:
        start = recorded_at or occurrence.started_at
        since = pd.to_timedelta(stamps.seconds, unit="s").as_unit("us")
        return Clock(RELATIVE, pd.DatetimeIndex(start.as_unit("us") + since))
    return Clock(NO_CLOCK, pd.DatetimeIndex([pd.NaT] * len(stamps.seconds), dtype="datetime64[us, UTC]"))


def _share(instants: pd.DatetimeIndex, occurrence: Occurrence) -> float:
    begin, end = occurrence.window
    known = instants[instants.notna()]
    return float(((known >= begin) & (known <= end)).mean()) if len(known) else 0.0


def _local(days: pd.DatetimeIndex, seconds: npt.NDArray[np.float64], zone: str) -> pd.DatetimeIndex:
    local = pd.DatetimeIndex(days.as_unit("us") + pd.to_timedelta(seconds, unit="s").as_unit("us"))
    aware: pd.DatetimeIndex = local.tz_localize(zone, ambiguous=np.ones(len(local), bool), nonexistent="shift_forward")
    return aware.tz_convert("UTC").as_unit("us")
