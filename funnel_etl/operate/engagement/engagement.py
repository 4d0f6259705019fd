"""What engagement knows of a webinar: `funnel-etl engagement show/unmatched`. Reads the newest night in the lake.

Here: one webinar in counts, and what it credits to nobody. Not here: why a person has a score (`score`).
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.marts.engagement.contracts import CHAT_UNMATCHED, ENGAGEMENT_FILES, WEBINAR_ENGAGEMENT
from funnel_etl.marts.engagement.score_contracts import ENGAGEMENT_SCORES, SCORE_CALIBRATION
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings


class NothingScored(FunnelError):
    """No night has read what was said in a webinar yet."""


@dataclass(frozen=True)
class WebinarView:
    """One webinar: its tiers with counts, its files, what of its chat is credited, its best scored people."""

    night: date
    occurrence_id: str
    scores: pd.DataFrame
    files: pd.DataFrame
    share: pd.DataFrame
    calibration: pd.DataFrame


def webinar(settings: Settings, name: str | None) -> WebinarView:
    """Return what is known of a webinar: by occurrence_id or webinar id, without a name the newest one.

    Raises `FunnelError` when no night has scored any, or none is called so.
    """
    lake, night = newest(settings)
    scores = lake.read(ENGAGEMENT_SCORES, night)
    there = sorted(scores["occurrence_id"].unique(), key=lambda o: (o.rpartition("-")[2], o))
    chosen = [o for o in there if name is None or name in (o, o.rpartition("-")[0])]
    if not chosen:
        shown = ", ".join(there[-5:]) or "none"
        raise FunnelError("no webinar is called so", where=repr(name), fix=f"name one of the last ones: {shown}")
    files, share = lake.read(ENGAGEMENT_FILES, night), lake.read(WEBINAR_ENGAGEMENT, night)
    return WebinarView(
        night,
        chosen[-1],
        scores[scores["occurrence_id"] == chosen[-1]],
        files[files["occurrence_id"] == chosen[-1]],
        share[share["occurrence_id"] == chosen[-1]],
        lake.read(SCORE_CALIBRATION, night),
    )


def unmatched(settings: Settings) -> tuple[date, pd.DataFrame]:
    """Return the names of the newest night that are credited to nobody, those with most messages first."""
    lake, night = newest(settings)
    rows = lake.read(CHAT_UNMATCHED, night)
    return night, rows.sort_values(["messages", "occurrence_id", "sender_key"], ascending=[False, True, True])


def newest(settings: Settings) -> tuple[Lake, date]:
    """Return the lake and the newest night that has scored webinars. Raises `NothingScored` when none has."""
    lake = Lake(UPath(settings.lake_root))
    tables: tuple[Table, ...] = (ENGAGEMENT_SCORES, ENGAGEMENT_FILES, WEBINAR_ENGAGEMENT, CHAT_UNMATCHED)
    nights = set.intersection(*(set(lake.nights(table)) for table in tables))
    if not nights:
        raise NothingScored("no night has scored a webinar yet", where=settings.lake_root, fix="run: funnel-etl run")
    return lake, max(nights)
