"""What a source is, declared once. Whatever must know each source goes over the declarations: `catalog`.

A source here is pulled whole each night. Reports of the drop folder are declared in `parts/marketing/zoom`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from funnel_etl.core.config_checks import SourceNames
from funnel_etl.core.config_tables import Config
from funnel_etl.core.paging import NextLink, Offset, Paging
from funnel_etl.core.reading.csvfile import CsvRecords, SourceColumn, read_csv
from funnel_etl.core.reading.dumps import DumpKey
from funnel_etl.core.reading.jsonfile import read_json
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table

Build = Callable[[pd.DataFrame, Config, str], Outcome]
"""Makes the rows of the clean table of those of the raw one, by the config and the zone of business days."""
CarryForward = Callable[[Outcome, pd.DataFrame | None, Config], Outcome]
"""Adds to a night's clean rows those of the night before (None: there is none) that the dump's window moved past."""
Chosen = Callable[[Config], tuple[Sequence[SourceColumn], DumpKey]]
"""The documented columns and the key where `metrics.csv` chooses some of them."""


Format = Literal["csv", "json"]


@dataclass(frozen=True)
class Pass:
    """Rows that agree in `columns` are one row; a row whose first column is blank is not looked at.

    `repeated`: of several that agree the first is the first, the second the second, …; otherwise only rows that agree
    with one row of the other side, and with none of their own.
    """

    columns: tuple[str, ...]
    repeated: bool = False


@dataclass(frozen=True)
class People:
    """The rows of persons in a clean table: by which columns they are a person's, and what they tell of one.

    `ids`: columns whose values name a row of the person in other tables, too. `at`, `event`: SQL for when it was and
    for what happened, in plain words, of the row `t`, and if it is `of_an_occurrence`, of its `clean.webinars` row `e`.
    """

    table: Table
    at: str
    event: str
    email: str | None
    phone: str = "phone"
    ids: tuple[str, ...] = ()
    of_an_occurrence: bool = False


@dataclass(frozen=True)
class Upkeep:
    """Who looks after a source, and what that person does.

    `late`: when no new rows come; `low`: when a day has far too few; `no_phones`: when far more rows than usual have
    no phone (None: its rows have no phones).
    """

    who: str
    late: str
    low: str
    no_phones: str | None


@dataclass(frozen=True)
class Source:
    """A source that is pulled each night, from its address to its clean table. Every other module reads it here.

    `name`: of its files in the landing archive; its address is the setting FUNNEL_<NAME>_URL. `title`: what people call
    it; `about`: what its setting means; `login`: FUNNEL_<LOGIN>_AUTH and FUNNEL_<LOGIN>_SECRET say how it is entered.

    `columns`: its documented ones; `key`: what names a row in each dump, and its time (None: nothing does, so a dump
    that lacks rows is not noticed); `chosen`: both, where `metrics.csv` has a say. `raw`, `clean`: its tables; `build`:
    raw → clean; `carry`: keeps rows the dump's window moved past; `reads`: the tables of config_csv that have a say.

    `day`: column of `clean` with the business day; `counted_as`, `rows`: what its rows are called in `ops.volumes`, and
    in words. `content`: columns of `clean` that the facts are made of; `matching`: how a row is known again on another
    night, the surest first. `people`: whose rows they are (None: nobody's). `needs_all_dumps`: a table follows from all
    dumps that ever came, so none may be removed.

    `format`: what it sends; JSON is a list of objects, `under` the keys that lead to it, with dots between them.
    `pages`: how it hands out its rows in pages (None: it comes whole, and a page of many is refused).
    """

    name: str
    title: str
    about: str
    columns: tuple[SourceColumn, ...]
    key: DumpKey | None
    raw: Table
    clean: Table
    build: Build
    reads: frozenset[str]
    day: str
    counted_as: str
    rows: str
    upkeep: Upkeep
    content: tuple[str, ...]
    matching: tuple[Pass, ...]
    people: People | None
    login: str | None = None
    chosen: Chosen | None = None
    carry: CarryForward | None = None
    amounts: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    needs_all_dumps: bool = False
    format: Format = "csv"
    under: str = ""
    pages: Paging | None = None

    def __post_init__(self) -> None:
        tells_in_json = self.pages is not None and not (
            isinstance(self.pages, Offset) or (isinstance(self.pages, NextLink) and self.pages.field is None)
        )
        if self.format != "json" and (self.under or tells_in_json):
            msg = f"{self.name}: only JSON has keys that lead to its rows or its next page"
            raise ValueError(msg)

    @property
    def setting(self) -> str:
        """The name of its address among the settings."""
        return f"{self.name}_url"

    @property
    def variable(self) -> str:
        """The name of its address in the environment."""
        return f"FUNNEL_{self.setting.upper()}"

    @property
    def login_variables(self) -> tuple[str, str] | None:
        """The names of the settings that say how it is entered, and the secret for it; None: by nothing."""
        return (f"FUNNEL_{self.login.upper()}_AUTH", f"FUNNEL_{self.login.upper()}_SECRET") if self.login else None

    @property
    def names(self) -> SourceNames:
        """What config tables may name of it."""
        columns = tuple(column.name for column in self.columns)
        return SourceNames(columns, self.amounts, self.dates, has_header=self.format == "csv")

    def read(self, data: bytes, known: Iterable[str] = ()) -> CsvRecords:
        """Read a file, or a page, of it as text; `known` header names as in `read_csv`. Raises `SourceRejected`."""
        return read_json(data, self.under) if self.format == "json" else read_csv(data, known)

    def documented(self, config: Config) -> Sequence[SourceColumn]:
        """Return its documented columns under a config."""
        return self.chosen(config)[0] if self.chosen else self.columns

    def dump_key(self, config: Config) -> DumpKey | None:
        """Return what names a row of its dumps under a config."""
        return self.chosen(config)[1] if self.chosen else self.key


@dataclass(frozen=True)
class Part:
    """A part of the business that takes sources in: one list of them, and the people in what it makes besides."""

    name: str
    sources: tuple[Source, ...]
    other_people: tuple[People, ...] = field(default=())

    @property
    def people(self) -> tuple[People, ...]:
        """The rows of persons in all of its clean tables."""
        return (*(source.people for source in self.sources if source.people), *self.other_people)
