"""Cohorts: the M0 of a month, and what it bought in that month and the months after (M0 … Mn). Rule: M0."""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.dates import month_start

KEY = ["month", "offset_months", "funnel"]


def cohorts(attributed_m0: pd.DataFrame, attributed_sales: pd.DataFrame, as_of: pd.Timestamp) -> Outcome:
    """Return one row per M0 month, funnel and offset up to the month of `as_of`. Columns as `mart.cohorts`."""
    sizes = attributed_m0.groupby(["month", "funnel"]).size().rename("m0_leads").reset_index()
    last = _number(pd.Series([as_of]))[0]
    offsets = last - _number(sizes["month"])
    dense = sizes.loc[sizes.index.repeat(offsets + 1)]
    dense = dense.assign(offset_months=dense.groupby(level=0).cumcount()).reset_index(drop=True)
    months = _number(dense["month"]) + dense["offset_months"].to_numpy()
    over = pd.Series((months + 1).astype("datetime64[M]").astype("datetime64[us]"), index=dense.index)
    rows = dense.merge(_sums(attributed_sales), on=KEY, how="left").assign(
        is_mature=(over - pd.Timedelta(days=1) <= as_of).to_numpy()
    )
    rows[["sales", "revenue_inr"]] = rows[["sales", "revenue_inr"]].fillna(0).astype("Int64")
    inputs = {"mart.attributed_m0": attributed_m0, "mart.attributed_sales": attributed_sales}
    return summarised(rows.sort_values(KEY, kind="stable"), **inputs)


def _sums(attributed_sales: pd.DataFrame) -> pd.DataFrame:
    """Add up the sales that have an M0 row, by its month and funnel and the months since."""
    matched = attributed_sales[attributed_sales["m0_month"].notna()]
    since = _number(month_start(matched["sold_date"])) - _number(matched["m0_month"])
    rows = pd.DataFrame(
        {"month": matched["m0_month"], "offset_months": since, "funnel": matched["m0_funnel"]}, index=matched.index
    ).assign(revenue_inr=matched["revenue_inr"])
    sums = rows.groupby(KEY)["revenue_inr"].agg(sales="size", revenue_inr="sum")
    return sums.reset_index()


def _number(days: pd.Series) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the number of the month of each day, so that months subtract."""
    return days.to_numpy().astype("datetime64[M]").astype(np.int64)
