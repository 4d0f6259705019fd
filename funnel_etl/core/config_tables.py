"""The tables people edit (`config_csv/*.csv`): reading them, and the lookups made from them.

An error names file, line, column, value and what was expected. Which version is in force on a night is decided in
`sources/nightly.py`; this module only reads bytes. The columns are in `config_models`, the checks in `config_checks`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pandas as pd
from pydantic import ValidationError

from funnel_etl.core.config_checks import check_together
from funnel_etl.core.config_faults import Fault
from funnel_etl.core.config_models import (
    AS_TYPED,
    DEFAULT_METRICS,
    MISC,
    NO_SOURCE,
    RESIDUAL_FUNNELS,
    TABLES,
    UNMAPPED,
    days_of,
    statuses_of,
)
from funnel_etl.core.config_row import NAME, Row
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.core.reading.csvfile import PROBLEM, header_key, read_csv
from funnel_etl.core.values import dates
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.text import lookup_key, lookup_keys, squash

CORRECT = "correct the cell and save the file as CSV"

__all__ = [
    "AS_TYPED",
    "DEFAULT_METRICS",
    "MISC",
    "NO_SOURCE",
    "RESIDUAL_FUNNELS",
    "TABLES",
    "UNMAPPED",
    "Config",
    "check_together",
    "config_spelling",
    "iso_days",
    "map_sources",
    "parse_table",
]


@dataclass(frozen=True)
class Config:
    """The configuration in force on a night: one frame per table (column `line` = line of the CSV), and its version."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    version: str = "empty"

    def table(self, name: str) -> pd.DataFrame:
        """Return a table; an absent file is an empty one."""
        return self.tables[name] if name in self.tables else parse_table(name, None)

    def metric(self, name: str) -> str:
        """Return a setting of `metrics.csv`, or its default where it is blank. The last line for a name holds."""
        rows = self.table("metrics")
        own = rows["value"][lookup_keys(rows["name"]) == name]
        return (own.iloc[-1].strip() if len(own) else "") or DEFAULT_METRICS[name]

    def number(self, name: str) -> Decimal:
        """Return a setting of `metrics.csv` that is a number, or its default where it is blank."""
        return Decimal(self.metric(name))

    def is_on(self, name: str) -> bool:
        """Whether a setting of `metrics.csv` that is yes or no says yes; its default where it is blank."""
        return lookup_key(self.metric(name)) == "yes"

    @property
    def holidays(self) -> frozenset[date]:
        """The business days whose volumes are not to be judged: `volume_holidays` of `metrics.csv`."""
        return days_of(self.metric("volume_holidays"))

    def statuses(self, name: str) -> frozenset[str]:
        """Return a list of statuses of `metrics.csv`, by their `lookup_key`."""
        return frozenset(lookup_key(status) for status in statuses_of(self.metric(name)))

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholder phone numbers, as digits."""
        texts = self.table("placeholder_phones")["phone"].str.replace(r"\.0*$", "", regex=True)
        digits = ("".join(c for c in text if c.isdigit()) for text in texts)
        return frozenset(re.sub(r"^(?:0091|091|910|91|0)(?=\d{10}$)", "", number) for number in digits)

    def aliases(self, source: str) -> dict[str, str]:
        """Return the column aliases of a source: alias → documented name."""
        rows = self.table("column_aliases")
        own = rows[lookup_keys(rows["source"]) == source]
        return dict(zip(own["alias"], own["column"], strict=True))

    @property
    def misc(self) -> str:
        """The funnel of unmapped sources, in the spelling of `funnels.csv` if it is there."""
        return next((f for f in self.table("funnels")["funnel"] if lookup_key(f) == lookup_key(MISC)), MISC)

    def known_funnel(self, names: pd.Series) -> pd.Series:
        """Return the spelling of `funnels.csv` for each name that is a known funnel, else missing."""
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
    rows = _named(name, data, where)
    errors = list(_row_errors(rows, model))
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ConfigError(errors[0].what + more, where=where, fix=CORRECT)
    return _typed(rows.rename(columns={"source_row": "line"}), model)


def cell_faults(name: str, data: bytes) -> list[Fault]:
    """Return what is wrong with each line of a table by itself; `parse_table` stops at the first.

    Raises `ConfigError` where no line can be read.
    """
    return list(_row_errors(_named(name, data, f"config_csv/{name}.csv"), TABLES[name]))


def _named(name: str, data: bytes, where: str) -> pd.DataFrame:
    """Return the rows of a file under the names of its table's columns, days as YYYY-MM-DD. Raises `ConfigError`."""
    model = TABLES[name]
    try:
        records = read_csv(data, model.model_fields, own=model.model_fields)
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
    return rows


def map_sources(sources: pd.Series, days: pd.Series, config: Config) -> pd.Series:
    """Return the funnel of each CRM source on its business day.

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
    """Return funnels in the spelling of `funnels.csv`; residual funnels in ours; others as they are."""
    residual = {lookup_key(name): name for name in RESIDUAL_FUNNELS}
    return config.known_funnel(names).fillna(lookup_keys(names).map(residual).astype("str")).fillna(names)


def _date_columns(model: type[Row]) -> list[str]:
    return [name for name, info in model.model_fields.items() if info.annotation in (date, date | None)]


def iso_days(rows: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Return the days of a column as YYYY-MM-DD; other texts stay. Raises `ConfigError` where their order is open."""
    try:
        parsed = dates.parse(rows[column], "UTC", column=column)
    except FunnelError as error:
        raise ConfigError(error.what, where=f"{where}, column {column!r}", fix="write dates as YYYY-MM-DD") from error
    days: pd.Series = parsed.instants.dt.strftime("%Y-%m-%d").astype("str")
    return days.where(parsed.instants.notna(), rows[column])


def _row_errors(rows: pd.DataFrame, model: type[Row]) -> Iterator[Fault]:
    columns = [c for c in model.model_fields if c in rows]
    for line, problem, record in zip(rows["source_row"], rows[PROBLEM], rows[columns].to_dict("records"), strict=True):
        if isinstance(problem, str):
            yield Fault(int(line), f"line {line}: {problem.replace('_', ' ')} for its header", CORRECT)
            continue
        cells = {k: (None if k in _date_columns(model) and not v.strip() else v) for k, v in record.items()}
        try:
            model.model_validate(cells)
        except ValidationError as error:
            first = error.errors()[0]
            column = str(first["loc"][0]) if first["loc"] else "?"
            what = f"line {line}: column {column!r}: {_shown(cells.get(column))}: {first['msg']}"
            yield Fault(int(line), what, CORRECT)


def _shown(cell: object) -> str:
    return repr(without_contacts(cell) if isinstance(cell, str) else cell)


def _typed(rows: pd.DataFrame, model: type[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(index=rows.index)
    for name, info in model.model_fields.items():
        if name in _date_columns(model):
            texts = rows[name] if name in rows else pd.Series(None, index=rows.index, dtype="str")
            frame[name] = pd.to_datetime(texts.replace("", None), format="%Y-%m-%d", errors="coerce").dt.as_unit("us")
        else:
            texts = rows[name].astype("str") if name in rows else pd.Series(info.default, index=rows.index, dtype="str")
            frame[name] = squash(texts) if NAME in info.metadata else texts
    frame["line"] = rows["line"].astype("Int64")
    for name in AS_TYPED & model.model_fields.keys():
        frame[f"{name}_typed"] = rows[name].astype("str") if name in rows else frame[name]
    return frame.reset_index(drop=True)
