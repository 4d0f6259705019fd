"""From contracts to a real PostgreSQL: every table and column described, brought up to date without loss."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.schema import MAX_IDENTIFIER, SCHEMAS, ensure_schema, identifier

pytestmark = pytest.mark.slow

COLUMNS = """
    SELECT table_schema || '.' || table_name, column_name, data_type, is_nullable = 'YES',
           col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position::int)
    FROM information_schema.columns WHERE table_schema = ANY(:schemas) AND NOT starts_with(table_name, 'v_')
    ORDER BY table_schema, table_name, ordinal_position
"""
SHOWN = {
    "text[]": "ARRAY",
    "timestamptz": "timestamp with time zone",
    **dict.fromkeys([Kind.MONEY.value, Kind.SHARE.value], "numeric"),
}
"""Kind → how information_schema shows it, where that is another word."""
THINGS = Table(
    "raw",
    "things",
    "One row per thing",
    ("id",),
    (Column("id", Kind.INTEGER, "Its number."), Column("name", Kind.TEXT, "Its name: 50 % of 'it'.")),
    extensible=True,
)

PUBLISHED = [table for table in TABLES if not table.lake_only]


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    yield made
    made.dispose()


def ask(engine: sa.Engine, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        found = connection.execute(sa.text(sql), parameters)
        return [tuple(row) for row in found] if found.returns_rows else []


def columns(engine: sa.Engine) -> list[tuple[Any, ...]]:
    return ask(engine, COLUMNS, schemas=list(SCHEMAS))


def test_the_view_of_what_is_open_runs_and_each_of_its_columns_is_described(engine: sa.Engine) -> None:
    ensure_schema(engine, TABLES)
    assert ask(engine, "SELECT * FROM ops.v_open_quarantine") == []
    described = ask(
        engine,
        "SELECT col_description(attrelid, attnum) FROM pg_attribute "
        "WHERE attrelid = 'ops.v_open_quarantine'::regclass AND attnum > 0",
    )
    assert len(described) == 6
    assert all(comment for (comment,) in described)


def test_every_contract_becomes_a_table_with_its_columns_types_and_comments(engine: sa.Engine) -> None:
    assert ensure_schema(engine, TABLES)
    found = {(table, name): (kind, nullable, comment) for table, name, kind, nullable, comment in columns(engine)}
    expected = {
        (table.full_name, identifier(column.name)): (
            SHOWN.get(column.kind.value, column.kind.value),
            not (column.required or column.name in table.key),
            column.description,
        )
        for table in PUBLISHED
        for column in table.columns
    }
    assert len(expected) > 300
    assert {key: found.get(key) for key in expected} == expected
    decimals = ask(
        engine,
        "SELECT DISTINCT numeric_precision, numeric_scale FROM information_schema.columns "
        "WHERE data_type = 'numeric' AND table_schema = ANY(:schemas)",
        schemas=list(SCHEMAS),
    )
    assert sorted(decimals) == [(14, 2), (20, 18)]


def test_every_schema_table_and_column_in_postgresql_is_described_and_has_a_key(engine: sa.Engine) -> None:
    ensure_schema(engine, TABLES)
    tables = ask(
        engine,
        "SELECT c.relname, obj_description(c.oid), "
        "EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = c.oid AND contype = 'p') "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind = 'r' AND n.nspname = ANY(:schemas)",
        schemas=list(SCHEMAS),
    )
    assert len(tables) >= len(PUBLISHED)
    assert [name for name, comment, _ in tables if not (comment or "").startswith("One row")] == []
    assert [name for name, _, has_key in tables if not has_key] == []
    assert [(table, name) for table, name, *_, comment in columns(engine) if not comment] == []
    schemas = ask(
        engine, "SELECT nspname, obj_description(oid) FROM pg_namespace WHERE nspname = ANY(:s)", s=list(SCHEMAS)
    )
    assert dict(schemas) == SCHEMAS


def test_the_same_contracts_again_change_nothing(engine: sa.Engine) -> None:
    assert ensure_schema(engine, TABLES)
    before = columns(engine)
    assert not ensure_schema(engine, reversed(TABLES))
    assert columns(engine) == before


def test_a_new_column_is_added_and_the_rows_stay(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS])
    ask(engine, "INSERT INTO raw.things VALUES (1, 'one')")
    wider = replace(THINGS, columns=(*THINGS.columns, Column("size", Kind.MONEY, "Its price.")))
    assert ensure_schema(engine, [wider])
    assert ask(engine, "SELECT * FROM raw.things") == [(1, "one", None)]
    assert ("raw.things", "size", "numeric", True, "Its price.") in columns(engine)


def test_a_column_no_contract_names_any_more_keeps_its_data(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS])
    ask(engine, "INSERT INTO raw.things VALUES (1, 'one')")
    narrower = replace(THINGS, columns=THINGS.columns[:1])
    ensure_schema(engine, [narrower])
    assert ask(engine, "SELECT name FROM raw.things") == [("one",)]


def test_columns_a_source_sends_beyond_its_contract_are_added_whatever_their_names(engine: sa.Engine) -> None:
    odd = ("ad name", 'a "quoted" one', "x" * 80 + "1", "x" * 80 + "2", "संपर्क " * 12, "SELECT")
    ensure_schema(engine, [THINGS])
    assert ensure_schema(engine, [THINGS.extended_with(odd)])
    names = [name for table, name, *_ in columns(engine) if table == "raw.things"]
    assert names == ["id", "name", *(identifier(name) for name in odd)]
    assert all(len(name.encode()) <= MAX_IDENTIFIER for name in names)
    assert len(set(names)) == len(names)
    assert ensure_schema(engine, [THINGS]) in (True, False)
    assert [name for table, name, *_ in columns(engine) if table == "raw.things"] == names, (
        "a narrower night lost columns"
    )


def test_of_a_new_table_of_raw_few_rows_are_sampled_whatever_the_names_of_its_columns(engine: sa.Engine) -> None:
    others = replace(THINGS, name="others").extended_with(["ad name", 'a "quoted" 50 % :one'])
    ensure_schema(engine, [others, replace(THINGS, schema="clean")])
    sampled = "SELECT DISTINCT attstattarget FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0"
    assert ask(engine, sampled, name="raw.others") == [(10,)]
    assert ask(engine, sampled, name="clean.things") == [(None,)]


def test_a_changed_comment_is_brought_up_to_date(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS])
    told_better = replace(
        THINGS,
        grain="One row per thing there is",
        columns=(replace(THINGS.columns[0], description="Number."), THINGS.columns[1]),
    )
    assert ensure_schema(engine, [told_better])
    assert ("raw.things", "id", "bigint", False, "Number.") in columns(engine)
    assert ask(engine, "SELECT obj_description('raw.things'::regclass)") == [("One row per thing there is.",)]


def test_tables_of_other_people_are_left_alone(engine: sa.Engine) -> None:
    ask(engine, "CREATE SCHEMA theirs; CREATE TABLE theirs.things (x int); CREATE TABLE public.things (x int)")
    ensure_schema(engine, [THINGS])
    ask(engine, "CREATE TABLE raw.my_notes (x int)")
    ensure_schema(engine, TABLES)
    for table in ("theirs.things", "public.things", "raw.my_notes"):
        assert ask(engine, "SELECT to_regclass(:table) IS NOT NULL", table=table) == [(True,)]


def test_racing_processes_bring_it_up_once(database_url: str) -> None:
    changed: list[bool] = []
    failures: list[BaseException] = []

    def one() -> None:
        own = database.engine(database_url)
        try:
            changed.append(ensure_schema(own, TABLES))
        except BaseException as error:  # noqa: BLE001 - whatever a racer meets is the finding
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(changed) == [False, False, True]


def test_a_column_that_is_required_can_be_added_to_a_table_that_has_rows(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS])
    ask(engine, "INSERT INTO raw.things VALUES (1, 'old')")
    newer = replace(THINGS, columns=(*THINGS.columns, Column("kind", Kind.TEXT, "Its kind.", required=True)))
    assert ensure_schema(engine, [newer])
    assert ask(engine, "SELECT id, name, kind FROM raw.things") == [(1, "old", None)]
    assert not ensure_schema(engine, [newer])


def test_a_table_gets_the_key_of_its_newer_contract(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS])
    ask(engine, "INSERT INTO raw.things VALUES (1, 'a')")
    ensure_schema(engine, [replace(THINGS, key=("id", "name"))])
    ask(engine, "INSERT INTO raw.things VALUES (1, 'b')")
    assert sa.inspect(engine).get_pk_constraint("things", schema="raw")["constrained_columns"] == ["id", "name"]


def test_names_of_system_columns_are_made_usable(engine: sa.Engine) -> None:
    ensure_schema(engine, [THINGS.extended_with(["xmin", "ctid"])])
    found = [name for table, name, *_ in columns(engine) if table == "raw.things"]
    assert found[-2:] == ["xmin_", "ctid_"]


def test_a_table_somebody_holds_is_told_in_one_line_and_may_be_tried_again(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_schema(engine, [THINGS])
    monkeypatch.setattr("funnel_etl.platform.postgres.short_locks.LOCK_SECONDS", 0.2)
    with engine.begin() as reader:
        reader.execute(sa.text("SELECT * FROM raw.things"))
        with pytest.raises(DatabaseUnavailable, match="end long queries") as translate_db_errors:
            ensure_schema(engine, [THINGS.extended_with(["new"])])
    assert translate_db_errors.value.transient
