"""What the topic of a webinar says: bootcamp or not, which day, which category.

Here: readings of one text. Not here: what profiles and overrides say instead (`occurrences`).
"""

import re

import pandas as pd

from funnel_etl.core.values.text import lookup_key, map_unique, squash_one

BOTH = "Both"
DAYS = ("Day 1", "Day 2", BOTH)

_DAY = re.compile(r"(?<![A-Za-z])day[\s\-_]*([12])(?!\d)", re.IGNORECASE)
_BOOTCAMP = re.compile(r"(?<![A-Za-z])bootcamp(?![A-Za-z])", re.IGNORECASE)
_EMPTY_BRACKETS = re.compile(r"[(\[{][\s\-_:|,;&+/]*[)\]}]")
_LOOSE_ENDS = " -_:|,;&+/–—·."
_WEEKDAYS = {5: "Day 1", 6: "Day 2"}


def is_bootcamp(topics: pd.Series) -> pd.Series:
    """Return, for each topic, whether it has the word bootcamp."""
    return topics.fillna("").str.contains(_BOOTCAMP).astype("boolean")


def bootcamp_days(topics: pd.Series, event_dates: pd.Series) -> pd.DataFrame:
    """Return `bootcamp_day` and `day_source` (topic, weekday, default) by topic, else by the day of the week.

    A topic that names both days is both. Rule: Bootcamp day.
    """
    day = map_unique(topics, day_in_topic)
    by_weekday = event_dates.dt.day_of_week.map(_WEEKDAYS).astype("str")
    source = pd.Series("default", index=topics.index, dtype="str")
    source = source.mask(by_weekday.notna(), "weekday").mask(day.notna(), "topic")
    return pd.DataFrame({"bootcamp_day": day.fillna(by_weekday).fillna("Day 1"), "day_source": source})


def day_in_topic(topic: str) -> str | None:
    """Read the bootcamp day out of a topic: Day 1, Day 2, Both, or None where it names none."""
    days = set(_DAY.findall(topic))
    if not days:
        return None
    return BOTH if len(days) > 1 else f"Day {days.pop()}"


def without_day(topic: str) -> str:
    """Return a topic without its day and without the brackets and dashes that the day leaves behind."""
    bare = _EMPTY_BRACKETS.sub(" ", _DAY.sub("\x00", topic).replace("\x00", " "))
    words = [w for w in squash_one(bare).split(" ") if w]
    while words and not words[0].strip(_LOOSE_ENDS):
        words = words[1:]
    while words and not words[-1].strip(_LOOSE_ENDS):
        words = words[:-1]
    return " ".join(words).strip(_LOOSE_ENDS)


def categories(topics: pd.Series, tokens: pd.DataFrame) -> pd.DataFrame:
    """Return `category` by the longest token of `category_tokens.csv` that is a word of its own in the topic.

    `is_tie` says that another token, as long, means another category; then the first of the file is taken.
    Compared by `lookup_key`: "acca" is not in "Maccabi". Missing where no token stands in the topic.
    """
    words = [
        (key, squash_one(category), re.compile(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])"))
        for token, category in zip(tokens["token"], tokens["category"], strict=True)
        if (key := lookup_key(token))
    ]
    words.sort(key=lambda word: -len(word[0]))
    found = {topic: _categories(lookup_key(topic), words) for topic in topics.dropna().unique()}
    category = map_unique(topics, lambda topic: found[topic][0] if found[topic] else None)
    is_tie = [len(found.get(topic, [])) > 1 for topic in topics]
    return pd.DataFrame({"category": category, "is_tie": pd.Series(is_tie, index=topics.index, dtype="boolean")})


def _categories(topic: str, words: list[tuple[str, str, re.Pattern[str]]]) -> list[str]:
    """Return the different categories of the longest tokens in a topic, in file order; `words`: longest first."""
    hits = [(key, category) for key, category, pattern in words if pattern.search(topic)]
    return list(dict.fromkeys(category for key, category in hits if len(key) == len(hits[0][0])))
