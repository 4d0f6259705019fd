"""The daily partition, whose key is the as-of date, and what an asset knows about its night."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import dagster as dg
import pandas as pd

from funnel_etl.core.accounting import Outcome
from funnel_etl.core.config_tables import Config
from funnel_etl.core.csvfile import SourceColumn
from funnel_etl.core.dumps import DumpKey
from funnel_etl.settings import Settings
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources

FIRST_NIGHT = "2020-01-01"
PARTITION = "dagster/partition"
"""Tag of runs of one night: its as-of date."""
BY_COMMAND = "funnel_etl/by_command"
"""Tag of runs that `funnel-etl run` makes: the machine and state folder it ran on."""


def nights_partition(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition per business day, there once the day has ended."""
    return dg.DailyPartitionsDefinition(start_date=FIRST_NIGHT, timezone=settings.timezone)


@dataclass
class Night:
    """A night: its as-of date, the sources as they were, the config in force, the zone of its days."""

    day: date
    sources: NightlySources
    run_id: str

    @property
    def as_of(self) -> pd.Timestamp:
        """The as-of date as frames hold it."""
        return pd.Timestamp(self.day)

    @property
    def zone(self) -> str:
        """The zone of business days."""
        return self.sources.settings.timezone

    def records(self, source: str, documented: Collection[SourceColumn], key: DumpKey | None = None) -> Outcome:
        """Pull a CSV source for the night (or replay what it used) and give the records of its `raw` table.

        A dump that was cut off, or lacks too many rows of the last good one by `key`, is refused when it is pulled.
        """
        reader = DumpReader(
            self.sources.settings,
            self.sources.landing,
            source,
            documented,
            self.config.aliases(source),
            night=self.day,
            key=key,
        )
        return reader.records(self.sources.pull(source, self.day, reader.judge))

    @cached_property
    def config(self) -> Config:
        """The config in force."""
        return self.sources.config(self.day)
