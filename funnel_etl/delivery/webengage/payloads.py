"""The exact bytes of an event and of a user: canonical JSON, typed attributes, the limits of WebEngage.

Pure. Who is sent anything is decided in `candidates`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from funnel_etl.core.config_delivery import BOOLEAN, DATE, NUMBER, TEXT, column_of, constant_of
from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import lookup_key
from funnel_etl.delivery.keys import canonical
from funnel_etl.delivery.webengage.contracts import CHANNELS, GRANTED

LONGEST_TEXT = 999
"""Characters of a value; WebEngage takes fewer than 1,000."""
LONGEST_NAME = 49
"""Characters of the name of an event or attribute; it takes fewer than 50."""
MOST_OF_ONE_TYPE = 25
RESERVED = "we_"
"""Names that begin so are WebEngage's own: it ignores them without a word."""
ATTRIBUTE_TOO_LONG, TOO_MANY_ATTRIBUTES = "attribute_too_long", "too_many_attributes"
RESERVED_NAME, NAME_TOO_LONG = "reserved_name", "name_too_long"
TIME = "%Y-%m-%dT%H:%M:%S%z"
"""How it wants instants: an offset without a colon, never a Z."""
OPT_INS = {channel: f"{channel}OptIn" for channel in CHANNELS}


@dataclass(frozen=True)
class Attribute:
    """A line of `delivery_attributes.csv`: the name it is sent under, its value and its type."""

    name: str
    value: str
    type: str


@dataclass(frozen=True)
class Payload:
    """A payload, or why there is none. `cut`: how many values were cut to what WebEngage takes."""

    text: str | None = None
    types: str | None = None
    refused: str | None = None
    cut: int = 0


def attributes_of(table: pd.DataFrame, kind: str, profile: str | None) -> tuple[Attribute, ...]:
    """Return the attributes of a kind for a profile: of lines with one name the first that fits."""
    found: dict[str, Attribute] = {}
    for line in table[table["kind"] == kind].to_dict("records"):
        pattern = line["profile"].strip()
        if not pattern or wildcard(pattern).fullmatch(lookup_key(profile)):
            found.setdefault(line["attribute"], Attribute(line["attribute"], line["value"], line["type"] or TEXT))
    return tuple(found.values())


def valued(rows: pd.DataFrame, attributes: Sequence[Attribute], zone: str) -> Iterator[dict[str, Any]]:
    """Yield of each row the values of the attributes, by name; blank ones are left out."""
    columns = [_column(rows, one, zone) for one in attributes]
    for values in zip(*columns, strict=True) if columns else ({} for _ in range(len(rows))):
        yield {one.name: value for one, value in zip(attributes, values, strict=False) if value is not None}


def event(
    user_id: str, name: str, at: str | None, values: Mapping[str, Any], attributes: Sequence[Attribute]
) -> Payload:
    """Return an event. `at`: its time as TIME; None: it is left out."""
    if len(name) > LONGEST_NAME:
        return Payload(refused=NAME_TOO_LONG)
    if name.startswith(RESERVED):
        return Payload(refused=RESERVED_NAME)
    data, cut = _cut(values)
    body = {"eventData": data, "eventName": name, "userId": user_id} | ({"eventTime": at} if at else {})
    return _within_limits(body, data, attributes, cut)


def user(
    user_id: str,
    fields: Mapping[str, Any],
    flags: Mapping[str, bool],
    values: Mapping[str, Any],
    attributes: Sequence[Attribute],
) -> Payload:
    """Return a user. `fields`: firstName, lastName, email, None where there is none; `flags`: of `opt_ins`."""
    own, cut = _cut({name: value for name, value in fields.items() if value})
    data, more = _cut(values)
    body = {"userId": user_id, "phone": f"+{user_id}", **own, **flags} | ({"attributes": data} if data else {})
    return _within_limits(body, data, attributes, cut + more)


def opt_ins(states: Mapping[str, str]) -> dict[str, bool]:
    """Return the four flags, always all four: true where the channel is granted."""
    return {flag: states[channel] == GRANTED for channel, flag in OPT_INS.items()}


def at_times(instants: pd.Series, zone: str) -> pd.Series:
    """Return instants as TIME in a zone; a naive day is its midnight there. Missing stays missing."""
    if isinstance(instants.dtype, pd.DatetimeTZDtype):
        local = instants.dt.tz_convert(zone)
    else:
        local = instants.dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    texts: pd.Series = local.dt.strftime(TIME)
    return texts.astype("str")


def _within_limits(body: dict[str, Any], data: Mapping[str, Any], attributes: Sequence[Attribute], cut: int) -> Payload:
    types = {one.name: one.type for one in attributes if one.name in data}
    if any(len(name) > LONGEST_NAME for name in types):
        return Payload(refused=ATTRIBUTE_TOO_LONG)
    if any(name.startswith(RESERVED) for name in types):
        return Payload(refused=RESERVED_NAME)
    if max(Counter(types.values()).values(), default=0) > MOST_OF_ONE_TYPE:
        return Payload(refused=TOO_MANY_ATTRIBUTES)
    return Payload(canonical(body), canonical(types), cut=cut)


def _cut(values: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    long = [name for name, value in values.items() if isinstance(value, str) and len(value) > LONGEST_TEXT]
    return {**values, **{name: values[name][:LONGEST_TEXT] for name in long}}, len(long)


def _column(rows: pd.DataFrame, attribute: Attribute, zone: str) -> list[Any]:
    name = column_of(attribute.value)
    if name is None:
        return [_constant(attribute, zone)] * len(rows)
    values = rows[lookup_key(name)]
    if attribute.type == DATE:
        return _plain(at_times(values, zone))
    if attribute.type in (NUMBER, BOOLEAN):
        return [_number(value) for value in _plain(values)]
    return _texts(values, zone)


def _constant(attribute: Attribute, zone: str) -> Any:
    value = constant_of(attribute.value, attribute.type)
    if isinstance(value, date):
        return at_times(pd.Series([pd.Timestamp(value)]), zone).iloc[0]
    return value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _texts(values: pd.Series, zone: str) -> list[str | None]:
    """Return values as the clean files write them; blank is None."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert(zone).dt.strftime("%Y-%m-%d %H:%M:%S")
    elif pd.api.types.is_datetime64_dtype(values):
        values = values.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_bool_dtype(values):
        values = values.map({True: "Yes", False: "No"})
    return [None if value is None or not str(value).strip() else str(value) for value in _plain(values)]


def _plain(values: pd.Series) -> list[Any]:
    """Return plain Python values, None where missing."""
    found: list[Any] = values.astype("object").where(values.notna(), None).tolist()
    return found
