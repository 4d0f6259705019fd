"""The assets of the watch, and the checks they feed. They read what the lake has, not what the night gave."""

from collections.abc import Hashable, Iterator
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.parts import WATCH
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.observe.completeness import contracts
from funnel_etl.observe.completeness.completeness import completeness
from funnel_etl.observe.completeness.missing_exports import missing_exports
from funnel_etl.observe.completeness.phone_contracts import PHONE_SHARES, WITH_PHONES
from funnel_etl.observe.completeness.phone_state import phone_counts_of
from funnel_etl.observe.completeness.phones import phone_shares
from funnel_etl.observe.completeness.state import newest_webinars, state_of
from funnel_etl.observe.completeness.volume_contracts import COUNTED, LOW, VOLUME_ALARMS, VOLUMES
from funnel_etl.observe.completeness.volume_state import limits_of, volumes_of
from funnel_etl.observe.completeness.volumes import volume_alarms, volumes_judged
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REPORTS
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.freshness import COMPLETE, USUAL_VOLUME, watch_checks
from funnel_etl.platform.dagster.nights import PARTITION, Night
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake

GROUP = WATCH
NEWEST = (Earlier.GOOD,)
NEWEST_ROWS = dict.fromkeys((*(source.clean for source in SOURCES.values()), WEBINARS, ZOOM_REPORTS), NEWEST)
"""What is looked at of each source: its newest good rows, whatever the night gave."""
CHECKED = {
    **{source.name: source.raw.asset_key for source in SOURCES.values()},
    contracts.ZOOM: ["raw", "zoom_reports"],
    contracts.CONFIG: CONFIG_VERSIONS.asset_key,
}
"""Source → the asset it comes in by, which shows how complete it is."""
JUDGED = {source: CHECKED[source] for source in dict.fromkeys(each.brought_by for each in COUNTED.values())}
"""Those whose rows are counted by day: their asset also shows whether they are far too few."""
OWN_CHECKS = watch_checks(CHECKED.values(), COMPLETE) | watch_checks(JUDGED.values(), USUAL_VOLUME)
"""The checks that belong to the watch: the night judges without them."""


@table_asset(contracts.MISSING_EXPORTS, group=GROUP, reads_earlier={WEBINARS: NEWEST})
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
    contracts.COMPLETENESS,
    group=GROUP,
    inputs={"missing": contracts.MISSING_EXPORTS},
    reads_earlier={**NEWEST_ROWS, CONFIG_VERSIONS: NEWEST},
)
def completeness_asset(night: Night, lake_store: Lake, missing: pd.DataFrame) -> Outcome:
    """Judge how far each source's data reach, by what landing and lake have, and what to do."""
    seen = [state_of(source, night, lake_store) for source in contracts.WATCHED]
    grace_days = -(-night.sources.settings.missing_after_hours // 24)
    return completeness(seen, missing, night.as_of, grace_days)


@table_asset(VOLUMES, group=GROUP, reads_earlier=NEWEST_ROWS)
def volumes_asset(night: Night, lake_store: Lake) -> Outcome:
    """Judge what is usual of each source's rows, and whether a drop of them could be told."""
    return volumes_judged(volumes_of(night, lake_store), night.as_of, limits_of(night.config))


@table_asset(VOLUME_ALARMS, group=GROUP, reads_earlier=NEWEST_ROWS)
def volume_alarms_asset(night: Night, lake_store: Lake) -> Outcome:
    """List the days of which a source has far too few rows."""
    return volume_alarms(volumes_of(night, lake_store), night.as_of, limits_of(night.config))


@table_asset(
    PHONE_SHARES,
    group=GROUP,
    reads_earlier={SOURCES[name].clean: (Earlier.GOOD, Earlier.WEEK) for name in WITH_PHONES},
)
def phone_shares_asset(night: Night, lake_store: Lake) -> Outcome:
    """Return the share of each source's rows without a phone, and whether it is far larger than usual."""
    return phone_shares(phone_counts_of(night, lake_store), night.as_of, limits_of(night.config).certainty)


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


@dg.multi_asset_check(
    name="usual_volumes",
    specs=[
        dg.AssetCheckSpec(
            USUAL_VOLUME,
            asset=dg.AssetKey(key),
            additional_deps=[dg.AssetKey(VOLUMES.asset_key)],
            description="No day of the last week has far too few rows: ops.volume_alarms. Blocks nothing.",
        )
        for key in JUDGED.values()
    ],
    can_subset=True,
    required_resource_keys={"lake_store"},
)
def usual_volume(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    """Show on the asset a source comes in by whether its rows are far too few."""
    lake, night = context.resources.lake_store, date.fromisoformat(context.run.tags[PARTITION])
    there = lake.exists(VOLUMES, night)
    rows = lake.read(VOLUMES, night).to_dict("records") if there else []
    for source, key in JUDGED.items():
        if dg.AssetCheckKey(dg.AssetKey(key), USUAL_VOLUME) in context.selected_asset_check_keys:
            yield volume_result(key, [row for row in rows if COUNTED[row["source"]].brought_by == source])


def volume_result(key: list[str], rows: list[dict[Hashable, Any]]) -> dg.AssetCheckResult:
    """Return what the check shows of the volumes of a source; without any they were not looked at yet."""
    told = [f"{row['source']}: {row['says']}" for row in rows] or ["not looked at yet: run the job `watch`"]
    low = [COUNTED[row["source"]] for row in rows if row["status"] == LOW]
    told += [f"{words.who}: {words.what_to_do}" for words in low]
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(key),
        check_name=USUAL_VOLUME,
        passed=bool(rows) and not low,
        severity=dg.AssetCheckSeverity.WARN,
        description=". ".join(told),
        metadata={row["source"]: row["status"] for row in rows},
    )


def check_result(key: list[str], row: dict[Hashable, Any] | None) -> dg.AssetCheckResult:
    """Return what the check shows of a source's row; without one it was not looked at yet."""
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
