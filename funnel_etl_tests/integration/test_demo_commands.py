"""`funnel-etl --demo`: commands on the demo without a variable; and the tour of docs/tour.md, command by command."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.platform.postgres import database
from funnel_etl.settings import PROJECT
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow

NIGHT = date(2025, 11, 14)
TOUR = (PROJECT / "docs/tour.md").read_text()
STEPS = [
    (command, shown)
    for block in re.findall(r"```console\n(.*?)```", TOUR, re.DOTALL)
    for command, shown in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]
OURS = [(command, shown) for command, shown in STEPS if command.startswith(".venv/bin/funnel-etl")]


class Demo:
    """A small demo below the state folder of an installation, which has other settings of its own."""

    def __init__(self, installation: Installation) -> None:
        self.at = installation
        self.environment = {"database_url": "embedded", "database_port": new_port()}
        self.home = installation.home / "state" / "demo"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command; psql, which would take the place of this process, in one of its own."""
        replaced: list[tuple[list[str], dict[str, str]]] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "execvpe", lambda _, words, environment: replaced.append((words, environment)))
            done = self.at.command(*arguments, **self.environment)
        for words, environment in replaced:
            done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        return done

    def value(self, sql: str) -> str:
        engine = database.engine(database.normalise_url(self.run("--demo", "db", "url").stdout.strip()))
        with engine.connect() as connection:
            found = str(connection.execute(sa.text(sql)).scalar_one())
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def demo(new_installation: Callable[[], Installation]):
    made = Demo(new_installation())
    said = made.run("demo", "--leads", "400", "--as-of", NIGHT.isoformat())
    assert said.returncode == 0, said.stderr
    assert ".venv/bin/funnel-etl --demo status" in said.stdout
    assert "FUNNEL_" not in said.stdout
    yield made
    made.run("demo", "--stop")


def test_without_a_demo_one_line_says_how_to_make_one(new_installation: Callable[[], Installation]) -> None:
    done = new_installation().command("--demo", "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "--demo: there is no demo here yet. Fix: make it first: make demo\n"


def test_a_command_works_on_the_demo_and_not_on_the_installation_around_it(demo: Demo) -> None:
    done = demo.run("--demo", "status")
    assert done.returncode == 0, done.stderr
    assert f"sales: complete night {NIGHT}" in done.stdout
    assert demo.value("SELECT count(*) FROM clean.tofu_leads") != "0"
    around = demo.at.command("status")
    assert "nothing published yet" in around.stdout


def test_its_hints_can_be_typed_as_they_stand(demo: Demo) -> None:
    done = demo.run("--demo", "worklist")
    assert "funnel-etl --demo worklist --to worklist.csv" in done.stdout
    done = demo.run("--demo", "explain", "fact")
    assert done.returncode == 1
    assert "funnel-etl --demo explain fact --date" in done.stderr
    around = demo.at.command("worklist")
    assert "run a night: funnel-etl run" in around.stderr


def test_the_tour_has_commands() -> None:
    assert len(OURS) >= 8
    assert {shlex.split(command)[2] for command, _ in OURS} >= {"status", "explain", "worklist", "config", "db"}
    assert all(shlex.split(command)[1] == "--demo" for command, _ in OURS)


@pytest.mark.parametrize(("command", "shown"), OURS, ids=[" ".join(shlex.split(command)[2:5]) for command, _ in OURS])
def test_a_command_of_the_tour_shows_what_the_tour_shows(command: str, shown: str, demo: Demo) -> None:
    words = shlex.split(command)[1:]
    if words[1] == "explain" and words[2] != "fact":
        words[2] = demo.value("SELECT phone FROM mart.attributed_sales WHERE attended_before_sale LIMIT 1")
    if "--date" in words:
        sql = "SELECT max(date) FROM mart.funnel_facts WHERE funnel = 'Webinar' AND revenue_inr > 0"
        words[words.index("--date") + 1] = demo.value(sql)
    if words[1] == "config":
        with (demo.home / "config_csv" / "funnel_mapping.csv").open("a") as table:
            table.write("Festival stall,Events,,,\n")
    done = demo.run(*words)
    assert done.returncode == 0, done.stderr
    first = shown.splitlines()[1 if words[1] in ("config", "explain") else 0]
    if "psql" in words or "worklist" in words or words[1] == "explain":
        assert _names(first) == _names(done.stdout.splitlines()[1 if words[1] == "explain" else 0])
    headings = [line for line in shown.splitlines() if re.fullmatch(r"[A-Z][^:→/]*:", line)]
    assert set(headings) <= set(done.stdout.splitlines())


def test_a_night_on_the_demo_pulls_from_its_crm_and_takes_its_own_config_tables(demo: Demo) -> None:
    table = demo.home / "config_csv" / "funnel_mapping.csv"
    before = table.read_text()
    table.write_text(before + "Cold list 7,Organic,,,\n")
    done = demo.run("--demo", "run", "--as-of", NIGHT.isoformat())
    assert done.returncode == 0, done.stderr
    sql = "SELECT DISTINCT funnel FROM clean.assigned_leads WHERE source ILIKE 'cold list 7'"
    assert demo.value(sql) == "Organic"
    assert "Cold list" not in (PROJECT / "funnel_etl/demo/config_csv/funnel_mapping.csv").read_text()


def _names(header: str) -> list[str]:
    return [name.strip() for name in re.split(r" {2,}|\|", header) if name.strip()]


def test_every_table_of_the_tour_and_of_the_five_to_start_with_is_one_of_ours() -> None:
    names = {table.full_name for table in TABLES}
    start = (PROJECT / "docs/queries.md").read_text().split("## Start with these five tables")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(mart\.\w+)` \| [^|]+ \| (.+) \|$", start, re.MULTILINE)
    assert len(rows) == 5
    columns = {table.full_name: set(table.names) for table in TABLES}
    for name, text in rows:
        assert set(re.findall(r"`(\w+)`", text)) <= columns[name], name
    named = set(re.findall(r"\b(?:raw|clean|mart|parity|ops)\.[a-z_0-9]+", TOUR + start)) - {"ops.files"}
    assert named <= names
    assert len(named) > 8


def test_the_glossary_has_fifteen_terms() -> None:
    page = (PROJECT / "docs/glossary.md").read_text()
    assert len(re.findall(r"^\| \*\*", page, re.MULTILINE)) == 15


def test_the_program_of_the_tour_is_ours() -> None:
    assert Path(PROGRAM).name == "funnel-etl"
