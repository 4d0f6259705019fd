"""What a draft may say of a person: cleaned words of the person's own, and facts of the webinar. Pure.

Nobody else's words or data: a question that names another person of the webinar, or holds a phone or an e-mail, is not
quoted. Not here: templates (`core/followup_templates`), and who gets a draft (`drafts`).
"""

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.engagement.asking import LINK

Asked = tuple[str, str, int]
"""A text with the file and line it stands on."""
LONGEST_QUOTE = 200
MOST_QUOTES = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_WORDS = re.compile(r"[^\W\d_]+", re.UNICODE)
_DIGITS = re.compile(r"\d(?:[\s().+-]*\d){7,}")


def quoted(text: str) -> str:
    """Return a text as it may stand in quotation marks: one line, no links, no marks of its own, at most 200 signs."""
    plain = " ".join(_CONTROL.sub(" ", LINK.sub(" ", text)).split()).replace('"', "'")
    return plain if len(plain) <= LONGEST_QUOTE else f"{plain[: LONGEST_QUOTE - 1].rstrip()}…"


def holds_contact(text: str) -> bool:
    """Whether a text holds what may be a phone or an e-mail."""
    return "@" in text or _DIGITS.search(text) is not None or without_contacts(text) != text


def names_another(text: str, others: frozenset[str], own: frozenset[str]) -> bool:
    """Whether a text holds the name of another person of the webinar: two words of it or more, in any case."""
    words = _WORDS.findall(lookup_key(text))
    for size in (2, 3, 4):
        for at in range(len(words) - size + 1):
            name = " ".join(words[at : at + size])
            if name in others and name not in own:
                return True
    return False


def full_names(keys: Iterable[str]) -> frozenset[str]:
    """Return the names of two words or more, as `names_another` compares them."""
    plain = (" ".join(_WORDS.findall(key)) for key in keys)
    return frozenset(name for name in plain if " " in name)


def offers_by_occurrence(offers: pd.DataFrame, webinars: pd.DataFrame, zone: str) -> dict[str, dict[str, str]]:
    """Return what is offered for each occurrence: the line of its start, else that of its webinar id."""
    found: dict[str, dict[str, str]] = {}
    columns = ("offer_name", "offer_description", "price", "deadline", "replay_url")
    lines = [
        (re.sub(r"\D", "", row["webinar_id"]), row["started_at"].strip(), row) for row in offers.to_dict("records")
    ]
    for occurrence, webinar_id, start in webinars[["occurrence_id", "webinar_id", "started_at"]].itertuples(
        index=False
    ):
        local = start.tz_convert(zone).tz_localize(None)
        own = [row for i, at, row in lines if i == webinar_id and at and _is_at(at, local)]
        own += [row for i, at, row in lines if i == webinar_id and not at]
        if own:
            found[occurrence] = {name: text for name in columns if (text := str(own[0][name]).strip())}
    return found


def _is_at(text: str, local: pd.Timestamp) -> bool:
    at = pd.to_datetime(text, format="ISO8601", errors="coerce")
    return not pd.isna(at) and abs(at.tz_localize(None) - local) <= pd.Timedelta(minutes=90)


def own_questions(
    asked: Iterable[Asked], others: frozenset[str], own: frozenset[str]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the questions of a person that may be quoted, each with the row it comes from.

    `asked`: the person's own questions that everybody or the hosts could read; `others`: names of all in the webinar.
    """
    found: dict[str, dict[str, Any]] = {}
    for text, file_id, line in asked:
        if holds_contact(text) or names_another(text, others, own):
            continue
        if plain := quoted(text):
            found.setdefault(plain, {"file_id": file_id, "source_row": line})
        if len(found) == MOST_QUOTES:
            break
    return list(found.items())
