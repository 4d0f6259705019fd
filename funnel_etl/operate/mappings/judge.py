"""What is wrong with an edit of a config table, before it is saved: every line, and every table that no longer fits.

The checks are those of a night (`core/config_tables`, `core/config_checks`). Not here: what an edit moves (`preview`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
from upath import UPath

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.config_checks import Loss, SourceNames, faults_together
from funnel_etl.core.config_tables import TABLES, cell_faults, parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_bytes
from funnel_etl.sources.nightly import NightlySources

Names = Mapping[str, SourceNames]


@dataclass(frozen=True)
class Problem:
    """Something wrong: in which table, on which line of its file (0: no line), what, and how to put it right."""

    table: str
    line: int
    what: str
    fix: str


@dataclass(frozen=True)
class Verdict:
    """What a night would say. `others`: tables that fit now and would not any more; `loss`: of most of its lines."""

    problems: list[Problem] = field(default_factory=list)
    others: list[Problem] = field(default_factory=list)
    loss: Loss | None = None

    @property
    def is_good(self) -> bool:
        """Whether a night would take the edit; a loss waits for a person's word."""
        return not self.problems and not self.others


def source_names(settings: Settings) -> Names:
    """Return what config tables may name of the sources, with the columns of the CRM's newest sales."""
    return _sources(settings).names_on(settings.yesterday())


def judge(settings: Settings, name: str, data: bytes, names: Names) -> Verdict:
    """Judge a table as it would be, beside the others as they lie in the folder; `names`: as `source_names`."""
    try:
        own = (
            [Problem(name, fault.line, fault.what, "correct the cell") for fault in cell_faults(name, data)]
            if data.strip()
            else []
        )
        if own:
            return Verdict(own)
        rows = parse_table(name, data)
    except ConfigError as error:
        return Verdict([Problem(name, 0, error.what, error.fix)])
    tables = {one: _as_it_lies(settings, one) for one in TABLES}
    before = {(one, fault.what) for one, faults in faults_together(tables, names).items() for fault in faults}
    found = [
        Problem(one, *fault)
        for one, faults in faults_together(tables | {name: rows}, names).items()
        for fault in faults
        if one == name or (one, fault.what) not in before
    ]
    return Verdict(
        [one for one in found if one.table == name],
        [one for one in found if one.table != name],
        _sources(settings).loss(name, settings.yesterday(), rows),
    )


def _as_it_lies(settings: Settings, name: str) -> pd.DataFrame:
    """Return a table as it lies in the folder; one that is wrong by itself counts as empty."""
    try:
        return parse_table(name, table_bytes(settings.config_folder, name))
    except ConfigError:
        return parse_table(name, None)


def _sources(settings: Settings) -> NightlySources:
    return NightlySources(settings, Landing(UPath(settings.landing_root)), SOURCE_NAMES)
