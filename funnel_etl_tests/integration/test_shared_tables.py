"""Publishing tables that several parts share: each part has its own rows there, and touches nobody else's."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.operate.erase.database import sweep
from funnel_etl.operate.erase.person import Person
from funnel_etl.platform.contracts import MERGED_ROWS, TABLES
from funnel_etl.platform.postgres import database, publisher
from funnel_etl.platform.postgres.publisher import Publication, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.servers import ask

LINES = Table(
    "ops",
    "lines",
    "One row per line",
    ("id",),
    (Column("id", Kind.INTEGER, "."), Column("part", Kind.TEXT, "."), Column("text", Kind.TEXT, ".")),
)


def version(part: str) -> Version:
    return Version(part, date(2025, 10, 30), "run", "0.1", "config")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    ensure_schema(made, [*TABLES, LINES])
    yield made
    made.dispose()


@pytest.fixture
def url(database_url: str, engine: sa.Engine) -> str:
    return database_url


def lines(part: str, *ids: int) -> Publication:
    frame = pd.DataFrame({"id": list(ids), "part": part, "text": "as sent"})
    return Publication(
        LINES, lambda: LINES.to_arrow(LINES.conform(frame)), mode="replace_part", content_hash=f"hash of {ids}"
    )


def test_rows_of_another_part_stay_when_only_a_part_is_replaced(url: str, engine: sa.Engine) -> None:
    publish(url, version(part="sales"), [lines("sales", 1, 2)])
    publish(url, version(part="it's"), [lines("it's", 3)])
    assert publish(url, version(part="sales"), [lines("sales", 2)]).counts == {"ops.lines": (0, 0, 1)}
    assert ask(engine, "SELECT id FROM ops.lines ORDER BY id") == [(2,), (3,)]
    assert publish(url, version(part="sales"), [lines("sales")]).counts == {"ops.lines": (0, 0, 1)}
    assert publish(url, version(part="sales"), [lines("sales", 2)]).counts == {"ops.lines": (1, 0, 0)}


def test_of_a_table_that_parts_share_each_sends_only_what_is_new_or_was_touched(
    url: str, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    merge = publisher._merge

    def merging(cursor: Any, publication: Publication, rows: pa.Table, part: str) -> tuple[int, int, int]:
        sent.append(part)
        return merge(cursor, publication, rows, part)

    monkeypatch.setattr(publisher, "_merge", merging)
    for _ in range(3):
        for part, ids in {"sales": (1, 2), "marketing": (3,), "funnel": ()}.items():
            publish(url, version(part=part), [lines(part, *ids)])
    assert sent == ["sales", "marketing"]
    ask(engine, "UPDATE ops.lines SET text = 'by hand' WHERE id = 3")
    assert not publish(url, version(part="sales"), [lines("sales", 1, 2)]).repairs
    (repair,) = publish(url, version(part="marketing"), [lines("marketing", 3)]).repairs
    assert (repair.table, repair.changed) == ("ops.lines", 1)
    assert sent == ["sales", "marketing", "marketing"]
    assert ask(engine, "SELECT DISTINCT text FROM ops.lines") == [("as sent",)]


def test_what_an_erasure_took_out_of_a_table_that_parts_share_is_no_hand_edit(url: str, engine: sa.Engine) -> None:
    def merged(*rows: int) -> Publication:
        frame = pd.DataFrame({"source_row": list(rows)}).assign(
            asset="clean.sales", part="sales", file_id="f", into_file_id="f", into_source_row=1, reason="same"
        )
        arrow = MERGED_ROWS.to_arrow(MERGED_ROWS.conform(frame))
        return Publication(MERGED_ROWS, lambda: arrow, mode="replace_part", content_hash=f"hash of {rows}")

    publish(url, version(part="sales"), [merged(2, 3)])
    with engine.begin() as connection:
        taken = sweep(connection, Person(phones=frozenset({"+919876543210"})), {"f": frozenset({2})}, TABLES)
    assert taken["ops.merged_rows"] == 1
    again = publish(url, version(part="sales"), [merged(3)])
    assert (again.counts, again.repairs) == ({"ops.merged_rows": (0, 0, 0)}, [])
