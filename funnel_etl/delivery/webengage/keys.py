"""What makes an event or a user of WebEngage the same one: the parts of its key, and the id of its candidate."""

import pandas as pd

from funnel_etl.delivery.candidates_contract import EVENT, USER
from funnel_etl.delivery.keys import sha256_hex

DESTINATION = "webengage"
SEPARATOR = "\n"


def event_parts(account: str, kind: pd.Series, occurrence_id: pd.Series, user_id: pd.Series) -> pd.Series:
    """Return the parts of the delivery key of each event, without its generation; missing without a user_id.

    Neither name nor content is among them.
    """
    return SEPARATOR.join((DESTINATION, account, EVENT, "")) + kind + SEPARATOR + occurrence_id + SEPARATOR + user_id


def user_parts(account: str, user_id: pd.Series, payload_sha256: pd.Series) -> pd.Series:
    """Return the parts of the delivery key of each user, without the count of rows delivered before."""
    return SEPARATOR.join((DESTINATION, account, USER, "")) + user_id + SEPARATOR + payload_sha256


def candidate_ids(account: str, name: str, kind: pd.Series, occurrence_id: pd.Series, who: pd.Series) -> list[str]:
    """Return the ids of candidates. `name`: user or event; `who`: the user_id, or the row of who has none."""
    parts = kind + SEPARATOR + occurrence_id + SEPARATOR + who
    prefix = SEPARATOR.join((DESTINATION, account, name, ""))
    return [sha256_hex(prefix + text) for text in parts.to_numpy(dtype=object)]
