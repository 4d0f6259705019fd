"""The words of `funnel-etl erase`: what would go, what went, and what is left for people to do."""

import typer
from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.catalog import SOURCES
from funnel_etl.core.values.numbers import grouped
from funnel_etl.delivery.erasing import Forgotten
from funnel_etl.operate.erase.eraser import MANY, Erased, ErasePreview, eraser, finder
from funnel_etl.settings import Settings

WHERE = {
    **{source.name: f"{source.title} ({source.variable})" for source in SOURCES.values()},
    "zoom": "the Zoom account, and whoever keeps its downloaded reports",
    "consent": "whoever keeps the files of consents",
}


NOTHING = "Nothing of this person is kept here."


def show(
    settings: Settings, out: Console, err: Console, who: list[str], *, dry_run: bool, yes: bool, shared: bool
) -> int:
    """Show what there is of a person, ask, erase, and say what is left to do; returns the exit code."""
    if dry_run:
        return _show_dry_run(settings, out, err, who, shared=shared)
    with eraser(settings) as at_work:
        found = at_work.find(who)
        _show_found(found, out)
        if not found.is_anything:
            out.print(NOTHING)
            if not yes and not typer.confirm("Leave out for good whatever a source may send of them later?"):
                out.print("Nothing was changed.")
                return 1
            at_work.only_keep_out(found.person)
            out.print("What a source may send of them later is left out.")
            return 0
        if found.others > MANY and not shared:
            _show_shared(found, err)
            return 1
        if not yes and not typer.confirm("Erase all of this, for good?"):
            out.print("Nothing was erased.")
            return 1
        done = at_work.erase(found.person)
    _show_done(done, out, err)
    _show_deliveries(done.deliveries, settings, out)
    _show_rest(found, out, settings)
    return 0 if done.is_done else 1


def _show_dry_run(settings: Settings, out: Console, err: Console, who: list[str], *, shared: bool) -> int:
    """Show what would go and what is left for people; beside a night that runs, for nothing is changed."""
    with finder(settings) as looking:
        found = looking.find(who)
    _show_found(found, out)
    if not found.is_anything:
        out.print(NOTHING)
    elif found.others > MANY and not shared:
        _show_shared(found, err)
        return 1
    else:
        _show_rest(found, out, settings)
    out.print("This was a dry run: nothing was changed.")
    return 0


def _show_shared(found: ErasePreview, err: Console) -> None:
    err.print(
        f"The rows of this person name {grouped(found.others)} other phones: this is hardly one person's own "
        "phone or e-mail, but an agency's or a colleague's, and all these people's lines would go. "
        "To erase them all nevertheless: --shared",
        style="red",
    )


def _show_found(found: ErasePreview, out: Console) -> None:
    person = found.person
    if found.resumed:
        out.print("An erasure that was interrupted is completed with it.")
    out.print(f"Phones: {', '.join(sorted(person.phones)) or '-'}", markup=False, highlight=False)
    out.print(f"E-mails: {', '.join(sorted(person.emails)) or '-'}", markup=False, highlight=False)
    if person.shared:
        out.print(
            f"Stands beside others too, so what has only this stays: {', '.join(sorted(person.shared))}. "
            "If it is the same person's, name it as well.",
            markup=False,
            highlight=False,
        )
    shown = RichTable("where", "files", "lines or rows")
    for place, lines in sorted(found.landed.lines.items()):
        shown.add_row(f"landing archive: {place}", grouped(found.landed.files[place]), grouped(lines))
    for place, lines in sorted(found.files.lines.items()):
        shown.add_row(f"files below {place}", grouped(found.files.files[place]), grouped(lines))
    for table, rows in found.rows.items():
        shown.add_row(f"table {table}", "", grouped(rows))
    if shown.rows:
        out.print(shown)
    if found.others:
        out.print(f"These rows also name {grouped(found.others)} other phones, whose own rows stay.")


def _show_done(done: Erased, out: Console, err: Console) -> None:
    landed, lake = done.landed, done.lake
    out.print(
        f"Erased: {grouped(sum(landed.lines.values()))} lines of {grouped(sum(landed.files.values()))} landed files, "
        f"{grouped(sum(lake.lines.values()))} rows of {grouped(sum(lake.files.values()))} files of the lake, "
        f"{grouped(sum(done.files.files.values()))} other files, {grouped(sum(done.rows.values()))} rows "
        "of the database besides those that went with its nights."
    )
    if done.nights and not done.failures:
        out.print(f"Published again without the person: {', '.join(map(str, done.nights))}.")
    if done.behind:
        out.print(
            f"The sums of {', '.join(done.behind)} still count the person, for the parts hold different nights now: "
            "they follow with the next night that is published whole."
        )
    for asset, why in done.failures.items():
        err.print(f"{asset}: {why}", style="red", markup=False)
    if done.failures:
        err.print("The person is gone, but the published sums still count them. When it is fixed: funnel-etl run")
    for problem in done.problems:
        err.print(problem, style="red", markup=False)


def _show_deliveries(done: Forgotten, settings: Settings, out: Console) -> None:
    if done.rows:
        out.print(
            f"Deliveries: {grouped(done.rows)} of the person name nobody any more, "
            f"{grouped(done.cancelled)} that were not sent are cancelled."
        )
    if done.erasures:
        first = "" if settings.destinations else "set FUNNEL_DELIVERY=webengage, then "
        out.print(
            f"{grouped(done.erasures)} at WebEngage to be erased there too: {first}funnel-etl deliver run asks for it, "
            "at any hour; until WebEngage has accepted it, ops.deliveries keeps the user id."
        )


def _show_rest(found: ErasePreview, out: Console, settings: Settings) -> None:
    """Show what this command cannot do."""
    out.print("Left for people:")
    for line in left_for_people(settings, found):
        out.print(f"- {line}", markup=False, highlight=False)


def left_for_people(settings: Settings, found: ErasePreview) -> list[str]:
    """Return in a sentence each what an erasure leaves for people to do."""
    rest = [f"{WHERE[name]} still has the person: delete the lines there" for name in found.sources]
    rest += [f"{settings.config_folder / name} names the person or a sale of theirs: edit it" for name in found.config]
    if settings.database_url is not None:
        rest.append(
            "the database is on a server of yours: its write-ahead log, archives of it, replicas and backups still "
            "hold the rows until they are overwritten or deleted there"
        )
    rest.append(
        "backups of the state folder, and files that people saved elsewhere (export --to), are theirs to delete"
    )
    return rest
