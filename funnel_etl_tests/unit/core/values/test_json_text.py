"""JSON made column by column is what `json.dumps` gives row by row."""

import json

import pyarrow as pa
import pytest

from funnel_etl.core.values.json_text import TEXT, objects

CELLS = ["plain", "", None, 'a "quoted" cell', "back\\slash", "line\nend\r\t", "\x00\x1f\x7f", "naïve अ 😀", " ", "{}"]


def test_objects_are_what_json_dumps_gives_without_blank_cells() -> None:
    columns = {"b": CELLS, "a": CELLS[::-1], 'odd "name"\n': CELLS[3:] + CELLS[:3], "none": [None] * len(CELLS)}
    made = objects({name: pa.array(cells, type=TEXT) for name, cells in columns.items()}, len(CELLS)).to_pylist()
    rows = [{name: cells[at] for name, cells in columns.items() if cells[at]} for at in range(len(CELLS))]
    assert made == [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows]


@pytest.mark.parametrize("columns", [{}, {"a": pa.array(["", None, ""], type=TEXT)}], ids=["no_columns", "only_blanks"])
def test_rows_of_blanks_are_empty_objects(columns: dict[str, pa.Array]) -> None:
    assert objects(columns, 3).to_pylist() == ["{}"] * 3
    assert objects({name: column.slice(0, 0) for name, column in columns.items()}, 0).to_pylist() == []
