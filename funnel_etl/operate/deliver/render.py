"""How `funnel-etl deliver` looks. It prints what the services return, and decides nothing."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from rich.console import Console

from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.opened import BUSY, OFF, result_lines
from funnel_etl.delivery.scope import Scope
from funnel_etl.operate.deliver import decide, look
from funnel_etl.operate.deliver.run import deliver, rebuild
from funnel_etl.settings import Settings


def show_run(settings: Settings, out: Console, err: Console, scope: Scope, *, retry: bool, at_any_hour: bool) -> int:
    """Send what is due, and show what was done; returns the exit code."""
    done = deliver(settings, scope, retry=retry, at_any_hour=at_any_hour)
    if done is None:
        out.print(OFF)
        return 0
    for line in result_lines(done):
        out.print(line, markup=False, highlight=False)
    if done.ended:
        err.print(f"{done.ended}. Fix: {done.fix}", style="red", markup=False)
    return done.exit_code


def show_preview(settings: Settings, out: Console, scope: Scope, to: Path | None) -> int:
    """Show what a run would send; returns the exit code."""
    found = look.preview(settings, scope)
    for line in [*found.summary, found.report.balanced()]:
        out.print(line, markup=False, highlight=False)
    for line in found.first_request:
        out.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)
    if to is not None:
        look.write_preview(found, to)
        out.print(f"Written to {to}: {', '.join(look.FILES)}", markup=False, highlight=False)
    return 0


def show_status(settings: Settings, out: Console, *, as_json: bool) -> int:
    """Show where deliveries stand; returns the exit code."""
    found = look.standing(settings)
    if as_json:
        out.print(found.as_json(), markup=False, highlight=False, emoji=False)
        return 0
    if not found.is_on:
        out.print(OFF)
    out.print(f"{found.destination}, account {found.account or 'not set'}", markup=False, highlight=False)
    for each in found.counts:
        name = each["event_name"] or each["object"]
        why = f" ({each['reason']})" if each["reason"] else ""
        line = f"  {each['rows']:>7} {each['state']}{why}: {name}, the oldest since {each['oldest']:%Y-%m-%d %H:%M %Z}"
        out.print(line, markup=False, highlight=False)
    if found.waits:
        out.print(f"  {found.waits}", markup=False, highlight=False)
    for line in found.to_do:
        out.print(f"To do: {line}", markup=False, highlight=False)
    return 0


def show_report(settings: Settings, out: Console, night: date | None, to: Path | None) -> int:
    """Show what became of every candidate; returns the exit code."""
    found = look.report(settings, night)
    for (name, kind), counts in found.totals().items():
        told = ", ".join(f"{grouped(count)} {state}" for state, count in sorted(counts.items()))
        out.print(f"{name} ({kind}): {told}", markup=False, highlight=False)
    out.print(found.balanced(), markup=False, highlight=False)
    if found.earlier:
        out.print(f"and {grouped(len(found.earlier))} open rows of earlier nights", markup=False)
    if to is not None:
        look.write_report(found, to)
        out.print(f"Written to {to}, for this user alone", markup=False, highlight=False)
    return 0


def show_approval(settings: Settings, out: Console, *, types: bool, night: date | None, occurrence: str | None) -> int:
    """Approve, and show what is released; returns the exit code."""
    if types:
        done = decide.approve_types(settings)
        for (object_, name, attribute), kind in done.types.items():
            out.print(f"{name or object_}: {attribute} is {kind}, for good", markup=False, highlight=False)
        out.print(f"{len(done.types)} types approved, {grouped(done.released)} rows released")
    if night is not None or occurrence is not None:
        done = decide.approve_rows(settings, night=night, occurrence=occurrence)
        out.print(f"{grouped(done.released)} rows released")
    return 0


def show_resolution(settings: Settings, out: Console, keys: list[str], note: str, *, is_delivered: bool) -> int:
    """Decide, and show what was decided; returns the exit code."""
    done = decide.resolve(settings, keys, note, is_delivered=is_delivered)
    said = "delivered" if is_delivered else "to be sent again, under a new request id"
    for row in done:
        out.print(f"{row.delivery_key[:12]}…: {said}", markup=False, highlight=False)
    return 0


def show_again(
    settings: Settings,
    out: Console,
    ask: Callable[[str], bool],
    occurrence: str,
    kind: str,
    reason: str,
    *,
    yes: bool,
) -> int:
    """Ask, and fire events once more; returns the exit code."""
    found = decide.find_again(settings, occurrence, kind, reason)
    if found.left:
        out.print(f"{grouped(found.left)} are left out: the newest night does not send them any more")
    if not found.rows:
        out.print("Nothing is fired again.")
        return 1
    if not yes and not ask(f"Fire {len(found.rows)} events once more? People get them twice"):
        out.print("Nothing is fired again.")
        return 1
    out.print(f"{grouped(decide.fire_again(settings, found))} events planned once more: funnel-etl deliver run")
    return 0


def show_rebuild(settings: Settings, out: Console) -> int:
    """Plan anew from the journal, and show what it says; returns the exit code."""
    done = rebuild(settings)
    if done is None:
        out.print(BUSY)
        return 0
    planned, lost = done
    out.print(f"{grouped(planned)} planned; of {grouped(lost)} the journal says that they may have been sent")
    if lost:
        out.print("Look in WebEngage, then funnel-etl deliver resolve KEY --delivered or --again, with --note")
    return 1 if lost else 0
