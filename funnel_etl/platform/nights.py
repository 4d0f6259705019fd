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
from funnel_etl.core.source_frame import raw_records
from funnel_etl.settings import Settings
from funnel_etl.sources.nightly import NightlySources

FIRST_NIGHT = "2020-01-01"


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

    def records(self, source: str, documented: Collection[SourceColumn]) -> Outcome:
        """Pull a CSV source for the night (or replay what it used) and give the records of its `raw` table."""
        file_id = self.sources.pull(source, self.day)
        return raw_records(self.sources.landing.read(file_id), file_id, source, documented, self.config.aliases(source))

    @cached_property
    def config(self) -> Config:
        """The config in force."""
        return self.sources.config(self.day)
