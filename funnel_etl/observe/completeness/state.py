"""What landing and lake hold of each source for a night, whether the night's own assets succeeded or not.

Here: gathering it. Not here: what follows from it (`completeness`, `missing_exports`).
"""

from datetime import date

import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.values.dates import day_end
from funnel_etl.core.values.text import squash
from funnel_etl.observe.completeness.completeness import SourceState
from funnel_etl.observe.completeness.contracts import CONFIG, ZOOM
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REPORTS
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.archive.arrivals import Arrival

REJECTED = "an edit was rejected, and the last good version stays in force"
UNREAD = "an edit may have gone into a file that is no config table"


def newest_good(lake: Lake, table: Table, night: date) -> date | None:
    """Return the newest night up to `night` that made a table which passed its checks."""
    return next((day for day in reversed(lake.nights(table)) if day <= night and not _problems(lake, table, day)), None)


def newest_webinars(night: Night, lake: Lake) -> pd.DataFrame:
    """Return `clean.webinars` of the newest night up to this one that made it; empty when none has."""
    day = newest_good(lake, WEBINARS, night.day)
    return lake.read(WEBINARS, day) if day else WEBINARS.empty()


def state_of(source: str, night: Night, lake: Lake) -> SourceState:
    """Return what is there of a source for a night."""
    if source == CONFIG:
        return _config(night, lake)
    if source == ZOOM:
        return _zoom(night, lake)
    return _pulled(source, night, lake)


def _pulled(source: str, night: Night, lake: Lake) -> SourceState:
    table, column = SOURCES[source].clean, SOURCES[source].day
    day = newest_good(lake, table, night.day)
    landing = night.sources.landing
    files = landing.night(day, source) if day else None
    arrivals = _arrivals(source, night)
    came = [a.received_at for a in arrivals if a.status == "accepted" and (not files or a.file_id in files)]
    return SourceState(
        source,
        pd.Timestamp(day) if day else pd.NaT,  # type: ignore[arg-type]
        lake.read(table.only(column), day)[column].drop_duplicates() if day else SourceState(source).days,
        pd.Timestamp(max(came)) if came and day else pd.NaT,  # type: ignore[arg-type]
        refused=_problems(lake, table, night.day) or _refused(arrivals, night),
        is_landed=landing.night(night.day, source) is not None,
    )


def _zoom(night: Night, lake: Lake) -> SourceState:
    day = newest_good(lake, WEBINARS, night.day)
    is_landed = night.sources.landing.night(night.day, ZOOM) is not None
    if day is None:
        return SourceState(ZOOM, refused=_problems(lake, WEBINARS, night.day), is_landed=is_landed)
    webinars, reports = lake.read(WEBINARS, day), lake.read(ZOOM_REPORTS, day)
    return SourceState(
        ZOOM,
        pd.Timestamp(day),
        webinars.loc[webinars["has_attendee_report"].astype(bool), "event_date"].drop_duplicates(),
        reports.loc[reports["report"] == "attendee", "received_at"].max(),
        refused=_problems(lake, WEBINARS, night.day),
        is_landed=is_landed,
    )


def _config(night: Night, lake: Lake) -> SourceState:
    """Return the nights from whose config nothing was rejected, and what was rejected of this night's."""
    nights = [day for day in reversed(lake.nights(CONFIG_VERSIONS)) if day <= night.day]
    if not nights:
        return SourceState(CONFIG)
    seen = lake.read(CONFIG_VERSIONS, nights[0])
    whole = next((d for d in nights if not lake.read(CONFIG_VERSIONS, d)["status"].eq("rejected").any()), None)
    refused = ""
    if nights[0] == night.day and seen["errors"].notna().any():
        is_rejected = seen["status"].eq("rejected").any()
        refused = f"{REJECTED if is_rejected else UNREAD}: {'; '.join(squash(seen['errors'].dropna()))}"
    return SourceState(
        CONFIG,
        pd.Timestamp(nights[0]),
        pd.Series([whole] if whole else [], dtype="datetime64[us]"),
        seen["received_at"].max(),
        refused=refused,
        is_landed=True,
    )


def _arrivals(source: str, night: Night) -> list[Arrival]:
    """Return the arrivals of a source that a night can have seen: a later night's pulls come after its day ended."""
    landing = night.sources.landing
    later = [day for day in landing.nights(source) if day > night.day]
    until = day_end(pd.Timestamp(min(later)), night.zone) if later else None
    return [a for a in landing.arrivals(source) if until is None or a.received_at < until]


def _refused(arrivals: list[Arrival], night: Night) -> str:
    """Return why the newest file that came after the night's day was refused; empty when it was not."""
    since = [a for a in arrivals if a.received_at >= day_end(night.as_of, night.zone)]
    return (since[-1].reason or "") if since and since[-1].status == "rejected" else ""


def _problems(lake: Lake, table: Table, day: date) -> str:
    """Return which checks a night's table failed; a table that is not there failed none."""
    return "; ".join(lake.read_account(table, day)[0].problems) if lake.exists(table, day) else ""
