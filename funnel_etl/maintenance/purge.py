"""Removing what nobody needs any more: nights of the lake, bytes of the landing archive, runs of Dagster.

What goes and what stays is decided in `retention` and `old_runs`; here it is removed, and told. Anything may be killed
half-way: the next purge goes on.
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
from upath import UPath

from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import EarlierReads
from funnel_etl.core.values.numbers import grouped
from funnel_etl.maintenance.old_runs import runs_plan
from funnel_etl.maintenance.retention import Plan, by_source, lake_plan, landing_plan, published_last
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing

LAKE, LANDING, RUNS = "lake", "landing archive", "Dagster's runs"
PURGED_METADATA = "purged"
"""Metadata of the job's step: what a purge did, as JSON."""
log = logging.getLogger("funnel_etl.progress")
_STEP = 200


@dataclass(frozen=True)
class PurgeLine:
    """What went from a place, or stayed in it: how many, of how many bytes (0: not known), and what or why."""

    place: str
    what: str
    count: int
    size: int = 0


@dataclass
class Purged:
    """What went, and what stayed and why."""

    removed: list[PurgeLine] = field(default_factory=list)
    kept: list[PurgeLine] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Purged":
        """Read what `to_json` gave."""
        return cls(*([PurgeLine(**line) for line in told[name]] for name in ("removed", "kept")))


def purge(
    settings: Settings,
    opened: dg.DagsterInstance,
    tables: Sequence[Table],
    reads: EarlierReads,
    *,
    dry_run: bool = False,
    now: datetime | None = None,
) -> Purged:
    """Remove what the settings let go, or with `dry_run` only return what that is.

    `reads`: what assets read of nights before their own.
    """
    now, done = now or datetime.now(UTC), Purged()
    lake, landing = Lake(UPath(settings.lake_root)), Landing(UPath(settings.landing_root))
    nights = _lake(done, lake, tables, reads, settings.keep_lake_nights, published_last(landing), dry_run=dry_run)
    _landing(done, landing, settings.keep_landing_days, now, dry_run=dry_run)
    _runs(done, opened, nights, settings.keep_events_days, now, dry_run=dry_run)
    return done


def _lake(
    done: Purged,
    lake: Lake,
    tables: Sequence[Table],
    reads: EarlierReads,
    keep: int,
    compared: Sequence[date],
    *,
    dry_run: bool,
) -> set[date]:
    """Purge the lake, and return the nights of which something is left."""
    plan = lake_plan(lake, tables, reads, keep, compared)
    nights = sorted({night for (_, night), _ in plan.going})
    span = f"tables of nights {nights[0]} to {nights[-1]}" if nights else ""
    _note(done, LAKE, plan, [PurgeLine(LAKE, span, plan.gone.count, plan.gone.size)] if nights else [])
    for at, ((name, night), _) in enumerate(plan.going, start=1):
        if not dry_run:
            lake.remove(name, night)
            _progress(LAKE, at, plan)
    return plan.nights_left


def _landing(done: Purged, landing: Landing, keep: int, now: datetime, *, dry_run: bool) -> None:
    plan = landing_plan(landing, keep, now)
    sizes = dict(plan.going)
    by = by_source(landing, sizes)
    what = ", ".join(f"{count} of {source}" for source, count in by.items())
    gone = [PurgeLine(LANDING, f"files: {what}", plan.gone.count, plan.gone.size)] if sizes else []
    _note(done, LANDING, plan, gone)
    for at, file_id in enumerate(sizes, start=1):
        if not dry_run:
            landing.remove(file_id, f"purged on {now:%Y-%m-%d} by FUNNEL_KEEP_LANDING_DAYS={keep}")
            _progress(LANDING, at, plan)
    if not dry_run:
        landing.sweep()


def _runs(
    done: Purged, opened: dg.DagsterInstance, nights: set[date], keep: int, now: datetime, *, dry_run: bool
) -> None:
    plan = runs_plan(opened, keep, now, nights)
    gone = (
        [PurgeLine(RUNS, f"ended more than {keep} days ago, with their events and logs", plan.gone.count)]
        if plan.going
        else []
    )
    _note(done, RUNS, plan, gone)
    for at, (run_id, _) in enumerate(plan.going, start=1):
        if not dry_run:
            opened.compute_log_manager.delete_logs(prefix=[run_id])
            opened.delete_run(run_id)
            _progress(RUNS, at, plan)


def _note(done: Purged, place: str, plan: Plan[Any], removed: list[PurgeLine]) -> None:
    done.removed += removed
    done.kept += [PurgeLine(place, why, counted.count, counted.size) for why, counted in sorted(plan.staying.items())]


def _progress(place: str, at: int, plan: Plan[Any]) -> None:
    if at % _STEP == 0 or at == plan.gone.count:
        log.info("%s: %s of %s removed", place, grouped(at), grouped(plan.gone.count))
