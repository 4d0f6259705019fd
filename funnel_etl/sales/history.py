"""What changes between the CRM's full dumps: versions of each row, and rows that the dump's sliding window moved past.

Rule: The dump's window slides.
"""

import hashlib
import json

import pandas as pd

from funnel_etl.core.accounting import TRACE, Outcome, RowAccount, close
from funnel_etl.core.config_tables import Config, map_sources
from funnel_etl.core.csvfile import RESERVED
from funnel_etl.core.source_frame import columns_present
from funnel_etl.core.text import lookup_key
from funnel_etl.sales.contracts import ASSIGNED_LEADS_SOURCE, CRM_HISTORY, SALES_SOURCE
from funnel_etl.sales.final_funnel import final_funnel
from funnel_etl.sales.sales import is_counted

DATASETS = ("crm_assigned_leads", "crm_sales")
ABSENT, AGED_OUT = "disappeared", "aged_out"


def with_aged_out_leads(today: Outcome, before: pd.DataFrame | None, config: Config) -> Outcome:
    """Add the assignments of the night before that are older than today's dump, as they were read then.

    Only their funnel follows today's config.
    """
    kept = _aged_out(today, before, "assigned_at", ["phone_raw", "assigned_at"])
    if kept is None:
        return today
    kept["funnel"] = map_sources(kept["source"], kept["assigned_date"], config).fillna(config.misc)
    return _joined(today, kept, "clean.assigned_leads of the night before")


def with_aged_out_sales(today: Outcome, before: pd.DataFrame | None, config: Config) -> Outcome:
    """Add the sales of the night before that are older than today's dump, as they were read then.

    Only what counts, and manual mapping, follow today's config.
    """
    kept = _aged_out(today, before, "sold_at", ["sale_id"])
    if kept is None:
        return today
    kept["is_counted"] = is_counted(kept["status"], config)
    decided = final_funnel(kept["sale_id"], kept["funnel"], config)
    kept[decided.columns] = decided
    return _joined(today, kept, "clean.sales of the night before")


def crm_history(
    crm_assigned_leads: pd.DataFrame,
    crm_sales: pd.DataFrame,
    assigned_leads: pd.DataFrame,
    sales: pd.DataFrame,
    before: pd.DataFrame | None,
    night: pd.Timestamp,
    config: Config,
) -> Outcome:
    """Give every version of every CRM row seen up to a night. Columns as `clean.crm_history`.

    `before`: the history of the night before. A row gone from inside the dump's window has disappeared; one older than
    its oldest row has only aged out, which is no change.
    """
    leads = assigned_leads[assigned_leads["dump_state"] == "current"].set_index(TRACE)["assigned_at"]
    sold = sales[sales["dump_state"] == "current"].set_index(TRACE)["sold_at"]
    now = pd.concat(
        [
            _versions(crm_assigned_leads, "crm_assigned_leads", leads, config),
            _versions(crm_sales, "crm_sales", sold, config),
        ],
        ignore_index=True,
    )
    account = RowAccount(now, "raw.crm_assigned_leads, raw.crm_sales")
    account.merge_duplicates(["dataset", "key"], "same_key", keep="last")
    now = account.rows()
    if before is None:
        before = CRM_HISTORY.empty()
    newest = before[before["valid_to"].isna()]
    pairs = now.merge(newest, on=["dataset", "key"], how="left", suffixes=("", "_before")).set_axis(now.index)
    was_absent = pairs["change"] == ABSENT
    is_new = pairs["change"].isna() | was_absent
    differs = ~is_new & (pairs["row"] != pairs["row_before"])
    account.exclude(pd.Series("unchanged_version", index=now.index, dtype="str").where(~is_new & ~differs))

    fresh = pairs[is_new | differs].assign(valid_from=night, valid_to=None)
    change = pd.Series("inserted", index=pairs.index).mask(was_absent, "reappeared").mask(differs, "changed")
    # Only its own rows: a frame without rows takes every row of a column it is given.
    fresh["change"] = change.reindex(fresh.index)
    changed = [
        _changed(old, new) if kind == "changed" else None
        for old, new, kind in zip(fresh["row_before"], fresh["row"], fresh["change"], strict=True)
    ]
    fresh["changed_columns"] = pd.Series(changed, index=fresh.index, dtype="object")
    aged = pd.concat([_age(assigned_leads, "crm_assigned_leads", "assigned_at"), _age(sales, "crm_sales", "sold_at")])
    gone = _gone(newest, now, aged)
    gone_rows = gone.assign(valid_from=night, valid_to=None, change=ABSENT, changed_columns=None)
    ended = pd.concat([fresh[["dataset", "key"]], gone[["dataset", "key"]]])
    past = before.merge(ended.assign(_ended=True), on=["dataset", "key"], how="left")
    past["valid_to"] = past["valid_to"].mask(past["valid_to"].isna() & past["_ended"].notna(), night)
    earlier = RowAccount(pd.concat([past, gone_rows], ignore_index=True), "clean.crm_history of the night before")
    rows = pd.concat([past, gone_rows, fresh], ignore_index=True)[CRM_HISTORY.names]
    return close(rows.sort_values(["dataset", "key", "valid_from"], kind="stable"), account, earlier)


def _aged_out(today: Outcome, before: pd.DataFrame | None, instant: str, identity: list[str]) -> pd.DataFrame | None:
    """Give the rows of the night before that the window moved past: older than today's oldest row, or so already then.

    What aged out once stays so, whatever one odd date does to the window; a row that is in today's dump has not.
    """
    if before is None:
        return None
    older = (before["dump_state"] == AGED_OUT) | (before[instant] < today.rows[instant].min())
    here = pd.MultiIndex.from_frame(before[identity]).isin(pd.MultiIndex.from_frame(today.rows[identity]))
    kept = before[older & ~here]
    return kept.assign(dump_state=AGED_OUT) if len(kept) else None


def _age(rows: pd.DataFrame, dataset: str, instant: str) -> pd.DataFrame:
    """Give when a dump's window begins, and the youngest row that it has moved past: dataset, oldest, youngest_aged."""
    is_aged = rows["dump_state"] == AGED_OUT
    found = {"oldest": [rows.loc[~is_aged, instant].min()], "youngest_aged": [rows.loc[is_aged, instant].max()]}
    return pd.DataFrame(found, index=[dataset])


def _joined(today: Outcome, kept: pd.DataFrame, name: str) -> Outcome:
    rows = pd.concat([kept, today.rows], ignore_index=True)
    line = RowAccount(kept.reset_index(drop=True), name).line()
    return Outcome(rows, [*today.ledger, line], today.quarantine, today.merged, today.notes)


def _versions(raw: pd.DataFrame, dataset: str, instants: pd.Series, config: Config) -> pd.DataFrame:
    """Give each record of a dump as a version: trace, dataset, key, row_at, row (JSON of its cells without blanks)."""
    documented = ASSIGNED_LEADS_SOURCE if dataset == "crm_assigned_leads" else SALES_SOURCE
    cells = [c for c in raw.columns if c not in RESERVED]
    present = columns_present(raw, documented, config.aliases(dataset), dataset)
    records = raw[cells].to_dict("records")
    rows = [
        json.dumps({k: v for k, v in r.items() if isinstance(v, str) and v}, ensure_ascii=False, sort_keys=True)
        for r in records
    ]
    named = ["_id"] if dataset == "crm_sales" else ["leadMobile", "assignOn"]
    texts = raw[present[named[0]]].map(lookup_key)
    if dataset == "crm_assigned_leads":
        texts = texts + "\x1f" + raw[present[named[1]]].map(lookup_key)
        texts = texts + "\x1f" + texts.groupby(texts).cumcount().astype("str")
        texts = texts.map(lambda text: hashlib.sha256(text.encode()).hexdigest()[:20])
    versions = raw[TRACE].assign(
        dataset=dataset, key=texts.astype("str"), row=pd.Series(rows, index=raw.index, dtype="str")
    )
    versions["row_at"] = versions.join(instants.rename("at"), on=TRACE)["at"]
    return versions[versions["key"] != ""]


def _gone(newest: pd.DataFrame, now: pd.DataFrame, aged: pd.DataFrame) -> pd.DataFrame:
    """Give the newest versions whose row is no longer in its dump, though the window has not moved past it (`_age`)."""
    standing = newest[newest["change"] != ABSENT]
    edges = aged.reindex(standing["dataset"]).set_axis(standing.index)
    # In UTC also when neither dump has a row: NaT alone has no zone.
    oldest, youngest = (pd.to_datetime(edges[name], utc=True) for name in ("oldest", "youngest_aged"))
    moved_past = (standing["row_at"] < oldest) | (standing["row_at"] <= youngest)
    keys = now[["dataset", "key"]].assign(_here=True)
    here = standing.merge(keys, on=["dataset", "key"], how="left")["_here"].notna()
    return standing[~here.to_numpy() & ~moved_past]


def _changed(before: str, after: str) -> list[str]:
    old, new = json.loads(before), json.loads(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
