"""`funnel-etl`: its commands and their options. It neither renders nor decides: each command calls one service."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from funnel_etl.cli_deliver import deliver
from funnel_etl.cli_engagement import drafts, engagement
from funnel_etl.environment import load_settings
from funnel_etl.session import err, out, readable_failures, settings, work_on
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
app.add_typer(engagement, name="engagement")
app.add_typer(drafts, name="drafts")
config = typer.Typer(no_args_is_help=True, help="The tables of config_csv, before an edit is accepted.")
app.add_typer(config, name="config")
alert = typer.Typer(no_args_is_help=True, help="Messages to where people read (FUNNEL_ALERT_URLS).")
app.add_typer(alert, name="alert")
app.add_typer(deliver, name="deliver")

AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], help="Last business day of the night; default: yesterday in FUNNEL_TIMEZONE."
    ),
]


@app.callback()
def main(
    context: typer.Context,
    on_demo: Annotated[
        bool, typer.Option("--demo", help="Work on the demo of `make demo` instead; before the command.")
    ] = False,
) -> None:
    """From campaign lead to rupee, every number traceable to a line of a file."""
    work_on(context, demo=on_demo)


@app.command()
def run(
    as_of: AsOf = None,
    wait: Annotated[
        float,
        typer.Option(min=0, max=MOST_RETRY_HOURS, help="Hours to ask a silent source again; Ctrl+C ends it."),
    ] = 0,
    remake: Annotated[
        bool, typer.Option("--remake", help="Make every table, also those that nothing has changed of.")
    ] = False,
) -> None:
    """Run a night: pull, clean, attribute, publish. Exit code 0 only if the whole night is published."""
    from funnel_etl.operate.run.night import run_night  # noqa: PLC0415 - keeps --help quick
    from funnel_etl.operate.run.render import show_night  # noqa: PLC0415

    with readable_failures():
        own = settings()
        night = as_of.date() if as_of else own.yesterday()
        out.print(f"Night {night} (business days in {own.timezone}) …")
        raise typer.Exit(show_night(run_night(own, night, wait * 3600, remake=remake), out, err))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False) -> None:
    """Show what is complete through when, what is missing or does not run, what to do, and who does it.

    Exit code 0 whatever it says; 1 only if the database cannot be reached.
    """
    from funnel_etl.operate.status import render as show_status  # noqa: PLC0415
    from funnel_etl.operate.status.status import status as where_things_stand  # noqa: PLC0415

    with readable_failures():
        found = where_things_stand(settings())
        if as_json:
            sys.stdout.write(show_status.status_json(found) + "\n")
            return
        for line in show_status.status_lines(found):
            out.print(line, markup=False, highlight=False)


@app.command()
def up() -> None:
    """Start the Dagster UI, daemon, schedule and sensor; Ctrl+C stops them, and the embedded database too."""
    from funnel_etl.operate.run.services import serve  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(serve(settings(), say=lambda line: out.print(line, markup=False)))


@app.command()
def web(
    host: Annotated[str, typer.Option("--host", "-h", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", "-p", help="Default: FUNNEL_UI_PORT.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Default: workspace.yaml.")] = None,
) -> None:
    """Serve the Dagster UI alone; `up` and docker-compose.yml start it. Other sites cannot use it: FUNNEL_UI_HOSTS."""
    from funnel_etl.operate.run.web import serve_ui  # noqa: PLC0415

    with readable_failures():
        own = settings()
        serve_ui(own, host, port or own.ui_port, workspace or PROJECT / "workspace.yaml")


@app.command("app")
def page(
    host: Annotated[str, typer.Option("--host", "-h", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option("--port", "-p", help="Default: FUNNEL_APP_PORT.")] = None,
) -> None:
    """Serve the page for people who are not engineers; off this machine it asks for a sign-in (FUNNEL_APP_OIDC_URL)."""
    from funnel_etl.app.frame.serve import serve_app  # noqa: PLC0415 - loads more than most commands need

    with readable_failures():
        own = settings()
        raise typer.Exit(serve_app(own, host, port or own.app_port, say=lambda line: out.print(line, markup=False)))


@app.command()
def demo(
    leads: Annotated[int, typer.Option(min=400, help="How many campaign leads to make.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same data.")] = 7,
    as_of: AsOf = None,
    keep_up: Annotated[bool, typer.Option("--up", help="Use a finished demo; keep UI, database and CRM up.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Only stop the database of an earlier demo.")] = False,
    null_world: Annotated[
        bool, typer.Option("--null-world", help="Let interest in a webinar say nothing of who buys.")
    ] = False,
) -> None:
    """Make three months of a team's data with planted truth, run a night on it, and show how much truth came out."""
    from funnel_etl.demo.show import show_demo, stop_demo  # noqa: PLC0415

    with readable_failures():
        own = load_settings()  # --demo or not: the demo is made below the installation's own state folder
        if stop:
            stop_demo(own)
            raise typer.Exit(0)
        night = as_of.date() if as_of else None
        raise typer.Exit(
            show_demo(own, leads=leads, seed=seed, as_of=night, keep_up=keep_up, console=out, predicts=not null_world)
        )


@app.command("demo-deliver")
def demo_deliver(seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 7) -> None:
    """Send a made-up company's events to a WebEngage on loopback that misbehaves, and compare what came with the truth.

    Exit code 1: WebEngage does not have exactly what it should.
    """
    from funnel_etl.demo.deliveries.story import show_deliveries  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_deliveries(load_settings(), seed=seed, console=out))


@app.command()
def export(
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder; the files go in its zoom/. Default: exports in FUNNEL_HOME.")
    ] = None,
) -> None:
    """Write the clean Zoom files of the newest night, for people who work with files; only what changed is written."""
    from funnel_etl.operate.export.render import show_export  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_export(settings(), out, to))


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
    with readable_failures():
        from funnel_etl.operate.explain import render as show_explained  # noqa: PLC0415 - it reads the settings

        if who == "fact":
            asked = {"day": day.date() if day else None, "month": month.date() if month else None}
            done = show_explained.show_fact(settings(), out, **asked, funnel=funnel, measure=measure, to=to)
        else:
            done = show_explained.show_person(settings(), out, who, lines=lines, as_json=as_json)
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
    with readable_failures():
        from funnel_etl.operate.explain import changes_render as show_changes  # noqa: PLC0415 - it reads the settings

        days = {"as_of": as_of.date() if as_of else None, "day": day.date() if day else None}
        raise typer.Exit(show_changes.show(settings(), out, **days, funnel=funnel, metric=metric, to=to))


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

    with readable_failures():
        raise typer.Exit(show_worklist.show(settings(), out, err, to=to, apply=apply, limit=limit))


@config.command()
def preview(
    to: Annotated[Path | None, typer.Option("--to", help="Write all that differs as CSV, one number a row.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows of each table to show.")] = 40,
) -> None:
    """Show which leads, rupees and months the edit lying in config_csv moves, before a night takes it; changes nothing.

    Exit code 1: the night would reject the edit, or fail with it.
    """
    from funnel_etl.operate.rerun import preview_render as show_preview  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_preview.show(settings(), out, err, to=to, limit=limit))


@app.command()
def check(
    source: Annotated[str, typer.Argument(help="tofu_leads, ad_spend, crm_assigned_leads or crm_sales.")],
    file: Annotated[Path, typer.Argument(help="A CSV file as the source exports it.")],
) -> None:
    """Show what a night would make of a file of a source: columns, rows kept, quarantine; changes nothing.

    Exit code 1: the night would refuse it, or keep none of its rows. For a Zoom export: funnel-etl zoom check FILE.
    """
    from funnel_etl.operate.check.render import show_check  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_check(settings(), out, source, file))


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
    from funnel_etl.operate.confirm.render import show_confirmation  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_confirmation(settings(), source, out, typer.confirm, yes=yes))


@alert.command("test")
def alert_test() -> None:
    """Send one test message to each address of FUNNEL_ALERT_URLS, and say of each whether it was accepted.

    Exit code 0 only if all of them accepted it. Of an address only scheme and host are shown.
    """
    from funnel_etl.observe.alerts.send_test import try_addresses  # noqa: PLC0415

    with readable_failures():
        tried = try_addresses(settings())
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

    with readable_failures():
        night, dropped = (day.date() if day else None for day in (as_of, drop))
        raise typer.Exit(show_replay.show(settings(), out, err, night, to, schema=schema, drop=dropped))


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go and what stays.")] = False,
) -> None:
    """Remove what nobody needs any more, by the FUNNEL_KEEP_ settings, and say what went, what stays and why.

    The schedule `purge` does it each week. What a next night needs always stays.
    """
    with readable_failures():
        from funnel_etl.operate.purge import render as show_purge  # noqa: PLC0415 - it reads the settings

        show_purge.show(settings(), out, dry_run=dry_run)


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

    with readable_failures():
        raise typer.Exit(show_erase.show(settings(), out, err, who or [], dry_run=dry_run, yes=yes, shared=shared))


@app.command()
def bench(
    leads: Annotated[
        list[str] | None,
        typer.Option("--leads", help="A size, as 10000, 10k or 1M; several: again. Default: 10k, 100k."),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="How often each size is measured; figures are medians.")] = 1,
    to: Annotated[Path, typer.Option("--to", help="Folder for bench.json and bench.png.")] = Path("bench"),
    floor: Annotated[
        bool, typer.Option("--floor", help="Measure the least work known on the same dumps, too; needs DuckDB.")
    ] = False,
) -> None:
    """Measure whole nights by size: time, processor time of client and PostgreSQL, memory, and how they grow.

    On made-up sources, each size in a temporary folder with a PostgreSQL of its own; needs Linux. Ctrl+C removes them.
    """
    from funnel_etl.bench.render import show_bench  # noqa: PLC0415

    with readable_failures():
        show_bench(leads or ["10k", "100k"], runs, to, out, err, floor=floor)


@app.command()
def dictionary() -> None:
    """Print the data dictionary (docs/data-dictionary.md) from the contracts."""
    with readable_failures():
        from funnel_etl.assembly import TABLES  # noqa: PLC0415 - loading all assets takes a second
        from funnel_etl.core.tables.dictionary import as_markdown  # noqa: PLC0415

        sys.stdout.write(as_markdown(TABLES))


@db.command()
def url() -> None:
    """Print the database's address, password and all; an embedded server is started, and stays up until `db stop`."""
    from funnel_etl.operate.run.services import database_address  # noqa: PLC0415

    with readable_failures():
        sys.stdout.write(database_address(settings()) + "\n")


@db.command()
def start() -> None:
    """Start the embedded server, and leave it up until `db stop`."""
    from funnel_etl.operate.run.services import database_address  # noqa: PLC0415

    with readable_failures():
        database_address(settings())
        out.print("The database is up; `funnel-etl db url` prints its address, `funnel-etl db stop` stops it.")


@db.command()
def stop() -> None:
    """Stop the embedded server, unless something else still uses it."""
    from funnel_etl.operate.run.services import stop_database  # noqa: PLC0415

    with readable_failures():
        out.print("stopped" if stop_database(settings()) else "still up: another funnel-etl process uses it")


@db.command()
def adopt(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Let this installation replace what another one published into its database; shows that first, and asks.

    Needed after a second installation was pointed there on purpose, and after FUNNEL_HOME was put back from a backup.
    """
    from funnel_etl.operate.adopt import render as show_adopt  # noqa: PLC0415

    with readable_failures():
        raise typer.Exit(show_adopt.show(settings(), out, typer.confirm, yes=yes))


@db.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """Open psql on the database; what follows is psql's, as in: funnel-etl db psql -c "SELECT 1"."""
    from funnel_etl.operate.run.services import psql_command  # noqa: PLC0415

    with readable_failures():
        command, environment = psql_command(settings())
        os.execvpe(command[0], [*command, *context.args], environment)  # noqa: S606 - a program of our own, no shell


@zoom.command("check")
def zoom_check(file: Annotated[Path, typer.Argument(help="An export of Zoom.")]) -> None:
    """Show what a file is and what would become of its rows; changes nothing. Exit code 1: rejected, or few dates."""
    from funnel_etl.parts.marketing.zoom.files.check import check_file  # noqa: PLC0415

    with readable_failures():
        found, text = check_file(file, settings())
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

    with readable_failures():
        gone = withdrawals.withdraw(withdrawals.archive(settings()), file, why)
        out.print(f"{gone.name} is withdrawn, {withdrawals.WHEN}", markup=False)
        out.print(f"To undo it: funnel-etl zoom restore {gone.file_id[: withdrawals.SHOWN]}", markup=False)


@zoom.command()
def restore(
    file: _FILE, why: Annotated[str, typer.Option("--why", help="Why, in a sentence.")] = "withdrawn by mistake"
) -> None:
    """Let a file that was withdrawn count again, from the next night or refresh on."""
    from funnel_etl.parts.marketing.zoom import withdrawals  # noqa: PLC0415

    with readable_failures():
        back = withdrawals.restore(withdrawals.archive(settings()), file, why)
        out.print(f"{back.name} counts again, {withdrawals.WHEN}", markup=False)
