"""Why the facts moved: from the last night's inputs to tonight's, one cause after the other, computed each time.

Pure. Each cause is the difference that its exchange makes, so the causes of a number add up to its difference whatever
they do to each other; what remains in the end has no cause, and a check fails.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES, MEASURES
from funnel_etl.marts.funnel.facts import funnel_facts
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
NO_M0, NO_SALES = ATTRIBUTED_M0.empty(), ATTRIBUTED_SALES.empty()
EMPTY = {name: table.empty() for name, table in TABLES.items()}
PARTS = (
    ("tofu_leads",),
    ("zoom_registrations", "webinars"),
    ("zoom_attendance", "webinars"),
    ("assigned_leads",),
    ("assigned_leads", "zoom_attendance", "webinars"),
    ("sales",),
    ("ad_spend",),
)
"""The facts add up over their inputs: each part is made again only when one of its own inputs is another."""
CELL = ["metric", "date", "funnel"]
ONLY_OLD_DAYS = (LATE, ZOOM_REEXPORT, ZOOM_WITHDRAWN, VANISHED)
"""Causes whose own rows are all of days that the last night had."""


@dataclass(frozen=True)
class Inputs:
    """All that a night's facts follow from: its clean tables, the closed months, the day it is complete through."""

    frames: Mapping[str, pd.DataFrame]
    as_of: pd.Timestamp
    closed: ClosedM0 = NOTHING_CLOSED


class Facts:
    """The facts of some inputs; a part whose inputs are the very same objects as the last time is not made again."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[list[object], pd.Series]] = {}

    def of(self, inputs: Inputs) -> pd.Series:
        """Return metric, date, funnel → number, in hundredths, without zeros."""
        parts = [self._part(number, inputs) for number in range(len(PARTS))]
        sums = pd.concat(parts).groupby(level=CELL).sum()
        found: pd.Series = sums[sums != 0]
        return found

    def _part(self, number: int, inputs: Inputs) -> pd.Series:
        given = {name: inputs.frames[name] for name in PARTS[number]}
        m0 = "assigned_leads" in given and len(given) > 1
        used: list[object] = [*given.values(), inputs.as_of, *([inputs.closed] if m0 else [])]
        made = self._made.get(number)
        if made is None or not all(a is b for a, b in zip(made[0], used, strict=True)):
            self._made[number] = made = (
                used,
                as_cells(_facts({}, inputs.as_of, m0_of(inputs)) if m0 else _facts(given, inputs.as_of)),
            )
        return made[1]


def _facts(given: Mapping[str, pd.DataFrame], as_of: pd.Timestamp, m0: pd.DataFrame | None = None) -> pd.DataFrame:
    frames = {**EMPTY, **given}
    sales = frames.pop("sales")
    sold = sales[["sold_date", "final_funnel", "revenue_inr"]][counts(sales, as_of)]
    sold = sold if len(sold) else NO_SALES
    m0 = NO_M0 if m0 is None else m0
    return funnel_facts(**frames, attributed_m0=m0, attributed_sales=sold, as_of=as_of).rows


def m0_of(inputs: Inputs) -> pd.DataFrame:
    """Return `mart.attributed_m0` of some inputs."""
    leads, attendance, webinars = (inputs.frames[name] for name in ("assigned_leads", "zoom_attendance", "webinars"))
    return attributed_m0(leads, attendance, webinars, inputs.as_of, inputs.closed).rows


def as_cells(facts: pd.DataFrame) -> pd.Series:
    """Return metric, date, funnel → number, in hundredths (so money in paise, and counts times 100), without zeros."""
    long = facts.melt(["date", "funnel"], list(MEASURES), var_name="metric")
    hundredths = np.where(long["metric"].str.endswith("_inr"), 1, 100)
    values = long["value"].astype("int64").to_numpy() * hundredths
    cells = pd.Series(values, index=pd.MultiIndex.from_frame(long[CELL]), dtype="int64")
    return cells[cells != 0]


def changes(
    published: pd.DataFrame,
    causes: Iterable[tuple[str, Inputs]],
    facts: pd.DataFrame,
    since: pd.Timestamp,
    as_of: pd.Timestamp,
) -> pd.DataFrame:
    """Return the rows of `ops.changes`: from the facts `published` on the night `since`, step by step, to `facts`."""
    first = before = as_cells(published)
    last, steps, made = as_cells(facts), [], Facts()
    for cause, inputs in causes:
        now = made.of(inputs)
        steps.append(_step(cause, before, now))
        before = now
    steps.append(_step(UNEXPLAINED, before, last))
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
