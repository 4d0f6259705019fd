"""One declaration per table: grain, key, columns, and what each column means.

From it come the Parquet types, the PostgreSQL DDL and comments, the validation before publishing, the column schema in
the Dagster UI and the data dictionary. The declarations themselves stand beside the code that makes the table
(`<part>/contracts.py`); here is only the machinery, which knows no table.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.values.text import arrow_text, text_series

MONEY_LIMIT = 10**14
"""Whole paise that numeric(14,2) cannot hold any more."""


SHARE_UNITS = 10**18
"""A whole, in the units in which frames hold shares."""


class Kind(StrEnum):
    """What a column holds. Frames hold money in whole paise and shares in whole 10^-18; others decimals."""

    TEXT = "text"
    INTEGER = "bigint"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamptz"
    DATE = "date"
    MONEY = "numeric(14,2)"
    SHARE = "numeric(20,18)"
    NUMBER = "double precision"
    TEXT_ARRAY = "text[]"
    JSON = "jsonb"


PANDAS_DTYPE: dict[Kind, Any] = {
    Kind.TEXT: "str",
    Kind.INTEGER: "Int64",
    Kind.BOOLEAN: "boolean",
    Kind.TIMESTAMP: "datetime64[us, UTC]",
    Kind.DATE: "datetime64[us]",
    Kind.MONEY: "Int64",
    Kind.SHARE: "Int64",
    Kind.NUMBER: "float64",
    Kind.TEXT_ARRAY: "object",
    Kind.JSON: "str",
}

ARROW_TYPE = {
    Kind.TEXT: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    Kind.DATE: pa.date32(),
    Kind.MONEY: pa.decimal128(14, 2),
    Kind.SHARE: pa.decimal128(20, 18),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT_ARRAY: pa.list_(pa.string()),
    Kind.JSON: pa.string(),
}


@dataclass(frozen=True)
class Column:
    """A column. `required`: never NULL; `values`: the only ones allowed; `personal`: it tells who somebody is."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    values: tuple[str, ...] = ()
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its grain ("One row per …"), its key (the columns that are unique together) and its columns in order.

    `extensible` tables (`raw`) also hold whatever further text columns a source sends. `live` ones are in PostgreSQL
    alone: no night makes them of what was landed, so none publishes, replays or makes them again. `lake_only` ones are
    steps of the night that are not published; of a `restricted` one each role sees the rows of its own occurrences.
    """

    schema: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    note: str = ""
    extensible: bool = False
    live: bool = False
    lake_only: bool = False
    restricted: bool = False
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        unknown = [name for name in self.key if name not in self.by_name]
        if unknown or len(self.by_name) != len(self.columns):
            msg = f"{self.full_name}: key columns {unknown} are not declared, or a column is declared twice"
            raise ValueError(msg)

    @property
    def full_name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    @property
    def asset_key(self) -> list[str]:
        """The Dagster asset key: `schema/table`."""
        return [self.schema, self.name]

    @property
    def names(self) -> list[str]:
        """Column names in their order."""
        return [column.name for column in self.columns]

    @property
    def description(self) -> str:
        """Grain and note: the table's COMMENT and its text in the UI."""
        return f"{self.grain}. {self.note}".strip() if self.note else f"{self.grain}."

    def extended_with(self, names: Iterable[str]) -> "Table":
        """Return the contract of this extensible table with the further source columns `names`."""
        extra = tuple(
            Column(name, Kind.TEXT, f"Source column {name!r}, as it came; not in the documented layout.", personal=True)
            for name in names
            if name not in self.by_name
        )
        return replace(self, columns=self.columns + extra) if extra else self

    def only(self, *names: str) -> "Table":
        """Return this table with these columns alone, and so without a key: what a reader of it declares to read."""
        if unknown := [name for name in names if name not in self.by_name]:
            msg = f"{self.full_name} has no column {', '.join(unknown)}"
            raise ValueError(msg)
        return replace(self, key=(), columns=tuple(c for c in self.columns if c.name in names), extensible=False)

    def empty(self) -> pd.DataFrame:
        """Return the table with no rows."""
        return _empty_frame(self).copy(deep=False)

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return `frame` with exactly the declared columns, in order, in their dtypes and a fresh index.

        Raises `PublishRefused` when a declared column is missing or does not cast.
        """
        missing = [name for name in self.names if name not in frame.columns]
        if missing:
            raise PublishRefused(
                f"the transform made no column {', '.join(missing)}",
                where=self.full_name,
                fix="add it to the transform, or take it out of the contract",
            )
        if not len(frame):
            return self.empty()
        return pd.DataFrame({c.name: _cast(frame[c.name], c, self.full_name) for c in self.columns}).reset_index(
            drop=True
        )

    def problems(self, frame: pd.DataFrame) -> list[str]:
        """List what in `frame` breaks this contract. Names columns and counts, never personal values."""
        found = [f"column {name} is missing" for name in self.names if name not in frame.columns]
        if found or not len(frame):
            return found
        for column in self.columns:
            values = frame[column.name]
            if column.required and (empty := int(values.isna().sum())):
                found.append(f"{column.name} is NULL in {empty} rows")
            if column.values and (odd := set(values.dropna().unique()) - set(column.values)):  # noqa: PD011 - ours
                found.append(f"{column.name} holds {len(odd)} values that are not allowed: {sorted(map(str, odd))[:3]}")
            if column.kind is Kind.MONEY and (wide := int((values.dropna().abs() >= MONEY_LIMIT).sum())):
                found.append(f"{column.name} is too large for numeric(14,2) in {wide} rows")
        if doubles := int(frame.duplicated(list(self.key)).sum()):
            found.append(f"{self.grain}: {doubles} rows repeat the key ({', '.join(self.key)})")
        return found

    def to_arrow(self, frame: pd.DataFrame) -> pa.Table:
        """Turn a conforming frame into an Arrow table with the types PostgreSQL will have."""
        if not len(frame):
            return pa.schema([(c.name, ARROW_TYPE[c.kind]) for c in self.columns]).empty_table()
        return pa.table({c.name: _to_arrow(frame[c.name], c.kind) for c in self.columns})

    def from_arrow(self, table: pa.Table) -> pd.DataFrame:
        """Turn an Arrow table of this contract back into a frame; the inverse of `to_arrow`."""
        if not len(table):
            return self.empty()
        return pd.DataFrame({c.name: _from_arrow(table.column(c.name), c.kind) for c in self.columns})


@lru_cache(maxsize=512)
def _empty_frame(table: Table) -> pd.DataFrame:
    """Return no rows of a table, made once: half the tables of a small night have none, and a column costs 0.1 ms."""
    return pd.DataFrame({c.name: pd.Series(dtype=PANDAS_DTYPE[c.kind]) for c in table.columns})


def _cast(values: pd.Series, column: Column, where: str) -> pd.Series:
    try:
        if column.kind is Kind.TIMESTAMP:
            return pd.to_datetime(values, utc=True).dt.as_unit("us")
        if column.kind is Kind.DATE:
            return pd.to_datetime(values).dt.as_unit("us")
        cast: pd.Series = values.astype(PANDAS_DTYPE[column.kind])
        # In one piece: what was put together of many files is slow to pick rows from.
        return text_series(arrow_text(cast), cast.index) if column.kind in {Kind.TEXT, Kind.JSON} else cast
    except (TypeError, ValueError) as error:
        raise PublishRefused(
            f"column {column.name} does not cast to {column.kind.value} ({type(error).__name__})",
            where=where,
            fix="make the transform give the dtype of the contract",
        ) from None  # the cause quotes a value of a row


def _to_arrow(values: pd.Series, kind: Kind) -> pa.Array:
    if kind in {Kind.MONEY, Kind.SHARE}:
        return _units_to_decimal(values, kind)
    if kind is Kind.DATE:
        return pa.array(values.astype("datetime64[us]"), from_pandas=True).cast(pa.date32())
    array = pa.array(values, type=ARROW_TYPE[kind], from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _from_arrow(column: pa.ChunkedArray, kind: Kind) -> pd.Series:
    if kind in {Kind.MONEY, Kind.SHARE}:
        return _decimal_to_units(column)
    if kind is Kind.DATE:
        column = column.cast(pa.timestamp("us"))
    if kind is Kind.TEXT_ARRAY:
        return pd.Series(column.to_pylist(), dtype="object")
    if kind in {Kind.INTEGER, Kind.BOOLEAN, Kind.TEXT, Kind.JSON}:
        dtype = pd.array([], dtype=PANDAS_DTYPE[kind]).dtype
        return pd.Series(dtype.__from_arrow__(column.combine_chunks()))  # in one piece, as in `_cast`
    rows: pd.Series = column.to_pandas().astype(PANDAS_DTYPE[kind])
    return rows


def _units_to_decimal(values: pd.Series, kind: Kind) -> pa.Array:
    """Reinterpret whole units as decimal128: the same 128-bit integer, so nothing is rounded."""
    numbers = values.astype("Int64")
    if kind is Kind.MONEY and (numbers.abs() >= MONEY_LIMIT).any():
        raise PublishRefused(
            "an amount is too large for numeric(14,2)", fix="look for a wrong column or a run-away number"
        )
    units = numbers.fillna(0).to_numpy(dtype=np.int64)
    words = np.empty((len(units), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = units, units >> 63
    present = np.packbits(numbers.notna().to_numpy(dtype=bool), bitorder="little")
    return pa.Array.from_buffers(
        ARROW_TYPE[kind], len(units), [pa.py_buffer(present.tobytes()), pa.py_buffer(words.tobytes())]
    )


def _decimal_to_units(column: pa.ChunkedArray) -> pd.Series:
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)
    words = np.frombuffer(array.buffers()[1] or b"", dtype=np.int64).reshape(-1, 2)
    units = words[array.offset : array.offset + len(array), 0]
    return pd.Series(pd.arrays.IntegerArray(units.copy(), array.is_null().to_numpy(zero_copy_only=False)))
