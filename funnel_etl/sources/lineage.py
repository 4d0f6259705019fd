"""The rows of a night's dump, led back to the dumps they first stood in. Decision 27.

Which rows came new with each night is kept in the landing archive (`archive/first_lines`). A night of which it was not,
because an earlier version of the code ran it, is read again, oldest first.
"""

import logging
from collections.abc import Sequence
from datetime import date

import pandas as pd
import pyarrow as pa

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.reading.first_lines import KNOWN, Traced, traced
from funnel_etl.core.source import Source
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources

log = logging.getLogger("funnel_etl.progress")


def led_back(
    sources: NightlySources, source: Source, night: date, file_ids: Sequence[str], dump: pd.DataFrame
) -> Traced:
    """Return the dump of a night (its `raw` rows with their own lines) led back to the dumps before it.

    What came new with it is kept, if it is the dump that the night is recorded with.
    """
    landing, register = sources.landing, sources.landing.first_lines
    known = KNOWN.empty_table()
    for day in (day for day in landing.nights(source.name) if day < night):
        known = _with_night(known, sources, source, day)
    own, kept = register.of(source.name, night)
    found = traced(dump, pa.concat_tables([known, own]))
    if landing.night(night, source.name) == [*file_ids] != kept:
        register.keep(source.name, night, file_ids, pa.concat_tables([own, found.fresh]))
    return found


def note_known(sources: NightlySources, source: Source, night: date, file_ids: Sequence[str]) -> None:
    """Note that nothing came new with the dump of a night: the one before had the same files."""
    register = sources.landing.first_lines
    own, kept = register.of(source.name, night)
    if sources.landing.night(night, source.name) == [*file_ids] != kept:
        register.keep(source.name, night, file_ids, own)


def _with_night(known: pa.Table, sources: NightlySources, source: Source, day: date) -> pa.Table:
    """Add the rows that came new with a night to those known before it; its dump is read if they were not kept."""
    landing, register = sources.landing, sources.landing.first_lines
    file_ids = landing.night(day, source.name) or []
    own, kept = register.of(source.name, day)
    known = pa.concat_tables([known, own])
    if kept == file_ids:
        return known
    log.info("%s: reading the dump of %s again, for where its rows first stood", source.name, day)
    reader = DumpReader(sources.settings, landing, source, sources.config(day), night=day)
    try:
        fresh = traced(reader.rows(file_ids), known).fresh
    except FunnelError:
        return known  # its bytes are gone, or it can no longer be read: the next dump shows what it held
    register.keep(source.name, day, file_ids, pa.concat_tables([own, fresh]))
    return pa.concat_tables([known, fresh])
