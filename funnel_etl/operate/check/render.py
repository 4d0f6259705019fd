"""How `funnel-etl check` looks: which columns were found, what would become of the rows, what is to be fixed."""

from pathlib import Path

from rich.console import Console

from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.check.check import check_source
from funnel_etl.settings import Settings


def show_check(settings: Settings, out: Console, source: str, path: Path) -> int:
    """Show what a night would make of a file; returns the exit code: 1 if no row of it would be kept."""
    checked = check_source(settings, source, path)
    lines = [f"{path.name} as {source}: {grouped(checked.rows_in)} rows, {grouped(checked.rows_out)} would be kept"]
    lines += ["Columns:"]
    own = [name for name, carried in checked.found.items() if carried == (name,)]
    lines += [f"  by the documented name: {', '.join(own)}"] if own else []
    lines += [f"  {name} ← {', '.join(carried)}" for name, carried in checked.found.items() if name not in own]
    if checked.absent:
        lines += [f"  not in the file, and not needed: {', '.join(checked.absent)}"]
    if checked.unknown:
        lines += [f"  kept as they are, read by nobody: {', '.join(checked.unknown)}"]
    if checked.quarantined:
        lines += ["In quarantine would be:"]
    for one in checked.quarantined:
        places = ", ".join(map(str, one.lines)) + (", …" if one.rows > len(one.lines) else "")
        lines += [f"  {grouped(one.rows)}: {one.reason} (line {places}). Fix: {one.fix}"]
    if checked.by_reason:
        lines += ["Besides:"]
        lines += [f"  {grouped(count)}: {name}" for name, count in sorted(checked.by_reason.items())]
    lines += [f"Note: {note}" for note in checked.notes]
    for line in lines:
        out.print(line, markup=False, highlight=False)
    return 0 if checked.rows_out else 1
