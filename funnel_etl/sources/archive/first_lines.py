"""Which rows of a source came new with which night, so that each can be led back to the dump it first stood in.

    first_lines/<source>/<as_of>.parquet      the rows of that night's dump that stood in no earlier one

A row is there as a hash of its content (`core/reading/first_lines`), its file and its line. It is written when a
night's dump was read, and stays when the dump itself is removed: no row changes its lineage by that.
"""

import io
import json
from collections.abc import Collection, Mapping
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

        A night that was pulled again may have had several. None: nothing was kept of it, or it is damaged; whoever asks
        reads the dump again.
        """
        found = self._read(_name(source, night))
        if found is None:
            return KNOWN.empty_table(), None
        return found.replace_schema_metadata(None), json.loads(found.schema.metadata[_FILES])

    def forget(self, lines: Mapping[str, Collection[int]]) -> None:
        """Take out the rows that first stood on these lines (file_id → lines); a damaged file goes whole."""
        for name in self._store.names(FOLDER):
            rows = self._read(name)
            if rows is None:
                self._store.remove(name)
                continue
            places = zip(rows["file_id"].to_pylist(), rows["source_row"].to_pylist(), strict=True)
            gone = pa.array([line in lines.get(file_id, ()) for file_id, line in places], pa.bool_())
            if pc.any(gone).as_py():
                self._write(name, rows.filter(pc.invert(gone)))

    def _read(self, name: str) -> pa.Table | None:
        """Return a file as KNOWN, with the files it is of; None: it is not there, or damaged."""
        try:
            data = self._store.read(name)
        except FileNotFoundError:
            return None
        try:
            found = pq.read_table(io.BytesIO(data))
            json.loads(found.schema.metadata[_FILES])
            return found.cast(KNOWN.with_metadata(found.schema.metadata))
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self, name: str, rows: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer, compression="zstd")
        self._store.write(name, buffer.getvalue())


def _name(source: str, night: date) -> str:
    return f"{FOLDER}/{known_name(source)}/{night.isoformat()}.parquet"
