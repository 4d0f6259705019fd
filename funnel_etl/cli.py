"""`funnel-etl`: run a night, see where things stand, reach the database, start the services. Only words; no logic."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.environment import load_settings
from funnel_etl.files import NO_ROOM
from funnel_etl.settings import MOST_RETRY_HOURS, PROJECT

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="From campaign lead to rupee, every number traceable to a line of a file.",
)
db = typer.Typer(no_args_is_help=True, help="The database: its address, a shell, and the embedded server.")
app.add_typer(db, name="db")
zoom = typer.Typer(no_args_is_help=True, help="Zoom exports: before they are dropped, and after.")
app.add_typer(zoom, name="zoom")
config = typer.Typer(no_args_is_help=True, help="The tables of config_csv, before an edit is accepted.")
app.add_typer(config, name="config")
alert = typer.Typer(no_args_is_help=True, help="Messages to where people read (FUNNEL_ALERT_URLS).")
app.add_typer(alert, name="alert")
# A file or a CI log has no width of its own; tables need about this much.
WIDTH = None if sys.stdout.isatty() else 130
out, err = Console(soft_wrap=True, width=WIDTH), Console(stderr=True, soft_wrap=True, width=WIDTH)

AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], help="Last business day of the night; default: yesterday in FUNNEL_TIMEZONE."
    ),
]


@app.command()
def run(
    as_of: AsOf = None,
    wait: Annotated[
        float,
        typer.Option(min=0, max=MOST_RETRY_HOURS, help="Hours to ask a silent source again; Ctrl+C ends it."),
    ] = 0,
) -> None:
    """Run a night: pull, clean, attribute, publish. Exit code 0 only if the whole night is published."""
    from funnel_etl.operate.run.night import run_night  # noqa: PLC0415 - keeps --help quick

    with _told():
        settings = load_settings()
        night = as_of.date() if as_of else settings.yesterday()
        out.print(f"Night {night} (business days in {settings.timezone}) …")
        result = run_night(settings, night, wait * 3600)
        shown = RichTable("part", "state", "inserted", "changed", "deleted")
        for part in result.parts.values():
            state = (
                "published" if part.published else (f"kept: {part.newest} is newer" if part.newest else "NOT published")
            )
            shown.add_row(part.part, state, grouped(part.inserted), grouped(part.changed), grouped(part.deleted))
        out.print(shown)
        for repair in result.repairs:
            err.print(repair, style="yellow", markup=False)
        for asset, why in result.failures.items():
            err.print(f"{asset}: {why}", style="red", markup=False)
        for asset, why in result.unwatched.items():
            err.print(f"What is complete could not be said: {asset}: {why}", style="red", markup=False)
        if result.alerts:
            err.print(f"Alerts: {result.alerts}. They are tried again; see funnel-etl status.", markup=False)
        if not result.failures and not result.is_published:
            err.print(f"The night {night} was replayed into the lake; PostgreSQL keeps the newer one.", markup=False)
            raise typer.Exit(1)
        if not result.is_published:
            err.print(
                f"The night {night} is not published whole; what was published before stays. "
                f"Detail: run {result.run_id} in the Dagster UI (make up). "
                f"When it is mended: funnel-etl run --as-of {night}",
                markup=False,
            )
            raise typer.Exit(1)
        out.print(f"Night {night} is published.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False) -> None:
    """Show what is complete through when, what is missing or does not run, what to do, and who does it.

    Exit code 0 whatever it says; 1 only if the database cannot be reached.
    """
    from funnel_etl.operate.status import render as show_status  # noqa: PLC0415
    from funnel_etl.operate.status.status import status as where_things_stand  # noqa: PLC0415

    with _told():
        found = where_things_stand(load_settings())
        if as_json:
            sys.stdout.write(show_status.status_json(found) + "\n")
            return
        for line in show_status.status_lines(found):
            out.print(line, markup=False, highlight=False)


@app.command()
def up() -> None:
    """Start the Dagster UI, daemon, schedule and sensor; Ctrl+C stops them, and the embedded database too."""
    from funnel_etl.operate.run.services import serve  # noqa: PLC0415

    with _told():
        raise typer.Exit(serve(load_settings(), say=lambda line: out.print(line, markup=False)))


@app.command()
def web(
    host: Annotated[str, typer.Option("--host", "-h", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", "-p", help="Default: FUNNEL_UI_PORT.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Default: workspace.yaml.")] = None,
) -> None:
    """Serve the Dagster UI alone; `up` and docker-compose.yml start it. Other sites cannot use it: FUNNEL_UI_HOSTS."""
    from funnel_etl.operate.run.web import serve_ui  # noqa: PLC0415

    with _told():
        settings = load_settings()
        serve_ui(settings, host, port or settings.ui_port, workspace or PROJECT / "workspace.yaml")


@app.command()
def demo(
    leads: Annotated[int, typer.Option(min=400, help="How many campaign leads to make.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = 7,
    as_of: AsOf = None,
    keep_up: Annotated[bool, typer.Option("--up", help="Use a finished demo; keep UI, database and CRM up.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Only stop the database of an earlier demo.")] = False,
) -> None:
    """Make three months of a team's data with planted truth, run a night on it, and show how much truth came out."""
    from funnel_etl.demo.show import show_demo, stop_demo  # noqa: PLC0415

    with _told():
        settings = load_settings()
        if stop:
            stop_demo(settings)
            raise typer.Exit(0)
        night = as_of.date() if as_of else None
        raise typer.Exit(show_demo(settings, leads=leads, seed=seed, as_of=night, keep_up=keep_up, console=out))


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder; the files go in its zoom/. Default: exports in FUNNEL_HOME.")
    ] = None,
) -> None:
    """Write the clean Zoom files of the newest night, for people who work with files; only what changed is written."""
    from funnel_etl.parts.marketing.zoom.files.export import export_newest  # noqa: PLC0415

    with _told():
        done = export_newest(load_settings(), to)
        if done.newer:
            out.print(f"{done.folder} holds the files of {done.newer}, which is newer than {done.night}: left alone.")
            return
        shown = RichTable("profile", "files")
        for profile, count in done.by_profile.items():
            shown.add_row(profile, grouped(count))
        out.print(shown)
        out.print(
            f"Night {done.night}, in {done.folder}: {grouped(done.written)} files written, "
            f"{grouped(done.unchanged)} unchanged, {grouped(done.removed)} removed",
            markup=False,
        )


@app.command()
def explain(
    who: Annotated[str, typer.Argument(metavar="PHONE|fact", help="A phone in any spelling, user_id, e-mail; or fact")],
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Day of a fact.")] = None,
    month: Annotated[datetime | None, typer.Option("--month", formats=["%Y-%m"], help="Or its month.")] = None,
    funnel: Annotated[str | None, typer.Option(help="Funnel of a fact.")] = None,
    measure: Annotated[str | None, typer.Option(help="Measure of mart.funnel_facts, as revenue_inr.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write all rows behind a fact as CSV.")] = None,
    lines: Annotated[bool, typer.Option("--lines", help="Show each line of a person's story as it arrived.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The person's story as JSON.")] = False,
) -> None:
    """Show a person's story over all tables, or the rows behind a number, each with its file and line.

    funnel-etl explain 9876512345 · funnel-etl explain fact --date 2026-11-12 --funnel Webinar --measure revenue_inr
    """
    with _told():
        from funnel_etl.operate.explain import render as show_explained  # noqa: PLC0415 - it reads the settings

        if who == "fact":
            asked = {"day": day.date() if day else None, "month": month.date() if month else None}
            done = show_explained.show_fact(load_settings(), out, **asked, funnel=funnel, measure=measure, to=to)
        else:
            done = show_explained.show_person(load_settings(), out, who, lines=lines, as_json=as_json)
        raise typer.Exit(done)


@app.command()
def changes(
    day: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Only this day.")] = None,
    funnel: Annotated[str | None, typer.Option(help="Only this funnel.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only this measure of mart.funnel_facts, as revenue_inr.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="A night the lake still has; default: the published one."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write all of it as CSV.")] = None,
) -> None:
    """Show what moved since the night published before, split by cause; the causes add up to the difference.

    funnel-etl changes --date 2026-11-12 --funnel Webinar --metric revenue_inr
    """
    with _told():
        from funnel_etl.operate.explain import changes_render as show_changes  # noqa: PLC0415 - it reads the settings

        days = {"as_of": as_of.date() if as_of else None, "day": day.date() if day else None}
        raise typer.Exit(show_changes.show(load_settings(), out, **days, funnel=funnel, metric=metric, to=to))


@app.command()
def worklist(
    to: Annotated[Path | None, typer.Option("--to", help="Write the list as a CSV file to fill in.")] = None,
    apply: Annotated[
        Path | None,
        typer.Option("--apply", help="Add what is filled in in that file to config_csv, or change nothing."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 30,
) -> None:
    """Show what a person should decide about mappings, by revenue at stake; take the decisions by a CSV file."""
    from funnel_etl.operate.worklist import render as show_worklist  # noqa: PLC0415

    with _told():
        raise typer.Exit(show_worklist.show(load_settings(), out, err, to=to, apply=apply, limit=limit))


@config.command()
def preview(
    to: Annotated[Path | None, typer.Option("--to", help="Write all that differs as CSV, one number a row.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows of each table to show.")] = 40,
) -> None:
    """Show which leads, rupees and months the edit lying in config_csv moves, before a night takes it; changes nothing.

    Exit code 1: the night would reject the edit, or fail with it.
    """
    from funnel_etl.operate.rerun import preview_render as show_preview  # noqa: PLC0415

    with _told():
        raise typer.Exit(show_preview.show(load_settings(), out, err, to=to, limit=limit))


@app.command()
def confirm(
    source: Annotated[
        str,
        typer.Argument(help="tofu_leads, ad_spend, crm_assigned_leads or crm_sales; or a table, as funnel_mapping."),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Confirm that the newest dump of a source is right though it was refused, as for rows that are really gone.

    Or that a table of config_csv may lose most of its lines. Shows both counts and what is missing. It holds for
    exactly these bytes; then run the night again.
    """
    from funnel_etl.core.config_tables import TABLES  # noqa: PLC0415
    from funnel_etl.operate.confirm import config as confirm_config  # noqa: PLC0415
    from funnel_etl.operate.confirm import dump as confirming  # noqa: PLC0415

    with _told():
        settings = load_settings()
        if source in TABLES:
            table = confirm_config.shrunk_table(settings, source)
            confirm_config.show(table, out)
            if not yes and not typer.confirm("Shall these lines be gone?"):
                out.print("Nothing was confirmed: the last good version stays in force.")
                raise typer.Exit(1)
            confirm_config.accept_table(settings, table)
            out.print("Confirmed. Now run the night again: funnel-etl run")
            return
        refused = confirming.refused_dump(settings, source)
        confirming.show(refused, settings, out)
        if not yes and not typer.confirm("Is this dump right as it is?"):
            out.print("Nothing was confirmed: the night goes on refusing it.")
            raise typer.Exit(1)
        confirming.accept_dump(settings, refused)
        out.print("Confirmed. Now run the night again: funnel-etl run")


@alert.command("test")
def alert_test() -> None:
    """Send one test message to each address of FUNNEL_ALERT_URLS, and say of each whether it was accepted.

    Exit code 0 only if all of them accepted it. Of an address only scheme and host are shown.
    """
    from funnel_etl.observe.alerts.send_test import try_addresses  # noqa: PLC0415

    with _told():
        tried = try_addresses(load_settings())
        for name, why in tried:
            out.print(f"{name}: {f'NOT accepted: {why}' if why else 'accepted'}", markup=False, highlight=False)
        raise typer.Exit(1 if any(why for _, why in tried) else 0)


@app.command()
def replay(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The night to make again.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder for the files, new or empty. Default: exports/replay/NIGHT in FUNNEL_HOME."),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Load it into PostgreSQL too, as asof_YYYYMMDD.")] = False,
    drop: Annotated[
        datetime | None, typer.Option("--drop", formats=["%Y-%m-%d"], help="Only drop the schema of that night.")
    ] = None,
) -> None:
    """Make a past night again from the landing archive, with the config of that night: one CSV per table.

    The same night gives the same bytes each time. What is published, and what the next night does, stays as it is.
    Exit code 1: a table could not be made.
    """
    from funnel_etl.operate.rerun import replay_render as show_replay  # noqa: PLC0415

    with _told():
        night, dropped = (day.date() if day else None for day in (as_of, drop))
        raise typer.Exit(show_replay.show(load_settings(), out, err, night, to, schema=schema, drop=dropped))


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go and what stays.")] = False,
) -> None:
    """Remove what nobody needs any more, by the FUNNEL_KEEP_ settings, and say what went, what stays and why.

    The schedule `purge` does it each week. What a next night needs always stays.
    """
    with _told():
        from funnel_etl.operate.purge import render as show_purge  # noqa: PLC0415 - it reads the settings

        show_purge.show(load_settings(), out, dry_run=dry_run)


@app.command()
def erase(
    who: Annotated[
        list[str] | None, typer.Argument(metavar="PHONE_OR_EMAIL…", help="Phones and e-mails of one person.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go; changes nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    shared: Annotated[
        bool, typer.Option("--shared", help="Also if the phone or e-mail stands on rows of many other people.")
    ] = False,
) -> None:
    """Erase a person for good: from landing, lake, database, exports, quarantine and the drop folder's kept copies.

    Says first how many lines of what would go. What the sources still hold of the person is never kept again.
    Interrupted, it is completed by the same command; without a name it completes what was interrupted.
    """
    from funnel_etl.operate.erase import render as show_erase  # noqa: PLC0415

    with _told():
        raise typer.Exit(show_erase.show(load_settings(), out, err, who or [], dry_run=dry_run, yes=yes, shared=shared))


@app.command()
def dictionary() -> None:
    """Print the data dictionary (docs/data-dictionary.md) from the contracts."""
    with _told():
        from funnel_etl.assembly import TABLES  # noqa: PLC0415 - loading all assets takes a second
        from funnel_etl.core.tables.dictionary import as_markdown  # noqa: PLC0415

        sys.stdout.write(as_markdown(TABLES))


@db.command()
def url() -> None:
    """Print the database's address, password and all; an embedded server is started, and stays up until `db stop`."""
    from funnel_etl.operate.run.services import database_address  # noqa: PLC0415

    with _told():
        sys.stdout.write(database_address(load_settings()) + "\n")


@db.command()
def start() -> None:
    """Start the embedded server, and leave it up until `db stop`."""
    from funnel_etl.operate.run.services import database_address  # noqa: PLC0415

    with _told():
        database_address(load_settings())
        out.print("The database is up; `funnel-etl db url` prints its address, `funnel-etl db stop` stops it.")


@db.command()
def stop() -> None:
    """Stop the embedded server, unless something else still uses it."""
    from funnel_etl.operate.run.services import stop_database  # noqa: PLC0415

    with _told():
        out.print("stopped" if stop_database(load_settings()) else "still up: another funnel-etl process uses it")


@db.command()
def adopt(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Let this installation replace what another one published into its database; shows that first, and asks.

    Needed after a second installation was pointed there on purpose, and after FUNNEL_HOME was put back from a backup.
    """
    from funnel_etl.operate.adopt import render as show_adopt  # noqa: PLC0415

    with _told():
        raise typer.Exit(show_adopt.show(load_settings(), out, typer.confirm, yes=yes))


@db.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; what follows is psql's, as in: funnel-etl db psql -c "SELECT 1"."""
    from funnel_etl.operate.run.services import psql_command  # noqa: PLC0415

    with _told():
        command, environment = psql_command(load_settings())
        os.execvpe(command[0], [*command, *context.args], environment)  # noqa: S606 - a program of our own, no shell


@zoom.command()
def check(file: Annotated[Path, typer.Argument(help="An export of Zoom.")]) -> None:
    """Show what a file is and what would become of its rows; changes nothing. Exit code 1: rejected, or few dates."""
    from funnel_etl.parts.marketing.zoom.files.check import check_file  # noqa: PLC0415

    with _told():
        found, text = check_file(file, load_settings())
        out.print(text, markup=False, highlight=False)
        raise typer.Exit(0 if found.is_good else 1)


_FILE = Annotated[str, typer.Argument(metavar="FILE_ID", help="Of ops.files, or its beginning, or a file's name.")]


@zoom.command()
def withdraw(
    file: _FILE,
    why: Annotated[str, typer.Option("--why", help="Why, in a sentence: kept, and shown in ops.files.")],
) -> None:
    """Take a file that was taken by mistake out of all numbers, from the next night or refresh on; it is kept."""
    from funnel_etl.parts.marketing.zoom import withdrawals  # noqa: PLC0415

    with _told():
        gone = withdrawals.withdraw(withdrawals.archive(load_settings()), file, why)
        out.print(f"{gone.name} is withdrawn, {withdrawals.WHEN}", markup=False)
        out.print(f"To undo it: funnel-etl zoom restore {gone.file_id[: withdrawals.SHOWN]}", markup=False)


@zoom.command()
def restore(
    file: _FILE, why: Annotated[str, typer.Option("--why", help="Why, in a sentence.")] = "withdrawn by mistake"
) -> None:
    """Let a file that was withdrawn count again, from the next night or refresh on."""
    from funnel_etl.parts.marketing.zoom import withdrawals  # noqa: PLC0415

    with _told():
        back = withdrawals.restore(withdrawals.archive(load_settings()), file, why)
        out.print(f"{back.name} counts again, {withdrawals.WHEN}", markup=False)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Show progress, and turn expected failures into one readable line and exit code 1."""
    logging.captureWarnings(capture=True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("  %(asctime)s %(message)s", "%H:%M:%S"))
    progress = logging.getLogger("funnel_etl.progress")
    progress.setLevel(logging.INFO)
    progress.propagate = False
    progress.handlers = [handler]
    signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except FunnelError as error:
        err.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    except OSError as error:
        if error.filename is None and error.errno not in NO_ROOM:
            raise
        err.print(
            f"{error.filename or 'a file'}: {error.strerror or type(error).__name__}. Fix: let this user read and "
            "write there, make room on its disk (docs/operations.md: The disk is full), or correct the setting or "
            "option that names it; then run the same command again",
            style="red",
            markup=False,
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("stopped")
        raise typer.Exit(130) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        from funnel_etl.operate.run.services import database_error  # noqa: PLC0415 - loads the drivers

        if (told := database_error(error)) is None:
            raise
        err.print(str(told), style="red", markup=False)
        raise typer.Exit(1) from None
    finally:
        progress.removeHandler(handler)


def _terminated(_number: int, _frame: object) -> NoReturn:
    """Leave by the front door on SIGTERM, so that what was started is stopped."""
    sys.exit(143)
