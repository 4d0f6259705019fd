"""The Dagster UI behind its guard, as one process: what `funnel-etl web` serves, and `up` starts.

Dagster's own web server, built as its command does. Not here: what the guard lets through (`platform.ui_guard`).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.errors import DagsterHomeNotSetError
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    DEFAULT_POOL_RECYCLE,
)
from dagster_webserver.version import __version__

from funnel_etl.core.errors import FunnelError
from funnel_etl.platform.dagster.nights import first_night
from funnel_etl.platform.dagster.ui_guard import UiGuard
from funnel_etl.settings import Settings

POLL_MILLISECONDS = 2000
"""How often the UI asks for what is new; Dagster's own default."""
LOOK_SECONDS = 5.0
"""How often it is looked whether an earlier night has run."""


def serve_ui(settings: Settings, host: str, port: int, workspace: Path) -> None:
    """Serve the UI until Ctrl+C or SIGTERM. Raises `FunnelError` when Dagster's home is not prepared."""
    with _instance() as instance:
        configure_loggers(log_level="INFO")
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        target = WorkspaceFileTarget([str(workspace)])
        with WorkspaceProcessContext(instance, version=__version__, workspace_load_target=target) as context:
            app = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MILLISECONDS)
            with _nights_followed(settings, context):
                uvicorn.run(UiGuard(app, settings.ui_host_names), host=host, port=port, log_level="warning")


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    try:
        opened = dg.DagsterInstance.get()
    except DagsterHomeNotSetError:
        raise FunnelError(
            "Dagster's home is not known", where="DAGSTER_HOME", fix="start the UI by funnel-etl up or docker compose"
        ) from None
    with opened:
        yield opened


@contextmanager
def _nights_followed(settings: Settings, context: WorkspaceProcessContext) -> Iterator[None]:
    """Load the code again when a night before all others has run: the UI would not know its partition."""
    ended = threading.Event()

    def follow() -> None:
        shown = first_night(settings)
        while not ended.wait(LOOK_SECONDS):
            if (first := first_night(settings)) < shown:
                shown = first
                context.reload_workspace()

    follower = threading.Thread(target=follow, name="nights", daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
