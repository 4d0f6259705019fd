"""Bootcamps: which occurrences are days of one, and who attended which → `clean.bootcamp_participation`."""

import pandas as pd

from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.core.values.text import lookup_key, map_unique
from funnel_etl.parts.marketing.zoom.clean.grouping import any_true, group
from funnel_etl.parts.marketing.zoom.clean.occurrences import BOOTCAMP
from funnel_etl.parts.marketing.zoom.clean.topics import BOTH, without_day

DAYS_APART = pd.Timedelta(days=3)
"""How far the last day of a bootcamp may be from its first."""


def bootcamp_ids(occurrences: pd.DataFrame) -> pd.Series:
    """Name the bootcamp of each occurrence: topic without its day, plus the first day's date; else missing.

    Occurrences of one topic belong together while they are at most three days after the first.
    """
    days = occurrences[occurrences["source_tag"].eq(BOOTCAMP)].sort_values(
        ["event_date", "started_at", "occurrence_id"]
    )
    title = map_unique(days["topic"].fillna(""), without_day)
    keys = map_unique(title, lookup_key)
    ids = pd.Series(None, index=occurrences.index, dtype="str")
    for labels in keys.groupby(keys).groups.values():
        ids[labels] = _named(title[labels].tolist(), days.loc[labels, "event_date"].tolist())
    return ids


def _named(titles: list[str], dates: list[pd.Timestamp]) -> list[str]:
    """Name the bootcamp of each occurrence of one topic, given by date; the first one's spelling is used."""
    names: list[str] = []
    first: pd.Timestamp | None = None
    name = ""
    for title, date in zip(titles, dates, strict=True):
        if first is None or date - first > DAYS_APART:
            first, name = date, f"{title} {date:%Y-%m-%d}".strip()
        names.append(name)
    return names


def bootcamp_participation(attendance: pd.DataFrame, occurrences: pd.DataFrame) -> Outcome:
    """Return one row per person and bootcamp attended. Columns as `clean.bootcamp_participation`."""
    account = RowAccount(attendance, "clean.zoom_attendance")
    place = pd.Index(occurrences["occurrence_id"]).get_indexer(pd.Index(attendance["occurrence_id"]))
    ids = pd.Series(bootcamp_ids(occurrences).array.take(place, allow_fill=True), index=attendance.index)
    reasons = pd.Series(None, index=attendance.index, dtype="str")
    reasons[~attendance["attended"].fillna(value=False).astype(bool)] = "no_show"
    reasons[ids.isna()] = "not_a_bootcamp"
    account.exclude(reasons)

    # An empty frame would take over the whole index of the ids.
    rows = account.rows().assign(bootcamp_id=ids[account.remaining])
    rows = rows.sort_values(["attended_date", "occurrence_id", "source_row"])
    groups = group(rows["bootcamp_id"], rows["person_key"])
    labels = rows.index.to_numpy()
    later = groups.is_later
    account.merge(pd.Series(labels[groups.first][groups.codes[later]], index=labels[later]), "same_bootcamp")
    day = rows["bootcamp_day"]
    first, second = (any_true(day.isin([name, BOTH]).to_numpy(), groups) for name in ("Day 1", "Day 2"))
    people = rows.iloc[groups.first].reset_index(drop=True)
    people["bootcamp_days"] = (
        pd.Series("Day 1", index=people.index, dtype="str").mask(second, "Day 2").mask(first & second, BOTH)
    )
    return account.outcome(people.sort_values(["bootcamp_id", "person_key"], ignore_index=True))
