"""Whether a message asks something, or says nothing. Pure. Rules: B7 and 0.7 of the design."""

import hashlib
import re

import pandas as pd

from funnel_etl.core.values.text import lookup_key, lookup_keys, map_unique

LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ASKING = frozenset("what how when where which who why is are can could will would do does did should may".split())
_HINGLISH = frozenset("kya kab kaise kitna kitni kitne kyu kyun kahan kaun".split())
_MARKS = "?？؟"


def is_question(text: str) -> bool:
    """Whether a text asks: a mark and two words, an English question word first of four, or a Hinglish one of two."""
    plain = LINK.sub(" ", text)
    words = [word.casefold() for word in _WORD.findall(plain)]
    if any(mark in plain for mark in _MARKS) and len(words) >= 2:
        return True
    if words and re.split("['’]", words[0])[0] in _ASKING and len(words) >= 4 and words[:2] != ["what", "a"]:
        return True
    if len(words) < 2:
        return False
    return any(
        word in _HINGLISH and not (word == "kya" and at + 1 < len(words) and words[at + 1] == "baat")
        for at, word in enumerate(words)
    )


def are_questions(texts: pd.Series) -> pd.Series:
    """Return `is_question` of a column; a missing text asks nothing."""
    return map_unique(texts, lambda text: "y" if is_question(text) else None).notna()


def are_noise(texts: pd.Series, noise: pd.DataFrame) -> pd.Series:
    """Whether texts say nothing: those of `chat_noise.csv`, signs aside, and those without a letter or digit."""
    listed = {_bare(text) for text in noise["text"]}
    return (
        map_unique(texts, lambda text: "y" if not (bare := _bare(text)) or bare in listed else None).notna()
        | texts.isna()
    )


def _bare(text: str) -> str:
    return " ".join("".join(c if c.isalnum() or c.isspace() else " " for c in lookup_key(text)).split())


def text_hashes(texts: pd.Series) -> pd.Series:
    """Return a short hash of each text's `lookup_key`: equal texts have one, and a text cannot be read from it."""
    return map_unique(lookup_keys(texts), lambda key: hashlib.sha256(key.encode()).hexdigest()[:16])
