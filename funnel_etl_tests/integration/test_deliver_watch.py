"""What `funnel-etl status` and alerts tell of deliveries, and how preview and status of `deliver` read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from funnel_etl.assembly import build_definitions
from funnel_etl.delivery.waiting import read_not_planned, read_standing
from funnel_etl.observe.alerts.causes import Cause
from funnel_etl.observe.alerts.deliveries import of_deliveries
from funnel_etl.observe.alerts.dispatch import send_alerts
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl_tests.delivery_world import (
    World,
    event_candidate,
    people,
    today,
    user,
    user_candidate,
)

pytestmark = pytest.mark.slow

RULES = "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"


def told(world: World, **changes: object) -> list[dict[str, Any]]:
    """What `funnel-etl status --json` tells of deliveries."""
    found: list[dict[str, Any]] = json.loads(world.installation.command("status", "--json", **changes).stdout)[
        "deliveries"
    ]
    return found


def look_at(world: World) -> None:
    """Make one pass of the alerts."""
    with (
        world.settings() as settings,
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        dg.instance_for_test() as instance,
    ):
        code = build_definitions(settings).get_repository_def()
        send_alerts(settings, databases.funnel_url, instance, code, force=True)


def causes(world: World, *destinations: str) -> list[Cause]:
    with world.engine.connect() as connection:
        rows, waits = read_standing(connection, datetime.now(UTC)), read_not_planned(connection, today())
    return list(of_deliveries(rows, waits, destinations))


def test_while_delivery_is_off_status_says_so_and_nobody_has_to_do_anything(world: World) -> None:
    [one] = told(world, delivery="")
    assert one["says"].startswith("delivery is off")
    assert one["is_well"]
    assert "Deliveries:\n  delivery: delivery is off" in world.installation.command("status", delivery="").stdout


def test_what_is_due_while_delivery_is_off_is_for_the_engineer(world: World) -> None:
    world.lay(*people(2))
    first, due = told(world, delivery="")
    assert first["says"].startswith("delivery is off")
    assert (due["name"], due["who_does_it"]) == ("delivery_off_with_due", "the engineer")
    assert due["says"].startswith("webengage: 4 due")
    assert "set FUNNEL_DELIVERY=webengage" in due["what_to_do"]
    assert [cause.kind for cause in causes(world, "webengage")] == []


def test_status_counts_what_is_in_which_state_and_names_the_command_that_helps(world: World) -> None:
    world.lay(*people(3))
    [one] = told(world)
    assert one["says"].startswith("nothing is planned yet; 6 candidates of the newest night (3 events, 3 users) wait")
    world.run()
    one, held = told(world)
    assert (one["states"]["delivered"], one["states"]["held"], one["waiting_to_be_planned"]) == (3, 3, 0)
    assert one["oldest_open_at"]
    assert one["says"].startswith("3 held, 3 delivered; the oldest that is open since")
    assert held["name"] == "delivery_held"
    assert held["says"].startswith("webengage: 3 held")
    assert held["what_to_do"].startswith("funnel-etl deliver approve --types")
    assert "Deliveries:" in world.installation.command("status").stdout


def test_an_unknown_a_person_decides_about_is_named_with_its_key(world: World) -> None:
    world.lay(*people(1))
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "drop_after", "times": 9}])
    world.run()
    assert [cause.kind for cause in causes(world, "webengage")] == []  # the next run sends it again
    world.pass_time(hours=4, minutes=1)
    [cause] = causes(world, "webengage")
    [row] = world.rows("object = 'event'")
    assert cause.kind == "delivery_unknown"
    world.run()
    [cause] = causes(world, "webengage")
    assert f"funnel-etl deliver resolve {row['delivery_key'][:12]} --delivered or --again" in str(cause.what_to_do)
    assert user(0) not in str(cause)


def test_what_is_refused_or_held_by_name_is_told_with_its_night_and_occurrence(world: World) -> None:
    moved = event_candidate(1, user_id=user(7), email="person0@example.org")
    world.lay(*people(1), user_candidate(1, user_id=user(7)), moved)
    world.approve()
    world.fake.misbehave([{"match": {"path_re": "/events$"}, "do": "status", "status": 400, "times": 1}])
    world.run()
    found = {cause.kind: cause for cause in causes(world, "webengage")}
    assert set(found) == {"delivery_failed", "delivery_held"}
    assert f"--occurrence {moved.occurrence_id}" in str(found["delivery_held"].what_to_do)
    world.sql("UPDATE ops.deliveries SET state = 'held', reason = 'large_plan' WHERE state = 'held'")
    found = {cause.kind: cause for cause in causes(world, "webengage")}
    assert f"--plan {today() - timedelta(days=1)}" in str(found["delivery_held"].what_to_do)


def test_what_fails_for_a_day_is_told(world: World) -> None:
    world.lay(*people(1))
    world.run()
    world.sql("UPDATE ops.deliveries SET state = 'failed_transient', reason = 'not_now', attempts = 3")
    assert causes(world, "webengage") == []
    world.sql("UPDATE ops.deliveries SET planned_at = planned_at - interval '25 hours'")
    [cause] = causes(world, "webengage")
    assert (cause.kind, cause.what.startswith("webengage: 2 fail again and again")) == ("delivery_failed", True)


def test_the_rows_of_another_account_are_said_to_be_of_another(world: World) -> None:
    world.lay(*people(1, account="in~other"), user_candidate(0, account="in~other"))
    world.run(webengage_licence="in~other", delivery_window="00:00-00:01")
    found = {one["name"]: one["says"] for one in told(world)}
    assert "nothing of it is sent" in found["webengage, account in~other"]


def test_alerts_tell_each_cause_once_by_count_and_that_it_is_gone(world: World) -> None:
    world.lay(*people(2))
    world.run()
    sql = "SELECT kind, what, resolved_at IS NULL AS is_open FROM ops.alerts WHERE kind LIKE 'delivery%' ORDER BY 1"
    look_at(world)
    rows = world.installation.query(sql).to_dict("records")
    assert [(row["kind"], row["is_open"]) for row in rows] == [("delivery_held", True)]
    assert "2 held" in rows[0]["what"]
    world.approve()
    world.run()
    look_at(world)
    assert world.installation.query(sql)["is_open"].tolist() == [False]


def test_a_rule_that_opts_in_who_said_nothing_is_warned_of(world: World) -> None:
    rules = world.installation.config / "delivery_rules.csv"
    before = rules.read_text()
    try:
        for word, warned in (("hold", False), ("omit", True)):
            rules.write_text(f"{RULES}*,registered,no,,,omit,\n*,*,yes,2026-11-01,7,{word},\n")
            world.installation.command("run")
            lines = [one for one in told(world) if one["name"] == "delivery_rules.csv"]
            assert [("omit" in one["says"], one["is_well"]) for one in lines] == [(True, False)] * warned
    finally:
        rules.write_text(before)


def test_preview_shows_the_head_of_the_first_request_and_no_key(world: World) -> None:
    world.lay(*people(30))
    world.approve()
    shown = world.command("preview").stdout
    assert "The first of 32 requests:\n  POST /v1/accounts/in~demo/bulk-users\n" in shown
    assert "Authorization: Bearer ‹secret›" in shown
    assert "… 25 users, whole with --to FOLDER" in shown
    assert max(map(len, shown.splitlines())) < 420


def test_deliver_status_says_in_words_what_waits(world: World) -> None:
    assert "the newest night made no candidates for this account: funnel-etl run" in world.command("status").stdout
    world.lay(*people(2))
    words = "4 candidates of the newest night (2 events, 2 users) wait for funnel-etl deliver run"
    assert words in world.command("status").stdout
    assert json.loads(world.command("status", "--json").stdout)["waiting_to_be_planned"] == 4
    world.run()
    assert "wait for" not in world.command("status").stdout
    world.reset()
    world.lay(user_candidate(0, decision="excluded", reason="no_consent"))
    assert "nothing of the newest night is to be sent: funnel-etl deliver preview" in world.command("status").stdout
