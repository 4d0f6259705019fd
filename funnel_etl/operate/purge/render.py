"""The words of `funnel-etl purge`."""

from rich.console import Console

from funnel_etl.maintenance.purge_render import purged_lines
from funnel_etl.operate.purge.purge import run_purge
from funnel_etl.settings import Settings


def show(settings: Settings, out: Console, *, dry_run: bool) -> None:
    """Purge (or only look), and tell what went and what stayed."""
    for line in purged_lines(run_purge(settings, dry_run=dry_run), dry_run=dry_run):
        out.print(line, markup=False, highlight=False)
