"""Webinars of which a person should decide something: profile, category, conductor, bootcamp day. For the work-list."""

import pandas as pd

from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.values.text import lookup_keys, squash
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS, findings

BY_CONDUCTOR = "webinar_conductor_unlisted"
BY_WEBINAR_ID = ("webinar_without_conductor", "webinar_day_by_default")
"""Kinds whose item is the conductor's name, or begins with the webinar id; of all others it is the topic."""
_ITEM = ["item_kind", "key"]


def undecided_webinars(
    webinars: pd.DataFrame, attendance: pd.DataFrame, sold: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return one row per thing to decide, with columns of `ops.worklist_mapping`.

    `rows_count`: people × occurrences attended up to `as_of`; at stake are the counted sales of `sold` to these people.
    An event that is still to come is there too, with nothing at stake. The example is the newest occurrence's report.
    """
    events = findings(webinars).rename(columns={"kind": "item_kind"}).merge(webinars, on="occurrence_id")
    events["item"] = _items(events)
    events["key"] = lookup_keys(events["item"])
    events = events.sort_values(["event_date", "occurrence_id"], kind="stable")
    came = attendance[attendance["attended"].fillna(value=False).astype(bool) & (attendance["attended_date"] <= as_of)]
    events["came"] = events["occurrence_id"].map(came["occurrence_id"].value_counts()).fillna(0).astype("Int64")
    grouped = events.groupby(_ITEM, sort=False)
    rows = grouped.agg(rows_count=("came", "sum"), first_date=("event_date", "min"), last_date=("event_date", "max"))
    rows = rows.join(events.drop_duplicates(_ITEM, keep="last").set_index(_ITEM)[["item", *TRACE]])
    bought = events[[*_ITEM, "occurrence_id"]].merge(came[["occurrence_id", "phone"]].dropna(), on="occurrence_id")
    counted = sold.loc[sold["is_counted"] & sold["phone"].notna(), ["phone", "sale_id", "revenue_inr"]]
    at_stake = bought[[*_ITEM, "phone"]].drop_duplicates().merge(counted, on="phone").groupby(_ITEM)["revenue_inr"]
    rows = rows.join(at_stake.agg(["size", "sum"]).set_axis(["sales", "revenue_inr"], axis="columns")).reset_index()
    tables = {kind: finding.decided_in for kind, finding in FINDINGS.items()}
    return rows.drop(columns="key").assign(config_table=rows["item_kind"].map(tables).astype("str"))


def _items(events: pd.DataFrame) -> pd.Series:
    topic = squash(events["topic"])
    with_id = events["webinar_id"] + (" " + topic).fillna("")
    item = topic.fillna(events["webinar_id"]).mask(events["item_kind"].isin(BY_WEBINAR_ID), with_id)
    return item.mask(events["item_kind"].eq(BY_CONDUCTOR), events["conductor"])
