"""A row keeps the place of the first dump it stood in: by content and number among equals, whatever moves around it."""

import hypothesis.strategies as st
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given

from funnel_etl.core.reading.first_lines import KNOWN, traced
from funnel_etl.core.tables.accounting import TRACE

ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.sampled_from(["x", ""])), max_size=8)
GAPS = st.lists(st.integers(1, 3), min_size=8, max_size=8)


def dump(file_id: str, rows: list[tuple[str, str]], gaps: list[int]) -> pd.DataFrame:
    lines = [1 + sum(gaps[: at + 1]) for at in range(len(rows))]
    frame = pd.DataFrame(rows, columns=["one", "two"], dtype="str")
    frame.insert(0, "source_row", pd.Series(lines, dtype="Int64"))
    frame.insert(0, "file_id", pd.Series(file_id, index=frame.index, dtype="str"))
    return frame


def expanded(lines: pd.DataFrame) -> dict[tuple[str, int], tuple[str, int]]:
    """Return (file_id, line) where a row first stood → where it stands now."""
    found = {}
    for run in lines.itertuples():
        for n in range(run.rows):
            found[run.file_id, run.source_row + n] = (run.current_file_id, run.current_row + n)
    assert len(found) == lines["rows"].sum()
    return found


@given(st.lists(st.tuples(ROWS, GAPS), min_size=1, max_size=5))
def test_over_any_dumps_a_row_has_the_place_of_the_first_dump_with_so_many_like_it(
    nights: list[tuple[list[tuple[str, str]], list[int]]],
) -> None:
    known, first = KNOWN.empty_table(), {}
    for number, (rows, gaps) in enumerate(nights):
        now = dump(f"file{number}", rows, gaps)
        seen: dict[tuple[str, str], int] = {}
        expected = []
        for row, line in zip(rows, now["source_row"], strict=True):
            seen[row] = seen.get(row, 0) + 1
            expected.append(first.setdefault((row, seen[row]), (f"file{number}", line)))
        found = traced(now, known)
        assert list(zip(found.rows["file_id"], found.rows["source_row"], strict=True)) == expected
        assert found.rows.drop(columns=TRACE).equals(now.drop(columns=TRACE))
        assert not found.rows.duplicated(TRACE).any()
        own = zip(now["file_id"], now["source_row"], strict=True)
        assert expanded(found.lines) == dict(zip(expected, own, strict=True))
        known = pa.concat_tables([known, found.fresh])
        assert len(known) == len(first)


def test_a_dump_that_grew_is_two_runs_and_a_shifted_one_too() -> None:
    was = dump("old", [("a", "x"), ("b", "x"), ("a", "")], [1] * 8)
    known = traced(was, KNOWN.empty_table()).fresh
    grown = traced(dump("new", [("a", "x"), ("b", "x"), ("a", ""), ("b", "")], [1] * 8), known)
    assert grown.lines.to_dict("list") == {
        "file_id": ["old", "new"],
        "source_row": [2, 5],
        "rows": [3, 1],
        "current_file_id": ["new", "new"],
        "current_row": [2, 5],
    }
    shifted = traced(dump("new", [("b", ""), ("a", "x"), ("b", "x"), ("a", "")], [1] * 8), known)
    assert expanded(shifted.lines)["old", 2] == ("new", 3)
    assert len(shifted.lines) == 2


@pytest.mark.parametrize("column", [None, ""])
def test_a_column_that_comes_empty_makes_no_row_another_one(column: str | None) -> None:
    was = dump("old", [("a", "x")], [1] * 8)
    known = traced(was, KNOWN.empty_table()).fresh
    wider = dump("new", [("a", "x")], [1] * 8).assign(three=pd.Series([column], dtype="str"))
    assert traced(wider, known).rows["file_id"].tolist() == ["old"]
    assert traced(wider.assign(three="y"), known).rows["file_id"].tolist() == ["new"]


def test_a_value_in_another_column_is_another_row() -> None:
    known = traced(dump("old", [("x", "")], [1] * 8), KNOWN.empty_table()).fresh
    assert traced(dump("new", [("", "x")], [1] * 8), known).rows["file_id"].tolist() == ["new"]


def test_an_empty_dump_has_no_rows_and_no_lines() -> None:
    found = traced(dump("new", [], []), KNOWN.empty_table())
    assert (len(found.rows), len(found.fresh), len(found.lines)) == (0, 0, 0)
