"""Which line of `funnel_mapping.csv` each CRM source uses on its day, and which one ended before it."""

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.values.text import lookup_key, lookup_keys, squash
from funnel_etl.parts.sales.final_funnel import split_sources


def carried_sources(assigned_leads: pd.DataFrame, sales: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return one row per CRM source that a row carries: assignments with a source, and each lead source of each sale.

    Columns: source, day, is_assignment, sale_id (missing for an assignment), file_id, source_row. A cell of lead
    sources is one source where it is mapped whole: a source's own name may hold a comma. Rule: Sales.
    """
    assigned = assigned_leads[[*TRACE, "source"]].assign(day=assigned_leads["assigned_date"], is_assignment=True)
    mapped = set(lookup_keys(config.table("funnel_mapping")["source"]))
    cells = sales["assigned_lead_sources"].fillna("")
    names = {cell: [cell] if lookup_key(cell) in mapped else split_sources(cell) for cell in cells.unique()}
    sold = sales[[*TRACE, "sale_id"]].assign(source=cells.map(names), day=sales["sold_date"], is_assignment=False)
    sold = sold.explode("source")
    sold["source"] = squash(sold["source"].astype("str"))
    rows = pd.concat([assigned.assign(sale_id=pd.Series(None, index=assigned.index, dtype="str")), sold])
    return rows[lookup_keys(rows["source"]) != ""].reset_index(drop=True)


def judged(rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Add `used_line` (the one that covers the source on its day) and `ended_line` (the last one that ended before).

    Both are lines of `funnel_mapping.csv`, missing where there is none. Rows without a source are left out.
    """
    rows = rows.assign(key=lookup_keys(rows["source"]))
    rows = rows[rows["key"] != ""]
    mapping = config.table("funnel_mapping")
    lines = mapping[["valid_from", "valid_to", "line"]].assign(key=lookup_keys(mapping["source"]))
    pairs = rows[["key", "day"]].drop_duplicates().merge(lines, on="key")
    begun = pairs["valid_from"].isna() | (pairs["day"] >= pairs["valid_from"])
    lasting = pairs["valid_to"].isna() | (pairs["day"] <= pairs["valid_to"])
    used = pairs[begun & lasting].drop_duplicates(["key", "day"])[["key", "day", "line"]]
    ended = pairs[~lasting].sort_values(["valid_to", "line"]).drop_duplicates(["key", "day"], keep="last")
    given = rows.merge(used.rename(columns={"line": "used_line"}), on=["key", "day"], how="left")
    given = given.merge(
        ended[["key", "day", "line"]].rename(columns={"line": "ended_line"}), on=["key", "day"], how="left"
    )
    return given.drop(columns="key").set_axis(rows.index)
