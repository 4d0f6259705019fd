"""How `funnel-etl db adopt` looks: what is there, what would replace it, and the question."""

from collections.abc import Callable

from rich.console import Console

from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.operate.adopt.adopt import adopt, look
from funnel_etl.platform.postgres.owner import described
from funnel_etl.settings import Settings


def show(settings: Settings, out: Console, ask: Callable[[str], bool], *, yes: bool) -> int:
    """Show it, ask, and adopt; returns the exit code."""
    found = look(settings)
    if found.refusal is None:
        state = "nobody has published there yet" if found.owner is None else "it is published from this installation"
        out.print(f"{found.place}: {state}. There is nothing to adopt.", markup=False, highlight=False)
        return 0
    nights = ", ".join(f"{part} {night}" for part, night in found.nights.items()) or "none"
    lines = [
        found.place,
        f"  published last: {described(found.owner, found.claim.zone) if found.owner else 'by nobody'}",
        f"  nights: {nights}",
        f"  {grouped(found.tables)} tables; {grouped(found.facts)} rows of facts, revenue {rupees(found.revenue)}",
        "would be replaced by the next night of this installation:",
        f"  {found.claim.host}:{found.claim.home}, {grouped(found.arrivals)} arrivals in its landing archive",
        "The other installation is refused from then on.",
    ]
    for line in lines:
        out.print(line, markup=False, highlight=False)
    if not yes and not ask("Publish into this database from here from now on?"):
        out.print("Nothing was changed.")
        return 1
    adopt(settings, found)
    out.print("Adopted. Now run a night: funnel-etl run")
    return 0
