"""Credit for each sale by five models side by side, exact to the last digit. Rules: First touch; issue: models.

A model says of a sale's touches in order which whole weights they have; a credit is weight / sum of weights.
"""

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.tables.contracts import SHARE_UNITS
from funnel_etl.core.values.apportion import Ints, apportion
from funnel_etl.core.values.dates import month_start
from funnel_etl.marts.funnel.attribution.contracts import ATTRIBUTION, MODELS, NO_TOUCH, NO_TOUCH_FUNNEL
from funnel_etl.marts.funnel.touches import of_phones

DECAY_UNIT = 10**12
"""Weight of a sale's newest touch; older ones are rounded to whole units of it, and are at least 1."""
_ENDS, _MIDDLE = 2, 1
"""Position: each end 40 %, that is 2 in 5; the middle 20 %, 1 in 5, shared equally."""


def attribution(sales: pd.DataFrame, attributed_sales: pd.DataFrame, touches: pd.DataFrame, config: Config) -> Outcome:
    """Return one row per counted sale, model and touch with credit. Columns as `mart.attribution`."""
    sold = attributed_sales[["sale_id", "phone", "sold_date", "revenue_inr"]].reset_index(drop=True)
    sold = sold.assign(sold_at=sales.set_index("sale_id")["sold_at"].reindex(sold["sale_id"]).array)
    events = of_phones(touches, sold["phone"])
    sale, touch, days = _touches_of_sales(sold, events, config.number("attribution_lookback_days"))
    earned = _credits(len(sold), sale, days, config.number("attribution_half_life_days"))
    rows = _rows(sold, events, touch, earned)
    return summarised(rows, **{"mart.attributed_sales": attributed_sales, "touches of their buyers": events})


def attribution_by_funnel(
    attribution: pd.DataFrame, attributed_sales: pd.DataFrame, funnel_monthly: pd.DataFrame
) -> Outcome:
    """Return one row per month, model and funnel with credit or spend. Columns as `mart.attribution_by_funnel`."""
    key = ["month", "model", "funnel"]
    day = attributed_sales.set_index("sale_id")["sold_date"].reindex(attribution["sale_id"])
    credited = attribution.assign(month=month_start(day.set_axis(attribution.index)), parts=_parts(attribution))
    sums = credited.groupby(key)[["parts", "revenue_inr"]].sum().reset_index()
    months = funnel_monthly[["month", "funnel", "spend_inr", "leads"]]
    spent = months[(months["spend_inr"] != 0) | (months["leads"] != 0)]
    spent = spent.merge(pd.DataFrame({"model": pd.Series(MODELS, dtype="str")}), how="cross")
    rows = sums.merge(spent, on=key, how="outer").rename(columns={"revenue_inr": "credited_revenue_inr"})
    whole = ["credited_revenue_inr", "spend_inr", "leads"]
    rows[whole] = rows[whole].fillna(0).astype("Int64")
    rows = rows[(rows["parts"].notna()) | (rows["spend_inr"] != 0)]
    spend = rows["spend_inr"].astype("float64")
    rows = rows.assign(
        credited_sales=rows["parts"].fillna(0.0),
        spend_without_lead_inr=rows["spend_inr"].where(rows["leads"] == 0, 0),
        roas=rows["credited_revenue_inr"].astype("float64") / spend.where(spend != 0),
    )
    inputs = {"mart.attribution": attribution, "mart.funnel_monthly": funnel_monthly}
    return summarised(rows.drop(columns="parts").sort_values(key, kind="stable"), **inputs)


def _parts(attribution: pd.DataFrame) -> pd.Series:
    return attribution["credit_numerator"].astype("float64") / attribution["credit_denominator"].astype("float64")


def _touches_of_sales(sold: pd.DataFrame, events: pd.DataFrame, lookback: Decimal) -> tuple[Ints, Ints, Ints]:
    """Pair each sale with its touches: at or before it, at most `lookback` business days before its day.

    Returns the place of the sale, the place of the touch and the days between, sales in their order, touches in time's.
    """
    phone, phones = pd.factorize(sold["phone"])
    events_of = phones.get_indexer(pd.Index(events["phone"]))
    order = np.argsort(events_of, kind="stable")
    order = order[events_of[order] >= 0]
    counts = np.bincount(events_of[order], minlength=len(phones))
    starts = np.cumsum(counts) - counts
    known = phone >= 0
    many = np.where(known, counts[phone] if len(phones) else 0, 0)
    sale = np.repeat(np.arange(len(sold)), many)
    within = np.arange(len(sale)) - np.repeat(np.cumsum(many) - many, many)
    touch = order[np.repeat(np.where(known, starts[phone] if len(phones) else 0, 0), many) + within]
    at, sold_at = _instants(events["touch_at"]), _instants(sold["sold_at"])
    day, sold_day = _days(events["touch_date"]), _days(sold["sold_date"])
    days = sold_day[sale] - day[touch]
    kept = (at[touch] <= sold_at[sale]) & (days <= float(lookback))
    return sale[kept], touch[kept], days[kept]


def _credits(sales: int, sale: Ints, days: Ints, half_life: Decimal) -> pd.DataFrame:
    """Return the rows with credit: sale, model and pair by place (pair -1: no touch), number, numerator, divisor."""
    count = np.bincount(sale, minlength=sales)
    n = count[sale]
    number = np.arange(len(sale)) - np.repeat(np.cumsum(count) - count, count) + 1
    is_first, is_last = number == 1, number == n
    middles = np.maximum(n - 2, 1)
    at_end = np.where(n > 2, _ENDS * middles, 1)
    newest = np.repeat(days[is_last], count[count > 0])
    weights = {
        "first_touch": is_first.astype(np.int64),
        "last_touch": is_last.astype(np.int64),
        "linear": np.ones_like(n),
        "position": np.where(is_first | is_last, at_end, _MIDDLE),
        "time_decay": _decay_weights(days - newest, half_life),
    }
    pair = np.arange(len(sale))
    found = [
        pd.DataFrame({"sale": sale, "model": model, "pair": pair, "number": number, "numerator": weights[name]})
        for model, name in enumerate(MODELS)
    ]
    without = np.flatnonzero(count == 0)
    bare = {"pair": -1, "number": 0, "numerator": 1}
    found += [pd.DataFrame({"sale": without, "model": model, **bare}) for model in range(len(MODELS))]
    rows = pd.concat(found, ignore_index=True).astype("int64")
    rows = rows[rows["numerator"] > 0]
    rows = rows.take(np.lexsort((rows["number"], rows["model"], rows["sale"])))
    group = rows["sale"].to_numpy() * len(MODELS) + rows["model"].to_numpy()
    starts = np.flatnonzero(np.diff(group, prepend=group[:1] - 1))
    sums = np.add.reduceat(rows["numerator"].to_numpy(), starts) if len(rows) else np.zeros(0, dtype=np.int64)
    return rows.assign(denominator=np.repeat(sums, np.diff(starts, append=len(group))), group=group)


def _decay_weights(days: Ints, half_life: Decimal) -> Ints:
    """Return 2^(-days / half-life) of DECAY_UNIT, at least 1; computed in decimal, so that every machine agrees."""
    ages, place = np.unique(days, return_inverse=True)
    with localcontext() as context:
        context.prec = 40
        weights = [
            int((DECAY_UNIT * Decimal(2) ** (-Decimal(int(age)) / half_life)).to_integral_value()) for age in ages
        ]
    return np.maximum(np.array(weights, dtype=np.int64), 1)[place] if len(ages) else np.zeros(0, dtype=np.int64)


def _rows(sold: pd.DataFrame, events: pd.DataFrame, touch: Ints, earned: pd.DataFrame) -> pd.DataFrame:
    sale, pair = earned["sale"].to_numpy(), earned["pair"].to_numpy()
    weights = earned["numerator"].to_numpy(), earned["denominator"].to_numpy(), earned["group"].to_numpy()
    revenue = sold["revenue_inr"].fillna(0).to_numpy(dtype="int64")[sale]
    shared = apportion(revenue, *weights)
    is_touch = pair >= 0
    places = np.where(is_touch, touch[pair] if len(touch) else 0, -1)
    seen = events.reindex(places) if len(events) else events.reindex(np.full(len(places), -1))
    seen = seen.reset_index(drop=True)
    rows = {
        "sale_id": sold["sale_id"].take(sale).to_numpy(),
        "model": pd.Series(MODELS, dtype="str").take(earned["model"].to_numpy()).to_numpy(),
        "touch_number": earned["number"].to_numpy(),
        "funnel": seen["funnel"].where(is_touch, NO_TOUCH_FUNNEL),
        "touch_stage": seen["stage"].where(is_touch, NO_TOUCH),
        "touch_at": seen["touch_at"],
        "touch_date": seen["touch_date"],
        "credit": apportion(np.full(len(sale), SHARE_UNITS, dtype=np.int64), *weights),
        "credit_numerator": weights[0],
        "credit_denominator": weights[1],
        "revenue_inr": pd.Series(shared, dtype="Int64").mask(sold["revenue_inr"].isna().to_numpy()[sale]),
        "touch_file_id": seen["file_id"],
        "touch_source_row": seen["source_row"],
    }
    return pd.DataFrame(rows)[ATTRIBUTION.names]


def _instants(values: pd.Series) -> Ints:
    return (
        pd.DatetimeIndex(pd.to_datetime(values, utc=True))
        .tz_localize(None)
        .to_numpy()
        .astype("datetime64[us]")
        .astype(np.int64)
    )


def _days(values: pd.Series) -> Ints:
    return values.to_numpy().astype("datetime64[D]").astype(np.int64)
