"""PostgreSQL by SQLAlchemy: addresses, engines, databases, locks, and failures told in one readable line.

No table is named here: contracts make them, the publisher fills them. Servers start in `embedded`.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres import login
from funnel_etl.platform.postgres.address import SETTING, Address, read_address
from funnel_etl.platform.postgres.database_errors import (
    AWAY,
    MEANINGS,
    database_errors,
    no_login,
    server_words,
    sqlstate,
)
from funnel_etl.platform.postgres.embedded import EmbeddedServer

log = logging.getLogger(__name__)

NAME_BYTES = 63
MINIMUM_VERSION = 17
ALREADY_THERE = {"42P04", "23505"}  # duplicate_database, and its race: unique_violation on the catalogue
NOT_PERMITTED, NO_DATABASE = "42501", "3D000"


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
    """Return the same address for SQLAlchemy, psycopg2 and Dagster. Raises DatabaseUnavailable if it cannot be read."""
    return read_address(url).for_sqlalchemy


def libpq_uri(url: str) -> str:
    """Return the same address as libpq, ADBC and psql read it. It holds the password."""
    return read_address(url).for_libpq


def redacted(url: str) -> str:
    """Return the same address without anything secret, fit for a log."""
    try:
        return read_address(url).shown
    except DatabaseUnavailable:
        return "postgresql://***"


def engine(url: str) -> Engine:
    """Make an engine that says who it is and notices dead connections.

    A connection that fails or is lost raises DatabaseUnavailable, in one line without the password.
    Other errors carry no statement parameters, because those are values of rows.
    """
    address = read_address(url)
    parsed = make_url(address.for_sqlalchemy)
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
    event.listen(made, "handle_error", partial(_tell_unavailable, address))
    return made


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Make an engine, and leave no connection behind: a program that is up for days asks again and again."""
    asking = engine(url)
    try:
        yield asking
    finally:
        asking.dispose()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Connect, and leave no connection behind."""
    with opened(url) as asking, asking.connect() as connection:
        yield connection


def require_usable(url: str, minimum: int = MINIMUM_VERSION) -> None:
    """Raise DatabaseUnavailable for a server that is too old or only reads, and a database that is not UTF-8."""
    settings = ("server_version_num", "server_version", "server_encoding", "transaction_read_only")
    asking = engine(url)
    with database_errors(url), asking.connect() as connection:
        number, full, encoding, reads_only = (
            connection.execute(text(f"SHOW {name}")).scalar_one() for name in settings
        )
    asking.dispose()
    address = read_address(url)
    if int(number) // 10_000 < minimum:
        raise DatabaseUnavailable(
            f"the server is PostgreSQL {full.split()[0]}, and PostgreSQL {minimum} or newer is needed",
            where=address.place,
            fix="upgrade it, or unset FUNNEL_DATABASE_URL to use the embedded PostgreSQL",
        )
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"its encoding is {encoding}, which cannot hold every character; UTF8 is needed",
            where=address.place,
            fix=f"name another database in {SETTING}, made with: {create_statement(address.database)} LOCALE 'C'",
        )
    if reads_only == "on":
        meaning = MEANINGS["25006"]
        raise DatabaseUnavailable(meaning.what, where=address.place, fix=meaning.fix)


def create_statement(database: str, owner: str | None = None) -> str:
    """Write the statement that makes a database for us: template0 takes any encoding."""
    whose = f" OWNER {_quoted(owner)}" if owner else ""
    return f"CREATE DATABASE {_quoted(database)}{whose} TEMPLATE template0 ENCODING 'UTF8'"


def ensure_database(server_url: str, name: str) -> None:
    """Create database `name` on the server of `server_url` if absent; several processes may try at once.

    Raises DatabaseUnavailable if it cannot be reached or we are not permitted to.
    """
    server = read_address(server_url)
    try:
        _create_if_absent(server, name)
    except DatabaseUnavailable:
        if NO_DATABASE not in {login.ask(one)[0] for one in server.each()}:
            raise
        # The database the address names may be the one to create: `postgres` is on nearly every server.
        _create_if_absent(replace(server, database="postgres"), name)


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
    address = read_address(url)
    if not address.database:
        raise DatabaseUnavailable(
            "the database's address names no database", where=address.place, fix=f"end {SETTING} with /NAME"
        )
    storage = replace(address, database=_dagster_name(address.database))
    for one in (address, storage):
        ensure_database(url, one.database)
        require_usable(one.for_sqlalchemy)
    return Databases(address.for_sqlalchemy, storage.for_sqlalchemy)


def _dagster_name(database: str) -> str:
    """Return the name beside `database`, short enough that PostgreSQL does not cut it back to that."""
    suffix = "_dagster"
    return database.encode()[: NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix


def _create_if_absent(server: Address, name: str) -> None:
    made = engine(server.for_sqlalchemy)
    try:
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            there = text("SELECT 1 FROM pg_database WHERE datname = :name")
            if connection.execute(there, {"name": name}).scalar():
                return
            # Nobody can be connected to template0, which would make the copy fail.
            connection.execute(text(create_statement(name).replace(":", "\\:")))
            log.info("created the database %s", name)
    except DBAPIError as error:
        code = sqlstate(error)
        if code in ALREADY_THERE:
            return
        fix = "look at the server's log, or create the database yourself and run again"
        if code == NOT_PERMITTED:
            fix = f"ask its administrator for: {create_statement(name, server.user)}"
        raise DatabaseUnavailable(
            f"database {_quoted(name)} could not be created: {server_words(error)} (SQLSTATE {code})",
            where=server.place,
            fix=fix,
        ) from error
    finally:
        made.dispose()


def _tell_unavailable(address: Address, context: ExceptionContext) -> None:
    """Translate a failed or lost connection into our own words; other errors stay SQLAlchemy's."""
    error = context.sqlalchemy_exception
    if context.is_pre_ping or not isinstance(error, DBAPIError):
        return
    if context.connection is None:
        raise no_login(address) from None
    if context.is_disconnect:
        code, words = sqlstate(error), server_words(error)
        more = f" ({words}, SQLSTATE {code})" if code else ""
        raise DatabaseUnavailable(
            f"{AWAY.what}{more}", where=address.place, fix=AWAY.fix, transient=True
        ) from context.original_exception


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL writes it, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"
