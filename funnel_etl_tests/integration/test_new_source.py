"""A made-up source, added by the recipe of docs/new-source.md to a copy of the code, is seen by whoever must see it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from funnel_etl.settings import PROJECT
from funnel_etl_tests.golden.week import CONFIG, FRI, THU, write_night
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow

STEP = re.compile(
    r"```python\n# (?P<file>\S+?\.py)(?:, (?P<how>before|into) (?P<name>\w+))?\n(?P<code>.*?)```", re.DOTALL
)
PAGE = (PROJECT / "docs/new-source.md").read_text(encoding="utf-8")
TRIALS = """Trial id,Phone,Email,Class,Taken on
T1,98765 00001,asha@example.org,ACCA,2025-10-30 10:00
T2,98765 00002,,CFA,2025-10-30 11:00
T3,NA,nobody@example.org,CFA,2025-10-30 12:00
T4,98765 00004,,CFA,soon
"""


def apply(text: str, code: str, how: str | None, name: str | None) -> str:
    """Follow a step of the recipe: at the end of a file, before a name, or into its tuple."""
    if how == "before":
        return re.sub(rf"^{name} = ", lambda found: f"{code}\n\n{found[0]}", text, count=1, flags=re.MULTILINE)
    if how == "into" and name == "MARKETING":
        return text.replace("sources=(", f"sources=({code.strip()}, ")
    if how == "into":
        return re.sub(rf"^{name} = \(", lambda found: f"{found[0]}{code.strip()}, ", text, count=1, flags=re.MULTILINE)
    return f"{text}\n\n{code}" if text else code


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, with the source added."""
    folder = tmp_path_factory.mktemp("code")
    shutil.copytree(PROJECT / "funnel_etl", folder / "funnel_etl", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "dagster.yaml", folder)
    for step in STEP.finditer(PAGE):
        path = folder / step["file"]
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        after = apply(before, step["code"], step["how"], step["name"])
        assert after != before, step["file"]
        path.write_text(after, encoding="utf-8")
    return folder


def test_the_recipe_names_at_most_nine_places_in_six_files() -> None:
    steps = list(STEP.finditer(PAGE))
    assert PAGE.count("```python") == len(steps)
    assert len(steps) <= 9
    assert len({step["file"] for step in steps}) <= 6


SEEN = """
import json
from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.catalog import SOURCES, SOURCE_NAMES
from funnel_etl.maintenance.retention import _used
from funnel_etl.marts.funnel.assets import MADE_FROM
from funnel_etl.marts.funnel.published import FROM
from funnel_etl.observe.alerts.causes import OWN_FILES, SOURCE_ASSETS
from funnel_etl.observe.changes.rebuild import CLEAN
from funnel_etl.observe.completeness import assets as watch
from funnel_etl.observe.completeness.completeness import _WATCHED
from funnel_etl.observe.completeness.contracts import WATCHED
from funnel_etl.observe.completeness.phone_contracts import WITH_PHONES
from funnel_etl.observe.completeness.volume_contracts import COUNTED
from funnel_etl.operate.confirm.dump import SOURCES as CONFIRMED
from funnel_etl.operate.erase.person import IDS, _PAIRS
from funnel_etl.operate.erase.render import WHERE
from funnel_etl.operate.explain.moved_rows import SOURCE_OF
from funnel_etl.operate.explain.person import PHONES_OF_EMAIL, _LINES
from funnel_etl.operate.rerun.replay import RAW
from funnel_etl.settings import Settings, setting_names
definitions = build_definitions(Settings())
keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
print(json.dumps({
    "settings": "FUNNEL_TRIALS_URL" in setting_names(SOURCES.values()),
    "config tables": "trials" in SOURCE_NAMES,
    "tables": {"raw.trials", "clean.trials", "mart.trial_days"} <= {table.full_name for table in TABLES},
    "assets": {"raw/trials", "clean/trials", "mart/trial_days"} <= keys,
    "watch": "trials" in WATCHED and "trials" in _WATCHED and "trials" in watch.CHECKED,
    "volumes": "trials" in COUNTED and "trials" in watch.JUDGED,
    "phones": "trials" in WITH_PHONES,
    "alerts": "trials" in SOURCE_ASSETS and "trials.csv" in OWN_FILES,
    "confirm": "trials" in CONFIRMED,
    "replay": "trials" in RAW,
    "erase": IDS.get("trial_id") == "clean.trials" and "clean.trials" in _PAIRS and "trials" in WHERE,
    "explain": "clean.trials" in PHONES_OF_EMAIL and "clean.trials" in _LINES,
    "changes": "trials" in CLEAN and "clean.trials" in SOURCE_OF,
    "provenance": "trials" in FROM and "clean.trials" in {table.full_name for table in MADE_FROM},
}))
"""


COMMANDS = """
import json, sys, traceback
from typer.testing import CliRunner
from funnel_etl.cli import app
for line in sys.stdin:
    done = CliRunner().invoke(app, json.loads(line))
    if done.exc_info and not isinstance(done.exception, SystemExit):
        traceback.print_exception(*done.exc_info)
    print(json.dumps([done.exit_code, done.stdout, done.stderr]), flush=True)
"""
"""Runs the commands that it is told, a line each, one after the other: to begin a process for each takes seconds."""


@dataclass
class Company:
    """An installation with the source, and the program of the copy."""

    installation: Installation
    process: subprocess.Popen[str]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `funnel-etl` of the copy."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the program of the copy has ended"
        return subprocess.CompletedProcess(arguments, *json.loads(answer))


def python(code: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Python with the copy in the place of the code."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=code,
        env=environment | {"PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_each_consumer_sees_it(code: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("FUNNEL_")}
    done = python(code, "-c", SEEN, environment=own)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout)
    assert len(seen) == 14
    assert {name for name, is_seen in seen.items() if not is_seen} == set()


def test_the_docs_of_the_settings_are_made_with_it(code: Path, tmp_path: Path) -> None:
    for name in ("docs", "tools"):
        shutil.copytree(PROJECT / name, code / name, dirs_exist_ok=True)
    for name in (".env.example", "docker-compose.yml"):
        shutil.copy(PROJECT / name, code / name)
    done = python(code, "tools/generated_docs.py", environment=dict(os.environ))
    assert done.returncode == 0, done.stderr[-2000:]
    for name in ("docs/settings.md", "docs/own-data.md", ".env.example", "docker-compose.yml"):
        assert "FUNNEL_TRIALS_URL" in (code / name).read_text(encoding="utf-8"), name
    assert "mart.trial_days" in (code / "docs/data-dictionary.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def company(code: Path, new_installation: Callable[[], Installation]) -> Iterator[Company]:
    """A night with the source, on a real PostgreSQL."""
    installation = new_installation()
    sources = installation.pull_from_files()
    for night in (THU, FRI):
        write_night(night, sources, installation.config, installation.drop / "zoom")
    for name in CONFIG:
        assert (installation.config / f"{name}.csv").exists()
    (sources / "trials.csv").write_text(TRIALS, encoding="utf-8")
    installation.environment["FUNNEL_TRIALS_URL"] = str(sources / "trials.csv")
    with subprocess.Popen(
        [sys.executable, "-c", COMMANDS],
        cwd=code,
        env=installation.program_environment() | {"PYTHONPATH": str(code)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        told = Company(installation, process)
        done = told.command("run", "--as-of", str(FRI))
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        yield told


def test_a_night_takes_it_in_judges_it_and_publishes_it(company: Company) -> None:
    value = company.installation.value
    assert value("SELECT sum(trials) FROM mart.trial_days") == 3
    assert value("SELECT count(*) FROM clean.trials WHERE phone IS NOT NULL") == 2
    assert value("SELECT reason FROM ops.quarantine WHERE asset = 'clean.trials'") == "bad_date"
    assert value("SELECT status FROM ops.completeness WHERE source = 'trials'") in ("quiet", "complete")
    for table in ("volumes", "phone_shares"):
        assert value(f"SELECT count(*) FROM ops.{table} WHERE source = 'trials'") == 1  # noqa: S608
    assert value("SELECT count(*) FROM ops.files WHERE source = 'trials'") == 1


def test_the_commands_know_it(company: Company) -> None:
    refused = company.command("confirm", "trials")
    assert "there is nothing to confirm: its newest dump was taken" in refused.stderr
    told = company.command("explain", "98765 00002")
    assert "took a trial class, CFA" in told.stdout
    assert "trials: complete through 2025-10-30" in company.command("status").stdout


def test_a_replay_makes_its_table(company: Company, campaign: bool) -> None:
    """With --campaign only: an erasure makes the night again from the archive too."""
    if not campaign:
        pytest.skip("at full size: --campaign")
    done = company.command("replay", "--as-of", str(FRI))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert list((company.installation.home / "state/exports/replay" / str(FRI)).rglob("*trials*"))


def test_an_erasure_finds_it(company: Company) -> None:
    done = company.command("erase", "--yes", "98765 00002")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "the trial classes (FUNNEL_TRIALS_URL)" in done.stdout
    assert company.installation.value("SELECT count(*) FROM clean.trials WHERE phone IS NOT NULL") == 1
    state = company.installation.home / "state"
    landed = b"".join(path.read_bytes() for path in (state / "landing").rglob("*") if path.is_file())
    assert b"98765 00002" not in landed
    assert b"98765 00001" in landed
