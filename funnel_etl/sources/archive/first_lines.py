"""Which rows of a source came new with which night, so that each can be led back to the dump it first stood in.

    first_lines/<source>/<as_of>.parquet      the rows of that night's dump that stood in no earlier one

A row is there as a hash of its content (`core/reading/first_lines`), its file and its line. It is written when a
night's dump was read, and stays when the dump itself is removed: no row changes its lineage by that.
"""

import io
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from funnel_etl.core.reading.first_lines import KNOWN
from funnel_etl.sources.archive.arrivals import known_name
from funnel_etl.sources.archive.store import Store

FOLDER = "first_lines"
_FILES = b"file_ids"


class FirstLines:
    """The rows that came new, by source and night, of one archive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, source: str, night: date, file_ids: Collection[str], rows: pa.Table) -> None:
        """Keep the rows (as KNOWN) that came new with a night, whose dump is now made of these files."""
        self._write(_name(source, night), rows.replace_schema_metadata({_FILES: json.dumps([*file_ids]).encode()}))

    def of(self, source: str, night: date) -> tuple[pa.Table, list[str] | None]:
        """Return the rows (as KNOWN) that came new with the dumps of a night, and the files of the last of them.

        A night that was pulled again may have had several. None: nothing was kept of it.
        """
        try:
            rows = pq.read_table(io.BytesIO(self._store.read(_name(source, night))))
        except FileNotFoundError:
            return KNOWN.empty_table(), None
        return rows.replace_schema_metadata(None).cast(KNOWN), json.loads(rows.schema.metadata[_FILES])

    def forget(self, lines: Mapping[str, Collection[int]]) -> None:
        """Take out the rows that first stood on these lines (file_id → lines)."""
        for name, rows in self._all():
            gone = pa.array(
                [line in lines.get(file_id, ()) for file_id, line in zip(*_places(rows), strict=True)], pa.bool_()
            )
            if pc.any(gone).as_py():
                self._write(name, rows.filter(pc.invert(gone)))

    def _all(self) -> Iterator[tuple[str, pa.Table]]:
        for name in self._store.names(FOLDER):
            yield name, pq.read_table(io.BytesIO(self._store.read(name)))

    def _write(self, name: str, rows: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer, compression="zstd")
        self._store.write(name, buffer.getvalue())


def _places(rows: pa.Table) -> tuple[list[str], list[int]]:
    return rows["file_id"].to_pylist(), rows["source_row"].to_pylist()


def _name(source: str, night: date) -> str:
    return f"{FOLDER}/{known_name(source)}/{night.isoformat()}.parquet"
