"""What the lake holds of each volume: rows by business day, of webinars by profile and day. Not here: judging it."""

import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import Config
from funnel_etl.observe.completeness.completeness import usual_gap
from funnel_etl.observe.completeness.state import newest_good
from funnel_etl.observe.completeness.volume_contracts import COUNTED, VOLUME_ALARMS, VOLUMES
from funnel_etl.observe.completeness.volumes import Limits, Volume
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REPORTS
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake

HELD = {
    "registrations": ("has_registration_report", "registered_count", "registered_profile"),
    "attendances": ("has_attendee_report", "attended_count", "profile"),
}
"""Volumes of webinars: which report must have come, its people, and the profile it is compared by."""


def limits_of(config: Config) -> Limits:
    """Return when a volume is far too low, by `metrics.csv`."""
    return Limits(
        drop_share=float(config.number("volume_drop_share")),
        certainty=float(config.number("volume_certainty")),
        weeks=int(config.number("volume_weeks")),
        holidays=config.holidays,
    )


def volumes_of(night: Night, lake: Lake) -> list[Volume]:
    """Return every volume as the newest good tables up to the night have it, counted once for both tables of them."""

    def make() -> list[Volume]:
        return [_held(name, night, lake) if name in HELD else _daily(name, night, lake) for name in COUNTED]

    return night.shared("its volumes", make, (VOLUMES, VOLUME_ALARMS))


def _daily(name: str, night: Night, lake: Lake) -> Volume:
    source = SOURCES[COUNTED[name].brought_by]
    table, column = source.clean, source.day
    made = newest_good(lake, table, night.day)
    days = lake.read(table.only(column), made)[column].dropna() if made else pd.Series(dtype="datetime64[us]")
    days = days[days <= night.as_of]
    if made is None or days.empty:
        return Volume(name)
    # What has rows every day is judged through the night, also where none came; else through its newest row.
    is_every_day = usual_gap(days, night.as_of) == 1
    until = min(night.as_of, pd.Timestamp(made)) if is_every_day else days.max()
    counts = days.value_counts().reindex(pd.date_range(days.min(), until, unit="us"), fill_value=0)
    return Volume(name, {name: counts}, until)


def _held(name: str, night: Night, lake: Lake) -> Volume:
    made = newest_good(lake, WEBINARS, night.day)
    if made is None:
        return Volume(name, is_held=True)
    report, people, profile = HELD[name]
    webinars = lake.read(WEBINARS, made)
    is_there = webinars[report].astype(bool) & webinars["event_date"].le(night.as_of)
    if name == "registrations":
        is_there &= ~webinars["occurrence_id"].isin(_early(lake.read(ZOOM_REPORTS, made), webinars))
    held = webinars[is_there].assign(profile=webinars[profile].fillna(webinars["profile"]))
    held = held.dropna(subset=["profile"])
    sums = held.groupby(["profile", "event_date"], sort=True)[people].sum()
    series = {str(each): sums[each] for each in sums.index.get_level_values("profile").unique()}
    return Volume(name, series, held["event_date"].max() if len(held) else None, is_held=True)


def _early(reports: pd.DataFrame, webinars: pd.DataFrame) -> set[str]:
    """Return the occurrences whose registration report was made before they began: people still registered after it."""
    own = reports[reports["report"].eq("registration") & reports["in_force"].astype(bool)]
    # Not by `map`: of no webinar at all it gives no instants.
    began = webinars.set_index("occurrence_id")["started_at"].reindex(own["occurrence_id"]).set_axis(own.index)
    return set(own.loc[(own["generated_at"] < began).fillna(value=False), "occurrence_id"])
