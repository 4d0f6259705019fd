"""What must hold of `ops.delivery_candidates` before anything reads it: conditions of its blocking check. Pure.

Each gives a number and what it must be, counted anew from the rows: not by the code that made them.
"""

import json
import re
from collections import Counter
from typing import Any

import pandas as pd

from funnel_etl.core.config_delivery import ATTENDED
from funnel_etl.delivery.candidates_contract import DELIVER, USER
from funnel_etl.delivery.webengage.contracts import GRANTED, SUPPRESSED, UNKNOWN

Frames = dict[str, pd.DataFrame]
_SHORTER_THAN = 50
_TEXT_BELOW = 1000
_OF_ONE_TYPE = 25
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")


def everybody_once(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:  # noqa: ARG001
    """Nobody has two candidates of one kind for an occurrence, and no user two: different ones, and all of them."""
    named = own[own["user_id"].notna()]
    return len(named.drop_duplicates(["object", "kind", "occurrence_id", "user_id"])), len(named)


def within_limits(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:  # noqa: ARG001
    """Every payload is within the limits of WebEngage: such payloads, and all of them."""
    sent = own[own["decision"].eq(DELIVER)]
    fits = [_fits(json.loads(text), json.loads(types)) for text, types in zip(*_both(sent), strict=True)]
    return sum(fits), len(sent)


def nobody_absent(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:
    """No event for a no-show: events to be sent of who attended, whose row says so, and all of them."""
    events = own[own["decision"].eq(DELIVER) & own["kind"].eq(ATTENDED)]
    came = inputs["attendance"]
    came = came.loc[came["attended"].eq(True).fillna(value=False).astype(bool), ["file_id", "source_row"]]
    return len(events.merge(came.drop_duplicates(), on=["file_id", "source_row"])), len(events)


def nobody_without_consent(own: pd.DataFrame, inputs: Frames, _as_of: pd.Timestamp) -> tuple[int, int]:  # noqa: ARG001
    """No payload against what a person said: such events and flags of users, and all of them."""
    sent = own[own["decision"].eq(DELIVER)]
    agreed = [
        _agreed(name, json.loads(text), json.loads(consent))
        for name, text, consent in zip(sent["object"], sent["payload"], sent["consent"], strict=True)
    ]
    return sum(agreed), len(sent)


CONDITIONS = {
    "everybody_once": everybody_once,
    "within_limits": within_limits,
    "nobody_absent": nobody_absent,
    "nobody_without_consent": nobody_without_consent,
}


def _both(sent: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    return sent["payload"], sent["attribute_types"]


def _fits(payload: dict[str, Any], types: dict[str, str]) -> bool:
    data = payload.get("eventData", payload.get("attributes", {}))
    names = [*types, payload.get("eventName", "event")]
    texts = [*data.values(), *(value for value in payload.values() if isinstance(value, str))]
    return (
        data.keys() == types.keys()
        and all(len(name) < _SHORTER_THAN and not name.startswith("we_") for name in names)
        and all(len(text) < _TEXT_BELOW for text in texts if isinstance(text, str))
        and max(Counter(types.values()).values(), default=0) <= _OF_ONE_TYPE
        and None not in data.values()
        and "" not in data.values()
        and ("eventTime" not in payload or _INSTANT.fullmatch(payload["eventTime"]) is not None)
    )


def _agreed(name: str, payload: dict[str, Any], consent: dict[str, str]) -> bool:
    states = set(consent.values())
    if states == {SUPPRESSED}:
        return False
    if name == USER:
        flags = {channel: payload.get(f"{channel}OptIn") for channel in consent}
        right = {channel: state == GRANTED for channel, state in consent.items()}
        return flags == right or (states == {UNKNOWN} and set(flags.values()) == {None})
    return GRANTED in states or states == {UNKNOWN}
