"""A person's word that a refused dump is right: what is missing in it, shown by day, and the confirmation kept.

What is refused, and that a confirmed dump is used, is decided in `sources/guards`.
"""

from dataclasses import dataclass

import pandas as pd
from rich.console import Console
from rich.table import Table as RichTable
from upath import UPath

from funnel_etl.core.config_tables import TABLES, Config
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.csvfile import SourceColumn
from funnel_etl.core.reading.dumps import DumpKey, Loss
from funnel_etl.core.values.nearest import did_you_mean
from funnel_etl.core.values.numbers import grouped
from funnel_etl.parts.marketing.contracts import SPEND_KEY, SPEND_SOURCE, TOFU_LEADS_KEY, TOFU_LEADS_SOURCE
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS_KEY, ASSIGNED_LEADS_SOURCE
from funnel_etl.parts.sales.sales import sales_key, sales_source
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.confirmations import Confirmation, confirm, confirmed
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader, LastGood, confirm_command
from funnel_etl.sources.nightly import NightlySources

SOURCES = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")
DAYS_SHOWN = 31


@dataclass(frozen=True)
class RefusedDump:
    """A dump that waits for a person's word: its arrival, the last good dump, and what it lacks of it."""

    arrival: Arrival
    good: LastGood
    loss: Loss


def refused_dump(settings: Settings, source: str) -> RefusedDump:
    """Give the newest dump of a source, if it was refused and a person may confirm it; else raises `FunnelError`."""
    if source not in SOURCES:
        raise FunnelError(
            f"there is no source {source!r}{did_you_mean(source, [*SOURCES, *TABLES])}",
            where="funnel-etl confirm",
            fix=f"one of {_listed(SOURCES)}; or a table of config_csv",
        )
    landing = Landing(UPath(settings.landing_root))
    arrivals = landing.arrivals(source)
    if not arrivals or arrivals[-1].status == "accepted":
        what = "its newest dump was taken" if arrivals else "no dump of it has arrived yet"
        raise FunnelError(f"there is nothing to confirm: {what}", where=source, fix="nothing")
    newest = arrivals[-1]
    if newest.file_id in confirmed(landing, source):
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
    good, loss = reader.last_good(), reader.loss(newest.file_id)
    if good is None or loss is None:
        raise FunnelError("there is no earlier dump to compare with", where=source, fix="run the night: funnel-etl run")
    return RefusedDump(newest, good, loss)


def say_right(settings: Settings, refused: RefusedDump) -> None:
    """Keep the confirmation of exactly these bytes."""
    arrival = refused.arrival
    confirmation = Confirmation(arrival.source, arrival.file_id, str(arrival.reason))
    confirm(Landing(UPath(settings.landing_root)), confirmation)


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
    config = NightlySources(settings, landing).config(night)
    documented, key = _shape(source, config)
    return DumpReader(settings, landing, source, documented, config.aliases(source), night=night, key=key)


def _shape(source: str, config: Config) -> tuple[list[SourceColumn], DumpKey]:
    shapes: dict[str, tuple[list[SourceColumn], DumpKey]] = {
        "tofu_leads": (list(TOFU_LEADS_SOURCE), TOFU_LEADS_KEY),
        "ad_spend": (list(SPEND_SOURCE), SPEND_KEY),
        "crm_assigned_leads": (list(ASSIGNED_LEADS_SOURCE), ASSIGNED_LEADS_KEY),
        "crm_sales": (sales_source(config), sales_key(config)),
    }
    return shapes[source]


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
