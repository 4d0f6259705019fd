"""The commands of `funnel-etl deliver` and their options. Exit codes: 0 done, 1 something waits, 2 a wrong setting."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from funnel_etl.core.errors import ConfigError
from funnel_etl.session import err, out, readable_failures, settings

deliver = typer.Typer(no_args_is_help=True, help="What is sent to the outside: WebEngage.")
WRONG_SETTING = 2

Occurrence = Annotated[str | None, typer.Option("--occurrence", help="Only this occurrence_id.")]


@contextmanager
def _failures() -> Iterator[None]:
    """Show expected failures in one line; a wrong setting has an exit code of its own."""
    with readable_failures():
        try:
            yield
        except ConfigError as error:
            err.print(str(error), style="red", markup=False)
            raise typer.Exit(WRONG_SETTING) from None


@deliver.command()
def preview(
    occurrence: Occurrence = None,
    kind: Annotated[str | None, typer.Option("--kind", help="registered or attended.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for requests, decisions and summary.")] = None,
) -> None:
    """Show what a run would send now, to the byte, and what not and why. Connects to no destination, writes nothing."""
    from funnel_etl.delivery.scope import Scope  # noqa: PLC0415 - keeps --help quick
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        raise typer.Exit(render.show_preview(settings(), out, Scope(occurrence, kind), to))


@deliver.command()
def run(
    occurrence: Occurrence = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many events.")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="What failed now, what was refused once more.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Also outside FUNNEL_DELIVERY_WINDOW.")] = False,
) -> None:
    """Plan what follows from the newest night, and send what is due."""
    from funnel_etl.delivery.scope import Scope  # noqa: PLC0415
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        scope = Scope(occurrence, None, limit)
        raise typer.Exit(render.show_run(settings(), out, err, scope, retry=retry, at_any_hour=now))


@deliver.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False) -> None:
    """Show how many deliveries are in which state, and what a person must do."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        raise typer.Exit(render.show_status(settings(), out, as_json=as_json))


@deliver.command()
def report(
    night: Annotated[
        datetime | None, typer.Option("--night", formats=["%Y-%m-%d"], help="What was planned from this night.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="CSV file, a line per candidate.")] = None,
) -> None:
    """Show what became of every candidate of the newest night; the states add up, or it fails."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        raise typer.Exit(render.show_report(settings(), out, night.date() if night else None, to))


@deliver.command()
def approve(
    types: Annotated[bool, typer.Option("--types", help="New attribute types, as preview lists them.")] = False,
    plan: Annotated[
        datetime | None, typer.Option("--plan", formats=["%Y-%m-%d"], help="The large plan of this night.")
    ] = None,
    occurrence: Occurrence = None,
) -> None:
    """Release what waits for a person."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    if not types and plan is None and occurrence is None:
        raise typer.BadParameter("say what: --types, --plan NIGHT or --occurrence ID")
    with _failures():
        night = plan.date() if plan else None
        raise typer.Exit(render.show_approval(settings(), out, types=types, night=night, occurrence=occurrence))


@deliver.command()
def resolve(
    keys: Annotated[list[str], typer.Argument(metavar="KEY…", help="delivery_key of the report, or its beginning.")],
    note: Annotated[str, typer.Option("--note", help="Why, in a sentence: kept with the row.")],
    delivered: Annotated[bool, typer.Option("--delivered", help="It did arrive.")] = False,
    again: Annotated[bool, typer.Option("--again", help="It did not: send it again, under a new request id.")] = False,
) -> None:
    """Decide what became of deliveries of which nobody knows."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    if delivered == again:
        raise typer.BadParameter("say one of --delivered and --again")
    with _failures():
        raise typer.Exit(render.show_resolution(settings(), out, keys, note, is_delivered=delivered))


@deliver.command()
def again(
    occurrence: Annotated[str, typer.Option("--occurrence", help="Occurrence whose events are fired again.")],
    kind: Annotated[str, typer.Option("--kind", help="registered or attended.")] = "attended",
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence: kept with each row.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Fire the events of an occurrence once more, on purpose. Asks."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        raise typer.Exit(render.show_again(settings(), out, typer.confirm, occurrence, kind, reason, yes=yes))


@deliver.command()
def rebuild() -> None:
    """Plan anew after the database was lost: what the journal knows of is never sent by itself. Sends nothing."""
    from funnel_etl.operate.deliver import render  # noqa: PLC0415

    with _failures():
        raise typer.Exit(render.show_rebuild(settings(), out))
