"""Revenue as dated deltas: what every sale counts for, and on which night and why that changed.

A past night's rows are never changed: a later edit is a row of its own.
"""

import numpy as np
import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount, close
from funnel_etl.core.values.text import is_one_of, lookup_keys
from funnel_etl.marts.funnel.revenue.contracts import REVENUE_CHANGES

MONEY_WENT_BACK = r"refund|charge\s?-?back|revers"
"""Part of a status that says so."""
_GONE = ("disappeared", "unreadable")


def revenue_changes(
    before: pd.DataFrame | None,
    sales: pd.DataFrame,
    history: pd.DataFrame,
    since: pd.Timestamp | None,
    night: pd.Timestamp,
) -> Outcome:
    """Add to the changes of the night before (`before`, of `since`) those that a night sees in `clean.sales`.

    `history` is `clean.crm_history`, which tells an edit of the CRM from one of `metrics.csv`, and a row that is gone
    from one that cannot be read; later versions in it do not matter. Columns as `mart.revenue_changes`.
    """
    before = REVENUE_CHANGES.empty() if before is None else before
    account = RowAccount(sales, "clean.sales")
    last = before.sort_values(["sale_id", "changed_date"], kind="stable").drop_duplicates("sale_id", keep="last")
    now = sales.assign(revenue_inr=sales["revenue_inr"].fillna(0).where(counts(sales, night)))
    both = _side_by_side(last.set_index("sale_id"), now.set_index("sale_id"))
    old, new = both["old_revenue_inr"], both["new_revenue_inr"]
    both = both[(old.isna() != new.isna()) | (old != new).fillna(value=False).astype(bool)]
    fresh = both.assign(
        kind=_kinds(both, _Crm(history, both.index, since, night)),
        changed_date=night,
        delta_inr=both["new_revenue_inr"].fillna(0) - both["old_revenue_inr"].fillna(0),
    ).reset_index(names="sale_id")

    is_here = fresh["file_id"].notna()
    changed = is_one_of(sales["sale_id"], fresh.loc[is_here, "sale_id"])
    account.exclude(pd.Series("unchanged_revenue", index=sales.index, dtype="str").where(~changed))
    names = REVENUE_CHANGES.names
    past = [frame for frame in (before[names], fresh.loc[~is_here, names]) if len(frame)]
    kept = pd.concat(past or [REVENUE_CHANGES.empty()], ignore_index=True)
    earlier = RowAccount(kept, "mart.revenue_changes of the night before")
    frames = [frame for frame in (kept, fresh.loc[is_here, names]) if len(frame)] or [REVENUE_CHANGES.empty()]
    rows = pd.concat(frames, ignore_index=True).sort_values(["sale_id", "changed_date"], kind="stable")
    return close(rows, account, earlier)


def counts(sales: pd.DataFrame, night: pd.Timestamp) -> pd.Series:
    """Return which sales `mart.attributed_sales` has on a night. Rule: mart holds what counts."""
    return sales["is_counted"].astype(bool) & (sales["sold_date"] <= night)


def _side_by_side(last: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Return what was known of each sale beside what is known now. Index: sale_id, sorted."""
    ids = last.index.union(now.index, sort=True)
    was, has = last.reindex(ids), now.reindex(ids)
    return pd.DataFrame(
        {
            "sold_date": has["sold_date"].fillna(was["sold_date"]),
            "final_funnel": has["final_funnel"].fillna(was["final_funnel"]),
            "old_status": was["new_status"].fillna(was["old_status"]),
            "new_status": has["status"],
            "old_revenue_inr": was["new_revenue_inr"].astype("Int64"),
            "new_revenue_inr": has["revenue_inr"].astype("Int64"),
            "file_id": has["file_id"],
            "source_row": has["source_row"],
            "last_kind": was["kind"],
            "excluded": ~has["is_counted"].fillna(value=True).astype(bool),
        },
        index=ids,
    )


class _Crm:
    """What the CRM's history says of some sales on a night: edited since the night before, or disappeared."""

    def __init__(
        self, history: pd.DataFrame, sale_ids: pd.Index, since: pd.Timestamp | None, night: pd.Timestamp
    ) -> None:
        keys = lookup_keys(pd.Series(sale_ids, dtype="str"))
        rows = history[(history["dataset"] == "crm_sales") & (history["valid_from"] <= night)]
        rows = rows[is_one_of(rows["key"], keys)]
        newest = rows[rows["valid_to"].isna() | (rows["valid_to"] > night)]
        edited = rows if since is None else rows[rows["valid_from"] > since]
        self.is_edited = is_one_of(keys, edited["key"])
        self.has_disappeared = is_one_of(keys, newest.loc[newest["change"] == "disappeared", "key"])


def _kinds(both: pd.DataFrame, crm: _Crm) -> pd.Series:
    """Return why what a sale counts for changed; the first that applies."""
    was, has = both["old_revenue_inr"].notna(), both["new_revenue_inr"].notna()
    status, old_status = lookup_keys(both["new_status"]), lookup_keys(both["old_status"])
    is_gone = both["file_id"].isna()
    flipped = status != old_status
    edited = pd.Series(crm.is_edited, index=both.index)
    rules: list[tuple[pd.Series, str]] = [
        (both["last_kind"].isna(), "new_sale"),
        (is_gone & crm.has_disappeared, "disappeared"),
        (is_gone, "unreadable"),
        (has & both["last_kind"].isin(_GONE), "reappeared"),
        (~edited & ~(both["last_kind"].eq("redated") & has), "rule_edit"),
        (was & has, "amount_edit"),
        (was & both["excluded"] & flipped & status.str.contains(MONEY_WENT_BACK), "refund"),
        ((was & both["excluded"] & flipped) | (has & flipped), "status_flip"),
        (was & ~both["excluded"], "redated"),
        (has & both["last_kind"].eq("redated"), "redated"),
    ]
    found = np.select([mask.to_numpy(dtype=bool) for mask, _ in rules], [kind for _, kind in rules], "rule_edit")
    return pd.Series(found, index=both.index, dtype="str")
