"""The demo as an installation: its state folder, its port, its settings, its CRM. Not here: making and showing it.

It never touches an installation's own data: it has a folder (`demo` below HOME), a server and a port of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from funnel_etl.core.errors import FunnelError
from funnel_etl.demo.crm_server import LoopbackCrm
from funnel_etl.environment import load_settings
from funnel_etl.files import private_folder
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import port_is_free
from funnel_etl.settings import EMBEDDED, NOWHERE, Settings

TOKEN = "demo-token"  # noqa: S105 - opens only the demo's own CRM, on loopback
PORT = "port"
"""A file of the demo's state folder: the port of its database when it was last used."""


def sources_of(home: Path) -> Path:
    """Return the folder of the demo's sources, with its drop folder and its truth."""
    return home / "sources"


def config_of(home: Path) -> Path:
    """Return the folder of the demo's config tables: a copy, which may be edited."""
    return home / "config_csv"


@contextmanager
def demo_settings(settings: Settings) -> Iterator[Settings]:
    """Return the settings of the demo, whose CRM answers meanwhile.

    Raises `FunnelError` when there is no demo.
    """
    home = settings.demo
    if not ((home / PORT).is_file() and config_of(home).is_dir()):
        raise FunnelError("there is no demo here yet", where="--demo", fix="make it first: make demo")
    with LoopbackCrm(sources_of(home), TOKEN) as crm:
        yield settings_of(settings, crm)


def settings_of(settings: Settings, crm: LoopbackCrm) -> Settings:
    """Return the settings of the demo below an installation's state folder, with its sources at that CRM.

    What they do not name is as in the installation: its time zone, its limits.
    """
    home = settings.demo
    sources = sources_of(home)
    private_folder(home, home / PORT)
    port = port_of(home, settings.database_port + 1)
    if not EmbeddedServer(home / "postgres", port).is_running():
        first = settings.database_port + 1
        port = port if port_is_free(port) else next(port for port in range(first, 65535) if port_is_free(port))
    (home / PORT).write_text(str(port))
    return load_settings(
        {
            "FUNNEL_HOME": str(home),
            "FUNNEL_DATABASE_URL": EMBEDDED,
            "FUNNEL_DATABASE_PORT": str(port),
            "FUNNEL_CONFIG_DIR": str(config_of(home)),
            "FUNNEL_DROP_DIR": str(sources / "drop"),
            "FUNNEL_DROP_SETTLE_SECONDS": "1",
            "FUNNEL_LANDING_URL": str(home / "landing"),
            "FUNNEL_LAKE_URL": str(home / "lake"),
            "FUNNEL_TOFU_LEADS_URL": str(sources / "tofu_leads.csv"),
            "FUNNEL_AD_SPEND_URL": str(sources / "ad_spend.csv"),
            "FUNNEL_CRM_ASSIGNED_LEADS_URL": crm.assigned_leads_url,
            "FUNNEL_CRM_SALES_URL": crm.sales_url,
            "FUNNEL_CRM_AUTH": "bearer",
            "FUNNEL_CRM_SECRET": crm.token,
            "FUNNEL_ALERT_URLS": NOWHERE,
            "FUNNEL_DELIVERY": NOWHERE,
        }
    )


def port_of(home: Path, default: int) -> int:
    """Return the port of the demo's database when it was last used."""
    return int((home / PORT).read_text()) if (home / PORT).is_file() else default
