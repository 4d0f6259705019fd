"""How far the data of each source reach, and what to do about it: what was seen of the sources → `ops.completeness`.

Judged from the days with rows, never from when a run ended. What landing and lake hold of a source is gathered in
`state`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.roles import ANALYST, ENGINEER, MARKETING_OPERATIONS
from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.observe.completeness.contracts import COMPLETE, CONFIG, FAILED, LATE, MISSING, QUIET, ZOOM

GAP_DAYS = 60
USUAL_SHARE = 0.9
"""How many of a source's gaps count as usual: one long silence must not make the next one usual."""
WEEK = 7
"""The usual gap of a source with too few days to know one."""
NOTHING = "nothing"


@dataclass(frozen=True)
class SourceState:
    """What landing and lake hold of a source for a night.

    `made_for`: night of its newest good table up to as_of (NaT: there is none); `days`: the business days of that
    table's rows; `received_at`: when its newest file came; `refused`: why what came for the night was refused, or what
    its checks found; `is_landed`: the night has a file of it.
    """

    source: str
    made_for: pd.Timestamp = pd.NaT  # type: ignore[assignment]
    days: pd.Series = field(default_factory=lambda: pd.Series(dtype="datetime64[us]"))
    received_at: pd.Timestamp = pd.NaT  # type: ignore[assignment]
    refused: str = ""
    is_landed: bool = False


@dataclass(frozen=True)
class _Watched:
    """By which asset a source comes in and which setting says from where; who does what when no new rows come."""

    asset: str
    comes_by: str
    late: str
    who: str


_WATCHED = {
    **{
        source.name: _Watched("/".join(source.raw.asset_key), source.variable, source.upkeep.late, source.upkeep.who)
        for source in SOURCES.values()
    },
    ZOOM: _Watched(
        "clean/webinars",
        "FUNNEL_DROP_DIR",
        "download the attendee reports since then from Zoom and drop them into zoom/ of the drop folder",
        MARKETING_OPERATIONS,
    ),
    CONFIG: _Watched("ops/config_versions", "FUNNEL_CONFIG_DIR", "", MARKETING_OPERATIONS),
}

Verdict = tuple[str, str, str, str | None]
"""Status, why, what to do, who does it."""


def completeness(seen: Sequence[SourceState], missing: pd.DataFrame, as_of: pd.Timestamp, grace_days: int) -> Outcome:
    """Return one row per source. Columns as `ops.completeness`.

    `missing` is `ops.missing_exports` of the night; `grace_days`: how long a Zoom report may take to be dropped.
    """
    rows = pd.DataFrame([_row(each, missing, as_of, grace_days) for each in seen])
    return Outcome(rows, [LedgerLine("sources", len(rows), len(rows))])


def usual_gap(days: pd.Series, as_of: pd.Timestamp) -> int | None:
    """Return how many days usually lie from one day with rows to the next, up to as_of; None: too few such days."""
    recent = days[(days <= as_of) & (days > as_of - pd.Timedelta(days=GAP_DAYS))].drop_duplicates().sort_values()
    gaps = recent.diff().dropna().dt.days
    return int(gaps.quantile(USUAL_SHARE, interpolation="higher")) if len(gaps) else None


def _row(seen: SourceState, missing: pd.DataFrame, as_of: pd.Timestamp, grace_days: int) -> dict[str, Any]:
    # Of a night's table, later days are in part only: they were not over when it was made.
    through = seen.days[seen.days <= (as_of if pd.isna(seen.made_for) else min(as_of, seen.made_for))].max()
    gap = usual_gap(seen.days, as_of)
    if seen.source == CONFIG:
        verdict = _of_config(seen, as_of)
    elif seen.made_for != as_of:
        verdict = _not_taken_in(seen, as_of)
    elif pd.isna(through):
        verdict = _empty(seen)
    elif seen.source == ZOOM and len(missing):
        verdict = _reports_missing(missing, through)
    else:
        verdict = _by_gap(seen.source, through, as_of, gap, grace_days if seen.source == ZOOM else 0)
    status, why, what_to_do, who = verdict
    return {
        "source": seen.source,
        "as_of": as_of,
        "complete_through": through,
        "last_received_at": seen.received_at,
        "status": status,
        "why": why,
        "what_to_do": what_to_do,
        "who_does_it": who,
        "usual_gap_days": None if seen.source == CONFIG else gap,
    }


def _by_gap(source: str, through: pd.Timestamp, as_of: pd.Timestamp, gap: int | None, grace_days: int) -> Verdict:
    """Separate silence that is usual for the source from silence that is not."""
    silent = (as_of - through).days
    if silent == 0:
        return COMPLETE, f"it has rows of {as_of:%Y-%m-%d}", NOTHING, None
    since = f"no row since {through:%Y-%m-%d}"
    usual = f"one day with rows usually follows the other within {_days(gap or WEEK)}"
    if gap is None:
        usual = f"it has too few days with rows to know its habits, so {_days(WEEK)} are allowed"
    if silent < (gap or WEEK) + grace_days:
        return QUIET, f"{since}; {usual}", NOTHING, None
    return LATE, f"{since}, which is {_days(silent)}; {usual}", _WATCHED[source].late, _WATCHED[source].who


def _not_taken_in(seen: SourceState, as_of: pd.Timestamp) -> Verdict:
    watched, night = _WATCHED[seen.source], f"{as_of:%Y-%m-%d}"
    is_new = pd.isna(seen.made_for)
    kept = "nothing of it is there yet" if is_new else f"what is there is of the night {seen.made_for:%Y-%m-%d}"
    if seen.refused:
        what, _, fix = seen.refused.partition(". Fix: ")
        who = ANALYST if "funnel-etl confirm" in fix else ENGINEER
        return FAILED, f"the night {night} refused it: {what}; {kept}", fix or _fix(watched.asset, night), who
    if is_new and not seen.is_landed:
        why = "nothing of it was ever taken in"
        return MISSING, why, f"see that {watched.comes_by} is set and leads to it, then {_run(night)}", ENGINEER
    why = "it was taken in, but could not be worked in" if seen.is_landed else "it could not be had"
    return FAILED, f"the night {night}: {why}; {kept}", _fix(watched.asset, night), ENGINEER


def _of_config(seen: SourceState, as_of: pd.Timestamp) -> Verdict:
    night = f"{as_of:%Y-%m-%d}"
    if seen.made_for != as_of:
        return FAILED, f"the night {night} could not read it", _fix(_WATCHED[CONFIG].asset, night), ENGINEER
    if seen.refused:
        what, _, fix = seen.refused.partition(". Fix: ")
        if ". Fix: " in fix:
            return FAILED, seen.refused, "do what each of them says", MARKETING_OPERATIONS
        return FAILED, what, fix or "correct the cell and save the file as CSV", MARKETING_OPERATIONS
    return COMPLETE, f"every table as it lay there is in force since the night {night} or before", NOTHING, None


def _empty(seen: SourceState) -> Verdict:
    watched = _WATCHED[seen.source]
    if seen.source == ZOOM:
        why = "no attendee report was ever dropped"
        return MISSING, why, "download them from Zoom and drop them into zoom/ of the drop folder", watched.who
    return MISSING, "it was taken in, but has no usable row up to the night", watched.late, watched.who


def _reports_missing(missing: pd.DataFrame, through: pd.Timestamp) -> Verdict:
    days = missing["expected_date"]
    count = f"{len(missing)} report{'s' if len(missing) > 1 else ''} missing, the newest of {days.max():%Y-%m-%d}"
    what = "download what ops.missing_exports lists from Zoom, and drop it into zoom/ of the drop folder"
    return MISSING, f"{count}; the newest attendee report is of {through:%Y-%m-%d}", what, MARKETING_OPERATIONS


def _fix(asset: str, night: str) -> str:
    return f"see why {asset} or what depends on it failed (funnel-etl status, Failed), fix that, then {_run(night)}"


def _run(night: str) -> str:
    return f"funnel-etl run --as-of {night}"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
