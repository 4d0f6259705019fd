"""A database is published from one landing archive; another is refused until a person adopts it.

Regression: a second installation with a copied `.env` published over the first one without a word: revenue −58 %.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from funnel_etl.assembly import build_definitions
from funnel_etl.cli import app
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.observe.alerts import dispatch as alerts
from funnel_etl.operate.adopt import adopt as adoption
from funnel_etl.operate.explain.published import published_database
from funnel_etl.operate.rerun.replay import replay
from funnel_etl.operate.rerun.replay_render import show as show_replay
from funnel_etl.operate.run import services
from funnel_etl.operate.run.night import only_writer
from funnel_etl.operate.status.status import status
from funnel_etl.platform.contracts import FILES, TABLES
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded import EmbeddedServer
from funnel_etl.platform.postgres.owner import Claim, OtherOwner, claim_of, require_owner
from funnel_etl.platform.postgres.publisher import Publication, Version, publish
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing

pytestmark = pytest.mark.slow

D1, D2 = date(2025, 10, 30), date(2025, 10, 31)
THINGS = Table("mart", "things", "One row per thing", ("id",), (Column("id", Kind.INTEGER, "Its number."),))


@pytest.fixture(scope="module")
def template_database(postgres: EmbeddedServer) -> str:
    """The database that each test's own is cloned from, with all tables."""
    name = "owner_template"
    database.ensure_database(postgres.url("postgres"), name)
    made = database.engine(postgres.url(name))
    ensure_schema(made, [*TABLES, THINGS])
    made.dispose()
    return name


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    made = database.engine(database_url)
    yield made
    made.dispose()


def ask(engine: sa.Engine, sql: str) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        found = connection.execute(sa.text(sql))
        return [tuple(row) for row in found] if found.returns_rows else []


def installation(home: Path, url: str = "") -> Settings:
    secret = SecretStr(database.libpq_uri(url)) if url else None
    return Settings(home=home, database_url=secret, _env_file=None)


def published(url: str, claim: Claim, run: str, *ids: int, night: date = D1, files: tuple[str, ...] = ()) -> int | None:
    """Publish things by a run, and the files they came from; returns the version."""
    rows = THINGS.to_arrow(THINGS.conform(pd.DataFrame({"id": list(ids)})))
    made = {"file_id": "f", "source": "zoom", "kind": "file", "bytes": 1, "status": "loaded", "landing_path": "p"}
    listed = pd.DataFrame({"arrival_id": list(files)}).reindex(columns=FILES.names)
    listed = FILES.conform(listed.assign(**made, received_at=pd.Timestamp(D1, tz=UTC)))
    publications = [
        Publication(THINGS, lambda: rows, content_hash=f"{ids}"),
        Publication(FILES, lambda: FILES.to_arrow(listed), mode="append"),
    ]
    return publish(url, Version("sales", night, run, "0.1", "c"), publications, claim=claim).version


def landed(home: Path, name: str) -> str:
    """A file in the archive of an installation; returns its arrival."""
    landing = Landing(installation(home).landing_root)
    return landing.put("zoom", "file", name, name.encode(), received_at=datetime(2025, 10, 30, tzinfo=UTC)).arrival_id


def test_the_id_of_an_archive_is_made_once_and_goes_with_it(tmp_path: Path) -> None:
    first = Landing(tmp_path / "a").identity.id
    assert Landing(tmp_path / "a").identity.id == first
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert Landing(tmp_path / "b").identity.id == first
    assert Landing(tmp_path / "c").identity.id != first
    memory = "memory://archive-of-this-test"
    assert Landing(memory).identity.id == Landing(memory).identity.id


def test_a_second_installation_is_refused_in_one_line_that_says_whose_the_database_is(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    first, second = (claim_of(installation(tmp_path / name)) for name in ("first", "second"))
    assert published(database_url, first, "r1", 1, 2) == 1
    with pytest.raises(OtherOwner) as told:
        published(database_url, second, "r2", 9, night=D2)
    line = str(told.value)
    assert "\n" not in line
    assert "last published by another installation (version 1, " in line
    assert f"{first.host}:{first.home})" in line
    assert "funnel-etl db adopt" in line
    assert not told.value.transient
    assert ask(engine, "SELECT id FROM mart.things ORDER BY id") == [(1,), (2,)]
    assert published(database_url, first, "r3", 1, night=D2) == 2
    assert ask(engine, "SELECT run_id, version, home FROM ops.owner") == [("r3", 2, first.home)]


def test_of_two_copies_of_one_archive_the_one_that_does_not_know_the_last_run_is_refused(
    database_url: str, tmp_path: Path
) -> None:
    original = claim_of(installation(tmp_path / "original"))
    published(database_url, original, "r1", 1)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = claim_of(installation(tmp_path / "copy"))
    published(database_url, original, "r2", 2)
    with pytest.raises(OtherOwner, match="a copy of this installation, or by this one before it was put back"):
        published(database_url, copy, "r3", 3)
    published(database_url, original, "r4", 4)


def test_a_copy_on_another_machine_is_refused_before_the_original_has_published_again(
    database_url: str, tmp_path: Path
) -> None:
    """The state folder and `.env` were copied to a test machine: it is behind in nothing yet."""
    original = claim_of(installation(tmp_path / "original"))
    published(database_url, original, "r1", 1)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    copy = replace(claim_of(installation(tmp_path / "copy")), host="test-machine")
    with pytest.raises(OtherOwner, match="a copy of this archive, at another place on another machine"):
        published(database_url, copy, "r2", 2)
    published(database_url, replace(original, host="new-container"), "r3", 3)


def test_after_a_copy_has_adopted_the_database_the_original_is_refused(database_url: str, tmp_path: Path) -> None:
    original = claim_of(installation(tmp_path / "original"))
    published(database_url, original, "r1", 1)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    published(database_url, original, "r2", 2)
    copy = installation(tmp_path / "copy", database_url)
    assert run("db", "adopt", "--yes", settings=copy)[0] == 0
    with pytest.raises(OtherOwner, match="a copy of this installation"):
        require_owner(database_url, original)
    assert published(database_url, claim_of(copy), "r3", 3) == 3


def test_a_moved_installation_and_several_containers_with_one_archive_go_on(database_url: str, tmp_path: Path) -> None:
    archive = Landing(tmp_path / "shared")
    one = claim_of(installation(tmp_path / "one"), archive)
    two = replace(claim_of(installation(tmp_path / "two"), Landing(tmp_path / "shared")), host="other")
    assert published(database_url, one, "r1", 1) == 1
    assert published(database_url, two, "r2", 2) == 2
    assert published(database_url, one, "r3", 3) == 3
    shutil.move(tmp_path / "shared", tmp_path / "moved")
    moved = claim_of(installation(tmp_path / "one"), Landing(tmp_path / "moved"))
    assert published(database_url, moved, "r4", 4) == 4


@pytest.mark.parametrize("by_hand", ["DELETE FROM ops.owner", "DROP TABLE ops.owner"])
def test_a_database_of_before_owners_goes_to_the_archive_that_has_its_files(
    database_url: str, engine: sa.Engine, tmp_path: Path, by_hand: str
) -> None:
    own = landed(tmp_path / "first", "report.csv")
    landed(tmp_path / "second", "another.csv")
    first, second = (claim_of(installation(tmp_path / name)) for name in ("first", "second"))
    published(database_url, first, "r1", 1, files=(own,))
    ask(engine, by_hand)
    with pytest.raises(OtherOwner, match="another installation"):
        require_owner(database_url, second)
    require_owner(database_url, first)
    ensure_schema(engine, [*TABLES, THINGS])
    assert published(database_url, first, "r2", 1, files=(own,)) == 2
    assert ask(engine, "SELECT archive_id FROM ops.owner") == [(first.landing.identity.id,)]


def test_a_run_that_was_killed_before_its_commit_locks_nobody_out(database_url: str, tmp_path: Path) -> None:
    claim = claim_of(installation(tmp_path / "first"))
    published(database_url, claim, "r1", 1)
    claim.landing.identity.note_publication("killed")
    assert published(database_url, claim, "r2", 2) == 2


def test_a_database_put_back_to_an_older_backup_is_ours_and_one_of_which_nothing_is_left_is_anybodys(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    claim = claim_of(installation(tmp_path / "first"))
    published(database_url, claim, "r1", 1)
    (yesterday,) = ask(engine, "SELECT run_id, version FROM ops.owner")
    published(database_url, claim, "r2", 2)
    ask(engine, f"UPDATE ops.owner SET run_id = '{yesterday[0]}', version = {yesterday[1]}")  # noqa: S608 - of the test
    require_owner(database_url, claim)
    ask(engine, "DROP SCHEMA ops CASCADE")
    require_owner(database_url, claim_of(installation(tmp_path / "second")))


@pytest.fixture
def foreign(database_url: str, tmp_path: Path) -> Settings:
    """A second installation, pointed at the database of the first."""
    own = landed(tmp_path / "first", "report.csv")
    published(database_url, claim_of(installation(tmp_path / "first")), "r1", 1, 2, files=(own,), night=D2)
    return installation(tmp_path / "second", database_url)


def contents(engine: sa.Engine) -> list[tuple[Any, ...]]:
    tables = ask(
        engine, "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
    )
    return [
        (name, *ask(engine, f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} AS t")[0])  # noqa: S608
        for (name,) in sorted(tables)
    ]


def test_every_command_that_writes_is_refused_and_writes_nothing(
    foreign: Settings, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "FUNNEL_DAGSTER_URL", "DAGSTER_DISABLE_TELEMETRY", "FUNNEL_HOME"):
        monkeypatch.setenv(name, "")  # what a command puts into the environment goes with the test
    before = contents(engine)
    landed(tmp_path / "second", "config.csv")
    with pytest.raises(OtherOwner), only_writer(foreign):
        pass  # as run, erase and purge do
    with pytest.raises(OtherOwner):
        services.serve(replace_port(foreign), lambda _: None)
    monkeypatch.setattr("funnel_etl.operate.rerun.replay.require_free", lambda *_: None)
    monkeypatch.setattr("funnel_etl.operate.rerun.replay._require_replayable", lambda *_: None)
    with pytest.raises(OtherOwner):
        replay(foreign, D1, tmp_path / "replayed", schema=True)
    with pytest.raises(OtherOwner):
        show_replay(foreign, None, None, None, None, schema=False, drop=D1)  # type: ignore[arg-type]
    with pytest.raises(OtherOwner), published_database(foreign):
        pass  # as explain and changes do: they would change the tables by their own contracts
    (told,) = (one for one in status(foreign).items if one.about == "nights")
    assert "last published by another installation" in told.says
    address = engine.url.render_as_string(hide_password=False)
    assert alerts.send_alerts(foreign, address, None, None, force=True).accepted == 0  # type: ignore[arg-type]
    assert contents(engine) == before


def test_a_run_of_the_ui_or_the_schedule_is_refused_before_it_pulls(foreign: Settings) -> None:
    defs = build_definitions(foreign)
    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def("nightly").execute_in_process(
            instance=instance, partition_key=str(foreign.yesterday()), raise_on_error=False
        )
    failed = [event for event in done.all_events if event.is_failure]
    assert not done.success
    assert "last published by another installation" in "".join(map(str, failed))
    assert Landing(foreign.landing_root).arrivals() == []


def test_after_an_adoption_status_says_nothing_of_the_night_of_the_other(foreign: Settings) -> None:
    assert run("db", "adopt", "--yes", settings=foreign)[0] == 0
    said = {one.name: one.says for one in status(foreign).about("nights")}
    assert said["sales"] == "nothing published yet"


def replace_port(settings: Settings) -> Settings:
    from funnel_etl_tests.servers import new_port  # noqa: PLC0415

    return settings.model_copy(update={"ui_port": new_port()})


def run(*arguments: str, settings: Settings, answer: str | None = None) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("funnel_etl.session.load_settings", lambda: settings)
        done = CliRunner().invoke(app, list(arguments), input=answer)
    return done.exit_code, done.output


def test_a_person_adopts_a_database_after_seeing_what_is_replaced(
    foreign: Settings, database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    before = contents(engine)
    code, said = run("db", "adopt", settings=foreign, answer="n\n")
    assert (code, contents(engine)) == (1, before)
    assert "version 1" in said
    assert str(tmp_path / "first") in said
    assert f"sales {D2}" in said
    assert str(tmp_path / "second") in said
    assert "Nothing was changed" in said
    code, said = run("db", "adopt", "--yes", settings=foreign)
    assert (code, "funnel-etl run" in said) == (0, True)
    with pytest.raises(OtherOwner):
        require_owner(database_url, claim_of(installation(tmp_path / "first")))
    second = claim_of(foreign)
    assert ask(engine, "SELECT * FROM ops.files") == [], "the files of the other archive are not listed any more"
    assert published(database_url, second, "r9", 7, night=D1) == 2, "an older night than the other's may follow"
    assert ask(engine, "SELECT id FROM mart.things") == [(7,)]
    code, said = run("db", "adopt", settings=foreign)
    assert (code, "There is nothing to adopt" in said) == (0, True)


def test_looking_at_what_would_be_adopted_needs_no_table_at_all(postgres: EmbeddedServer, tmp_path: Path) -> None:
    url = postgres.url("adopt_empty")
    found = adoption.look(installation(tmp_path / "home", url))
    assert (found.owner, found.refusal, found.nights, found.facts) == (None, None, {}, 0)
