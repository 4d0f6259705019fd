"""What the times of one report say of each other, and of when it came: contradictions, and which reading is likelier.

Here: arithmetic on instants (µs since 1970 in UTC, `MISSING` where there is none). Not here: reading text (`times`)
and choosing between readings (`day_month`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.dates import MISSING

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
HOUR = 3_600_000_000
DAY = 24 * HOUR
SLACK = DAY
"""Clocks that differ, and times of an account in another zone."""
LONGEST = 36 * HOUR
"""From the start of a webinar to anybody's join, and from a join to its leave."""
LATE = 0.1
"""Share of registrations that may be later than the webinar: for its recording."""
_MOST = np.log(64)
_ENOUGH, _SAYS, _PIECES = np.log(1000), np.log(2), 3


@dataclass(frozen=True)
class ReportTimes:
    """The times of one report in one reading; `joined`, `left` and `registered` by row. `came`: its arrival.

    `start`: the actual one of an attendee report, the scheduled one of a registration report.
    """

    is_attendee: bool
    generated: int
    start: int
    registered: Ints
    joined: Ints
    left: Ints
    came: int
    zone: str


def contradictions(times: ReportTimes, *, strict: bool) -> list[str]:
    """Return in words what cannot be true together.

    `strict`: of one row too, and of the arrival, but with a day of slack; else what a person should know of a report.
    """
    slack, share = (SLACK, 0.0) if strict else (0, 0.5)
    joined, left, registered = (values[values != MISSING] for values in (times.joined, times.left, times.registered))
    actual = times.start if times.is_attendee else MISSING
    found = []
    if MISSING not in (actual, times.generated) and times.generated < actual - slack:
        found.append(f"it was generated ({_day(times, times.generated)}) before its start ({_day(times, actual)})")
    if actual != MISSING and _is_more(far := np.abs(joined - actual) > LONGEST, share):
        found.append(f"its start ({_day(times, actual)}) is not near the joins ({_day(times, joined[far][0])})")
    stayed = (times.left - times.joined)[(times.joined != MISSING) & (times.left != MISSING)]
    if _is_more(np.abs(stayed) > LONGEST, share):
        found.append("people leave before they join, or days after")
    end = np.max(left, initial=actual)
    if end != MISSING and _is_more(late := registered > end + SLACK, LATE):
        found.append(f"people register ({_day(times, registered[late][0])}) after its end ({_day(times, end)})")
    if times.generated != MISSING and _is_more(registered > times.generated + SLACK, share):
        found.append("people register after it was generated")
    if not strict or times.came == MISSING:
        return found
    latest = np.max(np.concatenate([joined, left, registered]), initial=max(times.generated, actual))
    if latest > times.came + SLACK:
        found.append(f"a time in it ({_day(times, latest)}) is later than its arrival ({_day(times, times.came)})")
    return found


def is_likelier(one: ReportTimes, other: ReportTimes) -> bool:
    """Whether a reading is far likelier than another that contradicts nothing either.

    People register days before a webinar, a report is made days after it, and comes days later. Read wrongly these
    days are months. Each day of registrations, the generation and the arrival is one piece of evidence, by how many
    times nearer it is; a thousand to one over at least three pieces is enough.
    """
    days = np.stack([_days_apart(one), _days_apart(other)], axis=1)
    registered, head = (part[(part >= 0).all(axis=1)] for part in (days[:-2], days[-2:]))
    near, far = np.concatenate([np.unique(registered, axis=0), head]).T
    weights = np.clip(np.log((far + 1) / (near + 1)), -_MOST, _MOST)
    speaks, against = (weights >= _SAYS).sum(), (weights <= -_SAYS).sum()
    return bool(weights.sum() >= _ENOUGH and speaks >= _PIECES and against * 4 <= speaks)


def _days_apart(times: ReportTimes) -> Ints:
    """Return the days from each registration to the start, from it to the generation, and on to the arrival; or -1."""
    earlier = np.array([*times.registered, times.start, times.generated])
    later = np.array([*np.full(len(times.registered), times.start), times.generated, times.came])
    days: Ints = np.abs(_local_days(later, times.zone) - _local_days(earlier, times.zone))
    return np.where((earlier == MISSING) | (later == MISSING), -1, days)


def _local_days(values: Ints, zone: str) -> Ints:
    local: Any = pd.DatetimeIndex(values.view("datetime64[us]")).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    days: Ints = local.to_numpy().astype("datetime64[D]").astype(np.int64)
    return days


def _is_more(mask: Bools, share: float) -> bool:
    return bool(mask.any() and mask.mean() > share)


def _day(times: ReportTimes, instant: Any) -> str:
    return day_name(int(instant), times.zone)


def day_name(instant: int, zone: str) -> str:
    """Return the day of an instant as people write it: 5 November 2026."""
    local = pd.Timestamp(instant, unit="us", tz="UTC").tz_convert(zone)
    return f"{local.day} {local:%B %Y}"
