"""Nights at once, and `funnel-etl up` killed under one: one writer at a time, and what was killed holds nobody up.

Real processes on an embedded PostgreSQL of the test's own. Two `funnel-etl run`, one of them in this process, and the
job of the drop folder's sensor are begun at once; of `up` the worker of a run, the daemon, or all of it is killed with
kill -9.
"""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import dagster as dg
import psutil
import pytest
import requests

from funnel_etl.operate.run.dagster_home import instance, prepare
from funnel_etl.platform.dagster.killed_runs import GOING
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl_tests.golden.week import NIGHTS, SUN, write_night
from funnel_etl_tests.installation import PROGRAM
from funnel_etl_tests.integration.test_services import family, states, wait_for
from funnel_etl_tests.killing import Arena, Contents
from funnel_etl_tests.servers import new_folder

pytestmark = pytest.mark.slow

WORKER, DAEMON, ALL = "the worker", "the daemon", "all of up"
LAUNCH = """
mutation($parameters: ExecutionParams!) { launchRun(executionParams: $parameters) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    """An installation before its first night, which is Sunday's."""
    home = new_folder()
    made = Arena(home)
    installation = made.installation
    try:
        shutil.rmtree(installation.config)
        installation.config.mkdir()
        for night in NIGHTS[: NIGHTS.index(SUN) + 1]:
            write_night(night, made.sources, installation.config, installation.drop / "zoom")
        yield made
    finally:
        made.close()
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class AtOnce:
    """What three runs at once said and left; `undisturbed`: what the first one did, while the others waited."""

    undisturbed: Contents
    contents: Contents
    told: list[tuple[str, int]]
    refused: list[str]


@pytest.fixture(scope="module")
def at_once(arena: Arena) -> AtOnce:
    """The first night and a second one, and a refresh; what they leave is kept."""
    runs = [arena.begin("run", "--as-of", str(SUN)), refresh(arena)]
    own = arena.installation.command("run", "--as-of", str(SUN))  # it need not load the code, so the turn is its own
    undisturbed = arena.contents()
    with arena.reader() as reader:
        told = [("".join(process.communicate(timeout=300)), process.returncode) for process in runs]
    arena.keep()
    return AtOnce(undisturbed, arena.contents(), [(own.stdout + own.stderr, own.returncode), *told], reader.refused)


@pytest.fixture(scope="module")
def undisturbed(at_once: AtOnce) -> Contents:
    return at_once.undisturbed


def refresh(arena: Arena) -> subprocess.Popen[str]:
    """Begin the job of the drop folder's sensor in a process of its own, past every queue."""
    with arena.installation.settings() as settings, open_databases(settings.state, arena.server.port, None) as opened:
        environment = arena.installation.program_environment() | prepare(settings, opened)
    tags = json.dumps({"dagster/partition": SUN.isoformat()})
    command = ["job", "execute", "-m", "funnel_etl.definitions", "-j", "zoom_refresh", "--tags", tags]
    return subprocess.Popen(
        [PROGRAM.with_name("dagster"), *command],
        env=environment,
        cwd=arena.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def spans(arena: Arena) -> list[tuple[float, float, str]]:
    """Return when the first step of each run began and the last ended."""
    steps = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS}
    with arena.installation.settings() as settings, instance(settings) as (opened, _):
        runs = [(opened.all_logs(run.run_id, of_type=steps), run.job_name) for run in opened.get_runs()]
    times = [([entry.timestamp for entry in logs], job) for logs, job in runs if logs]
    return sorted((min(each), max(each), job) for each, job in times)


def test_two_nights_and_a_refresh_at_once_go_one_after_the_other_and_say_so(arena: Arena, at_once: AtOnce) -> None:
    assert [code for _, code in at_once.told] == [0, 0, 0], at_once.told
    waiting = ("another night is running on this machine: waiting", "another run is going on: this one waits")
    assert sum(any(each in text for each in waiting) for text, _ in at_once.told) == 2
    done = spans(arena)
    assert [job for *_, job in done if job == "zoom_refresh"] == ["zoom_refresh"]
    assert [job for *_, job in done].count("nightly") == 2
    assert all(first[1] <= second[0] for first, second in pairwise(done)), done
    numbered = arena.installation.query("SELECT run_id FROM ops.nights WHERE part <> 'watch' ORDER BY version")[
        "run_id"
    ]
    changes = int((numbered != numbered.shift()).sum())
    assert changes == numbered.nunique() == 3, "the versions of two runs interleave"
    assert at_once.contents == at_once.undisturbed
    assert at_once.refused == []


def killed_with(whom: str, process: subprocess.Popen[str], arena: Arena, run_id: str) -> psutil.Process:
    if whom == ALL:
        return psutil.Process(process.pid)
    if whom == DAEMON:
        return next(p for p in family(process) if "dagster-daemon" in " ".join(p.cmdline()))
    marker = str(arena.state / "runs" / run_id)
    return next(p for p in family(process) if marker in {file.path for file in p.open_files()})


@pytest.mark.parametrize("whom", [WORKER, DAEMON, ALL])
def test_when_up_is_killed_under_a_night_one_more_run_ends_it_and_nothing_waits_for_ever(
    whom: str, arena: Arena, undisturbed: Contents, campaign: bool
) -> None:
    if whom != ALL and not campaign:
        pytest.skip("at full size: --campaign")
    arena.put_back()
    process = arena.up()
    port = arena.installation.environment["FUNNEL_UI_PORT"]
    try:
        wait_for(lambda: states(port), process)
        selector = {
            "repositoryLocationName": "funnel_etl",
            "repositoryName": "__repository__",
            "pipelineName": "nightly",
        }
        tags = [{"key": "dagster/partition", "value": SUN.isoformat()}]
        parameters = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
        answer = requests.post(
            f"http://127.0.0.1:{port}/graphql",
            json={"query": LAUNCH, "variables": {"parameters": parameters}},
            timeout=30,
        ).json()
        run_id = answer["data"]["launchRun"]["run"]["runId"]
        wait_for((arena.state / "runs" / run_id).exists, process, seconds=300)
        wait_for(lambda: step_has_begun(arena, run_id), process)
        everyone = family(process)
        killed_with(whom, process, arena, run_id).send_signal(signal.SIGKILL)
        again = arena.installation.night(SUN)
        assert again.is_published, again.failures
        if whom != WORKER:  # it takes them half a minute to see that they are alone
            process.wait(timeout=60)
            _, alive = psutil.wait_procs(everyone, timeout=60)
            assert [p.cmdline() for p in alive] == [], "left behind: the next `up` finds its port taken"
        # A daemon that lives begins the night again by itself; without one, what is queued waits for the next.
        expected_none = [*GOING, dg.DagsterRunStatus.QUEUED] if whom == WORKER else GOING
        deadline = time.monotonic() + 400
        while open_runs(arena, expected_none) and time.monotonic() < deadline:
            time.sleep(1)
        assert open_runs(arena, expected_none) == []
        assert list((arena.state / "runs").iterdir()) == []
        assert arena.contents() == undisturbed
    finally:
        for one in family(process):
            one.kill()
        process.kill()
        process.wait()


def step_has_begun(arena: Arena, run_id: str) -> bool:
    with arena.installation.settings() as settings, instance(settings) as (opened, _):
        return len(opened.all_logs(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)) >= 3


def open_runs(arena: Arena, statuses: list[dg.DagsterRunStatus]) -> list[str]:
    with arena.installation.settings() as settings, instance(settings) as (opened, _):
        return [run.run_id for run in opened.get_runs(dg.RunsFilter(statuses=statuses))]
