"""Five-row frames written as CSV in the test: config tables, raw tables as files give them, clean ones by contract."""

import io
from collections.abc import Callable
from hashlib import sha256
from textwrap import dedent
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config, parse_table
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.source_frame import raw_records
from funnel_etl.core.tables.contracts import SHARE_UNITS, Kind, Table

DEFAULTS: dict[Kind, Any] = {
    Kind.TEXT: "x",
    Kind.INTEGER: "0",
    Kind.BOOLEAN: "false",
    Kind.TIMESTAMP: "2026-01-01",
    Kind.DATE: "2026-01-01",
    Kind.MONEY: "0",
    Kind.SHARE: "0",
    Kind.JSON: "{}",
}

UNITS = {Kind.MONEY: 100, Kind.SHARE: SHARE_UNITS}


def _config_of(**tables: str) -> Config:
    return Config({name: parse_table(name, dedent(text).encode()) for name, text in tables.items()}, "test")


def _raw_of(
    source: str, documented: tuple[SourceColumn, ...], text: str, aliases: dict[str, str] | None = None
) -> pd.DataFrame:
    data = dedent(text).strip("\n").encode()
    return raw_records(data, sha256(data).hexdigest(), source, documented, aliases or {}).rows


def _table_of(table: Table, text: str = "") -> pd.DataFrame:
    """Read CSV into a frame of the contract: amounts in rupees, times in UTC; what is left out is NULL or a default."""
    given = pd.read_csv(io.StringIO(dedent(text)), dtype="str") if text.strip() else pd.DataFrame()
    frame = pd.DataFrame(index=given.index)
    for column in table.columns:
        blank = DEFAULTS[column.kind] if column.required else None
        texts = pd.Series(blank, index=given.index, dtype="str")
        if column.name == "source_row" and "source_row" not in given:
            texts = pd.Series(range(2, len(given) + 2), index=given.index).astype("str")
        if column.name in given:
            texts = given[column.name].astype("str")
        if column.kind in UNITS:
            frame[column.name] = (texts.astype("float64") * UNITS[column.kind]).round().astype("Int64")
        elif column.kind is Kind.INTEGER:
            frame[column.name] = texts.astype("float64").astype("Int64")
        elif column.kind is Kind.BOOLEAN:
            frame[column.name] = texts.map({"true": True, "false": False}).astype("boolean")
        elif column.kind is Kind.TIMESTAMP:
            frame[column.name] = pd.to_datetime(texts, utc=True, format="ISO8601")
        elif column.kind is Kind.DATE:
            frame[column.name] = pd.to_datetime(texts, format="%Y-%m-%d")
        elif column.kind is Kind.TEXT_ARRAY:
            frame[column.name] = pd.Series(None, index=given.index, dtype="object")
        else:
            frame[column.name] = texts
    return table.conform(frame)


@pytest.fixture
def config_of() -> Callable[..., Config]:
    """Config with the tables given as CSV text, all others empty."""
    return _config_of


@pytest.fixture
def raw_of() -> Callable[..., pd.DataFrame]:
    """The `raw` table a CSV text becomes; its header is line 1."""
    return _raw_of


@pytest.fixture
def table_of() -> Callable[..., pd.DataFrame]:
    """A frame of a contract from a CSV text of the columns that matter."""
    return _table_of
