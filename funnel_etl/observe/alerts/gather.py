"""What is wrong now, and which night is published: read from `ops` and from Dagster's storage."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import dagster as dg
import sqlalchemy as sa

from funnel_etl.core.parts import PARTS
from funnel_etl.core.roles import ENGINEER
from funnel_etl.delivery.waiting import read_not_planned, read_standing
from funnel_etl.observe.alerts.causes import (
    Cause,
    of_exports,
    of_failures,
    of_phones,
    of_sources,
    of_volumes,
    run_key,
    volume_key,
)
from funnel_etl.observe.alerts.contracts import (
    AUTOMATION,
    CHECK,
    CONFIG,
    DELIVERY_KINDS,
    EXPORT,
    NIGHT,
    PHONES,
    RUN,
    SOURCE,
    VOLUME,
)
from funnel_etl.observe.alerts.deliveries import of_deliveries
from funnel_etl.observe.alerts.failures import LOOK_BACK, failed_checks, failed_runs, is_running
from funnel_etl.observe.alerts.summary import summary, whole_night
from funnel_etl.observe.completeness.contracts import COMPLETE, QUIET
from funnel_etl.platform.dagster.automation_state import automation_state

COMPLETENESS = sa.text("SELECT * FROM ops.completeness ORDER BY source")
EXPORTS = sa.text("SELECT * FROM ops.missing_exports ORDER BY expected_date DESC, export_id")
VOLUMES = sa.text("SELECT * FROM ops.volume_alarms ORDER BY day DESC, source")
PHONE_SHARES = sa.text("SELECT * FROM ops.phone_shares WHERE status = 'more' ORDER BY source")
OPEN = sa.text("SELECT cause, kind, first_seen_at, listed_until FROM ops.alerts WHERE resolved_at IS NULL")
OF_CHECKS, OF_RUNS = "check:", "run:"


@dataclass
class Gathered:
    """The causes there are now, and the kinds that were looked at: of another kind nothing is known.

    `unresolved`: causes that are not told any more without being resolved: too old for their list, or told by another.
    """

    causes: list[Cause] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    unresolved: set[str] = field(default_factory=set)


def gather(
    connection: sa.Connection,
    instance: dg.DagsterInstance,
    code: dg.RepositoryDefinition,
    now: datetime,
    *,
    today: date,
    destinations: Collection[str] = (),
) -> Gathered:
    """Return what is wrong and what is published. While a run is going on, what it will have given is not judged.

    `code`: whose checks, schedules and sensors are looked at; `today`: the day in the zone of business; `destinations`:
    those that are on.
    """
    rows, known = _rows(connection, COMPLETENESS), connection.execute(OPEN).all()
    found = Gathered()
    if not is_running(instance, now):
        found = _of_dagster(instance, code, rows, now)
        found.unresolved |= _old_runs(instance, known, found.causes, now)
    told = {row.cause for row in known} if not found.looked else {cause.key for cause in found.causes}
    failed = [key.split(":")[1] for key in told if key.startswith((OF_CHECKS, OF_RUNS))]
    missing = _rows(connection, EXPORTS)
    found.causes += of_sources(rows, failed, lacks_reports=bool(missing))
    found.causes += of_exports(missing)
    volumes = _rows(connection, VOLUMES)
    found.causes += of_volumes(volumes, _behind(rows))
    found.causes += of_phones(_rows(connection, PHONE_SHARES))
    found.unresolved |= {volume_key(row) for row in volumes}
    found.unresolved |= {row.cause for row in known if _is_too_old(row, rows) or _is_behind(row, _behind(rows))}
    found.causes += of_deliveries(read_standing(connection, now), read_not_planned(connection, today), destinations)
    found.looked |= {SOURCE, CONFIG, EXPORT, VOLUME, PHONES, NIGHT, *DELIVERY_KINDS}
    night = whole_night(connection, PARTS)
    if night is not None:
        whos = [cause.who for cause in found.causes if cause.who]
        text = summary(connection, night, {who: whos.count(who) for who in set(whos)})
        found.causes.append(Cause(f"night:{night}", NIGHT, text))
    return found


def _of_dagster(
    instance: dg.DagsterInstance, code: dg.RepositoryDefinition, rows: list[dict[str, Any]], now: datetime
) -> Gathered:
    keys = sorted(code.asset_graph.asset_check_keys, key=lambda key: key.to_user_string())
    failures = [*failed_checks(instance, keys), *failed_runs(instance, now)]
    causes = list(of_failures(failures, _behind(rows)))
    # A daemon that never ran is the choice of who runs nights by the command; one that died is not.
    automatic = [one for one in automation_state(instance, code) if (one.name, one.state) != ("daemon", "off")]
    causes += [
        Cause(f"automation:{one.name}:{one.state}", AUTOMATION, f"{one.name}: {one.says}", one.what_to_do, ENGINEER)
        for one in automatic
        if one.what_to_do
    ]
    return Gathered(causes, {RUN, CHECK, AUTOMATION})


def _old_runs(
    instance: dg.DagsterInstance, known: Sequence[sa.Row[Any]], causes: list[Cause], now: datetime
) -> set[str]:
    """Return the failed runs that are told no more because nobody ran them again for so long."""
    there = {cause.key for cause in causes}
    seen = [row.first_seen_at for row in known if row.kind == RUN and row.cause not in there]
    back = now - min(seen) + LOOK_BACK if seen else None
    return {run_key(failure) for failure in failed_runs(instance, now, back)} if back else set()


def _is_too_old(known: sa.Row[Any], rows: list[dict[str, Any]]) -> bool:
    return known.listed_until is not None and any(row["as_of"] > known.listed_until for row in rows)


def _is_behind(known: sa.Row[Any], behind: dict[str, Any]) -> bool:
    """Return whether an alert is of a source that still does not reach as far as it should, for whatever reason now."""
    source = known.cause.split(":")[1] if known.kind == SOURCE else "config"
    return known.kind in (SOURCE, CONFIG) and source in behind


def _behind(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the day that each source reaches which does not reach as far as it should."""
    return {row["source"]: row["complete_through"] for row in rows if row["status"] not in (COMPLETE, QUIET)}


def _rows(connection: sa.Connection, query: sa.TextClause) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
