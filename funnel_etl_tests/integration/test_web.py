"""`funnel-etl web` as a real process: Dagster's own server behind its guard, asked as browsers and programs ask.

Issue 10: any web page in the engineer's browser could stop the schedule, launch a night, delete a run.
"""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest
import websockets.sync.client
from websockets.exceptions import InvalidStatus

from funnel_etl.operate.run.night import Writer, run_job
from funnel_etl.platform.dagster.run_origin import LOCATION
from funnel_etl_tests.installation import PROGRAM
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow

CODE = """
import dagster as dg

@dg.asset
def facts(): ...

job = dg.define_asset_job("nightly", selection="facts")
schedule = dg.ScheduleDefinition(name="nightly", job=job, cron_schedule="0 2 * * *")
defs = dg.Definitions([facts], jobs=[job], schedules=[schedule])
"""
HERE = f'repositoryName: "__repository__", repositoryLocationName: "{LOCATION}"'
NIGHTLY = f'{{{HERE}, scheduleName: "nightly"}}'
START = f"mutation Begin {{ startSchedule(scheduleSelector: {NIGHTLY}) {{ __typename }} }}"
RESET = f"mutation {{ resetSchedule(scheduleSelector: {NIGHTLY}) {{ __typename }} }}"
LAUNCH = (
    f'mutation {{ launchRun(executionParams: {{selector: {{{HERE}, jobName: "nightly"}}, runConfigData: {{}}}}) '
    "{ __typename } }"
)
WIPE = 'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["facts"]}}]) { __typename } }'
SCHEDULE = f"{{ scheduleOrError(scheduleSelector: {NIGHTLY}) {{ ... on Schedule {{ scheduleState {{ status }} }} }} }}"
STATUS = {"scheduleOrError": {"scheduleState": {"status": "STOPPED"}}}
ASSET = '{ assetOrError(assetKey: {path: ["facts"]}) { ... on Asset { assetMaterializations { timestamp } } } }'
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
TIMELINE = """{ runsOrError(filter: {statuses: [SUCCESS]}) { ... on Runs { results {
    jobName repositoryOrigin { repositoryName repositoryLocationName } } } } }"""
JOBS_PAGE = (
    f'{{ pipelineOrError(params: {{pipelineName: "nightly", {HERE}}}) '
    "{ ... on Pipeline { runs(limit: 5) { runId } } } }"
)
JSON = {"Content-Type": "application/json"}


@dataclass
class Web:
    """A server that is up."""

    port: int
    home: Path

    @property
    def own(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: str = "") -> tuple[int, str]:
        """Send it as it is, with a Host of its own if one is given."""
        given = {"Host": f"127.0.0.1:{self.port}"} | (headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in (given | {"Content-Length": str(len(body))}).items():
                connection.putheader(name, value)
            connection.endheaders(body.encode())
            answer = connection.getresponse()
            self.headers = dict(answer.getheaders())
            return answer.status, answer.read().decode()

    def ask(self, query: str, **headers: str) -> Any:
        """Ask as the UI does."""
        status, text = self.send("POST", "/graphql", JSON | headers, json.dumps({"query": query}))
        assert status == 200, text
        return json.loads(text)["data"]

    def state(self) -> tuple[Any, Any, Any]:
        """What an attack would change: the schedule, the asset's events, the runs."""
        return self.ask(SCHEDULE), self.ask(ASSET), self.ask(RUNS)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    (folder / "pipeline.py").write_text(CODE)
    where = {"relative_path": "pipeline.py", "location_name": LOCATION}
    (folder / "workspace.yaml").write_text(json.dumps({"load_from": [{"python_file": where}]}))
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    found = Web(new_port(), home)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FUNNEL_", "DAGSTER_"))}
    process = subprocess.Popen(
        [PROGRAM, "web", "--port", str(found.port), "--workspace", "workspace.yaml"],
        env=own
        | {"DAGSTER_HOME": str(home), "FUNNEL_HOME": str(folder), "FUNNEL_UI_HOSTS": "Dagster.example.org, other"},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        with contextlib.suppress(ConnectionError):
            if found.ask(SCHEDULE) == STATUS:
                break
        time.sleep(0.2)
    yield found
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert "Dagster UI: refused a request: another site sent it" in said
    assert "evil" not in said, "what a request holds is not logged"


FOREIGN = {"Origin": "https://evil.example", "Referer": "https://evil.example/", "Sec-Fetch-Site": "cross-site"}
REBOUND = {"Host": "evil.example:3000", "Origin": "http://evil.example:3000", "Sec-Fetch-Site": "same-origin"}
GET = "/graphql?query="
ATTACKS = {
    "get": ("GET", GET + quote(START), FOREIGN, ""),
    "get_from_nowhere": ("GET", GET + quote(LAUNCH), {}, ""),
    "get_after_rebinding": ("GET", GET + quote(START), REBOUND, ""),
    "json_after_rebinding": ("POST", "/graphql", JSON | REBOUND, json.dumps({"query": START})),
    "json": ("POST", "/graphql", JSON | FOREIGN, json.dumps({"query": WIPE})),
    "batch": ("POST", "/graphql", JSON | FOREIGN, json.dumps([{"query": START}])),
    "form": ("POST", GET + quote(START), {"Content-Type": "application/x-www-form-urlencoded"} | FOREIGN, "a=b"),
    "text": ("POST", "/graphql", {"Content-Type": "text/plain"} | FOREIGN, json.dumps({"query": START})),
    "text_with_json_in_its_type": (
        *("POST", "/graphql", {"Content-Type": "text/plain;application/json"} | FOREIGN, json.dumps({"query": START})),
    ),
    "event": ("POST", "/report_asset_materialization/facts", FOREIGN, ""),
    "event_from_nowhere": ("POST", "/report_asset_materialization/facts", JSON, "{}"),
    "page_after_rebinding": ("GET", "/", {"Host": "evil.example"}, ""),
}


@pytest.mark.parametrize(("method", "target", "headers", "body"), ATTACKS.values(), ids=ATTACKS)
def test_what_another_site_sends_changes_nothing_and_is_answered_by_one_line(
    web: Web, method: str, target: str, headers: dict[str, str], body: str
) -> None:
    before = web.state()
    assert before[0] == STATUS
    status, text = web.send(method, target, headers, body)
    assert status == 403
    assert text.startswith("funnel_etl refused this: ")
    assert "Fix: " in text
    assert text.count("\n") == 1
    assert web.headers["content-type"] == "text/plain; charset=utf-8"
    assert not [name for name in web.headers if name.lower().startswith("access-control")]
    assert web.state() == before


def test_no_site_may_frame_read_or_ask_before_it_sends(web: Web) -> None:
    status, _ = web.send("GET", "/runs", {"Sec-Fetch-Site": "none"})
    assert status == 200
    assert web.headers["x-frame-options"] == "DENY"
    assert web.headers["cross-origin-resource-policy"] == "same-origin"
    status, _ = web.send("OPTIONS", "/graphql", FOREIGN | {"Access-Control-Request-Headers": "content-type"})
    assert status == 403
    assert not [name for name in web.headers if name.lower().startswith("access-control")]


def test_a_websocket_of_another_site_is_refused_and_the_ui_s_own_is_open(web: Web) -> None:
    address, protocol = f"ws://127.0.0.1:{web.port}/graphql", ["graphql-ws"]
    with pytest.raises(InvalidStatus) as refused:
        websockets.sync.client.connect(address, origin="https://evil.example", subprotocols=protocol)
    assert refused.value.response.status_code == 403
    assert b"another site opened a WebSocket" in refused.value.response.body
    with websockets.sync.client.connect(address, origin=web.own, subprotocols=protocol) as opened:
        opened.send(json.dumps({"type": "connection_init"}))
        assert json.loads(opened.recv(timeout=30)) == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="by_a_program"),
        pytest.param({"Host": "dagster.example.org", "Origin": "https://dagster.example.org"}, id="behind_a_proxy"),
    ],
)
def test_a_mutation_of_the_ui_itself_is_done(web: Web, headers: dict[str, str]) -> None:
    own = headers or {"Origin": web.own, "Referer": f"{web.own}/automation", "Sec-Fetch-Site": "same-origin"}
    try:
        assert web.ask(START, **own) == {"startSchedule": {"__typename": "ScheduleStateResult"}}
        assert web.ask(SCHEDULE)["scheduleOrError"]["scheduleState"]["status"] == "RUNNING"
    finally:
        web.ask(RESET)


def test_a_run_of_the_command_is_on_the_pages_that_list_runs_by_where_they_come_from(web: Web) -> None:
    @dg.asset
    def facts() -> None: ...

    defs = dg.Definitions([facts], jobs=[dg.define_asset_job("nightly", selection="facts")])
    with dg.DagsterInstance.from_config(str(web.home)) as opened:
        run = run_job(defs, "nightly", Writer(opened, None, "here"))  # type: ignore[arg-type]
    [shown] = web.ask(TIMELINE)["runsOrError"]["results"]
    assert shown["repositoryOrigin"] == {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
    assert web.ask(JOBS_PAGE)["pipelineOrError"]["runs"] == [{"runId": run.run_id}]
