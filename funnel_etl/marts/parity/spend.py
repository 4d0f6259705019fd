"""The sheet's spend tab: SUMIFS of cost by the funnels of funnels.csv, over all dates. Rule: The sheet."""

import pandas as pd

from funnel_etl.core.config_tables import UNMAPPED, Config
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.values.money import uses_decimal_commas
from funnel_etl.marts.parity.decompose import Corrected
from funnel_etl.marts.parity.lookups import exact, fits_criterion, trimmed
from funnel_etl.marts.parity.sheet_cells import MICRO, as_dates, as_numbers
from funnel_etl.parts.marketing.contracts import SPEND_SOURCE
from funnel_etl.parts.marketing.spend import SOURCE

PAISA = MICRO // 100


class SheetSpend:
    """The sheet's spend of a night. `variant` gives it with some rules corrected, all of them: as mart has it.

    `lines`: one row per record of the spend sheet; `seen` is the cost a sheet adds, `paise` the canonical one.
    """

    def __init__(
        self, raw: pd.DataFrame, clean: pd.DataFrame, config: Config, *, as_of: pd.Timestamp, zone: str
    ) -> None:
        self.config, self.as_of = config, as_of
        source = SourceFrame(raw, SPEND_SOURCE, config.aliases(SOURCE), SOURCE)
        self.has_decimal_commas = uses_decimal_commas(source.text("cost"))
        trace = ["file_id", "source_row"]
        lines = raw[trace].assign(
            cell=source.text("Funnel").fillna(""),
            seen=as_numbers(source.text("cost")),
            is_unreadable=as_dates(source.cells("date_time"), zone)["is_unreadable"],
            is_total=source.quarantine_totals("date_time", amount="cost"),
        )
        known = clean[[*trace, "spend_date", "cost_inr"]].assign(is_clean=True)
        lines = lines.merge(known, on=trace, how="left").rename(columns={"cost_inr": "paise"})
        lines["is_clean"] = lines["is_clean"].fillna(value=False).astype(bool)
        self.lines = lines
        self.funnels = list(dict.fromkeys(config.table("funnels")["funnel"]))

    def table(self) -> pd.DataFrame:
        """Return the sheet's spend: funnel, spend_inr in whole paise."""
        sums = self._sums(frozenset())
        return pd.DataFrame({"funnel": sums.index, "spend_inr": _paise(sums).to_numpy()})

    def variant(self, corrected: Corrected) -> pd.DataFrame:
        """Return the spend by funnel with these rules corrected, as texts."""
        return as_rows(_paise(self._sums(corrected)))

    def canonical(self, spend_by_funnel: pd.DataFrame) -> pd.DataFrame:
        """Return what mart has, over all months, as `variant` gives the sheet; a known funnel without spend is 0."""
        sums = spend_by_funnel.groupby("funnel")["spend_inr"].sum()
        return as_rows(sums.reindex(sums.index.union(self.funnels), fill_value=0))

    def _sums(self, corrected: Corrected) -> pd.Series:
        """Add up the costs by funnel, in millionths of a rupee."""
        lines = self.lines
        kept = pd.Series(data=True, index=lines.index)
        for rule, goes in (
            ("no_upper_bound", lines["spend_date"] > self.as_of),
            ("total_row", lines["is_total"]),
            ("unparsed_date", ~lines["is_clean"] & ~lines["is_total"] & lines["is_unreadable"]),
            ("row_quarantined", ~lines["is_clean"] & ~lines["is_total"] & ~lines["is_unreadable"]),
        ):
            if rule in corrected:
                kept &= ~goes
        whole = lines["paise"] * PAISA
        amount = lines["seen"]
        if "decimal_comma" in corrected and self.has_decimal_commas:
            amount = whole.where(lines["is_clean"], amount)
        if "text_amount" in corrected:
            amount = amount.fillna(whole)
        if "row_rounding" in corrected:
            amount = whole.where(lines["is_clean"], amount)
        cells = lines["cell"].where(kept, None)
        by_cell = amount[kept].fillna(0).groupby(cells[kept]).sum()
        form = trimmed if "lookup_not_trimmed" in corrected else exact
        wildcards = "wildcard_criterion" not in corrected
        taken: set[str] = set()
        sums = {}
        for funnel in self.funnels:
            fits = fits_criterion(by_cell.index, funnel, form=form, wildcards=wildcards)
            taken |= fits
            sums[funnel] = int(by_cell[sorted(fits)].sum())
        rest = by_cell[~by_cell.index.isin(taken)]
        if "unmapped_spend" in corrected and len(rest):
            sums[UNMAPPED] = sums.get(UNMAPPED, 0) + int(rest.sum())
        return pd.Series(sums, dtype="int64")


def as_rows(paise: pd.Series) -> pd.DataFrame:
    """Write sums in paise as rows of text by funnel."""
    texts = [f"{'-' if p < 0 else ''}{abs(p) // 100}.{abs(p) % 100:02d}" for p in paise.astype("int64").tolist()]
    return pd.DataFrame({"spend_inr": pd.Series(texts, index=paise.index, dtype="str")}).rename_axis("funnel")


def _paise(micro: pd.Series) -> pd.Series:
    """Round half-up, away from zero, to whole paise."""
    signs = micro.map(lambda value: -1 if value < 0 else 1)
    return (micro.abs() * 2 + PAISA) // (PAISA * 2) * signs
