"""Nights in a row: `ops.changes` adds up on each, `replay` gives the same bytes, and no later night notices a purge.

A few nights of `golden/month.py`, or all thirty with `--campaign`. Among them are a night on which the CRM was down and
one on which a report that had come before was dropped again under a name that comes first.
"""

import hashlib
import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from upath import UPath

from funnel_etl.assembly import TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.maintenance.purge import LAKE, LANDING, Purged, purge
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.operate.purge.purge import run_purge
from funnel_etl.operate.rerun.replay import Replay, replay
from funnel_etl.operate.rerun.replay_schema import replayed_schemas
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.platform.dagster.nights import FIRST_NIGHT
from funnel_etl.platform.dagster.table_asset import earlier_reads
from funnel_etl.platform.lake import Lake
from funnel_etl_tests.golden import month, week
from funnel_etl_tests.golden.week import FRI, MON, SAT, THU, WED
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.whole import defs

pytestmark = pytest.mark.slow

SOURCES = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")
SCHEMAS = ("raw", "clean", "mart", "parity")
READER = "replay_reader"
BEFORE_SCHEMA = (
    f"CREATE ROLE {READER}",
    f"GRANT SELECT ON mart.funnel_monthly TO {READER}",
    "CREATE SCHEMA {} CREATE TABLE of_an_earlier_replay (number int)",
)
"""A role that may read one table of mart, and an earlier schema of the same night."""
GOING = "0" * 32
"""A run that has not ended."""
Cell = tuple[str, str, str]


@dataclass
class Nights:
    """Nights that ran, what each replay gave right after its night, and the state before the last night."""

    installation: Installation
    ran: list[date]
    last: date
    told: dict[date, Replay] = field(default_factory=dict)
    first: dict[date, dict[str, str]] = field(default_factory=dict)
    moved: dict[date, dict[Cell, Decimal]] = field(default_factory=dict)
    causes: dict[date, dict[Cell, Decimal]] = field(default_factory=dict)
    loaded: tuple[dict[str, str], dict[str, str]] = ({}, {})
    """What was published, and what the schema of the replay held."""

    @property
    def state(self) -> Path:
        return self.installation.home / "state"

    @property
    def sources(self) -> Path:
        return self.installation.home / "sources"

    def run(self, night: date, *, crm_down: bool = False) -> None:
        month.write_night(night, self.sources, self.installation.config, self.installation.drop / "zoom")
        gone = {"crm_sales_url": "/nowhere/sales.csv"} if crm_down else {}
        before = self.facts() if night != self.ran[0] else {}
        assert self.installation.night(night, **gone).is_published is not crm_down
        if before and not crm_down:
            after = self.facts()
            differences = {cell: after.get(cell, Decimal()) - before.get(cell, Decimal()) for cell in before | after}
            self.moved[night] = {cell: moved for cell, moved in differences.items() if moved}
            self.causes[night] = self.told_causes()

    def facts(self) -> dict[Cell, Decimal]:
        """Return every number that is published: day, funnel and measure → it."""
        with self.installation.engine.connect() as connection:
            rows = connection.execute(sa.text("SELECT * FROM mart.funnel_facts")).mappings().all()
        return {(str(r["date"]), r["funnel"], name): Decimal(r[name]) for r in rows for name in MEASURES}

    def told_causes(self) -> dict[Cell, Decimal]:
        """Return what the causes of each number that moved add up to."""
        with self.installation.engine.connect() as connection:
            rows = connection.execute(
                sa.text("SELECT date, funnel, metric, sum(difference) AS moved FROM ops.changes GROUP BY 1, 2, 3")
            ).all()
        return {(str(r.date), r.funnel, r.metric): Decimal(r.moved) for r in rows if r.moved}

    def replay(self, night: date, folder: str, *, schema: bool = False) -> Replay:
        with self.installation.settings() as settings:
            return replay(settings, night, self.installation.home / folder, schema=schema)

    def purge(self, **changes: int) -> Purged:
        with self.installation.settings(**changes) as settings:
            return run_purge(settings, dry_run=False)

    def made(self, night: date) -> dict[str, str]:
        """Return the hash of each table of a night in the lake."""
        lake = Lake(UPath(self.state / "lake"))
        return {t.full_name: lake.content_hash(t, night) for t in TABLES if lake.exists(t, night) and t.schema != "ops"}

    def traces(self) -> dict[str, str]:
        """Return a hash of every file of the state, and of every published table."""
        found = {str(path): digest(path) for path in self.state.rglob("*") if path.is_file()}
        return found | self.installation.contents(*SCHEMAS, "ops")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in folder.iterdir()}


def new_nights(new_installation: Callable[[], Installation], ran: list[date], last: date) -> Nights:
    installation = new_installation()
    shutil.rmtree(installation.config)
    for name in ("config_csv", "sources", "temporary"):
        (installation.home / name).mkdir()
    for name in SOURCES:
        installation.environment[f"FUNNEL_{name.upper()}_URL"] = str(installation.home / "sources" / f"{name}.csv")
    installation.environment["TMPDIR"] = str(installation.home / "temporary")
    return Nights(installation, ran, last)


def schema_of(night: date) -> str:
    return f"asof_{night:%Y%m%d}"


@pytest.fixture(scope="module")
def nights(new_installation: Callable[[], Installation], campaign: bool) -> Iterator[Nights]:
    """The nights; the last of them is replayed into a schema, of which there is an earlier one."""
    ran = [night for night in month.NIGHTS[:-1] if night != month.NOT_RUN] if campaign else [WED, THU, FRI, SAT]
    told = new_nights(new_installation, ran, month.NIGHTS[-1] if campaign else MON)
    for night in ran:
        if night == SAT:
            (told.installation.drop / "zoom" / "a_again.csv").write_bytes(week._registration())
        told.run(night, crm_down=night in (month.CRM_DOWN if campaign else (THU,)))
        if night == ran[-1]:
            with told.installation.engine.begin() as connection:
                for statement in BEFORE_SCHEMA:
                    connection.execute(sa.text(statement.format(schema_of(night))))
        if campaign or night in (THU, SAT):
            told.told[night] = told.replay(night, f"first/{night}", schema=night == ran[-1])
            told.first[night] = hashes(told.told[night].folder)
        if night == ran[-1]:
            told.loaded = told.installation.contents(*SCHEMAS), told.installation.contents(schema_of(night))
    yield told
    with told.installation.engine.begin() as connection:
        connection.execute(sa.text(f"DROP OWNED BY {READER}"))
        connection.execute(sa.text(f"DROP ROLE {READER}"))


@pytest.fixture(scope="module")
def without_lake(nights: Nights, campaign: bool) -> dict[date, dict[str, str]]:
    """Every replay again, after all later nights, from an installation whose lake is gone; few nights without the last.

    That one is replayed once more after the purge, which takes it out of the lake.
    """
    lake, away = nights.state / "lake", nights.installation.home / "lake_away"
    lake.rename(away)
    again = [night for night in nights.first if campaign or night != nights.ran[-1]]
    found = {night: hashes(nights.replay(night, f"again/{night}").folder) for night in again}
    shutil.rmtree(lake, ignore_errors=True)
    away.rename(lake)
    return found


# ---------------------------------------------------------------- changes


def test_the_causes_of_every_number_that_moved_add_up_on_each_night(nights: Nights) -> None:
    assert len(nights.moved) >= len(nights.ran) - 3
    assert nights.causes == nights.moved
    assert all(nights.moved.values())


# ---------------------------------------------------------------- replay


def test_a_replay_right_after_its_night_is_the_night_table_by_table(nights: Nights) -> None:
    for night, done in nights.told.items():
        assert len(done.compared) >= (30 if not done.not_taken_in else 10)
        assert [one for one in done.compared if not one.is_equal] == [], night


def test_every_night_replays_to_the_same_bytes_after_later_nights_and_without_the_lake(
    nights: Nights, without_lake: dict[date, dict[str, str]]
) -> None:
    assert len(nights.first) >= 2
    assert len(without_lake) > 0
    assert without_lake.items() <= nights.first.items()


def test_a_night_without_the_crm_replays_what_it_had(nights: Nights) -> None:
    down = next(night for night, done in nights.told.items() if done.not_taken_in)
    done = nights.told[down]
    assert (done.not_taken_in, done.failures) == (["crm_sales"], {})
    assert "clean.tofu_leads.csv" in done.files
    assert "clean.assigned_leads.csv" in done.files
    assert not {"clean.sales.csv", "mart.funnel_facts.csv"} & set(done.files)
    assert "clean.sales" in json.loads((done.folder / "manifest.json").read_bytes())["not_made"]


def test_the_sums_prove_the_files(nights: Nights) -> None:
    done = nights.told[nights.ran[-1]]
    checked = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=done.folder, check=False)
    assert checked.returncode == 0
    told = json.loads((done.folder / "manifest.json").read_bytes())
    assert {name: one["sha256"] for name, one in told["files"].items()} == {
        name: of for name, of in nights.first[done.night].items() if name.endswith(".csv")
    }
    assert b"\r" not in (done.folder / "mart.funnel_facts.csv").read_bytes()
    assert done.folder.stat().st_mode & 0o077 == 0


def test_a_replay_leaves_nothing_behind_and_moves_nothing_also_before_the_first_night_of_this_machine(
    nights: Nights,
) -> None:
    """By the command, of an archive that was put back: the first night of this machine is a later one."""
    night, first = min(nights.first), nights.state / FIRST_NIGHT
    kept = first.read_text()
    try:
        first.write_text((nights.last + timedelta(days=1)).isoformat())
        before = nights.traces()
        done = nights.installation.command("replay", "--as-of", str(night), "--to", "by_command")
        assert done.returncode == 0, done.stderr
        assert hashes(nights.installation.home / "by_command") == nights.first[night]
        assert nights.traces() == before
    finally:
        first.write_text(kept)
    assert list((nights.installation.home / "temporary").iterdir()) == []
    assert [path.name for path in nights.installation.home.glob(".by_command*")] == []


def test_a_night_that_never_ran_is_told_with_those_that_did(nights: Nights) -> None:
    with pytest.raises(FunnelError, match=rf"the night 2025-06-01 never ran\. Fix: replay one of {WED}"):
        nights.replay(date(2025, 6, 1), "never")
    assert not (nights.installation.home / "never").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl_c", "sigterm"])
def test_a_replay_that_is_stopped_leaves_no_folder_and_no_temporary_file(
    nights: Nights, number: int, campaign: bool
) -> None:
    if number == signal.SIGTERM and not campaign:
        pytest.skip("Dagster makes the same of both: only with --campaign")
    home = nights.installation.home
    started = subprocess.Popen(
        [PROGRAM, "replay", "--as-of", str(nights.ran[-1]), "--to", "stopped"],
        env=nights.installation.program_environment(),
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        if "clean." in line:  # the run is going on
            break
    started.send_signal(number)
    assert started.wait(60) not in (0, None)
    assert not (home / "stopped").exists()
    assert list((home / "temporary").iterdir()) == []
    assert [path.name for path in home.glob(".stopped*")] == []


def test_the_schema_holds_the_night_and_who_may_read_the_published_table_may_read_it(nights: Nights) -> None:
    night, installation = nights.ran[-1], nights.installation
    schema = schema_of(night)
    assert nights.told[night].schema == schema
    published, own = nights.loaded
    assert f"{schema}.of_an_earlier_replay" not in own
    hidden = {table.full_name for table in TABLES if table.restricted}  # a schema of its own has no row security
    shown = [name for name in published if name not in hidden]
    names = {name: f"{schema}.{name.replace('.', '_').removeprefix('mart_')}" for name in shown}
    assert {*names.values(), f"{schema}.ops_engagement_files"} == set(own)
    assert {name for name in names if published[name] != own[names[name]]} == {"mart.data_version"}
    may = "SELECT has_table_privilege(:role, :name, 'SELECT')"
    tables = [f"{schema}.{name}" for name in ("funnel_monthly", "funnel_facts", "clean_sales")]
    assert [installation.value(may, role=READER, name=name) for name in tables] == [True, False, False]
    assert installation.value("SELECT has_schema_privilege(:role, :name, 'USAGE')", role=READER, name=schema)
    assert "replay --drop" in installation.value("SELECT obj_description(to_regnamespace(:name))", name=schema)


def test_a_schema_is_dropped_by_its_night(nights: Nights) -> None:
    with nights.installation.engine.begin() as connection:
        for name in ("asof_20200131", "asof_20200201"):
            connection.execute(sa.text(f"CREATE SCHEMA {name} CREATE TABLE one (number int)"))
    done = nights.installation.command("replay", "--drop", "2020-01-31")
    assert (done.returncode, done.stdout.strip()) == (0, "asof_20200131 is gone.")
    with nights.installation.engine.connect() as connection:
        assert "asof_20200131" not in replayed_schemas(connection)
        assert "asof_20200201" in replayed_schemas(connection)


# ---------------------------------------------------------------- purge


@dataclass
class AfterPurge:
    """A night without and with a purge before it, and what the purge said."""

    without: dict[str, str]
    purged: dict[str, str]
    published: list[dict[str, str]]
    told: Purged
    nights: Nights


@pytest.fixture(scope="module")
def after_purge(nights: Nights, without_lake: object) -> AfterPurge:
    home = nights.installation.home
    kept = {name: home / f"{name}_before" for name in ("landing", "lake")}
    for name, away in kept.items():
        shutil.copytree(nights.state / name, away)
    nights.run(nights.last)
    without, published = nights.made(nights.last), [nights.installation.contents(*SCHEMAS)]
    for name, away in kept.items():
        shutil.rmtree(nights.state / name)
        away.rename(nights.state / name)
    assert nights.installation.command("db", "adopt", "--yes").returncode == 0, "the archive was put back"
    told = nights.purge(keep_lake_nights=1, keep_landing_days=1)
    nights.run(nights.last)
    published.append(nights.installation.contents(*SCHEMAS))
    return AfterPurge(without, nights.made(nights.last), published, told, nights)


def test_the_night_after_a_purge_is_the_night_without_it(after_purge: AfterPurge) -> None:
    assert len(after_purge.without) > 30
    assert after_purge.purged == after_purge.without
    without, purged = ({k: v for k, v in one.items() if k != "mart.data_version"} for one in after_purge.published)
    assert purged == without


def test_the_purge_removed_what_it_may_and_says_what_stays_and_why(after_purge: AfterPurge) -> None:
    removed = {line.place: line for line in after_purge.told.removed}
    assert set(removed) == {LAKE, LANDING}
    assert str(WED) in removed[LAKE].what
    assert "of ad_spend, " in removed[LANDING].what
    kept = {line.what for line in after_purge.told.kept}
    assert "newest of their table" in kept
    assert "dropped files: every night is made from all of them" in kept
    assert "dumps a table follows from, all of them (clean.crm_history)" in kept


def test_a_purged_night_cannot_be_replayed_and_says_so_with_those_that_can(after_purge: AfterPurge) -> None:
    nights = after_purge.nights
    with pytest.raises(FunnelError, match=r"are not there any more \(ad_spend, tofu_leads: purged on") as told:
        nights.replay(WED, "purged")
    assert str(nights.last) in told.value.fix
    assert str(WED) not in told.value.fix
    assert not (nights.installation.home / "purged").exists()


def test_a_night_that_stayed_replays_to_the_same_bytes_after_the_purge(after_purge: AfterPurge) -> None:
    nights = after_purge.nights
    newest = nights.ran[-1]
    assert hashes(nights.replay(newest, "after_purge").folder) == nights.first[newest]


def test_with_the_defaults_nothing_of_these_nights_goes_and_a_dry_run_changes_nothing(after_purge: AfterPurge) -> None:
    nights = after_purge.nights
    before = nights.traces()
    with nights.installation.settings(keep_lake_nights=1) as settings:
        assert len(run_purge(settings, dry_run=True).removed) == 1
    assert nights.traces() == before
    runs = nights.state / "dagster" / "storage"
    before = {name: mark for name, mark in before.items() if not name.startswith(str(runs))}
    done = nights.installation.command("purge")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Removed:\n  nothing\nKept:\n  lake: ")
    assert "for ever (FUNNEL_KEEP_LANDING_DAYS=0)" in done.stdout
    assert {name: mark for name, mark in nights.traces().items() if not name.startswith(str(runs))} == before


def test_old_runs_go_with_their_logs_but_those_that_made_last_what_is_there(after_purge: AfterPurge) -> None:
    nights = after_purge.nights
    later = datetime.now(UTC) + timedelta(days=100)
    logs = nights.state / "dagster" / "storage"
    key = dg.AssetKey(["mart", "funnel_facts"])
    with nights.installation.settings(keep_lake_nights=0) as settings, instance(settings) as (opened, _):
        opened.add_run(dg.DagsterRun(job_name="nightly", run_id=GOING, status=dg.DagsterRunStatus.STARTED))
        before = {run.run_id for run in opened.get_runs()}
        made = newest_run(opened, key)
        done = purge(settings, opened, TABLES, earlier_reads(defs), now=later)
        left = {run.run_id for run in opened.get_runs()}
        assert (newest_run(opened, key), made in left, GOING in left) == (made, True, True)
        for night in (nights.ran[-1], nights.last):  # what the lake has, the UI shows as made
            assert opened.get_materialized_partitions(dg.AssetKey(["clean", "tofu_leads"])) >= {str(night)}
        gone = before - left
        assert [line.count for line in done.removed] == [len(gone)]
        assert len(gone) >= 2
        assert {path.name for path in logs.iterdir()} & before == {path.name for path in logs.iterdir()}
        assert not {path.name for path in logs.iterdir()} & gone
        assert not any(opened.all_logs(run_id) for run_id in gone)
        opened.delete_run(GOING)


def newest_run(opened: dg.DagsterInstance, key: dg.AssetKey) -> str:
    event = opened.get_latest_materialization_event(key)
    assert event is not None
    return event.run_id
