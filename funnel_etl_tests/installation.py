"""An installation of one's own on the session's server: state folder, settings, nights run as `funnel-etl run` does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from funnel_etl.demo.config import DEMO_CONFIG
from funnel_etl.environment import load_settings
from funnel_etl.operate.run.night import NightResult, run_night
from funnel_etl.platform.postgres import database
from funnel_etl.settings import Settings

PROGRAM = Path(sys.executable).with_name("funnel-etl")


class Installation:
    """One `FUNNEL_HOME` with its settings. Nights run in this process; `program` runs the real command."""

    def __init__(self, home: Path, database_url: str) -> None:
        self.home = home
        self.config = home / "config_csv"
        self.drop = home / "drop"
        self.environment = {
            "FUNNEL_HOME": str(home / "state"),
            "FUNNEL_DATABASE_URL": database.libpq_uri(database_url),
            "FUNNEL_CONFIG_DIR": str(self.config),
            "FUNNEL_DROP_DIR": str(self.drop),
            "FUNNEL_DROP_SETTLE_SECONDS": "0",
            "FUNNEL_RETRY_SECONDS": "1",
        }
        shutil.copytree(DEMO_CONFIG, self.config)
        (self.drop / "zoom").mkdir(parents=True)
        self.engine = database.engine(database_url)

    @contextmanager
    def settings(self, **changes: object) -> Iterator[Settings]:
        """Put the settings (and `changes`, in their names without FUNNEL_) in force, for Dagster's definitions too."""
        given = self.environment | {f"FUNNEL_{name.upper()}": str(value) for name, value in changes.items()}
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith(("FUNNEL_", "DAGSTER_"))]:
                patch.delenv(name)
            for name, value in ({"DAGSTER_HOME": "", "FUNNEL_DAGSTER_URL": ""} | given).items():
                patch.setenv(name, value)  # what a night puts into the environment goes with the patch
            yield load_settings()

    def night(self, day: date, **changes: object) -> NightResult:
        """Run a night as `funnel-etl run --as-of` does."""
        with self.settings(**changes) as settings:
            return run_night(settings, day)

    def program(self, *arguments: str, seconds: float = 120, **changes: object) -> subprocess.CompletedProcess[str]:
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
