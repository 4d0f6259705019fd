"""A night off to the side: what it writes goes into a temporary place, what it reads comes from the real one.

So a night can be run as if, on the bytes it used, with the config that lies in the folder now, and leave no trace.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.landing import Landing
from funnel_etl.sources.nightly import CONFIG, NightlySources
from funnel_etl.sources.store import LocalStore, Store, open_store


class AsideStore:
    """A store whose writes go aside; a name that was not written aside is read from the real store."""

    def __init__(self, real: Store, aside: Store) -> None:
        self.real = real
        self.aside = aside

    def exists(self, name: str) -> bool:
        """Say whether the name is there."""
        return self.aside.exists(name) or self.real.exists(name)

    def read(self, name: str) -> bytes:
        """Return the bytes of the name."""
        return self._of(name).read(name)

    def open(self, name: str) -> BinaryIO:
        """Open the name for reading."""
        return self._of(name).open(name)

    def write(self, name: str, data: bytes) -> None:
        """Write the name aside."""
        self.aside.write(name, data)

    def workspace(self) -> contextlib.AbstractContextManager[Path]:
        """Give an empty file aside."""
        return self.aside.workspace()

    def adopt(self, path: Path, name: str) -> None:
        """Put a filled workspace file under the name, aside."""
        self.aside.adopt(path, name)

    def names(self, folder: str) -> list[str]:
        """List every name below a folder, of both."""
        return sorted({*self.real.names(folder), *self.aside.names(folder)})

    def read_below(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Read every name below a folder, of both."""
        written = dict(self.aside.read_below(folder))
        yield from sorted({**dict(self.real.read_below(folder)), **written}.items())

    def remove(self, name: str) -> None:
        """Remove what was written aside; the real store is not ours."""
        self.aside.remove(name)

    def sweep(self, older_than: timedelta) -> int:  # noqa: ARG002 - the protocol's signature
        """Do nothing: the real store is not ours to sweep."""
        return 0

    def _of(self, name: str) -> Store:
        return self.aside if self.aside.exists(name) else self.real


class AsideLanding(Landing):
    """The landing archive, with what is landed and recorded going aside."""

    def __init__(self, root: UPath, store: Store) -> None:
        super().__init__(root)
        self._store = store


class AsideLake(Lake):
    """The lake, with what is written going aside."""

    def __init__(self, root: UPath, store: Store) -> None:
        super().__init__(root)
        self._store = store


class ReplayedSources(NightlySources):
    """The sources of one night as it used them, however new it is; its config is read from the folder as it lies."""

    def __init__(self, settings: Settings, landing: Landing, night: date) -> None:
        super().__init__(settings, landing)
        self.night = night

    def recorded(self, source: str, night: date) -> list[str] | None:
        """Give what the night used; of config nothing, so that it is chosen anew.

        Raises `FunnelError` for a source the night did not use: it would be pulled.
        """
        if night != self.night:
            return super().recorded(source, night)
        if source.startswith(CONFIG):
            return None
        used = self.landing.night(night, source)
        if used is None:
            raise FunnelError(
                f"the night {night} has no record of what it used of {source}",
                where="landing archive",
                fix=f"run that night again: funnel-etl run --as-of {night}",
            )
        return used


@dataclass(frozen=True)
class Aside:
    """A night's sources and lake, off to the side; `lake_store` holds what the lake is made of."""

    sources: ReplayedSources
    lake: Lake
    lake_store: Store


@contextlib.contextmanager
def aside(settings: Settings, night: date) -> Iterator[Aside]:
    """Give sources and lake of a night off to the side; what was written there is gone at the end."""
    landing_root, lake_root = UPath(settings.landing_root), UPath(settings.lake_root)
    with tempfile.TemporaryDirectory(prefix="funnel-aside-") as folder:
        landing = AsideStore(open_store(landing_root), LocalStore(Path(folder) / "landing"))
        lake = AsideStore(open_store(lake_root), LocalStore(Path(folder) / "lake"))
        sources = ReplayedSources(settings, AsideLanding(landing_root, landing), night)
        yield Aside(sources, AsideLake(lake_root, lake), lake)
