"""Which known name a wrong one probably means: "did you mean …?" of one name. Whole columns: `similar_names`."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process

from funnel_etl.core.values.text import lookup_key

LEAST = 60.0
"""A name less similar than this (of 100) is no suggestion."""


def nearest(name: str, known: Iterable[str], least: float = LEAST) -> str | None:
    """Return the known name most like `name`, case, blanks and punctuation left out; None: none is near."""
    plain = {one: _plain(one) for one in known}
    hit = process.extractOne(_plain(name), plain, scorer=fuzz.ratio, score_cutoff=least)
    return str(hit[2]) if hit else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest known name, or nothing."""
    hit = nearest(name, known)
    return f" (did you mean {hit!r}?)" if hit else ""


def _plain(name: str) -> str:
    return "".join(sign for sign in lookup_key(name) if sign.isalnum())
