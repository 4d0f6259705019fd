"""Whether far more of a source's rows than usual have no phone: counts by day → `ops.phone_shares`.

A form that writes the phone into another column, or an export that lost it, still brings every row: only the phones are
missing. The newest days are compared with the weeks before, and all days with what an earlier night read of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.values.numbers import grouped
from funnel_etl.observe.completeness.phone_contracts import MORE, PHONE_SHARES, TOO_SMALL, UNKNOWN, USUAL, WITH_PHONES
from funnel_etl.observe.completeness.usual import MARGIN, NORMAL_MAD

USUAL_DAYS = 56
"""Days before the judged ones that say what is usual."""
JUDGED_DAYS = 7
WINDOWS = (1, 3, 7)
"""Newest days that are taken together; of the days before them each is judged alone."""
LEAST_USUAL, LEAST = 50, 10
"""Rows that are needed to know what is usual, and to judge some days."""
JUMP = 0.1
"""How much larger the share must be, whatever chance allows: a tenth of all rows."""
LEAST_DAYS = 7
"""Days that are needed to know how unsteady the share is."""


@dataclass(frozen=True)
class PhoneCounts:
    """The rows of a source by day, index naive midnight: `rows`, and `blank`, those of them without a phone.

    `before`: the same as an earlier night, `night`, has it.
    """

    source: str
    by_day: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["rows", "blank"], dtype="int64"))
    before: pd.DataFrame | None = None
    night: date | None = None


@dataclass(frozen=True)
class _Share:
    """Some days against what is usual."""

    days: pd.DatetimeIndex
    rows: int
    blank: int
    usual: float
    surprise: float
    against: str

    @property
    def share(self) -> float:
        return self.blank / self.rows

    def is_more(self, certainty: float) -> bool:
        return self.share >= self.usual + JUMP and self.surprise >= certainty


def phone_shares(counts: Sequence[PhoneCounts], as_of: pd.Timestamp, certainty: float) -> Outcome:
    """Return one row per source with phones. Columns as `ops.phone_shares`."""
    rows = pd.DataFrame([_row(each, as_of, certainty) for each in counts]).reindex(columns=PHONE_SHARES.names)
    return Outcome(rows, [LedgerLine("sources", len(rows), len(rows))])


def _row(counts: PhoneCounts, as_of: pd.Timestamp, certainty: float) -> dict[str, object]:
    row: dict[str, object] = {"source": counts.source, "as_of": as_of}
    if counts.by_day.empty:
        return row | {"status": UNKNOWN, "says": "nothing of it is there yet"}
    judged = list(_shares(counts))
    if not judged:
        return row | {"status": TOO_SMALL, "says": "too few rows to tell a jump from chance"}
    more = next((each for each in judged if each.is_more(certainty)), None)
    shown = more or judged[0]
    words = WITH_PHONES[counts.source]
    row |= {
        "status": MORE if more else USUAL,
        "day": shown.days.max(),
        "days": len(shown.days),
        "rows": shown.rows,
        "lacking": shown.blank,
        "share": round(shown.share, 4),
        "usual_share": round(shown.usual, 4),
        "says": _says(shown, words.rows),
    }
    return row | {"what_to_do": words.what_to_do, "who_does_it": words.who} if more else row


def _shares(counts: PhoneCounts) -> Iterator[_Share]:
    """Return what can be judged, the most telling first: all days as read earlier, the newest days, then each day."""
    by_day = counts.by_day
    newest = by_day.index.max()
    if counts.before is not None:
        both = by_day.index.intersection(counts.before.index)
        both = both[both > newest - pd.Timedelta(days=USUAL_DAYS)]
        yield from _share(
            by_day.loc[both], counts.before.loc[both], f"as the night {counts.night} read the same days", same_days=True
        )
    spans = [(newest, days) for days in WINDOWS]
    spans += [(newest - pd.Timedelta(days=back), 1) for back in range(1, JUDGED_DAYS)]
    for last, days in spans:
        begins = last - pd.Timedelta(days=days - 1)
        is_usual = (by_day.index < begins) & (by_day.index >= begins - pd.Timedelta(days=USUAL_DAYS))
        span = by_day[(by_day.index >= begins) & (by_day.index <= last)]
        yield from _share(span, by_day[is_usual], "is usual")


def _share(span: pd.DataFrame, usual: pd.DataFrame, against: str, *, same_days: bool = False) -> Iterator[_Share]:
    rows, blank = int(span["rows"].sum()), int(span["blank"].sum())
    usual_rows, usual_blank = int(usual["rows"].sum()), int(usual["blank"].sum())
    if rows < LEAST or usual_rows < LEAST_USUAL or len(usual) < LEAST_DAYS:
        return
    sway = 0.0 if same_days else _sway(usual)
    variance = 1 / rows + 1 / usual_rows + sway * (float((span["rows"] ** 2).sum()) / rows**2 + 1 / len(usual))
    distance = _angles(pd.DataFrame({"rows": [rows, usual_rows], "blank": [blank, usual_blank]}))
    surprise = float(distance[0] - distance[1]) / np.sqrt(variance)
    yield _Share(pd.DatetimeIndex(span.index), rows, blank, usual_blank / usual_rows, float(surprise), against)


def _angles(counts: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return shares after the transform by which one of n rows has the variance 1/n, whatever it is (Anscombe's)."""
    blank, rows = (counts[name].to_numpy(dtype="float64") for name in ("blank", "rows"))
    result: npt.NDArray[np.float64] = 2 * np.arcsin(np.sqrt((blank + 3 / 8) / (rows + 3 / 4)))
    return result


def _sway(usual: pd.DataFrame) -> float:
    """Return the variance of the share from day to day that is beyond chance, robustly and on the safe side."""
    angles = _angles(usual)
    spread = NORMAL_MAD * float(np.median(np.abs(angles - np.median(angles))))
    return max(MARGIN * spread**2 - float((1 / usual["rows"]).median()), 0.0)


def _says(shown: _Share, rows: str) -> str:
    first, last = shown.days.min(), shown.days.max()
    when = f"on {last:%Y-%m-%d}" if first == last else f"from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    share = f"{shown.share:.0%}; {shown.usual:.0%} {shown.against}"
    return f"{grouped(shown.blank)} of {grouped(shown.rows)} {rows} {when} have no phone, {share}"
