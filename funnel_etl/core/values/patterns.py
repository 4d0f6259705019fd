"""Wildcard patterns, as in `campaign_mapping.csv`, `bot_names.csv` and `zoom_profiles.csv`; all else is literal."""

import re

import pandas as pd

from funnel_etl.core.values.text import lookup_key


def wildcard(pattern: str) -> re.Pattern[str]:
    """Compile a pattern in which `*` is anything, also nothing; all else means itself, compared by `lookup_key`."""
    return re.compile(".*".join(re.escape(part) for part in lookup_key(pattern).split("*")), re.DOTALL)


def matches(keys: pd.Series, pattern: str) -> pd.Series:
    """Return, for each `lookup_key`, whether `pattern` matches the whole of it; a blank pattern matches anything."""
    if not lookup_key(pattern) or lookup_key(pattern) == "*":
        return pd.Series(data=True, index=keys.index)
    compiled = wildcard(pattern)
    return keys.map({key: compiled.fullmatch(key) is not None for key in keys.unique()}).astype(bool)
