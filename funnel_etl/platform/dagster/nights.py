"""The daily partition, whose key is the as-of date, and what an asset knows about its night."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import dagster as dg
import pandas as pd
from upath import UPath

from funnel_etl.core.config_tables import Config
from funnel_etl.core.source import Source
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.files import private_folder, write_whole
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader, Judged
from funnel_etl.sources.lineage import led_back, note_known
from funnel_etl.sources.nightly import CONFIG, NightlySources

T = TypeVar("T")
Known = Callable[[Sequence[str]], Outcome | None]
"""Returns of the files of a dump the account of the table that was made of the same files, if there is one."""
ANY_NIGHTS = dg.DailyPartitionsDefinition("2020-01-01")
"""Marks an asset of the night; `of_nights` puts the nights of an installation in its place."""
FIRST_NIGHT = "first_night"
"""The file of the state folder that holds the night the partitions begin with."""
NIGHTLY = "nightly"
"""The job of the whole night."""
PARTITION = "dagster/partition"
"""Tag of runs of one night: its as-of date."""
QUEUE = "funnel_etl/queue"
"""Tag whose runs of one value wait for each other: `tag_concurrency_limits` of dagster.yaml."""
BY_COMMAND = "funnel_etl/by_command"
"""Tag of runs that `funnel-etl run` makes: the machine and state folder it ran on."""


def one_at_a_time(queue: str) -> dict[str, str]:
    """Return the tag of a job whose runs wait for each other in a queue of their own, and for no other job's."""
    return {QUEUE: queue}


def nights_partition(settings: Settings) -> dg.DailyPartitionsDefinition:
    """Return one partition per business day since the first night, there once the day has ended."""
    return dg.DailyPartitionsDefinition(first_night(settings).isoformat(), timezone=settings.timezone)


def of_nights(assets: Iterable[Any], nights: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return the assets, those of the night with these nights as their partitions."""

    def placed(spec: dg.AssetSpec) -> dg.AssetSpec:
        is_nightly = isinstance(spec.partitions_def, dg.DailyPartitionsDefinition)
        return spec.replace_attributes(partitions_def=nights) if is_nightly else spec

    return [each.map_asset_specs(placed) for each in assets]


def first_night(settings: Settings) -> date:
    """Return the night the partitions begin with; yesterday before one is written down."""
    return _written_first_night(settings) or settings.yesterday()


def begin_nights(settings: Settings, night: date) -> None:
    """Let the partitions begin with `night`, or with an earlier night that ran; they never begin later again.

    Written down, because a web server that goes on for days and a run of today must have the same partitions.
    """
    written = _written_first_night(settings)
    known = written or min(Landing(UPath(settings.landing_root)).nights(f"{CONFIG}funnels"), default=night)
    first = min(known, night)
    if first != written:
        private_folder(settings.state, settings.state / FIRST_NIGHT)
        write_whole(settings.state / FIRST_NIGHT, first.isoformat().encode(), private=True)


def _written_first_night(settings: Settings) -> date | None:
    try:
        return date.fromisoformat((settings.state / FIRST_NIGHT).read_text().strip())
    except (FileNotFoundError, ValueError):  # damaged, it is written anew from what the archive knows
        return None


@dataclass
class Night:
    """A night: its as-of date, the sources as they were, the config in force, the zone of its days.

    `may_reuse`: whether its run may take what an earlier night has made of the same (`reuse`).
    """

    day: date
    sources: NightlySources
    run_id: str
    may_reuse: bool = False

    @property
    def as_of(self) -> pd.Timestamp:
        """The as-of date as frames hold it."""
        return pd.Timestamp(self.day)

    @property
    def zone(self) -> str:
        """The zone of business days."""
        return self.sources.settings.timezone

    def records(self, source: Source, known: Known = lambda _: None) -> Outcome:
        """Pull a source for the night (or replay what it used) and return the records of its `raw` table.

        Each is led back to the dump it first stood in. A dump that was cut off, or lacks too many rows of the last good
        one by its key, is refused when it is pulled. `known`: returns of files what was made of them, if it may be
        reused: such a dump is not read again.
        """
        landing = self.sources.landing
        reader = DumpReader(self.sources.settings, landing, source, self.config, night=self.day)

        def judge(pages: Sequence[bytes]) -> Judged | Outcome:
            return known([landing.file_id_of(page) for page in pages]) or reader.judge(pages)

        pulled = self.sources.pull(source, self.day, judge)
        if isinstance(pulled.judged, Outcome):
            note_known(self.sources, source, self.day, pulled.file_ids)
            is_again = pulled.judged.reused_from == self.day
            return pulled.judged if is_again else of_the_same_dump(pulled.judged)
        outcome = reader.records(pulled.file_ids, pulled.judged)
        found = led_back(self.sources, source, self.day, pulled.file_ids, outcome.rows)
        return replace(outcome, rows=found.rows, lines=found.lines.assign(source=source.name))

    def shared(self, name: str, make: Callable[[], T], users: Iterable[Table]) -> T:
        """Return what several assets of a run work out alike: made for the first, forgotten when all are `done`."""
        if not self.run_id:
            return make()
        names = [user.full_name for user in users]
        return self.sources.shared_in_run(self.run_id, f"{self.day} {name}", make, names)

    def done(self, table: Table) -> None:
        """Forget what the assets of a run have shared, but for those tables that are neither made nor reused yet."""
        self.sources.done_in_run(self.run_id, table.full_name)

    @cached_property
    def config(self) -> Config:
        """The config in force."""
        return self.sources.config_of_run(self.day, self.run_id) if self.run_id else self.sources.config(self.day)


def maker_of(run: dg.DagsterRun) -> str | None:
    """Return the machine and state folder of the `funnel-etl run` that made a run; None: the daemon or UI did.

    A run that the UI repeats has the tags of the one it repeats.
    """
    return run.tags.get(BY_COMMAND) if run.parent_run_id is None else None


def of_the_same_dump(account: Outcome) -> Outcome:
    """Return the account of a dump that came again, of which nothing is new: its header is that of the night before."""
    told = {str(change) for change in account.drift}
    return replace(account, drift=[], notes=[note for note in account.notes if note not in told])
