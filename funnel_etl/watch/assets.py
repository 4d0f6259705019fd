"""The assets of the watch, and the check `complete` they feed. They read what the lake has, not what the night gave."""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from funnel_etl.core.accounting import Outcome
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.freshness import COMPLETE
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.nights import PARTITION, Night
from funnel_etl.platform.table_asset import table_asset
from funnel_etl.watch import contracts
from funnel_etl.watch.completeness import completeness
from funnel_etl.watch.missing_exports import missing_exports
from funnel_etl.watch.state import newest_webinars, seen_of

GROUP = "watch"
CHECKED = {
    **{source: ["raw", source] for source in contracts.SOURCES},
    "zoom": ["raw", "zoom_reports"],
    "config": CONFIG_VERSIONS.asset_key,
}
"""Source → the asset it comes in by, which shows how complete it is."""


@table_asset(contracts.MISSING_EXPORTS, group=GROUP, resources={"lake_store"})
def missing_exports_asset(night: Night, lake_store: Lake) -> Outcome:
    """List the reports that should be there and are not, by the newest webinars the lake has."""
    return missing_exports(
        newest_webinars(night, lake_store),
        expected=night.config.table("expected_exports"),
        zoom_profiles=night.config.table("zoom_profiles"),
        as_of=night.as_of,
        zone=night.zone,
        after_hours=night.sources.settings.missing_after_hours,
    )


@table_asset(
    contracts.COMPLETENESS, group=GROUP, inputs={"missing": contracts.MISSING_EXPORTS}, resources={"lake_store"}
)
def completeness_asset(night: Night, lake_store: Lake, missing: pd.DataFrame) -> Outcome:
    """Say how far each source's data reach, by what landing and lake have, and what to do."""
    seen = [seen_of(source, night, lake_store) for source in contracts.SOURCES]
    grace_days = -(-night.sources.settings.missing_after_hours // 24)
    return completeness(seen, missing, night.as_of, grace_days)


@dg.multi_asset_check(
    name="complete_sources",
    specs=[
        dg.AssetCheckSpec(
            COMPLETE,
            asset=dg.AssetKey(key),
            additional_deps=[dg.AssetKey(contracts.COMPLETENESS.asset_key)],
            description="The source's data reach as far as they should: ops.completeness. Blocks nothing.",
        )
        for key in CHECKED.values()
    ],
    can_subset=True,
    required_resource_keys={"lake_store"},
)
def complete(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Show each source's completeness on the asset it comes in by."""
    lake, night = context.resources.lake_store, date.fromisoformat(context.run.tags[PARTITION])
    there = lake.exists(contracts.COMPLETENESS, night)
    rows = lake.read(contracts.COMPLETENESS, night).to_dict("records") if there else []
    by_source = {row["source"]: row for row in rows}
    for source, key in CHECKED.items():
        if dg.AssetCheckKey(dg.AssetKey(key), COMPLETE) in context.selected_asset_check_keys:
            yield check_result(key, by_source.get(source))


def check_result(key: list[str], row: dict[Hashable, Any] | None) -> dg.AssetCheckResult:
    """Give what the check shows of a source's row; without one it was not looked at yet."""
    if row is None:
        told, passed, severity = "not looked at yet: run the job `watch`", False, dg.AssetCheckSeverity.WARN
        metadata = {}
    else:
        passed = row["status"] in (contracts.COMPLETE, contracts.QUIET)
        is_failed = row["status"] == contracts.FAILED
        severity = dg.AssetCheckSeverity.ERROR if is_failed else dg.AssetCheckSeverity.WARN
        told = f"{row['status']}: {row['why']}" + ("" if passed else f". {row['who_does_it']}: {row['what_to_do']}")
        through = row["complete_through"]
        metadata = {"complete_through": "never" if pd.isna(through) else f"{through:%Y-%m-%d}"}
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(key),
        check_name=COMPLETE,
        passed=passed,
        severity=severity,
        description=told,
        metadata={"status": "unknown" if row is None else row["status"], **metadata},
    )
