"""How `funnel-etl confirm` looks: what is missing, the question, and what comes next."""

from collections.abc import Callable

from rich.console import Console

from funnel_etl.core.config_tables import TABLES
from funnel_etl.operate.confirm import config, dump
from funnel_etl.settings import Settings


def show_confirmation(settings: Settings, source: str, out: Console, ask: Callable[[str], bool], *, yes: bool) -> int:
    """Show what a dump or a config table lacks, ask, and keep the confirmation; returns the exit code."""
    if source in TABLES:
        table = config.shrunk_table(settings, source)
        config.show(table, out)
        if not yes and not ask("Shall these lines be gone?"):
            out.print("Nothing was confirmed: the last good version stays in force.")
            return 1
        config.accept_table(settings, table)
    else:
        refused = dump.refused_dump(settings, source)
        dump.show(refused, settings, out)
        if not yes and not ask("Is this dump complete as it is?"):
            out.print("Nothing was confirmed: the night goes on refusing it.")
            return 1
        dump.accept_dump(settings, refused)
    out.print("Confirmed. Now run the night again: funnel-etl run")
    return 0
