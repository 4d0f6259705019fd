"""Assets of attribution and cohorts: each names its inputs and calls one pure function."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.validity import Uses
from funnel_etl.marts.funnel import conservation, contracts
from funnel_etl.marts.funnel.assets import GROUP
from funnel_etl.marts.funnel.attribution import contracts as attribution_contracts
from funnel_etl.marts.funnel.attribution.attribution import attribution, attribution_by_funnel
from funnel_etl.marts.funnel.attribution.cohorts import cohorts
from funnel_etl.marts.scopes import map_parts
from funnel_etl.parts.sales.contracts import SALES
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.table_asset import table_asset


@table_asset(
    attribution_contracts.ATTRIBUTION,
    group=GROUP,
    inputs={
        "sales": SALES.only("sale_id", "sold_at"),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
        "touches": contracts.TOUCHES,
    },
    conserved={
        "credits_sum_to_one": conservation.credits_of_sales,
        **{f"{model}_revenue_is_conserved": conservation.credited(model) for model in attribution_contracts.MODELS},
    },
    uses=Uses.NOTHING,
)
def attribution_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Share each sale among the touches before it, by five models."""
    return map_parts(attribution, frames, config=night.config)


@table_asset(
    attribution_contracts.ATTRIBUTION_BY_FUNNEL,
    group=GROUP,
    inputs={
        "attribution": attribution_contracts.ATTRIBUTION.only(
            *"sale_id model funnel credit_numerator credit_denominator revenue_inr".split()
        ),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
        "funnel_monthly": contracts.FUNNEL_MONTHLY,
    },
    uses=Uses.NOTHING,
)
def attribution_by_funnel_asset(_night: Night, **frames: pd.DataFrame) -> Outcome:
    """Add up the credits by month and funnel, beside the spend."""
    return attribution_by_funnel(**frames)


@table_asset(
    attribution_contracts.COHORTS,
    group=GROUP,
    inputs={
        "attributed_m0": contracts.ATTRIBUTED_M0.only("month", "funnel"),
        "attributed_sales": contracts.ATTRIBUTED_SALES,
    },
    conserved={"sales_are_conserved": conservation.cohort_sales, "revenue_is_conserved": conservation.cohort_revenue},
    uses=Uses.MONTHS,
)
def cohorts_asset(night: Night, **frames: pd.DataFrame) -> Outcome:
    """Follow each month's M0 through the months after."""
    return cohorts(**frames, as_of=night.as_of)
