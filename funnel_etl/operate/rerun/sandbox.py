"""A night off to the side: what it writes goes into a temporary place, what it reads comes from the real one.

So a night can be run as if, on the bytes it used, and leave no trace: with the config that lies in the folder now
(`edited_night`), or with its own and from the archive alone (`archived_night`).
"""

import contextlib
import hashlib
import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import dagster as dg
from upath import UPath

from funnel_etl.catalog import SOURCE_NAMES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.observe.changes.contracts import TABLES as CHANGES_TABLES
from funnel_etl.observe.completeness.contracts import TABLES as WATCH_TABLES
from funnel_etl.operate.run.night import sigterm_kept
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.contracts import CONFIG_VERSIONS
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.nights import of_nights
from funnel_etl.platform.dagster.run_events import failures_of, was_stopped
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import TEMPORARY, LocalStore, Store, open_store
from funnel_etl.sources.nightly import CONFIG, NightlySources


class OverlayStore:
    """A store whose writes go aside; a name that was not written aside is read from the real store."""

    def __init__(self, real: Store, overlay: Store) -> None:
        self.real = real
        self.overlay = overlay

    def exists(self, name: str) -> bool:
        """Return whether the name is there."""
        return self.overlay.exists(name) or self.real.exists(name)

    def read(self, name: str) -> bytes:
        """Return the bytes of the name."""
        return self._of(name).read(name)

    def open(self, name: str) -> BinaryIO:
        """Open the name for reading."""
        return self._of(name).open(name)

    def write(self, name: str, data: bytes) -> None:
        """Write the name aside."""
        self.overlay.write(name, data)

    def link(self, name: str, other: str) -> None:
        """Write the bytes of the name aside, as `other`."""
        self.overlay.write(other, self.read(name))

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """Raise `StorageUnavailable` for what fails to be written aside."""
        return self.overlay.writing()

    def workspace(self) -> contextlib.AbstractContextManager[Path]:
        """Return an empty file aside."""
        return self.overlay.workspace()

    def adopt(self, path: Path, name: str) -> None:
        """Put a filled workspace file under the name, aside."""
        self.overlay.adopt(path, name)

    def names(self, folder: str) -> list[str]:
        """List every name below a folder, of both."""
        return sorted({*self.real.names(folder), *self.overlay.names(folder)})

    def read_below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Read every name below a folder, of both."""
        written = dict(self.overlay.read_below(folder))
        yield from sorted({**dict(self.real.read_below(folder)), **written}.items())

    def size(self, name: str) -> int:
        """Return how many bytes the name has."""
        return self._of(name).size(name)

    def remove(self, name: str) -> None:
        """Remove the name aside; what is real stays, and is seen again."""
        self.overlay.remove(name)

    def sweep(self, older_than: timedelta) -> int:  # noqa: ARG002 - the protocol's signature
        """Do nothing: the real store is not ours to sweep."""
        return 0

    def _of(self, name: str) -> Store:
        return self.overlay if self.overlay.exists(name) else self.real


class OverlayLanding(Landing):
    """The landing archive, with what is landed and recorded going aside."""

    def __init__(self, root: UPath, store: Store) -> None:
        super().__init__(root)
        self._store = store


class OverlayLake(Lake):
    """The lake, with what is written going aside."""

    def __init__(self, root: UPath, store: Store) -> None:
        super().__init__(root)
        self._store = store


class ReplayedSources(NightlySources):
    """The sources and the config of one night as it used them, however new it is; nothing is ever pulled."""

    def __init__(self, settings: Settings, landing: Landing, night: date) -> None:
        super().__init__(settings, landing, SOURCE_NAMES)
        self.night = night

    def replayed(self, source: str, night: date) -> date | None:
        """Return the night itself. Raises `FunnelError` for a source it did not use: that would be pulled."""
        if night != self.night:
            return super().replayed(source, night)
        if self.landing.night(night, source) is None:
            raise FunnelError(
                f"the night {night} has no record of what it used of {source}",
                where="landing archive",
                fix=f"run that night again: funnel-etl run --as-of {night}",
            )
        return night

    def is_newest(self, night: date) -> bool:  # noqa: ARG002 - of the class above
        """Return that it is not: nothing is asked of the outside."""
        return False


class EditedSources(ReplayedSources):
    """The sources of one night as it used them; its config is read from the folder as it lies."""

    def replayed(self, source: str, night: date) -> date | None:
        """Return the night itself; for config none, so that it is chosen anew."""
        is_chosen = night == self.night and source.startswith(CONFIG)
        return None if is_chosen else super().replayed(source, night)


@dataclass(frozen=True)
class Sandbox:
    """A night's sources and lake, off to the side; `lake_store` holds what the lake is made of."""

    sources: ReplayedSources
    lake: Lake
    lake_store: Store


@contextlib.contextmanager
def edited_night(settings: Settings, night: date) -> Iterator[Sandbox]:
    """Return sources and lake of a night off to the side; what was written there is gone at the end."""
    with _places(settings) as (landing, lake):
        sources = EditedSources(settings, landing, night)
        yield Sandbox(sources, OverlayLake(UPath(settings.lake_root), lake), lake)


@contextlib.contextmanager
def archived_night(settings: Settings, night: date) -> Iterator[Sandbox]:
    """Return sources and an empty lake of a night: all that is made comes from the landing archive.

    Of the real lake only the parsed Zoom reports are read: they follow from the bytes of their file alone.
    """
    with _places(settings) as (landing, lake):
        own = OverlayLake(UPath(settings.lake_root), lake.overlay)
        yield Sandbox(ReplayedSources(settings, landing, night), own, lake)


def sandbox_prefix(settings: Settings) -> str:
    """Return how the temporary folders of this installation begin: those of another one are not ours to look into."""
    return f"funnel-aside-{hashlib.sha256(str(settings.state).encode()).hexdigest()[:12]}-"


@contextlib.contextmanager
def _places(settings: Settings) -> Iterator[tuple[OverlayLanding, OverlayStore]]:
    landing_root, lake_root = UPath(settings.landing_root), UPath(settings.lake_root)
    with tempfile.TemporaryDirectory(prefix=sandbox_prefix(settings)) as folder:
        landing = OverlayStore(open_store(landing_root), LocalStore(Path(folder) / "landing", TEMPORARY))
        lake = OverlayStore(open_store(lake_root), LocalStore(Path(folder) / "lake", TEMPORARY))
        yield OverlayLanding(landing_root, landing), lake


def table_assets(defs: dg.Definitions, tables: Iterable[Table]) -> list[dg.AssetsDefinition]:
    """Return the assets that make one of `tables`: those of the night only."""
    others = {dg.AssetKey(table.asset_key) for table in (CONFIG_VERSIONS, *CHANGES_TABLES, *WATCH_TABLES)}
    keys = {dg.AssetKey(table.asset_key) for table in tables} - others
    # As they were declared: those of the asset graph already hold the real resources.
    own = [assets for assets in defs.assets or [] if isinstance(assets, dg.AssetsDefinition)]
    return [assets for assets in own if assets.keys and set(assets.keys) <= keys]


def make_tables(
    assets: Sequence[dg.AssetsDefinition],
    place: Sandbox,
    night: date,
    tables: Sequence[Table],
    without: Collection[dg.AssetKey] = (),
) -> dict[str, str]:
    """Make the tables of the night aside, but for `without` and what depends on it; asset → why it failed, in a line.

    Raises KeyboardInterrupt when it was stopped half-way.
    """
    given: dict[str, Any] = {
        "sources": place.sources,
        "lake_store": place.lake,
        "parsed_reports": ParsedReports(place.lake_store, place.sources),
        "lake": LakeIOManager(place.lake, tables),
        "all_tables": tables,
    }
    selection: dg.AssetSelection = dg.AssetSelection.assets(*(key for a in assets for key in a.keys))
    if without:
        selection = selection - dg.AssetSelection.assets(*without).downstream()
    # This night alone, which may be earlier than the installation's first: an archive can be put back from elsewhere.
    alone = dg.DailyPartitionsDefinition(night.isoformat(), timezone=place.sources.settings.timezone)
    job = dg.define_asset_job("aside", selection=selection)
    whole = dg.Definitions(
        assets=of_nights(assets, alone),
        jobs=[job],
        resources=given,
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.ephemeral() as instance, warnings.catch_warnings(), sigterm_kept():
        warnings.simplefilter("ignore")
        done = whole.resolve_job_def("aside").execute_in_process(
            instance=instance,
            partition_key=night.isoformat(),
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    if was_stopped(done):
        raise KeyboardInterrupt
    return failures_of(done)
