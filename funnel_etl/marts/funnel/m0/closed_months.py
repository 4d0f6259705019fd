"""Closed months: their M0 stays as it was published last. Rule: D-1.

Pure. Where their rows are kept is in `closing.py`; what would differ now, in `restatements.py`.
"""

from dataclasses import dataclass

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0


@dataclass(frozen=True)
class ClosedM0:
    """The rows of `mart.attributed_m0` of closed months, as they were published last. `months` may have no rows."""

    months: tuple[pd.Timestamp, ...]
    rows: pd.DataFrame

    def of(self, months: tuple[pd.Timestamp, ...]) -> "ClosedM0":
        """Return only those of `months` that are known here."""
        known = tuple(month for month in self.months if month in months)
        return ClosedM0(known, self.rows[self.rows["month"].isin(known)])

    def joined(self, other: "ClosedM0") -> "ClosedM0":
        """Add the months of `other` that are not known here."""
        more = other.of(tuple(month for month in other.months if month not in self.months))
        rows = pd.concat([self.rows, more.rows], ignore_index=True)
        return ClosedM0(tuple(sorted(self.months + more.months)), rows)


NOTHING_CLOSED = ClosedM0((), ATTRIBUTED_M0.empty())


def closed_months(config: Config, as_of: pd.Timestamp) -> tuple[pd.Timestamp, ...]:
    """Return the months of `closed_months.csv`, each by its first day; one that is not over yet cannot be closed."""
    return months_over(tuple(month_start(config.table("closed_months")["month"].dropna())), as_of)


def months_over(months: tuple[pd.Timestamp, ...], as_of: pd.Timestamp) -> tuple[pd.Timestamp, ...]:
    """Return those of `months` whose last day is not after `as_of`, in order, each once."""
    return tuple(sorted({month for month in months if month + pd.offsets.MonthEnd(1) <= as_of}))
