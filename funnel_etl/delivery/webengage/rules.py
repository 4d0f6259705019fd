"""The lines of `delivery_rules.csv`, and the event names of `zoom_profiles.csv`: which fits an event. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from funnel_etl.core.config_delivery import ATTENDED, REGISTERED
from funnel_etl.core.config_models import DEFAULT_MAX_AGE_DAYS
from funnel_etl.core.config_tables import Config
from funnel_etl.core.values.patterns import wildcard
from funnel_etl.core.values.text import lookup_key, lookup_keys, squash_one

ANY = "*"
DELIVERY_OFF = "delivery_off"
"""Reason: no line that fits says yes."""
HOLD, OPTED_OUT, OMIT = "hold", "opted_out", "omit"
DUAL = "bootcamp_dual"
TYPES = {REGISTERED: ("registration", DUAL), ATTENDED: ("webinar_attended", DUAL)}
"""Kind → the types of profile whose report tells of it."""


@dataclass(frozen=True)
class Rule:
    """What holds for a profile and a kind. `from_date` None: nothing is sent."""

    from_date: date | None = None
    max_age: timedelta = timedelta(int(DEFAULT_MAX_AGE_DAYS))
    unknown_consent: str = HOLD


def is_on(config: Config) -> bool:
    """Whether any line lets something be sent."""
    rules = config.table("delivery_rules")
    return bool((rules["deliver"].eq("yes") & rules["from_date"].notna()).any())


def omitting(rules: pd.DataFrame) -> list[tuple[str, str]]:
    """Return profile and kind of the lines that send people who said nothing without flags: WebEngage opts them in."""
    lines = rules[rules["deliver"].eq("yes") & rules["unknown_consent"].eq(OMIT)]
    return list(zip(lines["profile"].astype(str), lines["kind"].astype(str), strict=True))


def rule_of(rules: pd.DataFrame, profile: str | None, kind: str) -> Rule:
    """Return what the first line that fits says; where none does, nothing is sent."""
    for line in rules.to_dict("records"):
        if line["kind"] in (ANY, kind) and wildcard(line["profile"]).fullmatch(lookup_key(profile)):
            is_sent = line["deliver"] == "yes" and not pd.isna(line["from_date"])
            days = int(line["max_age_days"].strip() or DEFAULT_MAX_AGE_DAYS)
            start = line["from_date"].date() if is_sent else None
            return Rule(start, timedelta(days), line["unknown_consent"] or HOLD)
    return Rule()


def event_names(profiles: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return `name`, `event_name` (None: it has none) and `is_fixed` of the profiles of a kind, by their `lookup_key`.

    Of a profile for both reports the first name is that of who registered, the second that of who attended.
    """
    keyed = profiles.assign(key=lookup_keys(profiles["name"])).drop_duplicates("key").set_index("key")
    own = keyed[keyed["type"].isin(TYPES[kind])]
    place = (own["type"].eq(DUAL) & (kind == ATTENDED)).astype(int)
    names = [_name(cell, at) for cell, at in zip(own["event_names"], place, strict=True)]
    return pd.DataFrame(
        {
            "name": own["name"].astype("str"),
            "event_name": pd.Series(names, index=own.index, dtype="str"),
            "is_dual": own["type"].eq(DUAL),
            "is_fixed": own["category_mode"].eq("fixed"),
        }
    )


def _name(cell: str, place: int) -> str | None:
    names = [squash_one(name) for name in str(cell).split("|")]
    return (names[place] or None) if place < len(names) else None
