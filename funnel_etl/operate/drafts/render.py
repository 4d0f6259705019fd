"""The words of `funnel-etl drafts`. No name, address or text of anybody is in them."""

from pathlib import Path

from rich.console import Console

from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.draft_contracts import REASONS_WITHHELD
from funnel_etl.operate.drafts.drafts import counts, export, import_edits, newest_drafts
from funnel_etl.settings import Settings

WHY = {
    "no_email": "no e-mail is known",
    "unsubscribed": "the person wants no more mail",
    "bounced": "mail to the address came back",
    "no_consent": "nothing says that the person agreed to mail (consent_questions.csv)",
    "already_bought": "the person has bought",
    "contacted_recently": "another draft to the address was approved in the last days",
    "shared_email": "another person of the webinar with a higher score has the address",
    "ambiguous_person": "no name is known",
    "suppressed": "the person is suppressed",
    "no_template": "there is no template of the tier in config_csv/followups",
}


def show_export(settings: Settings, out: Console, to: Path) -> None:
    """Write the file, and say what is in it."""
    found = export(settings, to)
    statuses, _ = counts(found.rows)
    out.print(f"{to}: {grouped(len(found.rows) - statuses['withheld'])} drafts of night {found.night}.", markup=False)
    out.print("Edit subject, body and personal_notes, write yes under approved, save as CSV, then:", markup=False)
    out.print(f"funnel-etl drafts import {to}", markup=False)


def show_import(settings: Settings, out: Console, file: Path, editor: str) -> None:
    """Land what was changed, and say so."""
    done = import_edits(settings, file, editor)
    out.print(f"{grouped(done.changed)} drafts were changed, {grouped(done.unchanged)} are as they are.", markup=False)
    if done.changed:
        out.print("The next night lays them over; now: funnel-etl run", markup=False)


def show_status(settings: Settings, out: Console) -> None:
    """Show how many drafts there are, in what state, and why others are withheld."""
    found = newest_drafts(settings.lake_root)
    statuses, reasons = counts(found.rows)
    out.print(f"Night {found.night}: {grouped(len(found.rows))} people of the last webinars.", markup=False)
    for status, count in sorted(statuses.items()):
        out.print(f"  {status}: {grouped(count)}", markup=False)
    for reason in REASONS_WITHHELD:
        if reasons[reason]:
            out.print(f"    {reason}: {grouped(reasons[reason])}, {WHY[reason]}", markup=False)
