"""The settings of this installation, with an address for each source of the catalog."""

from funnel_etl.catalog import SOURCES
from funnel_etl.settings import Settings, read_settings


def load_settings() -> Settings:
    """Return the settings of the environment and of `.env`. Raises `ConfigError` for what is wrong in them."""
    return read_settings(SOURCES.values())
