"""The words of `funnel-etl config preview`."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.numbers import measure as measure_text
from funnel_etl.operate.rerun.preview import Preview, preview, refuse_other_file, write_detail
from funnel_etl.settings import Settings

HEADERS = ("month", "from", "to", "leads", "assigned", "M0", "sales", "revenue", "spend")
SHOWN = ("leads", "assigned_rows", "m0_assigned", "sales", "revenue_inr", "spend_inr")


def show(settings: Settings, out: Console, err: Console, *, to: Path | None, limit: int) -> int:
    """Preview, tell it, and return the exit code: 1 when the night would not take the edit."""
    if to:
        refuse_other_file(to)
    found = preview(settings)
    if not found.is_taken:
        for error in found.errors:
            err.print(error, style="red", markup=False, highlight=False)
        for asset, why in found.failures.items():
            err.print(f"{asset}: {why}", style="red", markup=False, highlight=False)
        _notes(found, err)
        told = "reject the tables named above and keep their last good version" if found.errors else "fail with it"
        err.print(f"The next night would {told}. Nothing was changed.", markup=False)
        return 1
    if not len(found.lines):
        out.print(f"{found.folder} is as the night {found.night} used it: nothing moves.", markup=False)
        _notes(found, out)
        return 0
    out.print(f"Night {found.night} again, with {found.folder} as it is on disk now:", markup=False)
    for line in _config_lines(found.lines):
        out.print(line, markup=False)
    _numbers(found, out, limit)
    _notes(found, out)
    if to:
        write_detail(found, to)
        out.print(f"Every number that differs: {to}", markup=False)
    out.print("Nothing was changed. The next night takes the edit; to take it now: funnel-etl run", markup=False)
    return 0


def _notes(found: Preview, out: Console) -> None:
    for note in found.notes:
        out.print(note, markup=False)


def _config_lines(lines: pd.DataFrame) -> Iterable[str]:
    for row in lines.to_dict("records"):
        counts = ", ".join(f"{row[name]} {name}" for name in ("added", "removed", "changed") if row[name])
        yield f"  {row['name']}.csv: {'its lines in another order' if row['order_only'] else f'lines: {counts}'}"


def _numbers(found: Preview, out: Console, limit: int) -> None:
    if found.tables.empty:
        out.print("The edit moves nothing: every table stays as it is.", style="bold")
        return
    if found.moved.empty and found.totals.empty:
        out.print("No lead, sale or rupee changes its month or funnel.", style="bold")
    if len(found.moved):
        out.print("What changes its funnel, by month:", style="bold")
        _print(found.moved, HEADERS, _moved_row, out, limit)
    if len(found.totals):
        out.print("Totals of the month, over all funnels, that change:", style="bold")
        _print(found.totals, ("month", "measure", "before", "after", "difference"), _total_row, out, limit)
    elif len(found.moved):
        out.print("The totals of each month, over all funnels, stay as they are.")
    out.print("Tables with other rows:", style="bold")
    _print(found.tables, ("table", "added", "removed", "changed"), _table_row, out, len(found.tables))


def _print(
    rows: pd.DataFrame,
    headers: tuple[str, ...],
    cells: Callable[[dict[str, object]], list[str]],
    out: Console,
    limit: int,
) -> None:
    shown = RichTable(*headers, box=None)
    for column in shown.columns:
        column.justify = "left" if column.header in {"month", "from", "to", "measure", "table"} else "right"
    for row in rows.head(limit).to_dict("records"):
        shown.add_row(*(text.replace("[", "\\[") for text in cells({str(k): v for k, v in row.items()})))
    out.print(shown)
    if len(rows) > limit:
        out.print(f"  … and {grouped(len(rows) - limit)} more rows, in the file of --to")


def _moved_row(row: dict[str, object]) -> list[str]:
    numbers = [_number(name, row[name]) if row[name] else "" for name in SHOWN]
    return [_month(row), str(row["from_funnel"]), str(row["to_funnel"]), *numbers]


def _total_row(row: dict[str, object]) -> list[str]:
    name = str(row["measure"])
    return [_month(row), name, *(_number(name, row[side]) for side in ("before", "after", "difference"))]


def _table_row(row: dict[str, object]) -> list[str]:
    return [str(row["table_name"]), *(f"{grouped(int(str(row[name])))}" for name in ("added", "removed", "changed"))]


def _month(row: dict[str, object]) -> str:
    return f"{pd.Timestamp(str(row['month'])):%Y-%m}"


def _number(measure: str, value: object) -> str:
    whole = int(str(value))
    return measure_text(measure, Decimal(whole) / 100 if measure.endswith("_inr") else whole)
