"""The commands of `deliver`: window, preview, report, firing again, what a person must do."""

import csv
import json
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from funnel_etl.delivery.keys import sha256_hex
from funnel_etl.delivery.scope import Scope
from funnel_etl_tests.delivery_world import (
    KEY,
    LICENCE,
    World,
    event_candidate,
    not_sent,
    people,
    start_of,
    today,
    window,
)
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


def test_nothing_is_sent_outside_the_window_but_now(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    done = world.command("run", delivery_window=window(is_open=False))
    assert (done.returncode, world.fake.log) == (0, [])
    assert "nothing is sent before" in done.stdout
    assert world.run(delivery_window=window(is_open=True)).exit_code == 0
    world.lay(*people(2))
    world.command("run", "--now", delivery_window=window(is_open=False))
    assert len(world.events) == 2


@pytest.mark.parametrize("bulk_from", ["0", "1"], ids=["singly", "bulk"])
def test_a_run_sends_to_the_byte_what_the_preview_wrote(world: World, tmp_path: Path, bulk_from: str) -> None:
    world.installation.environment["FUNNEL_WEBENGAGE_BULK_FROM"] = bulk_from
    world.lay(*people(30), event_candidate(3, "registered"))
    world.approve()
    done = world.command("preview", "--to", str(tmp_path / "out"), webengage_key="")
    assert done.returncode == 0
    assert (world.fake.log, world.rows()) == ([], [])
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(files) == {"requests.ndjson", "decisions.csv", "summary.txt"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert not [path for path in files.values() if KEY in path.read_text()]
    wanted = [json.loads(line) for line in files["requests.ndjson"].read_text().splitlines()]
    assert world.run().exit_code == 0
    sent = world.fake.log
    # The first eight go one at a time; then four connections, whose order of arrival may differ by four.
    for one, other in zip(wanted[:8], sent, strict=False):
        assert (one["method"], one["path"], one["body"]) == (other["method"], other["path"], other["body"])
        assert one["headers"]["x-request-id"] == other["headers"]["x-request-id"]
    assert {one["body"] for one in wanted} == {one["body"] for one in sent}
    assert wanted[0]["headers"]["Authorization"] == "Bearer ‹secret›"
    with files["decisions.csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 61
    assert {row["state"] for row in rows} == {"planned"}


def test_the_preview_opens_no_socket_to_a_destination(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a request")

    monkeypatch.setattr(requests.Session, "send", refuse)
    world.lay(*people(2))
    done = world.command("preview", delivery="", webengage_key="", webengage_licence=LICENCE)
    assert done.returncode == 0
    assert "Delivery is off" in done.stdout
    assert "TimeInSessionMinutes is number" in done.stdout
    assert "2 held: new_attribute_type" in re.sub(" +", " ", done.stdout)


def test_the_preview_works_before_the_ledger_and_the_first_night(new_installation: Callable[[], Installation]) -> None:
    done = new_installation().command("deliver", "preview")
    assert done.returncode == 0
    assert "made no candidates" in done.stdout


def test_the_report_has_a_line_per_candidate_and_adds_up(world: World, tmp_path: Path) -> None:
    nobody = replace(event_candidate(9, user_id="x"), user_id=None, key_parts=None)
    world.lay(*people(3), event_candidate(0, "registered"), not_sent(nobody, "no_user_id"))
    world.approve()
    world.run()
    file = tmp_path / "report.csv"
    done = world.command("report", "--to", str(file))
    assert done.returncode == 0
    assert "Plutus Webinar Attended (attended): 3 delivered, 1 not_sent: no_user_id" in done.stdout
    assert "Plutus Webinar Registered (registered): 1 delivered" in done.stdout
    assert "candidates 8 = 7 delivered + 1 not_sent" in done.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == 8
    assert [row["what_to_do"] for row in rows if row["reason"] == "no_user_id"] == [
        "give the person a phone at the source"
    ]
    night = (today() - timedelta(days=1)).isoformat()
    assert "candidates 7 = 7 delivered" in world.command("report", "--night", night).stdout


def test_firing_again_asks_and_then_fires_each_once_more(world: World) -> None:
    candidates = people(2)
    world.lay(*candidates)
    world.approve()
    world.run()
    occurrence = str(candidates[1].occurrence_id)
    arguments = ("again", "--occurrence", occurrence, "--kind", "attended", "--reason", "journey was broken")
    assert world.command(*arguments, answer="n\n").returncode == 1
    assert len(world.rows("object = 'event'")) == 2
    assert world.command(*arguments, answer="y\n").returncode == 0
    for _ in range(2):
        assert world.run().exit_code == 0
    assert len(world.events) == 4
    again = world.rows("generation = 2")
    assert len(again) == 2
    assert all("journey was broken" in row["note"] for row in again)
    assert {row["delivery_key"] for row in again} == {
        sha256_hex(f"{one.key_parts}\n2") for one in candidates if one.object == "event"
    }


def test_a_run_may_be_of_one_occurrence_or_of_a_few_events(world: World) -> None:
    other = start_of(today() - timedelta(days=2))
    second = [event_candidate(n, webinar="82000000001", started_at=other) for n in range(4)]
    world.lay(*people(4), *second)
    world.approve()
    world.run(Scope(occurrence=str(second[0].occurrence_id)))
    assert {event["eventData"]["WebinarId"] for event in world.events} == {"82000000001"}
    world.run(Scope(limit=1))
    assert len(world.events) == 5
    world.run()
    assert len(world.events) == 8


def test_status_says_what_a_person_must_do(world: World) -> None:
    world.lay(*people(2))
    world.run()
    done = world.command("status")
    assert done.returncode == 0
    assert "To do: 2 held: the first value of an attribute fixes its type" in done.stdout
    found = json.loads(world.command("status", "--json").stdout)
    assert (found["states"], found["is_on"]) == ({"held": 2, "delivered": 2}, True)


def test_what_was_sent_is_forgotten_after_its_days(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.run()
    world.sql("UPDATE ops.deliveries SET changed_at = changed_at - interval '31 days'")
    assert world.run().exit_code == 0
    assert [row["payload"] for row in world.rows()] == [None, None]
    world.lay(*people(1))
    world.run()
    assert len(world.fake.log) == 2
