"""The words of `funnel-etl worklist`."""

from decimal import Decimal
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table as RichTable
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.worklist.contracts import WHAT_TO_DO
from funnel_etl.operate.worklist.apply import apply_worklist
from funnel_etl.operate.worklist.worklist import Worklist, newest_worklist, waiting_files, write_worklist
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS
from funnel_etl.parts.marketing.zoom.intake import SOURCE as ZOOM
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

NEXT = "What it moves: funnel-etl config preview. The next night takes it; to take it now: funnel-etl run"


def show(settings: Settings, out: Console, err: Console, *, to: Path | None, apply: Path | None, limit: int) -> int:
    """Do what the options say, tell it, and return the exit code."""
    if to and apply:
        raise FunnelError("--to and --apply do not go together", where="worklist", fix="write the file, then apply it")
    if apply:
        return _apply(settings, out, err, apply)
    if to:
        sources = NightlySources(settings, Landing(UPath(settings.landing_root)))
        found = write_worklist(settings, sources, to)
        out.print(f"{to}: {_things(len(found.rows))} of night {found.night}.", markup=False)
        out.print(
            "Fill in `funnel` where you decide (and valid_from, valid_to, note), save as CSV, then:", markup=False
        )
        out.print(f"funnel-etl worklist --apply {to}", markup=False)
        return 0
    found = newest_worklist(settings.lake_root)
    _table(found, out, limit, Landing(UPath(settings.landing_root)))
    for name, why in waiting_files(settings.lake_root, found.night).itertuples(index=False):
        out.print(f"{name} waits: {why}", markup=False)
    return 0


def _table(found: Worklist, out: Console, limit: int, landing: Landing) -> None:
    if found.rows.empty:
        out.print(f"Night {found.night}: nothing to decide.")
        return
    shown = RichTable("kind", "item", "revenue", "spend", "leads", "sales", "last seen", "perhaps", box=None)
    for column in shown.columns[2:6]:
        column.justify = "right"
    reports = _report_names(found.rows.head(limit), landing)
    for row in found.rows.head(limit).to_dict("records"):
        line = f" ({row['config_table']}.csv line {row['config_line']})" if row["config_line"] else ""
        perhaps = "" if pd.isna(row["suggested_funnel"]) else f"{row['suggested_funnel']} ({_like(row)})"
        perhaps = perhaps if pd.isna(row["detail"]) else str(row["detail"])
        if row["item_kind"] in FINDINGS:
            report = f"{reports.get(row['file_id'], row['file_id'])} line {row['source_row']}"
            perhaps = f"{grouped(row['rows_count'])} attended, as in {report}"
        last = "" if pd.isna(row["last_date"]) else f"{row['last_date']:%Y-%m-%d}"
        money = [rupees(Decimal(int(row[name])) / 100) for name in ("revenue_inr", "spend_inr")]
        counts = [f"{grouped(row[name])}" for name in ("leads", "sales")]
        shown.add_row(*map(_plain, (row["item_kind"], f"{row['item']}{line}", *money, *counts, last, perhaps)))
    out.print(shown)
    more = len(found.rows) - limit
    rest = f", {grouped(more)} more with --limit {len(found.rows)}" if more > 0 else ""
    out.print(f"Night {found.night}: {_things(len(found.rows))}, the highest revenue first{rest}.")
    for kind in dict.fromkeys(found.rows.head(limit)["item_kind"]):
        if kind in FINDINGS:
            out.print(f"{kind}: {FINDINGS[kind].says}. {WHAT_TO_DO[kind]}", markup=False)
    out.print("To decide them in a spreadsheet: funnel-etl worklist --to worklist.csv")


def _report_names(rows: pd.DataFrame, landing: Landing) -> dict[str, str]:
    """Return the names under which the reports of webinars arrived, by file_id."""
    wanted = set(rows.loc[rows["item_kind"].isin(list(FINDINGS)), "file_id"].dropna())
    return {a.file_id: a.name for a in landing.arrivals(ZOOM) if a.file_id in wanted} if wanted else {}


def _like(row: dict[object, object]) -> str:
    return f"{float(str(row['similarity'])):.0%} like {row['suggested_from']}"


def _apply(settings: Settings, out: Console, err: Console, file: Path) -> int:
    done = apply_worklist(settings, file)
    if done.errors:
        for error in done.errors:
            err.print(error, style="red", markup=False, highlight=False)
        err.print("Nothing was changed.", markup=False)
        return 1
    for table, records in done.added.items():
        out.print(f"{settings.config_folder / table}.csv: {_lines(len(records))} added", markup=False)
        for record in records:
            out.print("  " + ", ".join(text for text in record.values() if text), markup=False, highlight=False)
    counts = f"{grouped(done.already)} stood there already, {grouped(done.unfilled)} rows are not filled in."
    out.print(f"{'Nothing to add: ' if not done.added else ''}{counts}", markup=False)
    if done.added:
        out.print(NEXT, markup=False)
    return 0


def _things(count: int) -> str:
    return "1 thing to decide" if count == 1 else f"{grouped(count)} things to decide"


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{grouped(count)} lines"


def _plain(text: object) -> str:
    return str(text).replace("[", "\\[")
