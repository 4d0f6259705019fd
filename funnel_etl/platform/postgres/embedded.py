"""Our own launcher of the PostgreSQL in a wheel: one server for one `home`, on loopback, with a password.

Only starting, stopping and asking. Where it lives is `embedded_place`; engines and databases are `database`.
"""

import logging
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

import psycopg2
from pydantic import SecretStr

from funnel_etl import locks
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.files import private_folder
from funnel_etl.platform.postgres.embedded_place import (
    HOST,
    Place,
    find_programs,
    port_is_free,
    postmaster,
    run,
    settle,
    write_private,
)

log = logging.getLogger(__name__)

USER = "funnel"
LOCK_SECONDS = 240
START_SECONDS = 180  # recovery after a crash may be long
LOGIN_SECONDS = 10
STALE_SECONDS = 20
LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class ServerAddress:
    """How to reach a running server; the password shows only when asked for."""

    host: str
    port: int
    user: str
    password: SecretStr


class EmbeddedServer:
    """The PostgreSQL server whose state belongs to the folder `home`, listening on 127.0.0.1:`port`.

    Any number of processes may `start` it: the first makes and starts it, the others use it. Each calls
    `stop` (or leaves the `with`); the last one out ends it: never under a user, and never leaked.
    `started_here` says whether this object started it.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home = home.expanduser().absolute()
        self.port = port
        self.started_here = False
        self._place: Place | None = None
        self._users: IO[bytes] | None = None

    def __repr__(self) -> str:
        return f"EmbeddedServer(home={str(self.home)!r}, port={self.port})"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> ServerAddress:
        """Make sure that the server runs and that we can log in; return where.

        Raises DatabaseUnavailable: port taken, programs missing, folder unusable, or it does not come up.
        """
        try:
            with self._one_at_a_time():
                self._place = settle(self.home)
                if self._place.data.exists() and not (self.home / "password").exists():
                    raise self._error(f"its password file is gone from {self.home}, and its data are not")
                if not self._runs_already(self._place):
                    self._create(self._place)
                    self._launch(self._place)
                    self.started_here = True
                self._join()
        except (OSError, subprocess.SubprocessError) as error:
            raise self._error(f"cannot use its folder or programs ({error})") from error
        return self.address

    def stop(self) -> None:
        """Leave the server, and end it cleanly if nobody else uses it. Harmless when not started."""
        if self._users is None:
            return
        with self._one_at_a_time():
            alone = self._leave()
            if not alone or self._kept.exists():
                log.info("the embedded PostgreSQL goes on: it is used, or was started to stay up")
            elif self._place:
                self._shut_down(self._place)
        self.started_here = False

    def keep(self) -> None:
        """Let the started server stay up when its last user leaves, until `release` and a `stop`."""
        self._kept.touch()

    def release(self) -> None:
        """Let the server end with its last user again."""
        self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        return self.home / "stay_up"

    def is_running(self) -> bool:
        """Whether a server answers on our port and lets us in with our password."""
        if not (self.home / "password").exists():
            return False
        programs = self._place.programs if self._place else find_programs()
        ready = run([programs / "pg_isready", "-q", "-h", HOST, "-p", str(self.port), "-t", "3"], None)
        return ready == 0 and self._can_log_in()

    @property
    def address(self) -> ServerAddress:
        """Host, port, user and password. Raises DatabaseUnavailable before the first start."""
        try:
            password = (self.home / "password").read_text().strip()
        except OSError as error:
            raise self._error("it was never started here, or its password file cannot be read") from error
        return ServerAddress(HOST, self.port, USER, SecretStr(password))

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of one database. It holds the password: never log it."""
        password = quote(self.address.password.get_secret_value(), safe="")
        return f"postgresql+psycopg2://{USER}:{password}@{HOST}:{self.port}/{quote(database, safe='')}"

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Let one process at a time start or stop it; the system drops the lock of a killed one."""
        private_folder(self.home)
        with (self.home / "start.lock").open("ab") as file:
            deadline = time.monotonic() + LOCK_SECONDS
            while not locks.try_lock(file):
                if time.monotonic() > deadline:
                    raise self._error("another process has been starting or stopping it for minutes")
                time.sleep(0.05)
            yield

    def _join(self) -> None:
        if self._users is None:
            self._users = (self.home / "users.lock").open("ab")
            locks.try_share(self._users)

    def _leave(self) -> bool:
        """Return up our share; True if nobody else has one."""
        assert self._users is not None  # noqa: S101 - only stop() calls, after looking
        with self._users as file:
            alone = locks.try_lock(file)
            locks.unlock(file)
        self._users = None
        return alone

    def _runs_already(self, place: Place) -> bool:
        """Return True once the server on our data answers; False if there is none, or it ended meanwhile."""
        deadline = time.monotonic() + START_SECONDS
        while running := postmaster(place.data):
            port = running[1]
            if port not in (None, self.port):
                raise DatabaseUnavailable(
                    f"the embedded PostgreSQL of {self.home} already runs, on port {port}, not {self.port}",
                    fix=f"set FUNNEL_DATABASE_PORT={port}, or end what uses it first",
                )
            if self.is_running():
                return True
            if time.monotonic() > deadline:
                raise self._error("it runs but does not let us in", place)
            time.sleep(0.1)
        return False

    def _create(self, place: Place) -> None:
        """Make the data folder, whole or not at all: it gets its name when it is finished."""
        if (place.data / "PG_VERSION").exists():
            self._check_data(place)
            return
        if place.data.exists() and any(place.data.iterdir()):
            raise self._error(f"{place.data} holds something that is not a PostgreSQL data folder")
        password = self._password()
        half, password_file = place.base / "data.half", place.base / "initdb.password"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        place.give(half)
        try:
            write_private(password_file, password)
            place.give(password_file)
            code = place.run(
                *("initdb", "--pgdata", half, "--username", USER, "--pwfile", password_file),
                # Dagster connects a thousand times a night; hashing a random password often only costs time.
                *("--auth=scram-sha-256", "--set", "scram_iterations=1"),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
                *("--builtin-locale=C.UTF-8", "--no-instructions"),
                output=place.base / "pg_ctl.log",
                seconds=180,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if code:
            raise self._error(f"its data folder could not be made (see {place.base / 'pg_ctl.log'})")
        if place.data.exists():
            place.data.rmdir()
        half.rename(place.data)

    def _check_data(self, place: Place) -> None:
        made_by = (place.data / "PG_VERSION").read_text().strip()
        version = subprocess.run(
            [place.programs / "postgres", "--version"], check=True, capture_output=True, text=True, cwd="/"
        ).stdout.split()[-1]
        if version.split(".")[0] != made_by:
            raise DatabaseUnavailable(
                f"the data in {place.data} were made by PostgreSQL {made_by}, and {version} is installed",
                fix="move that folder aside and run again (all tables are rebuilt from the landing archive)",
            )

    def _password(self) -> str:
        path = self.home / "password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def _launch(self, place: Place) -> None:
        """Start the server; after a hard kill its left-over processes may need seconds to go: keep trying."""
        self._prepare_log(place)
        deadline = time.monotonic() + STALE_SECONDS
        while True:
            crashed = (place.data / "postmaster.pid").exists()
            free = port_is_free(self.port)
            if free and self._start_once(place):
                return
            if not crashed or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        if not port_is_free(self.port):
            raise DatabaseUnavailable(
                f"port {self.port}, meant for the embedded PostgreSQL, is used by another program",
                fix="set FUNNEL_DATABASE_PORT to a free port, or end the other program",
            )
        raise self._error("it does not start", place)

    def _start_once(self, place: Place) -> bool:
        options = " ".join(f"-c {name}={value}" for name, value in _server_settings(self.port).items())
        try:
            code = place.run(
                *("pg_ctl", "start", "--pgdata", place.data, "--log", place.base / "server.log"),
                *("--wait", "--timeout", str(START_SECONDS), "--options", options),
                output=place.base / "pg_ctl.log",
                seconds=START_SECONDS + 10,
            )
            deadline = time.monotonic() + LOGIN_SECONDS
            while code == 0:
                if self.is_running():
                    return True
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
        except BaseException:  # Ctrl+C as well: what we began must not be left behind
            time.sleep(0.5)
            self._shut_down(place)
            raise
        self._shut_down(place)
        return False

    def _prepare_log(self, place: Place) -> None:
        path = place.base / "server.log"
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        path.touch(mode=0o600)
        place.give(path)

    def _shut_down(self, place: Place) -> None:
        for mode, seconds in (("fast", 30), ("immediate", 15)):
            if postmaster(place.data) is None:
                return
            place.run(
                *(
                    "pg_ctl",
                    "stop",
                    "--pgdata",
                    place.data,
                    "--mode",
                    mode,
                    "--wait",
                    "--timeout",
                    str(seconds),
                ),
                output=place.base / "pg_ctl.log",
                seconds=seconds + 10,
            )

    def _can_log_in(self) -> bool:
        address = self.address
        try:
            psycopg2.connect(
                host=HOST,
                port=self.port,
                user=USER,
                password=address.password.get_secret_value(),
                dbname="postgres",
                connect_timeout=3,
                application_name="funnel_etl",
            ).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _error(self, what: str, place: Place | None = None) -> DatabaseUnavailable:
        look = f"; its last words: {_last_words(place.base / 'server.log')}" if place else ""
        where = (place.base if place else self.home) / "server.log"
        return DatabaseUnavailable(
            f"the embedded PostgreSQL of {self.home}: {what}{look}",
            fix=f"read the end of {where}, or set FUNNEL_DATABASE_URL to a server of yours",
        )


def _server_settings(port: int) -> dict[str, str]:
    """Return the settings, given at each start: old data get new ones too. Every durability setting is on.

    Errors stay out of the server's log, because they can quote a value of a row; their causer is told anyway.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    shared = Path("/dev/shm")  # noqa: S108 - only asked for its size
    cramped = shared.exists() and shutil.disk_usage(shared).total < 256 * 2**20  # as in a container by default
    return {
        "port": str(port),
        "listen_addresses": HOST,
        "unix_socket_directories": "''",
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        "shared_buffers": "256MB" if memory > 3 * 2**30 else "64MB",
        "work_mem": "32MB" if memory > 3 * 2**30 else "8MB",
        "maintenance_work_mem": "128MB" if memory > 3 * 2**30 else "64MB",
        "max_wal_size": "2GB",
        "wal_compression": "off",
        "random_page_cost": "1.1",
        "jit": "off",
        **({"dynamic_shared_memory_type": "mmap"} if cramped else {}),
    }


def _last_words(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return "none"
    fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (fatal or lines or ["none"])[-1]
