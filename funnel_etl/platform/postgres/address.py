"""The address of a database, read strictly: what cannot be read in one way only is refused, and none of it is shown.

libpq (ADBC, psql) and SQLAlchemy (psycopg2, Dagster) each read a mis-typed address in their own way, and then quote
pieces of its password as a host or a port. So both get an address that was taken apart and written anew here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from funnel_etl.core.errors import DatabaseUnavailable

DRIVER = "postgresql+psycopg2"
SETTING = "FUNNEL_DATABASE_URL"
SERVER = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::(\d*))?")
HOST = re.compile(r"[A-Za-z0-9._-]*|[0-9A-Fa-f:.%]*|/[^\s@,]*")
"""A name, a number, or the folder of a socket."""
PLACE = re.compile(r"([^/?]*)(?:/([^/?]*))?(?:\?(.*))?")
NOT_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00|[\s\x00-\x1f]")
Host = tuple[str, int | None]


@dataclass(frozen=True)
class Address:
    """Where a database is. `hosts`: the servers in the order to try, each a name (empty: a local socket) and a port."""

    hosts: tuple[Host, ...]
    database: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)

    def each(self) -> Iterator["Address"]:
        """Return the address of each of the servers alone."""
        yield from (replace(self, hosts=(host,)) for host in self.hosts)

    @property
    def place(self) -> str:
        """Where it is, for people: neither user nor password."""
        return f"PostgreSQL at {self.servers}, database {self.database or '(none)'}"

    @property
    def servers(self) -> str:
        """The servers, for people."""
        return ", ".join(f"{host or 'this machine'}:{port or 5432}" for host, port in self.hosts)

    @property
    def for_libpq(self) -> str:
        """The address as libpq, ADBC and psql read it. It holds the password."""
        return self.written("postgresql", self.hosts, self.options)

    @property
    def for_sqlalchemy(self) -> str:
        """The address as SQLAlchemy and Dagster read it, which know several hosts as options only. With password."""
        if len(self.hosts) == 1 and not self.hosts[0][0].startswith("/"):
            return self.written(DRIVER, self.hosts, self.options)
        servers = {
            "host": ",".join(host for host, _ in self.hosts),
            "port": ",".join(str(port or 5432) for _, port in self.hosts),
        }
        return self.written(DRIVER, (("", None),), servers | self.options)

    @property
    def shown(self) -> str:
        """The address without anything secret: neither password nor options."""
        return replace(self, password=None).written("postgresql", self.hosts, {})

    def written(self, scheme: str, hosts: tuple[Host, ...], options: dict[str, str]) -> str:
        """Return the address as a URI."""
        login = _encoded(self.user or "") + (f":{_encoded(self.password)}" if self.password is not None else "")
        servers = ",".join(
            (f"[{host}]" if ":" in host else _encoded(host)) + (f":{port}" if port else "") for host, port in hosts
        )
        query = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in options.items())
        at, asks = "@" if login else "", "?" if query else ""
        return f"{scheme}://{login}{at}{servers}/{_encoded(self.database)}{asks}{query}"


def read_address(text: str) -> Address:
    """Take an address apart. Raises `DatabaseUnavailable`, which shows nothing of it, if it can be read in two ways."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise DatabaseUnavailable(
            "the database's address does not begin with postgresql://",
            where=SETTING,
            fix="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
        )
    try:
        return _read(rest)
    except ValueError:
        # Not chained: the text of the cause may hold a piece of the password.
        raise DatabaseUnavailable(
            "the database's address cannot be read",
            where=SETTING,
            fix="write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with special characters of user and "
            "password percent-encoded: @ as %40, / as %2F, : as %3A, # as %23, ? as %3F, % as %25, a blank as %20",
        ) from None


def _read(rest: str) -> Address:
    login, _, place = rest.rpartition("@")
    parts = PLACE.fullmatch(place)
    if parts is None or NOT_ENCODED.search(rest) or "@" in login or "/" in login or "#" in place:
        raise ValueError
    options: dict[str, str] = {}
    for option in (parts[3] or "").split("&") if parts[3] else []:
        name, value = option.split("=")
        if name in options:
            raise ValueError
        options[_decoded(name)] = _decoded(value)
    hosts = _hosts([_server(server) for server in parts[1].split(",")], options)
    if len(hosts) > 1:
        # Of a primary and its standbys only the primary can be published to.
        options.setdefault("target_session_attrs", "read-write")
    user, has_password, password = login.partition(":")
    return Address(
        hosts,
        options.pop("dbname", "") or _decoded(parts[2] or ""),
        _decoded(user) or options.pop("user", "") or None,
        _decoded(password) if has_password else options.pop("password", "") or None,
        options,
    )


def _server(text: str) -> Host:
    found = SERVER.fullmatch(text)
    if found is None:
        raise ValueError
    return _host(_decoded(found[1].strip("[]"))), _port(found[2])


def _hosts(written: list[Host], options: dict[str, str]) -> tuple[Host, ...]:
    """Return the servers; those that options name win, as with libpq."""
    names, ports = options.pop("host", ""), options.pop("port", "")
    hosts = [_host(name) for name in names.split(",")] if names else [host for host, _ in written]
    numbers = [_port(port) for port in ports.split(",")] if ports else [port for _, port in written]
    if len(numbers) == 1:
        numbers *= len(hosts)
    return tuple(zip(hosts, numbers, strict=True))


def _host(name: str) -> str:
    if not HOST.fullmatch(name):
        raise ValueError
    return name


def _port(text: str | None) -> int | None:
    port = int(text) if text else None
    if port is not None and not 0 < port < 65536:
        raise ValueError
    return port


def _encoded(text: str) -> str:
    return quote(text, safe="")


def _decoded(text: str) -> str:
    return unquote(text, errors="strict")
