"""What the nights before left for tonight: assignments and sales that aged out of the dump, and the CRM's history.

Usually the night before is in the lake. What the lake lacks is made again from the landing archive, oldest night
first, so that the lake stays a cache.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date

import pandas as pd

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.assigned_leads import clean_assigned_leads
from funnel_etl.parts.sales.history import crm_history, with_aged_out_leads, with_aged_out_sales
from funnel_etl.parts.sales.sales import clean_sales, sales_source
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake

Step = Callable[[Night, pd.DataFrame | None], Outcome]
"""Makes a night's table from its landed dumps, given the table of the night before."""


def leads_before(night: Night, lake: Lake) -> pd.DataFrame | None:
    """Give `clean.assigned_leads` of the latest night before, or None when there was none."""
    return _before(night, lake, contracts.ASSIGNED_LEADS, ["crm_assigned_leads"], _leads)


def sales_before(night: Night, lake: Lake) -> pd.DataFrame | None:
    """Give `clean.sales` of the latest night before, or None when there was none."""
    return _before(night, lake, contracts.SALES, ["crm_sales"], _sales)


def history_before(night: Night, lake: Lake) -> pd.DataFrame | None:
    """Give `clean.crm_history` of the latest night before, or None when there was none."""
    return _before(night, lake, contracts.CRM_HISTORY, ["crm_assigned_leads", "crm_sales"], _history)


def remake(night: Night, lake: Lake) -> None:
    """Make of a night what it leaves to the next ones, from its landed dumps and the night before in the lake."""
    landed = {source for source in PULLED if night.sources.landing.night(night.day, source) is not None}
    for table, sources, step in LEFT:
        if not landed.issuperset(sources):
            continue
        newest = max((day for day in lake.nights(table) if day < night.day), default=None)
        try:
            rows = step(night, lake.read(table, newest) if newest else None).rows
        except SourceRejected:
            continue  # that night made no table then, and makes none now
        lake.write(table, night.day, table.conform(rows))


def sales_since(night: Night, lake: Lake, after: date | None) -> Iterator[tuple[date, pd.DataFrame]]:
    """Give `clean.sales` of each night before that is later than `after`, oldest first; what the lake lacks is made."""
    held = set(lake.nights(contracts.SALES))
    pulled = set(night.sources.landing.nights("crm_sales"))
    rows: pd.DataFrame | None = None
    for day in sorted(day for day in held | pulled if day < night.day and (after is None or day > after)):
        if day in held:
            rows = lake.read(contracts.SALES, day)
        else:
            at = replace(night, day=day)
            try:
                rows = contracts.SALES.conform(_sales(at, sales_before(at, lake) if rows is None else rows).rows)
            except SourceRejected:
                continue  # that night made no table then, and makes none now
        yield day, rows


def _before(night: Night, lake: Lake, table: Table, sources: list[str], step: Step) -> pd.DataFrame | None:
    """Give the table of the night before; later nights that landed all `sources` are made again from them."""
    pulled = set.intersection(*(set(night.sources.landing.nights(source)) for source in sources))
    newest = max((day for day in lake.nights(table) if day < night.day), default=None)
    rows = lake.read(table, newest) if newest else None
    for day in sorted(day for day in pulled if day < night.day and (newest is None or day > newest)):
        try:
            rows = step(replace(night, day=day), rows).rows
        except SourceRejected:
            continue  # that night made no table then, and makes none now
    return rows


def _leads(night: Night, before: pd.DataFrame | None) -> Outcome:
    raw = night.records("crm_assigned_leads", contracts.ASSIGNED_LEADS_SOURCE).rows
    return with_aged_out_leads(clean_assigned_leads(raw, night.config, night.zone), before, night.config)


def _sales(night: Night, before: pd.DataFrame | None) -> Outcome:
    raw = night.records("crm_sales", sales_source(night.config)).rows
    return with_aged_out_sales(clean_sales(raw, night.config, night.zone), before, night.config)


def _history(night: Night, before: pd.DataFrame | None) -> Outcome:
    leads = night.records("crm_assigned_leads", contracts.ASSIGNED_LEADS_SOURCE).rows
    sales = night.records("crm_sales", sales_source(night.config)).rows
    clean_leads = clean_assigned_leads(leads, night.config, night.zone).rows
    clean = clean_sales(sales, night.config, night.zone).rows
    return crm_history(leads, sales, clean_leads, clean, before=before, night=night.as_of, config=night.config)


PULLED = ("crm_assigned_leads", "crm_sales")
LEFT: tuple[tuple[Table, tuple[str, ...], Step], ...] = (
    (contracts.ASSIGNED_LEADS, ("crm_assigned_leads",), _leads),
    (contracts.SALES, ("crm_sales",), _sales),
    (contracts.CRM_HISTORY, PULLED, _history),
)
"""What a night leaves to the next ones: the table, the dumps it is made from, and how."""
