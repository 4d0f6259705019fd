"""The command line: exit codes, and every failure in one readable line; real processes where only those tell."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg2
import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.core.parts import PARTS
from funnel_etl.platform.contracts import QUARANTINE
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.embedded_place import port_is_free, settle
from funnel_etl.platform.postgres.publisher import Publication, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.servers import new_port

OLD_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
TODAY = datetime.now(ZoneInfo("Asia/Kolkata")).date()
Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installation(new_installation: Callable[[], Installation]) -> Installation:
    return new_installation()


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line of a failure; fails when there are more, or a traceback."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("  ")]
    assert len(lines) == 1, done.stderr
    assert ". Fix: " in lines[0]
    return lines[0]


def test_help_names_every_command_and_starts_nothing(installation: Installation) -> None:
    done = installation.command("--help")
    assert done.returncode == 0
    for command in ("run", "status", "up", "demo", "db"):
        assert f" {command} " in done.stdout
    assert installation.command("db", "--help").returncode == 0
    assert installation.command().returncode != 0 or "Usage" in installation.command().stdout
    assert not (installation.home / "state").exists()


def test_a_day_that_is_not_over_is_refused_in_one_line(installation: Installation) -> None:
    line = told(installation.command("run", "--as-of", TODAY.isoformat()))
    assert f"{TODAY} is not over yet in Asia/Kolkata" in line
    assert str(TODAY - timedelta(days=1)) in line
    assert not (installation.home / "state").exists()


def test_a_day_that_is_no_day_is_refused_by_its_name(installation: Installation) -> None:
    done = installation.command("run", "--as-of", "31-10-2025")
    assert done.returncode == 2
    assert "--as-of" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        pytest.param("timezone", "Asia/Nowhere", "FUNNEL_TIMEZONE: 'Asia/Nowhere' is not a time zone", id="zone"),
        pytest.param("database_port", "ninety", "FUNNEL_DATABASE_PORT: ", id="port"),
        pytest.param("database_url", "mysql://u:s3cret@h/d", "postgresql://", id="another database"),
        pytest.param("database_url", "postgresql://u:s3cret@127.0.0.1:1/d", "127.0.0.1:1", id="no server"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    installation: Installation, setting: str, value: str, words: str
) -> None:
    done = installation.command("status", **{setting: value})
    assert words in told(done)
    assert "s3cret" not in done.stdout + done.stderr


def test_status_before_the_first_night_says_what_to_do_and_who_does_it(installation: Installation) -> None:
    done = installation.command("status")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"To do: the engineer {len(PARTS) + 2}"
    *told, alerts, daemon = [line.strip() for line in lines if line.startswith("  ")]
    assert sorted(told) == sorted(
        [
            *(f"{part}: nothing published yet → the engineer: funnel-etl run" for part in PARTS),
            "all sources: no night has looked at them yet → the engineer: funnel-etl run",
            "delivery: delivery is off: FUNNEL_DELIVERY is empty, so nothing is sent",
        ]
    )
    assert alerts == "alerts: sent nowhere: FUNNEL_ALERT_URLS is not set"
    assert daemon.startswith("daemon: it never ran: no schedule and no sensor works → the engineer: start it with make")


def test_status_after_nights_says_which_each_part_holds_and_what_is_open(installation: Installation) -> None:
    url = installation.environment["FUNNEL_DATABASE_URL"]
    yesterday = TODAY - timedelta(days=1)
    installation.command("status")
    ensure_schema(engine(url), TABLES)
    for part, as_of in (("marketing", yesterday), ("sales", TODAY - timedelta(days=4))):
        publish(url, Version(part, as_of, "run", "0.1", "config"), [_quarantined(part)])
    done = installation.command("status", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    marketing, sales, funnel, *_ = told["nights"]
    assert (marketing["as_of"], marketing["version"], marketing["is_well"]) == (str(yesterday), 1, True)
    assert (sales["days_behind"], sales["what_to_do"]) == (3, f"funnel-etl run --as-of {yesterday}")
    assert (funnel["says"], funnel["what_to_do"]) == ("nothing published yet", "funnel-etl run")
    open_rows = {row["who_does_it"]: (row["asset"], row["reason"], row["rows"]) for row in told["quarantine"]}
    row = ("clean.sales", "bad_date", 1)
    assert open_rows == {"marketing operations": row, "the analyst": row}
    assert not told["is_well"]
    in_words = installation.command("status").stdout
    assert "  clean.sales: 1 row: bad_date (f line 2) → the analyst: fix it" in in_words.splitlines()
    assert f"3 days behind → the engineer: funnel-etl run --as-of {yesterday}" in in_words


def _quarantined(part: str) -> Publication:
    frame = pd.DataFrame({"row_key": [part]}).assign(
        asset="clean.sales", part=part, file_id="f", source_row=2, reason="bad_date", detail="", fix_hint="fix it"
    )
    frame = frame.assign(row="{}", first_seen_at=None, resolved_at=None)
    arrow = QUARANTINE.to_arrow(QUARANTINE.conform(frame)).drop_columns(["first_seen_at", "resolved_at"])
    return Publication(QUARANTINE, lambda: arrow, mode="resolve")


@pytest.fixture
def embedded(server_home: Path) -> Iterator[tuple[Program, int]]:
    """The command with an embedded server of this test's own."""
    port = new_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FUNNEL_", "DAGSTER_"))}
    settings = {"FUNNEL_HOME": str(server_home.parent / "state"), "FUNNEL_DATABASE_PORT": str(port)}

    def program(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            env=own | settings,
            cwd=server_home.parent,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    yield program, port
    program("db", "stop")


@pytest.mark.slow
def test_the_embedded_database_is_started_asked_and_stopped(embedded: tuple[Program, int]) -> None:
    program, port = embedded
    started = program("db", "start")
    assert started.returncode == 0, started.stderr
    assert not port_is_free(port)
    address = program("db", "url")
    assert address.returncode == 0
    assert address.stdout.count("\n") == 1
    with psycopg2.connect(address.stdout.strip()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mart.funnel_facts")
        assert cursor.fetchone() == (0,)
    connection.close()
    shell = program("db", "psql", stdin="\\pset tuples_only on\nSELECT 'night ' || count(*) FROM ops.nights;\n")
    assert shell.returncode == 0, shell.stderr
    assert "night 0" in shell.stdout
    assert program("db", "url").stdout == address.stdout, "its address changed"
    stopped = program("db", "stop")
    assert (stopped.returncode, stopped.stdout.strip()) == (0, "stopped")
    assert port_is_free(port)
    assert program("db", "stop").returncode == 0, "stopping twice is no error"


def test_a_database_of_ones_own_is_not_ours_to_stop(installation: Installation) -> None:
    assert "not ours to stop" in told(installation.command("db", "stop"))


def test_the_address_of_a_database_of_ones_own_is_given_as_it_is(installation: Installation) -> None:
    done = installation.command("db", "url")
    assert done.stdout.strip() == installation.environment["FUNNEL_DATABASE_URL"]


@pytest.mark.skipif(not OLD_PROGRAMS.exists(), reason="no PostgreSQL 15 on this machine")
def test_a_night_on_postgresql_15_is_refused_in_one_line_naming_both_versions(
    installation: Installation, server_home: Path
) -> None:
    server_home.mkdir()
    port = new_port()
    place = replace(settle(server_home), programs=OLD_PROGRAMS)
    place.give(server_home)
    folder = ("-D", place.data)
    assert place.run("initdb", *folder, "-U", "old", "-A", "trust", output=place.base / "words") == 0
    options = f"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    assert place.run("pg_ctl", "start", "-w", *folder, "-o", options, output=place.base / "words") == 0
    try:
        done = installation.command(
            "run", "--as-of", "2025-10-31", database_url=f"postgresql://old@127.0.0.1:{port}/funnel"
        )
    finally:
        place.run("pg_ctl", "stop", "-m", "fast", *folder)
    assert re.search(r"PostgreSQL 15\.\d+, and PostgreSQL 17 or newer is needed", told(done))


@pytest.mark.parametrize("command", ["changes", "purge", "explain 9876500001", "status", "run"])
def test_a_wrong_setting_is_one_line_of_every_command(
    command: str, new_installation: Callable[[], Installation]
) -> None:
    done = new_installation().command(*command.split(), timezone="Asia/Kolkatta")
    assert done.returncode == 1
    assert "FUNNEL_TIMEZONE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "erase 9876500001 --dry-run"])
def test_a_state_folder_that_cannot_be_written_is_one_line(
    command: str, new_installation: Callable[[], Installation]
) -> None:
    installation = new_installation()
    (installation.home / "a_file").touch()
    done = installation.command(*command.split(), home=installation.home / "a_file")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert ". Fix: " in done.stderr


def test_a_demo_of_a_day_that_is_not_over_leaves_the_earlier_one(new_installation: Callable[[], Installation]) -> None:
    installation = new_installation()
    earlier = installation.home / "state" / "demo" / "lake" / "of_an_earlier_one"
    earlier.parent.mkdir(parents=True)
    earlier.touch()
    done = installation.command("demo", "--as-of", "2999-01-01")
    assert (done.returncode, earlier.exists()) == (1, True)
    assert "is not over yet" in done.stderr
