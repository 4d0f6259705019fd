"""The trace in `clean.zoom_attendance`: how phone, presence, minutes, category, conductor and day were decided.

Words and counts only: nothing in it tells who somebody is.
"""

import json

import numpy as np
import pandas as pd

from funnel_etl.parts.marketing.zoom.clean.grouping import Groups, any_true, group, take
from funnel_etl.parts.marketing.zoom.clean.people import SEVERAL

BY_OCCURRENCE = {
    "profile": "profile_source",
    "category": "category_source",
    "conductor": "conductor_source",
    "day": "day_source",
}


def decided_by(rows: pd.DataFrame, groups: Groups, people: pd.DataFrame, occurrences: pd.DataFrame) -> pd.Series:
    """Return one JSON object per person; what was not decided is not in it.

    `rows` are those of `attendance.with_times`; `people` is the table, a row per group.
    """
    place = pd.Index(occurrences["occurrence_id"]).get_indexer(pd.Index(people["occurrence_id"]))
    facts = {
        "person": people["person_key"].str.extract("^(email|row):", expand=False).astype("str").fillna("phone"),
        "phone": people["phone_source"].fillna(_without(people)),
        "presence": _presence(rows, groups),
        "minutes": _minutes(people),
        "rows": pd.Series(np.bincount(groups.codes, minlength=groups.count)),
        **{name: take(occurrences[source], place) for name, source in BY_OCCURRENCE.items()},
    }
    return _as_json(pd.DataFrame(facts))


def _without(people: pd.DataFrame) -> pd.Series:
    """Return why each person would have no phone."""
    words = "none: " + people["phone_class"].astype("str")
    return words.mask(people[SEVERAL].astype(bool), "none: several among the leads of this e-mail")


def _presence(rows: pd.DataFrame, groups: Groups) -> pd.Series:
    said_yes = any_true(rows["attended"].fillna(value=False).to_numpy(bool), groups)
    said_no = any_true((~rows["attended"]).fillna(value=False).to_numpy(bool), groups)
    joined = any_true((rows["attended"].isna() & rows["is_present"]).to_numpy(bool), groups)
    dialled_in = any_true(rows["section"].eq("other").to_numpy(bool), groups)
    words = np.select(
        [dialled_in, said_yes, joined, said_no],
        ["other attended", "report says yes", "join time", "report says no"],
        "no join time",
    )
    return pd.Series(words, dtype="str")


def _minutes(people: pd.DataFrame) -> pd.Series:
    count = people["segment_count"].astype("str")
    words = ("union of " + count + " intervals").where(people["segment_count"].ne(1), "one interval")
    words = words.where(people["segment_count"].gt(0), "no usable times")
    return words.where(people["attended"].astype(bool), "no-show")


def _as_json(facts: pd.DataFrame) -> pd.Series:
    """Write each row as a JSON object; each different row once."""
    groups = group(*(facts[name] for name in facts))
    records = facts.iloc[groups.first].to_dict("records")
    texts = [json.dumps({k: v for k, v in r.items() if v == v}, sort_keys=True) for r in records]  # noqa: PLR0124 - NaN
    return pd.Series(np.array([*texts, ""], dtype=object)[groups.codes], index=facts.index, dtype="str")
