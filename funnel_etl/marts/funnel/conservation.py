"""Conservation: mart adds up to what the parts hold. Each function gives (total of the table, total of its inputs)."""

from collections.abc import Callable

import pandas as pd

from funnel_etl.core.tables.contracts import SHARE_UNITS
from funnel_etl.marts.funnel.attribution.contracts import MODELS

Frames = dict[str, pd.DataFrame]
Conservation = Callable[[pd.DataFrame, Frames, pd.Timestamp], tuple[int, int]]


def spend(own: pd.DataFrame, inputs: Frames, as_of: pd.Timestamp) -> tuple[int, int]:
    """Spend over funnels is the usable cost of all lines up to as_of, to the paisa."""
    lines = inputs["ad_spend"]
    return int(own["spend_inr"].sum()), int(lines["cost_inr"][lines["spend_date"] <= as_of].sum())


def revenue(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Revenue over days and funnels is the revenue of the counted sales, to the paisa."""
    return int(own["revenue_inr"].sum()), int(inputs["attributed_sales"]["revenue_inr"].sum())


def m0(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """m0_assigned over days and funnels is the number of M0 rows."""
    return int(own["m0_assigned"].sum()), len(inputs["attributed_m0"])


def credits_of_sales(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Credits sum to exactly 1 for every sale and model: number of those that do, and of sales times models."""
    sums = own.groupby(["sale_id", "model"])[["credit", "credit_numerator"]].sum()
    of_first = own.drop_duplicates(["sale_id", "model"]).set_index(["sale_id", "model"])["credit_denominator"]
    whole = (sums["credit"] == SHARE_UNITS) & (sums["credit_numerator"] == of_first.reindex(sums.index))
    return int(whole.sum()), len(inputs["attributed_sales"]) * len(MODELS)


def credited(model: str) -> Conservation:
    """Return the check that a model shares out the revenue of the counted sales, to the paisa."""

    def total(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
        shared = own.loc[own["model"] == model, "revenue_inr"]
        return int(shared.sum()), int(inputs["attributed_sales"]["revenue_inr"].sum())

    total.__doc__ = f"Revenue credited by {model} is the revenue of the counted sales, to the paisa."
    return total


def cohort_sales(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Sales of all cohorts and those without an M0 row are all counted sales."""
    sales = inputs["attributed_sales"]
    return int(own["sales"].sum()) + int(sales["m0_month"].isna().sum()), len(sales)


def cohort_revenue(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Revenue of all cohorts and of sales without an M0 row is that of all counted sales, to the paisa."""
    sales = inputs["attributed_sales"]
    unmatched = sales.loc[sales["m0_month"].isna(), "revenue_inr"]
    return int(own["revenue_inr"].sum()) + int(unmatched.sum()), int(sales["revenue_inr"].sum())


def deltas(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """Deltas of all nights add up to the revenue of the counted sales, to the paisa."""
    return int(own["delta_inr"].sum()), int(inputs["attributed_sales"]["revenue_inr"].sum())
