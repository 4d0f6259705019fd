"""Several files of one chat as one: which message of one is which of the other, and the order of all. Pure.

The client's own log has reactions and the first version of edited messages; the saved file has the last one. Rule: B7.
"""

from collections import defaultdict

import numpy as np
import pandas as pd
from rapidfuzz.fuzz import ratio

from funnel_etl.core.values.text import lookup_keys
from funnel_etl.parts.marketing.zoom.reader.chat_words import REACTION, UNREACTION

APART_SECONDS = 8
ALIKE = 60.0
"""Percent that the texts of one message in two files have in common at least."""
CLIENT_LOG = "V2"
"""The form of the log that the client keeps beside a recording: of less weight than what was saved."""


def one_chat(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return which rows are the same message as another (label → label that stays), and the order of the rest.

    `rows` have occurrence_id, file_id, form, position, sender_name, text, at (seconds, NaN: not known).
    """
    order = pd.Series(0, index=rows.index, dtype="int64")
    into: dict[int, int] = {}
    keys = lookup_keys(rows["sender_name"])
    for _, own in rows.groupby("occurrence_id", sort=False):
        files = sorted(own.groupby("file_id").groups.items(), key=lambda item: _rank(own.loc[item[1]], str(item[0])))
        kept = own.loc[files[0][1]].sort_values("position")
        places = {label: (place, 0, 0) for place, label in enumerate(kept.index)}
        for number, (_, labels) in enumerate(files[1:], start=1):
            further = own.loc[labels].sort_values("position")
            found = _same(kept, further, keys)
            into |= found
            anchor = -1
            for place, label in enumerate(further.index):
                if label in found:
                    anchor = places[found[label]][0]
                else:
                    places[label] = (anchor, number, place)
            kept = own.loc[[*places]]
        for place, label in enumerate(sorted(places, key=places.__getitem__), start=1):
            order[label] = place
    return pd.Series(into, dtype="int64"), order


def _rank(rows: pd.DataFrame, file_id: str) -> tuple[bool, int, str]:
    """Order files: what was saved before the client's log, then the fuller one."""
    return bool(rows["form"].eq(CLIENT_LOG).all()), -len(rows), file_id


def _same(kept: pd.DataFrame, further: pd.DataFrame, keys: pd.Series) -> dict[int, int]:
    """Return which rows of a further file are one of those kept: same sender, seconds apart, alike."""
    by_sender: dict[str, list[int]] = defaultdict(list)
    for label in kept.index:
        by_sender[keys[label]].append(label)
    at, text, kind = kept["at"].to_dict(), kept["text"].to_dict(), kept["kind"].to_dict()
    used: set[int] = set()
    found: dict[int, int] = {}
    columns = further[["at", "text", "kind"]].itertuples(name=None)
    for label, when, said, is_kind in columns:
        best: tuple[bool, float, int] | None = None
        for other in by_sender.get(keys[label], ()):
            if other in used or _is_sign(kind[other]) != _is_sign(is_kind):
                continue
            apart = abs(at[other] - when)
            if np.isnan(apart) or apart > APART_SECONDS:
                continue
            equal = text[other] == said
            if not equal and (_is_sign(is_kind) or ratio(str(text[other]), str(said)) < ALIKE):
                continue
            if best is None or (not equal, apart, other) < best:
                best = (not equal, apart, other)
        if best is not None:
            found[label] = best[2]
            used.add(best[2])
    return found


def _is_sign(kind: object) -> bool:
    return kind in (REACTION, UNREACTION)


def taken_back(rows: pd.DataFrame, order: pd.Series) -> pd.Series:
    """Return which reactions were taken back: label → label of the unreaction. Rows as for `one_chat`, with emoji."""
    signs = rows[rows["kind"].map(_is_sign)]
    if signs.empty:
        return pd.Series(dtype="int64")
    signs = signs.assign(key=lookup_keys(signs["sender_name"]), order=order[signs.index]).sort_values("order")
    open_signs: dict[tuple[str, str, str], list[tuple[str, int]]] = defaultdict(list)
    found: dict[int, int] = {}
    for label, occurrence, key, emoji, about, kind in signs[
        ["occurrence_id", "key", "emoji", "about", "kind"]
    ].itertuples(name=None):
        place = (occurrence, key, str(emoji))
        if kind == REACTION:
            open_signs[place].append((str(about), label))
            continue
        for before in reversed(open_signs[place]):
            if before[0].startswith(str(about)) or str(about).startswith(before[0]):
                found[before[1]] = label
                open_signs[place].remove(before)
                break
    return pd.Series(found, dtype="int64")
