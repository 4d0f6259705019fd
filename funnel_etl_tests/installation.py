"""An installation of one's own on the session's server: state folder, settings, nights run as `funnel-etl run` does."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from funnel_etl.cli import app
from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.demo.generate import generate
from funnel_etl.demo.truth import Truth
from funnel_etl.environment import load_settings
from funnel_etl.operate.run.night import NightResult, run_night
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.settings import Settings
from funnel_etl_tests.golden.week import write_night
from funnel_etl_tests.servers import administer

PROGRAM = Path(sys.executable).with_name("funnel-etl")
SOURCES = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")
DEMO_NIGHT = date(2025, 10, 31)


class Installation:
    """One `FUNNEL_HOME` with its settings. Nights and commands run in this process; `program` starts a real one."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.config = home / "config_csv"
        self.drop = home / "drop"
        self.sources = home / "sources"
        self.environment = {
            "FUNNEL_HOME": str(home / "state"),
            "FUNNEL_DATABASE_URL": database.libpq_uri(database_url),
            "FUNNEL_CONFIG_DIR": str(self.config),
            "FUNNEL_DROP_DIR": str(self.drop),
            "FUNNEL_DROP_SETTLE_SECONDS": "0",
            "FUNNEL_RETRY_SECONDS": "0.2",
        }
        if not self.config.exists():  # else it is a copy
            shutil.copytree(DEMO_CONFIG, self.config)
            (self.drop / "zoom").mkdir(parents=True)
        self.engine = database.engine(database_url)

    def pull_from_files(self) -> Path:
        """Let each source be a file of `sources`, which is returned."""
        self.sources.mkdir(exist_ok=True)
        self.environment |= {f"FUNNEL_{name.upper()}_URL": str(self.sources / f"{name}.csv") for name in SOURCES}
        return self.sources

    def lay_demo(self, as_of: date = DEMO_NIGHT, **size: int) -> Truth:
        """Write the demo's sources and drop its reports: 400 leads over two months unless `size` says otherwise."""
        truth = generate(self.pull_from_files(), as_of=as_of, **{"leads": 400, "months": 2, "seed": 3} | size)
        shutil.copytree(self.sources / "drop", self.drop, dirs_exist_ok=True)
        return truth

    @contextmanager
    def settings(self, **changes: object) -> Iterator[Settings]:
        """Put the settings (and `changes`, in their names without FUNNEL_) in force, for Dagster's definitions too."""
        with self._in_force(**changes):
            yield load_settings()

    @contextmanager
    def _in_force(self, **changes: object) -> Iterator[pytest.MonkeyPatch]:
        given = self.environment | {f"FUNNEL_{name.upper()}": str(value) for name, value in changes.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("FUNNEL_", "DAGSTER_"))]:
                patch.delenv(name)
            for name, value in ({"DAGSTER_HOME": "", "FUNNEL_DAGSTER_URL": ""} | given).items():
                patch.setenv(name, value)  # what a night puts into the environment goes with the patch
            yield patch

    def night(self, day: date, **changes: object) -> NightResult:
        """Run a night as `funnel-etl run --as-of` does."""
        with self.settings(**changes) as settings:
            return run_night(settings, day)

    def command(self, *arguments: str, answer: str = "", **changes: object) -> subprocess.CompletedProcess[str]:
        """Run `funnel-etl` in this process, from a folder without a `.env`; `answer`: what the person types.

        What it raises unexpectedly is raised. Where a process of its own matters (signals, the environment, what is
        imported), use `program`.
        """
        terminated = signal.getsignal(signal.SIGTERM)
        with self._in_force(**changes) as patch:
            patch.chdir(self.home)
            patch.setattr(tempfile, "tempdir", self.environment.get("TMPDIR"))  # else it is the one of the first call
            try:
                done = CliRunner().invoke(app, list(arguments), input=answer, catch_exceptions=False)
            finally:
                signal.signal(signal.SIGTERM, terminated)
                logging.captureWarnings(capture=False)
        return subprocess.CompletedProcess(list(arguments), done.exit_code, done.stdout, done.stderr)

    def program(self, *arguments: str, seconds: float = 300, **changes: object) -> subprocess.CompletedProcess[str]:
        """Run `funnel-etl` as a person does, from a folder without a `.env`."""
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.program_environment(**changes),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def program_environment(self, **changes: object) -> dict[str, str]:
        """Return the environment for a process of this installation."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FUNNEL_", "DAGSTER_"))}
        return own | self.environment | {f"FUNNEL_{name.upper()}": str(value) for name, value in changes.items()}

    def query(self, sql: str, **parameters: object) -> pd.DataFrame:
        """Ask the published database."""
        with self.engine.connect() as connection:
            return pd.read_sql(sa.text(sql), connection, params=parameters)

    def value(self, sql: str, **parameters: object) -> Any:
        """Ask for one value."""
        with self.engine.connect() as connection:
            return connection.execute(sa.text(sql), parameters).scalar_one()

    def contents(self, *schemas: str) -> dict[str, str]:
        """Return a hash of all rows of each table of the schemas."""
        tables = self.query(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY(:schemas)",
            schemas=list(schemas),
        )["name"]
        assert len(tables) > 0
        sql = "SELECT md5(coalesce(string_agg(row, '|' ORDER BY row), '')) FROM (SELECT t::text AS row FROM {} t) AS r"
        return {name: self.value(sql.format(name)) for name in sorted(tables)}


class Published:
    """Installations whose nights are published already: each is made once for the session, and copied for each user."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._made: dict[tuple[date, ...], Installation] = {}
        self._copies: list[Installation] = []

    def demo(self) -> Installation:
        """Return one with the night of `DEMO_NIGHT` on the demo's sources, of 400 leads and two months."""
        if () not in self._made:
            self._made[()] = new = self.new()
            new.lay_demo()
            _publish(new, DEMO_NIGHT)
        return self._copy(self._made[()])

    def week(self, *nights: date) -> Installation:
        """Return one with these nights of the golden week, run in this order, and the sources of the last one."""
        if nights not in self._made:
            if earlier := nights[:-1]:
                new = self.week(*earlier)
            else:
                new = self.new()
                shutil.rmtree(new.config)
                new.config.mkdir()
            self._made[nights] = new
            write_night(nights[-1], new.pull_from_files(), new.config, new.drop / "zoom")
            _publish(new, nights[-1])
        return self._copy(self._made[nights])

    def new(self) -> Installation:
        """Return one before its first night, with databases of its own."""
        name = f"night_{uuid.uuid4().hex[:8]}"
        folder = self._server.home.parent / name
        folder.mkdir()
        return self._kept(Installation(folder, self._server.url(name)))

    def discard(self, installation: Installation) -> None:
        """Drop an installation with its databases: memory is not endless."""
        self._copies.remove(installation)
        installation.engine.dispose()
        names = (f"{installation.home.name}{suffix}" for suffix in ("", "_dagster"))
        drop = (f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names)
        administer(self._server.url("postgres"), *drop)
        shutil.rmtree(installation.home)

    def _copy(self, of: Installation) -> Installation:
        of.engine.dispose()
        name = f"night_{uuid.uuid4().hex[:8]}"
        home, old = self._server.home.parent / name, of.home.name
        shutil.copytree(of.home, home, symlinks=True)
        pairs = {old: name, f"{old}_dagster": f"{name}_dagster"}
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('{}', '{}')"
        create = (f"CREATE DATABASE {new} TEMPLATE {made}" for made, new in pairs.items())
        administer(self._server.url("postgres"), end.format(*pairs), *create)
        copy = Installation(home, self._server.url(name))
        same = {name: value.replace(str(of.home), str(home)) for name, value in of.environment.items()}
        copy.environment = same | {"FUNNEL_DATABASE_URL": copy.environment["FUNNEL_DATABASE_URL"]}
        return self._kept(copy)

    def _kept(self, installation: Installation) -> Installation:
        for earlier in self._copies:
            earlier.engine.dispose()  # it opens connections anew if it is asked again
        self._copies.append(installation)
        return installation

    def close(self) -> None:
        for installation in self._copies:
            installation.engine.dispose()


def _publish(installation: Installation, night: date) -> None:
    done = installation.night(night)
    assert done.is_published, done.failures
