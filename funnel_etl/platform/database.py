"""PostgreSQL by SQLAlchemy: addresses, engines, databases, locks, and failures told in one readable line.

No table is named here: contracts make them, the publisher fills them. Servers start in `embedded_postgres`.
"""

import hashlib
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import SecretStr
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.embedded_postgres import EmbeddedServer

log = logging.getLogger(__name__)

DRIVER = "postgresql+psycopg2"
NAME_BYTES = 63
MINIMUM_VERSION = 17
# What no second attempt will mend; anything else may be a server that is just starting, or out of reach.
PERMANENT = re.compile(r"authentication failed|does not exist|no password supplied|pg_hba\.conf|permission denied")
ALREADY_THERE = {"42P04", "23505"}  # duplicate_database, and its race: unique_violation on the catalogue
NOT_PERMITTED = "42501"


@dataclass(frozen=True)
class Databases:
    """The two databases of an installation, and the embedded server if used. The URLs hold the password."""

    funnel_url: str = field(repr=False)
    dagster_url: str = field(repr=False)
    server: EmbeddedServer | None = None

    def close(self) -> None:
        """Leave the embedded server, if there is one."""
        if self.server:
            self.server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_databases(home: Path, port: int, database_url: SecretStr | None) -> Databases:
    """Make both databases ready, on the server of `database_url` or else on the embedded one below `home`.

    On a given server the data are in the database its URL names, Dagster's storage in `<name>_dagster`.
    Close what is returned. Raises DatabaseUnavailable.
    """
    if database_url is not None:
        return _open_given(normalise_url(database_url.get_secret_value()))
    server = EmbeddedServer(home / "postgres", port)
    server.start()
    try:
        for name in ("funnel", "dagster"):
            ensure_database(server.url("postgres"), name)
    except BaseException:
        server.stop()
        raise
    return Databases(server.url("funnel"), server.url("dagster"), server)


def funnel_url(home: Path, port: int, database_url: SecretStr | None) -> str:
    """Return the address of the data, without starting or asking anything. It holds the password."""
    if database_url is not None:
        return normalise_url(database_url.get_secret_value())
    return EmbeddedServer(home / "postgres", port).url("funnel")


def normalise_url(url: str) -> str:
    """Return the same address for psycopg2.

    A bare `postgresql://` means psycopg 3 to SQLAlchemy 2.1, and dagster-postgres fails with that.
    Raises DatabaseUnavailable if it is not a PostgreSQL address.
    """
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise DatabaseUnavailable(
            "the database's address does not begin with postgresql://",
            fix="set FUNNEL_DATABASE_URL to postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        )
    return f"{DRIVER}://{rest}"


def libpq_uri(url: str) -> str:
    """Return the same address as libpq, ADBC and psql read it. It holds the password."""
    return normalise_url(url).replace(DRIVER, "postgresql", 1)


def redacted(url: str) -> str:
    """Return the same address without anything secret, fit for a log."""
    try:
        parsed = _parse(url)
    except DatabaseUnavailable:
        return "postgresql://***"
    shown = URL.create("postgresql", parsed.username, None, parsed.host, parsed.port, parsed.database)
    return shown.render_as_string(hide_password=True)


def engine(url: str) -> Engine:
    """Make an engine that says who it is and notices dead connections.

    A connection that fails or is lost raises DatabaseUnavailable, in one line without the password.
    Other errors carry no statement parameters, because those are values of rows.
    """
    parsed = _parse(url)
    defaults = {
        "fallback_application_name": "funnel_etl",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }
    made = create_engine(
        parsed,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={name: value for name, value in defaults.items() if name not in parsed.query},
    )
    event.listen(made, "handle_error", _tell_unavailable)
    return made


def require_version(engine: Engine, minimum: int = MINIMUM_VERSION) -> int:
    """Return the server's major version. Raises DatabaseUnavailable if it is below `minimum`."""
    with engine.connect() as connection:
        number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
        full = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    if number // 10_000 < minimum:
        raise DatabaseUnavailable(
            f"the server is PostgreSQL {full}, and PostgreSQL {minimum} or newer is needed",
            where=_place(engine.url),
            fix="upgrade it, or unset FUNNEL_DATABASE_URL to use the embedded PostgreSQL",
        )
    return number // 10_000


def ensure_database(server_url: str, name: str) -> None:
    """Create database `name` on the server of `server_url` if absent; several processes may try at once.

    Raises DatabaseUnavailable if it cannot be reached or we are not permitted to.
    """
    try:
        _create_if_absent(_parse(server_url), name)
    except DatabaseUnavailable as error:
        if "does not exist" not in error.what:
            raise
        # The database the address names may be the one to create: `postgres` is on nearly every server.
        _create_if_absent(_parse(server_url).set(database="postgres"), name)


def advisory_lock(connection: Connection, key: str, *, wait: bool = True) -> bool:
    """Take the lock `key` until the transaction of `connection` ends; False if taken and we do not `wait`.

    Bound to the transaction: nobody begins before what it guards is committed, and no crash leaves it behind.
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    # A whole night may pass between statements; a server's limit for idle transactions must not end the lock.
    connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
    if wait:
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})
        return True
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number}).scalar_one())


def _open_given(url: str) -> Databases:
    parsed = _parse(url)
    if not parsed.database:
        raise DatabaseUnavailable(
            "the database's address names no database",
            where=_place(parsed),
            fix="end FUNNEL_DATABASE_URL with /NAME",
        )
    storage = _dagster_name(parsed.database)
    for name in (parsed.database, storage):
        ensure_database(url, name)
    asking = engine(url)
    try:
        require_version(asking)
    finally:
        asking.dispose()
    return Databases(url, parsed.set(database=storage).render_as_string(hide_password=False))


def _dagster_name(database: str) -> str:
    """Return the name beside `database`, short enough that PostgreSQL does not cut it back to that."""
    suffix = "_dagster"
    return database.encode()[: NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix


def _create_if_absent(server: URL, name: str) -> None:
    made = engine(server.render_as_string(hide_password=False))
    quoted = '"' + name.replace('"', '""') + '"'
    try:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            there = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if connection.execute(there, {"name": name}).scalar():
                return
            # template0 takes any encoding, and nobody can be connected to it, which would make the copy fail.
            escaped = quoted.replace(":", "\\:")
            connection.execute(text(f"CREATE DATABASE {escaped} TEMPLATE template0 ENCODING 'UTF8'"))
            log.info("created the database %s", name)
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code in ALREADY_THERE:
            return
        fix = "look at the server's log, or create the database yourself and run again"
        if code == NOT_PERMITTED:
            fix = f"ask its administrator for: CREATE DATABASE {quoted} OWNER {server.username} ENCODING 'UTF8'"
        raise DatabaseUnavailable(
            f"database {quoted} could not be created: {_first_line(error)}", where=_place(server), fix=fix
        ) from error
    finally:
        made.dispose()


def _tell_unavailable(context: ExceptionContext) -> None:
    """Tell a failed or lost connection in our own words; other errors stay SQLAlchemy's."""
    if context.is_pre_ping or not isinstance(context.sqlalchemy_exception, DBAPIError):
        return
    connecting = context.connection is None
    if not (connecting or context.is_disconnect):
        return
    reason = _first_line(context.sqlalchemy_exception)
    permanent = connecting and bool(PERMANENT.search(reason))
    fix = "see that it runs and can be reached from here, then run again"
    if permanent:
        fix = "correct user, password or database in FUNNEL_DATABASE_URL"
    where = _place(context.engine.url) if context.engine else "PostgreSQL"
    raise DatabaseUnavailable(reason, where=where, fix=fix, transient=not permanent) from context.original_exception


def _first_line(error: DBAPIError) -> str:
    """Return what the driver says first; the lines after may quote values of a row."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return lines[0] if lines else type(error.orig).__name__


def _parse(url: str) -> URL:
    try:
        return make_url(normalise_url(url))
    except (ArgumentError, ValueError) as error:
        # Not chained: the text of the cause may hold the whole address.
        del error
        raise DatabaseUnavailable(
            "the database's address cannot be read",
            fix="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters in %XX",
        ) from None


def _place(url: URL) -> str:
    return f"PostgreSQL at {url.host or 'this machine'}:{url.port or 5432}, database {url.database}"


def literal(text: str) -> str:
    """Give a text as SQL writes it, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
