"""A night killed with kill -9 at any point: run once more it leaves what an undisturbed one does, unseen.

Killed are the run itself and PostgreSQL, its postmaster and its backends; what is killed of `funnel-etl up` is in
test_at_once. Two points, of one night after the other; with --campaign fifty in all, each on its own, at random moments
after random steps that a night tells.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from funnel_etl.platform.postgres.embedded_place import postmaster, settle
from funnel_etl_tests.golden.week import NIGHTS, SAT, SUN, write_night
from funnel_etl_tests.killing import PARTS, Arena, Contents, Reader
from funnel_etl_tests.servers import new_folder

pytestmark = pytest.mark.slow

RUN, POSTMASTER, BACKEND = "the run", "the postmaster", "a backend"
SEED = 1
PLACES = [("landing", 3), ("lake", 12), ("merge", 20), ("commit", 2), ("committed", 1)]


@dataclass
class Field:
    """The arena, what an undisturbed night made of it, in how many told steps, and what each strike did."""

    arena: Arena
    before: Contents
    undisturbed: Contents
    steps: int
    readers: list[Reader] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def fought() -> Iterator[Field]:
    """An installation with Saturday's night; the sources are Sunday's."""
    home = new_folder()
    arena = Arena(home)
    installation = arena.installation
    try:
        shutil.rmtree(installation.config)
        installation.config.mkdir()
        for night in NIGHTS[: NIGHTS.index(SUN)]:
            write_night(night, arena.sources, installation.config, installation.drop / "zoom")
        assert installation.night(SAT).is_published
        write_night(SUN, arena.sources, installation.config, installation.drop / "zoom")
        arena.keep()
        before = arena.contents()
        with arena.reader() as reader:
            done = installation.command("run", "--as-of", str(SUN))
        assert "is published" in done.stdout, done.stderr
        yield Field(arena, before, arena.contents(), len(done.stderr.splitlines()), [reader])
    finally:
        arena.close()
        shutil.rmtree(home, ignore_errors=True)


def torn(reader: Reader, told: Field) -> list[str]:
    """Return what a reader saw that was not, part by part, the night before or the new one as a whole."""
    wrong = []
    for seen in reader.seen:
        for part, module in PARTS.items():
            night = seen.nights.get(part)
            whole = {str(SAT): told.before, str(SUN): told.undisturbed}[str(night)]
            wrong += [
                f"{name}, {night}"
                for name in (t.full_name for t in module.TABLES if not t.lake_only)
                if seen.contents[name] != whole[name]
            ]
        wrong += ["mart.data_version"] * (seen.facts_are_numbered != [True])
    return wrong


def pid_of_postmaster(arena: Arena) -> int:
    running = postmaster(settle(arena.server.home).data)
    assert running is not None
    return running[0]


def strike(arena: Arena, whom: str, process: subprocess.Popen[str], choose: random.Random) -> None:
    """Kill with -9."""
    if whom == RUN:
        process.kill()
    elif whom == POSTMASTER:
        os.kill(pid_of_postmaster(arena), signal.SIGKILL)
    else:
        pids = arena.installation.query(
            "SELECT pid FROM pg_stat_activity WHERE datname IN ('funnel', 'dagster') AND pid <> pg_backend_pid()"
        )["pid"]
        with suppress(ProcessLookupError):  # it may have ended just now
            os.kill(choose.choice(list(pids)), signal.SIGKILL)


def assert_recovered(told: Field, reader: Reader) -> None:
    """One more run, and everything is as after an undisturbed night."""
    arena = told.arena
    again = arena.installation.night(SUN)
    assert again.is_published, again.failures
    assert again.unwatched == {}
    contents = arena.contents()
    assert [name for name, mark in told.undisturbed.items() if contents.get(name) != mark] == []
    assert arena.half_files() == []
    assert arena.unlike_the_lake(SUN) == []
    assert arena.unbalanced() == 0
    assert arena.open_runs() == []


def fight(told: Field, choose: random.Random, *strikes: tuple[str, tuple[str, int] | None]) -> None:
    """Begin the night and kill, once for each strike; see what a reader saw; then run it once more.

    Killed is at a random moment after a random step that the night tells; or at a step of its writing.
    """
    arena = told.arena
    arena.put_back()
    with arena.reader() as reader:
        for whom, at in strikes:
            killed(told, whom, choose, at)
        assert_recovered(told, reader)
    told.readers.append(reader)
    assert reader.refused == []
    assert torn(reader, told) == []


def killed(told: Field, whom: str, choose: random.Random, at: tuple[str, int] | None) -> None:
    """Begin the night, kill, and see what is told."""
    arena = told.arena
    pid = pid_of_postmaster(arena) if whom == POSTMASTER else 0
    process = arena.begin("run", "--as-of", str(SUN), at=(*at, pid) if at else None)
    assert process.stderr is not None
    try:
        if at is None:
            for _ in range(int(choose.random() * (told.steps - 5))):
                process.stderr.readline()
            time.sleep(choose.uniform(0, 0.5))
            told.struck[whom if process.poll() is None else f"{whom}, too late"] += 1
            strike(arena, whom, process, choose)
        out, err = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == (-signal.SIGKILL if whom == RUN else 1) or "is published" in out
    assert "Traceback" not in err, err[-3000:]


def test_the_run_and_then_the_database_killed_one_more_run_gives_what_an_undisturbed_night_gives(fought: Field) -> None:
    """The run is killed at a step of its writing; under the next one PostgreSQL, at a random point."""
    fight(fought, random.Random(f"{SEED} {POSTMASTER}"), (RUN, ("merge", 20)), (POSTMASTER, None))  # noqa: S311
    assert fought.struck[POSTMASTER] == 1, "it was struck after the night had ended: the test proves nothing"


@pytest.mark.parametrize("whom", [RUN, POSTMASTER, BACKEND])
def test_killed_at_random_points_of_a_night_one_more_run_gives_what_an_undisturbed_night_gives(
    whom: str, fought: Field, campaign: bool
) -> None:
    if not campaign:
        pytest.skip("at full size: --campaign")
    choose = random.Random(f"{SEED} {whom}")  # noqa: S311
    many = {RUN: 22, POSTMASTER: 12, BACKEND: 8}[whom]
    for _ in range(many):
        fight(fought, choose, (whom, None))
    assert fought.struck[whom] >= many * 0.8, "too many were struck after the night had ended: the test proves little"


@pytest.mark.parametrize("place", PLACES, ids=[f"{place} {number}" for place, number in PLACES])
def test_killed_at_a_step_of_its_writing(place: tuple[str, int], fought: Field, campaign: bool) -> None:
    if not campaign:
        pytest.skip("at full size: --campaign")
    fight(fought, random.Random(SEED), (RUN, place))  # noqa: S311


def test_no_reader_waited(fought: Field, campaign: bool) -> None:
    """Run last. Over 100 ms for a lock would have been refused; the whole of a look is told as well."""
    looks = [seen.seconds for reader in fought.readers for seen in reader.seen]
    assert len(looks) > (300 if campaign else 50)
    assert not any(reader.refused for reader in fought.readers)
    newest = {seen.nights["parity"] for reader in fought.readers for seen in reader.seen}
    assert newest == {str(SAT), str(SUN)}, "no reader saw a change: the test proves nothing"
    figures = f"{len(looks)} looks, slowest {max(looks) * 1000:.0f} ms; {dict(fought.struck)}"
    print(figures)  # noqa: T201 - what docs/reliability.md tells
