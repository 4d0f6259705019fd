"""What is compared of the last good dump of each source, kept in the lake, so that it need not be read again.

A cache like all of the lake: without it the dump is read again from the landing archive.
"""

import io
import json
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from funnel_etl.core.reading.dump_end import DumpEnd
from funnel_etl.core.reading.dumps import DumpRows
from funnel_etl.sources.archive.store import open_store

_ABOUT = b"dump"


@dataclass(frozen=True)
class Dump:
    """A landed dump: its bytes' name, the line end it ends with ("" for none), its rows' keys and times, its end."""

    file_id: str
    line_end: str
    rows: DumpRows
    end: DumpEnd = field(default_factory=DumpEnd)


class DumpCache:
    """The dumps kept below a lake; `reading` says how their rows were read, so that another way reads them anew."""

    def __init__(self, lake_root: str, reading: str) -> None:
        self._store = open_store(UPath(lake_root))
        self._reading = reading

    def keep(self, source: str, dump: Dump) -> None:
        """Keep the dump in place of the one kept before."""
        about = {"file_id": dump.file_id, "line_end": dump.line_end, "reading": self._reading, "end": asdict(dump.end)}
        rows = dump.rows
        table = pa.table({"key": pa.array(rows.keys), "row": pa.array(rows.rows), "time": pa.array(rows.times)})
        buffer = io.BytesIO()
        pq.write_table(
            table.replace_schema_metadata({_ABOUT: json.dumps(about).encode()}), buffer, use_dictionary=False
        )
        self._store.write(_name(source), buffer.getvalue())

    def recall(self, source: str, file_id: str) -> Dump | None:
        """Return the dump if it is the one that is kept, read in the same way."""
        try:
            table = pq.read_table(io.BytesIO(self._store.read(_name(source))))
        except (FileNotFoundError, pa.ArrowInvalid):
            return None
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"{}"))
        if about.get("file_id") != file_id or about.get("reading") != self._reading:
            return None
        keys, rows = (table.column(name).to_numpy().astype(np.uint64) for name in ("key", "row"))
        times = table.column("time").to_numpy().astype(np.int64)
        end = about["end"]
        known = DumpEnd(tuple(end["lines"]), tuple(end["shapes"]), tuple(end["begins"]), end["count"])
        return Dump(file_id, about["line_end"], DumpRows(keys, rows, times), known)


def _name(source: str) -> str:
    return f"_dumps/{source}.parquet"
