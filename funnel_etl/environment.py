"""The settings of this installation, with an address for each source of the catalog."""

from collections.abc import Mapping

from funnel_etl.catalog import SOURCES
from funnel_etl.settings import Settings, read_settings


def load_settings(beside: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of the environment and of `.env`; those of `beside`, by their names there, win over both.

    Raises `ConfigError` for what is wrong in them.
    """
    return read_settings(SOURCES.values(), beside)
