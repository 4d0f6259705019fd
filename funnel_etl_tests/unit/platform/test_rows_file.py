"""The hash of rows: the same for the same cells however they lie in memory, another one for any other cell."""

import io
from decimal import Decimal

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given

from funnel_etl.platform.rows_file import hash_in, rows_file, rows_hash

TYPES = {
    pa.string(): st.text(max_size=4),
    pa.int64(): st.integers(-5, 5),
    pa.bool_(): st.booleans(),
    pa.float64(): st.sampled_from([0.0, 1.5, -2.0]),
    pa.timestamp("us", tz="UTC"): st.integers(0, 9),
    pa.date32(): st.integers(0, 9),
    pa.decimal128(14, 2): st.integers(-9, 9).map(lambda n: Decimal(n).scaleb(-2)),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=2), max_size=3),
}
COLUMNS = st.sampled_from(list(TYPES)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.none() | TYPES[kind], max_size=20))
)


@given(COLUMNS, st.integers(0, 20), st.integers(1, 4))
def test_it_is_of_the_cells_and_not_of_how_they_lie_in_memory(
    column: tuple[pa.DataType, list[object]], at: int, n: int
) -> None:
    kind, cells = column
    plain = pa.table({"a": pa.array(cells, kind)})
    padded = pa.array([*cells[:1], *cells, *cells[:1]], kind).slice(len(cells[:1]), len(cells))
    cut = min(at, len(cells))
    chunks = pa.table({"a": pa.chunked_array([pa.array(cells[:cut], kind), pa.array(cells[cut:], kind)], kind)})
    through = io.BytesIO()
    pq.write_table(plain, through, compression=["zstd", "lz4", "snappy", "none"][n - 1], use_dictionary=n > 2)
    read = pq.read_table(io.BytesIO(through.getvalue()))
    assert {rows_hash(t) for t in (plain, pa.table({"a": padded}), chunks, read)} == {rows_hash(plain)}
    assert hash_in(through.getvalue()) == hash_in(rows_file(plain)) == rows_hash(plain)


@given(COLUMNS, st.data())
def test_any_other_cell_order_name_or_type_is_another_one(
    column: tuple[pa.DataType, list[object]], data: st.DataObject
) -> None:
    kind, cells = column
    was = rows_hash(pa.table({"a": pa.array(cells, kind)}))
    other = data.draw(st.lists(st.none() | TYPES[kind], max_size=20))
    assert (rows_hash(pa.table({"a": pa.array(other, kind)})) == was) == (
        pa.array(other, kind).to_pylist() == pa.array(cells, kind).to_pylist()
    )
    assert rows_hash(pa.table({"b": pa.array(cells, kind)})) != was


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (["ab", "c"], ["a", "bc"]),
        ([None, ""], ["", None]),
        ([None], [""]),
        (["a"], ["a", None]),
        ([["a"], []], [[], ["a"]]),
        ([[None]], [[""]]),
        ([None, []], [[], None]),
    ],
)
def test_cells_that_look_alike_end_to_end_differ(one: list[object], two: list[object]) -> None:
    kind = pa.list_(pa.string()) if any(isinstance(cell, list) for cell in one) else pa.string()
    assert rows_hash(pa.table({"a": pa.array(one, kind)})) != rows_hash(pa.table({"a": pa.array(two, kind)}))


@pytest.mark.parametrize("many", [1, 7, 8, 9, 500])
def test_a_column_of_which_nothing_is_known_is_no_column_of_yes(many: int) -> None:
    """Found by chance on a slow machine: the bits of what is missing were those of what is true."""
    assert rows_hash(pa.table({"a": pa.array([None] * many, pa.bool_())})) != rows_hash(pa.table({"a": [True] * many}))


def test_missing_numbers_are_not_read_as_numbers() -> None:
    """64 numbers of which one is missing: a byte each eight, which is as long as a number."""
    some = pa.array([None, *range(1, 64)], pa.int64())
    first = int.from_bytes(np.packbits(some.is_null().to_numpy(zero_copy_only=False)).tobytes(), "little")
    assert rows_hash(pa.table({"a": some})) != rows_hash(pa.table({"a": pa.array([first, *range(1, 64)], pa.int64())}))


def test_what_stands_in_the_footer_is_read_without_the_rows() -> None:
    made = rows_file(pa.table({"a": ["x"]}))
    told = hash_in(made)
    about = pq.read_table(io.BytesIO(made)).replace_schema_metadata({b"months": b"10", b"rows_hash": b"of others"})
    again = pq.read_schema(io.BytesIO(rows_file(about))).metadata
    assert (again[b"months"], again[b"rows_hash"].decode()) == (b"10", told)
    other = pq.read_table(io.BytesIO(made)).append_column("b", pa.array([1]))
    assert hash_in(rows_file(other)) != told
