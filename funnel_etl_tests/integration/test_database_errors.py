"""What others refuse is one readable line with a fix, known by its SQLSTATE: the words may be of any language.

Regression: each of these was 129 to 386 lines of traceback.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa
from dagster_postgres.utils import DagsterPostgresException
from pydantic import SecretStr
from typer.testing import CliRunner

from funnel_etl import cli
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.operate.run.dagster_home import open_instance
from funnel_etl.platform.contracts import TABLES
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.database_errors import MEANINGS, database_errors
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.publisher import Publication, Version, publish
from funnel_etl.platform.postgres.schema import SCHEMAS, ensure_schema
from funnel_etl.settings import Settings
from funnel_etl_tests.servers import administer

pytestmark = pytest.mark.slow

SECRET = "geheim-Kennwort"
THINGS = Table("mart", "things", "One row per thing", ("id",), (Column("id", Kind.INTEGER, "Its number."),))
GERMAN = "DO $$ BEGIN RAISE EXCEPTION 'Das geht nicht' USING ERRCODE = '{}', DETAIL = 'Zeile 9876512345'; END $$"
FIXES = {
    "42501": "What its user needs",
    "25006": "primary server",
    "53100": "make room",
    "53300": "max_connections",
    "57014": "statement_timeout",
    "57P01": "see that it runs",
    "22021": "UTF8",
    "40P01": "run again",
    "55P03": "end long queries",
    "42P01": "made again",
}


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def role(postgres: EmbeddedServer, database_url: str) -> Iterator[str]:
    """A modest role that may log in, named after the test's database."""
    name = f"role_{sa.make_url(database_url).database}"
    administer(postgres.url("postgres"), f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    yield name
    for url in (database_url, postgres.url("postgres")):
        administer(url, f"DROP OWNED BY {name} CASCADE")
    administer(postgres.url("postgres"), f"DROP ROLE {name}")


def of(url: str, **parts: object) -> str:
    return sa.make_url(url).set(**parts).render_as_string(hide_password=False)


def things(*ids: int) -> Publication:
    return Publication(THINGS, lambda: THINGS.to_arrow(THINGS.conform(pd.DataFrame({"id": list(ids)}))))


def version() -> Version:
    return Version("sales", date(2025, 10, 30), "run", "0.1", "c")


def one_line(error: BaseException) -> str:
    """The line that is said, which has a fix and no secret in it."""
    line = str(error)
    assert "\n" not in line
    assert ". Fix: " in line
    for secret in (SECRET, "geheim", "Kennwort", "9876512345"):
        assert secret not in f"{error} {error!r}"
    return line


@pytest.mark.parametrize("code", FIXES)
@pytest.mark.parametrize("driver", ["sqlalchemy", "psycopg2", "adbc", "dagster"])
def test_a_server_that_speaks_german_is_understood_by_its_code(
    database_url: str, engine: sa.Engine, driver: str, code: str
) -> None:
    def by_sqlalchemy() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(GERMAN.format(code))

    def by_psycopg2() -> None:
        with psycopg2.connect(database.libpq_uri(database_url)) as connection, connection.cursor() as cursor:
            cursor.execute(GERMAN.format(code))

    def by_adbc() -> None:
        with adbc.connect(database.libpq_uri(database_url)) as connection, connection.cursor() as cursor:
            cursor.execute(GERMAN.format(code))

    def by_dagster() -> None:
        try:
            by_sqlalchemy()
        except sa.exc.DBAPIError as error:
            text = "too many retries"
            raise DagsterPostgresException(text) from error

    ways: dict[str, Callable[[], None]] = {
        "sqlalchemy": by_sqlalchemy,
        "psycopg2": by_psycopg2,
        "adbc": by_adbc,
        "dagster": by_dagster,
    }
    with pytest.raises(DatabaseUnavailable) as told, database_errors(database_url, "it stopped"):
        ways[driver]()
    line = one_line(told.value)
    assert f"Das geht nicht, SQLSTATE {code}" in line or code.startswith(("22", "57P"))
    assert FIXES[code] in line


def test_a_mistake_of_our_own_stays_what_it_is(database_url: str, engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.ProgrammingError), database_errors(database_url), engine.connect() as connection:
        connection.exec_driver_sql("SELEC 1")


def test_each_meaning_says_what_to_do() -> None:
    assert all(meaning.what and meaning.fix for meaning in MEANINGS.values())


@pytest.mark.parametrize(
    ("statement", "parts", "words", "transient"),
    [
        pytest.param(
            None, {"password": "wrong"}, "user or password is not accepted (SQLSTATE 28P01)", False, id="password"
        ),
        pytest.param(None, {"username": "nobody"}, "is not accepted (SQLSTATE 28P01)", False, id="unknown user"),
        pytest.param(
            "ALTER ROLE {role} NOLOGIN", {}, "may not log in from here (SQLSTATE 28000)", False, id="no login"
        ),
        pytest.param(
            "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC",
            {},
            "lacks a right (SQLSTATE 42501)",
            False,
            id="connect",
        ),
        pytest.param(
            "ALTER ROLE {role} CONNECTION LIMIT 0", {}, "no connection left for this user", True, id="too many"
        ),
        pytest.param(
            "ALTER DATABASE {database} ALLOW_CONNECTIONS false", {}, "accepts no connections", False, id="closed"
        ),
        pytest.param(
            None,
            {"query": {"sslmode": "require"}},
            "no login came about (server does not support SSL, but SSL was required)",
            False,
            id="TLS that the server has not",
        ),
        pytest.param(None, {"query": {"sslmode": "verify"}}, "see sslmode and certificates", False, id="wrong option"),
    ],
)
@pytest.mark.parametrize("driver", ["sqlalchemy", "adbc"])
def test_a_login_that_is_refused_is_one_line_with_the_right_reason(
    postgres: EmbeddedServer,
    database_url: str,
    role: str,
    driver: str,
    statement: str | None,
    parts: dict[str, Any],
    words: str,
    transient: bool,
) -> None:
    name = sa.make_url(database_url).database
    if statement:
        administer(postgres.url("postgres"), statement.format(role=role, database=name))
    url = of(database_url, **{"username": role, "password": SECRET, **parts})
    try:
        with pytest.raises(DatabaseUnavailable) as told:
            publish(url, version(), [things(1)]) if driver == "adbc" else database.engine(url).connect()
    finally:
        administer(postgres.url("postgres"), f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert words in one_line(told.value)
    assert told.value.transient is transient


def multi(url: str, hosts: str, **parts: object) -> str:
    parsed = sa.make_url(of(url, **parts))
    return f"postgresql://{parsed.username}:{parsed.password}@{hosts}/{parsed.database}"


def test_an_address_of_several_hosts_works_and_finds_the_one_that_answers(database_url: str) -> None:
    port = sa.make_url(database_url).port
    url = multi(database_url, f"127.0.0.1:1,127.0.0.1:{port}")
    with database.engine(url).connect() as connection:
        assert connection.execute(sa.text("SELECT 42")).scalar_one() == 42
    made = database.engine(url)
    ensure_schema(made, [*TABLES, THINGS])
    assert publish(url, version(), [things(1)]).version == 1
    opened = database.open_databases(Path("/nowhere"), 1, SecretStr(url))
    with database.engine(opened.dagster_url).connect() as connection:
        assert str(connection.execute(sa.text("SELECT current_database()")).scalar_one()).endswith("_dagster")


def test_of_several_hosts_the_culprit_is_named(database_url: str, closed_port: int) -> None:
    port = sa.make_url(database_url).port
    url = multi(database_url, f"no-such-host.invalid,127.0.0.1:{closed_port},127.0.0.1:{port}", password=SECRET)
    with pytest.raises(DatabaseUnavailable) as told:
        database.engine(url).connect()
    line = one_line(told.value)
    assert "no-such-host.invalid:5432: the name of this server is not known" in line
    assert f"127.0.0.1:{closed_port}: no connection to it (Connection refused)" in line
    assert f"127.0.0.1:{port}: user or password is not accepted (SQLSTATE 28P01). Fix: correct user or password" in line
    assert not told.value.transient


def test_of_several_hosts_that_only_read_it_is_said(postgres: EmbeddedServer, database_url: str, role: str) -> None:
    administer(postgres.url("postgres"), f"ALTER ROLE {role} SET default_transaction_read_only = on")
    port = sa.make_url(database_url).port
    url = multi(database_url, f"127.0.0.1:{port},localhost:{port}", username=role, password=SECRET)
    with pytest.raises(DatabaseUnavailable, match=r"it only reads: a standby; localhost:\d+: it only reads"):
        database.engine(url).connect()


def test_a_user_that_may_only_read_is_told_before_anything_begins(
    postgres: EmbeddedServer, database_url: str, role: str
) -> None:
    administer(postgres.url("postgres"), f"ALTER ROLE {role} SET default_transaction_read_only = on")
    url = of(database_url, username=role, password=SECRET)
    with pytest.raises(DatabaseUnavailable, match="it only reads: it is a standby, or this user") as told:
        database.require_usable(url)
    one_line(told.value)
    with pytest.raises(DatabaseUnavailable, match="SQLSTATE 25006"):
        publish(url, version(), [things(1)])


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_is_not_utf8_is_refused_with_the_statement_that_makes_one(
    postgres: EmbeddedServer, encoding: str
) -> None:
    name = f"encoded_{encoding.lower()}"
    administer(
        postgres.url("postgres"),
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0",
    )
    with pytest.raises(DatabaseUnavailable) as told:
        database.open_databases(Path("/nowhere"), 1, SecretStr(postgres.url(name)))
    line = one_line(told.value)
    assert f"its encoding is {encoding}" in line
    assert "TEMPLATE template0 ENCODING 'UTF8'" in line


def test_a_role_without_rights_on_dagsters_database_gets_one_line(
    postgres: EmbeddedServer, database_url: str, role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = sa.make_url(database_url).database
    administer(postgres.url("postgres"), f"CREATE DATABASE {name}_dagster")
    for variable in ("DAGSTER_HOME", "FUNNEL_DAGSTER_URL", "DAGSTER_DISABLE_TELEMETRY", "FUNNEL_HOME"):
        monkeypatch.setenv(variable, "")
    url = SecretStr(of(database_url, username=role, password=SECRET))
    settings = Settings(home=tmp_path, database_url=url, _env_file=None)
    with (
        database.open_databases(settings.state, 1, url) as opened,
        pytest.raises(DatabaseUnavailable) as told,
        open_instance(settings, opened),
    ):
        pass
    line = one_line(told.value)
    assert "Dagster's storage could not be opened: this user lacks a right (permission denied for schema public" in line
    assert f"database {name}_dagster" in line
    administer(postgres.url("postgres"), f"REVOKE CONNECT ON DATABASE {name}_dagster FROM PUBLIC")
    with pytest.raises(DatabaseUnavailable, match=f"database {name}_dagster: this user lacks a right"):
        database.open_databases(settings.state, 1, url)


def test_premade_schemas_need_no_right_to_make_any(postgres: EmbeddedServer, database_url: str, role: str) -> None:
    for name in (*SCHEMAS, "mart_masked"):
        administer(database_url, f"CREATE SCHEMA {name}", f"GRANT USAGE, CREATE ON SCHEMA {name} TO {role}")
    url = of(database_url, username=role, password=SECRET)
    made = database.engine(url)
    assert ensure_schema(made, [*TABLES, THINGS])
    assert not ensure_schema(made, [*TABLES, THINGS])
    assert publish(url, version(), [things(1)]).counts == {"mart.things": (1, 0, 0)}
    made.dispose()


def test_a_missing_right_to_make_schemas_is_one_line(database_url: str, role: str) -> None:
    made = database.engine(of(database_url, username=role, password=SECRET))
    with pytest.raises(DatabaseUnavailable) as told:
        ensure_schema(made, [*TABLES, THINGS])
    line = one_line(told.value)
    assert "SQLSTATE 42501" in line
    assert "What its user needs" in line
    made.dispose()


@contextmanager
def server_that_says(*answers: bytes) -> Iterator[int]:
    """A program on a port that answers each message of a connection with the next of these, then ends it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def answer_all() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                with connection:
                    for answer in answers:
                        if not connection.recv(1024):
                            break
                        connection.sendall(answer)

        threading.Thread(target=answer_all, daemon=True).start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def test_what_listens_and_is_no_postgresql_is_said_so(database_url: str) -> None:
    with server_that_says() as port, pytest.raises(DatabaseUnavailable) as told:
        database.engine(of(database_url, port=port, password=SECRET)).connect()
    assert "it answers, and no login came about" in one_line(told.value)


def test_a_code_that_says_too_little_is_shown_with_the_words_that_came_with_it(database_url: str) -> None:
    fields = b"SFATAL\0VFATAL\0C08P01\0Mder Pooler kennt diese Datenbank nicht\0\0"
    refusal = b"E" + (len(fields) + 4).to_bytes(4, "big") + fields
    with server_that_says(b"N", refusal) as port, pytest.raises(DatabaseUnavailable) as told:
        database.engine(of(database_url, port=port, password=SECRET)).connect()
    assert "der Pooler kennt diese Datenbank nicht, SQLSTATE 08P01" in one_line(told.value)


def test_a_command_prints_one_line_for_whatever_a_driver_raises(
    database_url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql(GERMAN.format("53100"))

    settings = Settings(database_url=SecretStr(database_url), _env_file=None)
    monkeypatch.setattr("funnel_etl.session.load_settings", lambda: settings)
    monkeypatch.setattr("funnel_etl.operate.run.services.database_address", refused)
    done = CliRunner().invoke(cli.app, ["db", "url"])
    assert done.exit_code == 1
    assert "its disk is full (Das geht nicht, SQLSTATE 53100). Fix: make room on the server" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("password", ["s3cr@t/Wort", "s3cr/t@Wort#1", "s3cr%t", "s3cr:t@@Wort", "a@b/c?d#e%f"])
@pytest.mark.parametrize("command", [["run"], ["status"], ["db", "url"], ["db", "adopt"], ["db", "psql"]])
def test_a_mistyped_password_is_printed_by_no_command_and_sent_in_no_alert(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str, command: list[str]
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("funnel_etl.observe.alerts.fallback_store.send", lambda _, content: sent.append(str(content)))
    url = SecretStr(f"postgresql://funnel:{password}@db.example.org:5433/leads")
    alerts = SecretStr("json://127.0.0.1:1")
    settings = Settings(home=tmp_path, database_url=url, alert_urls=alerts, _env_file=None)
    monkeypatch.setattr("funnel_etl.session.load_settings", lambda: settings)
    done = CliRunner().invoke(cli.app, command)
    assert done.exit_code == 1
    assert "@ as %40" in done.output
    said = f"{done.output} {sent}"
    assert sent or command != ["run"]
    assert not any(password[at : at + 4] in said for at in range(len(password) - 3))


def test_what_a_trigger_of_somebody_s_says_of_a_row_is_not_shown(database_url: str) -> None:
    made = database.engine(database_url)
    with pytest.raises(DatabaseUnavailable) as told, database_errors(database_url), made.begin() as connection:
        connection.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'no row for 98765 12345'; END $$"))
    made.dispose()
    assert "a trigger of somebody's refuses what is written (SQLSTATE P0001)" in str(told.value)
    assert "12345" not in str(told.value)
    assert "\n" not in str(told.value)
