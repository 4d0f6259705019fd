"""Which funnel a sale counts for: the CRM's funnel, its derivation from lead sources, and what a person typed over it.

Rules: Sales, Final funnel.
"""

import json

import pandas as pd

from funnel_etl.core.config_tables import MISC, NO_SOURCE, Config, config_spelling, map_sources
from funnel_etl.core.values.text import lookup_key, lookup_keys, squash


def crm_funnel(given: pd.Series, lead_sources: pd.Series, sold_date: pd.Series, config: Config) -> pd.Series:
    """Return each sale's funnel before manual mapping: the CRM's own, else the first lead source that maps on that day.

    None of the sources maps: Misc; there are none: (no source). A name that is not in `funnels.csv` is kept, trimmed.
    """
    own = squash(given)
    derived = _from_lead_sources(lead_sources[own.isna()], sold_date, config)
    return config_spelling(own.fillna(derived), config)


def final_funnel(sale_id: pd.Series, funnel: pd.Series, config: Config) -> pd.DataFrame:
    """Return `manual_mapping` (as typed), `final_funnel` and `final_funnel_rule` of each sale: FINAL_FUNNEL_RULES."""
    typed = config.table("manual_mapping").drop_duplicates("sale_id", keep="last").set_index("sale_id")["manual_value"]
    manual = sale_id.map(typed).astype("str").replace("", None)
    values = config.table("manual_value_funnel")
    value_funnel = dict(
        zip(lookup_keys(values["manual_value"]), config_spelling(values["funnel"], config), strict=True)
    )
    mapped = lookup_keys(manual).map(value_funnel).astype("str")
    named = config.known_funnel(manual)
    is_misc = lookup_keys(funnel) == lookup_key(MISC)

    rule = pd.Series("manual_value_unmapped", index=funnel.index, dtype="str")
    rule = rule.mask(named.notna(), "manual_funnel_name")
    rule = rule.mask(mapped.notna(), "manual_text_mapped").mask(mapped.notna() & is_misc, "manual_mapped")
    # Misc with a blank value is plain Misc: the sheet looks blanks up and finds nothing, as we do.
    is_blank = lookup_keys(manual) == ""
    rule = rule.mask(is_blank, "blank_manual").mask(manual.isna() | (is_blank & is_misc), "crm_funnel")
    return pd.DataFrame(
        {"manual_mapping": manual, "final_funnel": mapped.fillna(named).fillna(funnel), "final_funnel_rule": rule}
    )


def split_sources(cell: str) -> list[str]:
    """Split a cell of lead sources: a JSON list, or names between `,` `;` `|`. Blank names are left out."""
    text = cell.strip()
    if text.startswith("["):
        try:
            names = [str(name) for name in json.loads(text) if name is not None]
        except ValueError:
            names = text.strip("[]").replace('"', "").replace("'", "").split(",")
    else:
        names = text.replace(";", ",").replace("|", ",").split(",")
    return [name.strip() for name in names if lookup_key(name)]


def _from_lead_sources(cells: pd.Series, sold_date: pd.Series, config: Config) -> pd.Series:
    """Map each sale's lead sources in order; the first that maps wins.

    A cell is tried whole first: a source's own name may hold a comma.
    """
    lists = cells.fillna("").map({cell: [cell, *split_sources(cell)] for cell in cells.fillna("").unique()})
    names = lists.explode()
    days = sold_date.reindex(names.index)
    flat = pd.DataFrame({"name": names.astype("str").to_numpy(), "day": days.to_numpy(), "sale": names.index})
    flat["funnel"] = map_sources(flat["name"], flat["day"], config).where(lookup_keys(flat["name"]) != "")
    first = flat.dropna(subset="funnel").drop_duplicates("sale").set_index("sale")["funnel"]
    has_any = pd.Series([bool(split_sources(cell)) for cell in cells.fillna("")], index=cells.index, dtype=bool)
    return first.reindex(cells.index).astype("str").fillna(config.misc).where(has_any, NO_SOURCE)
