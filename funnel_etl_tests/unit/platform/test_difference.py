"""What differs between two tables: applied to the one it makes the other, and it holds nothing needless."""

import math
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given

from funnel_etl.core.tables.contracts import ARROW_TYPE, Kind
from funnel_etl.platform.difference import difference, in_key_order
from funnel_etl.platform.rows_file import StoredRows, alike_at_the_head, rows_file

CELLS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.sampled_from(["", "a", "b", "ab", "रु"]),
    Kind.INTEGER: st.integers(-2, 2) | st.sampled_from([2**63 - 1, -(2**63)]),
    Kind.BOOLEAN: st.booleans(),
    Kind.TIMESTAMP: st.integers(-2, 2),
    Kind.DATE: st.integers(-2, 2),
    Kind.MONEY: st.integers(-2, 2).map(lambda n: Decimal(n).scaleb(-2)),
    Kind.SHARE: st.integers(-2, 2).map(lambda n: Decimal(n).scaleb(-18)),
    Kind.NUMBER: st.sampled_from([0.0, 0.1, -0.1, math.nan, math.inf]),
    Kind.TEXT_ARRAY: st.lists(st.none() | st.sampled_from(["", "a", "b"]), max_size=3),
    Kind.JSON: st.sampled_from(["{}", "[]", '{"a": 1}', "null"]),
}
KEY = {
    "key_number": (pa.int64(), st.integers(0, 5)),
    "key_text": (pa.string(), st.sampled_from(["", "1", "11", "é"])),
    "key_day": (pa.date32(), st.integers(0, 2)),
    "key_at": (pa.timestamp("us", tz="UTC"), st.integers(0, 1)),
}
CODES = {kind.name.lower(): (ARROW_TYPE[kind], st.none() | CELLS[kind]) for kind in Kind}
Rows = list[dict[str, Any]]


@st.composite
def versions(draw: st.DrawFn) -> tuple[list[str], pa.Table, pa.Table]:
    """A key of one to four columns, and two versions of a table: rows of the second are often those of the first."""
    key = draw(st.lists(st.sampled_from(list(KEY)), min_size=1, unique=True))
    row = st.fixed_dictionaries({name: KEY[name][1] for name in key} | {n: cells for n, (_, cells) in CODES.items()})
    rows = st.lists(row, max_size=12, unique_by=lambda row: tuple(row[name] for name in key))
    before, after = draw(rows), draw(rows)
    kept = [
        draw(st.sampled_from([old, old | {n: new[n] for n in CODES}])) for old, new in zip(before, after, strict=False)
    ]
    known = {tuple(row[name] for name in key) for row in kept}
    after = draw(st.permutations([*kept, *(row for row in after if tuple(row[name] for name in key) not in known)]))
    return key, table(key, before), in_chunks(table(key, after), draw(st.integers(1, 12)))


def table(key: list[str], rows: Rows) -> pa.Table:
    types = {name: KEY[name][0] for name in key} | {name: kind for name, (kind, _) in CODES.items()}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})


def in_chunks(whole: pa.Table, size: int) -> pa.Table:
    return pa.concat_tables([whole.slice(0, 0), *(whole.slice(at, size) for at in range(0, len(whole), size))])


def by_key(key: list[str], rows: pa.Table) -> dict[tuple[Any, ...], str]:
    """Key → the whole row as text, in which NaN is like NaN."""
    return {tuple(row[name] for name in key): repr(row) for row in rows.to_pylist()}


def in_groups(rows: pa.Table, size: int) -> StoredRows:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("funnel_etl.platform.rows_file.AT_A_TIME", size)
        return StoredRows(rows_file(rows))


@given(versions(), st.sampled_from([0, 1, 2]), st.integers(1, 3))
def test_applied_to_the_one_it_makes_the_other_and_it_holds_nothing_needless(
    given_versions: tuple[list[str], pa.Table, pa.Table], stored: int, size: int
) -> None:
    key, before, after = given_versions
    one, other = (in_groups(rows, size) if stored > at else rows for at, rows in enumerate((before, after)))
    found = difference(one, other, key, most=100)
    assert found is not None
    old, new, sent = by_key(key, before), by_key(key, after), by_key(key, found.rows)
    gone = {tuple(row[name] for name in key) for row in found.deleted.to_pylist()}
    assert {row: cells for row, cells in old.items() if row not in gone} | sent == new
    assert gone <= set(old)
    assert {row for row, cells in sent.items() if old.get(row) == cells} == set()
    assert (found.rows.schema, found.deleted.column_names) == (after.schema, key)
    size = len(sent) + len(gone)
    assert difference(before, after, key, most=size) is not None
    assert size == 0 or difference(before, after, key, most=size - 1) is None


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (pa.float64(), math.nan, math.nan),
        (pa.float64(), 0.0, -0.0),
        (pa.list_(pa.string()), [None, ""], [None, ""]),
    ],
    ids=["NaN", "zero below zero", "a list with a missing cell"],
)
def test_what_postgresql_holds_for_equal_is_equal(kind: pa.DataType, one: Any, other: Any) -> None:
    before, after = (pa.table({"id": [1], "cell": pa.array([cell], kind)}) for cell in (one, other))
    found = difference(before, after, ["id"], most=1)
    assert found is not None
    assert len(found.rows) == len(found.deleted) == 0


def test_columns_of_a_file_are_told_apart_though_a_name_has_a_dot() -> None:
    before = pa.table({"id": [1, 2], "a": ["x", "y"], "a.b": ["1", "2"], "a.b.c": ["p", "q"]})
    after = before.set_column(2, "a.b", pa.array(["1", "3"]))
    found = difference(StoredRows(rows_file(before)), after, ["id"], most=9)
    assert found is not None
    assert found.rows.to_pylist() == [{"id": 2, "a": "y", "a.b": "3", "a.b.c": "q"}]


def test_groups_alike_at_the_head_of_two_files_are_not_read() -> None:
    before = pa.table({"id": range(10), "a": list("abcdefghij")})
    after = pa.concat_tables([before.slice(0, 9), pa.table({"id": [9, 10], "a": ["j", "k"]})])
    one, other = in_groups(before, 4), in_groups(after, 4)
    assert alike_at_the_head(one, other) == 2
    assert alike_at_the_head(one, in_groups(after, 3)) == 0
    assert alike_at_the_head(one, in_groups(before.set_column(1, "a", pa.array(list("abcdefghix"))), 4)) == 2
    assert (other.behind(2).column("id").to_pylist(), len(other.behind(2)), len(other)) == ([8, 9, 10], 3, 11)
    found = difference(one, other, ["id"], most=1)
    assert found is not None
    assert (found.rows.to_pylist(), len(found.deleted)) == ([{"id": 10, "a": "k"}], 0)


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["", "a", "Z", "é", "ab"]), st.integers(-2, 2), st.integers(0, 30000)),
        unique_by=lambda row: row,
    ),
    chunks=st.integers(1, 3),
)
def test_rows_come_in_the_order_of_their_key(rows: list[tuple[str, int, int]], chunks: int) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    table = pa.table(
        {
            "text": pa.array(columns[0], pa.large_string()),
            "number": pa.array(columns[1], pa.int64()),
            "day": pa.array(columns[2], pa.date32()),
            "place": pa.array(range(len(rows)), pa.int64()),
        }
    )
    size = len(rows) // chunks + 1
    table = pa.concat_tables([table.slice(start, size) for start in range(0, len(rows) + 1, size)])
    ordered = in_key_order(table, ["text", "number", "day"])
    wanted = [place for _, place in sorted((row, place) for place, row in enumerate(rows))]
    assert ordered.column("place").to_pylist() == wanted
    assert in_key_order(ordered, ["text", "number", "day"]) is ordered
