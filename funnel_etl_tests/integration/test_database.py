"""Addresses, engines, databases and locks, on a real PostgreSQL."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import adbc_driver_postgresql.dbapi
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DBAPIError

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.embedded_place import settle

OLD_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
SECRET = "s3cret/p@ss"
ESCAPED = "s3cret%2Fp%40ss"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = database.engine(database_url)
    yield made
    made.dispose()


def with_parts(url: str, **parts: object) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("postgresql://u:p%40@h:1/d?sslmode=require", id="bare"),
        pytest.param("postgres://u:p%40@h:1/d?sslmode=require", id="short, as hosting firms write it"),
        pytest.param("postgresql+psycopg2://u:p%40@h:1/d?sslmode=require", id="as it should be"),
        pytest.param("postgresql+psycopg://u:p%40@h:1/d?sslmode=require", id="psycopg 3"),
        pytest.param("  postgresql://u:p%40@h:1/d?sslmode=require\n", id="with white space around"),
    ],
)
def test_every_way_to_write_an_address_becomes_one(written: str) -> None:
    assert database.normalise_url(written) == "postgresql+psycopg2://u:p%40@h:1/d?sslmode=require"
    assert database.libpq_uri(written) == "postgresql://u:p%40@h:1/d?sslmode=require"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(f"mysql://u:{ESCAPED}@h/d", id="another database"),
        pytest.param(f"u:{ESCAPED}@h/d", id="no scheme"),
        pytest.param(f"postgresql://u:{ESCAPED}@h:port/d", id="a port that is no number"),
        pytest.param("", id="empty"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(DatabaseUnavailable) as told:
        database.engine(written)
    assert "postgresql://" in str(told.value)
    assert "s3cret" not in f"{told.value} {told.value!r} {told.value.__cause__!r}"
    assert database.redacted(written) == "postgresql://***"


def test_a_redacted_address_shows_no_password_wherever_it_was() -> None:
    shown = database.redacted(f"postgresql://u:{ESCAPED}@h:5433/d?password={ESCAPED}&sslmode=require")
    assert shown == "postgresql://u@h:5433/d"


def test_the_engine_says_who_it_is(engine: Engine) -> None:
    with engine.connect() as connection:
        name = connection.execute(text("SELECT current_setting('application_name')")).scalar_one()
    assert name == "funnel_etl"


def test_the_address_works_for_adbc_as_well(database_url: str) -> None:
    uri = database.libpq_uri(database_url)
    with adbc_driver_postgresql.dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 42")
        assert cursor.fetchone() == (42,)


@pytest.mark.parametrize(
    ("parts", "words", "transient"),
    [
        pytest.param({"port": 1}, "no connection to it .Connection refused", True, id="nobody listens"),
        pytest.param({"host": "no-such-host.invalid"}, "the name of this server is not known", True, id="no such host"),
        pytest.param({"password": SECRET}, "is not accepted .SQLSTATE 28P01", False, id="wrong password"),
        pytest.param({"database": "absent"}, "there is no such database .SQLSTATE 3D000", False, id="no such database"),
    ],
)
def test_a_failed_connection_is_one_line_without_the_password(
    database_url: str, parts: dict[str, object], words: str, transient: bool
) -> None:
    url = with_parts(database_url, **{"password": SECRET, **parts} if "database" not in parts else parts)
    with pytest.raises(DatabaseUnavailable, match=words) as told:
        database.engine(url).connect()
    assert told.value.transient is transient
    assert "\n" not in str(told.value)
    password = make_url(url).password
    assert str(password) not in f"{told.value} {told.value!r} {told.value.__cause__!r}"


def test_a_connection_lost_midway_is_transient_and_the_next_one_works(engine: Engine) -> None:
    with engine.connect() as connection, engine.connect() as other:
        mine = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.execute(text("SELECT pg_terminate_backend(:mine)"), {"mine": mine})
        with pytest.raises(DatabaseUnavailable) as told:
            connection.execute(text("SELECT 1"))
    assert told.value.transient
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 42")).scalar_one() == 42


def test_an_error_of_a_statement_stays_what_it_is_and_hides_its_values(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as told:
        connection.execute(text("SELECT 1 / (length(:value) * 0)"), {"value": "value-of-a-row"})
    assert "division by zero" in str(told.value)
    assert "value-of-a-row" not in str(told.value)


def test_a_server_that_is_new_enough_is_accepted(database_url: str) -> None:
    database.require_usable(database_url)


def test_a_server_below_the_needed_version_is_refused_in_one_line_naming_both(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 18\.\d+, and PostgreSQL 99 or newer") as told:
        database.require_usable(database_url, minimum=99)
    assert not told.value.transient
    assert "\n" not in str(told.value)


@pytest.mark.skipif(not OLD_PROGRAMS.exists(), reason="no PostgreSQL 15 on this machine")
def test_postgresql_15_is_refused(server_home: Path, free_port: int) -> None:
    server_home.mkdir()
    place = replace(settle(server_home), programs=OLD_PROGRAMS)
    place.give(server_home)
    folder = ("-D", place.data)
    assert place.run("initdb", *folder, "-U", "old", "-A", "trust", output=place.base / "words") == 0
    options = f"-c port={free_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    assert place.run("pg_ctl", "start", "-w", *folder, "-o", options, output=place.base / "words") == 0
    try:
        url = SecretStr(f"postgresql://old@127.0.0.1:{free_port}/funnel")
        with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 15\.\d+, and PostgreSQL 17 or newer"):
            database.open_databases(server_home, free_port, url)
    finally:
        place.run("pg_ctl", "stop", "-m", "fast", *folder)


def test_racing_creators_of_one_database_all_succeed(postgres: EmbeddedServer) -> None:
    errors: list[Exception] = []

    def create() -> None:
        try:
            database.ensure_database(postgres.url("postgres"), "Raced: for % :x")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            errors.append(error)

    racing = [threading.Thread(target=create) for _ in range(4)]
    for thread in racing:
        thread.start()
    for thread in racing:
        thread.join()
    assert errors == []
    with database.engine(postgres.url("Raced: for % :x")).connect() as connection:
        assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"


def test_not_being_permitted_to_create_a_database_is_told_with_the_statement_to_ask_for(
    postgres: EmbeddedServer, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS modest"))
        connection.execute(text("CREATE ROLE modest LOGIN PASSWORD 'modest-password'"))
    url = with_parts(postgres.url("postgres"), username="modest", password="modest-password")
    with pytest.raises(DatabaseUnavailable, match='CREATE DATABASE "wanted" OWNER') as told:
        database.ensure_database(url, "wanted")
    assert "\n" not in str(told.value)
    assert "modest-password" not in str(told.value)


def test_a_given_server_gets_both_databases_even_if_the_named_one_is_absent(postgres: EmbeddedServer) -> None:
    written = postgres.url("given").replace("+psycopg2", "")
    for _ in range(2):
        opened = database.open_databases(Path("/nowhere"), 1, SecretStr(written))
        opened.close()
    assert opened.server is None
    assert opened.funnel_url == postgres.url("given")
    for url, name in ((opened.funnel_url, "given"), (opened.dagster_url, "given_dagster")):
        with database.engine(url).connect() as connection:
            assert connection.execute(text("SELECT current_database()")).scalar_one() == name
    assert postgres.address.password.get_secret_value() not in f"{opened} {opened!r}"


def test_a_long_name_does_not_make_both_databases_one() -> None:
    name = "é" * 31
    assert database._dagster_name(name) == "é" * 27 + "_dagster"
    assert database._dagster_name("funnel") == "funnel_dagster"


def test_a_given_address_must_name_a_database(postgres: EmbeddedServer) -> None:
    with pytest.raises(DatabaseUnavailable, match="names no database"):
        database.open_databases(Path("/nowhere"), 1, SecretStr(f"postgresql://u:{ESCAPED}@127.0.0.1:{postgres.port}"))


def test_without_an_address_the_embedded_server_has_both(server_home: Path, free_port: int) -> None:
    with database.open_databases(server_home.parent, free_port, None) as opened:
        assert opened.server is not None
        for url, name in ((opened.funnel_url, "funnel"), (opened.dagster_url, "dagster")):
            made = database.engine(url)
            with made.connect() as connection:
                assert connection.execute(text("SELECT current_database()")).scalar_one() == name
            made.dispose()
        assert opened.server.address.password.get_secret_value() not in repr(opened)
    assert not opened.server.is_running()


def test_a_lock_is_held_until_its_transaction_ends_and_no_longer(engine: Engine) -> None:
    with engine.connect() as one, engine.connect() as two:
        assert database.advisory_lock(one, "publish")
        assert not database.advisory_lock(two, "publish", wait=False)
        assert database.advisory_lock(two, "another", wait=False)
        one.rollback()
        assert database.advisory_lock(two, "publish", wait=False)
        two.commit()
        assert database.advisory_lock(one, "publish", wait=False)


def test_a_waiting_writer_gets_the_lock_after_the_other_committed(engine: Engine) -> None:
    with engine.begin() as setup:
        setup.execute(text("CREATE TABLE told (value int)"))
    seen: list[int] = []

    def wait_and_read() -> None:
        with engine.begin() as connection:
            database.advisory_lock(connection, "publish")
            seen.append(connection.execute(text("SELECT count(*) FROM told")).scalar_one())

    with engine.begin() as first:
        database.advisory_lock(first, "publish")
        waiting = threading.Thread(target=wait_and_read)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        first.execute(text("INSERT INTO told VALUES (1)"))
    waiting.join(timeout=10)
    assert seen == [1]
