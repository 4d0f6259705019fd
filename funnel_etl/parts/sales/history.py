"""What changes between the CRM's full dumps: versions of each row, and rows that the dump's sliding window moved past.

Rule: The dump's window slides.
"""

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.config_tables import Config, map_sources
from funnel_etl.core.reading.csvfile import RESERVED
from funnel_etl.core.reading.source_frame import columns_present
from funnel_etl.core.reading.total_rows import are_labels
from funnel_etl.core.tables.accounting import TRACE, LedgerLine, Outcome, RowAccount, close
from funnel_etl.core.values.json_text import objects as json_objects
from funnel_etl.core.values.text import are_rounded_ids, arrow_text, first_filled, lookup_keys, text_series
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE, CRM_HISTORY, SALES_SOURCE
from funnel_etl.parts.sales.final_funnel import final_funnel
from funnel_etl.parts.sales.sales import is_counted

DATASETS = ("crm_assigned_leads", "crm_sales")
_AT_A_TIME = 100_000
UNCHANGED, BEFORE = "unchanged_version", "clean.crm_history of the night before"
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
    """Return every version of every CRM row seen up to a night. Columns as `clean.crm_history`.

    `before`: the history of the night before. A row gone from inside the dump's window has disappeared; one older than
    its oldest row has only aged out, which is no change.
    """
    leads = assigned_leads[assigned_leads["dump_state"] == "current"].set_index(TRACE)["assigned_at"]
    sold = sales[sales["dump_state"] == "current"].set_index(TRACE)["sold_at"]
    dumps = {"crm_assigned_leads": (crm_assigned_leads, leads), "crm_sales": (crm_sales, sold)}
    now = pd.concat(
        [_versions(raw, dataset, instants, config) for dataset, (raw, instants) in dumps.items()], ignore_index=True
    )
    account = RowAccount(now[[*TRACE, "dataset", "key"]], "raw.crm_assigned_leads, raw.crm_sales")
    account.merge_duplicates(["dataset", "key"], "same_key", keep="last")
    if len(account.remaining) < len(now):
        now = now.loc[account.remaining]
    if before is None:
        before = CRM_HISTORY.empty()
    newest = before[before["valid_to"].isna()].reset_index(drop=True)
    names, known = _names(now), _names(newest)
    place = pc.index_in(names, value_set=known).fill_null(-1).to_numpy().astype("int64")
    is_known = place >= 0
    was_absent = np.append((newest["change"] == ABSENT).to_numpy(dtype=bool), False)[place]
    # A row that stands where its version first stood is that version (decision 27): its cells need not be compared.
    is_asked = ~is_known | was_absent | ~_same_lines(now, newest, place)
    stays = np.zeros(len(now), dtype=bool)
    fresh, place = now[is_asked], place[is_asked]
    fresh = fresh.assign(row=_documents(fresh, {dataset: raw for dataset, (raw, _) in dumps.items()}))
    compared = np.flatnonzero(place >= 0)
    rows_before = arrow_text(newest["row"].iloc[place[compared]])
    differs = np.ones(len(fresh), dtype=bool)
    differs[compared] = pc.not_equal(arrow_text(fresh["row"].iloc[compared]), rows_before).to_numpy(
        zero_copy_only=False
    )
    stays[np.flatnonzero(is_asked)] = differs | was_absent[is_asked]
    account.exclude(pd.Series(UNCHANGED, index=now.index, dtype="str").where(~stays))
    begun = names.filter(pa.array(stays))
    was_absent, is_known, stays = was_absent[stays], is_known[stays], stays[is_asked]
    del now

    change = np.select([was_absent, is_known], ["reappeared", "changed"], "inserted")
    fresh = _dated(fresh if stays.all() else fresh[stays], night, change)
    is_edited = change == "changed"
    edited = zip(newest["row"].iloc[place[stays][is_edited]], fresh["row"][is_edited], strict=True)
    changed = [_changed(*next(edited)) if is_one else None for is_one in is_edited]
    fresh["changed_columns"] = pd.Series(changed, index=fresh.index, dtype="object")
    aged = pd.concat([_age(assigned_leads, "crm_assigned_leads", "assigned_at"), _age(sales, "crm_sales", "sold_at")])
    gone = _dated(_gone(newest, _is_in(known, names), aged), night, ABSENT)
    ended = pa.concat_arrays([begun, _names(gone)])
    is_over = before["valid_to"].isna() & _is_in(_names(before), ended)
    past = before.assign(valid_to=before["valid_to"].mask(is_over, night))
    # Every one of them stays: the account needs their number only, not a copy of them.
    earlier = RowAccount(pd.DataFrame(index=range(len(past) + len(gone))), BEFORE)
    return close(_sorted([past, gone, fresh]), account, earlier)


def settled_ledger(ledger: list[LedgerLine], rows: int) -> list[LedgerLine]:
    """Return the account of a history of so many rows on the night after, when the same dumps came: nothing is new."""
    dumps = ledger[0]
    left = dumps.rows_in - dumps.merged
    reasons = {name: count for name, count in dumps.reasons.items() if not name.endswith(UNCHANGED)}
    reasons = dict(sorted((reasons | ({f"excluded:{UNCHANGED}": left} if left else {})).items()))
    return [replace(dumps, rows_out=0, excluded=left, reasons=reasons), LedgerLine(BEFORE, rows, rows)]


def _names(rows: pd.DataFrame) -> Any:
    """Name each row over both dumps, as one Arrow array."""
    return arrow_text(rows["dataset"].astype("str") + "\x1f" + rows["key"].astype("str"))


def _is_in(names: Any, others: Any) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = pc.is_in(names, value_set=others).to_numpy(zero_copy_only=False)
    return found


def _dated(rows: pd.DataFrame, night: pd.Timestamp, change: Any) -> pd.DataFrame:
    """Return versions that begin on a night and are the newest."""
    since = pd.Series(night, index=rows.index, dtype="datetime64[us]")
    until = pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us]")
    return rows.assign(
        valid_from=since,
        valid_to=until,
        change=pd.Series(change, index=rows.index, dtype="str"),
        changed_columns=pd.Series(None, index=rows.index, dtype="object"),
    )


def _sorted(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put versions in the order of their key, column by column out of the frames, which are empty afterwards.

    A copy of them all at once would double the memory.
    """
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    joined = {name: pd.concat([frame[name] for frame in frames], ignore_index=True) for name in CRM_HISTORY.key}
    key = {name: arrow_text(joined[name]) for name in ("dataset", "key")}
    table = pa.table(key | {"valid_from": pa.array(joined["valid_from"], from_pandas=True)})
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in CRM_HISTORY.key]).to_numpy()
    columns = {
        name: pd.concat([frame.pop(name) for frame in frames], ignore_index=True).take(order)
        for name in CRM_HISTORY.names
    }
    return pd.DataFrame(columns)


def _aged_out(today: Outcome, before: pd.DataFrame | None, instant: str, identity: list[str]) -> pd.DataFrame | None:
    """Return the rows of the night before that the window moved past: older than today's oldest, or so already then.

    What aged out once stays so, whatever one odd date does to the window; a row that is in today's dump has not.
    """
    if before is None:
        return None
    older = (before["dump_state"] == AGED_OUT) | (before[instant] < today.rows[instant].min())
    here = pd.MultiIndex.from_frame(before[identity]).isin(pd.MultiIndex.from_frame(today.rows[identity]))
    kept = before[older & ~here]
    return kept.assign(dump_state=AGED_OUT) if len(kept) else None


def _age(rows: pd.DataFrame, dataset: str, instant: str) -> pd.DataFrame:
    """Return when a dump's window begins, and the youngest row it moved past: dataset, oldest, youngest_aged."""
    is_aged = rows["dump_state"] == AGED_OUT
    found = {"oldest": [rows.loc[~is_aged, instant].min()], "youngest_aged": [rows.loc[is_aged, instant].max()]}
    return pd.DataFrame(found, index=[dataset])


def _joined(today: Outcome, kept: pd.DataFrame, name: str) -> Outcome:
    rows = pd.concat([kept, today.rows], ignore_index=True)
    line = RowAccount(kept.reset_index(drop=True), name).line()
    return Outcome(rows, [*today.ledger, line], today.quarantine, today.merged, today.notes)


def _same_lines(now: pd.DataFrame, newest: pd.DataFrame, place: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which rows have the trace of the version at `place`; those at -1 have none."""
    found = pd.DataFrame({name: newest[name].array.take(place, allow_fill=True) for name in TRACE})
    is_same: npt.NDArray[np.bool_] = (
        (found["source_row"] == now["source_row"].reset_index(drop=True)).fillna(value=False)
        & (found["file_id"] == now["file_id"].reset_index(drop=True))
    ).to_numpy(dtype=bool)
    return is_same


def _documents(versions: pd.DataFrame, dumps: dict[str, pd.DataFrame]) -> pd.Series:
    """Return the row of each version as JSON of its filled cells; in one piece, which is sorted with less memory."""
    texts = [pa.array([], type=pa.large_string())]
    for dataset, raw in dumps.items():
        own = versions.loc[versions["dataset"] == dataset, "at"].to_numpy()
        rows = raw if len(own) == len(raw) else raw.iloc[own]
        texts.append(json_objects({c: arrow_text(rows[c]) for c in raw.columns if c not in RESERVED}, len(rows)))
    return text_series(pa.concat_arrays(texts), versions.index)


def _versions(raw: pd.DataFrame, dataset: str, instants: pd.Series, config: Config) -> pd.DataFrame:
    """Return each record of a dump as a version: trace, dataset, key, row_at, and its place in the dump (`at`)."""
    documented = ASSIGNED_LEADS_SOURCE if dataset == "crm_assigned_leads" else SALES_SOURCE
    present = columns_present(raw, documented, config.aliases(dataset), dataset)
    versions = raw[TRACE].assign(
        dataset=pd.Series(dataset, index=raw.index, dtype="str"),
        key=_sale_keys(raw, present["_id"]) if dataset == "crm_sales" else _assignment_keys(raw, present),
        at=np.arange(len(raw)),
    )
    versions["row_at"] = versions[TRACE].join(instants.rename("row_at"), on=TRACE)["row_at"]
    return versions[versions["key"] != ""]


def _cells(raw: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    return first_filled([raw[column] for column in columns])


def _sale_keys(raw: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """Name each sale by its _id; a rounded one names several, and so none, and a total is no sale."""
    ids = _cells(raw, columns)
    return lookup_keys(ids).mask(are_rounded_ids(ids) | are_labels(ids), "")


def _assignment_keys(raw: pd.DataFrame, present: dict[str, tuple[str, ...]]) -> pd.Series:
    """Name each assignment by a hash of its phone, its time, and its number among those that agree in both."""
    texts = lookup_keys(_cells(raw, present["leadMobile"])) + "\x1f" + lookup_keys(_cells(raw, present["assignOn"]))
    numbers = texts.groupby(pd.factorize(texts)[0], sort=False).cumcount()
    named = arrow_text(texts + "\x1f" + numbers.astype("str"))
    hashed = [
        hashlib.sha256(text.encode()).digest()[:10].hex()
        for at in range(0, len(named), _AT_A_TIME)
        for text in named.slice(at, _AT_A_TIME).to_pylist()
    ]
    return pd.Series(hashed, index=raw.index, dtype="str")


def _gone(newest: pd.DataFrame, is_here: npt.NDArray[np.bool_], aged: pd.DataFrame) -> pd.DataFrame:
    """Return the newest versions whose row is no longer in its dump, though no window moved past it (`_age`)."""
    missing = newest[(newest["change"] != ABSENT) & ~is_here]
    edges = aged.reindex(missing["dataset"]).set_axis(missing.index)
    # In UTC also when neither dump has a row: NaT alone has no zone.
    oldest, youngest = (pd.to_datetime(edges[name], utc=True) for name in ("oldest", "youngest_aged"))
    return missing[~((missing["row_at"] < oldest) | (missing["row_at"] <= youngest))]


def _changed(before: str, after: str) -> list[str]:
    old, new = json.loads(before), json.loads(after)
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
