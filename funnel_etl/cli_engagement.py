"""The commands of `funnel-etl engagement` and `funnel-etl drafts`, and their options."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from funnel_etl.session import out, readable_failures, settings

engagement = typer.Typer(no_args_is_help=True, help="Who listened and asked in a webinar.")
drafts = typer.Typer(no_args_is_help=True, help="Follow-ups: written out, edited by a person, taken in again.")


@engagement.command()
def show(
    name: Annotated[str | None, typer.Argument(metavar="WEBINAR", help="Occurrence or webinar id; the newest.")] = None,
) -> None:
    """Show what is known of a webinar: tiers, files, how much of its chat is credited, whether the score predicts."""
    from funnel_etl.operate.engagement import render  # noqa: PLC0415

    with readable_failures():
        render.show(settings(), out, name)


@engagement.command()
def unmatched(limit: Annotated[int, typer.Option(min=1, help="Names shown.")] = 50) -> None:
    """List the names of chats, polls and questions that are credited to nobody, and who they might be."""
    from funnel_etl.operate.engagement import render  # noqa: PLC0415

    with readable_failures():
        render.show_unmatched(settings(), out, limit)


@drafts.command()
def export(to: Annotated[Path, typer.Argument(metavar="FILE", help="CSV file that is not there yet.")]) -> None:
    """Write the drafts that are not withheld as CSV, to edit in a spreadsheet. Nothing is sent."""
    from funnel_etl.operate.drafts import render  # noqa: PLC0415

    with readable_failures():
        render.show_export(settings(), out, to)


@drafts.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that drafts export wrote.")],
    editor: Annotated[str, typer.Option(help="Who edited; the user of this machine.")] = "",
) -> None:
    """Keep what a person changed in an exported file: it is laid over at every later making, and replayed."""
    from funnel_etl.operate.drafts import render  # noqa: PLC0415

    with readable_failures():
        render.show_import(settings(), out, file, editor or getpass.getuser())


@drafts.command()
def status() -> None:
    """Show how many drafts there are, in what state, and why others are withheld."""
    from funnel_etl.operate.drafts import render  # noqa: PLC0415

    with readable_failures():
        render.show_status(settings(), out)
