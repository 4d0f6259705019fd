# ruff: noqa: S608 - the SQL of this file is made of its own constants
"""Tables and views change while people read them: nobody waits, and grants and other people's views stay."""

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg2
import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES
from funnel_etl.platform.postgres import database, masking, short_locks
from funnel_etl.platform.postgres.database import libpq_uri
from funnel_etl.platform.postgres.masking import masked_tables
from funnel_etl.platform.postgres.schema import ensure_schema

pytestmark = pytest.mark.slow

M0 = "mart_masked.attributed_m0"
THEIRS = f"CREATE SCHEMA theirs; CREATE VIEW theirs.looks AS SELECT phone, funnel FROM {M0}"
MOOD = Column("mood", Kind.TEXT, "How it went: 100 % 'so' so.")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    ensure_schema(made, TABLES)
    yield made
    made.dispose()


@pytest.fixture
def bi(engine: sa.Engine) -> Iterator[str]:
    """A role with no rights."""
    name = f"bi_{uuid.uuid4().hex[:8]}"
    ask(engine, f"CREATE ROLE {name}")
    yield name
    ask(engine, f"DROP OWNED BY {name}; DROP ROLE {name}")


def ask(engine: sa.Engine, sql: str) -> list[tuple[object, ...]]:
    with engine.begin() as connection:
        found = connection.exec_driver_sql(sql)
        return [tuple(row) for row in found] if found.returns_rows else []


def changed(*tables: Table) -> list[Table]:
    """All contracts, these in the place of their older ones."""
    newer = {table.full_name: table for table in tables}
    return [newer.get(table.full_name, table) for table in TABLES]


def wider(table: Table, *columns: Column, at: int | None = None) -> Table:
    at = len(table.columns) if at is None else at
    return replace(table, columns=(*table.columns[:at], *(columns or (MOOD,)), *table.columns[at:]))


def narrower(table: Table, name: str) -> Table:
    return replace(table, columns=tuple(column for column in table.columns if column.name != name))


def retyped(table: Table, name: str, kind: Kind) -> Table:
    return replace(table, columns=tuple(replace(c, kind=kind) if c.name == name else c for c in table.columns))


def columns(engine: sa.Engine, view: str = M0) -> list[object]:
    sql = f"SELECT attname FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 ORDER BY attnum"
    return [name for (name,) in ask(engine, sql)]


def states(engine: sa.Engine) -> list[tuple[object, ...]]:
    """What changes when a view is dropped, made or replaced."""
    return ask(
        engine,
        "SELECT c.oid::regclass::text, c.oid, c.xmin::text, r.xmin::text FROM pg_class AS c "
        "JOIN pg_rewrite AS r ON r.ev_class = c.oid "
        "WHERE c.relnamespace IN ('mart_masked'::regnamespace, 'ops'::regnamespace) ORDER BY 1",
    )


def may(engine: sa.Engine, role: str, view: str = M0, privilege: str = "SELECT") -> bool:
    return bool(ask(engine, f"SELECT has_table_privilege('{role}', '{view}', '{privilege}')")[0][0])


@contextmanager
def readers(url: str, relations: Iterable[str]) -> Iterator[list[float]]:
    """Readers in a loop, who take a wait of half a second for a lock as a failure; returns the seconds of each look."""
    ended = threading.Event()
    looks: list[float] = []
    refused: list[str] = []

    def read(relation: str) -> None:
        connection = psycopg2.connect(libpq_uri(url))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '500ms'")
            while not ended.is_set():
                begun = time.monotonic()
                try:
                    cursor.execute(f"SELECT * FROM {relation}")
                except psycopg2.Error as error:
                    refused.append(f"{relation}: {error}")
                looks.append(time.monotonic() - begun)
                time.sleep(0.002)
        connection.close()

    threads = [threading.Thread(target=read, args=(relation,)) for relation in relations]
    for thread in threads:
        thread.start()
    try:
        yield looks
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert refused == []
    assert len(looks) > 20, "the readers hardly looked: the test proves nothing"


def test_no_reader_of_a_masked_view_waits_while_columns_are_added_to_many_tables(
    database_url: str, engine: sa.Engine
) -> None:
    newer = [wider(table) if table.schema in ("raw", "clean", "mart") else table for table in TABLES]
    views = [f"mart_masked.{table.name}" for table in masked_tables(TABLES)]
    of_persons = [f"mart_masked.{t.name}" for t in masked_tables(TABLES) if any(c.personal for c in t.columns)]
    with readers(database_url, of_persons):  # more readers would wait for the processor, not for a lock
        assert ensure_schema(engine, newer)
    assert all(columns(engine, view)[-1] == "mood" for view in views)
    assert ask(engine, f"SELECT col_description('{M0}'::regclass, {len(ATTRIBUTED_M0.columns) + 1})") == [
        (f"{MOOD.description} Masked where it holds a phone or an e-mail.",)
    ]


def test_a_change_that_waits_for_a_long_query_holds_up_nobody_else(database_url: str, engine: sa.Engine) -> None:
    done: list[bool] = []
    change = threading.Thread(target=lambda: done.append(ensure_schema(engine, changed(wider(ATTRIBUTED_M0)))))
    with engine.begin() as long_query:
        long_query.exec_driver_sql("SELECT * FROM mart.attributed_m0")
        with readers(database_url, [M0, "mart.attributed_m0"]):
            change.start()
            time.sleep(2)
            assert done == []
    change.join()
    assert done == [True]
    assert columns(engine)[-1] == "mood"


def test_what_did_not_change_is_not_touched(engine: sa.Engine) -> None:
    before = states(engine)
    crm_sales = next(table for table in TABLES if table.full_name == "raw.crm_sales")
    assert ensure_schema(engine, changed(crm_sales.extended_with(["new in the CRM"])))
    assert states(engine) == before
    assert ensure_schema(engine, changed(wider(ATTRIBUTED_M0)))
    assert {view for view, *_ in set(states(engine)) - set(before)} == {M0}


def test_grants_on_one_view_survive_an_added_column_and_a_changed_definition(
    engine: sa.Engine, bi: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(engine, f"GRANT SELECT ON {M0} TO {bi}")
    ensure_schema(engine, changed(wider(ATTRIBUTED_M0)))
    assert "mood" in columns(engine)
    assert may(engine, bi)
    monkeypatch.setattr(masking, "HASH_DIGITS", 20)
    assert ensure_schema(engine, changed(wider(ATTRIBUTED_M0)))
    assert ask(engine, f"SELECT pg_get_viewdef('{M0}'::regclass) LIKE '%%, 20)%%'") == [(True,)]
    assert may(engine, bi)
    assert not may(engine, bi, "mart_masked.attributed_sales")


def test_a_view_of_others_survives_a_column_added_anywhere_and_the_order_stays(engine: sa.Engine) -> None:
    ask(engine, THEIRS)
    before = columns(engine)
    assert ensure_schema(engine, changed(wider(ATTRIBUTED_M0, at=1)))
    assert columns(engine) == [*before, "mood"]
    assert ask(engine, "SELECT * FROM theirs.looks") == []
    assert not ensure_schema(engine, changed(wider(ATTRIBUTED_M0, at=1)))
    now = states(engine)
    assert ensure_schema(engine, changed(wider(ATTRIBUTED_M0, at=1), wider(ATTRIBUTED_SALES)))
    assert {view for view, *_ in set(states(engine)) - set(now)} == {"mart_masked.attributed_sales"}


@pytest.mark.parametrize(
    "newer",
    [narrower(ATTRIBUTED_M0, "attended_count"), retyped(ATTRIBUTED_M0, "attended_count", Kind.NUMBER)],
    ids=["a column less", "another type"],
)
def test_a_view_made_anew_has_the_grants_it_had_and_no_others_and_no_reader_misses_it(
    database_url: str, engine: sa.Engine, bi: str, newer: Table
) -> None:
    other = f"{bi}_other"
    ask(engine, f"CREATE ROLE {other}")
    ask(
        engine,
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA mart_masked GRANT SELECT ON TABLES TO {other}; "
        f"GRANT SELECT ON {M0} TO {bi} WITH GRANT OPTION; GRANT SELECT (funnel, attended_count) ON {M0} TO PUBLIC",
    )
    before = states(engine)
    with readers(database_url, [M0]):
        assert ensure_schema(engine, changed(newer))
    assert {view for view, *_ in set(states(engine)) - set(before)} == {M0}
    assert ("attended_count" in columns(engine)) == ("attended_count" in newer.by_name)
    assert may(engine, bi, privilege="SELECT WITH GRANT OPTION")
    assert not may(engine, other)
    assert ask(engine, f"SELECT has_column_privilege('{other}', '{M0}', 'funnel', 'SELECT')") == [(True,)]
    assert ask(engine, f"SELECT has_column_privilege('{other}', '{M0}', 'phone', 'SELECT')") == [(False,)]
    assert ask(engine, f"SELECT obj_description('{M0}'::regclass)")[0][0]
    ask(engine, f"DROP OWNED BY {other}; DROP ROLE {other}")


@pytest.mark.parametrize(
    "newer",
    [narrower(ATTRIBUTED_M0, "attended_count"), retyped(ATTRIBUTED_M0, "attended_count", Kind.NUMBER)],
    ids=["a column less", "another type"],
)
def test_a_view_of_others_on_a_view_to_be_made_anew_is_named_and_only_its_part_fails(
    engine: sa.Engine, newer: Table, caplog: pytest.LogCaptureFixture
) -> None:
    ask(engine, THEIRS)
    tables = changed(newer, wider(ATTRIBUTED_SALES))
    with pytest.raises(DatabaseUnavailable, match=r"theirs\.looks.*Fix: keep the definition") as translate_db_errors:
        ensure_schema(engine, tables, needed=["mart.attributed_m0"])
    assert "\n" not in str(translate_db_errors.value)
    assert not translate_db_errors.value.transient
    assert "mood" in columns(engine, "mart_masked.attributed_sales")
    assert ensure_schema(engine, tables, needed=["mart.attributed_sales"])
    assert "theirs.looks" in caplog.text
    assert ask(engine, "SELECT * FROM theirs.looks") == []
    ask(engine, "DROP VIEW theirs.looks")
    assert ensure_schema(engine, tables, needed=["mart.attributed_m0"])
    assert not ensure_schema(engine, tables)


def test_a_view_of_others_on_a_table_whose_column_changes_its_type_is_named(engine: sa.Engine) -> None:
    ask(engine, "CREATE SCHEMA theirs; CREATE VIEW theirs.counts AS SELECT attended_count FROM mart.attributed_m0")
    before = states(engine)
    with pytest.raises(DatabaseUnavailable, match=r"^mart\.attributed_m0: .*theirs\.counts"):
        ensure_schema(engine, changed(retyped(ATTRIBUTED_M0, "attended_count", Kind.NUMBER)))
    assert states(engine) == before


def test_a_table_somebody_holds_stops_only_the_part_that_publishes_it(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_locks, "LOCK_SECONDS", 0.2)
    tables = changed(wider(ATTRIBUTED_M0), wider(ATTRIBUTED_SALES))
    with engine.begin() as reader:
        reader.exec_driver_sql("SELECT * FROM mart.attributed_m0")
        assert ensure_schema(engine, tables, needed=["mart.attributed_sales"])
        assert "mood" in columns(engine, "mart_masked.attributed_sales")
        with pytest.raises(DatabaseUnavailable, match="end long queries") as translate_db_errors:
            ensure_schema(engine, tables, needed=["mart.attributed_m0"])
    assert translate_db_errors.value.transient
    assert ensure_schema(engine, tables)
    assert "mood" in columns(engine)
