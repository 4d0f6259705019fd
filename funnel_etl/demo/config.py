"""The demo's own config tables: what its truth follows from in them, and the window of days it fills.

The planted funnels are worked out here from the tables, apart from the code of the night: the two can disagree.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from funnel_etl.core.config_tables import MISC, NO_SOURCE, TABLES, parse_table

DEMO_CONFIG = Path(__file__).resolve().parent / "config_csv"
"""The tables the demo's company works with. Those at the top of the project are what a real team starts from."""
CAMPAIGN_COLUMNS = ("utm_source", "utm_medium", "utm_campaign", "funnel")
MAPPED, UNMAPPED_VALUE, OWN_NAME, BLANK = "mapped", "unmapped", "own_name", "blank"


@dataclass(frozen=True)
class Window:
    """The days of the demo: from the first day of the first month up to `as_of`, and six hours of the morning after."""

    as_of: date
    months: int

    @property
    def start(self) -> pd.Timestamp:
        """Midnight of the first day."""
        return pd.Timestamp(self.as_of).replace(day=1) - pd.DateOffset(months=self.months - 1)

    @property
    def close(self) -> pd.Timestamp:
        """The end of `as_of`: the first instant that is not in the facts."""
        return pd.Timestamp(self.as_of) + pd.Timedelta(days=1)

    @property
    def end(self) -> pd.Timestamp:
        """When the sources were exported."""
        return self.close + pd.Timedelta(hours=6)

    @property
    def seconds(self) -> int:
        """The length of the window up to the export."""
        return int((self.end - self.start).total_seconds())

    @property
    def month_starts(self) -> list[pd.Timestamp]:
        """Midnight of the first of each month."""
        return [self.start + pd.DateOffset(months=i) for i in range(self.months)]


@dataclass(frozen=True)
class DatedFunnel:
    """A line of `funnel_mapping.csv`."""

    funnel: str
    first: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True)
class DemoConfig:
    """The part of the config tables that the planted truth follows from."""

    funnels: list[str]
    sources: dict[str, list[DatedFunnel]]
    campaigns: list[tuple[tuple[str, str, str], str]]
    manual: dict[str, str]
    manual_funnel: dict[str, str]
    excluded_statuses: list[str]
    placeholders: list[str]
    bots: list[str]
    conductors: dict[str, list[str]] = field(default_factory=dict)

    def source_funnel(self, source: str, day: pd.Timestamp) -> str:
        """Return the funnel of a source, in the spelling of the mapping, on a business day."""
        if not source:
            return NO_SOURCE
        return next((d.funnel for d in self.sources.get(source, []) if d.first <= day <= d.last), MISC)

    def campaign_funnel(self, utm: tuple[str, str, str]) -> str:
        """Return the funnel of utm source, medium and campaign: first match in file order."""
        for patterns, funnel in self.campaigns:
            if all(_like(value, pattern) for value, pattern in zip(utm, patterns, strict=True)):
                return funnel
        return MISC

    def manual_kind(self, value: str) -> str:
        """Return which line of the rule's table a typed value belongs to."""
        key = " ".join(value.split()).casefold()
        if not key:
            return BLANK
        if key in self.manual_funnel:
            return MAPPED
        return OWN_NAME if key in {f.casefold() for f in self.funnels} else UNMAPPED_VALUE

    def final_funnel(self, funnel: str, typed: str) -> str:
        """Return the final funnel of a sale with that funnel and that typed value."""
        key = " ".join(typed.split()).casefold()
        own = {f.casefold(): f for f in self.funnels}
        return self.manual_funnel.get(key) or own.get(key) or funnel


def read_config(folder: Path) -> DemoConfig:
    """Read the tables; a missing file is an empty table. Raises `ConfigError` for one that cannot be read."""
    files = {name: folder / f"{name}.csv" for name in TABLES}
    tables = {name: parse_table(name, file.read_bytes() if file.exists() else None) for name, file in files.items()}
    funnels = [str(name) for name in tables["funnels"]["funnel"]]
    spelling = {name.casefold(): name for name in funnels}
    metrics = dict(zip(tables["metrics"]["name"], tables["metrics"]["value"], strict=True))
    values = tables["manual_value_funnel"]
    campaigns = tables["campaign_mapping"]
    return DemoConfig(
        funnels=funnels,
        sources=_dated(tables["funnel_mapping"], spelling),
        campaigns=[
            ((s, m, c), spelling[f.casefold()])
            for s, m, c, f in zip(*(campaigns[name] for name in CAMPAIGN_COLUMNS), strict=True)
        ],
        manual=dict(zip(tables["manual_mapping"]["sale_id"], tables["manual_mapping"]["manual_value"], strict=True)),
        manual_funnel={
            " ".join(v.split()).casefold(): spelling[f.casefold()]
            for v, f in zip(values["manual_value"], values["funnel"], strict=True)
        },
        excluded_statuses=[s for s in metrics.get("excluded_statuses", "").split("|") if s],
        placeholders=[str(phone) for phone in tables["placeholder_phones"]["phone"]],
        bots=[str(pattern) for pattern in tables["bot_names"]["pattern"]],
        conductors=_grouped(tables["conductors"]),
    )


def _dated(mapping: pd.DataFrame, spelling: dict[str, str]) -> dict[str, list[DatedFunnel]]:
    found: dict[str, list[DatedFunnel]] = {}
    first = mapping["valid_from"].fillna(pd.Timestamp("1900-01-01"))
    last = mapping["valid_to"].fillna(pd.Timestamp("2999-12-31"))
    for source, funnel, start, end in zip(mapping["source"], mapping["funnel"], first, last, strict=True):
        found.setdefault(source, []).append(DatedFunnel(spelling[funnel.casefold()], start, end))
    return found


def _grouped(conductors: pd.DataFrame) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, conductor in zip(conductors["name"], conductors["conductor"], strict=True):
        found.setdefault(conductor, []).append(name)
    return found


def _like(value: str, pattern: str) -> bool:
    if not pattern.strip():
        return True
    expression = ".*".join(re.escape(part) for part in pattern.strip().casefold().split("*"))
    return re.fullmatch(expression, " ".join(value.split()).casefold()) is not None
