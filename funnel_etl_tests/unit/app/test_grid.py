"""A table as a grid and back: nothing changes by being looked at."""

from datetime import date

import pandas as pd
import pytest

from funnel_etl.app.grid import PLACE, choices, counts, grid_of, lines_of
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.operate.mappings.save import GRIDS, ORDERED
from funnel_etl.operate.mappings.table import EditedLine, table_of, written

DATA = b"source,funnel,valid_from,valid_to,note\nA,Webinar,2026-01-05,,\nB,Bootcamp,,,x\n"


@pytest.mark.parametrize("name", GRIDS)
def test_no_table_of_the_demo_changes_by_being_shown(name: str) -> None:
    path = DEMO_CONFIG / f"{name}.csv"
    table = table_of(name, path.read_bytes() if path.exists() else None)
    grid = grid_of(table, table.lines, is_ordered=name in ORDERED)
    assert lines_of(grid, grid.frame) == table.lines
    assert written(table, lines_of(grid, grid.frame)) == (table.data or b"")


def test_days_are_days_in_the_grid_and_text_in_the_file() -> None:
    table = table_of("funnel_mapping", DATA)
    grid = grid_of(table, table.lines, is_ordered=False)
    assert grid.dates == {"valid_from", "valid_to"}
    assert grid.frame.loc[0, "valid_from"] == date(2026, 1, 5)


@pytest.mark.parametrize("name", GRIDS)
def test_a_table_without_a_line_has_columns_that_an_editor_takes_days_in(name: str) -> None:
    grid = grid_of(table_of(name, None), [], is_ordered=name in ORDERED)
    assert {str(grid.frame[column].dtype) for column in grid.dates} <= {"object"}


def test_what_nobody_sees_in_a_cell_is_not_saved() -> None:
    table = table_of("funnel_mapping", DATA)
    grid = grid_of(table, table.lines, is_ordered=False)
    edited = grid.frame.assign(note=["a\x00b", "x"])
    assert b"\x00" not in written(table, lines_of(grid, edited))


def test_days_in_another_spelling_stay_as_they_were_typed() -> None:
    table = table_of("funnel_mapping", DATA.replace(b"2026-01-05", b"05 Jan 2026"))
    grid = grid_of(table, table.lines, is_ordered=False)
    assert "valid_from" not in grid.dates
    assert lines_of(grid, grid.frame) == table.lines


def test_edits_are_lines_of_where_they_were() -> None:
    table = table_of("funnel_mapping", DATA)
    grid = grid_of(table, table.lines, is_ordered=False)
    edited = grid.frame.copy()
    edited.loc[1, "note"] = None
    edited.loc[2] = ["New", "App", pd.NaT, None, None]
    edited.loc[3] = [None] * 5
    found = lines_of(grid, edited.drop(index=0))
    assert found == [EditedLine(1, ("B", "Bootcamp", "", "", "")), EditedLine(None, ("New", "App", "", "", ""))]
    assert counts(table, found) == {"added": 1, "changed": 1, "removed": 1, "moved": 0}


def test_a_place_between_two_lines_puts_a_row_there() -> None:
    table = table_of("campaign_mapping", b"utm_source,utm_medium,utm_campaign,funnel\na,,,X\nb,,,X\n")
    grid = grid_of(table, table.lines, is_ordered=True)
    edited = grid.frame.copy()
    edited.loc[2] = [1.5, "new", None, None, "X"]
    edited.loc[3] = [None, "last", None, None, "X"]
    assert list(edited[PLACE])[:3] == [1.0, 2.0, 1.5]
    assert [line.cells[0] for line in lines_of(grid, edited)] == ["a", "new", "b", "last"]


def test_a_column_of_few_words_offers_them_and_what_stands_there() -> None:
    table = table_of("expected_exports", b"profile,weekday,report\np,Wensday,attendee\n")
    assert choices(table, "report") == ["attendee", "registration"]
    assert (choices(table, "weekday") or [])[-1] == "Wensday"
    assert choices(table, "profile") is None
