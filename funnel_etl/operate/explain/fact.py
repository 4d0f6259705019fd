"""The rows behind a number of the facts, each with its line of a file; they sum to the number, or it is said.

Which rows those are is declared once, in `marts/funnel/contracts.ORIGINS`; here it becomes SQL over what is published.
"""

import csv
import difflib
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd
import sqlalchemy as sa

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.values.text import lookup_key
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_SALES, ORIGINS, Origin
from funnel_etl.operate.explain.current_lines import NEWEST_LINE
from funnel_etl.operate.worklist.worklist import escaped
from funnel_etl.platform.postgres.masking import masked_column, masking_rows

FILE = "LATERAL (SELECT name, received_at FROM ops.files WHERE file_id = t.file_id ORDER BY received_at LIMIT 1)"

ALL = "all funnels"
OF = "(CAST(:funnel AS text) IS NULL OR {} = :funnel)"
"""SQL for a row that is of the funnel, or of any when none is asked for."""


@dataclass(frozen=True)
class Period:
    """A day, or a whole month (its first and last day)."""

    first: date
    last: date

    @property
    def is_month(self) -> bool:
        """Whether it is a month: then the number is that of `mart.funnel_monthly`."""
        return self.first != self.last

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}" if self.is_month else self.first.isoformat()


@dataclass(frozen=True)
class Explained:
    """A number as published and the rows behind it: what names each, its value, file and line."""

    measure: str
    funnel: str
    period: Period
    published: Decimal
    rows: pd.DataFrame
    quarantined: pd.DataFrame

    @property
    def total(self) -> Decimal:
        """What the rows sum to."""
        return sum((Decimal(value) for value in self.rows["value"]), Decimal(0))

    @property
    def is_whole(self) -> bool:
        """Whether the rows sum to exactly what is published."""
        return self.total == self.published


def explain_fact(
    connection: sa.Connection,
    tables: dict[str, Table],
    measure: str,
    funnel: str | None,
    period: Period,
    *,
    more: Collection[str] = (),
    is_masked: bool = False,
) -> Explained:
    """Find the rows behind a number. Raises `FunnelError` for one that is not there, with likely ones.

    `funnel` None: of all. `more`: columns that are shown too where the table has them; `is_masked`: people as in
    `mart_masked`.
    """
    if measure not in ORIGINS:
        raise FunnelError(
            f"{measure!r} is no measure of mart.funnel_facts", where="--measure", fix=meant(measure, list(ORIGINS))
        )
    name = None if funnel is None else _known_funnel(connection, funnel)
    origin = ORIGINS[measure]
    sql = _sql(origin, tables[origin.table], more, is_masked=is_masked)
    rows = pd.read_sql(sa.text(sql), connection, params=_values(name, period))
    rows["line_now"] = rows["line_now"].astype("Int64")  # none: it is in no newest dump
    rows["value"] = rows["value"].map(lambda value: Decimal(0) if pd.isna(value) else Decimal(str(value)))
    published = connection.execute(sa.text(_published(measure, period)), _values(name, period)).scalar()
    quarantined = pd.read_sql(sa.text(QUARANTINED), connection, params={"asset": origin.table})
    return Explained(measure, name or ALL, period, Decimal(published or 0), rows, quarantined)


def as_csv(found: Explained) -> bytes:
    """Return all rows as CSV for a spreadsheet."""
    return rows_as_csv(found.rows)


def rows_as_csv(rows: pd.DataFrame) -> bytes:
    """Return rows as CSV for a spreadsheet: UTF-8 with BOM, no cell that it would calculate."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(rows.columns)
    cells = rows.astype("object").where(rows.notna(), "").to_numpy().tolist()
    writer.writerows([[escaped(cell) if isinstance(cell, str) else cell for cell in row] for row in cells])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


QUARANTINED = (
    "SELECT reason, count(*) AS rows, min(fix_hint) AS fix FROM ops.quarantine "
    "WHERE asset = :asset AND resolved_at IS NULL GROUP BY reason ORDER BY 2 DESC"
)


def _sql(origin: Origin, table: Table, more: Collection[str], *, is_masked: bool) -> str:
    """Return the query for the rows behind a cell: what names each row, its value, and its line."""
    names = dict.fromkeys([name for name in (*table.key, *more) if name not in {"file_id", "source_row"}])
    columns = [column for name in names for column in table.columns if column.name == name]
    texts = [masked_column(column).replace(":", "\\:") if is_masked else f't."{column.name}"' for column in columns]
    shown = "".join(f'{text} AS "{column.name}", ' for text, column in zip(texts, columns, strict=True))
    masks = f"CROSS JOIN {masking_rows()} ".replace(":", "\\:") if is_masked else ""
    value = f't."{origin.summed}"' if origin.summed else "1"
    day, join = f't."{origin.day}"', ""
    if "." in origin.day:
        other, _, column = origin.day.rpartition(".")
        day, join = f'e."{column}"', f"JOIN {other} AS e USING (occurrence_id)"
    funnel = "final_funnel" if table == ATTRIBUTED_SALES else "funnel"
    where = f'AND t."{origin.where}"{f" = {origin.is_value}" if origin.is_value else ""}' if origin.where else ""
    return (
        f"SELECT {day} AS day, {shown}{value} AS value, f.name AS file, t.source_row AS line, t.file_id, "  # noqa: S608
        "f.received_at, n.current_row AS line_now "
        f"FROM {origin.table} AS t {join} {masks}LEFT JOIN {FILE} AS f ON true "
        f"LEFT JOIN LATERAL {NEWEST_LINE.format(row='t')} AS n ON true "
        f"WHERE {day} BETWEEN :first AND :last AND {OF.format(f't.{funnel}')} {where} "
        "ORDER BY 1, t.file_id, t.source_row"
    )


def _published(measure: str, period: Period) -> str:
    if period.is_month:
        return f"SELECT sum({measure}) FROM mart.funnel_monthly WHERE month = :first AND {OF.format('funnel')}"  # noqa: S608
    return f"SELECT sum({measure}) FROM mart.funnel_facts WHERE date = :first AND {OF.format('funnel')}"  # noqa: S608


def _values(funnel: str | None, period: Period) -> dict[str, str | date | None]:
    return {"funnel": funnel, "first": period.first, "last": period.last}


def _known_funnel(connection: sa.Connection, funnel: str) -> str:
    names = list(connection.execute(sa.text("SELECT DISTINCT funnel FROM mart.funnel_facts ORDER BY 1")).scalars())
    for name in names:
        if lookup_key(name) == lookup_key(funnel):
            return str(name)
    raise FunnelError(f"no fact is of the funnel {funnel!r}", where="--funnel", fix=meant(funnel, names))


def meant(typed: str, known: list[str]) -> str:
    """Return which known name was probably meant, or list them."""
    keys = {lookup_key(name): name for name in known}
    near = [keys[key] for key in difflib.get_close_matches(lookup_key(typed), list(keys), n=3, cutoff=0.5)]
    return f"did you mean {' or '.join(near)}?" if near else f"one of: {', '.join(known) or 'none is published yet'}"
