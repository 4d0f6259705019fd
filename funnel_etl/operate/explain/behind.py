"""Why one number moved: the rows behind it on both nights, the files they stand in, and their lines as they came.

`funnel-etl changes` and the page show the same of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa
from upath import UPath

from funnel_etl.observe.changes.contracts import CHANGED_ROWS
from funnel_etl.operate.explain.changes import NEWEST
from funnel_etl.operate.explain.current_lines import LandedLine, current_lines
from funnel_etl.operate.explain.moved_rows import (
    Cells,
    MovedRow,
    Side,
    file_names,
    landed_cells,
    moved_rows,
    published_rows,
)
from funnel_etl.operate.explain.published import published_database
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing


@dataclass(frozen=True)
class Behind:
    """The first rows behind a number that moved, of `count`.

    `files`: file_id → what people call it; `cells`: of a line, by column; a line that is no longer kept is not in it.
    """

    rows: list[MovedRow]
    count: int
    files: Mapping[str, str]
    cells: Mapping[LandedLine, Cells]

    def place(self, line: LandedLine | None) -> str:
        """Return a line as people look for it: file, day it came, line; nothing for none."""
        return f"{self.files.get(line[0], line[0][:12])} line {line[1]}" if line else ""


def rows_that_moved(
    settings: Settings, metric: str, day: pd.Timestamp, funnel: str, as_of: date | None = None, *, most: int
) -> Behind:
    """Return the rows that moved a number of a day and funnel, `most` of them with what their lines hold."""
    with published_database(settings, "changes") as connection:
        found = moved_rows(_changed_rows(settings, connection, as_of), metric, day, funnel)
        shown = found[:most]
        lines = [side.line for row in shown for side in (row.before, row.after) if side.line]
        names = file_names(connection, [file_id for file_id, _ in lines], settings.timezone)
        now = current_lines(connection, lines)
    cells = landed_cells(Landing(UPath(settings.landing_root)), shown, now)
    return Behind(shown, len(found), names, cells)


def line_as_landed(settings: Settings, table: str, line: LandedLine) -> Cells | None:
    """Return the cells of the line that a row of a table comes from; None: it is no longer kept."""
    side = Side(None, None, None, line)
    with published_database(settings) as connection:
        now = current_lines(connection, [line])
    return landed_cells(Landing(UPath(settings.landing_root)), [MovedRow(table, side, side)], now).get(line)


def _changed_rows(settings: Settings, connection: sa.Connection, as_of: date | None) -> pd.DataFrame:
    newest = connection.execute(NEWEST).scalar()
    if as_of in (None, newest):
        return published_rows(connection)
    lake = Lake(UPath(settings.lake_root))
    return lake.read(CHANGED_ROWS, as_of) if lake.exists(CHANGED_ROWS, as_of) else CHANGED_ROWS.empty()
