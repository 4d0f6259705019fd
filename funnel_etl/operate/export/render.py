"""How `funnel-etl export` looks: how many clean Zoom files each profile has, and what was written."""

from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.values.numbers import grouped
from funnel_etl.parts.marketing.zoom.files.export import export_newest
from funnel_etl.settings import Settings


def show_export(settings: Settings, out: Console, to: Path | None) -> int:
    """Write the files, and show what was written; returns the exit code."""
    done = export_newest(settings, to)
    if done.newer:
        out.print(f"{done.folder} holds the files of {done.newer}, which is newer than {done.night}: left alone.")
        return 0
    shown = RichTable("profile", "files")
    for profile, count in done.by_profile.items():
        shown.add_row(profile, grouped(count))
    out.print(shown)
    out.print(
        f"Night {done.night}, in {done.folder}: {grouped(done.written)} files written, "
        f"{grouped(done.unchanged)} unchanged, {grouped(done.removed)} removed",
        markup=False,
    )
    return 0
