"""The sheet's M0_Leads and M0, as their formulas run, and with any of their rules corrected. Rule: The sheet."""

from copy import copy
from typing import Self

import pandas as pd

from funnel_etl.core.config_tables import MISC, NO_SOURCE, Config, config_spelling, map_sources
from funnel_etl.core.reading.source_frame import SourceFrame
from funnel_etl.core.values.phone import sheet_phone
from funnel_etl.core.values.text import map_unique, squash
from funnel_etl.marts.parity.decompose import Corrected
from funnel_etl.marts.parity.lookups import exact, is_in, trimmed, vlookup
from funnel_etl.marts.parity.sheet_cells import as_dates, as_text
from funnel_etl.marts.parity.zoom_tab import ZoomTab
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_SOURCE

COLUMNS = ["funnel", "assigned_at", "attended", "employee"]


class SheetM0:
    """The sheet's M0 of a night. `variant` gives it with some rules corrected, all of them: as mart has it.

    `leads`: one row per record of tonight's dump, in its order, then the rows that aged out of it; with what the sheet
    sees beside what `clean.assigned_leads` made of it.
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
        sheet_year: int | None,
    ) -> None:
        self.config, self.zoom, self.zone, self.as_of = config, zoom, zone, as_of
        lag = as_of - pd.Timedelta(days=1)  # today - 2
        self.months = {
            "sheet": pd.Timestamp(sheet_year or lag.year, lag.month, 1),
            "year_typed": lag.replace(day=1),
            "month_lag": as_of.replace(day=1),
        }
        leads = _leads(raw, clean, config, zone)
        # The others are in no variant: every month begins later.
        begins = min(self.months.values()).tz_localize(zone)
        leads = leads[(leads["at"] >= begins) | leads["is_text_date"]]
        in_zoom = {f"zoom_{name}": zoom.numbers(leads[name]) for name in ("sheet_phone", "phone")}
        self.leads = leads.assign(**in_zoom)

    def table(self) -> pd.DataFrame:
        """Return the sheet's M0: phone, COLUMNS but assigned_at as an instant, file_id, source_row."""
        rows = self._grouped(frozenset())
        named = rows[["funnel", "at", "attended", "employee", "file_id", "source_row"]]
        return named.rename(columns={"at": "assigned_at"}).reset_index()

    def of(self, phones: pd.Index) -> Self:
        """Return the sheet of the rows that are of some phones, by its rule or by ours: no phone lacks a row of it."""
        own = copy(self)
        own.leads = self.leads[is_in(self.leads["phone"], phones) | is_in(self.leads["sheet_phone"], phones)]
        return own

    def variant(self, corrected: Corrected) -> pd.DataFrame:
        """Return M0 by phone with these rules corrected, its cells as texts."""
        rows = self._grouped(corrected)
        return rows.assign(assigned_at=as_text(rows["at"]))[COLUMNS]

    def _grouped(self, corrected: Corrected) -> pd.DataFrame:
        """Return each phone once: funnel and instant of the first row by date, employee of the first in sheet order."""
        rows = self._in_the_month(corrected)
        phone = rows["phone"] if "phone_rule" in corrected else rows["sheet_phone"]
        rows = rows.assign(key=phone)[phone.notna()]
        # A text, which has no instant, is after every date; of rows of one instant the first in sheet order is first.
        first = rows.sort_values("at", kind="stable", na_position="last").drop_duplicates("key").set_index("key")
        first.index.name = "phone"
        named = first if "sheet_order_employee" in corrected else rows.drop_duplicates("key").set_index("key")
        employee = named["employee"].reindex(first.index)
        employee = squash(employee) if "text_not_trimmed" in corrected else employee
        return first.assign(
            funnel=self._funnels(first, corrected),
            attended=self.zoom.attended(first["zoom_sheet_phone"], first["zoom_phone"], corrected),
            employee=employee.fillna(""),
        )

    def _in_the_month(self, corrected: Corrected) -> pd.DataFrame:
        """Return the rows of M0_Leads: after the start of its month, without an end; a text is after every date."""
        rows = self.leads
        month = self.months["sheet"]
        for rule in ("year_typed", "month_lag"):
            month = self.months[rule] if rule in corrected else month
        start = month.tz_localize(self.zone)
        kept = rows["at"] >= start if "strict_midnight" in corrected else rows["at"] > start
        if "no_upper_bound" in corrected:
            kept &= rows["at"] < (self.as_of + pd.Timedelta(days=1)).tz_localize(self.zone)
        kept |= rows["is_text_date"]
        for rule, is_only_here in (
            ("test_lead", rows["is_test"]),
            ("unparsed_date", rows["is_unparsed"]),
            ("row_quarantined", ~rows["is_clean"] & ~rows["is_unparsed"] & ~rows["is_test"]),
        ):
            if rule in corrected:
                kept &= ~is_only_here
        if "aged_out" not in corrected:
            kept &= ~rows["is_aged_out"]
        return rows[kept]

    def _funnels(self, rows: pd.DataFrame, corrected: Corrected) -> pd.Series:
        form = trimmed if "lookup_not_trimmed" in corrected else exact
        wildcards = "wildcard_criterion" not in corrected
        mapping = self.config.table("funnel_mapping")
        sources = rows["source"].fillna("")
        table = zip(mapping["source_typed"], mapping["funnel"], strict=True)
        found = vlookup(sources, table, form=form, wildcards=wildcards)
        if "dated_mapping" in corrected:
            dated = map_sources(rows["source"], rows["day"], self.config)
            is_literal = ~(sources.str.contains(r"[*?~]") & wildcards)
            found = found.where(~is_literal, dated)
        is_blank = map_unique(sources, form) == ""
        found = found.fillna(MISC).mask(is_blank, NO_SOURCE if "blank_source" in corrected else "")
        if "funnel_spelling" in corrected:
            found = config_spelling(found.where(found != MISC, self.config.misc), self.config)
        return found


def _leads(raw: pd.DataFrame, clean: pd.DataFrame, config: Config, zone: str) -> pd.DataFrame:
    trace = ["file_id", "source_row"]
    source = SourceFrame(raw, ASSIGNED_LEADS_SOURCE, config.aliases("crm_assigned_leads"), "crm_assigned_leads")
    seen = as_dates(source.cells("assignOn"), zone)
    rows = raw[trace].assign(
        source=source.text("sources"),
        sheet_phone=sheet_phone(source.cells("leadMobile")[0]),
        employee=source.text("employee"),
        at=seen["at"],
        is_text_date=seen["is_text"],
        is_unreadable=seen["is_unreadable"],
        is_test=source.exclude_test_leads(),
    )
    known = clean[clean["dump_state"] == "current"]
    rows = rows.merge(known[[*trace, "assigned_date", "phone"]].assign(is_clean=True), on=trace, how="left")
    rows["is_clean"] = rows["is_clean"].fillna(value=False).astype(bool)
    others = source.phones("leadMobile", config.placeholders, rows=~rows["is_clean"].set_axis(raw.index))["phone"]
    rows["phone"] = rows["phone"].fillna(others.set_axis(rows.index[~rows["is_clean"]]))
    rows["is_unparsed"] = ~rows["is_clean"] & rows["is_unreadable"] & ~rows["is_test"]
    aged = clean[clean["dump_state"] != "current"]
    aged = aged[[*trace, "source", "employee", "phone", "assigned_date"]].assign(
        sheet_phone=sheet_phone(aged["phone_raw"]),
        at=aged["assigned_at"],
        is_text_date=False,
        is_clean=True,
        is_unparsed=False,
        is_test=False,
    )
    # Aged rows are before every row of the dump, whose order is the sheet's.
    both = pd.concat([aged.assign(is_aged_out=True), rows.assign(is_aged_out=False)], ignore_index=True)
    return both.rename(columns={"assigned_date": "day"})
