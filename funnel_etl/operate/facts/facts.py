"""The published facts as frames: days, months, cohorts, attribution; and sums of months with their rates anew."""

import calendar
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import sqlalchemy as sa

from funnel_etl.marts.funnel.contracts import MEASURES, RATES, UNIT_COSTS
from funnel_etl.operate.explain.published import published_database
from funnel_etl.settings import Settings

_MEASURES = ", ".join(MEASURES)
_DAILY = sa.text(f"SELECT date, funnel, {_MEASURES} FROM mart.funnel_facts ORDER BY date, funnel")  # noqa: S608 - ours
_MONTHLY = sa.text(
    f"SELECT month, funnel, {_MEASURES}, {', '.join((*RATES, *UNIT_COSTS))} FROM mart.funnel_monthly "  # noqa: S608
    "ORDER BY month, funnel"
)
_COHORTS = sa.text(
    "SELECT month, offset_months, funnel, m0_leads, sales, revenue_inr, is_mature FROM mart.cohorts ORDER BY 1, 2, 3"
)
_ATTRIBUTION = sa.text(
    "SELECT month, model, funnel, credited_sales, credited_revenue_inr, spend_inr, spend_without_lead_inr, roas "
    "FROM mart.attribution_by_funnel ORDER BY 1, 2, 3"
)
_AS_OF = sa.text("SELECT as_of FROM mart.data_version")


@dataclass(frozen=True)
class Facts:
    """The facts as published. `as_of`: the last day in them; money in rupees."""

    as_of: date | None
    daily: pd.DataFrame
    monthly: pd.DataFrame
    cohorts: pd.DataFrame
    attribution: pd.DataFrame

    @property
    def months(self) -> list[date]:
        """The months that have facts, the newest first."""
        return sorted(set(self.monthly["month"]), reverse=True)

    @property
    def funnels(self) -> list[str]:
        """The funnels of all months, by name."""
        return sorted(set(self.monthly["funnel"]), key=str.casefold)


def facts(settings: Settings) -> Facts:
    """Return the published facts. Raises `FunnelError` while nothing is published."""
    with published_database(settings, "facts") as connection:
        return Facts(
            connection.execute(_AS_OF).scalar(),
            pd.read_sql(_DAILY, connection),
            pd.read_sql(_MONTHLY, connection),
            pd.read_sql(_COHORTS, connection),
            pd.read_sql(_ATTRIBUTION, connection),
        )


def together(rows: pd.DataFrame) -> dict[str, float | None]:
    """Return the measures of some months and funnels summed, and the rates of the sums; None: over zero."""
    sums: dict[str, float | None] = {name: float(rows[name].sum()) for name in MEASURES}
    for name, (top, bottom) in (RATES | UNIT_COSTS).items():
        over = sums[bottom] or 0.0
        sums[name] = (sums[top] or 0.0) / over if over else None
    return sums


def to_compare(found: Facts, month: date, funnel: str | None) -> pd.DataFrame:
    """Return the days of the month before; while a month goes on, only as many of them as it has had."""
    last = (month - timedelta(days=1)).replace(day=1)
    days = found.daily[[day.replace(day=1) == last for day in found.daily["date"]]]
    if found.as_of is not None and found.as_of < month_end(month):
        days = days[[day.day <= found.as_of.day for day in days["date"]]]
    return days if funnel is None else days[days["funnel"] == funnel]


def month_end(month: date) -> date:
    """Return the last day of a month, from its first."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def by_cohort(rows: pd.DataFrame, funnels: Collection[str]) -> pd.DataFrame:
    """Return each month's cohort by months since: leads, sales, revenue, share sold; only of `funnels`, if any."""
    own = rows[rows["funnel"].isin(funnels)] if funnels else rows
    sums = own.groupby(["month", "offset_months"], as_index=False).agg(
        m0_leads=("m0_leads", "sum"),
        sales=("sales", "sum"),
        revenue_inr=("revenue_inr", "sum"),
        is_mature=("is_mature", "all"),
    )
    return sums.assign(share=sums["sales"] / sums["m0_leads"].where(sums["m0_leads"] > 0))
