"""A CRM that is silent when the night begins, on real PostgreSQL and over real HTTP: who waits, and who does not.

Four hours of patience are seconds here; the pauses are the same shares of them.
"""

import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import dagster as dg
import pytest
import requests

from funnel_etl.assembly import build_definitions
from funnel_etl.demo.generate import generate
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.operate.run.night import only_writer
from funnel_etl.operate.status.status import status
from funnel_etl.platform.dagster.nights import NIGHTLY, begin_nights
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.integration.test_at_once import LAUNCH
from funnel_etl_tests.integration.test_services import family, states, wait_for
from funnel_etl_tests.killing import Arena
from funnel_etl_tests.servers import new_folder

pytestmark = pytest.mark.slow

NIGHT = date(2025, 10, 31)
FILES = {"/assigned_leads.csv": "crm_assigned_leads.csv", "/sales.csv": "crm_sales.csv"}


class _Crm(BaseHTTPRequestHandler):
    server: "SilentCrm"

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        if self.server.is_silent(self.path):
            self.close_connection = True  # it hangs up without a word
            return
        body = (self.server.folder / FILES[self.path]).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class SilentCrm(ThreadingHTTPServer):
    """A CRM that hangs up on everybody for as long as `is_silent` says."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Crm)
        self.folder = folder
        self.asked: Counter[str] = Counter()
        self.is_silent: Callable[[str], bool] = lambda _path: False

    def settings(self) -> dict[str, object]:
        """Where it is, and that nobody asks twice within an attempt."""
        address = f"http://127.0.0.1:{self.server_port}"
        return {
            "crm_assigned_leads_url": f"{address}/assigned_leads.csv",
            "crm_sales_url": f"{address}/sales.csv",
            "retry_seconds": 0,
        }


@pytest.fixture
def crm(new_installation: Callable[[], Installation]) -> Iterator[tuple[Installation, SilentCrm]]:
    installation = new_installation()
    installation.lay_demo()
    server = SilentCrm(installation.sources)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    installation.environment["NO_PROXY"] = "127.0.0.1"
    installation.environment |= {f"FUNNEL_{name.upper()}": str(value) for name, value in server.settings().items()}
    yield installation, server
    server.shutdown()
    server.server_close()


def scheduled(installation: Installation, **changes: object) -> dg.ExecuteInProcessResult:
    """Run the night as the daemon does for the schedule: the job, with its own tags only."""
    with installation.settings(**changes) as settings:
        begin_nights(settings, NIGHT)
        defs = build_definitions(settings)
        with only_writer(settings):
            pass  # the tables, as `make up` makes them
        with instance(settings) as (opened, _):
            return defs.resolve_job_def(NIGHTLY).execute_in_process(
                instance=opened, partition_key=NIGHT.isoformat(), raise_on_error=False
            )


def test_a_crm_that_comes_back_later_is_pulled_by_the_same_night_and_marketing_did_not_wait(
    crm: tuple[Installation, SilentCrm],
) -> None:
    """A CRM that was down for two minutes at 02:30 cost a day."""
    installation, server = crm
    asked_when_published: list[int] = []

    def is_silent(path: str) -> bool:
        """Until marketing is published, and then for two attempts more."""
        if not asked_when_published:
            if "marketing" not in installation.query("SELECT part FROM ops.nights")["part"].tolist():
                return True
            asked_when_published.append(server.asked[path])
        return server.asked[path] < asked_when_published[0] + 2

    server.is_silent = is_silent
    done = scheduled(installation, pull_retry_hours=0.1)  # the pauses are 3, 6 and 12 seconds
    assert done.success
    assert asked_when_published == [2], "the rest of the night went on before the CRM was asked again"
    assert server.asked == Counter({"/assigned_leads.csv": 4, "/sales.csv": 4})
    parts = installation.query("SELECT part, max(as_of) AS as_of FROM ops.nights GROUP BY part")
    assert set(parts["part"]) >= {"marketing", "sales", "funnel", "parity"}
    assert set(parts["as_of"]) == {NIGHT}
    assert installation.value("SELECT count(*) FROM clean.sales") > 0


def test_a_person_at_a_terminal_is_told_at_once_that_the_source_is_silent(crm: tuple[Installation, SilentCrm]) -> None:
    installation, server = crm
    server.is_silent = lambda _path: True
    result = installation.night(NIGHT)
    assert server.asked == Counter({"/assigned_leads.csv": 1, "/sales.csv": 1})
    assert result.failures.keys() >= {"raw/crm_sales", "raw/crm_assigned_leads"}
    assert result.parts["marketing"].published
    assert not result.parts["sales"].published


def lines_until(stream: IO[str], words: str) -> list[str]:
    said = []
    for line in stream:
        said.append(line)
        if words in line:
            return said
    raise AssertionError("".join(said))


def test_who_asked_to_wait_sees_for_what_others_run_meanwhile_and_ctrl_c_ends_it_at_once(
    crm: tuple[Installation, SilentCrm],
) -> None:
    installation, server = crm
    server.is_silent = lambda _path: True
    waits = subprocess.Popen(
        [PROGRAM, "run", "--as-of", NIGHT.isoformat(), "--wait", "4"],
        env=installation.program_environment(),
        cwd=installation.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert waits.stderr is not None
        said = "".join(lines_until(waits.stderr, "raw/crm_sales"))
        assert "it is asked again at " in said
        assert "for the last time at " in said
        deadline = time.monotonic() + 120
        while not _told_waiting(installation):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        server.is_silent = lambda _path: False
        other = installation.night(NIGHT)
        assert other.is_published, other.failures
        assert waits.poll() is None, "the one that waits was not taken for a killed one"
        assert _told_waiting(installation)
        began = time.monotonic()
        waits.send_signal(signal.SIGINT)
        waits.communicate(timeout=30)
        assert time.monotonic() - began < 20
        assert waits.returncode == 130
    finally:
        if waits.poll() is None:
            waits.kill()
            waits.communicate()
    assert installation.query("SELECT DISTINCT as_of FROM ops.nights")["as_of"].tolist() == [NIGHT]


def _told_waiting(installation: Installation) -> bool:
    """Whether `status` says that a night waits for the CRM, the rest of which is done."""
    with installation.settings() as settings:
        said = [one for one in status(settings).about("services") if one.facts.get("state") == "waiting"]
    assert all(one.is_well and "waits for it since" in one.says for one in said)
    published = installation.query("SELECT part FROM ops.nights")["part"].tolist()
    return {one.name for one in said} == {"raw/crm_sales", "raw/crm_assigned_leads"} and "marketing" in published


def asked(port: str, query: str, **variables: object) -> Any:
    """Ask the UI, as a browser does."""
    answer = requests.post(
        f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables}, timeout=60
    ).json()
    assert "errors" not in answer, answer
    return answer["data"]


def launched(port: str, job: str) -> str:
    """Launch a job of the night in the UI; return the run."""
    selector = {"repositoryLocationName": "funnel_etl", "repositoryName": "__repository__", "pipelineName": job}
    tags = [{"key": "dagster/partition", "value": NIGHT.isoformat()}]
    parameters = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
    return str(asked(port, LAUNCH, parameters=parameters)["launchRun"]["run"]["runId"])


STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"


def test_with_up_other_jobs_run_while_a_night_waits_another_night_queues_and_terminate_ends_it_at_once(
    campaign: bool,
) -> None:
    if not campaign:
        pytest.skip("at full size: --campaign")
    home = new_folder()
    arena = Arena(home)
    generate(arena.sources, as_of=NIGHT, leads=400, months=2, seed=3)
    server = SilentCrm(arena.sources)
    server.is_silent = lambda _path: True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    port = arena.installation.environment["FUNNEL_UI_PORT"]
    given = {f"FUNNEL_{name.upper()}": str(value) for name, value in server.settings().items()}
    arena.installation.environment |= given | {"NO_PROXY": "127.0.0.1"}
    (arena.state / "first_night").write_text(NIGHT.isoformat())
    process = arena.up()

    def is_now(run_id: str, *statuses: str) -> bool:
        return asked(port, STATUS, id=run_id)["runOrError"]["status"] in statuses

    try:
        wait_for(lambda: states(port), process)
        night = launched(port, "nightly")
        wait_for(lambda: _told_waiting(arena.installation), process, seconds=300)
        watch, other = launched(port, "watch"), launched(port, "nightly")
        wait_for(lambda: is_now(watch, "SUCCESS"), process, seconds=300)
        assert is_now(night, "STARTED")
        assert is_now(other, "QUEUED")
        server.is_silent = lambda _path: False
        began = time.monotonic()
        assert asked(port, TERMINATE, id=night)["terminateRun"]["__typename"] == "TerminateRunSuccess"
        wait_for(lambda: is_now(night, "CANCELED", "FAILURE"), process, seconds=60)
        assert time.monotonic() - began < 15, "Dagster's own delay would sleep through it"
        wait_for(lambda: is_now(other, "SUCCESS"), process, seconds=300)
    finally:
        for one in family(process):
            one.kill()
        process.kill()
        process.wait()
        server.shutdown()
        server.server_close()
        arena.close()
        shutil.rmtree(home, ignore_errors=True)
