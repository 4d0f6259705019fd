"""The words of `funnel-etl purge`."""

from collections.abc import Iterator

from rich.console import Console

from funnel_etl.core.values.numbers import grouped
from funnel_etl.maintenance.purge import Line, Purged, run_purge
from funnel_etl.settings import Settings


def show(settings: Settings, out: Console, *, dry_run: bool) -> None:
    """Purge (or only look), and tell what went and what stayed."""
    for line in purged_lines(run_purge(settings, dry_run=dry_run), dry_run=dry_run):
        out.print(line, markup=False, highlight=False)


def purged_lines(done: Purged, *, dry_run: bool) -> Iterator[str]:
    """Tell a purge in lines."""
    yield "Would be removed:" if dry_run else "Removed:"
    yield from (_line(line) for line in done.removed)
    if not done.removed:
        yield "  nothing"
    yield "Kept:"
    yield from (_line(line) for line in done.kept)
    if not done.kept:
        yield "  nothing is there"


def _line(line: Line) -> str:
    size = f", {_bytes(line.size)}" if line.size else ""
    return f"  {line.place}: {grouped(line.count)}{size}: {line.what}"


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{grouped(round(size))} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
