"""The words of `funnel-etl changes`: what moved since the night published before, and why."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import lookup_key
from funnel_etl.files import storage_error, write_whole
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.observe.changes.contracts import CAUSES, CHANGED_ROWS
from funnel_etl.observe.changes.render import LABELS, movers, number, summary_lines
from funnel_etl.operate.explain.behind import Behind, rows_that_moved
from funnel_etl.operate.explain.changes import changes_of
from funnel_etl.operate.explain.fact import meant
from funnel_etl.operate.explain.moved_rows import MovedRow, Side, differing
from funnel_etl.operate.explain.published import published_database
from funnel_etl.settings import Settings

SHOWN = 40
ROWS_SHOWN = 10


def show(
    settings: Settings,
    out: Console,
    *,
    as_of: date | None,
    day: date | None,
    funnel: str | None,
    metric: str | None,
    to: Path | None,
) -> int:
    """Show what moved: all of it in sums, or the numbers of a day, funnel or metric with their causes."""
    rows = changes_of(settings, as_of)
    if not len(rows):
        out.print("Nothing moved, or it is the first night: there is nothing to compare with.")
        return 0
    asked = _asked(rows, day, _known_funnel(settings, rows, funnel) if funnel else None, metric)
    if to:
        _write(asked, to)
        out.print(f"{to}: {grouped(len(asked))} rows", markup=False)
    night, since = rows["as_of"].iloc[0], rows["previous_as_of"].iloc[0]
    out.print(f"Night {night:%Y-%m-%d} against the night published before it, {since:%Y-%m-%d}.", highlight=False)
    if day is None and funnel is None and metric is None:
        _sums(rows, out)
        for line in summary_lines(rows, night):
            out.print(line, markup=False, highlight=False)
        out.print("One number: funnel-etl changes --date 2026-11-12 --funnel Webinar --metric revenue_inr")
        return 0
    _numbers(settings, asked, as_of, out)
    return 0


def _known_funnel(settings: Settings, rows: pd.DataFrame, funnel: str) -> str:
    """Return the funnel as the facts write it. Raises `FunnelError`: "did not move" of no funnel would be good news."""
    with published_database(settings, "changes") as connection:
        names = connection.execute(sa.text("SELECT DISTINCT funnel FROM mart.funnel_facts")).scalars()
        known: dict[str, str] = {lookup_key(name): name for name in [*rows["funnel"], *names]}
    if lookup_key(funnel) not in known:
        raise FunnelError(
            f"no funnel is called {funnel!r}", where="--funnel", fix=meant(funnel, sorted(known.values()))
        )
    return known[lookup_key(funnel)]


def _asked(rows: pd.DataFrame, day: date | None, funnel: str | None, metric: str | None) -> pd.DataFrame:
    if metric is not None:
        known = {lookup_key(name): name for name in MEASURES}
        if lookup_key(metric) not in known:
            raise FunnelError(
                f"{metric!r} is no measure of mart.funnel_facts", where="--metric", fix=meant(metric, list(MEASURES))
            )
        rows = rows[rows["metric"] == known[lookup_key(metric)]]
    if funnel is not None:
        rows = rows[rows["funnel"] == funnel]
    return rows if day is None else rows[rows["date"] == pd.Timestamp(day)]


def _sums(rows: pd.DataFrame, out: Console) -> None:
    sums = {(row["metric"], row["cause"]): int(row["net"]) for row in movers(rows).to_dict("records")}
    causes = [cause for cause in CAUSES if cause in {cause for _, cause in sums}]
    shown = RichTable("measure", *(LABELS[cause] for cause in causes), "together", box=None)
    for column in shown.columns[1:]:
        column.justify = "right"
    for metric in (name for name in MEASURES if name in {name for name, _ in sums}):
        values = [sums.get((metric, cause)) for cause in causes]
        cells = ["" if value is None else number(metric, value, signed=True) for value in values]
        shown.add_row(metric, *cells, number(metric, sum(filter(None, values)), signed=True))
    out.print(shown)


def _numbers(settings: Settings, rows: pd.DataFrame, as_of: date | None, out: Console) -> None:
    """Print each number that moved, its causes, and the rows behind it with both of their lines."""
    cells = rows.groupby(["metric", "date", "funnel"], sort=False)
    if not len(rows):
        out.print("None of these numbers moved.")
        return
    for place, (_, own) in enumerate(cells):
        metric, day, funnel = own[["metric", "date", "funnel"]].iloc[0]
        if place == SHOWN:
            out.print(f"… and {grouped(cells.ngroups - SHOWN)} more numbers: --to FILE.csv has all.")
            break
        was, now = (number(metric, int(own[name].iloc[0])) for name in ("previous_value", "current_value"))
        out.print(f"{metric} of {funnel}, {day:%Y-%m-%d}: {was} → {now}", markup=False, highlight=False)
        for row in own.to_dict("records"):
            difference = number(metric, int(row["difference"]), signed=True)
            out.print(f"  {difference:>14}  {row['cause']}", markup=False, highlight=False)
        cell = f'--date {day:%Y-%m-%d} --funnel "{funnel}"'
        if cells.ngroups == 1:
            for line in _rows_behind(settings, metric, day, funnel, as_of):
                out.print(f"  {line}", markup=False, highlight=False)
        else:
            again = f"--as-of {as_of} " if as_of else ""
            way = f"funnel-etl changes {again}{cell} --metric {metric}"
            out.print(f"  its rows, before and after: {way}", markup=False, highlight=False)
        way = f"funnel-etl explain fact {cell} --measure {metric}"
        out.print(f"  all rows it counts now: {way}", markup=False, highlight=False)
    for cause in (cause for cause in CAUSES if cause in set(rows["cause"])):
        out.print(f"{cause}: {CAUSES[cause]}", markup=False, highlight=False)


def _rows_behind(settings: Settings, metric: str, day: pd.Timestamp, funnel: str, as_of: date | None) -> Iterator[str]:
    """Show which rows moved a number: where each stood and stands, and what differs in its line."""
    found = rows_that_moved(settings, metric, day, funnel, as_of, most=ROWS_SHOWN)
    if not found.count:
        yield "no row of a day that was published before: it is a new day, or another version of the code"
        return
    yield f"the rows behind it ({grouped(found.count)}):"
    for row in found.rows:
        yield from _row_lines(row, metric, found)
    if found.count > len(found.rows):
        yield f"  … and {grouped(found.count - len(found.rows))} more: they are in {CHANGED_ROWS.full_name}"


def _row_lines(row: MovedRow, metric: str, found: Behind) -> Iterator[str]:
    places = [found.place(side.line) for side in (row.before, row.after)]
    yield f"  {row.kind}: {' → '.join(filter(None, places))}"
    counted = [_counted(side, metric) for side in (row.before, row.after)]
    yield f"    counted: {counted[0]} → {counted[1]}"
    before, after = (found.cells.get(side.line) if side.line else None for side in (row.before, row.after))
    for side, record in ((row.before, before), (row.after, after)):
        if side.line and record is None:
            yield f"    line {side.line[1]} is no longer kept: it was erased, or its file was purged"
    if before is not None and after is not None:
        changed = differing(before, after)
        for column, (was, now) in changed.items():
            yield f"    {column}: {was or '(blank)'} → {now or '(blank)'}"
        if not changed:
            yield "    its line is the same: an edit of config_csv, or another row that it follows from, moved it"
    else:
        record = before or after or {}
        yield from (f"    {column}: {text}" for column, text in record.items() if text)


def _counted(side: Side, metric: str) -> str:
    return "not" if side.value is None else f"{number(metric, side.value)} for {side.funnel} on {side.date}"


def _write(rows: pd.DataFrame, to: Path) -> None:
    money = {
        name: [
            str(Decimal(int(value)) / 100 if metric.endswith("_inr") else int(value) // 100)
            for metric, value in zip(rows["metric"], rows[name], strict=True)
        ]
        for name in ("difference", "previous_value", "current_value")
    }
    try:
        write_whole(to, rows.assign(**money).to_csv(index=False, date_format="%Y-%m-%d").encode("utf-8-sig"))
    except OSError as error:
        raise storage_error(error, "it", str(to), "name another file with --to") from error
