"""The columns of each table of `config_csv`, one pydantic model per table, and the settings of `metrics.csv`.

Here: what one cell may hold, whatever stands beside it. Not here: reading bytes and the lookups (`config_tables`), and
whether what a cell names is there (`config_checks`).
"""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from pydantic import ValidationInfo, field_validator

from funnel_etl.core.config_engagement import ENGAGEMENT_KEYS, ENGAGEMENT_TABLES
from funnel_etl.core.config_row import Name, Row
from funnel_etl.core.values.text import lookup_key, squash_one

MISC = "Other Sources (Miscellaneous)"
"""The funnel of sources that no mapping knows."""
NO_SOURCE = "(no source)"
"""The funnel of rows whose source is blank."""
UNMAPPED = "Unmapped"
"""The funnel of ad spend whose own funnel is blank or unknown."""
RESIDUAL_FUNNELS = (MISC, NO_SOURCE, UNMAPPED)
DEFAULT_MAX_AGE_DAYS, MOST_AGE_DAYS = "7", 365
"""How many days after its event something may still be sent, where a rule is silent, and at most."""


def days_of(text: str) -> frozenset[date]:
    """Read days separated by `|`; raises `ValueError`."""
    try:
        return frozenset(date.fromisoformat(day.strip()) for day in text.split("|") if day.strip())
    except ValueError:
        msg = "volume_holidays must be days as YYYY-MM-DD, separated by |"
        raise ValueError(msg) from None


def statuses_of(text: str) -> list[str]:
    """Return the statuses of a list separated by `|`, without white space around them."""
    return [squash_one(_ESCAPED.sub(r"\1", part)) for part in text.split("|") if lookup_key(part)]


class Funnels(Row):
    """The funnels the team knows, in the spelling reports use."""

    funnel: Name


class FunnelMapping(Row):
    """Which funnel a CRM source belongs to, from and to which business day (inclusive; blank = open)."""

    source: Name
    funnel: Name
    valid_from: date | None = None
    valid_to: date | None = None
    note: str = ""

    @field_validator("valid_to")
    @classmethod
    def _not_before_its_start(cls, end: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("valid_from")
        if start and end and end < start:
            msg = f"must not be before valid_from ({start})"
            raise ValueError(msg)
        return end


class CampaignMapping(Row):
    """Which funnel a campaign's leads belong to: first match in file order; `*` and a blank cell are anything."""

    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    funnel: Name


class ManualMapping(Row):
    """What a person typed for one sale. The value is kept as typed, blanks and all: a single space means something."""

    sale_id: Name
    manual_value: str
    note: str = ""


class ManualValueFunnel(Row):
    """Which funnel a manually typed value means."""

    manual_value: Name
    funnel: Name


class Metrics(Row):
    """A setting of the business: its name and its value."""

    name: Name
    value: str

    @field_validator("value")
    @classmethod
    def _in_its_range(cls, value: str, info: ValidationInfo) -> str:
        name = lookup_key(info.data.get("name"))
        if name in NUMBERS and value.strip():
            least, greatest = NUMBERS[name]
            try:
                is_right = least <= Decimal(value.strip()) <= greatest
            except InvalidOperation:
                is_right = False
            if not is_right:
                msg = f"{name} must be a number from {least} to {greatest}"
                raise ValueError(msg)
        if name == "volume_holidays":
            days_of(value)
        if name in SWITCHES and lookup_key(value) not in ("", "yes", "no"):
            msg = f"{name} must be yes or no"
            raise ValueError(msg)
        return value


class ClosedMonths(Row):
    """A month whose M0 is closed, by its first day."""

    month: date


class PlaceholderPhones(Row):
    """A number people type when they do not want to give theirs."""

    phone: Name
    note: str = ""


class BotNames(Row):
    """A pattern of the names of note-taking bots."""

    pattern: Name
    note: str = ""


class ColumnAliases(Row):
    """Another spelling of a documented column of a source."""

    source: Name
    alias: Name
    column: Name


class ZoomProfiles(Row):
    """A kind of event: how its Zoom reports are recognised and what they are for."""

    name: Name
    product: str = ""
    use_case: str = ""
    type: Literal["webinar_attended", "registration", "bootcamp_dual"]
    event_names: str = ""
    download_name: str = ""
    category_mode: Literal["auto", "fixed"] = "auto"
    category: str = ""
    source_tag: Literal["Webinar", "Bootcamp", "Other"]
    topic_pattern: str = ""


class CategoryTokens(Row):
    """A word of a topic and the category it stands for."""

    token: Name
    category: Name


class Conductors(Row):
    """A name as Zoom shows it and the conductor it belongs to."""

    name: Name
    conductor: Name


class WebinarOverrides(Row):
    """What a person knows better about one webinar id."""

    webinar_id: Name
    conductor: str = ""
    category: str = ""
    profile: str = ""
    bootcamp_day: Literal["", "Day 1", "Day 2", "Both"] = ""
    note: str = ""


class FileOverrides(Row):
    """What a person knows better about one Zoom report, by the hash of its content; it outranks its webinar's line."""

    file_id: Name
    category: str = ""
    conductor: str = ""
    profile: str = ""
    bootcamp_day: Literal["", "Day 1", "Day 2", "Both"] = ""
    date_ratio: str = ""
    note: str = ""

    @field_validator("file_id")
    @classmethod
    def _is_a_hash(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{64}", lookup_key(value)):
            msg = "must be the file_id of a report, 64 digits and letters a to f, as in ops.files or on Upload"
            raise ValueError(msg)
        return value

    @field_validator("date_ratio")
    @classmethod
    def _is_a_share(cls, value: str) -> str:
        try:
            is_right = not value.strip() or 0 <= Decimal(value.strip()) <= 1
        except InvalidOperation:
            is_right = False
        if not is_right:
            msg = "must be a share from 0 to 1, as 0.9"
            raise ValueError(msg)
        return value


class ExpectedExports(Row):
    """A report that should arrive every week."""

    profile: Name
    weekday: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    report: Literal["attendee", "registration"]
    note: str = ""


class DeliveryRules(Row):
    """Whether events of a profile and a kind are sent, from which day on, and how long after; the first that fits."""

    profile: Name
    kind: Literal["*", "registered", "attended"]
    deliver: Literal["yes", "no"]
    from_date: date | None = None
    max_age_days: str = DEFAULT_MAX_AGE_DAYS
    unknown_consent: Literal["", "hold", "opted_out", "omit"] = "hold"
    note: str = ""

    @field_validator("max_age_days")
    @classmethod
    def _whole_days(cls, text: str) -> str:
        if text.strip() and not (text.strip().isdecimal() and int(text) <= MOST_AGE_DAYS):
            msg = f"must be a whole number of days, from 0 to {MOST_AGE_DAYS}"
            raise ValueError(msg)
        return text


class DeliveryAttributes(Row):
    """What an event or a user is sent with: `value` is `{column}` or `=constant`; the first that fits its profile."""

    kind: Literal["registered", "attended", "user"]
    attribute: Name
    value: Name
    type: Literal["", "text", "number", "date", "boolean"] = "text"
    profile: str = ""


class ConsentQuestions(Row):
    """A question of a Zoom registration form whose answer is a consent on a channel."""

    pattern: Name
    channel: Literal["email", "sms", "whatsapp", "rcs", "all"]
    yes_values: Name
    note: str = ""


TABLES: dict[str, type[Row]] = {
    "funnels": Funnels,
    "funnel_mapping": FunnelMapping,
    "campaign_mapping": CampaignMapping,
    "manual_mapping": ManualMapping,
    "manual_value_funnel": ManualValueFunnel,
    "metrics": Metrics,
    "closed_months": ClosedMonths,
    "placeholder_phones": PlaceholderPhones,
    "bot_names": BotNames,
    "column_aliases": ColumnAliases,
    "zoom_profiles": ZoomProfiles,
    "category_tokens": CategoryTokens,
    "conductors": Conductors,
    "webinar_overrides": WebinarOverrides,
    "file_overrides": FileOverrides,
    "expected_exports": ExpectedExports,
    "delivery_rules": DeliveryRules,
    "delivery_attributes": DeliveryAttributes,
    "consent_questions": ConsentQuestions,
    **ENGAGEMENT_TABLES,
}
"""Every table of `config_csv`, by the name of its file without `.csv`."""

KEYS: dict[str, tuple[str, ...]] = {
    "funnels": ("funnel",),
    "funnel_mapping": ("source",),
    "campaign_mapping": ("utm_source", "utm_medium", "utm_campaign"),
    "manual_mapping": ("sale_id",),
    "manual_value_funnel": ("manual_value",),
    "metrics": ("name",),
    "closed_months": ("month",),
    "placeholder_phones": ("phone",),
    "bot_names": ("pattern",),
    "column_aliases": ("source", "alias"),
    "zoom_profiles": ("name",),
    "category_tokens": ("token",),
    "conductors": ("name",),
    "webinar_overrides": ("webinar_id",),
    "file_overrides": ("file_id",),
    "expected_exports": ("profile", "weekday", "report"),
    "delivery_rules": ("profile", "kind"),
    "delivery_attributes": ("kind", "attribute", "profile"),
    "consent_questions": ("pattern", "channel"),
    **ENGAGEMENT_KEYS,
}
"""What the lines of each table are known by."""

EXCLUDED, COUNTED = "excluded_statuses", "counted_statuses"
STATUS_SEPARATORS = re.compile(r"(?<!\\)[,;/&:¦•·，；：、｜\t\r\n]")
"""Signs that people put between statuses instead of `|`; after a backslash they belong to the status."""
STATUS_CONNECTIVES = re.compile(r"\s*(?<!\\)\+\s*|\s+(?<!\\)(?:and|or|[-–—])\s+", re.IGNORECASE)
"""What stands between statuses, and inside of some, too."""
_ESCAPED = re.compile(r"\\([^\w\s|]|(?:and|or)\b)", re.IGNORECASE)
WEBINAR_ID_DIGITS = (8, 13)
"""How many digits Zoom's ids have, at least and at most."""

DEFAULT_METRICS = {
    "revenue_column": "netAmount",
    "sale_date_column": "createdOn",
    EXCLUDED: "",
    COUNTED: "success|successful|paid|captured|completed",
    "attribution_lookback_days": "90",
    "attribution_half_life_days": "7",
    "phone_by_email": "yes",
    "volume_drop_share": "0.25",
    "volume_certainty": "3.5",
    "volume_weeks": "8",
    "volume_holidays": "",
}
"""What holds while `metrics.csv` is silent: sales, attribution, phones of attendees, when a volume is too low."""

SWITCHES = ("phone_by_email",)
"""The settings of `metrics.csv` that are yes or no."""

AS_TYPED = {"source", "manual_value"}
"""Names whose text is also kept as it was typed, in `<name>_typed`: the old sheet looks them up with their blanks."""

NUMBERS = {
    "attribution_lookback_days": (Decimal(0), Decimal(3650)),
    "attribution_half_life_days": (Decimal("0.01"), Decimal(3650)),
    "volume_drop_share": (Decimal("0.05"), Decimal("0.95")),
    "volume_certainty": (Decimal(2), Decimal(10)),
    "volume_weeks": (Decimal(4), Decimal(26)),
}
"""The settings of `metrics.csv` that are numbers, with their least and greatest value."""
