"""Conservation: mart adds up to what the parts hold. Each function gives (total of the table, total of its inputs)."""

import pandas as pd

Frames = dict[str, pd.DataFrame]


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
