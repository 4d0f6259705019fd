"""Which ended runs leave Dagster's storage, with their events. Its ticks go by the times in `dagster.yaml`."""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from funnel_etl.maintenance.retention import Counted, Plan

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_PAGE = 500


def runs_plan(opened: dg.DagsterInstance, keep: int, now: datetime, nights: Collection[date]) -> Plan[str]:
    """Decide on each run, by run_id. `keep`: days that an ended run stays; 0: for ever. `nights`: those of the lake.

    The run that made an asset last stays, and of each of the `nights` too, so that the UI shows what is there.
    """
    plan: Plan[str] = Plan()
    total = opened.get_runs_count()
    old = list(_ended_before(opened, now - timedelta(days=keep))) if keep else []
    shown = _newest_makers(opened, {night.isoformat() for night in nights}) if old else set()
    for run_id in old:
        plan.put(run_id, 0, "made last what the UI shows of an asset or a night" if run_id in shown else None)
    rest = total - len(old)
    if rest:
        plan.staying[f"of the last {keep} days, or not ended" if keep else "for ever (FUNNEL_KEEP_EVENTS_DAYS=0)"] = (
            Counted(rest)
        )
    return plan


def _ended_before(opened: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    cursor = None
    filters = dg.RunsFilter(statuses=ENDED, updated_before=before)
    while page := opened.get_run_records(filters, limit=_PAGE, cursor=cursor):
        yield from (record.dagster_run.run_id for record in page)
        cursor = page[-1].dagster_run.run_id


def _newest_makers(opened: dg.DagsterInstance, nights: Collection[str]) -> set[str]:
    """Return the runs that made an asset, or its partition, last; of nights only of `nights`."""
    found = set()
    for key in opened.get_asset_keys():
        seen: set[str | None] = set()
        cursor, has_more = None, True
        while has_more:
            page = opened.fetch_materializations(dg.AssetRecordsFilter(key), limit=_PAGE, cursor=cursor)
            for record in page.records:
                partition = record.partition_key
                if not seen or (partition not in seen and (partition in nights or not _is_night(partition))):
                    found.add(record.run_id)
                seen.add(partition)
            cursor, has_more = page.cursor, page.has_more
    return found


def _is_night(partition: str | None) -> bool:
    try:
        date.fromisoformat(partition or "")
    except ValueError:
        return False
    return True
