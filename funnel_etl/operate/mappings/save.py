"""Saving a config table from the page: over exactly the version somebody looked at, and both versions kept.

The landing archive keeps the version that was there and the new one at once, not only what a night finds. What is
wrong with an edit is said before (`judge`); a night would judge it once more.
"""

import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from upath import UPath

from funnel_etl.core.config_engagement import FOLLOWUPS
from funnel_etl.core.config_tables import TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.roles import ENGINEER
from funnel_etl.operate.confirm.config import accept_table, shrunk_table
from funnel_etl.operate.mappings.table import ConfigTable, table_of
from funnel_etl.operate.mappings.write import alone, is_writable, replace_kept
from funnel_etl.operate.rerun.preview import Preview, preview
from funnel_etl.operate.rerun.sandbox import sandbox_prefix
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.config_folder import table_bytes

GRIDS = tuple(name for name in TABLES if name != FOLLOWUPS)
"""The tables that are edited as a grid: all but the folder of templates."""
EDITED_BY = {"column_aliases": ENGINEER, "engagement_owners": ENGINEER, "llm_prices": ENGINEER}
"""Tables that are one role's alone: they say how files are read, who sees what was said, what a model costs."""
OF_SALES = (
    "manual_mapping",
    "manual_value_funnel",
    "engagement_settings",
    "engagement_weights",
    "engagement_bands",
    "engagement_tiers",
    "webinar_offers",
    FOLLOWUPS,
)
"""Tables that the sales lead edits, and no others (config_csv/README.md)."""
ORDERED = ("campaign_mapping", "zoom_profiles", "delivery_rules", "delivery_attributes")
"""Tables whose first line that fits wins: the order of their lines says something."""
_ONE_AT_A_TIME = threading.Lock()


def title_of(name: str) -> str:
    """Return what a line of a table says, in a sentence."""
    return (TABLES[name].__doc__ or "").strip().splitlines()[0].replace("`", "")


def open_table(settings: Settings, name: str) -> ConfigTable:
    """Read a table as it lies in the folder. Raises `ConfigError` for a file that is no CSV."""
    return table_of(name, table_bytes(settings.config_folder, name))


def can_save(settings: Settings) -> bool:
    """Return whether the page may write the tables: their folder may be read-only for it."""
    return is_writable(settings.config_folder)


def id_of(settings: Settings, data: bytes) -> str:
    """Return the file_id that a version is kept under."""
    landing = Landing(UPath(settings.landing_root))
    return landing.file_id_of(landing.redact_lines(data).data)


def save(settings: Settings, base: ConfigTable, data: bytes) -> None:
    """Write a table in the place of the version `base`, and keep both.

    Raises `ConfigError` when somebody has changed it meanwhile, `StorageUnavailable`; then nothing is changed.
    """
    with alone(settings.state):
        replace_kept(settings, {base.name: (base.data, data)})


def confirm_loss(settings: Settings, name: str) -> None:
    """Keep a person's word that a table, as it lies in the folder, may have lost most of its lines."""
    accept_table(settings, shrunk_table(settings, name))


def preview_of(settings: Settings, edits: Mapping[str, bytes]) -> Preview:
    """Return what edits move that nobody has saved yet: a night off to the side, with them in a copy of the folder.

    Raises `FunnelError` while another one is made in this process: each is a whole night in memory.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise FunnelError("somebody else's preview is being made", fix="try again in a minute", transient=True)
    try:
        with tempfile.TemporaryDirectory(prefix=sandbox_prefix(settings)) as place:
            folder = Path(place) / "config_csv"
            shutil.copytree(settings.config_folder, folder)
            for name, data in edits.items():
                (folder / f"{name}.csv").write_bytes(data)
            return preview(settings.model_copy(update={"config_dir": folder}))
    finally:
        _ONE_AT_A_TIME.release()
