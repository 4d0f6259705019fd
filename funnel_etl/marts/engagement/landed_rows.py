"""CSV files of our own in the landing archive: how their rows are written, and how they are read back with their lines.

Which files a night uses, and what their columns mean, stands with each kind (`edits`, `answers`).
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def as_file(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Return rows as a CSV file with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def records(files: Mapping[str, bytes], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of files with `file_id` and `source_row`; lines of erased persons are empty, and are no rows."""
    for file_id, data in files.items():
        reader = csv.reader(io.StringIO(data.decode(), newline=""))
        before = 0
        for cells in reader:
            line, before = before + 1, reader.line_num
            if line > 1 and len(cells) == len(columns) and cells[0]:
                yield {**dict(zip(columns, cells, strict=True)), "file_id": file_id, "source_row": line}
