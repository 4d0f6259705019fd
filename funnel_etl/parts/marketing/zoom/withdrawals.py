"""Zoom files that a person has withdrawn: kept in the landing archive, in no night from then on. `zoom withdraw`.

A decision about the bytes (`archive/decisions`): the same bytes under another name are withdrawn with them. A night
that a later one has overtaken keeps the files it used.
"""

import re

from upath import UPath

from funnel_etl.core.errors import FunnelError, SourceRejected
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.decisions import Decision, decide, decisions, in_force
from funnel_etl.sources.archive.landing import Landing

KIND = "zoom_withdrawn"
ZOOM = "zoom"
SHOWN = 12
"""Digits of a file_id that name a file to people."""
MOST_LISTED = 8
WHEN = "from the next night or refresh on (now: funnel-etl run)"
_HEX = re.compile(r"[0-9a-f]{4,64}")


def archive(settings: Settings) -> Landing:
    """Return the landing archive of an installation."""
    return Landing(UPath(settings.landing_root))


def withdrawn(landing: Landing) -> dict[str, Decision]:
    """Return the decisions by which files are withdrawn, by file_id."""
    return in_force(landing, KIND)


def ever_decided(landing: Landing) -> frozenset[str]:
    """Return the files that were ever withdrawn, those restored since too."""
    return frozenset(decisions(landing, KIND))


def refusal(file_id: str, decision: Decision) -> SourceRejected:
    """Return why bytes that were withdrawn are not taken again."""
    return SourceRejected(
        f"this file was withdrawn on {decision.at:%Y-%m-%d} ({decision.why}), so it is not taken",
        fix="drop the right report; if this one shall count after all, the engineer can run "
        f"funnel-etl zoom restore {file_id[:SHOWN]}",
    )


def withdraw(landing: Landing, name: str, why: str) -> Arrival:
    """Withdraw the file that a file_id, its beginning or a file name means; returns its arrival. Raises FunnelError."""
    arrival = _the_one(_of_reports(landing), name, "withdraw")
    if (before := withdrawn(landing).get(arrival.file_id)) is not None:
        raise FunnelError(
            f"it was withdrawn already, on {before.at:%Y-%m-%d} ({before.why})", where=_named(arrival), fix="nothing"
        )
    decide(landing, KIND, arrival.file_id, why)
    return arrival


def restore(landing: Landing, name: str, why: str) -> Arrival:
    """Undo the withdrawal of a file; returns its arrival. Raises `FunnelError`."""
    gone = withdrawn(landing)
    reports = _of_reports(landing)
    arrival = _the_one([one for one in reports if one.file_id in gone] or reports, name, "restore")
    if arrival.file_id not in gone:
        raise FunnelError("it is not withdrawn", where=_named(arrival), fix="nothing: it counts")
    decide(landing, KIND, arrival.file_id, why, is_undone=True)
    return arrival


def _of_reports(landing: Landing) -> list[Arrival]:
    return [arrival for arrival in landing.arrivals(ZOOM) if arrival.status == "accepted"]


def _the_one(reports: list[Arrival], name: str, command: str) -> Arrival:
    """Return the one file that is meant."""
    wanted = name.strip()
    named = [one for one in reports if wanted in {one.name, f"{one.folder}/{one.name}"}]
    key = wanted.lower().rpartition("_")[2] if not _HEX.fullmatch(wanted.lower()) else wanted.lower()
    by_id = [one for one in reports if _HEX.fullmatch(key) and one.file_id.startswith(key)]
    found = {one.file_id: one for one in reversed(named or by_id)}
    if len(found) == 1:
        return next(iter(found.values()))
    newest = {one.file_id: one for one in reports[::-1]}
    given = found or newest
    listed = "; ".join(map(_named, list(given.values())[:MOST_LISTED]))
    more = f" and {len(given) - MOST_LISTED} more (ops.files has all)" if len(given) > MOST_LISTED else ""
    what = f"{len(found)} files match this" if found else "no Zoom report that was taken matches this"
    fix = f"funnel-etl zoom {command} FILE_ID, which is one of: {listed}{more}" if listed else "none was taken yet"
    raise FunnelError(what, where=repr(wanted[:80]), fix=fix)


def _named(arrival: Arrival) -> str:
    return f"{arrival.file_id[:SHOWN]} ({arrival.name}, came {arrival.received_at:%Y-%m-%d %H:%M} UTC)"
