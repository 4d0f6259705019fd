"""`make demo`: make the company, run one night on it in a state folder of its own, and show what came out.

The demo never touches an installation's own data: it has a folder (`demo` below HOME), a server and a port of its own.
"""

import hashlib
import json
import shutil
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table as RichTable

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.demo.crm_server import LoopbackCrm
from funnel_etl.demo.engagement import recovered
from funnel_etl.demo.generate import generate
from funnel_etl.demo.installation import TOKEN, config_of, port_of, settings_of, sources_of
from funnel_etl.demo.recovered import recovery
from funnel_etl.operate.run.night import NightResult, require_over, run_night
from funnel_etl.operate.run.services import serve
from funnel_etl.platform.postgres.database import Databases, engine, libpq_uri, open_databases
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.settings import Settings

FINISHED = "finished.json"
"""What a demo was made from; there once its night is published."""
NEXT = """Every command works on it, after --demo:
  .venv/bin/funnel-etl --demo status     what is complete, what is missing, what to do
  .venv/bin/funnel-etl --demo worklist   what a person should decide, by the revenue at stake
  .venv/bin/funnel-etl --demo db psql    the tables themselves
A tour of ten minutes: docs/tour.md"""
"""What the demo says last."""
FUNNEL = sa.text(
    "SELECT funnel, sum(leads) AS leads, sum(registrations) AS registered, sum(attendances) AS attended, "
    "sum(m0_assigned) AS assigned, sum(sales) AS sales, sum(revenue_inr) AS revenue, sum(spend_inr) AS spend "
    "FROM mart.funnel_facts GROUP BY funnel ORDER BY revenue DESC, funnel"
)
QUARANTINE = sa.text(
    "SELECT asset, reason, count(*) AS rows, min(fix_hint) AS fix FROM ops.quarantine WHERE resolved_at IS NULL "
    "GROUP BY asset, reason ORDER BY asset, rows DESC"
)
NEWEST = sa.text("SELECT max(as_of) FROM mart.data_version")
REJECTED = sa.text("SELECT name, reason FROM ops.files WHERE status = 'rejected' ORDER BY name")


def show_demo(
    settings: Settings,
    *,
    leads: int,
    seed: int,
    as_of: date | None,
    keep_up: bool,
    console: Console,
    predicts: bool = True,
) -> int:
    """Run the demo, and return the exit code; with `keep_up` UI, database and CRM then stay up until Ctrl+C.

    `predicts`: who will buy shows more interest in webinars; else nobody does. With `keep_up` a finished demo that is
    there is not made again, of whatever night where none is asked for: people ran nights on it. Raises `FunnelError`
    when it has lost its database.
    """
    home, made_from = settings.demo, _made_from(leads, seed, as_of or settings.yesterday(), predicts=predicts)
    there = _finished(home) if keep_up else {}
    if as_of is None and there | {"as_of": made_from["as_of"]} == made_from:
        made_from = there
    is_there, night = there == made_from, date.fromisoformat(made_from["as_of"])
    require_over(settings, night)
    with ExitStack() as stack:
        if not is_there:
            _empty(settings)
            console.print(f"Making {grouped(leads)} leads and what became of them, up to {night} (seed {seed}) …")
            shutil.copytree(DEMO_CONFIG, config_of(home))
            config = config_of(home)
            generate(
                sources_of(home), as_of=night, leads=leads, seed=seed, config_dir=config, chats=True, predicts=predicts
            )
        crm = stack.enter_context(LoopbackCrm(sources_of(home), TOKEN))
        demo = settings_of(settings, crm)
        databases = stack.enter_context(open_databases(demo.state, demo.database_port, demo.database_url))
        is_published = True
        if is_there:
            _show_again(home, databases, night, console)
        else:
            console.print(f"The CRM answers at {crm.url}, with a token; the night of {night} begins.")
            began = time.monotonic()
            result = run_night(demo, night)
            seconds, is_published = time.monotonic() - began, result.is_published
            _show_failures(result, console)
            _show_tables(home, databases, night, console)
            console.print(f"One night in {seconds:.0f} s. {'Published.' if is_published else 'NOT published whole.'}")
        if is_published:
            (home / FINISHED).write_text(json.dumps(made_from))
        if keep_up:
            return serve(demo, say=lambda line: console.print(line, markup=False))
        assert databases.server is not None  # noqa: S101 - the demo always has the embedded one
        databases.server.keep()
        console.print(f"Database (up until `make clean`): {libpq_uri(databases.funnel_url)}", markup=False)
        console.print(NEXT, markup=False, highlight=False)
        console.print(f"Dagster UI, database and CRM together: make demo-up, then http://127.0.0.1:{demo.ui_port}")
    return 0 if is_published else 1


def stop_demo(settings: Settings) -> None:
    """Stop the demo's database, if it is up. Raises `FunnelError` when something else still uses it."""
    home = settings.demo
    for folder in home.glob("postgres"):
        server = EmbeddedServer(folder, port_of(home, settings.database_port + 1))
        server.release()
        if server.is_running():
            server.start()
            server.stop()
        if server.is_running():
            raise FunnelError("the demo is still up", where=str(home), fix="stop `make demo-up` (Ctrl+C) first")


def _made_from(leads: int, seed: int, night: date, *, predicts: bool) -> dict[str, Any]:
    """Return all that a demo follows from; `code` is a hash of the package and of the demo's config tables."""
    package = Path(__file__).resolve().parent.parent
    files = sorted([*package.rglob("*.py"), *DEMO_CONFIG.glob("*.csv")])
    code = hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()
    return {"leads": leads, "seed": seed, "as_of": night.isoformat(), "predicts": predicts, "code": code}


def _finished(home: Path) -> dict[str, Any]:
    """Return what the demo that is there was made from; nothing if there is none, or it was not finished."""
    try:
        return dict(json.loads((home / FINISHED).read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return {}


def _empty(settings: Settings) -> None:
    """Begin afresh: a second demo must not meet the first one's nights."""
    stop_demo(settings)
    shutil.rmtree(settings.demo, ignore_errors=True)


def _show_again(home: Path, databases: Databases, night: date, console: Console) -> None:
    """Show the demo that is there. Raises `FunnelError` when its database holds no night."""
    with engine(databases.funnel_url).connect() as connection:
        nights = connection.execute(sa.text("SELECT to_regclass('mart.data_version') IS NOT NULL")).scalar_one()
        newest = connection.execute(NEWEST).scalar_one() if nights else None
    if newest is None:
        raise FunnelError("the demo's database holds no night any more", where="demo", fix="make it anew: make demo")
    console.print(f"The demo of {night} is there, finished: used as it is. `make demo` makes one up to yesterday.")
    if newest == night:
        _show_tables(home, databases, night, console)
    else:
        console.print(f"Its newest night is {newest}, which was run after it was made.")


def _show_tables(home: Path, databases: Databases, night: date, console: Console) -> None:
    truth = sources_of(home) / "truth"
    with engine(databases.funnel_url).connect() as connection:
        console.print(_funnel(pd.read_sql(FUNNEL, connection), night))
        console.print(_recovered(recovery(truth, lambda sql: pd.read_sql(sa.text(sql), connection))))
        for line in recovered(truth, lambda sql: pd.read_sql(sa.text(sql), connection)).lines:
            console.print(line, markup=False)
        console.print(_quarantine_table(pd.read_sql(QUARANTINE, connection), pd.read_sql(REJECTED, connection)))


def _show_failures(result: NightResult, console: Console) -> None:
    for asset, why in result.failures.items():
        console.print(f"{asset}: {why}", style="red", markup=False)


def _funnel(rows: pd.DataFrame, night: date) -> RichTable:
    shown = RichTable(title=f"The funnel, three months up to {night} (mart.funnel_facts)")
    for name in rows.columns:
        shown.add_column(name, justify="left" if name == "funnel" else "right")
    shown.add_column("cost/lead", justify="right")
    shown.add_column("roas", justify="right")
    for row in rows.to_dict("records"):
        spend, revenue = float(row["spend"]), float(row["revenue"])
        counts = [grouped(int(row[name])) for name in ("leads", "registered", "attended", "assigned", "sales")]
        cost = rupees(spend / float(row["leads"])) if row["leads"] and spend else ""
        shown.add_row(
            str(row["funnel"]), *counts, rupees(revenue), rupees(spend), cost, f"{revenue / spend:.1f}" if spend else ""
        )
    return shown


def _recovered(rows: pd.DataFrame) -> RichTable:
    shown = RichTable(title="Planted truth, recovered from PostgreSQL")
    for name in ("what", "planted", "recovered", "share", "missed: in quarantine", "missed: unexplained"):
        shown.add_column(name, justify="left" if name == "what" else "right")
    for row in rows.to_dict("records"):
        unexplained = row["planted"] - row["recovered"] - row["missed_in_quarantine"]
        numbers = (grouped(row[name]) for name in ("planted", "recovered"))
        shown.add_row(
            row["what"], *numbers, f"{row['share']:.3%}", grouped(row["missed_in_quarantine"]), grouped(unexplained)
        )
    return shown


def _quarantine_table(quarantine: pd.DataFrame, rejected: pd.DataFrame) -> RichTable:
    shown = RichTable("from", "reason", "rows", "how to fix it", title="Put aside, and why (ops.quarantine, ops.files)")
    for row in quarantine.to_dict("records"):
        shown.add_row(row["asset"], row["reason"], grouped(row["rows"]), row["fix"])
    for row in rejected.to_dict("records"):
        shown.add_row(row["name"], "rejected file", "", row["reason"])
    return shown
