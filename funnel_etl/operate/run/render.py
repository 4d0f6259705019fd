"""How `funnel-etl run` looks: a line for each part, what failed and why, what to do then."""

from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.values.numbers import grouped
from funnel_etl.operate.run.night import NightResult, PartResult


def show_night(result: NightResult, out: Console, err: Console) -> int:
    """Show how a night ended; returns the exit code: 0 only if the whole night is published."""
    shown = RichTable("part", "state", "inserted", "changed", "deleted")
    for part in result.parts.values():
        shown.add_row(part.part, _state(part), grouped(part.inserted), grouped(part.changed), grouped(part.deleted))
    out.print(shown)
    for repair in result.repairs:
        err.print(repair, style="yellow", markup=False)
    for asset, why in result.failures.items():
        err.print(f"{asset}: {why}", style="red", markup=False)
    for asset, why in result.unwatched.items():
        err.print(f"What is complete could not be said: {asset}: {why}", style="red", markup=False)
    if result.alerts:
        err.print(f"Alerts: {result.alerts}. They are tried again; see funnel-etl status.", markup=False)
    night = result.night
    if result.is_published:
        out.print(f"Night {night} is published.")
        return 0
    if result.failures:
        err.print(
            f"The night {night} is not published whole; what was published before stays. "
            f"Detail: run {result.run_id} in the Dagster UI (make up). "
            f"When it is fixed: funnel-etl run --as-of {night}",
            markup=False,
        )
    else:
        err.print(f"The night {night} was replayed into the lake; PostgreSQL keeps the newer one.", markup=False)
    return 1


def _state(part: PartResult) -> str:
    if part.published:
        return "published"
    return f"kept: {part.newest} is newer" if part.newest else "NOT published"
