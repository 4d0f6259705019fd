"""What PostgreSQL holds is looked at by every publication: what somebody else changed is put right, and said.

Regression: rows that were deleted or edited by hand in a published table stayed wrong for ever, behind "Night is
published", because only the hash of what had been sent was compared.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import pytest
import sqlalchemy as sa

from funnel_etl.core.errors import PublishRefused
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.contracts import TABLES
from funnel_etl.platform.postgres import database, publisher
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.held import look
from funnel_etl.platform.postgres.publisher import Publication, Published, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.servers import administer, ask

pytestmark = pytest.mark.slow

D1, D2 = date(2025, 10, 30), date(2025, 10, 31)
SALES = Table(
    "mart",
    "things",
    "One row per thing",
    ("id",),
    (
        Column("id", Kind.INTEGER, "Its number.", required=True),
        *(Column(kind.name.lower(), kind, f"A {kind.value}.") for kind in Kind),
    ),
)
VALUES: dict[str, list[Any]] = {
    "text": ["a", "b", None],
    "integer": [1, 2, None],
    "boolean": [True, False, None],
    "timestamp": ["2025-10-31T00:00:00Z", "2025-10-30T00:00:00Z", None],
    "date": ["2025-10-31", "2025-10-30", None],
    "money": [12345, -1, None],
    "share": [10**18, 5 * 10**17, None],
    "number": [0.1, -2.5, None],
    "text_array": [["x", "y"], [], None],
    "json": ['{"a": 1}', "[]", None],
}
AS_PUBLISHED = "SELECT to_jsonb(t) FROM mart.things AS t ORDER BY id"


def rows(**columns: list[Any]) -> pd.DataFrame:
    given = VALUES | columns
    frame = pd.DataFrame({"id": [1, 2, 3]})
    for name, values in given.items():
        whole = name in ("integer", "money", "share")
        frame[name] = pd.array(values, dtype="Int64") if whole else pd.Series(values, dtype=object)
    return frame


def things(content_hash: str = "h1", table: Table = SALES, **columns: list[Any]) -> Publication:
    return Publication(table, lambda: table.to_arrow(table.conform(rows(**columns))), content_hash=content_hash)


def version(as_of: date = D1, part: str = "sales", run: str = "run") -> Version:
    return Version(part, as_of, run, "0.1", "config")


@pytest.fixture(scope="module")
def template_database(postgres: EmbeddedServer) -> str:
    """The database that each test's own is cloned from: with all tables, and the three things published."""
    name = "held_template"
    url = postgres.url(name)
    database.ensure_database(postgres.url("postgres"), name)
    made = database.engine(url)
    ensure_schema(made, [*TABLES, SALES])
    made.dispose()
    publish(url, version(), [things()])
    return name


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def published(database_url: str) -> str:
    """A database in which the three things are published, its address."""
    return database_url


def again(url: str, engine: sa.Engine, *publications: Publication, **of: Any) -> Published:
    """Publish as a night does: tables first, then their rows."""
    ensure_schema(engine, [*TABLES, SALES])
    return publish(url, version(**of), publications or [things()])


@pytest.mark.parametrize(
    ("by_hand", "counts"),
    [
        pytest.param("DELETE FROM mart.things WHERE id = 2", (1, 0, 0), id="a row is deleted"),
        pytest.param("DELETE FROM mart.things", (3, 0, 0), id="all rows are deleted"),
        pytest.param("TRUNCATE mart.things", (3, 0, 0), id="it is truncated"),
        pytest.param("UPDATE mart.things SET money = 1 WHERE id = 1", (0, 1, 0), id="a cell is edited"),
        pytest.param("UPDATE mart.things SET money = NULL WHERE id = 1", (0, 1, 0), id="a cell is emptied"),
        pytest.param(
            "UPDATE mart.things AS t SET text = o.text FROM mart.things AS o WHERE t.id + o.id = 3",
            (0, 2, 0),
            id="two rows swap a value, which leaves every column's values as they were",
        ),
        pytest.param("INSERT INTO mart.things (id, text) VALUES (9, 'by hand')", (0, 0, 1), id="a row is inserted"),
        pytest.param(
            "SET LOCAL session_replication_role = replica; DELETE FROM mart.things WHERE id = 1",
            (1, 0, 0),
            id="where no trigger fires, as in a restore",
        ),
        pytest.param("DROP TABLE mart.things CASCADE", (3, 0, 0), id="the table is dropped"),
        pytest.param("DROP SCHEMA mart CASCADE", (3, 0, 0), id="its schema is dropped"),
        pytest.param("ALTER TABLE mart.things DROP COLUMN money CASCADE", (0, 2, 0), id="a column is dropped"),
        pytest.param("ALTER TABLE mart.things RENAME COLUMN text TO other", (0, 2, 0), id="a column is renamed"),
        pytest.param(
            "DROP VIEW mart_masked.things; ALTER TABLE mart.things ALTER COLUMN money TYPE text; "
            "UPDATE mart.things SET money = '7' WHERE id = 2",
            (0, 1, 0),
            id="a column gets another type",
        ),
        pytest.param(
            "DROP VIEW mart_masked.things; ALTER TABLE mart.things ALTER COLUMN money TYPE numeric(12,1)",
            (0, 2, 0),
            id="a column loses its decimals",
        ),
        pytest.param(
            "ALTER TABLE mart.things DROP COLUMN id CASCADE, ADD COLUMN id bigint", (3, 0, 0), id="its key is emptied"
        ),
        pytest.param(
            "ALTER TABLE mart.things DROP CONSTRAINT things_pkey; INSERT INTO mart.things SELECT * FROM mart.things; "
            "UPDATE mart.things SET money = 9 WHERE id = 1",
            (0, 1, 0),
            id="its key is dropped, and rows are there twice",
        ),
        pytest.param(
            "ALTER TABLE mart.things DROP CONSTRAINT things_pkey; DELETE FROM mart.things WHERE id = 3",
            (1, 0, 0),
            id="its key is dropped",
        ),
    ],
)
def test_what_somebody_changed_is_put_right_by_the_same_night_again_and_said(
    published: str, engine: sa.Engine, by_hand: str, counts: tuple[int, int, int]
) -> None:
    before = ask(engine, AS_PUBLISHED)
    ask(engine, by_hand)
    done = again(published, engine)
    shown = [{name: row[0][name] for name in SALES.names} for row in ask(engine, AS_PUBLISHED)]
    assert shown == [row[0] for row in before]
    assert done.counts["mart.things"] == counts
    (repair,) = done.repairs
    assert (repair.table, repair.rows_left, repair.is_exact) == ("mart.things", 3, True)
    says = "SELECT says FROM ops.repairs WHERE version = 2"
    assert ask(engine, says) == [(repair.says,)]
    assert "somebody else had changed it since version 1" in repair.says
    assert again(published, engine).repairs == [], "it is said once"


@pytest.mark.parametrize(
    "kind", [pytest.param("money TYPE numeric", id="money"), pytest.param("timestamp TYPE timestamptz(3)", id="time")]
)
def test_a_column_whose_type_was_changed_without_a_value_is_as_the_contract_wants_it_again_and_said_once(
    published: str, engine: sa.Engine, kind: str
) -> None:
    """alembic's own comparison takes `numeric` for `numeric(14,2)`: it was said at every run, and never done."""
    ask(engine, f"DROP VIEW mart_masked.things; ALTER TABLE mart.things ALTER COLUMN {kind}")
    again(published, engine)
    types = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'mart.things'::regclass"
    held = [row[0] for row in ask(engine, types)]
    assert {"numeric(14,2)", "timestamp with time zone"} <= set(held)
    assert len(ask(engine, "SELECT * FROM ops.repairs WHERE name = 'mart.things'")) == 1
    again(published, engine)
    assert len(ask(engine, "SELECT * FROM ops.repairs WHERE name = 'mart.things'")) == 1


def test_behind_a_pooler_two_parts_publish_in_one_session_and_nothing_stays_staged_in_it(
    published: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PgBouncer in transaction mode: the session, and its temporary tables, outlives the transaction."""
    with adbc.connect(database.libpq_uri(published)) as session:
        monkeypatch.setattr(adbc, "connect", lambda *_: contextlib.nullcontext(session))
        for text in ("one", "two"):
            assert again(published, engine, things(text, text=[text] * 3)).counts["mart.things"] == (0, 3, 0)
            with session.cursor() as cursor:
                cursor.execute("SELECT to_regclass('pg_temp.staged') IS NULL")
                assert cursor.fetchall() == [(True,)]
            session.commit()


def test_what_nobody_touched_is_not_sent_and_nothing_is_said(published: str, engine: sa.Engine) -> None:
    ask(engine, "CREATE INDEX ON mart.things (text); ALTER TABLE mart.things ADD COLUMN note text DEFAULT 'mine'")
    administer(published, "VACUUM (FULL, FREEZE) mart.things")
    done = again(published, engine, things(text=["x", "x", "x"]))
    assert (done.counts, done.repairs) == ({"mart.things": (0, 0, 0)}, [])
    assert ask(engine, "SELECT DISTINCT text IS NOT DISTINCT FROM 'x' FROM mart.things") == [(False,)]
    assert ask(engine, "SELECT * FROM ops.repairs") == []


def test_a_column_of_somebodys_own_blames_nobody_and_keeps_its_values(published: str, engine: sa.Engine) -> None:
    ask(engine, "ALTER TABLE mart.things ADD COLUMN note text; UPDATE mart.things SET note = 'mine'")
    done = again(published, engine)
    assert (done.counts, done.repairs) == ({"mart.things": (0, 0, 0)}, [])
    assert ask(engine, "SELECT DISTINCT note FROM mart.things") == [("mine",)]


@pytest.mark.parametrize("by_values", [False, True], ids=["by transactions", "by values"])
@pytest.mark.parametrize("column", [kind.name.lower() for kind in Kind])
def test_a_change_of_any_kind_of_value_moves_the_mark(
    published: str, engine: sa.Engine, column: str, by_values: bool
) -> None:
    def held() -> str:
        with adbc.connect(database.libpq_uri(published)) as connection, connection.cursor() as cursor:
            return look(cursor, SALES, "#" if by_values else None).mark

    before = held()
    other = "UPDATE mart.things AS t SET {0} = o.{0} FROM mart.things AS o WHERE t.id = 1 AND o.id = 2"
    ask(engine, other.format(column))
    edited = held()
    ask(engine, f"UPDATE mart.things SET {column} = NULL WHERE id = 2")  # noqa: S608 - of the contract
    assert len({before, edited, held()}) == 3


@pytest.mark.parametrize("is_filled", [False, True], ids=["merged", "filled"])
def test_what_somebody_writes_while_a_publication_is_under_way_shows_at_the_next(
    published: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, is_filled: bool
) -> None:
    """A mark that is looked up once the rows are sent would hold what was written in that moment for ours."""
    if is_filled:
        ask(engine, "DELETE FROM mart.things; DELETE FROM ops.published_tables")
    note = publisher._note_content

    def note_late(*given: Any) -> None:
        row = "INSERT INTO mart.things (id, text) VALUES (9, 'by hand')"
        ask(engine, row)
        note(*given)

    with monkeypatch.context() as patched:
        patched.setattr(publisher, "_note_content", note_late)
        assert again(published, engine, things("h2", integer=[5, 2, None])).repairs == []
    assert ask(engine, "SELECT count(*) FROM mart.things") == [(4,)]
    (repair,) = again(published, engine, things("h2", integer=[5, 2, None])).repairs
    assert (repair.rows_left, repair.rows_found, repair.deleted) == (3, 4, 1)


def test_a_table_that_is_new_tonight_too_says_that_somebody_had_changed_it(published: str, engine: sa.Engine) -> None:
    ask(engine, "DELETE FROM mart.things WHERE id = 2")
    done = again(published, engine, things("h2", text=["new", "b", None]), as_of=D2)
    assert [(one.rows_left, one.rows_found, one.is_exact) for one in done.repairs] == [(3, 2, False)]
    assert done.repairs[0].says.endswith("with what is new tonight")
    assert ask(engine, "SELECT id, text FROM mart.things ORDER BY id") == [(1, "new"), (2, "b"), (3, None)]


def test_what_a_trigger_of_somebodys_made_of_our_rows_shows_at_the_next_publication(
    published: str, engine: sa.Engine
) -> None:
    ask(
        engine,
        "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.text := ''spoilt''; RETURN NEW; "
        "END'; CREATE TRIGGER spoil BEFORE UPDATE ON mart.things FOR EACH ROW EXECUTE FUNCTION public.spoil()",
    )
    again(published, engine, things("h2", integer=[5, 2, None]))
    assert ask(engine, "SELECT text FROM mart.things WHERE id = 1") == [("spoilt",)]
    ask(engine, "DROP TRIGGER spoil ON mart.things")
    assert len(again(published, engine, things("h2", integer=[5, 2, None])).repairs) == 1
    assert ask(engine, "SELECT text FROM mart.things WHERE id = 1") == [("a",)]


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param("DELETE FROM ops.published_tables", id="what is published is deleted"),
        pytest.param("DROP TABLE ops.published_tables", id="or dropped"),
        pytest.param("UPDATE ops.published_tables SET content_hash = 'h9', checksum = '1:2:3'", id="or edited"),
        pytest.param("DELETE FROM ops.nights", id="the nights are deleted"),
        pytest.param("DROP TABLE ops.nights", id="or dropped"),
        pytest.param("UPDATE ops.nights SET as_of = '2099-01-01'", id="or edited to one that is not over"),
        pytest.param("DROP SCHEMA ops CASCADE", id="all of ops is dropped"),
        pytest.param("DROP SCHEMA ops, mart, raw, clean, parity, mart_masked CASCADE", id="everything is dropped"),
        pytest.param("DELETE FROM ops.schema_marks; DROP TABLE ops.repairs", id="the marks are deleted"),
    ],
)
def test_our_own_books_are_put_right_too(published: str, engine: sa.Engine, by_hand: str) -> None:
    before = ask(engine, AS_PUBLISHED)
    ask(engine, by_hand)
    if "mart" not in by_hand:
        ask(engine, "DELETE FROM mart.things WHERE id = 2")
    assert again(published, engine).version is not None
    assert ask(engine, AS_PUBLISHED) == before
    newest = "SELECT as_of FROM ops.nights ORDER BY version DESC LIMIT 1"
    assert ask(engine, newest) == [(D1,)]


def test_deleted_nights_let_no_older_night_over_a_newer_one_and_no_number_is_given_twice(
    database_url: str, engine: sa.Engine
) -> None:
    publish(database_url, version(D2), [things()])
    ask(engine, "DELETE FROM ops.nights")
    assert again(database_url, engine, things("h0"), as_of=D1) == Published(version=None, newest=D2)
    assert again(database_url, engine, things("h3"), as_of=D2).version == 2


def test_a_database_of_before_checksums_is_sent_everything_once_and_nobody_is_blamed(
    published: str, engine: sa.Engine
) -> None:
    ask(engine, "UPDATE ops.published_tables SET checksum = NULL, run_id = NULL; DELETE FROM mart.things WHERE id = 1")
    done = again(published, engine)
    assert (done.counts, done.repairs) == ({"mart.things": (1, 0, 0)}, [])


def test_a_column_more_in_the_contract_blames_nobody(published: str, engine: sa.Engine) -> None:
    wider = replace(SALES, columns=(*SALES.columns, Column("more", Kind.TEXT, "More.")))
    ensure_schema(engine, [*TABLES, wider])
    frame = rows().assign(more="new")
    arrow = wider.to_arrow(wider.conform(frame))
    done = publish(published, version(), [Publication(wider, lambda: arrow, content_hash="h2")])
    assert (done.counts, done.repairs) == ({"mart.things": (0, 3, 0)}, [])


def test_a_part_is_refused_while_somebody_has_changed_a_table_it_was_made_from(
    published: str, engine: sa.Engine
) -> None:
    ask(engine, "UPDATE mart.things SET money = 1 WHERE id = 1")
    with pytest.raises(PublishRefused, match=r"another state of mart\.things than PostgreSQL holds.*funnel-etl run"):
        publish(published, version(part="funnel", run="another run"), [], {SALES: "h1"})
    again(published, engine, run="another run")
    assert publish(published, version(part="funnel", run="another run"), [], {SALES: "h1"}).version == 3


def test_what_the_same_run_looked_at_is_not_looked_at_again(published: str, engine: sa.Engine) -> None:
    ask(engine, "UPDATE mart.things SET money = 1 WHERE id = 1")
    assert publish(published, version(part="funnel"), [], {SALES: "h1"}).version == 2


def test_grants_and_views_of_others_survive_a_repair(published: str, engine: sa.Engine) -> None:
    ask(engine, "CREATE ROLE held_reader; GRANT SELECT ON mart.things TO held_reader")
    ask(engine, "CREATE VIEW mart.shown AS SELECT id, money FROM mart.things")
    ask(engine, "DELETE FROM mart.things WHERE id < 3")
    again(published, engine)
    assert ask(engine, "SELECT has_table_privilege('held_reader', 'mart.things', 'SELECT')") == [(True,)]
    assert ask(engine, "SELECT count(money) FROM mart.shown") == [(2,)]
    ask(engine, "DROP OWNED BY held_reader; DROP ROLE held_reader")
