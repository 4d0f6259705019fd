"""What the nights before left for tonight's sales and the CRM's history; what the lake lacks is made again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pandas as pd

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.parts.sales import contracts
from funnel_etl.parts.sales.history import crm_history
from funnel_etl.parts.sales.sources import ASSIGNED_LEADS, SALES, SALES_DUMP
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.source_assets import clean_before, clean_of, table_before, write_again
from funnel_etl.platform.lake import Lake


def history_before(night: Night, lake: Lake) -> pd.DataFrame | None:
    """Return `clean.crm_history` of the latest night before, or None when there was none."""
    return table_before(night, lake, contracts.CRM_HISTORY, SALES.sources, _history)


def write_history_again(night: Night, lake: Lake) -> None:
    """Write `clean.crm_history` of a night into the lake, from its landed dumps and the night before in the lake."""
    write_again(night, lake, contracts.CRM_HISTORY, SALES.sources, _history)


def sales_since(night: Night, lake: Lake, after: date | None) -> Iterator[tuple[date, pd.DataFrame]]:
    """Yield `clean.sales` of each night before that is later than `after`, oldest first."""
    held = set(lake.nights(contracts.SALES))
    pulled = set(night.sources.landing.nights(SALES_DUMP.name))
    rows: pd.DataFrame | None = None
    for day in sorted(day for day in held | pulled if day < night.day and (after is None or day > after)):
        if day in held:
            rows = lake.read(contracts.SALES, day)
        else:
            at = replace(night, day=day)
            before = clean_before(SALES_DUMP, at, lake) if rows is None else rows
            try:
                rows = contracts.SALES.conform(clean_of(SALES_DUMP, at, before).rows)
            except SourceRejected:
                continue  # that night made no table then, and makes none now
        yield day, rows


def _history(night: Night, before: pd.DataFrame | None) -> Outcome:
    leads, sales = night.records(ASSIGNED_LEADS).rows, night.records(SALES_DUMP).rows
    clean_leads = ASSIGNED_LEADS.build(leads, night.config, night.zone).rows
    clean = SALES_DUMP.build(sales, night.config, night.zone).rows
    return crm_history(leads, sales, clean_leads, clean, before=before, night=night.as_of, config=night.config)
