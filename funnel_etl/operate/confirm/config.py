"""A person's word that a table of `config_csv` may lose most of its lines: what is gone, and the confirmation kept.

That such a version waits, and that a confirmed one is used, is decided in `sources/nightly`.
"""

from dataclasses import dataclass

from rich.console import Console
from upath import UPath

from funnel_etl.core.config_checks import Loss
from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.contact_mask import without_contacts
from funnel_etl.core.values.numbers import grouped
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.arrivals import Arrival
from funnel_etl.sources.archive.decisions import accept_refused, accepted_refused
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import CONFIG, NightlySources

KEYS_SHOWN = 20


@dataclass(frozen=True)
class ShrunkTable:
    """A table as it lies in the folder, with what it lost of the version in force."""

    name: str
    arrival: Arrival
    loss: Loss
    lines: int


def shrunk_table(settings: Settings, name: str) -> ShrunkTable:
    """Return the table as it lies in the folder, if it waits for a person. Raises `FunnelError` if it does not."""
    landing = Landing(UPath(settings.landing_root))
    sources = NightlySources(settings, landing)
    arrival = sources.land_config(name)
    where = f"config_csv/{name}.csv"
    if arrival is None:
        raise FunnelError("there is nothing to confirm: the file is not there", where=where, fix="put it back")
    rows = parse_table(name, landing.read(arrival.file_id))
    loss = sources.loss(name, settings.yesterday(), rows)
    if loss is None:
        what = "there is nothing to confirm: it has not lost most of the lines in force"
        raise FunnelError(
            what, where=where, fix="nothing; what else a night would say of it: funnel-etl config preview"
        )
    if arrival.file_id in accepted_refused(landing, arrival.source):
        raise FunnelError("it is confirmed already", where=where, fix="run the night again: funnel-etl run")
    return ShrunkTable(name, arrival, loss, len(rows))


def accept_table(settings: Settings, table: ShrunkTable) -> None:
    """Keep the confirmation of exactly these bytes."""
    landing = Landing(UPath(settings.landing_root))
    accept_refused(landing, f"{CONFIG}{table.name}", table.arrival.file_id, str(table.loss))


def show(table: ShrunkTable, out: Console) -> None:
    """Show both counts, and which lines are gone."""
    out.print(
        f"config_csv/{table.name}.csv: {table.loss}; it has {grouped(table.lines)} now. Gone are:",
        markup=False,
        highlight=False,
    )
    for key in table.loss.keys[:KEYS_SHOWN]:
        out.print(f"  {without_contacts(key)}", markup=False, highlight=False)
    if len(table.loss.keys) > KEYS_SHOWN:
        out.print(f"  … and {grouped(len(table.loss.keys) - KEYS_SHOWN)} more")
