"""Publishing into a real PostgreSQL: counts, types, what survives, what readers see, and never by halves."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import pandas as pd
import psycopg2
import pyarrow as pa
import pytest
import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable, PublishRefused
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.contracts import QUARANTINE, TABLES
from funnel_etl.platform.postgres import database, publisher
from funnel_etl.platform.postgres.database import libpq_uri
from funnel_etl.platform.postgres.publisher import Publication, Published, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema, identifier
from funnel_etl_tests.servers import ask, new_port

D1, D2 = date(2025, 10, 30), date(2025, 10, 31)
LONG = "a column whose name in the header of the source is longer than sixty-three bytes: "
ODD = ('say "when"; DROP TABLE x', "two words", LONG + "one", LONG + "two", "रुपये ₹ %s {0} $1")

THINGS = Table(
    "clean",
    "things",
    "One row per thing",
    ("id",),
    (
        Column("id", Kind.INTEGER, "Its number.", required=True),
        *(Column(kind.name.lower(), kind, f"A {kind.value}.") for kind in Kind),
        *(Column(name, Kind.TEXT, f"Source column {name!r}.") for name in ODD),
    ),
)


def things(*ids: int, **columns: Any) -> pd.DataFrame:
    """Rows with these ids, everything missing but what is given."""
    rows = pd.DataFrame({"id": list(ids)}).reindex(columns=THINGS.names)
    for name, values in columns.items():
        rows[name] = values
    return rows


def of(rows: pd.DataFrame, **options: Any) -> Publication:
    return Publication(THINGS, lambda: THINGS.to_arrow(THINGS.conform(rows)), **options)


def version(as_of: date = D1, part: str = "sales") -> Version:
    return Version(part, as_of, "run", "0.1", "config")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    ensure_schema(made, [*TABLES, THINGS])
    yield made
    made.dispose()


@pytest.fixture
def url(database_url: str, engine: sa.Engine) -> str:
    return database_url


def test_rows_are_inserted_changed_and_deleted_and_counted(url: str, engine: sa.Engine) -> None:
    first = publish(url, version(), [of(things(1, 2, 3, text=["a", "b", None]))])
    second = publish(url, version(D2), [of(things(2, 3, 4, text=["b", "c", "d"]))])
    assert (first.counts, first.version) == ({"clean.things": (3, 0, 0)}, 1)
    assert (second.counts, second.version) == ({"clean.things": (1, 1, 1)}, 2)
    assert ask(engine, "SELECT id, text FROM clean.things ORDER BY id") == [(2, "b"), (3, "c"), (4, "d")]
    nights = ask(engine, "SELECT version, as_of, inserted, changed, deleted FROM ops.nights ORDER BY version")
    assert nights == [(1, D1, 3, 0, 0), (2, D2, 1, 1, 1)]


def test_every_type_arrives_exactly_and_twice_is_once(url: str, engine: sa.Engine) -> None:
    rows = things(
        1,
        2,
        text=['it\'s \\ "quoted"\n नमस्ते', ""],
        integer=pd.array([2**63 - 1, None], dtype="Int64"),
        boolean=[True, None],
        timestamp=["2025-10-31T18:29:59.999999Z", None],
        date=["2025-10-31", None],
        money=pd.array([10**14 - 1, -1], dtype="Int64"),
        number=[0.1, None],
        text_array=[["a", 'b,"c"', ""], []],
        json=['{"b": [1, null], "a": "ü"}', None],
        **{name: [f"in {number}", None] for number, name in enumerate(ODD)},
    )
    assert publish(url, version(), [of(rows)]).counts == {"clean.things": (2, 0, 0)}
    assert publish(url, version(), [of(rows)]).counts == {"clean.things": (0, 0, 0)}
    full = ask(
        engine, "SELECT text, integer, boolean, date, money, number, text_array, json FROM clean.things WHERE id = 1"
    )
    assert full == [
        (
            'it\'s \\ "quoted"\n नमस्ते',
            2**63 - 1,
            True,
            date(2025, 10, 31),
            Decimal("999999999999.99"),
            0.1,
            ["a", 'b,"c"', ""],
            {"a": "ü", "b": [1, None]},
        )
    ]
    assert ask(engine, "SELECT timestamp AT TIME ZONE 'Asia/Kolkata' FROM clean.things WHERE id = 1") == [
        (pd.Timestamp("2025-10-31 23:59:59.999999").to_pydatetime(),)
    ]
    assert ask(
        engine, "SELECT text, integer, boolean, timestamp, money, text_array, json FROM clean.things WHERE id = 2"
    ) == [("", None, None, None, Decimal("-0.01"), [], None)]
    sums = ask(engine, "SELECT sum(money)::text FROM clean.things")
    assert sums == [("999999999999.98",)]


@pytest.mark.parametrize("left_out", [Kind.JSON, None], ids=["by_copy", "with_json"])
def test_filling_an_empty_table_leaves_what_a_merge_leaves(
    url: str, engine: sa.Engine, left_out: Kind | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = publisher._merge_sql
    columns = tuple(column for column in THINGS.columns if column.kind is not left_out)
    copied, merged = (replace(THINGS, name=name, columns=columns) for name in ("copied", "merged"))
    ensure_schema(engine, [*TABLES, copied, merged])
    ask(engine, "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'")
    ask(engine, "CREATE TRIGGER t BEFORE INSERT ON clean.merged FOR EACH ROW EXECUTE FUNCTION nothing()")
    rows = things(
        1,
        2,
        text=['it\'s \\ "quoted"\n नमस्ते', None],
        integer=pd.array([-(2**63), None], dtype="Int64"),
        boolean=[False, None],
        timestamp=["2025-10-31T18:29:59.999999Z", None],
        date=["1969-12-31", None],
        money=pd.array([1 - 10**14, None], dtype="Int64"),
        share=pd.array([333_333, None], dtype="Int64"),
        number=[-0.1, None],
        text_array=[["a", 'b,"c"', "", "NULL"], None],
        json=['{"b": [1, null], "a": "ü"}', None],
        **{name: [f"in {number}", None] for number, name in enumerate(ODD)},
    )
    with_merge: list[str] = []

    def merging(given: Publication, *more: Any) -> str:
        with_merge.append(given.table.name)
        return merge(given, *more)

    monkeypatch.setattr(publisher, "_merge_sql", merging)
    given = [
        Publication(each, partial(each.to_arrow, each.conform(rows)), content_hash="h") for each in (copied, merged)
    ]
    assert publish(url, version(), given).counts == {"clean.copied": (2, 0, 0), "clean.merged": (2, 0, 0)}
    assert with_merge == ["merged"], "a table that is empty and has no trigger is filled, and only that"
    stored = "SELECT string_agg(t::text, '|' ORDER BY id) FROM clean.{} AS t"
    assert ask(engine, stored.format("copied")) == ask(engine, stored.format("merged"))
    assert publish(url, version(), given).counts == {"clean.copied": (0, 0, 0), "clean.merged": (0, 0, 0)}


def test_a_table_that_postgresql_holds_is_not_even_read(url: str) -> None:
    held = of(things(1), content_hash="h")
    publish(url, version(), [held])

    def read() -> pa.Table:
        raise AssertionError("it was read")

    assert publish(url, version(D2), [replace(held, read=read)]).counts == {"clean.things": (0, 0, 0)}


def test_columns_with_quotes_blanks_or_long_names_are_published_each_under_its_own_name(
    url: str, engine: sa.Engine
) -> None:
    publish(url, version(), [of(things(1, **{name: [f"in {n}"] for n, name in enumerate(ODD)}))])
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM clean.things")).mappings().one()
    assert [row[identifier(name)] for name in ODD] == ["in 0", "in 1", "in 2", "in 3", "in 4"]
    assert identifier(ODD[2]) != identifier(ODD[3])


def test_a_value_becoming_null_and_a_null_becoming_a_value_are_changes_and_null_staying_null_is_none(
    url: str, engine: sa.Engine
) -> None:
    publish(url, version(), [of(things(1, 2, 3, text=["a", None, None]))])
    assert publish(url, version(), [of(things(1, 2, 3, text=[None, "b", None]))]).counts["clean.things"] == (0, 2, 0)
    assert ask(engine, "SELECT text FROM clean.things ORDER BY id") == [(None,), ("b",), (None,)]


def test_a_table_with_the_hash_postgresql_has_is_not_sent(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1), content_hash="h1")])
    skipped = publish(url, version(D2), [of(things(1, 2), content_hash="h1")])
    assert skipped.counts == {"clean.things": (0, 0, 0)}
    assert ask(engine, "SELECT id FROM clean.things") == [(1,)], "the rows were sent although the hash was known"
    sent = publish(url, version(D2), [of(things(1, 2), content_hash="h2")])
    assert sent.counts == {"clean.things": (1, 0, 0)}
    assert ask(engine, "SELECT content_hash, as_of, version FROM ops.published_tables") == [("h2", D2, 3)]


def test_an_empty_table_deletes_what_was_there(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1, 2))])
    assert publish(url, version(D2), [of(things())]).counts == {"clean.things": (0, 0, 2)}


def test_appending_deletes_nothing(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1), mode="append")])
    assert publish(url, version(), [of(things(2), mode="append")]).counts == {"clean.things": (1, 0, 0)}


def test_grants_comments_and_views_survive(url: str, engine: sa.Engine) -> None:
    role = f"reader_{time.time_ns()}"
    publish(url, version(), [of(things(1, text=["a"]))])
    ask(engine, f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA clean TO {role}; GRANT SELECT ON clean.things TO {role}")
    ask(engine, "CREATE VIEW clean.shown AS SELECT id, text FROM clean.things")
    ask(engine, "CREATE INDEX by_text ON clean.things (text)")
    before = ask(engine, "SELECT 'clean.things'::regclass::oid, obj_description('clean.things'::regclass)")
    publish(url, version(D2), [of(things(2, 3, text=["b", "c"]))])
    assert ask(engine, "SELECT 'clean.things'::regclass::oid, obj_description('clean.things'::regclass)") == before
    assert before[0][1] == "One row per thing."
    assert ask(engine, f"SELECT has_table_privilege('{role}', 'clean.things', 'SELECT')") == [(True,)]
    assert ask(engine, "SELECT id, text FROM clean.shown ORDER BY id") == [(2, "b"), (3, "c")]
    assert ask(engine, "SELECT count(*) FROM pg_indexes WHERE indexname = 'by_text'") == [(1,)]
    ask(engine, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_reader_in_a_loop_sees_only_whole_versions_and_never_waits(url: str, engine: sa.Engine) -> None:
    other = replace(THINGS, name="more_things")
    ensure_schema(engine, [*TABLES, THINGS, other])
    ids = range(20_000)

    def night(number: int) -> list[Publication]:
        rows = THINGS.conform(things(*ids, text=str(number), integer=number))
        return [Publication(table, partial(table.to_arrow, rows)) for table in (THINGS, other)]

    publish(url, version(), night(0))
    ended = threading.Event()
    seen: list[tuple[int, int]] = []
    refused: list[psycopg2.Error] = []
    numbers = "(SELECT array_agg(DISTINCT integer) FROM clean.{})"
    one_moment = f"SELECT {numbers.format('things')}, {numbers.format('more_things')}"

    def read() -> None:
        connection = psycopg2.connect(libpq_uri(url))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")  # a statement that waits longer for a lock fails
            while not ended.is_set():
                try:
                    cursor.execute(one_moment)
                except psycopg2.Error as error:
                    refused.append(error)
                    return
                seen.append(cursor.fetchone())
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    for number in (1, 2, 3):
        publish(url, version(), night(number))
    time.sleep(0.1)
    ended.set()
    reader.join()
    whole = {(frozenset(first), frozenset(second)) for first, second in seen}
    assert whole <= {(frozenset({n}), frozenset({n})) for n in range(4)}
    assert len(whole) > 1, "the reader saw no change at all: the test proves nothing"
    assert refused == []


def test_an_older_night_never_goes_over_a_newer_one_of_its_part(url: str, engine: sa.Engine) -> None:
    publish(url, version(D2), [of(things(1, text=["new"]))])
    older = publish(url, version(D1), [of(things(1, text=["old"]))])
    assert older == Published(version=None, newest=D2, counts={})
    assert ask(engine, "SELECT text FROM clean.things") == [("new",)]
    assert ask(engine, "SELECT count(*) FROM ops.nights") == [(1,)]
    assert publish(url, version(D1, part="marketing"), []).version == 2, "another part has its own newest night"
    assert publish(url, version(D2), [of(things(1, text=["newer"]))]).counts == {"clean.things": (0, 1, 0)}


def quarantined(*keys: str, part: str = "sales") -> Publication:
    rows = pd.DataFrame({"row_key": list(keys)}).assign(
        asset="clean.sales",
        part=part,
        file_id="f",
        source_row=2,
        reason="bad_date",
        detail="",
        fix_hint="Fix.",
        row="{}",
    )
    arrow = QUARANTINE.to_arrow(QUARANTINE.conform(rows.assign(first_seen_at=None, resolved_at=None)))
    return Publication(QUARANTINE, lambda: arrow.drop_columns(["first_seen_at", "resolved_at"]), mode="resolve")


def test_a_quarantined_row_is_resolved_when_it_is_gone_and_opened_again_when_it_is_back(
    url: str, engine: sa.Engine
) -> None:
    state = "SELECT row_key, resolved_at IS NULL, first_seen_at FROM ops.quarantine ORDER BY row_key"
    assert publish(url, version(), [quarantined("a", "b")]).counts == {"ops.quarantine": (2, 0, 0)}
    first = ask(engine, state)
    assert [row[:2] for row in first] == [("a", True), ("b", True)]
    assert publish(url, version(), [quarantined("a", "b")]).counts == {"ops.quarantine": (0, 0, 0)}
    assert publish(url, version(), [quarantined("b")]).counts == {"ops.quarantine": (0, 1, 0)}
    assert [row[:2] for row in ask(engine, state)] == [("a", False), ("b", True)]
    assert publish(url, version(), [quarantined("b")]).counts == {"ops.quarantine": (0, 0, 0)}, (
        "resolved once is enough"
    )
    publish(url, version(part="marketing"), [replace(quarantined(), mode="resolve")])
    assert [row[:2] for row in ask(engine, state)] == [("a", False), ("b", True)], "another part resolved ours"
    assert publish(url, version(), [quarantined("a", "b")]).counts == {"ops.quarantine": (0, 1, 0)}
    assert ask(engine, state) == first, "a row that is back keeps the time it was first seen"


@pytest.mark.parametrize("left_out", [Kind.JSON, None], ids=["by_copy", "with_json"])
def test_an_error_in_the_middle_leaves_nothing_half_published(
    url: str, engine: sa.Engine, left_out: Kind | None
) -> None:
    columns = tuple(column for column in THINGS.columns if column.kind is not left_out)
    other = replace(THINGS, name="more_things", key=("text",), columns=columns)
    ensure_schema(engine, [*TABLES, THINGS, other])
    publish(url, version(), [of(things(1, text=["good"]), content_hash="h1")])
    twins = Publication(other, lambda: other.to_arrow(other.conform(things(7, 8, text=["secret 9876501234"] * 2))))
    with pytest.raises(DatabaseUnavailable) as told:
        publish(url, version(D2), [of(things(2, text=["half"]), content_hash="h2"), twins])
    assert ask(engine, "SELECT id, text FROM clean.things") == [(1, "good")]
    assert ask(engine, "SELECT content_hash FROM ops.published_tables") == [("h1",)]
    assert ask(engine, "SELECT max(as_of) FROM ops.nights") == [(D1,)]
    assert "\n" not in str(told.value)
    assert "sales was not published, the last good night stays" in str(told.value)
    assert "it refuses (SQLSTATE 23505)" in str(told.value)
    assert "9876501234" not in str(told.value)
    assert not told.value.transient, "the same rows fail again: trying again does not help"


def cut_who_waits(engine: sa.Engine) -> None:
    """End the connection that waits for a lock, as soon as one does."""
    stuck = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 20
    while not ask(engine, stuck) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_connection_cut_in_the_middle_is_transient_and_the_next_try_completes(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1, text=["good"]))])
    blocker = psycopg2.connect(libpq_uri(url))
    with blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE clean.things IN ACCESS EXCLUSIVE MODE")

    cutter = threading.Thread(target=cut_who_waits, args=[engine])
    cutter.start()
    with pytest.raises(DatabaseUnavailable) as told:
        publish(url, version(D2), [of(things(1, 2, text=["new", "new"]))])
    cutter.join()
    blocker.close()
    assert told.value.transient
    assert "\n" not in str(told.value)
    assert ask(engine, "SELECT id, text FROM clean.things") == [(1, "good")]
    assert publish(url, version(D2), [of(things(1, 2, text=["new", "new"]))]).counts == {"clean.things": (1, 1, 0)}


def test_a_connection_cut_while_an_empty_table_is_filled_leaves_it_empty_and_is_transient(
    url: str, engine: sa.Engine
) -> None:
    plain = replace(THINGS, name="plain", columns=tuple(c for c in THINGS.columns if c.kind is not Kind.JSON))
    ensure_schema(engine, [*TABLES, plain])
    night = [Publication(plain, lambda: plain.to_arrow(plain.conform(things(1, 2))), content_hash="h")]
    with psycopg2.connect(libpq_uri(url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE clean.plain IN SHARE MODE")  # it may be read: only COPY waits
        cutter = threading.Thread(target=cut_who_waits, args=[engine])
        cutter.start()
        with pytest.raises(DatabaseUnavailable) as told:
            publish(url, version(), night)
        cutter.join()
    blocker.close()
    assert told.value.transient
    assert ask(engine, "SELECT count(*) FROM clean.plain") == [(0,)]
    assert publish(url, version(), night).counts == {"clean.plain": (2, 0, 0)}


def test_a_database_that_is_away_is_one_readable_line_without_the_password(url: str) -> None:
    away = sa.make_url(url).set(port=new_port()).render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnavailable) as told:
        publish(away, version(), [of(things(1))])
    text = str(told.value)
    assert "\n" not in text
    assert str(sa.make_url(url).password) not in text
    assert "the last good night stays" in text
    assert ". Fix: " in text
    assert told.value.transient


def test_two_publications_at_a_time_go_one_after_the_other(url: str, engine: sa.Engine) -> None:
    results: list[Published] = []

    def one(number: int) -> None:
        results.append(publish(url, version(part=f"part {number}"), [of(things(*range(50), integer=number))]))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.version or 0 for result in results) == [1, 2, 3, 4]
    assert len(ask(engine, "SELECT DISTINCT integer FROM clean.things")) == 1


def test_no_temporary_table_or_connection_is_left_behind(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1)), quarantined("a")])
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert ask(engine, others) == [(0,)]
    with adbc.connect(libpq_uri(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = 'staged'")
        assert cursor.fetchone() == (0,)


def test_a_part_made_from_another_state_of_a_table_than_the_published_one_is_refused(url: str) -> None:
    publish(url, version(), [of(things(1), content_hash="old")])
    with pytest.raises(PublishRefused, match=r"another state of clean\.things"):
        publish(url, version(part="funnel"), [], {THINGS: "new"})
    assert publish(url, version(part="funnel"), [], {THINGS: "old"}).version == 2


def test_appending_does_not_forget_what_is_not_told_again(url: str, engine: sa.Engine) -> None:
    publish(url, version(), [of(things(1, text=["known"]), mode="append")])
    publish(url, version(D2), [of(things(1), mode="append")])
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT text FROM clean.things")).scalar_one() == "known"


def test_a_live_table_is_never_published(url: str) -> None:
    """What is in it is nowhere else: a publication would delete what the night does not know."""
    live = replace(of(things(1)), table=replace(THINGS, live=True))
    with pytest.raises(ValueError, match=r"no night publishes clean\.things"):
        publish(url, version(), [live])
