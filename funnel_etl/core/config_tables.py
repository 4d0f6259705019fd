"""The tables people edit (`config_csv/*.csv`): their columns, their validation, and the lookups made from them.

One pydantic model per table; an error names file, line, column, value and what was expected. Which version is in force
on a night is decided in `sources/nightly.py`; this module only reads bytes.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from funnel_etl.core import dates
from funnel_etl.core.csvfile import PROBLEM, header_key, read_csv
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.core.text import lookup_key, lookup_keys, squash

MISC = "Other Sources (Miscellaneous)"
"""The funnel of sources that no mapping knows."""
NO_SOURCE = "(no source)"
"""The funnel of rows whose source is blank."""
UNMAPPED = "Unmapped"
"""The funnel of ad spend whose own funnel is blank or unknown."""
RESIDUAL_FUNNELS = (MISC, NO_SOURCE, UNMAPPED)


def _not_blank(text: str) -> str:
    if not lookup_key(text):
        raise ValueError("must not be blank")
    return text


def _days(text: str) -> frozenset[date]:
    """Read days separated by `|`; raises `ValueError`."""
    try:
        return frozenset(date.fromisoformat(day.strip()) for day in text.split("|") if day.strip())
    except ValueError:
        msg = "volume_holidays must be days as YYYY-MM-DD, separated by |"
        raise ValueError(msg) from None


_NAME = AfterValidator(_not_blank)
Name = Annotated[str, _NAME]
"""A text that may not be blank; white space in it is collapsed."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Funnels(_Row):
    """The funnels the team knows, in the spelling reports use."""

    funnel: Name


class FunnelMapping(_Row):
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


class CampaignMapping(_Row):
    """Which funnel a campaign's leads belong to: first match in file order; `*` and a blank cell are anything."""

    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    funnel: Name


class ManualMapping(_Row):
    """What a person typed for one sale. The value is kept as typed, blanks and all: a single space means something."""

    sale_id: Name
    manual_value: str
    note: str = ""


class ManualValueFunnel(_Row):
    """Which funnel a manually typed value means."""

    manual_value: Name
    funnel: Name


class Metrics(_Row):
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
            _days(value)
        return value


class ClosedMonths(_Row):
    """A month whose M0 is closed, by its first day."""

    month: date


class PlaceholderPhones(_Row):
    """A number people type when they do not want to give theirs."""

    phone: Name
    note: str = ""


class BotNames(_Row):
    """A pattern of the names of note-taking bots."""

    pattern: Name
    note: str = ""


class ColumnAliases(_Row):
    """Another spelling of a documented column of a source."""

    source: Name
    alias: Name
    column: Name


class ZoomProfiles(_Row):
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


class CategoryTokens(_Row):
    """A word of a topic and the category it stands for."""

    token: Name
    category: Name


class Conductors(_Row):
    """A name as Zoom shows it and the conductor it belongs to."""

    name: Name
    conductor: Name


class WebinarOverrides(_Row):
    """What a person knows better about one webinar id."""

    webinar_id: Name
    conductor: str = ""
    category: str = ""
    profile: str = ""
    bootcamp_day: Literal["", "Day 1", "Day 2", "Both"] = ""
    note: str = ""


class ExpectedExports(_Row):
    """A report that should arrive every week."""

    profile: Name
    weekday: Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    report: Literal["attendee", "registration"]
    note: str = ""


TABLES: dict[str, type[_Row]] = {
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
    "expected_exports": ExpectedExports,
}
"""Every table of `config_csv`, by the name of its file without `.csv`."""

DEFAULT_METRICS = {
    "revenue_column": "netAmount",
    "sale_date_column": "createdOn",
    "excluded_statuses": "",
    "attribution_lookback_days": "90",
    "attribution_half_life_days": "7",
    "volume_drop_share": "0.25",
    "volume_certainty": "3.5",
    "volume_weeks": "8",
    "volume_holidays": "",
}
"""What counts as a sale, how far back attribution looks, when a volume is too low, while `metrics.csv` is silent."""

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


@dataclass(frozen=True)
class Config:
    """The configuration in force on a night: one frame per table (column `line` = line of the CSV), and its version."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    version: str = "empty"

    def table(self, name: str) -> pd.DataFrame:
        """Give a table; an absent file is an empty one."""
        return self.tables[name] if name in self.tables else parse_table(name, None)

    def metric(self, name: str) -> str:
        """Give a setting of `metrics.csv`, or its default where it is blank. The last line for a name holds."""
        rows = self.table("metrics")
        own = rows["value"][lookup_keys(rows["name"]) == name]
        return (own.iloc[-1].strip() if len(own) else "") or DEFAULT_METRICS[name]

    def number(self, name: str) -> Decimal:
        """Give a setting of `metrics.csv` that is a number, or its default where it is blank."""
        return Decimal(self.metric(name))

    @property
    def holidays(self) -> frozenset[date]:
        """The business days whose volumes are not to be judged: `volume_holidays` of `metrics.csv`."""
        return _days(self.metric("volume_holidays"))

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholder phone numbers, as digits."""
        digits = ("".join(c for c in text if c.isdigit()) for text in self.table("placeholder_phones")["phone"])
        return frozenset(re.sub(r"^(?:0091|091|910|91|0)(?=\d{10}$)", "", number) for number in digits)

    def aliases(self, source: str) -> dict[str, str]:
        """Give the column aliases of a source: alias → documented name."""
        rows = self.table("column_aliases")
        own = rows[lookup_keys(rows["source"]) == source]
        return dict(zip(own["alias"], own["column"], strict=True))

    @property
    def misc(self) -> str:
        """The funnel of unmapped sources, in the spelling of `funnels.csv` if it is there."""
        return next((f for f in self.table("funnels")["funnel"] if lookup_key(f) == lookup_key(MISC)), MISC)

    def known_funnel(self, names: pd.Series) -> pd.Series:
        """Give the spelling of `funnels.csv` for each name that is a known funnel, else missing."""
        spelling = {lookup_key(name): name for name in self.table("funnels")["funnel"]}
        return lookup_keys(names).map(spelling).astype("str")


def parse_table(name: str, data: bytes | None) -> pd.DataFrame:
    """Read one table from its bytes (None: an empty table).

    Raises `ConfigError` naming file, line, column, value and expectation.
    """
    model = TABLES[name]
    where = f"config_csv/{name}.csv"
    if data is None or not data.strip():
        return _typed(pd.DataFrame(columns=[*model.model_fields, "line"]), model)
    try:
        records = read_csv(data, model.model_fields)
    except FunnelError as error:
        raise ConfigError(error.what, where=where, fix=error.fix) from error
    present = {header_key(column): column for column in records.columns}
    needed = [f for f, info in model.model_fields.items() if info.is_required() and header_key(f) not in present]
    if needed:
        raise ConfigError(
            f"line 1: the column {needed[0]!r} is missing; found {', '.join(records.columns)}",
            where=where,
            fix=f"the header is {','.join(model.model_fields)}",
        )
    rows = records.rows.rename(
        columns={present[header_key(f)]: f for f in model.model_fields if header_key(f) in present}
    )
    for column in _date_columns(model):
        if column in rows:
            rows[column] = iso_days(rows, column, where)
    errors = list(_row_errors(rows, model))
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ConfigError(errors[0] + more, where=where, fix="correct the cell and save the file as CSV")
    return _typed(rows.rename(columns={"source_row": "line"}), model)


def check_together(tables: Mapping[str, pd.DataFrame]) -> dict[str, ConfigError]:
    """Check what only shows across rows and tables; gives one error per table that is wrong."""
    found: dict[str, ConfigError] = {}
    known = {lookup_key(name) for name in [*tables["funnels"]["funnel"], *RESIDUAL_FUNNELS]}
    for name in ("funnel_mapping", "campaign_mapping", "manual_value_funnel"):
        rows = tables[name]
        strange = rows[~lookup_keys(rows["funnel"]).isin(known)]
        if len(strange):
            found[name] = ConfigError(
                f"line {strange['line'].iloc[0]}: column 'funnel': {strange['funnel'].iloc[0]!r} is not in funnels.csv",
                where=f"config_csv/{name}.csv",
                fix="use a funnel of funnels.csv in any case, or add it there",
            )
    for name, key, value in (
        ("manual_mapping", "sale_id", "manual_value"),
        ("manual_value_funnel", "manual_value", "funnel"),
        ("funnel_mapping", "source", "funnel"),
    ):
        clash = _clash(tables[name], key, value)
        if clash and name not in found:
            found[name] = ConfigError(
                f"lines {clash[0]} and {clash[1]} give the same {key} different values of {value!r}"
                + (" for the same day" if name == "funnel_mapping" else ""),
                where=f"config_csv/{name}.csv",
                fix="keep one of the two lines" + (", or date them apart" if name == "funnel_mapping" else ""),
            )
    return found


def map_sources(sources: pd.Series, days: pd.Series, config: Config) -> pd.Series:
    """Give the funnel of each CRM source on its business day.

    A blank source is NO_SOURCE; one that no line of `funnel_mapping.csv` covers on that day is missing: the caller
    decides what it falls to. Rule: Assigned leads.
    """
    keys = lookup_keys(sources)
    mapping = config.table("funnel_mapping")
    mapping = mapping.assign(key=lookup_keys(mapping["source"]), funnel=config_spelling(mapping["funnel"], config))
    lines = pd.DataFrame({"key": keys, "day": days, "label": range(len(keys))}).merge(mapping, on="key", how="inner")
    after = lines["valid_from"].isna() | (lines["day"] >= lines["valid_from"])
    before = lines["valid_to"].isna() | (lines["day"] <= lines["valid_to"])
    hits = lines[after & before].drop_duplicates("label").set_index("label")["funnel"]
    found = pd.Series(hits.reindex(range(len(keys))).to_numpy(), index=sources.index, dtype="str")
    return found.mask(keys == "", NO_SOURCE)


def config_spelling(names: pd.Series, config: Config) -> pd.Series:
    """Give funnels in the spelling of `funnels.csv`; residual funnels in ours; others as they are."""
    residual = {lookup_key(name): name for name in RESIDUAL_FUNNELS}
    return config.known_funnel(names).fillna(lookup_keys(names).map(residual).astype("str")).fillna(names)


def _date_columns(model: type[_Row]) -> list[str]:
    return [name for name, info in model.model_fields.items() if "date" in str(info.annotation)]


def iso_days(rows: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Give the days of a column as YYYY-MM-DD; other texts stay. Raises `ConfigError` where their order is open."""
    try:
        parsed = dates.parse(rows[column], "UTC", column=column)
    except FunnelError as error:
        raise ConfigError(error.what, where=f"{where}, column {column!r}", fix="write dates as YYYY-MM-DD") from error
    days: pd.Series = parsed.instants.dt.strftime("%Y-%m-%d").astype("str")
    return days.where(parsed.instants.notna(), rows[column])


def _row_errors(rows: pd.DataFrame, model: type[_Row]) -> Iterator[str]:
    columns = [c for c in model.model_fields if c in rows]
    for line, problem, record in zip(rows["source_row"], rows[PROBLEM], rows[columns].to_dict("records"), strict=True):
        if isinstance(problem, str):
            yield f"line {line}: {problem.replace('_', ' ')} for its header"
            continue
        cells = {k: (None if k in _date_columns(model) and not v.strip() else v) for k, v in record.items()}
        try:
            model.model_validate(cells)
        except ValidationError as error:
            first = error.errors()[0]
            column = str(first["loc"][0]) if first["loc"] else "?"
            yield f"line {line}: column {column!r}: {cells.get(column)!r}: {first['msg']}"


def _typed(rows: pd.DataFrame, model: type[_Row]) -> pd.DataFrame:
    frame = pd.DataFrame(index=rows.index)
    for name, info in model.model_fields.items():
        if name in _date_columns(model):
            texts = rows[name] if name in rows else pd.Series(None, index=rows.index, dtype="str")
            frame[name] = pd.to_datetime(texts.replace("", None), format="%Y-%m-%d", errors="coerce").dt.as_unit("us")
        else:
            texts = rows[name].astype("str") if name in rows else pd.Series(info.default, index=rows.index, dtype="str")
            frame[name] = squash(texts) if _NAME in info.metadata else texts
    frame["line"] = rows["line"].astype("Int64")
    for name in AS_TYPED & model.model_fields.keys():
        frame[f"{name}_typed"] = rows[name].astype("str") if name in rows else frame[name]
    return frame.reset_index(drop=True)


def _clash(rows: pd.DataFrame, key: str, value: str) -> tuple[int, int] | None:
    """Find two lines with the same key and different values, on a common day where lines are dated."""
    plain = value == "manual_value"
    keyed = rows.assign(
        _key=rows[key] if plain else lookup_keys(rows[key]), _value=rows[value] if plain else lookup_keys(rows[value])
    )
    pairs = keyed.merge(keyed, on="_key", suffixes=("", "_2"))
    pairs = pairs[(pairs["line"] < pairs["line_2"]) & (pairs["_value"] != pairs["_value_2"])]
    if "valid_from" in rows:
        starts = pairs[["valid_from", "valid_from_2"]].max(axis=1)
        ends = pairs[["valid_to", "valid_to_2"]].min(axis=1)
        pairs = pairs[starts.isna() | ends.isna() | (starts <= ends)]
    return (int(pairs["line"].iloc[0]), int(pairs["line_2"].iloc[0])) if len(pairs) else None
