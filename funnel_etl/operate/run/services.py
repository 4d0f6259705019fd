"""The long-running services and the database's address: what `make up` and `funnel-etl db` do.

Every child is started in a group of its own, with signals as a fresh program has them, and ended when we are.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from funnel_etl.core.errors import FunnelError
from funnel_etl.files import OTHERS
from funnel_etl.operate.run.dagster_home import open_instance, prepare, prepare_tables
from funnel_etl.platform.postgres.address import read_address
from funnel_etl.platform.postgres.database import funnel_url, libpq_uri, normalise_url, open_databases, redacted
from funnel_etl.platform.postgres.database_errors import ERRORS, explained, meaning_of, sqlstate
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import find_programs
from funnel_etl.platform.postgres.owner import OtherOwner, claim_of
from funnel_etl.settings import PROJECT, Settings

HOST = "127.0.0.1"
STOP_SECONDS = 25
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def serve(settings: Settings, say: Callable[[str], None]) -> int:
    """Run web server and daemon until Ctrl+C, SIGTERM, or one of them ends; returns the exit code.

    Raises `FunnelError` when the UI's port is taken or the database does not come up.
    """
    require_free(settings.ui_port, "Dagster UI", "FUNNEL_UI_PORT")
    with open_databases(settings.state, settings.database_port, settings.database_url) as databases:
        environment = os.environ | settings.given | prepare(settings, databases)
        prepare_tables(databases, claim_of(settings))
        with open_instance(settings, databases):
            pass  # its storage is made here, where what is wrong with it is one line
        workspace = ["-w", str(PROJECT / "workspace.yaml")]
        web = ["funnel-etl", "web", "-h", HOST, "-p", str(settings.ui_port), *workspace]
        daemon = ["dagster-daemon", "run", *workspace]
        say(f"Dagster UI: http://{HOST}:{settings.ui_port}   (schedule and drop-folder sensor are on)")
        say(f"Database:   {redacted(databases.funnel_url)}   (with its password: funnel-etl db url)")
        say(f"Drop Zoom exports into {settings.drop_folder / 'zoom'}. Ctrl+C stops everything.")
        (settings.drop_folder / "zoom").mkdir(parents=True, exist_ok=True)
        return supervise([web, daemon], environment)


def database_address(settings: Settings) -> str:
    """Return the address of the data as libpq reads it; an embedded server is started, and stays up."""
    if settings.database_url is not None:
        return libpq_uri(normalise_url(settings.database_url.get_secret_value()))
    with open_databases(settings.state, settings.database_port, None) as databases:
        with contextlib.suppress(OtherOwner):  # to look at it is everybody's
            prepare_tables(databases, claim_of(settings))
        _server(settings).keep()
        return libpq_uri(databases.funnel_url)


def stop_database(settings: Settings) -> bool:
    """Stop the embedded server unless another process uses it; says whether it is down."""
    if settings.database_url is not None:
        raise FunnelError(
            "the database is not ours to stop", where="FUNNEL_DATABASE_URL", fix="stop that server where it runs"
        )
    server = _server(settings)
    server.release()
    if not server.is_running():
        return True
    server.start()
    server.stop()
    return not server.is_running()


def database_error(error: Exception, load: Callable[[], Settings]) -> FunnelError | None:
    """Return in one line what PostgreSQL or its driver refused; None for any other error."""
    if not isinstance(error, ERRORS) or ((code := sqlstate(error)) is not None and meaning_of(code) is None):
        return None
    settings = load()
    return explained(error, funnel_url(settings.state, settings.database_port, settings.database_url))


def psql_command(settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Return the psql command for the data and its environment, which holds the password."""
    address = read_address(database_address(settings))
    own = find_programs() / "psql"
    program = str(own) if own.is_file() else shutil.which("psql")
    if program is None:
        raise FunnelError(
            "there is no psql on this machine", fix="install a PostgreSQL client, or use funnel-etl db url"
        )
    without = replace(address, password=None, options={n: v for n, v in address.options.items() if n != "sslpassword"})
    return [program, without.for_libpq], os.environ | {"PGPASSWORD": address.password or ""}


def _server(settings: Settings) -> EmbeddedServer:
    return EmbeddedServer(settings.state / "postgres", settings.database_port)


def supervise(commands: Sequence[list[str]], environment: dict[str, str]) -> int:
    """Run programs of this installation until one of them ends; return its exit code. None of them outlives us."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            program = str(Path(sys.executable).with_name(command[0]))
            children.append(
                subprocess.Popen(
                    [program, *command[1:]],
                    env=environment,
                    start_new_session=True,
                    umask=OTHERS,
                    preexec_fn=_default_signals,  # noqa: PLW1509 - no threads yet, and nothing else resets SIGINT
                )
            )
        while all(child.poll() is None for child in children):
            time.sleep(0.3)
        return next(code for child in children if (code := child.poll()) is not None) or 1
    finally:
        _stop(children)


def _stop(children: Sequence[subprocess.Popen[bytes]]) -> None:
    """End each child's whole group: politely, then for good."""
    for child in children:
        _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(max(0.1, deadline - time.monotonic()))
        _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _default_signals() -> None:
    """As a background job of a shell without job control, children would otherwise ignore Ctrl+C.

    And on Linux they end when we are killed: else they would go on, unseen, on the port that the next `up` wants.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def require_free(port: int, what: str, setting: str, host: str = HOST) -> None:
    """Raise `FunnelError` for a port that another program has, with the setting that names another one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise FunnelError(
                f"port {port} is taken by another program", where=what, fix=f"set {setting} to a free one"
            ) from None
