"""The routes of the installed Dagster: each is decided on, so that an update that brings another one is looked at."""

from typing import Any

import pytest
import yaml
from dagster_webserver.webserver import DagsterWebserver
from starlette.routing import Route, WebSocketRoute

from funnel_etl.platform.dagster.run_origin import LOCATION, MODULE
from funnel_etl.platform.dagster.ui_guard import LOOPBACK, refusal
from funnel_etl.settings import PROJECT
from funnel_etl_tests.whole import defs

DATA = {"/server_info", "/dagit_info", "/graphql", "/logs/{path:path}", "/download_debug/{run_id:str}"}
READ = {*DATA, "/", "/{path:path}"}
"""What a GET may ask for besides the files of the UI; none of it changes anything."""
CLOSED = {
    "/notebook",
    "/dagit/notebook",
    "/report_asset_materialization/{asset_key:path}",
    "/report_asset_check/{asset_key:path}",
    "/report_asset_observation/{asset_key:path}",
}


@pytest.fixture(scope="module")
def routes() -> list[Any]:
    return [each for each in DagsterWebserver(None).build_routes() if each.name not in ("root_static", "vendor_static")]


def test_every_route_of_the_installed_web_server_is_known(routes: list[Any]) -> None:
    paths = {each.path for each in routes if isinstance(each, Route)}
    assert paths == READ | CLOSED
    assert [each.path for each in routes if isinstance(each, WebSocketRoute)] == ["/graphql"]
    assert {each.path for each in routes if not isinstance(each, Route | WebSocketRoute)} == {"/_next"}


def test_only_graphql_and_the_closed_routes_take_anything_but_get(routes: list[Any]) -> None:
    writing = {each.path for each in routes if isinstance(each, Route) and (each.methods or set()) - {"GET", "HEAD"}}
    assert writing == {"/graphql", *(path for path in CLOSED if path.startswith("/report"))}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", sorted(CLOSED))
def test_a_closed_route_is_refused_to_the_ui_s_own_pages_too(path: str, method: str) -> None:
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"content-type", b"application/json")]
    asked = {"type": "http", "method": method, "path": path.partition("{")[0], "query_string": b"", "headers": headers}
    assert refusal(asked, LOOPBACK) is not None


@pytest.mark.parametrize("file", ["workspace.yaml", "workspace.docker.yaml"])
def test_runs_of_the_command_name_the_code_location_of_the_workspace(file: str) -> None:
    [entry] = yaml.safe_load((PROJECT / file).read_text())["load_from"]
    [place] = entry.values()
    assert place["location_name"] == LOCATION
    assert place.get("module_name", MODULE) == MODULE


def test_every_sensor_and_schedule_says_what_it_watches_how_often_and_what_it_starts() -> None:
    repository = defs.get_repository_def()
    jobs = {job.name for job in repository.get_all_jobs()}
    for sensor in repository.sensor_defs:
        said = sensor.description or ""
        seconds = sensor.minimum_interval_seconds
        often = "minute" if seconds == 60 else f"{seconds} seconds"
        assert said.startswith(f"Looks every {often} "), sensor.name
        assert "Starts no run." in said or any(name in said.split("start")[-1] for name in jobs), sensor.name
        assert "\n" not in said
    for schedule in repository.schedule_defs:
        assert (schedule.description or "").startswith(f"Starts {schedule.job.name} at "), schedule.name
