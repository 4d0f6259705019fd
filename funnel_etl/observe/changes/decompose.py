"""Why the facts moved: from the last night's inputs to tonight's, one cause after the other, computed each time.

Pure. Each cause is the difference that its exchange makes, so the causes of a number add up to its difference whatever
they do to each other; what remains in the end has no cause, and a check fails.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.marts.funnel import facts as counting
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.marts.funnel.m0.closed_months import NOTHING_CLOSED, ClosedM0
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.revenue.deltas import counts
from funnel_etl.observe.changes.contracts import (
    CAUSES,
    CHANGES,
    LATE,
    NEW_DAY,
    UNEXPLAINED,
    VANISHED,
    ZOOM_REEXPORT,
    ZOOM_WITHDRAWN,
)
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

TABLES = {
    "tofu_leads": TOFU_LEADS,
    "zoom_registrations": ZOOM_REGISTRATIONS,
    "zoom_attendance": ZOOM_ATTENDANCE,
    "webinars": WEBINARS,
    "assigned_leads": ASSIGNED_LEADS,
    "sales": SALES,
    "ad_spend": AD_SPEND,
}
"""What the facts are made from: parameter → table."""
CELL = ["metric", "date", "funnel"]
ONLY_OLD_DAYS = (LATE, ZOOM_REEXPORT, ZOOM_WITHDRAWN, VANISHED)
"""Causes whose own rows are all of days that the last night had."""


@dataclass(frozen=True)
class Inputs:
    """All that a night's facts follow from: its clean tables, the closed months, the day it is complete through."""

    frames: Mapping[str, pd.DataFrame]
    as_of: pd.Timestamp
    closed: ClosedM0 = NOTHING_CLOSED


Part = tuple[Callable[[Inputs], pd.DataFrame], tuple[str, ...]]


def _m0(inputs: Inputs) -> pd.DataFrame:
    return counting.counted_m0(m0_of(inputs))


def _sales(inputs: Inputs) -> pd.DataFrame:
    sales = inputs.frames["sales"]
    return counting.counted_sales(sales[counts(sales, inputs.as_of)])


def _counted(count: Callable[..., pd.DataFrame], *names: str) -> Part:
    return lambda inputs: count(*(inputs.frames[name] for name in names)), names


PARTS: tuple[Part, ...] = (
    _counted(counting.counted_leads, "tofu_leads"),
    _counted(counting.counted_registrations, "zoom_registrations", "webinars"),
    _counted(counting.counted_attendances, "zoom_attendance", "webinars"),
    _counted(counting.counted_assignments, "assigned_leads"),
    (_m0, ("assigned_leads", "zoom_attendance", "webinars")),
    (_sales, ("sales",)),
    _counted(counting.counted_spend, "ad_spend"),
)
"""What is counted of the inputs, and which of them it reads: each measure is one part's, so the facts are their sum."""


class Facts:
    """The facts of some inputs; a part whose inputs are the very same objects as the last time is not made again."""

    def __init__(self) -> None:
        self._used: list[list[object]] = [[] for _ in PARTS]
        self._made: list[pd.Series] = [pd.Series(dtype="int64") for _ in PARTS]
        self._all = self._made[0]

    def of(self, inputs: Inputs) -> pd.Series:
        """Return metric, date, funnel → number, in hundredths, without zeros; the same object if no part changed."""
        is_other = False
        for number, (counted, names) in enumerate(PARTS):
            closed = [inputs.closed] if counted is _m0 else []
            used: list[object] = [*(inputs.frames[name] for name in names), inputs.as_of, *closed]
            before = self._used[number]
            if len(before) != len(used) or not all(a is b for a, b in zip(before, used, strict=True)):
                rows = counted(inputs)
                self._used[number] = used
                self._made[number] = as_cells(rows[rows["date"] <= inputs.as_of])
                is_other = True
        if is_other:
            self._all = pd.concat([part for part in self._made if len(part)] or self._made[:1])
        return self._all


def m0_of(inputs: Inputs) -> pd.DataFrame:
    """Return `mart.attributed_m0` of some inputs."""
    leads, attendance, webinars = (inputs.frames[name] for name in ("assigned_leads", "zoom_attendance", "webinars"))
    return attributed_m0(leads, attendance, webinars, inputs.as_of, inputs.closed).rows


def as_cells(facts: pd.DataFrame) -> pd.Series:
    """Return metric, date, funnel → number, in hundredths (so money in paise, and counts times 100), without zeros."""
    names = [name for name in MEASURES if name in facts]
    long = facts.melt(["date", "funnel"], names, var_name="metric")
    hundredths = np.repeat([1 if name.endswith("_inr") else 100 for name in names], len(facts))
    values = long["value"].astype("int64").to_numpy() * hundredths
    cells = pd.Series(values, index=pd.MultiIndex.from_frame(long[CELL]), dtype="int64")
    return cells[cells != 0]


def changes(
    published: pd.DataFrame,
    causes: Iterable[tuple[str | None, Inputs]],
    facts: pd.DataFrame,
    since: pd.Timestamp,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Return the rows of `ops.changes`: from the facts `published` on the night `since`, step by step, to `facts`.

    Inputs with no cause are those before them, less what no further cause moves: it is added again in the end.
    """
    first = before = as_cells(published)
    last, steps, made = as_cells(facts), [], Facts()
    left_out = before.iloc[:0]
    for cause, inputs in causes:
        now = made.of(inputs)
        if cause is None:
            left_out = before.sub(now, fill_value=0)
        elif now is not before:
            steps.append(_step(cause, before, now))
        before = now
    steps.append(_step(UNEXPLAINED, before.add(left_out, fill_value=0), last))
    rows = pd.concat(steps, ignore_index=True)
    # A day that was not there has no late row of its own: what older rows do to it is a part of the day's being new.
    rows["cause"] = rows["cause"].mask((rows["date"] > since) & rows["cause"].isin(ONLY_OLD_DAYS), NEW_DAY)
    rows = rows.groupby([*CELL, "cause"])["difference"].sum().reset_index()
    rows = rows[rows["difference"] != 0]
    cells = pd.MultiIndex.from_frame(rows[CELL])
    rows = rows.assign(
        previous_value=first.reindex(cells, fill_value=0).to_numpy(),
        current_value=last.reindex(cells, fill_value=0).to_numpy(),
        previous_as_of=since,
        as_of=as_of,
        rank=rows["cause"].map({cause: place for place, cause in enumerate(CAUSES)}),
    )
    return CHANGES.conform(rows.sort_values([*CELL, "rank"], kind="stable"))


def _step(cause: str, before: pd.Series, now: pd.Series) -> pd.DataFrame:
    difference = now.sub(before, fill_value=0)
    difference = difference[difference != 0].astype("int64")
    return difference.rename("difference").reset_index().assign(cause=cause)


def explained(rows: pd.DataFrame) -> int:
    """Count the cells whose causes add up to their difference, with none unexplained."""
    sums = rows.groupby(CELL).agg({"difference": "sum", "previous_value": "first", "current_value": "first"})
    is_whole = sums["difference"] == sums["current_value"] - sums["previous_value"]
    odd = pd.MultiIndex.from_frame(rows.loc[rows["cause"] == UNEXPLAINED, CELL])
    return int((is_whole & ~sums.index.isin(odd)).sum())
