"""Which funnel a name probably belongs to, by the names that have one. Knows no table of the night."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz, process

from funnel_etl.core.config_tables import Config, config_spelling
from funnel_etl.core.values.text import lookup_key, lookup_keys

LEAST = 0.6
"""A name less similar than this is no suggestion."""
CHUNK = 2000
"""How many names are compared with all known ones at a time: memory stays bounded."""
SUGGESTION = ["suggested_funnel", "suggested_from", "similarity"]


def suggestions(names: pd.Series, known: pd.DataFrame) -> pd.DataFrame:
    """Return SUGGESTION for each name (same index): of the most similar of `known` (name, funnel), ties by alphabet.

    Similarity is rapidfuzz's ratio, or if greater the mean of its two by words: in any order, and with words more.
    """
    none = pd.DataFrame({"suggested_funnel": None, "suggested_from": None, "similarity": np.nan}, index=names.index)
    wanted = names.dropna().drop_duplicates()
    known = known.assign(plain=known["name"].map(_plain)).sort_values(["plain", "name"], ignore_index=True)
    if wanted.empty or known.empty:
        return none
    asked, had = [_plain(name) for name in wanted], known["plain"].tolist()
    parts = [_nearest(asked[at : at + CHUNK], had) for at in range(0, len(asked), CHUNK)]
    best, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    found = pd.DataFrame(
        {
            "suggested_funnel": known["funnel"].iloc[best].to_numpy(),
            "suggested_from": known["name"].iloc[best].to_numpy(),
            "similarity": np.round(scores, 4),
        },
        index=pd.Index(wanted),
    )
    found = found[found["similarity"] >= LEAST]
    given: pd.DataFrame = found.reindex(pd.Index(names)).set_axis(names.index)
    return given


def known_sources(config: Config, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return each source of `funnel_mapping.csv` once (name, funnel): by the line in force on `as_of`, or the last."""
    lines = config.table("funnel_mapping")
    ended = lines["valid_to"] < as_of
    begins = lines["valid_from"] > as_of
    order = lines.assign(key=lookup_keys(lines["source"]), late=ended | begins, end=-_ordinal(lines["valid_to"]))
    order = order.sort_values(["key", "late", "end", "line"]).drop_duplicates("key")
    return pd.DataFrame({"name": order["source"], "funnel": config_spelling(order["funnel"], config)})


def known_names(config: Config, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return everything that has a funnel (name, funnel): funnels themselves, manual values, sources."""
    funnels, values = config.table("funnels")["funnel"], config.table("manual_value_funnel")
    own = pd.DataFrame({"name": funnels, "funnel": funnels})
    typed = pd.DataFrame({"name": values["manual_value"], "funnel": config_spelling(values["funnel"], config)})
    return pd.concat([own, typed, known_sources(config, as_of)], ignore_index=True)


def _nearest(asked: list[str], had: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Give, of each name asked for, the position of the most similar one and how similar it is."""
    plain, ordered, contained = (
        process.cdist(asked, had, scorer=scorer, dtype=np.float64)
        for scorer in (fuzz.ratio, fuzz.token_sort_ratio, fuzz.token_set_ratio)
    )
    scores = np.maximum(plain, (ordered + contained) / 2) / 100
    return scores.argmax(axis=1), scores.max(axis=1)


def _plain(name: str) -> str:
    return " ".join("".join(ch if ch.isalnum() else " " for ch in lookup_key(name)).split())


def _ordinal(days: pd.Series) -> pd.Series:
    """Return days as numbers; an open end is the last."""
    return days.fillna(pd.Timestamp("2999-12-31")).astype("datetime64[us]").astype("int64")
