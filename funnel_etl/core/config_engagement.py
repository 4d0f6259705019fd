"""The config tables of engagement: models of their lines, what holds while they are silent, and checks of whole tables.

Here: chats, names, score, offers, owners. Not here: reading bytes (`config_tables`).
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Literal

import pandas as pd
from pydantic import ValidationInfo, field_validator

from funnel_etl.core.config_row import Name, Row
from funnel_etl.core.followup_templates import followup_faults
from funnel_etl.core.values.text import lookup_key

FOCUS, ATTENDANCE, CHAT, QUESTIONS = "focus", "attendance", "chat", "questions"
COMPONENTS = (FOCUS, ATTENDANCE, CHAT, QUESTIONS)
HOT, WARM, COOL, COLD = "Hot", "Warm", "Cool", "Cold"
TIERS = (HOT, WARM, COOL, COLD)
NO_SHOW, UNKNOWN, UNSCORED = "No-Show", "Unknown", "Unscored"
DEFAULT_WEIGHTS = {FOCUS: Decimal(40), ATTENDANCE: Decimal(30), CHAT: Decimal(20), QUESTIONS: Decimal(10)}
DEFAULT_BANDS = {
    FOCUS: ((80, 100), (60, 70), (40, 40), (0, 0)),
    ATTENDANCE: ((90, 100), (75, 70), (50, 40), (0, 0)),
    CHAT: ((5, 100), (3, 70), (1, 40), (0, 0)),
    QUESTIONS: ((2, 100), (1, 70), (0, 0)),
}
"""Component → (at least, points), the highest first; lower ends are included."""
DEFAULT_TIERS = {HOT: 80, WARM: 60, COOL: 40, COLD: 0}
DEFAULT_SETTINGS = {
    "credit_medium": "yes",
    "least_weight": "30",
    "least_weight_hot": "60",
    "priority_rows": "10",
    "draft_days": "14",
    "contact_pause_days": "7",
    "draft_language": "en",
    "draft_limit": "5000",
}
"""What holds while `engagement_settings.csv` is silent."""
_NUMBERS = {
    "least_weight": (0, 1000),
    "least_weight_hot": (0, 1000),
    "priority_rows": (1, 1000),
    "draft_days": (1, 180),
    "contact_pause_days": (0, 365),
    "draft_limit": (1, 20_000),
}
_SWITCHES = ("credit_medium",)
Fault = tuple[int, str, str]
"""Line, what is wrong with it, how to fix it."""


def _number(text: str, least: Decimal | int, greatest: Decimal | int) -> str:
    try:
        is_right = least <= Decimal(text.strip()) <= greatest
    except InvalidOperation:
        is_right = False
    if not is_right:
        msg = f"must be a number from {least} to {greatest}"
        raise ValueError(msg)
    return text


class ChatFiles(Row):
    """A chat, poll or question file whose occurrence a person knows."""

    file_name: Name
    webinar_id: Name
    started_at: Name
    note: str = ""

    @field_validator("started_at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if pd.isna(pd.to_datetime(value.strip(), format="ISO8601", errors="coerce")):
            msg = "must be a time as 2026-10-31 18:00, local to the project's zone"
            raise ValueError(msg)
        return value


class ChatNames(Row):
    """Whose a name in the chat of one occurrence is; a blank person is nobody's."""

    occurrence_id: Name
    sender_name: Name
    person_key: str = ""
    note: str = ""


class ChatNoise(Row):
    """A message that says nothing, whatever its case."""

    text: Name


class EngagementSettings(Row):
    """A setting of engagement: its name and its value."""

    name: Name
    value: str
    note: str = ""

    @field_validator("value")
    @classmethod
    def _in_its_range(cls, value: str, info: ValidationInfo) -> str:
        name = lookup_key(info.data.get("name"))
        if value.strip() and name in _NUMBERS:
            _number(value, *_NUMBERS[name])
        if name in _SWITCHES and lookup_key(value) not in ("", "yes", "no"):
            msg = f"{name} must be yes or no"
            raise ValueError(msg)
        return value


class EngagementWeights(Row):
    """What a component of the score weighs."""

    component: Literal["focus", "attendance", "chat", "questions"]
    weight: Name

    @field_validator("weight")
    @classmethod
    def _in_its_range(cls, value: str) -> str:
        return _number(value, Decimal("0.0001"), 1000)


class EngagementBands(Row):
    """How many points a component gives from a value on."""

    component: Literal["focus", "attendance", "chat", "questions"]
    at_least: Name
    points: Name

    @field_validator("at_least")
    @classmethod
    def _value(cls, value: str) -> str:
        return _number(value, 0, 100_000)

    @field_validator("points")
    @classmethod
    def _points(cls, value: str) -> str:
        return _number(value, 0, 100)


class EngagementTiers(Row):
    """From which score on a tier begins."""

    tier: Literal["Hot", "Warm", "Cool", "Cold"]
    at_least: Name

    @field_validator("at_least")
    @classmethod
    def _value(cls, value: str) -> str:
        return _number(value, 0, 100)


class EngagementOwners(Row):
    """Which role of the database sees what was said in whose webinars: a conductor's, a profile's, or one id's."""

    conductor: str = ""
    profile: str = ""
    webinar_id: str = ""
    role: Name
    note: str = ""

    @field_validator("role")
    @classmethod
    def _is_a_role(cls, value: str) -> str:
        if re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value.strip()) is None:
            msg = "must be the name of a role of PostgreSQL: small letters, digits and _"
            raise ValueError(msg)
        return value


class WebinarOffers(Row):
    """What is offered to those who came to a webinar."""

    webinar_id: Name
    started_at: str = ""
    offer_name: str = ""
    offer_description: str = ""
    price: str = ""
    deadline: str = ""
    replay_url: str = ""

    @field_validator("replay_url")
    @classmethod
    def _is_a_link(cls, value: str) -> str:
        if value.strip() and re.fullmatch(r"https?://[^\s<>\"']+", value.strip()) is None:
            msg = "must be a link that begins with https://"
            raise ValueError(msg)
        return value


class LlmPrices(Row):
    """What a model costs: US dollars for a million tokens that are sent, and that come back."""

    model: Name
    usd_per_million_in: Name
    usd_per_million_out: Name
    note: str = ""

    @field_validator("usd_per_million_in", "usd_per_million_out")
    @classmethod
    def _in_its_range(cls, value: str) -> str:
        return _number(value, 0, 10_000)


class NonNames(Row):
    """A word that is no name: of a device, a role, or nobody."""

    word: Name


class NameTitles(Row):
    """A word before a name that is none of it."""

    word: Name


class NameAliases(Row):
    """Two spellings of one name."""

    name: Name
    other: Name


class Followups(Row):
    """A template of follow-ups: a file of the folder `followups`."""

    file: Name
    text: str


FOLLOWUPS = "followups"
"""The table that is a folder: its files are its lines (`sources/config_folder`)."""
ENGAGEMENT_TABLES: dict[str, type[Row]] = {
    "chat_files": ChatFiles,
    "chat_names": ChatNames,
    "chat_noise": ChatNoise,
    "engagement_settings": EngagementSettings,
    "engagement_weights": EngagementWeights,
    "engagement_bands": EngagementBands,
    "engagement_tiers": EngagementTiers,
    "engagement_owners": EngagementOwners,
    "webinar_offers": WebinarOffers,
    "llm_prices": LlmPrices,
    "non_names": NonNames,
    "name_titles": NameTitles,
    "name_aliases": NameAliases,
    FOLLOWUPS: Followups,
}
ENGAGEMENT_KEYS: dict[str, tuple[str, ...]] = {
    "chat_files": ("file_name",),
    "chat_names": ("occurrence_id", "sender_name"),
    "chat_noise": ("text",),
    "engagement_settings": ("name",),
    "engagement_weights": ("component",),
    "engagement_bands": ("component", "at_least"),
    "engagement_tiers": ("tier",),
    "engagement_owners": ("conductor", "profile", "webinar_id", "role"),
    "webinar_offers": ("webinar_id", "started_at"),
    "llm_prices": ("model",),
    "non_names": ("word",),
    "name_titles": ("word",),
    "name_aliases": ("name", "other"),
    FOLLOWUPS: ("file",),
}


def weight_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield a component that stands twice."""
    for line, component in _repeated(rows, ["component"]):
        yield line, f"line {line}: {component!r} stands twice", "keep one line for each component"


def band_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield bands without 0, twice from one value, or in which more gives fewer points."""
    for line, band in _repeated(rows, ["component", "at_least"]):
        yield line, f"line {line}: two bands of {band!r} begin alike", "keep one of them"
    for component, own in rows.groupby("component", sort=False):
        first = int(own["line"].iloc[0])
        by_value = sorted(
            (Decimal(a), Decimal(p), int(n)) for a, p, n in own[["at_least", "points", "line"]].to_numpy()
        )
        if by_value and by_value[0][0] != 0:
            yield first, f"line {first}: the bands of {component!r} have none from 0", "add a line with at_least 0"
        for (_, fewer, _), (_, more, line) in pairwise(by_value):
            if more < fewer:
                yield line, f"line {line}: more {component} gives fewer points", "let points rise with at_least"


def tier_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield tiers that are not all there, do not begin at 0, or do not rise from Cold to Hot."""
    if rows.empty:
        return
    first = int(rows["line"].iloc[0])
    found = {tier: Decimal(at) for tier, at in zip(rows["tier"], rows["at_least"], strict=True)}
    if set(found) != set(TIERS) or len(rows) != len(TIERS):
        yield first, f"line {first}: the tiers are {', '.join(TIERS)}, each once", "give each tier one line"
    elif not 0 == found[COLD] < found[COOL] < found[WARM] < found[HOT]:
        yield first, f"line {first}: {COLD} must begin at 0, and each tier above the one before", "let them rise"


def setting_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield settings that are none."""
    for line, name in zip(rows["line"], rows["name"], strict=True):
        if lookup_key(name) not in DEFAULT_SETTINGS:
            yield int(line), f"line {line}: {name!r} is no setting", f"use one of {', '.join(DEFAULT_SETTINGS)}"


def owner_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield owners of nothing: a line names a conductor, a profile or a webinar."""
    for line, *names in rows[["line", "conductor", "profile", "webinar_id"]].itertuples(index=False):
        if not any(str(name).strip() for name in names):
            yield int(line), f"line {line}: it names no conductor, profile or webinar_id", "name one of the three"


CHECKS: dict[str, Callable[[pd.DataFrame], Iterator[Fault]]] = {
    "engagement_weights": weight_faults,
    "engagement_bands": band_faults,
    "engagement_tiers": tier_faults,
    "engagement_settings": setting_faults,
    "engagement_owners": owner_faults,
    FOLLOWUPS: followup_faults,
}


def _repeated(rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[int, str]]:
    again = rows[rows.duplicated(columns)]
    for line, *values in again[["line", *columns]].itertuples(index=False):
        yield int(line), " ".join(map(str, values))


def setting(rows: pd.DataFrame, name: str) -> str:
    """Return a setting of `engagement_settings.csv`, or its default where it is blank. The last line holds."""
    own = [value.strip() for key, value in zip(rows["name"], rows["value"], strict=True) if lookup_key(key) == name]
    return (own[-1] if own else "") or DEFAULT_SETTINGS[name]
