"""`funnel-etl bench`: measure, say meanwhile where it is, then show tables and write a JSON file and a picture."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.bench import nights
from funnel_etl.bench.inputs import read_size
from funnel_etl.bench.nights import FLOOR
from funnel_etl.bench.picture import draw
from funnel_etl.bench.report import Report, as_json, machine, report
from funnel_etl.core.values.numbers import grouped

MEGABYTE = 1e6


def show_bench(leads: Sequence[str], runs: int, to: Path, console: Console, progress: Console, *, floor: bool) -> None:
    """Measure the nights of these sizes, so many times each, and show what they cost; with `floor` the floor too."""
    nights.require_linux()
    if floor:
        nights.require_duckdb()
    sizes = sorted({read_size(text) for text in leads})
    to.mkdir(parents=True, exist_ok=True)
    where, began = machine(), time.monotonic()

    def say(name: str, what: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        progress.print(f"  {minutes}:{seconds:02} {name}: {what}", markup=False, highlight=False)

    stories = []
    for run in range(1, runs + 1):
        which = f", run {run} of {runs}" if runs > 1 else ""
        stories.append(nights.empty_story(partial(say, f"no leads{which}")))
        named = {size: f"{grouped(size)} leads{which}" for size in sizes}
        stories += [nights.story(size, partial(say, name), floor=floor) for size, name in named.items()]
    result = report(where, stories)
    for table in tables(result):
        console.print(table)
    _write(result, to, console)


def tables(result: Report) -> Iterator[RichTable]:
    """Yield the figures as tables: nights, growth where there is any, stages."""
    yield _nights(result)
    if result.growth:
        yield _growth(result)
    yield _stages(result)


def title(result: Report) -> str:
    """Return what was measured, and where."""
    where = result.machine
    times = f"medians of {result.runs} runs" if result.runs > 1 else "one run"
    return (
        f"Whole nights, {times}: {where.cores} cores, load {where.load:g} before, Python {where.python}, "
        f"PostgreSQL {where.postgres}"
    )


def _nights(result: Report) -> RichTable:
    floors = {night.leads: night.cost.cpu_seconds for night in result.nights if night.kind == FLOOR}
    columns = ("leads", "night", "wall s", "CPU s", "of it client", "of it server", "peak MB")
    shown = _table(title(result), *columns, *(["CPU / floor"] if floors else []))
    for night in result.nights:
        cost = night.cost
        seconds = (cost.seconds, cost.cpu_seconds, cost.client_seconds, cost.server_seconds)
        memory = grouped(round(cost.peak_bytes / MEGABYTE))
        ratio = [f"{cost.cpu_seconds / floors[night.leads]:.1f}"] if night.leads in floors else []
        shown.add_row(grouped(night.leads), night.kind, *(f"{value:.1f}" for value in seconds), memory, *ratio)
    return shown


def _growth(result: Report) -> RichTable:
    first = result.growth[0]
    name = f"Growth from {grouped(first.smallest)} to {grouped(first.largest)} leads (exponent 1: in proportion)"
    shown = _table(name, "night", "CPU exponent", "memory exponent", "CPU µs a further lead", "bytes a further lead")
    for one in result.growth:
        exponents = (f"{value:.2f}" for value in (one.cpu_exponent, one.memory_exponent))
        per_lead = (grouped(round(value)) for value in (one.cpu_seconds_per_lead * 1e6, one.bytes_per_lead))
        shown.add_row(one.kind, *exponents, *per_lead)
    return shown


def _stages(result: Report) -> RichTable:
    name = "What the nights of a size left behind, stage by stage"
    shown = _table(name, "leads", "stage", "rows", "database MB", "lake MB (Parquet, all nights)")
    for leads, found in result.stages.items():
        for stage in found:
            megabytes = (f"{size / MEGABYTE:.1f}" for size in (stage.database_bytes, stage.lake_bytes))
            shown.add_row(grouped(leads), stage.name, grouped(stage.rows), *megabytes)
    return shown


def _table(name: str, *columns: str) -> RichTable:
    shown = RichTable(title=name)
    for column in columns:
        shown.add_column(column, justify="left" if column in ("night", "stage") else "right")
    return shown


def _write(result: Report, to: Path, console: Console) -> None:
    pages = {"bench.json": as_json(result).encode(), "bench.png": draw(result.nights, title(result))}
    for name, content in pages.items():
        (to / name).write_bytes(content)
        console.print(f"Written: {to / name}", markup=False, highlight=False)
