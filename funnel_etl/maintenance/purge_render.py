"""A purge in words."""

from collections.abc import Iterator

from funnel_etl.core.values.numbers import grouped
from funnel_etl.maintenance.purge import Purged, PurgeLine


def purged_lines(done: Purged, *, dry_run: bool) -> Iterator[str]:
    """Yield a purge in lines."""
    yield "Would be removed:" if dry_run else "Removed:"
    yield from (_line(line) for line in done.removed)
    if not done.removed:
        yield "  nothing"
    yield "Kept:"
    yield from (_line(line) for line in done.kept)
    if not done.kept:
        yield "  nothing is there"


def _line(line: PurgeLine) -> str:
    size = f", {_bytes(line.size)}" if line.size else ""
    return f"  {line.place}: {grouped(line.count)}{size}: {line.what}"


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{grouped(round(size))} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
