"""What assets need from outside: landing, lake, parsed Zoom reports, database; made from the settings on first use."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import dagster as dg
from upath import UPath

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.tables.earlier import EarlierReads
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.patience import WAITS
from funnel_etl.platform.dagster.table_asset import progress
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import funnel_url
from funnel_etl.platform.postgres.owner import OtherOwner, claim_of, require_owner
from funnel_etl.platform.run_lock import exclusive, run_marker
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources


def resources(settings: Settings, tables: Sequence[Table], reads: EarlierReads) -> dict[str, Any]:
    """Return Dagster's resources; nothing is opened before a step asks for it."""
    sources = NightlySources(settings, Landing(UPath(settings.landing_root)), SOURCE_NAMES)

    @contextmanager
    def lake_to_one_run(context: dg.InitResourceContext) -> Iterator[LakeIOManager]:
        """Yield the lake to one run at a time, from its first step to its last; what killed ones left is swept."""
        lake = Lake(UPath(settings.lake_root))
        if context.run is None:
            yield LakeIOManager(lake, tables)
            return
        log = context.log or progress
        with run_marker(settings.state, context.run.run_id), exclusive(settings.state, lambda: log.info(WAITS)):
            _refuse_other_owner(settings, sources.landing)
            sources.landing.sweep()
            lake.sweep()
            yield LakeIOManager(lake, tables)

    return {
        "sources": _lazy(lambda: sources),
        "lake_store": _lazy(lambda: Lake(UPath(settings.lake_root))),
        "lake": dg.IOManagerDefinition(resource_fn=cast("Any", lake_to_one_run)),
        "parsed_reports": _lazy(lambda: ParsedReports(open_store(UPath(settings.lake_root)), sources)),
        "database_url": _lazy(lambda: funnel_url(settings.state, settings.database_port, settings.database_url)),
        "all_tables": _lazy(lambda: tables),
        "earlier_reads": _lazy(lambda: reads),
    }


def _refuse_other_owner(settings: Settings, landing: Landing) -> None:
    """Raise `OtherOwner` before a run pulls anything; a database that cannot be asked stops no pull."""
    try:
        url = funnel_url(settings.state, settings.database_port, settings.database_url)
        require_owner(url, claim_of(settings, landing))
    except OtherOwner:
        raise
    except DatabaseUnavailable as error:
        progress.info("whose database it is could not be asked: %s", error.what)


def _lazy(make: Callable[[], Any]) -> dg.ResourceDefinition:
    return dg.ResourceDefinition(resource_fn=lambda _context: make())
