"""The fake counts effects, not requests, and misbehaves when told to; it runs as a program, too."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from funnel_etl.demo.fakes.server import Fake
from funnel_etl.demo.fakes.webengage import FakeWebEngage

EVENT = {"userId": "u1", "eventName": "e", "eventTime": "2026-11-20T19:04:00+0530", "eventData": {"n": 1}}


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(lambda: FakeWebEngage(per_minute=5)) as made:
        yield made


def post(fake: Fake, path: str, content: object, request_id: str = "", key: str = "demo-key") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}", "x-request-id": request_id}
    return requests.post(f"{fake.url}/v1/accounts/in~demo/{path}", json=content, headers=headers, timeout=5)


def state(fake: Fake) -> Any:
    return requests.get(f"{fake.url}/__admin/state", timeout=5).json()


def test_a_request_id_has_one_effect_in_four_hours_of_its_clock(fake: Fake) -> None:
    assert [post(fake, "events", EVENT, "a").status_code for _ in range(2)] == [201, 201]
    assert len(state(fake)["events"]) == 1
    requests.post(f"{fake.url}/__admin/clock", json={"plus_seconds": 4 * 3600 + 60}, timeout=5)
    post(fake, "events", EVENT, "a")
    assert len(state(fake)["events"]) == 2


def test_without_an_id_each_request_has_an_effect(fake: Fake) -> None:
    for _ in range(2):
        post(fake, "events", EVENT)
    assert len(state(fake)["events"]) == 2


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("events", EVENT | {"userId": ""}, 400),
        ("events", EVENT | {"eventName": ""}, 400),
        ("events", EVENT | {"eventTime": "2026-11-20T19:04:00Z"}, 400),
        ("bulk-users", {"users": [{"userId": str(n)} for n in range(26)]}, 400),
        ("bulk-users", {"users": [{"userId": str(n)} for n in range(25)]}, 201),
        ("opengdpr_requests", {"subject_request_type": "erasure"}, 201),
        ("nothing", {}, 404),
    ],
)
def test_what_it_refuses_has_no_effect(fake: Fake, path: str, content: object, status: int) -> None:
    assert post(fake, path, content).status_code == status
    found = state(fake)
    assert bool(found["users"] or found["events"] or found["erasures"]) == (status == 201)


def test_a_wrong_key_is_401_and_another_licence_404(fake: Fake) -> None:
    assert post(fake, "events", EVENT, key="other").status_code == 401
    url = f"{fake.url}/v1/accounts/other/events"
    assert requests.post(url, json=EVENT, headers={"Authorization": "Bearer demo-key"}, timeout=5).status_code == 404


def test_a_value_of_another_type_is_taken_and_dropped(fake: Fake) -> None:
    post(fake, "events", EVENT)
    assert post(fake, "events", EVENT | {"eventData": {"n": "1"}}).status_code == 201
    assert [len(state(fake)[name]) for name in ("events", "dropped")] == [1, 1]


def test_over_the_limit_of_a_minute_it_answers_429(fake: Fake) -> None:
    assert [post(fake, "events", EVENT).status_code for _ in range(6)] == [201] * 5 + [429]
    requests.post(f"{fake.url}/__admin/clock", json={"plus_seconds": 60}, timeout=5)
    assert post(fake, "events", EVENT).status_code == 201


def test_faults_come_in_their_order_after_what_they_skip(fake: Fake) -> None:
    faults = [
        {"match": {"path_re": "/events$"}, "do": "status", "status": 503, "skip": 1, "headers": {"Retry-After": "3"}},
        {"match": {"body_re": "u1"}, "do": "garbage"},
    ]
    requests.post(f"{fake.url}/__admin/faults", json=faults, timeout=5)
    first, second, third = (post(fake, "events", EVENT) for _ in range(3))
    assert first.text.startswith("<!DOCTYPE")
    assert (second.status_code, second.headers["Retry-After"]) == (503, "3")
    assert third.status_code == 201
    assert len(state(fake)["events"]) == 1
    assert [one["n"] for one in requests.get(f"{fake.url}/__admin/log", timeout=5).json()] == [1, 2, 3]


@pytest.mark.parametrize(("do", "effects"), [("drop_before", 0), ("drop_after", 1), ("truncate", 1)])
def test_what_it_drops_it_did_or_did_not_do(fake: Fake, do: str, effects: int) -> None:
    fake.misbehave([{"do": do}])
    with pytest.raises(requests.RequestException):
        post(fake, "events", EVENT)
    assert len(state(fake)["events"]) == effects


def test_it_runs_as_a_program_that_says_its_port(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    program = subprocess.Popen([sys.executable, "-m", "funnel_etl.demo.fakes", "--port-file", str(file)])
    try:
        deadline = time.monotonic() + 30
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        port = json.loads(file.read_text())["webengage"]
        assert requests.get(f"http://127.0.0.1:{port}/__admin/state", timeout=5).json()["events"] == []
        assert requests.post(f"http://127.0.0.1:{port}/__admin/reset", timeout=5).status_code == 200
    finally:
        program.kill()
        program.wait()
