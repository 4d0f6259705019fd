"""The sheet's sales tab: final funnel and attended of every row of the dump. Rules: Final funnel, The sheet."""

from copy import copy
from typing import Self

import pandas as pd

from funnel_etl.core.config_tables import MISC, Config, config_spelling
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.values.dates import business_day
from funnel_etl.core.values.phone import sheet_phone
from funnel_etl.core.values.text import is_one_of, lookup_keys, map_unique, squash
from funnel_etl.marts.parity.decompose import Corrected
from funnel_etl.marts.parity.lookups import blanks_trimmed, exact, is_in, trimmed, vlookup
from funnel_etl.marts.parity.sheet_cells import as_dates
from funnel_etl.marts.parity.zoom_tab import ZoomTab
from funnel_etl.parts.sales.final_funnel import crm_funnel
from funnel_etl.parts.sales.sales import SOURCE, chosen_column, quarantine_totals, sales_source

COLUMNS = ["final_funnel", "attended"]
TRACE = ["file_id", "source_row"]
FINAL_RULES = frozenset(
    {"lookup_not_trimmed", "blank_funnel", "wildcard_criterion", "manual_value_unmapped", "blank_manual"}
    | {"manual_funnel_name", "manual_text_mapped", "funnel_spelling"}
)
"""The rules whose correction makes another final funnel of the same row."""


class SheetSales:
    """The sheet's sales of a night. `variant` gives them with some rules corrected, all of them: as mart has them.

    `sales`: one row per record of tonight's dump and per sale that aged out of it. `key`: the sale's _id; of further
    records with it, and of those without one, with the line.
    """

    def __init__(
        self,
        raw: pd.DataFrame,
        clean: pd.DataFrame,
        zoom: ZoomTab,
        config: Config,
        *,
        as_of: pd.Timestamp,
        zone: str,
    ) -> None:
        self.config, self.zoom, self.as_of = config, zoom, as_of
        self.finals: dict[Corrected, pd.Series] = {}
        sales = _sales(raw, clean, config, zone)
        self.sales = sales.assign(**{f"zoom_{name}": zoom.numbers(sales[name]) for name in ("sheet_phone", "phone")})

    def table(self) -> pd.DataFrame:
        """Return the sheet's sales: sale_id, COLUMNS, file_id, source_row."""
        return self._rows(frozenset()).reset_index(drop=True)

    def of(self, keys: pd.Index) -> Self:
        """Return the sheet of the rows of some keys."""
        own = copy(self)
        own.sales = self.sales[is_in(self.sales["key"], keys)]
        own.finals = {}
        return own

    def variant(self, corrected: Corrected) -> pd.DataFrame:
        """Return the sales by key with these rules corrected."""
        return self._rows(corrected)[COLUMNS]

    def _rows(self, corrected: Corrected) -> pd.DataFrame:
        rows = self.sales
        kept = pd.Series(data=True, index=rows.index)
        for rule, goes in (
            ("no_upper_bound", rows["sold_date"] > self.as_of),
            ("uncounted_sale", ~rows["is_counted"]),
            ("total_row", rows["state"] == "total_row"),
            ("unparsed_date", rows["state"] == "unparsed_date"),
            ("duplicate_row", rows["state"] == "duplicate_row"),
            ("row_quarantined", rows["state"] == "row_quarantined"),
        ):
            if rule in corrected:
                kept &= ~goes
        if "aged_out" not in corrected:
            kept &= ~rows["is_aged_out"]
        attended = self.zoom.attended(rows["zoom_sheet_phone"], rows["zoom_phone"], corrected)
        rules = corrected & FINAL_RULES
        if rules not in self.finals:
            self.finals[rules] = self._final(rows, rules)
        return rows.assign(attended=attended, final_funnel=self.finals[rules])[kept].set_index("key")

    def _final(self, rows: pd.DataFrame, corrected: Corrected) -> pd.Series:
        """Return the final funnel by the sheet's column of the truth table, rule by rule turned into ours."""
        form = trimmed if "lookup_not_trimmed" in corrected else exact
        funnel = rows["funnel_text"].fillna("")
        if "blank_funnel" in corrected:
            funnel = funnel.mask(lookup_keys(funnel) == "", rows["funnel"])
        typed = rows["manual"].fillna("")
        sought = blanks_trimmed(typed)
        values = self.config.table("manual_value_funnel")
        pairs = list(zip(values["manual_value_typed"], values["funnel"], strict=True))
        # The sheet looks the value up for Misc only; what it means otherwise is ours to say.
        found = vlookup(sought, pairs, form=form, wildcards="wildcard_criterion" not in corrected)
        mapped = vlookup(typed, pairs, form=trimmed, wildcards=False)
        named = self.config.known_funnel(typed)
        is_misc = map_unique(blanks_trimmed(funnel), form) == form(MISC)
        is_blank = lookup_keys(typed) == ""
        shown = funnel.mask((typed != "") & ~is_misc, typed)
        for rule, holds, value in (
            ("manual_value_unmapped", ~is_blank & mapped.isna() & named.isna() & ~is_misc, funnel),
            ("blank_manual", is_blank & ~is_misc, funnel),
            ("manual_funnel_name", named.notna() & mapped.isna(), named),
            ("manual_text_mapped", mapped.notna() & ~is_misc, mapped),
        ):
            if rule in corrected:
                shown = shown.mask(holds, value)
        shown = shown.mask(found.notna() & is_misc, found)
        return config_spelling(squash(shown).fillna(""), self.config) if "funnel_spelling" in corrected else shown


def _sales(raw: pd.DataFrame, clean: pd.DataFrame, config: Config, zone: str) -> pd.DataFrame:
    source = SourceFrame(raw, sales_source(config), config.aliases(SOURCE), SOURCE)
    known = clean[[*TRACE, "sale_id", "phone", "sold_date", "is_counted", "funnel", "manual_mapping", "dump_state"]]
    aged = known[known["dump_state"] != "current"]
    seen = as_dates(source.cells(chosen_column(config, "sale_date_column")), zone)
    rows = raw[TRACE].assign(
        raw_id=squash(source.text("_id")),
        funnel_text=source.text("Funnel"),
        sheet_phone=sheet_phone(source.cells("StudentContact")[0]),
        is_unreadable=seen["is_unreadable"],
        is_total=quarantine_totals(source, config),
    )
    rows = rows.merge(known[known["dump_state"] == "current"], on=TRACE, how="left")
    if "Funnel" not in source.present:  # then the sheet derives it too
        days = business_day(seen["at"], zone)
        rows["funnel_text"] = crm_funnel(source.text("Funnel"), source.text("assignedLeadSources"), days, config)
    is_clean = rows["sale_id"].notna()
    is_again = is_one_of(rows["raw_id"], rows["sale_id"])
    state = pd.Series("row_quarantined", index=rows.index).mask(is_again, "duplicate_row")
    state = state.mask(rows["is_unreadable"], "unparsed_date").mask(rows["is_total"], "total_row")
    state = state.mask(is_clean, "clean")
    typed = config.table("manual_mapping").drop_duplicates("sale_id", keep="last").set_index("sale_id")["manual_value"]
    rows = rows.assign(state=state, manual=rows["raw_id"].map(typed), is_aged_out=False)
    old = aged.assign(
        raw_id=aged["sale_id"],
        funnel_text=aged["funnel"],
        sheet_phone=sheet_phone(clean.loc[aged.index, "phone_raw"]),
        state="clean",
        manual=aged["manual_mapping"],
        is_aged_out=True,
    )
    both = pd.concat([rows, old], ignore_index=True)
    both["is_counted"] = both["is_counted"].fillna(value=True).astype(bool)
    return both.assign(sale_id=both["raw_id"].fillna(""), key=_keys(both))


def _keys(rows: pd.DataFrame) -> pd.Series:
    """Name each row: by its _id, where it is the one that is clean or the only one with it; else with its line.

    Of rows with one _id (or none) that first stood on that line of several dumps, the second has a 2, and so on.
    """
    first = rows.assign(rank=(rows["state"] != "clean").astype(int)).sort_values("rank", kind="stable")
    speaks = ~first.duplicated("raw_id") & first["raw_id"].notna()
    plain = speaks.reindex(rows.index)
    named = (rows["raw_id"].fillna("") + " line " + rows["source_row"].astype("str")).str.strip()
    number = named.groupby(named).cumcount() + 1
    named = named.where(number == 1, named + " (" + number.astype("str") + ")")
    return rows["raw_id"].fillna("").where(plain, named)
