"""The rows behind a number that moved, with both of their lines as they were landed.

Which rows those are is in `ops.changed_rows`; here their lines are read from the landing archive. How it looks is in
`changes_render`.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from funnel_etl.core.reading.csvfile import PROBLEM, RESERVED
from funnel_etl.core.values.text import decode
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, ATTRIBUTED_SALES
from funnel_etl.observe.changes.contracts import CHANGED_ROWS
from funnel_etl.observe.changes.rows import BY_TABLE
from funnel_etl.operate.explain.current_lines import LandedLine, kept_lines
from funnel_etl.sources.archive.landing import Landing

Cells = Mapping[Hashable, str]

SOURCE_OF = {source.clean.full_name: name for name, source in BY_TABLE.items()} | {
    ATTRIBUTED_M0.full_name: "assigned_leads",
    ATTRIBUTED_SALES.full_name: "sales",
}
"""Table → the pulled source whose lines its rows come from; the others' come from Zoom reports."""


@dataclass(frozen=True)
class Side:
    """A row on one of the two nights: where and what it counted (`value` None: it did not), and its line, if any."""

    date: date | None
    funnel: str | None
    value: int | None
    line: LandedLine | None


@dataclass(frozen=True)
class MovedRow:
    """A row behind a number that moved, on the last published night and on this one."""

    table: str
    before: Side
    after: Side

    @property
    def kind(self) -> str:
        """What became of it: it came, it is gone, or it (or what it follows from) changed."""
        if self.before.line is None:
            return "came"
        return "gone" if self.after.line is None else "changed"


def moved_rows(rows: pd.DataFrame, metric: str, day: pd.Timestamp, funnel: str) -> list[MovedRow]:
    """Return the rows of `ops.changed_rows` that moved one number, into it or out of it."""
    own = rows[rows["metric"] == metric]
    in_it = [(own[f"{side}_date"] == day) & (own[f"{side}_funnel"] == funnel) for side in ("before", "after")]
    found = own[(in_it[0] | in_it[1]).fillna(value=False).astype(bool)]
    return [MovedRow(row["table_name"], _side(row, "before"), _side(row, "after")) for row in found.to_dict("records")]


def published_rows(connection: sa.Connection) -> pd.DataFrame:
    """Return `ops.changed_rows` as published; values in hundredths."""
    query = sa.text(f"SELECT * FROM {CHANGED_ROWS.full_name} ORDER BY metric, number")  # noqa: S608 - ours
    rows = pd.read_sql(query, connection, coerce_float=False)
    for name in ("before_value", "after_value"):
        rows[name] = rows[name].map(lambda value: None if value is None else int(value * 100)).astype("Int64")
    return CHANGED_ROWS.conform(rows)


def landed_cells(
    landing: Landing, rows: Iterable[MovedRow], now: Mapping[LandedLine, LandedLine]
) -> dict[LandedLine, Cells]:
    """Return the cells of the rows' lines by their column, as they came; of a Zoom report the whole line.

    A line whose file is no longer kept is read in the newest dump (`now`); one that is not in it, or was erased, is
    left out.
    """
    tables = {side.line: row.table for row in rows for side in (row.before, row.after) if side.line}
    wanted: dict[tuple[str, str], dict[int, LandedLine]] = {}
    for line, (file_id, number) in kept_lines(landing, tables, now).items():
        wanted.setdefault((tables[line], file_id), {})[number] = line
    found: dict[LandedLine, Cells] = {}
    for (table, file_id), lines in wanted.items():
        data = landing.read(file_id)
        cells = _of_source(data, SOURCE_OF[table], {*lines}) if table in SOURCE_OF else _of_report(data, {*lines})
        found |= {lines[number]: record for number, record in cells.items()}
    return found


def differing(before: Cells, after: Cells) -> dict[Hashable, tuple[str, str]]:
    """Return the columns in which two lines differ: before and after."""
    names = dict.fromkeys([*before, *after])
    return {name: (before.get(name, ""), after.get(name, "")) for name in names if before.get(name) != after.get(name)}


def file_names(connection: sa.Connection, file_ids: Iterable[str], zone: str) -> dict[str, str]:
    """Return what people call each landed file: the name it came under first, and when, in `zone`."""
    query = (
        "SELECT DISTINCT ON (file_id) file_id, name, "
        "to_char(received_at AT TIME ZONE :zone, 'YYYY-MM-DD HH24:MI') AS at FROM ops.files WHERE file_id = ANY(:ids) "
        "ORDER BY file_id, received_at"
    )
    found = connection.execute(sa.text(query), {"ids": sorted(set(file_ids)), "zone": zone})
    return {row.file_id: f"{row.name} of {row.at}" for row in found}


def _side(row: Mapping[Hashable, Any], side: str) -> Side:
    names = [f"{side}_{name}" for name in ("date", "funnel", "value", "file_id", "source_row")]
    day, funnel, value, file_id, line = (None if pd.isna(row[name]) else row[name] for name in names)
    where = None if file_id is None or line is None else (str(file_id), int(line))
    return Side(day.date() if day is not None else None, funnel, None if value is None else int(value), where)


def _of_source(data: bytes, source: str, lines: set[int]) -> dict[int, Cells]:
    declared = BY_TABLE[source]
    rows = declared.read(data, [column.name for column in declared.columns]).rows
    own = rows[rows["source_row"].isin(lines)]
    cells = own.drop(columns=[name for name in (*RESERVED, PROBLEM) if name in own]).astype("str").fillna("")
    return {int(line): record for line, record in zip(own["source_row"], cells.to_dict("records"), strict=True)}


def _of_report(data: bytes, lines: set[int]) -> dict[int, Cells]:
    texts = decode(data).text.splitlines()
    return {line: {"line": texts[line - 1]} for line in lines if line <= len(texts) and texts[line - 1].strip(" ,")}
