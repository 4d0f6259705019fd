"""What events and users have in common on their way to rows of `ops.delivery_candidates`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.values.text import map_unique
from funnel_etl.delivery.candidates_contract import DELIVER, DELIVERY_CANDIDATES, EXCLUDED
from funnel_etl.delivery.webengage.contracts import CHANNELS
from funnel_etl.delivery.webengage.keys import DESTINATION, candidate_id, sha256
from funnel_etl.delivery.webengage.payloads import Payload, canonical

ON = {channel: f"on_{channel}" for channel in CHANNELS}
"""Channel → the column with what holds on it."""


@dataclass(frozen=True)
class Night:
    """What a night's decisions rest on besides its tables. `account`: the licence code, empty while none is set."""

    config: Config
    zone: str
    as_of: pd.Timestamp
    account: str


def payload_columns(made: Mapping[Any, Payload], index: pd.Index) -> pd.DataFrame:
    """Return `payload`, `attribute_types`, `refused` and `cut` of the rows, by what was made of some of them."""
    none = Payload()
    found = [made.get(label, none) for label in index]
    texts = {"payload": "text", "attribute_types": "types", "refused": "refused"}
    columns = {name: pd.Series([getattr(p, of) for p in found], index=index, dtype="str") for name, of in texts.items()}
    return pd.DataFrame({**columns, "cut": pd.Series([p.cut for p in found], index=index, dtype="int64")})


def as_candidates(rows: pd.DataFrame, account: str) -> pd.DataFrame:
    """Return rows with all columns of `ops.delivery_candidates`, given what they are and why they are not sent."""
    identity = zip(
        rows["object"],
        rows["kind"],
        rows["occurrence_id"].fillna(""),
        rows["user_id"].fillna(rows["file_id"] + ":" + rows["source_row"].astype("str")),
        strict=True,
    )
    is_sent = rows["reason"].isna()
    return rows.assign(
        candidate_id=[candidate_id(account, *one) for one in identity],
        destination=DESTINATION,
        account=account,
        decision=pd.Series(EXCLUDED, index=rows.index, dtype="str").mask(is_sent, DELIVER),
        payload_sha256=map_unique(rows["payload"], sha256),
        consent=_as_json(rows[list(ON.values())]),
    )[DELIVERY_CANDIDATES.names]


def _as_json(states: pd.DataFrame) -> list[str]:
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for state in states.itertuples(index=False, name=None):
        if state not in seen:
            seen[state] = canonical(dict(zip(CHANNELS, state, strict=True)))
        found.append(seen[state])
    return found
