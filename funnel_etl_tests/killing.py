"""What tests need that kill: an installation put back to one moment any number of times, and a reader in a loop."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

import dagster as dg
import psycopg2
import psycopg2.errors
from upath import UPath

from funnel_etl.assembly import TABLES, funnel, marketing, parity, sales
from funnel_etl.observe.alerts.contracts import ALERTS
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.platform.dagster.killed_runs import GOING
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import libpq_uri
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.servers import administer, new_port

SCRIPT = Path(__file__).with_name("killed_at.py")
PARTS = {"marketing": marketing, "sales": sales, "funnel": funnel, "parity": parity}
"""Not `watch`: it tells of a night that failed, too, and then tells something else."""
STAMPS = (
    "published_at version run_id arrival_id received_at last_received_at first_seen_at resolved_at content_hash "
    "checksum inserted changed deleted"
).split()
"""Columns that tell when, or by which run: two runs that give the same have others."""
TELLS_OF_RUNS = {ALERTS.full_name}
"""What was told, of a night that was killed as well."""
Contents = dict[str, str]


def contents_sql(tables: list[str]) -> str:
    """One statement, so one moment: newest night of each part, number of the facts, and a hash of each table."""
    stamps = ", ".join(f"'{name}'" for name in STAMPS)
    rows = "(SELECT DISTINCT (to_jsonb(t) - ARRAY[{}])::text AS row FROM {} t) rows"
    marks = "jsonb_build_object('{}', (SELECT md5(coalesce(string_agg(row, '|' ORDER BY row), '')) FROM {}))"
    nights = "(SELECT part, max(as_of) AS as_of FROM ops.nights GROUP BY part) nights"
    newest = "(SELECT max(version) FROM ops.nights WHERE part = 'funnel')"
    return (
        f"SELECT (SELECT json_object_agg(part, as_of) FROM {nights}), "  # noqa: S608 - names of our tables
        f"(SELECT coalesce(json_agg(version IS NOT DISTINCT FROM {newest}), '[]') FROM mart.data_version), "
        + " || ".join(marks.format(table, rows.format(stamps, table)) for table in tables)
    )


@dataclass
class Seen:
    """What a reader saw at one moment."""

    nights: Mapping[str, str]
    facts_are_numbered: list[bool]
    contents: Contents
    seconds: float


@dataclass
class Reader:
    """Reads all published tables again and again, as BI does; who waits over 100 ms for a lock is refused."""

    url: str
    seen: list[Seen] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    away: int = 0

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        sql = contents_sql([t.full_name for part in PARTS.values() for t in part.TABLES if not t.lake_only])
        while not self._ended.is_set():
            try:
                connection = psycopg2.connect(libpq_uri(self.url), connect_timeout=5)
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '100ms'")
                    while not self._ended.is_set():
                        began = time.monotonic()
                        cursor.execute(sql)
                        nights, numbered, contents = cursor.fetchone() or ({}, [], {})
                        self.seen.append(Seen(nights or {}, numbered, contents, time.monotonic() - began))
                        time.sleep(0.2)  # a look keeps a core busy, and the night needs one
                connection.close()
            except psycopg2.errors.LockNotAvailable as error:
                self.refused.append(str(error))
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                self.away += 1  # the server is down, or coming up: nobody waits for it
                time.sleep(0.05)


class Arena:
    """An installation with an embedded PostgreSQL of its own, that can be put back to the moment it was kept."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = EmbeddedServer(home / "state" / "postgres", new_port())
        self.server.start()
        self.installation = Installation(home, self.server.url("funnel"))
        self.installation.environment |= {
            "FUNNEL_DATABASE_PORT": str(self.server.port),
            "FUNNEL_UI_PORT": str(new_port()),
        }
        del self.installation.environment["FUNNEL_DATABASE_URL"]
        self.sources = home / "sources"
        self.sources.mkdir()
        for name in ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales"):
            self.installation.environment[f"FUNNEL_{name.upper()}_URL"] = str(self.sources / f"{name}.csv")

    def close(self) -> None:
        self.installation.engine.dispose()
        self.server.stop()

    @property
    def state(self) -> Path:
        return self.home / "state"

    @property
    def lake(self) -> Lake:
        return Lake(UPath(self.state / "lake"))

    def keep(self) -> None:
        """Keep this moment: the data, landing, lake, drop folder and sources."""
        self.installation.engine.dispose()
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'funnel'"
        administer(self.server.url("postgres"), end, "CREATE DATABASE kept TEMPLATE funnel")
        for folder in self._folders():
            subprocess.run(["cp", "-a", folder, self._kept(folder)], check=True)

    def put_back(self) -> None:
        """Go back to the moment that was kept; Dagster's own storage goes on."""
        self.server.start()
        self.installation.engine.dispose()
        administer(
            self.server.url("postgres"), "DROP DATABASE funnel WITH (FORCE)", "CREATE DATABASE funnel TEMPLATE kept"
        )
        for folder in self._folders():
            shutil.rmtree(folder)
            subprocess.run(["cp", "-a", self._kept(folder), folder], check=True)

    def _folders(self) -> list[Path]:
        return [self.state / "landing", self.state / "lake", self.installation.drop]

    def _kept(self, folder: Path) -> Path:
        return self.home / f"kept_{folder.name}"

    def begin(self, *arguments: str, at: tuple[str, int, int] | None = None) -> subprocess.Popen[str]:
        """Begin `funnel-etl`; `at`: killed at a step (see killed_at.py)."""
        program = [str(PROGRAM)] if at is None else [sys.executable, str(SCRIPT), *map(str, at)]
        return subprocess.Popen(
            [*program, *arguments],
            env=self.installation.program_environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def up(self) -> subprocess.Popen[str]:
        """Begin `funnel-etl up`. It writes into a file: nobody reads along, and a full pipe would stop its runs."""
        with (self.home / "up.log").open("a") as file:
            return subprocess.Popen(
                [PROGRAM, "up"],
                env=self.installation.program_environment(),
                cwd=self.home,
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def reader(self) -> Reader:
        return Reader(self.server.url("funnel"))

    def contents(self) -> Contents:
        """Return a hash of every table that is there, without what tells when and by which run."""
        names = self.installation.query(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables "
            "WHERE schemaname IN ('raw', 'clean', 'mart', 'parity', 'ops') ORDER BY 1"
        )["name"]
        names = sorted(set(names) - TELLS_OF_RUNS)
        assert len(names) > 40
        with self.installation.engine.connect() as connection:
            row = connection.exec_driver_sql(contents_sql(names)).one()
        return {"nights": json.dumps(row[0], sort_keys=True), **row[2]}

    def open_runs(self) -> list[str]:
        """Return the runs that Dagster believes to be going on."""
        with self.installation.settings() as settings, instance(settings) as (opened, _):
            return [f"{run.job_name} {run.status}" for run in opened.get_runs(dg.RunsFilter(statuses=GOING))]

    def half_files(self) -> list[str]:
        """Return the files of landing and lake that cannot be read whole, and bytes that are not as named."""
        bad: list[str] = []
        landing = self.installation_landing()
        for arrival in landing.arrivals():
            landing.read(arrival.file_id)
        for path in (self.state / "landing" / "objects").rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                landing.read(path.name)
        for path in (self.state / "landing" / "nights").rglob("*.json"):
            json.loads(path.read_bytes())
        for table in TABLES:
            for night in self.lake.nights(table):
                self.lake.read_arrow(table, night)
        return bad

    def unlike_the_lake(self, night: date) -> list[str]:
        """Return the tables of which PostgreSQL says it holds other content than the lake's night."""
        rows = self.installation.query("SELECT table_name, content_hash FROM ops.published_tables")
        held = dict(zip(rows["table_name"], rows["content_hash"], strict=True))
        assert len(held) > 20
        made = {t.full_name: self.lake.content_hash(t, night) for t in TABLES if self.lake.exists(t, night)}
        return [name for name, mark in made.items() if held.get(name) not in (mark, None)]

    def unbalanced(self) -> int:
        """Count the lines of the ledger that do not balance."""
        return int(
            self.installation.value(
                "SELECT count(*) FROM ops.row_ledger WHERE rows_in <> rows_out + merged + quarantined + excluded"
            )
        )

    def installation_landing(self) -> Any:
        from funnel_etl.sources.archive.landing import Landing  # noqa: PLC0415

        return Landing(self.state / "landing")
