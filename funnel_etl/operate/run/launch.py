"""Beginning a night from the page: the night's own job, launched at Dagster's web server as its UI does it.

Here: what is asked of the web server. Not here: how a run goes on (`follow`), which is read from Dagster's storage.
"""

from datetime import date
from typing import Any

import requests
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME

from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.run.follow import going_night
from funnel_etl.platform.dagster.nights import NIGHTLY, PARTITION, first_night
from funnel_etl.platform.dagster.run_origin import LOCATION
from funnel_etl.settings import Settings

HOST = "127.0.0.1"
SECONDS = 60
"""The web server makes the plan of the whole night before it answers."""
MAKE_UP = "start it with make up (docker compose up -d), then press the button again"
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""
_AGAIN = """
mutation Again($params: ReexecutionParams!) {
  launchRunReexecution(reexecutionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""


def web_address(settings: Settings) -> str:
    """Return where Dagster's web server answers; everything that asks it reads its address here."""
    return f"http://{HOST}:{settings.ui_port}"


def nights_to_run(settings: Settings) -> tuple[date, date]:
    """Return the first and the last night that the web server can run."""
    return min(first_night(settings), settings.yesterday()), settings.yesterday()


def web_answers(settings: Settings) -> bool:
    """Return whether Dagster's web server is there."""
    try:
        with _direct() as session:
            return session.get(f"{web_address(settings)}/server_info", timeout=5).ok
    except requests.RequestException:
        return False


def launch_night(settings: Settings, night: date) -> str:
    """Begin a night, and return its run. Raises `FunnelError` for one that cannot begin now, with what to do."""
    first, last = nights_to_run(settings)
    if night > last:
        raise FunnelError(f"{night} is not over yet", where="Run the night", fix=f"the last day that is over is {last}")
    if night < first:
        raise FunnelError(
            f"no night before {first} has run here yet",
            where="Run the night",
            fix=f"ask the engineer for: funnel-etl run --as-of {night}",
        )
    _require_none_going(settings, "Run the night")
    selector = {"repositoryName": SINGLETON_REPOSITORY_NAME, "repositoryLocationName": LOCATION, "jobName": NIGHTLY}
    tags = [{"key": PARTITION, "value": night.isoformat()}]
    params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
    return _run_of(settings, _LAUNCH, params)


def retry_failed(settings: Settings, run_id: str) -> str:
    """Run again what failed in a run, and what was skipped for it; return the new run. Raises `FunnelError`."""
    _require_none_going(settings, "Retry what failed")
    return _run_of(settings, _AGAIN, {"parentRunId": run_id, "strategy": "FROM_FAILURE"})


def _require_none_going(settings: Settings, where: str) -> None:
    if going_night(settings) is not None:
        raise FunnelError("a night is running already", where=where, fix="wait until it has ended: it is shown here")


def _run_of(settings: Settings, mutation: str, params: dict[str, Any]) -> str:
    [answer] = _ask(settings, mutation, {"params": params}).values()
    if answer["__typename"] != "LaunchRunSuccess":
        raise FunnelError(
            f"Dagster did not begin it ({answer['__typename']})",
            where=web_address(settings),
            fix="ask the engineer to begin it in the Dagster UI, which shows why",
        )
    return str(answer["run"]["runId"])


def _direct() -> requests.Session:
    """Return a session that asks without a proxy: the web server is on this machine, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    return session


def _ask(settings: Settings, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Ask the web server as its UI does. Raises `FunnelError` when it does not answer, or refuses."""
    address = web_address(settings)
    try:
        with _direct() as session:
            answer = session.post(f"{address}/graphql", json={"query": query, "variables": variables}, timeout=SECONDS)
    except requests.RequestException as error:
        raise FunnelError(
            f"Dagster's web server does not answer ({type(error).__name__})", where=address, fix=MAKE_UP
        ) from None
    found = answer.json() if answer.ok else {}
    if "errors" in found or not found.get("data"):
        raise FunnelError(
            f"Dagster's web server refused it (status {answer.status_code})",
            where=address,
            fix="another program may answer on that port: look at FUNNEL_UI_PORT",
        )
    data: dict[str, Any] = found["data"]
    return data
