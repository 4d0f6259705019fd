"""What the times of one report say of each other, and of when it came: contradictions, and which reading is likelier.

Here: arithmetic on instants (µs since 1970 in UTC, `MISSING` where there is none). Not here: reading text (`times`)
and choosing between readings (`day_month`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.values.dates import MISSING
from funnel_etl.core.values.numbers import grouped

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


class Within(NamedTuple):
    """How far times may lie from where they belong, and in which share of the rows they may lie farther.

    `early`: a report generated before its start; `apart`: a join from the start, and a leave from its join; `late`:
    registrations after the end, for the recording.
    """

    early: int
    apart: int
    late: int
    share: float


REPORTED = Within(0, LONGEST, SLACK, 0.5)
"""What a person should know of a report."""
TIGHT = Within(SLACK, LONGEST, SLACK, 0.0)
WIDE = Within(14 * DAY, 14 * DAY, 14 * DAY, 0.0)
"""Of two orders of day and month: somebody's typing is off by days, the wrong order by months."""


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

    @property
    def actual(self) -> int:
        """The start, where it is over."""
        return self.start if self.is_attendee else MISSING

    @property
    def end(self) -> int:
        """The last leave, else the start."""
        return int(np.max(self.left, initial=self.actual))


def marks(times: ReportTimes, within: Within) -> dict[str, Bools]:
    """Return by kind of contradiction where it is: by row, or of the report; of its arrival both."""
    joined, left, registered, actual = times.joined, times.left, times.registered, times.actual
    latest = np.append(np.maximum(np.maximum(joined, left), registered), max(times.generated, actual))
    return {
        "generated": _after(np.array([actual]), times.generated, within.early),
        "joins": _both(joined, actual) & (np.abs(joined - actual) > within.apart),
        "leaves": _both(joined, left) & (np.abs(left - joined) > within.apart),
        "late": _after(registered, times.end, within.late),
        "registered": _after(registered, times.generated, SLACK),
        "arrival": _after(latest, times.came, SLACK),
    }


def contradictions(times: ReportTimes, within: Within, leave_out: Mapping[str, Bools] | None = None) -> dict[str, str]:
    """Return in words, by kind, what cannot be true together; `leave_out`: marks that do not count."""
    found = {}
    for kind, marked in marks(times, within).items():
        where = marked & ~leave_out[kind] if leave_out else marked
        count, size = int(where.sum()), _size(times, kind)
        share = {"late": LATE, "arrival": 0.0}.get(kind, within.share)
        if count and count > share * size:
            few = f"{grouped(count)} of {grouped(size)} " if count * 2 <= size else ""
            found[kind] = _says(times, kind, int(np.flatnonzero(where)[0]), few)
    return found


def in_all(ways: list[ReportTimes]) -> dict[str, Bools]:
    """Return the marks that say nothing of which of several readings is right, for every reading has them.

    A few such rows are odd, and not held against the arrival either. Of most rows, not they are odd, but what they are
    held against is: then only what is far off in every reading says nothing. A generation before every start is
    wrong, and nobody's registration is held against it.
    """
    tight, wide = (
        {kind: np.logical_and.reduce([one[kind] for one in marked]) for kind in marked[0]}
        for marked in ([marks(times, within) for times in ways] for within in (TIGHT, WIDE))
    )
    few = {kind for kind in tight if tight[kind].sum() * 2 <= _size(ways[0], kind)}
    for kind in few & {"joins", "leaves"}:
        tight["arrival"][:-1] |= tight[kind]
    tight["registered"] |= tight["generated"]
    return {kind: tight[kind] if kind in few | {"arrival", "registered"} else wide[kind] for kind in tight}


def in_words(against: Mapping[str, str]) -> list[str]:
    """Return contradictions as warnings."""
    return [f"its times contradict each other: {what}" for what in against.values()]


def _size(times: ReportTimes, kind: str) -> int:
    """Return in how many rows a kind of contradiction can be."""
    if kind == "joins":
        return int((times.joined != MISSING).sum())
    if kind == "leaves":
        return int(_both(times.joined, times.left).sum())
    return int((times.registered != MISSING).sum()) if kind in ("late", "registered") else 1


def _says(times: ReportTimes, kind: str, first: int, few: str) -> str:
    if kind == "generated":
        return f"it was generated ({_day(times, times.generated)}) before its start ({_day(times, times.start)})"
    if kind == "joins":
        joined = _day(times, times.joined[first])
        return f"its start ({_day(times, times.start)}) is not near {few or 'the '}joins ({joined})"
    if kind == "leaves":
        return f"{few}people leave before they join, or days after"
    if kind == "late":
        return f"people register ({_day(times, times.registered[first])}) after its end ({_day(times, times.end)})"
    if kind == "registered":
        return "people register after it was generated"
    by_row = (times.joined, times.left, times.registered)
    latest = max(times.generated, times.actual, *(part.max(initial=MISSING) for part in by_row))
    return f"a time in it ({_day(times, latest)}) is later than its arrival ({_day(times, times.came)})"


def _both(one: Ints, other: Ints | int) -> Bools:
    both: Bools = (one != MISSING) & (other != MISSING)
    return both


def _after(values: Ints, than: int, slack: int) -> Bools:
    return _both(values, than) & (values > than + slack)


def is_likelier(one: ReportTimes, other: ReportTimes) -> bool:
    """Whether a reading is far likelier than another that contradicts nothing either.

    People register days before a webinar, a report is made days after it, and comes days later. Read wrongly these
    days are months. Each day of registrations, the generation and the arrival is one piece of evidence, by how many
    times nearer it is; a thousand to one over at least three pieces is enough.
    """
    weights = _weights(one, other)
    speaks, against = (weights >= _SAYS).sum(), (weights <= -_SAYS).sum()
    return bool(weights.sum() >= _ENOUGH and speaks >= _PIECES and against * 4 <= speaks)


def is_nearer(one: ReportTimes, other: ReportTimes) -> bool:
    """Whether the times of a reading lie nearer to each other, on the whole, than those of another."""
    return bool(_weights(one, other).sum() > 0)


def _weights(one: ReportTimes, other: ReportTimes) -> npt.NDArray[np.float64]:
    """Return by piece of evidence how much nearer it is in one reading than in another (a logarithm)."""
    days = np.stack([_days_apart(one), _days_apart(other)], axis=1)
    registered, head = (part[(part >= 0).all(axis=1)] for part in (days[:-2], days[-2:]))
    near, far = np.concatenate([np.unique(registered, axis=0), head]).T
    weights: npt.NDArray[np.float64] = np.clip(np.log((far + 1) / (near + 1)), -_MOST, _MOST)
    return weights


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


def _day(times: ReportTimes, instant: Any) -> str:
    return day_name(int(instant), times.zone)


def day_name(instant: int, zone: str) -> str:
    """Return the day of an instant as people write it: 5 November 2026."""
    local = pd.Timestamp(instant, unit="us", tz="UTC").tz_convert(zone)
    return f"{local.day} {local:%B %Y}"
