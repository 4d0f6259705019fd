"""A config table as the rows of an editable grid, and back again. Pure: no page, no file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args, get_origin

import pandas as pd

from funnel_etl.core.config_models import TABLES
from funnel_etl.core.values.text import typed
from funnel_etl.operate.mappings.table import Cells, ConfigTable, EditedLine, table_of

PLACE = "Place"
"""Column of a table whose first fitting line wins: where a row stands; a new row may be given 2.5."""


@dataclass(frozen=True)
class Grid:
    """What the editor is given. `frame` and `start` have the same rows; `dates`: columns that are shown as days."""

    table: ConfigTable
    start: tuple[EditedLine, ...]
    frame: pd.DataFrame
    dates: frozenset[str]


def grid_of(table: ConfigTable, lines: Sequence[EditedLine], *, is_ordered: bool) -> Grid:
    """Return lines of a table for the editor."""
    frame = pd.DataFrame([line.cells for line in lines], columns=list(table.columns), dtype="object")
    dates = frozenset(name for name in table.columns if _is_date(table, name) and _are_days(frame[name]))
    for name in dates:
        days = [date.fromisoformat(text) if text else None for text in frame[name]]
        frame[name] = pd.Series(days, index=frame.index, dtype="object")  # also of a table without a line
    if is_ordered:
        frame.insert(0, PLACE, [float(place) for place in range(1, len(frame) + 1)])
    return Grid(table, tuple(lines), frame, dates)


def lines_of(grid: Grid, edited: pd.DataFrame) -> list[EditedLine]:
    """Return what the editor has, as lines in their order; a row without any text is none."""
    rows = edited
    if PLACE in rows and not rows[PLACE].reset_index(drop=True).is_monotonic_increasing:
        rows = rows.sort_values(PLACE, kind="stable", na_position="last")
    found = []
    for place, *cells in rows[list(grid.table.columns)].itertuples(name=None):
        texts = tuple(map(_text, cells))
        is_new = not isinstance(place, int) or place >= len(grid.start)
        if any(text.strip() for text in texts):
            found.append(EditedLine(None if is_new else grid.start[place].at, texts))
    return found


def counts(table: ConfigTable, lines: Sequence[EditedLine]) -> dict[str, int]:
    """Return how many rows were added, changed and removed; whether only their order is another, as `moved`."""
    there = [line.at for line in lines if line.at is not None]
    return {
        "added": sum(line.at is None for line in lines),
        "changed": sum(line.at is not None and line.cells != table.rows[line.at] for line in lines),
        "removed": len(table.rows) - len(there),
        "moved": int(there != sorted(there)),
    }


def row_of(name: str, data: bytes, number: int) -> Cells | None:
    """Return the row on a line of a table's file; None: there is none."""
    table = table_of(name, data)
    return table.rows[table.numbers.index(number)] if number in table.numbers else None


def choices(table: ConfigTable, column: str) -> list[str] | None:
    """Return what may stand in a column that takes a few words only, with what stands there; None: any text may."""
    field = table.field_of(column)
    kind = TABLES[table.name].model_fields[field].annotation if field else None
    if get_origin(kind) is not Literal:
        return None
    at = table.columns.index(column)
    return list(dict.fromkeys([*map(str, get_args(kind)), *(row[at] for row in table.rows)]))


def _is_date(table: ConfigTable, column: str) -> bool:
    field = table.field_of(column)
    return field is not None and TABLES[table.name].model_fields[field].annotation in (date, date | None)


def _are_days(texts: pd.Series) -> bool:
    try:
        return all(date.fromisoformat(text).isoformat() == text for text in texts if text)
    except ValueError:
        return False


def _text(cell: object) -> str:
    if cell is None or cell is pd.NaT or cell != cell:  # noqa: PLR0124 - NaN is not itself
        return ""
    return f"{cell:%Y-%m-%d}" if isinstance(cell, date) else typed(str(cell))
