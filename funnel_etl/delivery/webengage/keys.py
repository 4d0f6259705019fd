"""What makes an event or a user of WebEngage the same one: the parts of its key, and the id of its candidate."""

import hashlib

from funnel_etl.delivery.candidates_contract import EVENT, USER

DESTINATION = "webengage"
SEPARATOR = "\n"


def event_parts(account: str, kind: str, occurrence_id: str, user_id: str) -> str:
    """Return the parts of an event's delivery key, without its generation. Neither name nor content is among them."""
    return SEPARATOR.join((DESTINATION, account, EVENT, kind, occurrence_id, user_id))


def user_parts(account: str, user_id: str, payload_sha256: str) -> str:
    """Return the parts of a user's delivery key, without the count of rows delivered before."""
    return SEPARATOR.join((DESTINATION, account, USER, user_id, payload_sha256))


def candidate_id(account: str, name: str, kind: str, occurrence_id: str, who: str) -> str:
    """Return the id of a candidate. `name`: user or event; `who`: the user_id, or the row of who has none."""
    return sha256(SEPARATOR.join((DESTINATION, account, name, kind, occurrence_id, who)))


def sha256(text: str) -> str:
    """Return the SHA-256 of a text as UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
