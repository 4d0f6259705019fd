"""Which profile of `zoom_profiles.csv` an occurrence and its reports have.

Here: the choice by override, sub-folder and topic. Not here: what follows from it (`occurrences`, `clean_files`).
"""

from collections.abc import Callable

import pandas as pd

from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import lookup_key, lookup_keys, map_unique

DUAL = "bootcamp_dual"
ATTENDED = ("webinar_attended", DUAL)
REGISTERED = ("registration", DUAL)
"""Types of profile for an attendee report and for a registration report."""

Note = Callable[[pd.Series, str], None]


class Profiles:
    """The profiles in file order, by the `lookup_key` of their name; of two of one name the first."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.by_key = table.assign(key=lookup_keys(table["name"])).drop_duplicates("key").set_index("key")
        self._event = lookup_keys(self.by_key["product"]) + "\n" + lookup_keys(self.by_key["use_case"])
        self._patterns = [
            (str(key), wildcard(part), lookup_key(part))
            for key, cell in self.by_key["topic_pattern"].items()
            for part in str(cell).split("|")
            if lookup_key(part)
        ]

    def known(self, names: pd.Series) -> pd.Series:
        """Return the keys of named profiles, missing where there is none of that name."""
        keys = lookup_keys(names)
        return keys.where(keys.isin(self.by_key.index))

    def fits(self, keys: pd.Series, types: tuple[str, ...]) -> pd.Series:
        """Return, for each key, whether its profile is for the report of `types`."""
        return keys.isin(self.by_key.index[self.by_key["type"].isin(types)])

    def counterpart(self, keys: pd.Series, types: tuple[str, ...]) -> pd.Series:
        """Return each profile if it is of `types`, else the first of them with its product and use case."""
        fitting = self._event[self.by_key["type"].isin(types)]
        named = fitting[~fitting.str.endswith("\n")].drop_duplicates()
        by_event = pd.Series(named.index, index=named.to_numpy(), dtype="str")
        other = keys.map(self._event).astype("str").map(by_event).astype("str")
        return keys.where(self.fits(keys, types), other)

    def by_topic(self, topics: pd.Series, types: tuple[str, ...]) -> pd.Series:
        """Return the first profile of `types`, in file order, one of whose patterns is the whole topic."""
        return map_unique(topics, lambda topic: next(iter(self._fitting(topic, types)), None))

    def is_tie(self, topics: pd.Series, types: tuple[str, ...]) -> pd.Series:
        """Whether a profile further down, of the same source tag, fits a topic by the same pattern or a longer one.

        A broader one below (`*tls*` below `*contract drafting*`) is no tie, nor is a webinar's below a bootcamp's.
        """
        tags = self.by_key["source_tag"]

        def tied(topic: str) -> bool:
            (first, own), *others = self._fitting(topic, types).items() or [("", "")]
            is_as_close = (len(other) > len(own) or other == own for _, other in others)
            return any(close and tags[key] == tags[first] for close, (key, _) in zip(is_as_close, others, strict=True))

        found = {topic: tied(topic) for topic in topics.dropna().unique()}
        return topics.map(found).fillna(value=False).astype(bool)

    def _fitting(self, topic: str, types: tuple[str, ...]) -> dict[str, str]:
        """Return the profiles of `types` that fit a topic, in file order, with the longest pattern that does."""
        text, fitting = lookup_key(topic), set(self.by_key.index[self.by_key["type"].isin(types)])
        found: dict[str, str] = {}
        for key, pattern, written in self._patterns:
            if key in fitting and pattern.fullmatch(text):
                found[key] = max(written, found.get(key, ""), key=len)
        return found

    def column(self, keys: pd.Series, name: str) -> pd.Series:
        """Return what the profiles say in a column."""
        return keys.map(self.by_key[name]).astype("str")


def choose(rows: pd.DataFrame, overrides: pd.DataFrame, profiles: Profiles, note: Note) -> pd.DataFrame:
    """Return `profile` and `registered_profile` (keys) and `profile_source` of each occurrence.

    `rows` have topic, attendee_folder, registration_folder and which reports there are; `overrides` have profile and
    registered_profile. What is forced, by override,
    by the sub-folder of the attendee report, then of the registration report, goes before the topic. A profile for the
    other report stands for its counterpart: that of the same product and use case. `registered_profile` is that of
    the registration report; only occurrences without any profile for attendees have one for registrants as `profile`.
    """
    forced = {"override": overrides["profile"], "folder": rows["attendee_folder"].fillna(rows["registration_folder"])}
    forced_keys = {source: profiles.known(names) for source, names in forced.items()}
    for source, names in (
        ("file_overrides.csv or webinar_overrides.csv", overrides["profile"]),
        ("the sub-folder of its attendee report", rows["attendee_folder"]),
        ("the sub-folder of its registration report", rows["registration_folder"]),
    ):
        note(names.notna() & profiles.known(names).isna(), f"its profile by {source} is not in zoom_profiles.csv")
    found = pd.DataFrame({"profile": None, "profile_source": None}, index=rows.index, dtype="str")
    for types in (ATTENDED, REGISTERED):
        choices = [(source, profiles.counterpart(keys, types)) for source, keys in forced_keys.items()]
        for source, keys in [*choices, ("topic", profiles.by_topic(rows["topic"], types))]:
            is_new = found["profile"].isna() & keys.notna()
            found.loc[is_new, "profile"] = keys[is_new]
            found.loc[is_new, "profile_source"] = source
            if source == "topic":
                found.loc[is_new & profiles.is_tie(rows["topic"], types), "profile_source"] = "topic_tie"
    said = profiles.known(overrides["registered_profile"])
    found["registered_profile"] = _registered(rows, said, found["profile"], profiles)
    is_asked = rows["has_registration_report"] & found["profile"].notna()
    note(is_asked & found["registered_profile"].isna(), "no profile fits its registration report")
    is_odd = rows["has_attendee_report"] & ~profiles.fits(found["profile"], ATTENDED) & found["profile"].notna()
    note(is_odd, "no profile fits its attendee report")
    return found


def _registered(rows: pd.DataFrame, override: pd.Series, attended: pd.Series, profiles: Profiles) -> pd.Series:
    """Choose the profile of the registration report: forced, else the counterpart, else by topic with the same tag."""
    by_topic = profiles.by_topic(rows["topic"], REGISTERED)
    is_same_tag = profiles.column(by_topic, "source_tag").eq(profiles.column(attended, "source_tag"))
    own_folder = profiles.known(rows["registration_folder"])
    found = pd.Series(None, index=rows.index, dtype="str")
    for keys in (override, own_folder, attended):
        found = found.fillna(profiles.counterpart(keys, REGISTERED))
    return found.fillna(by_topic.where(is_same_tag | attended.isna()))
