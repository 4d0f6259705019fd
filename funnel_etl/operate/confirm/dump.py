"""A person's word that a refused dump is right: what is missing in it, shown by day, and the confirmation kept.

What is refused, and that a confirmed dump is used, is decided in `sources/guards`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from rich.console import Console
from rich.table import Table as RichTable
from upath import UPath

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.dumps import Loss
from funnel_etl.core.values.nearest import did_you_mean
from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival, newest_pull
from funnel_etl.sources.archive.decisions import accept_refused, accepted_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader, LastGood, confirm_command
from funnel_etl.sources.nightly import NightlySources

DAYS_SHOWN = 31


@dataclass(frozen=True)
class RefusedDump:
    """A dump that waits for a person's word: its arrival, the last good dump, and what it lacks of it."""

    arrival: Arrival
    good: LastGood
    loss: Loss
    file_ids: tuple[str, ...]


def waiting_dumps(settings: Settings) -> list[str]:
    """Return the sources whose newest dump was refused, and waits for a person's word."""
    landing = Landing(UPath(settings.landing_root))
    return [source for source in SOURCES if _waits(landing, source, landing.arrivals(source))]


def _waits(landing: Landing, source: str, arrivals: list[Arrival]) -> bool:
    if not arrivals or arrivals[-1].status == "accepted" or confirm_command(source) not in str(arrivals[-1].reason):
        return False
    file_ids = " ".join(arrival.file_id for arrival in newest_pull(arrivals))
    return file_ids not in accepted_refused(landing, source)


def refused_dump(settings: Settings, source: str) -> RefusedDump:
    """Return the newest dump of a source, if it was refused and a person may confirm it; else raises `FunnelError`."""
    if source not in SOURCES:
        raise FunnelError(
            f"there is no source {source!r}{did_you_mean(source, [*SOURCES, *TABLES])}",
            where="funnel-etl confirm",
            fix=f"one of {_listed([*SOURCES])}; or a table of config_csv",
        )
    landing = Landing(UPath(settings.landing_root))
    arrivals = landing.arrivals(source)
    if not arrivals or arrivals[-1].status == "accepted":
        what = "its newest dump was taken" if arrivals else "no dump of it has arrived yet"
        raise FunnelError(f"there is nothing to confirm: {what}", where=source, fix="nothing")
    newest = arrivals[-1]
    file_ids = tuple(arrival.file_id for arrival in newest_pull(arrivals))
    if " ".join(file_ids) in accepted_refused(landing, source):
        raise FunnelError(
            "its newest dump is confirmed already", where=source, fix="run the night again: funnel-etl run"
        )
    if confirm_command(source) not in str(newest.reason):
        raise FunnelError(
            f"its newest dump cannot be used, whatever anybody says ({newest.reason})",
            where=source,
            fix="do what the refusal says, then run the night again: funnel-etl run",
        )
    reader = _reader(settings, landing, source)
    good, loss = reader.last_good(), reader.loss(file_ids)
    if good is None or loss is None:
        raise FunnelError("there is no earlier dump to compare with", where=source, fix="run the night: funnel-etl run")
    return RefusedDump(newest, good, loss, file_ids)


def accept_dump(settings: Settings, refused: RefusedDump) -> None:
    """Keep the confirmation of exactly these bytes."""
    arrival = refused.arrival
    landing = Landing(UPath(settings.landing_root))
    accept_refused(landing, arrival.source, " ".join(refused.file_ids), str(arrival.reason))


def show(refused: RefusedDump, settings: Settings, out: Console) -> None:
    """Show both counts, and how many keys are missing on which day."""
    arrival, loss = refused.arrival, refused.loss
    came = pd.Timestamp(arrival.received_at).tz_convert(settings.timezone)
    out.print(
        f"{arrival.name}: {grouped(arrival.bytes)} bytes, of {came:%Y-%m-%d %H:%M %Z}. {arrival.reason}", markup=False
    )
    counts = RichTable("dump", "keys", "aged out", "gone from inside the window")
    counts.add_row(f"last good, of night {refused.good.night}", grouped(loss.had), grouped(loss.aged_out), "")
    counts.add_row("this one, refused", grouped(loss.has), "", f"{grouped(loss.lost)} ({loss.share:.1%})")
    out.print(counts)
    days = loss.by_day(settings.timezone)
    if len(days):
        table = RichTable("day", "keys gone")
        shown = days.tail(DAYS_SHOWN)
        names = pd.Series(shown.index).dt.strftime("%Y-%m-%d").fillna("no readable date")
        for name, count in zip(names, shown, strict=True):
            table.add_row(name, grouped(count))
        out.print(table)
        earlier = days.head(-DAYS_SHOWN)
        if len(earlier):
            out.print(
                f"… and {grouped(int(earlier.sum()))} on {grouped(len(earlier))} days before, "
                f"from {earlier.index.min():%Y-%m-%d}."
            )


def _reader(settings: Settings, landing: Landing, source: str) -> DumpReader:
    night = settings.yesterday()
    return DumpReader(settings, landing, SOURCES[source], NightlySources(settings, landing).config(night), night=night)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
