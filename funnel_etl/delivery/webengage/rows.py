"""What events and users have in common on their way to rows of `ops.delivery_candidates`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.values.text import map_unique
from funnel_etl.delivery.candidates_contract import DELIVER, DELIVERY_CANDIDATES, EXCLUDED
from funnel_etl.delivery.keys import canonical, sha256_hex
from funnel_etl.delivery.webengage.contracts import CHANNELS
from funnel_etl.delivery.webengage.keys import DESTINATION, candidate_ids
from funnel_etl.delivery.webengage.payloads import Payload

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
    some = pd.DataFrame(
        [(one.text, one.types, one.refused, one.cut) for one in made.values()],
        columns=["payload", "attribute_types", "refused", "cut"],
        index=pd.Index(list(made), dtype=index.dtype),
    )
    texts = some[["payload", "attribute_types", "refused"]].astype("str").reindex(index)
    return texts.assign(cut=some["cut"].astype("int64").reindex(index, fill_value=0))


def as_candidates(rows: pd.DataFrame, name: str, account: str) -> pd.DataFrame:
    """Return rows with all columns of `ops.delivery_candidates`, given why they are not sent. `name`: user or event."""
    who = rows["user_id"].fillna(rows["file_id"] + ":" + rows["source_row"].astype("str"))
    is_sent = rows["reason"].isna()
    return rows.assign(
        candidate_id=candidate_ids(account, name, rows["kind"], rows["occurrence_id"].fillna(""), who),
        object=name,
        destination=DESTINATION,
        account=account,
        decision=pd.Series(EXCLUDED, index=rows.index, dtype="str").mask(is_sent, DELIVER),
        payload_sha256=map_unique(rows["payload"], sha256_hex),
        consent=_as_json(rows[list(ON.values())]),
    )[DELIVERY_CANDIDATES.names]


def _as_json(states: pd.DataFrame) -> pd.Series:
    """Return what holds on each channel as JSON: there are few different ones."""
    codes = states.groupby(list(states.columns), sort=False).ngroup()
    first = states.loc[~codes.duplicated()]
    texts = {
        code: canonical(dict(zip(CHANNELS, state, strict=True)))
        for code, state in zip(codes.loc[first.index], first.itertuples(index=False, name=None), strict=True)
    }
    return codes.map(texts).astype("str")
