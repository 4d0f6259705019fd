"""The raw and the clean table of a source as assets, from its declaration; and what the nights before left to it.

Usually the night before is in the lake. What the lake lacks is made again from the landing archive, oldest night first,
so that the lake stays a cache.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import dagster as dg
import pandas as pd

from funnel_etl.core.errors import SourceRejected
from funnel_etl.core.source import Source
from funnel_etl.core.tables.accounting import Made, Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.core.tables.validity import Uses, Validity
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.dagster.reuse import key_of, reusable
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

Step = Callable[[Night, pd.DataFrame | None], Outcome]
"""Makes a night's table from its landed dumps, given the table of the night before."""


def source_assets(source: Source, group: str) -> list[dg.AssetsDefinition]:
    """Return the assets that pull a source and make its clean table."""

    def raw(night: Night, lake_store: Lake) -> Outcome:
        def key(file_ids: Sequence[str]) -> str:
            return str(key_of(source.raw, night, lake_store, {}, lambda *_: [*file_ids]))

        def known(file_ids: Sequence[str]) -> Outcome | None:
            return reusable(source.raw, night, lake_store, key(file_ids)) if night.may_reuse else None

        outcome = night.records(source, known)
        if outcome.reused_from is None and (used := night.sources.landing.night(night.day, source.name)):
            outcome.made = Made(key(used), night.day, Validity())
        return outcome

    def clean(night: Night, raw: pd.DataFrame, lake_store: Lake | None = None) -> Outcome:
        today = source.build(raw, night.config, night.zone)
        if source.carry is None or lake_store is None:
            return today
        return source.carry(today, clean_before(source, night, lake_store), night.config)

    raw.__doc__ = f"Pull {source.title} and keep it as text."
    clean.__doc__ = f"Type and normalise {source.title}" + (
        ", and keep the rows that the dump's window moved past." if source.carry else "."
    )
    from_raw = {"raw": source.raw}
    before = {source.clean: (Earlier.BEFORE,)} if source.carry else {}
    of_itself = Uses.SETTLED if source.carry else Uses.NOTHING
    return [
        table_asset(
            source.raw,
            group=group,
            needs=[CONFIG_VERSIONS.asset_key],
            reads_earlier={source.raw: (Earlier.BEFORE,)},
            uses=Uses.SOURCE,
        )(raw),
        table_asset(source.clean, group=group, inputs=from_raw, reads_earlier=before, uses=of_itself)(clean),
    ]


def clean_of(source: Source, night: Night, before: pd.DataFrame | None) -> Outcome:
    """Return the clean table of a night, from its landed dump and that of the night before. Raises `SourceRejected`."""
    today = source.build(night.records(source).rows, night.config, night.zone)
    return source.carry(today, before, night.config) if source.carry else today


def clean_before(source: Source, night: Night, lake: Lake) -> pd.DataFrame | None:
    """Return the clean table of the latest night before, or None when there was none."""

    def step(at: Night, before: pd.DataFrame | None) -> Outcome:
        return clean_of(source, at, before)

    return table_before(night, lake, source.clean, [source], step)


def table_before(
    night: Night, lake: Lake, table: Table, sources: Collection[Source], step: Step
) -> pd.DataFrame | None:
    """Return a table of the latest night before; of nights that the lake lacks it is made from their landed dumps."""
    pulled = set.intersection(*(set(night.sources.landing.nights(source.name)) for source in sources))
    newest = max((day for day in lake.nights(table) if day < night.day), default=None)
    rows = lake.read(table, newest) if newest else None
    for day in sorted(day for day in pulled if day < night.day and (newest is None or day > newest)):
        try:
            rows = step(replace(night, day=day), rows).rows
        except SourceRejected:
            continue  # that night made no table then, and makes none now
    return rows


def write_again(night: Night, lake: Lake, table: Table, sources: Collection[Source], step: Step) -> None:
    """Write a night's table into the lake from its landed dumps; nothing when one did not land, or was refused."""
    if any(night.sources.landing.night(night.day, source.name) is None for source in sources):
        return
    newest = max((day for day in lake.nights(table) if day < night.day), default=None)
    try:
        rows = step(night, lake.read(table, newest) if newest else None).rows
    except SourceRejected:
        return  # that night made no table then, and makes none now
    lake.write(table, night.day, table.conform(rows))


def write_clean_again(source: Source, night: Night, lake: Lake) -> None:
    """Write the clean table of a source into the lake, as `write_again` does."""
    write_again(night, lake, source.clean, [source], lambda at, before: clean_of(source, at, before))
