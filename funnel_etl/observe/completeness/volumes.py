"""Whether a source's rows of a day are far too few: daily counts → `ops.volume_alarms` and `ops.volumes`.

A day is judged against the same weekdays of the weeks before, corrected for their trend. It is told when it is low in
both ways: by share (`volume_drop_share`), and by how much such days usually differ (`volume_certainty`). Only drops are
told. A webinar is compared with earlier ones of its profile, so a week without one is no drop.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.values.numbers import grouped
from funnel_etl.observe.completeness.usual import LEAST, Usual, usual_of
from funnel_etl.observe.completeness.volume_contracts import (
    COUNTED,
    LOW,
    TOO_NEW,
    TOO_SMALL,
    UNKNOWN,
    USUAL,
    VOLUME_ALARMS,
    VOLUMES,
)

JUDGED_DAYS = 42
"""How many days up to as_of are judged again each night: an alarm keeps the day it began on."""
LISTED_DAYS = 7
"""How long after its last low day an alarm is listed; when the rows arrive after all it goes at once."""
WINDOWS = (1, 3, 7)
"""Days that are taken together: few rows a day tell of a drop only over some days."""
MAY_LIE_BETWEEN = 1
"""Days that are not low and do not part low days before and after them."""
LEAST_ROWS = 25
"""With fewer usual rows (by the measure of chance) nothing is told: the statistic is only near the truth there."""
JUDGED_DROP = 0.4
"""The drop that a source must be big enough to show, or it is said to be too small to be judged."""


@dataclass(frozen=True)
class Limits:
    """When a volume is far too low: settings of `metrics.csv`."""

    drop_share: float = 0.25
    certainty: float = 3.5
    weeks: int = 8
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Volume:
    """The rows of a source by day. `series`: name → count by day (naive midnight), the days without one not judged.

    `until`: the newest day that can be judged; `is_held`: the days are those of webinars, one series per profile.
    """

    source: str
    series: dict[str, pd.Series] = field(default_factory=dict)
    until: pd.Timestamp | None = None
    is_held: bool = False


@dataclass(frozen=True)
class _Judged:
    """A day, or the days up to it that were taken together."""

    day: pd.Timestamp
    days: int
    seen: int
    usual: Usual

    @property
    def _is_big(self) -> bool:
        return self.usual.expected >= LEAST_ROWS * min(self.usual.spread, 1)

    def is_low(self, limits: Limits) -> bool:
        is_far = self.seen <= (1 - limits.drop_share) * self.usual.expected and self._is_big
        return is_far and self.usual.surprise(self.seen) >= limits.certainty

    def would_tell(self, limits: Limits) -> bool:
        """Whether a drop of TOLD_DROP would have been told."""
        return self._is_big and self.usual.surprise((1 - JUDGED_DROP) * self.usual.expected) >= limits.certainty


def volume_alarms(volumes: Sequence[Volume], as_of: pd.Timestamp, limits: Limits) -> Outcome:
    """Return one row per source and day that is far too low, the newest first. Columns as `ops.volume_alarms`."""
    records = [record for volume in volumes for record in _alarms(volume, as_of, limits)]
    rows = pd.DataFrame(records, columns=VOLUME_ALARMS.names)
    rows = rows.sort_values(["day", "source"], ascending=[False, True], ignore_index=True)
    return Outcome(rows, [LedgerLine("days", len(rows), len(rows))])


def volumes_judged(volumes: Sequence[Volume], as_of: pd.Timestamp, limits: Limits) -> Outcome:
    """Return one row per source: what is usual, what was seen, and whether a drop could be told. As `ops.volumes`."""
    rows = pd.DataFrame([_state(volume, as_of, limits) for volume in volumes])
    rows = rows.reindex(columns=VOLUMES.names)
    return Outcome(rows, [LedgerLine("sources", len(rows), len(rows))])


def _alarms(volume: Volume, as_of: pd.Timestamp, limits: Limits) -> list[dict[str, object]]:
    words = COUNTED[volume.source]
    told: list[dict[str, object]] = []
    for episode in _episodes(_judge(volume, as_of, limits)):
        if (as_of - episode[-1].day).days >= LISTED_DAYS:
            continue
        told += [
            {
                "source": volume.source,
                "day": low.day,
                "days": low.days,
                "since": episode[0].day,
                "expected": round(low.usual.expected, 1),
                "seen": low.seen,
                "share": round(low.seen / low.usual.expected, 4),
                "why": _why(volume, low),
                "what_to_do": words.what_to_do,
                "who_does_it": words.who,
                "as_of": as_of,
            }
            for low in episode
        ]
    return told


def _state(volume: Volume, as_of: pd.Timestamp, limits: Limits) -> dict[str, object]:
    words = COUNTED[volume.source]
    state: dict[str, object] = {"source": volume.source, "as_of": as_of}
    if volume.until is None or not any(len(counts) for counts in volume.series.values()):
        return state | {"status": UNKNOWN, "says": "nothing of it is there yet"}
    last = min(as_of, volume.until)
    days_back = (last - pd.Timedelta(days=back) for back in range(JUDGED_DAYS))
    first = next((judged for day in days_back if (judged := _together(volume, day, 1, limits))), None)
    if first is None:
        return state | {"status": TOO_NEW, "says": f"fewer than {LEAST} earlier days to compare one with"}
    windows = (_together(volume, first.day, days, limits) for days in WINDOWS)
    telling = next((each for each in windows if each and each.would_tell(limits)), None)
    expected, seen = grouped(round(first.usual.expected)), grouped(first.seen)
    usual = f"usually {expected} {words.rows} on such a day, {seen} on {first.day:%Y-%m-%d}"
    alarms = _alarms(volume, as_of, limits)
    state |= {"day": first.day, "seen": first.seen, "expected": round(first.usual.expected, 1)}
    if alarms:
        return state | {"status": LOW, "days": telling.days if telling else None, "says": str(alarms[-1]["why"])}
    if telling is None:
        too_few = (
            f"too few, or too unsteady, to tell a drop of {JUDGED_DROP:.0%} from chance even over {WINDOWS[-1]} days"
        )
        return state | {"status": TOO_SMALL, "says": f"{usual}: {too_few}"}
    over = "" if telling.days == 1 else f" (a drop shows over {telling.days} days)"
    return state | {"status": USUAL, "days": telling.days, "says": f"{usual}{over}"}


def _judge(volume: Volume, as_of: pd.Timestamp, limits: Limits) -> list[_Judged | None]:
    """Give, for each day that can be judged, oldest first, why it is low; None where it is not."""
    if volume.until is None:
        return []
    last = min(as_of, volume.until)
    alone: dict[pd.Timestamp, _Judged] = {}
    low: dict[pd.Timestamp, _Judged | None] = {}
    for day in pd.date_range(last - pd.Timedelta(days=JUDGED_DAYS + WINDOWS[-1] - 2), last, unit="us"):
        judged = _together(volume, day, 1, limits)
        if judged is None:
            continue
        alone[day] = judged
        low[day] = judged if judged.is_low(limits) else _low_with_days_before(volume, alone, low, day, limits)
    return list(low.values())[-JUDGED_DAYS:]


def _low_with_days_before(
    volume: Volume,
    alone: dict[pd.Timestamp, _Judged],
    low: dict[pd.Timestamp, _Judged | None],
    day: pd.Timestamp,
    limits: Limits,
) -> _Judged | None:
    """Judge the day together with those before it, but for days that are low by themselves already."""
    for days in WINDOWS[1:]:
        start = day - pd.Timedelta(days=days - 1)
        explained = [each for each, found in low.items() if each >= start and found is not None and found.days == 1]
        span = [each for each in alone if each >= start and each not in explained]
        share = sum(alone[each].seen for each in span) / sum(alone[each].usual.expected for each in span)
        # What is usual is known a little otherwise from before the first of the days: what is far from low stays so.
        judged = _together(volume, day, days, limits, explained) if share < 1 - limits.drop_share / 2 else None
        if judged is not None and judged.is_low(limits):
            return judged
    return None


def _together(
    volume: Volume, day: pd.Timestamp, days: int, limits: Limits, without: Collection[pd.Timestamp] = ()
) -> _Judged | None:
    """Return the days up to `day` together, against what was before them; None: it has no rows that can be compared."""
    if day.date() in limits.holidays:
        return None
    start = day - pd.Timedelta(days=days - 1)
    span = [each for each in pd.date_range(start, day, unit="us") if each.date() not in limits.holidays]
    span = [each for each in span if each not in without]
    found = usual_of(volume.series, span, start, limits.weeks, limits.holidays, is_held=volume.is_held)
    return None if found is None else _Judged(day, days, found[1], found[0])


def _episodes(judged: Sequence[_Judged | None]) -> list[list[_Judged]]:
    """Put low days that follow each other together; one day between them that is not low does not part them."""
    episodes: list[list[_Judged]] = []
    not_low = MAY_LIE_BETWEEN + 1
    for low in judged:
        if low is None:
            not_low += 1
            continue
        if not_low > MAY_LIE_BETWEEN:
            episodes.append([])
        episodes[-1].append(low)
        not_low = 0
    return episodes


def _why(volume: Volume, low: _Judged) -> str:
    words = COUNTED[volume.source]
    when = f"on {low.day:%A %Y-%m-%d}" if low.days == 1 else f"in the {low.days} days up to {low.day:%Y-%m-%d}"
    share = low.seen / low.usual.expected
    against = (
        "webinars of the same kind on the same weekday" if volume.is_held else "the same weekdays of the weeks before"
    )
    return (
        f"{grouped(low.seen)} {words.rows} {when}, where {grouped(round(low.usual.expected))} are usual: "
        f"{1 - share:.0%} fewer than on {against}"
    )
