"""The page as a program: what `funnel-etl app` starts, and when it refuses to start."""

import importlib.util
import ipaddress
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from funnel_etl.app.access import read_users
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.files import private_folder, write_whole
from funnel_etl.operate.run.dagster_home import prepare_tables
from funnel_etl.operate.run.services import require_free, supervise
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.platform.postgres.owner import claim_of
from funnel_etl.settings import Settings

SCRIPT = Path(__file__).with_name("main.py")
THEME = {
    "base": "light",
    "primaryColor": "#0072B2",
    "backgroundColor": "#FFFFFF",
    "secondaryBackgroundColor": "#F4F6F8",
    "textColor": "#1F2933",
    "linkColor": "#0072B2",
    "baseRadius": "0.5rem",
    "chartCategoricalColors": ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#999999"],
}
"""Colours that the colour-blind tell apart, as in the pictures of the Dagster UI."""
SIGN_IN = ("app_url", "app_oidc_url", "app_oidc_client_id", "app_oidc_client_secret", "app_users")


def serve_app(settings: Settings, host: str, port: int, say: Callable[[str], None]) -> int:
    """Serve the page until Ctrl+C or SIGTERM; return the exit code of its program.

    Raises `ConfigError` for a host others can reach without a sign-in, for half a sign-in, and for a users file that
    cannot be read; `FunnelError` for a port that is taken; `DatabaseUnavailable` when the database does not come up.
    """
    _require_streamlit()
    require_sign_in(settings, host)
    require_free(port, "The page", "FUNNEL_APP_PORT", host)
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        prepare_tables(databases, claim_of(settings))
        say(f"The page: http://{host}:{port}   (Ctrl+C ends it)")
        return supervise([command(settings, host, port)], os.environ | settings.given)


def _require_streamlit() -> None:
    """Raise `FunnelError` where the extra `app` is not installed."""
    if importlib.util.find_spec("streamlit") is None:
        raise FunnelError(
            "Streamlit is not installed", where="funnel-etl app", fix="install the extra: pip install -e '.[app]'"
        )


def require_sign_in(settings: Settings, host: str) -> None:
    """Raise `ConfigError` unless everybody who can reach the page has to sign in."""
    given = [name for name in SIGN_IN if getattr(settings, name)]
    missing = [f"FUNNEL_{name.upper()}" for name in SIGN_IN if name not in given]
    if settings.app_oidc_url is not None and missing:
        raise ConfigError(f"of a sign-in, {' and '.join(missing)} are missing", where="funnel-etl app", fix=_FIX)
    if settings.app_oidc_url is None and not _is_loopback(host):
        raise ConfigError(f"others can reach {host}, and nobody has to sign in", where="funnel-etl app", fix=_FIX)
    if settings.app_users is not None:
        read_users(settings.app_users)


_FIX = f"set {', '.join(f'FUNNEL_{name.upper()}' for name in SIGN_IN)}, or serve 127.0.0.1 (docs/page.md)"


def command(settings: Settings, host: str, port: int) -> list[str]:
    """Return the program that serves the page, and write what it reads: the sign-in, for this account alone."""
    options = {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.maxUploadSize": settings.app_upload_mb,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "logger.level": "warning",
        "runner.magicEnabled": False,  # else it shows each text that stands alone in the script
        **{f"theme.{name}": value for name, value in THEME.items()},
    }
    if settings.app_oidc_url is not None:
        options["secrets.files"] = str(_write_secrets(settings))
    given = [f"--{name}={_option(value)}" for name, value in options.items()]
    return ["python", "-m", "funnel_etl.app.frame.program", "run", str(SCRIPT), *given]


def _write_secrets(settings: Settings) -> Path:
    """Write what Streamlit reads of the sign-in. The key of its cookies is made once: sessions outlive a restart."""
    home = settings.state / "app"
    private_folder(home)
    key = home / "cookie_key"
    if not key.exists():
        write_whole(key, secrets.token_hex(32).encode(), private=True)
    assert settings.app_oidc_client_secret is not None  # noqa: S101 - require_sign_in has seen it
    auth = {
        "redirect_uri": f"{(settings.app_url or '').rstrip('/')}/oauth2callback",
        "cookie_secret": key.read_text(),
        "client_id": settings.app_oidc_client_id,
        "client_secret": settings.app_oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.app_oidc_url,
    }
    lines = ["[auth]", *(f"{name} = {json.dumps(value)}" for name, value in auth.items())]
    write_whole(home / "secrets.toml", "\n".join([*lines, ""]).encode(), private=True)
    return home / "secrets.toml"


def _option(value: object) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else json.dumps(value) if isinstance(value, list) else str(value)
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
