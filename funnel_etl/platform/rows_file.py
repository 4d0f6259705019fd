"""A table as a Parquet file that knows the hash of its rows: equal rows in equal order, whoever wrote the file.

The bytes of a file are its writer's: another codec, or another release of Arrow, changes all of them and no row.
"""

import hashlib
import io
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_HASH, _GROUPS = b"rows_hash", b"group_hashes"
AT_A_TIME = 50_000
"""Rows of a group. A reader has one unpacked beside the whole; all at once would be nearly as much again."""


def rows_file(table: pa.Table) -> bytes:
    """Return the Parquet file of a table, with the hashes of its groups and of all its rows in its footer."""
    buffer = io.BytesIO()
    groups = _group_hashes(table)
    hashes = {_HASH: _hash_of(table, groups), _GROUPS: " ".join(groups)}
    stamped = table.replace_schema_metadata({**(table.schema.metadata or {}), **hashes})
    # Nobody asks for statistics, and a dictionary of texts that all differ is given up after it was made.
    repeated = [name for name in table.column_names if _repeats(table.column(name))]
    pq.write_table(
        stamped,
        buffer,
        compression="zstd",
        row_group_size=AT_A_TIME,
        use_dictionary=repeated,
        write_statistics=False,
    )
    return buffer.getvalue()


def _repeats(column: pa.ChunkedArray) -> bool:
    """Return whether a column has texts most of which stand there several times, by its beginning."""
    beginning = column.slice(0, AT_A_TIME)
    return pa.types.is_string(column.type) and len(beginning.unique()) < len(beginning) // 10


def hash_in(file: BinaryIO | bytes) -> str:
    """Return the hash of the rows of a file, from its footer alone; of one that does not tell it, from its rows."""
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    told = (pq.read_schema(source).metadata or {}).get(_HASH)
    if told is not None:
        return bytes(told).decode()
    source.seek(0)
    return rows_hash(pq.read_table(source))


class StoredRows:
    """The rows of a file, of which a column is read when it is asked for. `schema`: their columns and types.

    Without the groups before `first`.
    """

    def __init__(self, file: bytes, first: int = 0) -> None:
        self._bytes = file
        self._file = pq.ParquetFile(io.BytesIO(file))
        self._groups = list(range(first, self._file.num_row_groups))
        self.schema: pa.Schema = self._file.schema_arrow

    def __len__(self) -> int:
        metadata = self._file.metadata
        return sum(metadata.row_group(group).num_rows for group in self._groups)

    def column(self, name: str) -> pa.ChunkedArray:
        """Return the cells of a column."""
        return self._file.read_row_groups(self._groups, [name]).column(name)

    def table(self) -> pa.Table:
        """Return all columns."""
        return self._file.read_row_groups(self._groups).replace_schema_metadata(None)

    def behind(self, groups: int) -> "StoredRows":
        """Return the rows behind the first groups of the file."""
        return StoredRows(self._bytes, groups)

    def group_hashes(self) -> list[str]:
        """Return the hash of each group of the file; none, if they are not those of its groups."""
        hashes = (self.schema.metadata or {}).get(_GROUPS, b"").decode().split()
        return hashes if len(hashes) == self._file.num_row_groups else []


def alike_at_the_head(one: StoredRows, other: StoredRows) -> int:
    """Return how many groups at the beginning of two files of the same columns hold the same rows in the same order."""
    hashes = zip(one.group_hashes(), other.group_hashes(), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], hashes)))


def rows_hash(table: pa.Table) -> str:
    """Return the SHA-256 of a table's columns, types and cells in their order."""
    return _hash_of(table, _group_hashes(table))


def _hash_of(table: pa.Table, group_hashes: Sequence[str]) -> str:
    kinds = [f"list of {kind.value_type}" if pa.types.is_list(kind) else kind for kind in table.schema.types]
    columns = "".join(f"\x1f{name}\x1e{kind}" for name, kind in zip(table.column_names, kinds, strict=True))
    return hashlib.sha256(" ".join([str(len(table)), columns, *group_hashes]).encode()).hexdigest()


def _group_hashes(table: pa.Table) -> list[str]:
    """Return the SHA-256 of the cells of each AT_A_TIME rows."""
    columns = [pa.concat_arrays(c.chunks) if c.num_chunks else pa.array([], c.type) for c in table.columns]
    found = []
    for start in range(0, len(table), AT_A_TIME):
        digest = hashlib.sha256()
        for cells in columns:
            _add(digest, cells.slice(start, AT_A_TIME))
        found.append(digest.hexdigest())
    return found


def _add(digest: Any, cells: pa.Array) -> None:
    """Add the cells to the digest; what lies in memory below a missing cell is not part of it.

    How many are missing comes first: the bits that say which would else be read as cells ([None] as [True]).
    """
    digest.update(f"\x1d{cells.null_count}\x1d".encode())
    if cells.null_count:
        digest.update(np.packbits(cells.is_null().to_numpy(zero_copy_only=False)).tobytes())
        cells = cells.drop_null()
    if pa.types.is_boolean(cells.type):
        digest.update(np.packbits(cells.to_numpy(zero_copy_only=False)).tobytes())
    elif pa.types.is_list(cells.type):
        digest.update(pc.list_value_length(cells).to_numpy(zero_copy_only=False).tobytes())
        _add(digest, cells.flatten())
    elif pa.types.is_string(cells.type):
        _, offsets, texts = cells.buffers()
        ends = np.frombuffer(offsets or b"\0\0\0\0", np.int32)[cells.offset : cells.offset + len(cells) + 1]
        digest.update((ends[1:] - ends[:1]).tobytes())
        if texts is not None and len(cells):
            digest.update(texts[int(ends[0]) : int(ends[-1])])
    else:
        width, values = cells.type.bit_width // 8, cells.buffers()[1]
        if values is not None and len(cells):
            digest.update(values[cells.offset * width : (cells.offset + len(cells)) * width])
