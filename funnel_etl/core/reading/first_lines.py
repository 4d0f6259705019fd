"""Where each row of a dump first stood: the file and line of the first dump that held exactly this row. Pure.

A dump comes whole each night, and one new line gives it another file_id. So a row is named by its content and its
number among equals, and keeps the place where it was first seen. Decision 27.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from funnel_etl.core.tables.accounting import TRACE
from funnel_etl.core.values.text import arrow_text, text_series

KNOWN = pa.schema([("row", pa.binary(20)), ("file_id", pa.string()), ("source_row", pa.int64())])
"""A row by its name (16 bytes of the SHA-256 of its cells, 4 of its number among equals), and where it first stood."""
_AT_A_TIME = 50_000
"""Texts that are Python objects at a time: so they are several times as large as in Arrow."""


@dataclass(frozen=True)
class Traced:
    """A dump led back. `rows`: its rows, in its order, each with the place where it first stood.

    `fresh`: those that stood nowhere before, as KNOWN; `lines`: where they stand in this dump, as LINE_COLUMNS but the
    source.
    """

    rows: pd.DataFrame
    fresh: pa.Table
    lines: pd.DataFrame


def traced(dump: pd.DataFrame, known: pa.Table) -> Traced:
    """Return a dump (a raw table with its own lines) led back to `known` rows, of earlier dumps, as KNOWN."""
    names = row_names(dump)
    place = pc.index_in(names, value_set=known["row"]) if len(known) else pa.nulls(len(names), pa.int32())
    is_fresh = place.is_null()
    own = {"file_id": arrow_text(dump["file_id"]).cast(pa.string()), "source_row": _numbers(dump["source_row"])}
    first = {
        name: pc.if_else(is_fresh, cells, _in_one(known[name].take(place)) if len(known) else cells)
        for name, cells in own.items()
    }
    rows = dump.assign(
        file_id=text_series(first["file_id"], dump.index),
        source_row=pd.Series(first["source_row"].to_numpy(), index=dump.index, dtype="Int64"),
    )
    fresh = pa.table({"row": names, **own}, schema=KNOWN).filter(is_fresh)
    return Traced(rows, fresh, _runs(first, own))


def row_names(rows: pd.DataFrame) -> pa.Array:
    """Return the name of each row, as KNOWN has it: a column that is blank in it adds nothing."""
    cells = rows[[name for name in rows.columns if name not in TRACE]]
    hashed = b"".join([digest[:16] for digest in content_hashes(cells)])
    codes = _fixed(hashed, 16).dictionary_encode().indices.to_numpy()
    named = np.empty(len(rows), dtype=[("row", "V16"), ("number", ">u4")])
    named["row"] = np.frombuffer(hashed, dtype="V16")
    named["number"] = pd.Series(codes).groupby(codes, sort=False).cumcount().to_numpy()
    return _fixed(named.tobytes(), 20)


def content_hashes(cells: pd.DataFrame) -> Iterator[bytes]:
    """Yield for each row the SHA-256 of its cells that are not blank, each behind its column's name."""
    nothing = pa.scalar("", pa.large_string())
    named = []
    for name in sorted(cells.columns):
        texts = arrow_text(cells[name].fillna(""))
        label = pa.scalar(f"\x1f{name}\x1e", texts.type)
        named.append(pc.if_else(pc.equal(texts, nothing), nothing, pc.binary_join_element_wise(label, texts, nothing)))
    joined = pc.binary_join_element_wise(*named, nothing).cast(pa.large_binary())
    for at in range(0, len(joined), _AT_A_TIME):
        yield from (hashlib.sha256(text[1:]).digest() for text in joined.slice(at, _AT_A_TIME).to_pylist())


def _runs(first: dict[str, pa.Array], own: dict[str, pa.Array]) -> pd.DataFrame:
    """Return the runs of rows whose lines follow on each other, both where they first stood and where they stand."""
    files = [side["file_id"].dictionary_encode().indices.to_numpy() for side in (first, own)]
    lines = [side["source_row"].to_numpy() for side in (first, own)]
    goes_on = np.ones(max(len(files[0]) - 1, 0), dtype=bool)
    for file, line in zip(files, lines, strict=True):
        goes_on &= (np.diff(file) == 0) & (np.diff(line) == 1)
    begins = np.flatnonzero(np.r_[True, ~goes_on])[: len(files[0])]
    at = pa.array(begins)
    return pd.DataFrame(
        {
            "file_id": first["file_id"].take(at).to_pandas(),
            "source_row": lines[0][begins],
            "rows": np.diff(np.r_[begins, len(files[0])]),
            "current_file_id": own["file_id"].take(at).to_pandas(),
            "current_row": lines[1][begins],
        }
    )


def _fixed(data: bytes, width: int) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(data) // width, [None, pa.py_buffer(data)])


def _numbers(lines: pd.Series) -> pa.Array:
    return pa.array(lines.to_numpy(dtype=np.int64))


def _in_one(cells: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(cells.chunks) if cells.num_chunks else pa.array([], cells.type)
