"""Sales about which nobody has decided: of a status that `metrics.csv` does not know, or of rows that contradict.

Both kinds count by the rules as they are (`parts/sales/sales`); here is what of it a person should look at.
"""

from decimal import Decimal

import pandas as pd

from funnel_etl.core.config_models import COUNTED, EXCLUDED, statuses_of
from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.csvfile import RESERVED
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.numbers import rupees
from funnel_etl.core.values.text import lookup_keys
from funnel_etl.marts.funnel.worklist.similar_names import suggestions
from funnel_etl.parts.sales.sales import SOURCE, chosen_column, is_counted, sales_source

CONFLICT = "same_id_conflict"
DIFFERING_SHOWN = 4
"""So many columns in which two rows differ are named."""


def unknown_statuses(sold: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the counted sales whose status is in neither list of `metrics.csv`; a blank one counts by rule."""
    keys = lookup_keys(sold["status"])
    known = config.statuses(EXCLUDED) | config.statuses(COUNTED)
    return sold[sold["is_counted"].astype(bool) & (keys != "") & ~keys.isin(known)]


def status_suggestions(names: pd.Series, config: Config) -> pd.DataFrame:
    """Return SUGGESTION for statuses (`suggested_funnel` is the list the similar one is in)."""
    lists = [(status, name) for name in (EXCLUDED, COUNTED) for status in statuses_of(config.metric(name))]
    return suggestions(names, pd.DataFrame(lists, columns=["name", "funnel"], dtype="str"))


def conflicting_sales(raw: pd.DataFrame, merged: pd.DataFrame, sales: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return one row per sale of which rows were merged though they differ, with `detail` of all of them.

    `merged`: what was merged in `clean.sales`. `revenue_inr`: what it would be off by, if the merged rows were right:
    the sum over them of the difference in what counts.
    """
    found = merged[merged["reason"] == CONFLICT]
    into = {"into_file_id": "file_id", "into_source_row": "source_row"}
    pairs = found[[*TRACE, *into]].rename(columns={n: f"gone_{n}" for n in TRACE}).rename(columns=into)
    pairs = pairs.astype({"source_row": "Int64", "gone_source_row": "Int64"}).astype(
        {"file_id": "str", "gone_file_id": "str"}
    )
    columns = [*TRACE, "sale_id", "sold_date", "status", "revenue_inr", "is_counted"]
    pairs = pairs.merge(sales[columns], on=TRACE).sort_values("sale_id", kind="stable", ignore_index=True)
    gone = _raw_rows(raw, pairs[["gone_file_id", "gone_source_row"]])
    kept = _raw_rows(raw, pairs[TRACE])
    source = SourceFrame(gone, sales_source(config), config.aliases(SOURCE), SOURCE)
    status, amount = source.text("status"), source.money(chosen_column(config, "revenue_column"))
    of_kept = pairs["revenue_inr"].where(pairs["is_counted"].astype(bool), 0).fillna(0)
    of_gone = amount.where(is_counted(status, config), 0).fillna(0)
    rows = pairs.assign(
        differs=(of_kept - of_gone).abs(),
        kept=_described("kept", pairs["source_row"], pairs["revenue_inr"], pairs["status"]),
        gone=_described("merged", pairs["gone_source_row"], amount, status) + _differing(kept, gone),
    )
    by_sale = rows.groupby("sale_id", sort=False)
    lines = by_sale.agg(rows_count=("gone", "size"), revenue_inr=("differs", "sum"), gone=("gone", "; ".join))
    one = rows.drop_duplicates("sale_id").set_index("sale_id")[["sold_date", "is_counted", "kept", *TRACE]]
    joined = one.join(lines).reset_index()
    return joined.assign(rows_count=joined["rows_count"] + 1, detail=joined["kept"] + "; " + joined["gone"])


def _raw_rows(raw: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a raw table at (file_id, source_row), in that order."""
    wanted = raw[raw["source_row"].isin(places.iloc[:, 1])]
    return places.set_axis(TRACE, axis="columns").merge(wanted, on=TRACE, how="left")


def _described(word: str, lines: pd.Series, paise: pd.Series, statuses: pd.Series) -> pd.Series:
    amounts = paise.map(lambda amount: rupees(Decimal(int(amount)) / 100), na_action="ignore")
    shown = statuses.map(without_contacts, na_action="ignore").astype("str").str.strip()
    shown = shown.mask(shown == "").fillna("no status")
    told: pd.Series = (
        f"{word}: line " + lines.astype("str") + ", " + amounts.astype("str").fillna("no amount") + ", " + shown
    )
    return told


def _differing(kept: pd.DataFrame, gone: pd.DataFrame) -> pd.Series:
    """Return which columns of the dump differ, as a text behind a row."""
    columns = [column for column in kept.columns if column not in RESERVED]
    unlike = kept[columns].fillna("").ne(gone[columns].fillna(""))
    named = [
        [column for column, differs in zip(columns, row, strict=True) if differs] for row in unlike.to_numpy().tolist()
    ]
    texts = [
        f" (differs in {', '.join(names[:DIFFERING_SHOWN])}{' …' if len(names) > DIFFERING_SHOWN else ''})"
        for names in named
    ]
    return pd.Series(texts, index=kept.index, dtype="str")
