"""The fast way through a plain CSV file, in which every line is one whole row: by Arrow, as nearly all dumps are.

It reads a file as `csvfile.read_csv` does, at less cost (a tenth where no cell is quoted), or not at all: what is not
plain (a line break or an odd quotation mark in a cell, a row that is short, long or blank, a line that may be no row)
goes the careful way.
"""

import re
from collections.abc import Collection
from io import BytesIO

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from funnel_etl.core.values.text import text_series


def is_by_lines(text: str, delimiter: str) -> bool:
    """Whether every line of a CSV text is one record: none is empty, and no quotation mark is odd or spans two.

    A carriage return alone may end a line too.
    """
    if not text.endswith("\n") or text.count("\r") != text.count("\r\n") or "\n\n" in text or "\n\r\n" in text:
        return False
    if '"' not in text:
        return True
    apart = re.escape(delimiter)
    return '"' not in re.sub(rf'(?:(?<=[{apart}\n])|\A)"(?:[^"\r\n]|"")*"(?=[{apart}\r\n])', "", text)


def read_plain(text: str, delimiter: str, columns: list[str], names: Collection[str]) -> pd.DataFrame | None:
    """Return the rows below the first line of a text `is_by_lines`, in file order; None: the file is not plain.

    `columns`: what they are called, as many as the first line has cells; `names`: a first or last cell that is one of
    these, in small letters without blanks around, may be of a repeated header.
    """
    try:
        table = csv.read_csv(
            BytesIO(text.encode()),
            csv.ReadOptions(column_names=columns, skip_rows=1, use_threads=False),
            csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.large_string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:  # a row is short or long
        return None
    cells = [column.combine_chunks() for column in table.columns]
    if not table.num_rows or _may_be_no_row(cells, names):
        return None
    return pd.DataFrame(
        {name: text_series(cell, pd.RangeIndex(len(cell))) for name, cell in zip(columns, cells, strict=True)}
    )


def _may_be_no_row(cells: list[pa.Array], names: Collection[str]) -> bool:
    """Whether a row may be blank, hold a count of rows alone, or repeat the header."""
    alone = pc.equal(cells[1], "")
    for column in cells[2:]:
        if not pc.any(alone).as_py():
            break
        alone = pc.and_(alone, pc.equal(column, ""))
    if pc.any(alone).as_py():
        return True
    ends = [{text: text.strip().lower() for text in pc.unique(column).to_pylist()} for column in (cells[0], cells[-1])]
    if any(name in names for end in ends for name in end.values()):
        return True
    # No cell has text: then neither has its first.
    blank = pc.is_in(cells[0], pa.array([text for text, name in ends[0].items() if not name], cells[0].type))
    return any(not any(column[at].as_py().strip() for column in cells) for at in pc.indices_nonzero(blank).to_pylist())
