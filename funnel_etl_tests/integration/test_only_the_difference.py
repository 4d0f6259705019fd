"""Only what differs from what PostgreSQL holds is sent: the same rows and counts as by a MERGE of all."""

import contextlib
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import psycopg2
import pyarrow as pa
import pytest
import sqlalchemy as sa

from funnel_etl.core.errors import DatabaseUnavailable
from funnel_etl.core.tables.contracts import ARROW_TYPE, Column, Kind, Table
from funnel_etl.platform.contracts import TABLES
from funnel_etl.platform.postgres import database, publisher
from funnel_etl.platform.postgres.database import libpq_uri
from funnel_etl.platform.postgres.held import look
from funnel_etl.platform.postgres.publisher import Publication, Published, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.platform.rows_file import StoredRows, rows_file
from funnel_etl_tests.servers import ask

D1, D2, D3 = date(2025, 10, 29), date(2025, 10, 30), date(2025, 10, 31)
LONG = 'the second column of the key has a "long" name, which PostgreSQL would cut without a word'
THINGS = Table(
    "clean",
    "things",
    "One row per thing",
    ("id", LONG),
    (
        Column("id", Kind.INTEGER, "Its number.", required=True),
        Column(LONG, Kind.TEXT, "Its other number.", required=True),
        *(Column(kind.name.lower(), kind, f"A {kind.value}.") for kind in Kind),
    ),
)
CELLS: dict[str, list[Any]] = {
    "text": ["", "a", "it's \\ \n नमस्ते", "NULL", None],
    "integer": [0, 2**63 - 1, -(2**63), None],
    "boolean": [True, False, None],
    "timestamp": [0, -1, 1761935399999999, None],
    "date": [0, -1, 20000, None],
    "money": [Decimal("0.00"), Decimal("-0.01"), Decimal("999999999999.99"), None],
    "share": [Decimal("1.000000000000000000"), Decimal("0.000000000000000001"), None],
    "number": [0.0, -0.0, 0.1, math.nan, math.inf, None],
    "text_array": [[], [""], ["a", 'b,"c"'], ["a", None], ["NULL"], None],
    "json": ["{}", "[]", "null", '{"a":1}', '{"a": 1}', '{"b": [1, null], "a": "ü"}', None],
}
Row = dict[str, Any]


def thing(number: int, /, **cells: Any) -> Row:
    return {"id": number // 2, LONG: f"no. {number % 2}", **dict.fromkeys(CELLS), **cells}


def things(*rows: Row, table: Table = THINGS) -> pa.Table:
    kinds = {column.name: ARROW_TYPE[column.kind] for column in table.columns}
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()})


NINE = [thing(number, text=str(number)) for number in range(9)]


@dataclass
class Nights:
    """Publishes versions of tables, keeping each as the lake does; notes what the earlier ones were asked for."""

    url: str
    kept: dict[tuple[str, str], pa.Table | StoredRows] = field(default_factory=dict)
    asked: list[tuple[str, date]] = field(default_factory=list)

    def of(self, content_hash: str, rows: pa.Table, table: Table = THINGS) -> Publication:
        self.kept[table.full_name, content_hash] = rows

        def earlier(content_hash: str, night: date) -> pa.Table | StoredRows | None:
            self.asked.append((content_hash, night))
            return self.kept.get((table.full_name, content_hash))

        return Publication(table, lambda: rows, content_hash=content_hash, earlier=earlier)

    def publish(self, as_of: date, *publications: Publication) -> Published:
        return publish(self.url, Version("sales", as_of, "run", "0.1", "config"), publications)


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    ensure_schema(made, [*TABLES, THINGS])
    yield made
    made.dispose()


@pytest.fixture
def nights(database_url: str, engine: sa.Engine) -> Nights:
    return Nights(database_url)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tables of which only the difference was sent."""
    names: list[str] = []
    send = publisher._send_difference

    def sending(cursor: Any, publication: Publication, *more: Any) -> Any:
        names.append(publication.table.name)
        return send(cursor, publication, *more)

    monkeypatch.setattr(publisher, "_send_difference", sending)
    return names


def held(nights: Nights, table: Table = THINGS) -> str:
    """Return the mark of what the table holds, of the kind that is recorded of it."""
    with adbc.connect(libpq_uri(nights.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT checksum FROM ops.published_tables WHERE table_name = $1", (table.full_name,))
        return look(cursor, table, cursor.fetchall()[0][0]).mark


def recorded(engine: sa.Engine) -> list[str]:
    return [row[0] for row in ask(engine, "SELECT checksum FROM ops.published_tables ORDER BY table_name")]


def test_night_after_night_it_leaves_and_counts_what_a_merge_of_all_does(
    nights: Nights, engine: sa.Engine, sent: list[str]
) -> None:
    choose = random.Random(1)  # noqa: S311 - the same nights each time
    merged = replace(THINGS, name="merged")
    ensure_schema(engine, [*TABLES, THINGS, merged])

    def random_thing(number: int) -> Row:
        return thing(number, **{name: choose.choice(cells) for name, cells in CELLS.items()})

    rows = {number: random_thing(number) for number in range(120)}
    stored = "SELECT string_agg(t::text, '|' ORDER BY id, text COLLATE \"C\", t::text) FROM clean.{} AS t"
    actions = [0, 0, 0]
    for night in range(12):
        whole = [things(*rows.values(), table=table) for table in (THINGS, merged)]
        one, other = (nights.of(str(night), each, table) for each, table in zip(whole, (THINGS, merged), strict=True))
        done = nights.publish(D1, one, replace(other, earlier=lambda *_: None))
        assert done.counts["clean.things"] == done.counts["clean.merged"], night
        assert ask(engine, stored.format("things")) == ask(engine, stored.format("merged")), night
        assert recorded(engine) == [held(nights, merged), held(nights)], night
        assert done.repairs == []
        actions = [a + b for a, b in zip(actions, done.counts["clean.things"], strict=True)]
        for number in choose.sample(sorted(rows), 12):
            name = choose.choice(list(CELLS))
            rows[number] = rows[number] | {name: choose.choice(CELLS[name])}
        for number in choose.sample(sorted(rows), 5):
            del rows[number]
        rows |= {number: random_thing(number) for number in choose.sample(range(150), 5)}
        rows = dict(choose.sample(list(rows.items()), len(rows)))
    assert sent == ["things"] * 11
    assert min(actions) > 30


def test_rows_in_another_order_are_none(nights: Nights, engine: sa.Engine, sent: list[str]) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    done = nights.publish(D2, nights.of("h2", things(*reversed(NINE))))
    assert (done.counts, sent) == ({"clean.things": (0, 0, 0)}, ["things"])
    assert ask(engine, "SELECT content_hash, as_of FROM ops.published_tables") == [("h2", D2)]


def test_a_large_difference_is_merged_whole(nights: Nights, sent: list[str]) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    four = [*(row | {"text": "new"} for row in NINE[:4]), *NINE[4:]]
    assert nights.publish(D2, nights.of("h2", things(*four))).counts == {"clean.things": (0, 4, 0)}
    assert sent == []


def test_it_is_taken_from_what_postgresql_holds_not_from_the_night_before(nights: Nights, engine: sa.Engine) -> None:
    """Regression to fear: a night that failed to publish is in the lake, and what it had new would never be sent."""
    nights.publish(D1, nights.of("h1", things(*NINE)))
    second, third = ([*NINE[:8], thing(8, text=text)] for text in ("second", "third"))
    ask(engine, "ALTER TABLE clean.things ADD CONSTRAINT own CHECK (text <> 'second')")
    with pytest.raises(DatabaseUnavailable):
        nights.publish(D2, nights.of("h2", things(*second)))
    done = nights.publish(D3, nights.of("h3", things(*third, thing(9))))
    assert nights.asked == [("h1", D1), ("h1", D1)]
    assert done.counts == {"clean.things": (1, 1, 0)}
    assert recorded(engine) == [held(nights)]


@pytest.mark.parametrize(
    "by_hand",
    [
        "UPDATE clean.things SET text = 'mine' WHERE id = 3",
        "DELETE FROM clean.things WHERE id = 3",
        "INSERT INTO clean.things SELECT (jsonb_populate_record(t, '{\"id\": 99}')).* FROM clean.things AS t LIMIT 1",
        "UPDATE ops.published_tables SET checksum = NULL",
    ],
    ids=["a cell is edited", "a row is deleted", "a row is inserted", "nothing is recorded"],
)
def test_a_table_that_may_hold_something_else_is_merged_whole(
    nights: Nights, engine: sa.Engine, sent: list[str], by_hand: str
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    ask(engine, by_hand)
    done = nights.publish(D2, nights.of("h2", things(*NINE[1:])))
    assert (sent, nights.asked) == ([], [])
    assert len(done.repairs) == (0 if "published_tables" in by_hand else 1)
    texts = ask(engine, "SELECT text FROM clean.things ORDER BY text")
    assert [text for (text,) in texts] == [str(number) for number in range(1, 9)]
    assert recorded(engine) == [held(nights)]


def test_a_table_whose_rows_the_lake_has_no_more_is_merged_whole(nights: Nights, sent: list[str]) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    nights.kept.clear()
    assert nights.publish(D2, nights.of("h2", things(*NINE[1:]))).counts == {"clean.things": (0, 0, 1)}
    assert (sent, nights.asked) == ([], [("h1", D1)])


def test_a_table_whose_rows_in_the_lake_are_damaged_is_merged_whole_and_that_is_said(
    nights: Nights, sent: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    file = rows_file(things(*NINE))
    nights.kept["clean.things", "h1"] = StoredRows(b"PAR1" + bytes(400) + file[404:])
    assert nights.publish(D2, nights.of("h2", things(*NINE[1:]))).counts == {"clean.things": (0, 0, 1)}
    assert sent == []
    assert "clean.things: the lake's rows of 2025-10-29 cannot be read" in caplog.text


def test_a_column_more_and_then_less_is_merged_whole_and_blames_nobody(
    nights: Nights, engine: sa.Engine, sent: list[str]
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    wider = replace(THINGS, columns=(*THINGS.columns, Column("more", Kind.TEXT, "More.")))
    ensure_schema(engine, [*TABLES, wider])
    rows = things(*NINE[:8], NINE[8] | {"more": "new"}, table=wider)
    done = nights.publish(D2, nights.of("h2", rows, wider))
    assert (done.counts, done.repairs, sent) == ({"clean.things": (0, 1, 0)}, [], [])
    again = nights.publish(D3, nights.of("h3", things(*NINE[1:])))
    assert (again.counts, again.repairs, sent) == ({"clean.things": (0, 0, 1)}, [], [])


@pytest.mark.parametrize(
    ("function", "event", "says"),
    [
        ("NEW.text := 'spoilt'; RETURN NEW", "INSERT OR UPDATE", "0 inserted, 2 changed, 0 deleted"),
        ("RETURN NULL", "INSERT OR UPDATE", "1 inserted, 1 changed, 0 deleted"),
        ("RETURN NULL", "DELETE", "0 inserted, 0 changed, 1 deleted"),
    ],
    ids=["changes rows", "takes rows away", "keeps rows"],
)
def test_what_a_trigger_of_somebodys_made_of_it_shows_at_the_next_publication(
    nights: Nights, engine: sa.Engine, sent: list[str], function: str, event: str, says: str
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    ask(engine, f"CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {function}; END $$")
    ask(engine, f"CREATE TRIGGER own BEFORE {event} ON clean.things FOR EACH ROW EXECUTE FUNCTION own()")
    rows = things(*NINE[1:8], thing(8, text="new"), thing(9))
    nights.publish(D2, nights.of("h2", rows))
    assert sent == [], "where a trigger is, all is merged, and the values are what is recorded"
    ask(engine, "DROP TRIGGER own ON clean.things")
    (repair,) = nights.publish(D3, nights.of("h2", rows)).repairs
    assert says in repair.says
    assert recorded(engine) == [held(nights)]


def cut_who_waits(engine: sa.Engine) -> None:
    """End the connection that waits for a lock, as soon as one does."""
    stuck = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 20
    while not ask(engine, stuck) and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_connection_cut_meanwhile_leaves_all_as_it_was_and_the_next_try_sends_it(
    nights: Nights, engine: sa.Engine, sent: list[str]
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    before = held(nights)
    new = nights.of("h2", things(*NINE[1:], thing(9)))
    blocker = psycopg2.connect(libpq_uri(nights.url))
    with blocker.cursor() as cursor:
        cursor.execute("LOCK TABLE clean.things IN SHARE MODE")  # it may be read: only who writes waits
    cutter = threading.Thread(target=cut_who_waits, args=[engine])
    cutter.start()
    with pytest.raises(DatabaseUnavailable) as told:
        nights.publish(D2, new)
    cutter.join()
    blocker.close()
    assert told.value.transient
    assert (held(nights), recorded(engine)) == (before, [before])
    assert nights.publish(D2, new).counts == {"clean.things": (1, 0, 1)}
    assert sent == ["things", "things"]


def test_an_error_quotes_no_row(nights: Nights, engine: sa.Engine, sent: list[str]) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    ask(engine, "CREATE UNIQUE INDEX ON clean.things (text)")
    twins = [row | {"text": "secret 9876501234"} for row in NINE[:2]]
    with pytest.raises(DatabaseUnavailable, match="SQLSTATE 23505") as told:
        nights.publish(D2, nights.of("h2", things(*twins, *NINE[2:])))
    assert sent == ["things"]
    assert "9876501234" not in str(told.value)
    assert ask(engine, "SELECT content_hash FROM ops.published_tables") == [("h1",)]


def test_behind_a_pooler_nothing_stays_staged_in_the_session(
    nights: Nights, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.publish(D1, nights.of("h1", things(*NINE)))
    with adbc.connect(libpq_uri(nights.url)) as session:
        connect: Callable[..., Any] = lambda *_: contextlib.nullcontext(session)  # noqa: E731
        monkeypatch.setattr(adbc, "connect", connect)
        for number in (2, 3):
            nights.publish(D2, nights.of(f"h{number}", things(*NINE[number:])))
            with session.cursor() as cursor:
                cursor.execute("SELECT to_regclass('pg_temp.staged') IS NULL AND to_regclass('pg_temp.gone') IS NULL")
                assert cursor.fetchall() == [(True,)]
            session.commit()
    assert sent == ["things", "things"]
