"""Whether the score predicts sales: `mart.score_calibration`. Pure. Silent where too few bought to say anything.

Here: people, outcomes, rates, verdict. Not here: the statistics themselves (`calibration_maths`).
"""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd

from funnel_etl.core.config_engagement import COMPONENTS, TIERS
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.text import is_one_of, unique_texts
from funnel_etl.marts.engagement.calibration_maths import (
    auc,
    auc_interval,
    brier_without_own,
    data_weights,
    wilson,
)
from funnel_etl.marts.engagement.messages import looked_up
from funnel_etl.marts.engagement.score_contracts import (
    INVERTED,
    NOT_SHOWN,
    ORDERED,
    SCORE_CALIBRATION,
    TOO_FEW,
)

WINDOW_DAYS, MATURE_DAYS = 180, 30
"""People first there within the window, so long ago that they may have bought; within so many days after it."""
FEWEST_BUYERS, FEWEST_PEOPLE, FEWEST_FOR_WEIGHTS = 20, 200, 100
ALL = "(all)"
BY_TIER, BY_BIN = "tier", "bin"


def score_calibration(
    scores: pd.DataFrame, webinars: pd.DataFrame, sales: pd.DataFrame, as_of: pd.Timestamp
) -> Outcome:
    """Return a row per product, split (tier, ten points) and value. Columns as `mart.score_calibration`.

    `scores` is `mart.engagement_scores`, `sales` is `clean.sales`.
    """
    people, days = mature_people(scores, webinars, sales, as_of)
    records = [record for product, own in _by_product(people) for record in _records(product, own)]
    rows = pd.DataFrame(records, columns=SCORE_CALIBRATION.names)
    outcome = summarised(rows, **{"mart.engagement_scores": scores, "clean.sales": sales})
    outcome.days = [days + pd.Timedelta(days=MATURE_DAYS), days + pd.Timedelta(days=WINDOW_DAYS + 1)]
    inverted = rows.loc[rows["verdict"].eq(INVERTED), "product"].unique()
    outcome.notes = [
        f"{product}: a higher tier bought less than a lower one: the score points the wrong way; see its weights"
        for product in inverted
    ]
    return outcome


def mature_people(
    scores: pd.DataFrame, webinars: pd.DataFrame, sales: pd.DataFrame, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, pd.Series]:
    """Return the people who count, each at the first webinar they came to, and the days of all first webinars.

    Columns: occurrence_id, product, event_date, score, tier, points, bought, revenue (paise). Without those who had
    bought before it, and those who were there too lately to have bought.
    """
    came = scores[~scores["tier"].isin(["No-Show", "Unknown"]) & scores["phone"].notna()]
    names = ("started_at", "event_date", "duration_minutes", "product")
    came = came.assign(**{name: looked_up(came["occurrence_id"], webinars, "occurrence_id", name) for name in names})
    came = came.sort_values(["started_at", "occurrence_id", "person_key"], kind="stable")
    first = came.drop_duplicates("phone").reset_index(drop=True)
    sold = sales.loc[sales["is_counted"].astype(bool) & sales["phone"].notna(), ["phone", "sold_at", "revenue_inr"]]
    sold = sold[is_one_of(sold["phone"], first["phone"])]
    earliest = sold.groupby("phone")["sold_at"].min()
    before = looked_up(first["phone"], earliest.reset_index(), "phone", "sold_at") < first["started_at"]
    ends = first["started_at"] + pd.to_timedelta(first["duration_minutes"].fillna(0).astype("int64"), unit="m")
    until = ends + pd.Timedelta(days=MATURE_DAYS)
    spans = first[["phone", "started_at"]].assign(until=until, at=first.index).merge(sold, on="phone")
    within = spans[(spans["sold_at"] >= spans["started_at"]) & (spans["sold_at"] <= spans["until"])]
    sums = within.groupby("at")["revenue_inr"].agg(["size", "sum"])
    first["bought"] = first.index.isin(sums.index)
    first["revenue"] = sums["sum"].reindex(first.index).fillna(0).astype("int64")
    old_enough = first["event_date"] <= as_of - pd.Timedelta(days=MATURE_DAYS)
    in_window = first["event_date"] > as_of - pd.Timedelta(days=WINDOW_DAYS + 1)
    is_counted = old_enough & in_window & ~before.fillna(value=False) & first["score"].notna()
    return first[is_counted].reset_index(drop=True), first["event_date"]


def _by_product(people: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    if len(people):
        yield ALL, people
    for product, own in people.groupby(people["product"].fillna("(none)"), sort=True):
        yield str(product), own


def _records(product: str, people: pd.DataFrame) -> Iterator[dict[str, object]]:
    score = people["score"].to_numpy(np.int64)
    bought = people["bought"].to_numpy(bool)
    tiers = people["tier"].to_numpy(object)
    low, high = auc_interval(score, bought)
    chosen = data_weights(_points(people), bought) if bought.sum() >= FEWEST_FOR_WEIGHTS else None
    base = brier_without_own(np.zeros(len(people), dtype=object), people["occurrence_id"].to_numpy(object), bought)
    common = {
        "product": product,
        "window_start": people["event_date"].min(),
        "window_end": people["event_date"].max(),
        "auc": auc(score, bought),
        "auc_low": low,
        "auc_high": high,
        "brier_tier": brier_without_own(tiers, people["occurrence_id"].to_numpy(object), bought),
        "brier_base": base,
        "verdict": verdict(people),
        "data_weights": None if chosen is None else json.dumps(dict(zip(COMPONENTS, chosen, strict=True))),
    }
    bins = np.array([f"{at * 10}-{at * 10 + 9 if at < 10 else 100}" for at in range(11)], dtype=object)[score // 10]
    for split, values in ((BY_TIER, tiers), (BY_BIN, bins)):
        for value in _order(split, values):
            yield common | {"split": split, "value": value} | _rates(values == value, people, bought)


def _order(split: str, values: "np.ndarray[tuple[int], np.dtype[np.object_]]") -> list[str]:
    there = set(values)
    if split == BY_TIER:
        return [tier for tier in TIERS if tier in there]
    return sorted(there, key=lambda text: -int(text.partition("-")[0]))


def _rates(own: object, people: pd.DataFrame, bought: object) -> dict[str, object]:
    n, buyers = int(own.sum()), int(bought[own].sum())  # type: ignore[attr-defined,index]
    low, high = wilson(buyers, n)
    rate, of_all = buyers / n, float(bought.mean())  # type: ignore[attr-defined]
    return {
        "n": n,
        "buyers": buyers,
        "rate": rate,
        "wilson_low": low,
        "wilson_high": high,
        "lift": rate / of_all if of_all else None,
        "revenue_inr": int(people.loc[own, "revenue"].sum()),  # type: ignore[index]
    }


def verdict(people: pd.DataFrame) -> str:
    """Return what the tiers show: too_few, inverted, not_shown (all intervals overlap), or ordered.

    `people`: tier and bought. Inverted: the interval of a higher tier lies wholly under that of a lower one.
    """
    sums = people.groupby("tier")["bought"].agg(["size", "sum"]).reindex(TIERS).dropna()
    if sums["sum"].sum() < FEWEST_BUYERS or sums["size"].sum() < FEWEST_PEOPLE:
        return TOO_FEW
    spans = [wilson(int(buyers), int(n)) for n, buyers in sums.itertuples(index=False)]
    pairs = [(higher, lower) for at, higher in enumerate(spans) for lower in spans[at + 1 :]]
    if any(higher[1] < lower[0] for higher, lower in pairs):
        return INVERTED
    return ORDERED if any(lower[1] < higher[0] for higher, lower in pairs) else NOT_SHOWN


def _points(people: pd.DataFrame) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    texts, codes = unique_texts(people["points"])
    known = [json.loads(text) for text in texts.to_pylist()]
    return np.array([[float(each.get(name, 0)) for name in COMPONENTS] for each in known])[codes]
