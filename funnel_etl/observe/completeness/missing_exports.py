"""Which Zoom reports should be there and are not: `clean.webinars` and `expected_exports.csv` → `ops.missing_exports`.

A missing report is named by what it is of, so that the same one is the same row on every night, and gone when it came.
"""

import pandas as pd

from funnel_etl.core.roles import MARKETING_OPERATIONS
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.dates import day_end
from funnel_etl.core.values.text import lookup_key, lookup_keys
from funnel_etl.observe.completeness.contracts import MISSING_EXPORTS, UNATTENDED, WEEKLY

LOOK_BACK_DAYS = 60
"""Older ones are not listed any more: Zoom itself keeps reports for a limited time, and some were never held."""
HOUR = pd.Timedelta(hours=1)


def missing_exports(
    webinars: pd.DataFrame,
    *,
    expected: pd.DataFrame,
    zoom_profiles: pd.DataFrame,
    as_of: pd.Timestamp,
    zone: str,
    after_hours: int,
) -> Outcome:
    """Return one row per missing report, the newest first. Columns as `ops.missing_exports`.

    `webinars` is `clean.webinars`; `expected` is `expected_exports.csv`. An occurrence people registered for lacks its
    attendee report `after_hours` after its start; a weekly report is missing that long after the end of its day. A
    report that both would tell of is told once, as that of the occurrence.
    """
    end = day_end(as_of, zone)
    occurrences = _of_occurrences(webinars, end, after_hours)
    weekly = _of_weeks(webinars, expected, zoom_profiles, as_of, zone, after_hours)
    told = set(zip(occurrences["expected_date"], lookup_keys(occurrences["profile"]), strict=True))
    is_told = [
        report == "attendee" and (day, lookup_key(profile)) in told
        for day, profile, report in zip(weekly["expected_date"], weekly["profile"], weekly["report"], strict=True)
    ]
    weekly = weekly[[not known for known in is_told]]
    rows = pd.concat([frame for frame in (occurrences, weekly) if len(frame)] or [occurrences], ignore_index=True)
    rows = rows.assign(as_of=as_of, who_does_it=MARKETING_OPERATIONS)
    rows = rows.sort_values(["expected_date", "export_id"], ascending=[False, True], ignore_index=True)
    return summarised(rows, **{"clean.webinars": webinars, "expected_exports.csv": expected})


def _of_occurrences(webinars: pd.DataFrame, end: pd.Timestamp, after_hours: int) -> pd.DataFrame:
    """Return the occurrences that people registered for, and that no attendee report came of."""
    age = ((end - webinars["started_at"]).dt.total_seconds() // 3600).astype("Int64")
    has_people = webinars["has_registration_report"] & webinars["registered_count"].gt(0)
    is_missing = has_people & ~webinars["has_attendee_report"] & age.between(after_hours, LOOK_BACK_DAYS * 24)
    rows = webinars[is_missing.fillna(value=False).astype(bool)]
    return pd.DataFrame(
        {
            "export_id": rows["occurrence_id"] + ":attendee",
            "reason": UNATTENDED,
            "occurrence_id": rows["occurrence_id"],
            "webinar_id": rows["webinar_id"],
            "topic": rows["topic"],
            "profile": rows["profile"],
            "expected_date": rows["event_date"],
            "report": "attendee",
            "age_hours": age[rows.index],
            "what_to_do": (
                "download the attendee report of this webinar from Zoom and drop it into zoom/ of the drop folder; if "
                f"it was not held, nothing: it leaves this list after {LOOK_BACK_DAYS} days"
            ),
        }
    )


def _of_weeks(
    webinars: pd.DataFrame,
    expected: pd.DataFrame,
    zoom_profiles: pd.DataFrame,
    as_of: pd.Timestamp,
    zone: str,
    after_hours: int,
) -> pd.DataFrame:
    """Return the expected weekly reports of days of which none of that kind came, since the profile's first report."""
    known = set(lookup_keys(zoom_profiles["name"]))
    days = pd.date_range(as_of - pd.Timedelta(days=LOOK_BACK_DAYS - 1), as_of, unit="us")
    ages = {day: (day_end(as_of, zone) - day_end(day, zone)) // HOUR for day in days}
    records = []
    lines = expected[["profile", "weekday", "report", "line"]]
    for profile, weekday, report, line in lines.drop_duplicates(["profile", "weekday", "report"]).to_numpy():
        there = _days_with(webinars, lookup_key(profile), report)
        due = [day for day in days[days.day_name() == weekday] if ages[day] >= after_hours]
        # Of a profile of which nothing ever came, one row is enough to say so.
        due = [day for day in due if day >= there.min()] if len(there) else due[-1:]
        what_to_do = (
            f"download the {report} report of this webinar from Zoom and drop it into zoom/ of the drop folder; if it "
            f"was not held, nothing; if it is not weekly any more, take line {line} out of expected_exports.csv"
            if lookup_key(profile) in known
            else f"correct line {line} of expected_exports.csv: its profile is not in zoom_profiles.csv"
        )
        records += [
            {
                "export_id": f"{lookup_key(profile)}:{day:%Y-%m-%d}:{report}",
                "reason": WEEKLY,
                "profile": profile,
                "expected_date": day,
                "report": report,
                "age_hours": ages[day],
                "what_to_do": what_to_do,
            }
            for day in due
            if day not in set(there)
        ]
    return pd.DataFrame(records, columns=MISSING_EXPORTS.names).drop_duplicates("export_id")


def _days_with(webinars: pd.DataFrame, profile: str, report: str) -> pd.Series:
    """Return the days of which a profile's report of that kind is there."""
    has_profile = lookup_keys(webinars["profile"]) == profile
    if report == "registration":
        has_profile |= lookup_keys(webinars["registered_profile"]) == profile
    return webinars.loc[has_profile & webinars[f"has_{report}_report"].astype(bool), "event_date"].drop_duplicates()
