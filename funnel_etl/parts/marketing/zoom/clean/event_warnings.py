"""What a person should know of an occurrence after all rules, for `ops.files`, `status`, `zoom check`, the work-list.

Here: the conditions and the words. Not here: how profile, category, conductor and day are chosen (`occurrences`).
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from funnel_etl.core.values.phone import normalise, sheet_phone
from funnel_etl.core.values.text import clean_email

WHO = "marketing operations"
FEWEST, MOST = 5, 0.5
"""A report warns where at least FEWEST people attended and a larger share than MOST of them has no phone."""
MANY = 5
"""A report warns where so many e-mails have one phone: more than a family has."""
_SHARES = ["file_id", "email", "phone"]


class Finding(NamedTuple):
    """What was found of an occurrence, what a person can do about it, and in which table of `config_csv`."""

    says: str
    to_do: str
    decided_in: str = ""


FINDINGS = {
    "webinar_without_profile": Finding(
        "no profile: its topic fits no topic_pattern of zoom_profiles.csv; its clean file is called no_profile_….csv",
        "add the topic to the topic_pattern of a profile in zoom_profiles.csv, or a line for a new profile",
        "zoom_profiles",
    ),
    "webinar_without_registered_profile": Finding(
        "no profile fits its registration report; it gets no clean file of its own",
        "add a line of type registration, with product and use_case of its profile, to zoom_profiles.csv",
        "zoom_profiles",
    ),
    "webinar_with_two_profiles": Finding(
        "two profiles fit its topic as well; the first of zoom_profiles.csv is taken",
        "make one topic_pattern of zoom_profiles.csv narrower, or name the profile of the webinar id in "
        "webinar_overrides.csv",
        "zoom_profiles",
    ),
    "webinar_without_category": Finding(
        "no category: its topic holds no token of category_tokens.csv, and no profile fixes one",
        "add a word of the topic, with its category, to category_tokens.csv",
        "category_tokens",
    ),
    "webinar_category_tie": Finding(
        "its topic holds equally long tokens of several categories; the first of the file is taken",
        "add a longer token to category_tokens.csv, or name the category of the webinar id in webinar_overrides.csv",
        "category_tokens",
    ),
    "webinar_without_conductor": Finding(
        "no conductor: the report names no panelist and no host",
        "name the conductor of the webinar id in webinar_overrides.csv",
        "webinar_overrides",
    ),
    "webinar_conductor_unlisted": Finding(
        "no panelist or host is in conductors.csv; the first one is taken as the conductor",
        "add the name to conductors.csv, or name the conductor of the webinar id in webinar_overrides.csv",
        "conductors",
    ),
    "webinar_day_by_default": Finding(
        "neither its topic nor its weekday says which bootcamp day it is; taken as Day 1",
        "name the day of the webinar id in webinar_overrides.csv, or say Day 1 or Day 2 in the topic",
        "webinar_overrides",
    ),
}
"""What can be undecided of an occurrence, by its kind on the work-list."""
OF_ATTENDEES = ("webinar_without_conductor", "webinar_conductor_unlisted")
"""Kinds that only an attendee report says anything of."""
FEW_PHONES = Finding(
    "most people who attended have no phone: {without} of {attended}",
    "drop the registration report of the webinar too, and ask for the phone in its form; a lead with the same e-mail "
    "and one phone lends it",
)
SHARED_PHONE = Finding(
    "a phone stands with {emails} different e-mails: these people count as one",
    "if it is a teacher's or an office's number, add it to placeholder_phones.csv, and ask for the person's own",
)


def findings(occurrences: pd.DataFrame) -> pd.DataFrame:
    """Return occurrence_id and kind of all that is undecided; `occurrences` is `clean.zoom_occurrences` or webinars."""
    profiled, came = occurrences["profile"].notna(), occurrences["has_attendee_report"].astype(bool)
    registered = occurrences["has_registration_report"].astype(bool)
    found = {
        "webinar_without_profile": ~profiled,
        "webinar_without_registered_profile": profiled & registered & occurrences["registered_profile"].isna(),
        "webinar_with_two_profiles": occurrences["profile_source"].eq("topic_tie"),
        "webinar_without_category": occurrences["category"].isna(),
        "webinar_category_tie": occurrences["category_source"].eq("topic_tie"),
        "webinar_without_conductor": occurrences["conductor"].isna() & came,
        "webinar_conductor_unlisted": occurrences["conductor_source"].isin(["first_panelist", "first_host"]),
        "webinar_day_by_default": occurrences["day_source"].eq("default"),
    }
    parts = [occurrences.loc[is_so, ["occurrence_id"]].assign(kind=kind) for kind, is_so in found.items()]
    return pd.concat(parts, ignore_index=True)


def in_words(finding: Finding, **counts: int) -> str:
    """Return a finding as one warning: what it is, who does what."""
    return f"{finding.says.format(**counts)} ({WHO}: {finding.to_do})"


def lacks_phones(attended: int, without: int) -> bool:
    """Whether so many people without a phone are too many."""
    return attended >= FEWEST and without > attended * MOST


def without_phone(attendance: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return by occurrence_id how many people `attended`, and how many of them `without` a phone."""
    came = attendance[attendance["attended"].fillna(value=False).astype(bool)]
    without = came["phone"].isna().groupby(came["occurrence_id"]).agg(["size", "sum"])
    rows = zip(without.index, without["size"], without["sum"], strict=True)
    return {name: {"attended": int(size), "without": int(count)} for name, size, count in rows}


def with_shared_phones(reports: pd.DataFrame, rows: Sequence[pd.DataFrame], placeholders: frozenset[str]) -> pd.Series:
    """Return the `notes` of each report, with a warning where `MANY` people or more of it have one valid phone.

    `rows` are `raw.zoom_attendee_rows` and `raw.zoom_registrant_rows`.
    """
    people = pd.concat(
        [r.loc[r["section"].isin(["attendee", "registrant"]) & r["row_problem"].isna(), _SHARES] for r in rows],
        ignore_index=True,
    )
    people = people.assign(digits=sheet_phone(people["phone"]), email=clean_email(people["email"]))
    people = people[people["digits"].ne("") & people["email"].notna()].drop_duplicates(["file_id", "digits", "email"])
    shared = people.groupby(["file_id", "digits"]).agg(emails=("email", "size"), phone=("phone", "first")).reset_index()
    shared = shared[shared["emails"] >= MANY]
    shared = shared[normalise(shared["phone"], placeholders)["phone"].notna()]
    emails = reports["file_id"].map(shared.groupby("file_id")["emails"].max())
    notes = [
        own
        if pd.isna(count)
        else json.dumps([*json.loads(own), in_words(SHARED_PHONE, emails=int(count))], ensure_ascii=False)
        for own, count in zip(reports["notes"], emails, strict=True)
    ]
    return pd.Series(notes, index=reports.index, dtype="str")


def file_states(reports: pd.DataFrame, webinars: pd.DataFrame, attendance: pd.DataFrame) -> pd.DataFrame:
    """Return what became of each report, for `ops.files`: file_id, status, occurrence_id, warnings (a list as JSON).

    From `clean.zoom_reports`, `clean.webinars`, `clean.zoom_attendance`. What is undecided of an occurrence stands at
    its reports in force; that a report says the same as another one, at that report.
    """
    words = {"in_force": "loaded", "superseded": "superseded", "subset": "superseded", "duplicate": "duplicate"}
    kinds = findings(webinars).groupby("occurrence_id")["kind"].agg(list).to_dict()
    counts = without_phone(attendance)
    names = reports.set_index("file_id")["name"]
    warnings = []
    for report in reports.to_dict("records"):
        own = list(json.loads(report["notes"]))
        if report["status"] == "in_force":
            occurrence = report["occurrence_id"]
            own += _of_event(report["report"] == "attendee", kinds.get(occurrence, []), counts.get(occurrence))
        elif report["status"] == "duplicate":
            own.append(
                f"it says the same as {names.get(report['superseded_by'], 'another report')}: nothing is counted twice "
                f"({WHO}: nothing to do; one download of a report is enough)"
            )
        warnings.append(json.dumps(own, ensure_ascii=False))
    return reports[["file_id", "occurrence_id"]].assign(warnings=warnings, status=reports["status"].map(words))


def _of_event(of_attendees: bool, kinds: list[str], counts: dict[str, int] | None) -> list[str]:
    found = [in_words(FINDINGS[kind]) for kind in kinds if of_attendees or kind not in OF_ATTENDEES]
    if of_attendees and counts and lacks_phones(**counts):
        found.append(in_words(FEW_PHONES, **counts))
    return found
