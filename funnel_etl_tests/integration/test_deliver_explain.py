"""`funnel-etl explain PHONE` on what was sent to the outside about a person, and on what is not sent and why."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from funnel_etl_tests.delivery_world import World, event_candidate, new_world, people, user
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(new_installation: Callable[[], Installation]) -> Iterator[World]:
    with new_world(new_installation()) as made:
        made.sql(
            "INSERT INTO ops.nights (part, as_of, version, run_id, published_at, code_version, config_version, "
            "inserted, changed, deleted) "
            "VALUES ('delivery', '2026-11-01', 1, 'x', now(), 'x', 'x', 0, 0, 0)"
        )
        made.lay(*people(2))
        made.approve()
        made.run()
        made.lay(
            *people(2, data={"TimeInSessionMinutes": 99, "WebinarId": "81200002006"}),
            event_candidate(1, webinar="82000000001", data={"New": "x"}),
            event_candidate(1, webinar="83000000001", decision="excluded", reason="no_consent"),
        )
        made.run()
        made.lay(
            event_candidate(1, webinar="83000000001", decision="excluded", reason="no_consent"),
            event_candidate(1, webinar="84000000001"),
        )
        yield made


def explained(world: World, who: str) -> list[dict[str, Any]]:
    done = world.installation.command("explain", who, "--json")
    found: list[dict[str, Any]] = json.loads(done.stdout)["events"]
    return found


def test_what_was_sent_is_told_with_event_occurrence_state_time_and_note(world: World) -> None:
    found = [one for one in explained(world, f"+{user(1)}") if one["table"] == "ops.deliveries"]
    says = "\n".join(one["what"] for one in found)
    assert "webengage: the user's profile: delivered" in says
    assert "event Plutus Webinar Attended (attended) of 81200002006-" in says
    assert "delivered; note: changed_after_delivery" in says
    assert "held (new_attribute_type: the first value" in says
    assert all(one["at"] and one["line"] for one in found)
    assert len(found) == 3


def test_what_is_not_sent_is_told_with_the_reason(world: World) -> None:
    found = [one["what"] for one in explained(world, f"+{user(1)}") if one["table"] == "ops.delivery_candidates"]
    assert len(found) == 2
    assert found[0].endswith("not sent: no_consent (docs/reasons.md, Delivery)")
    assert found[1].endswith("not sent yet, waits for funnel-etl deliver run")


def test_nothing_of_anybody_else_is_told(world: World) -> None:
    found = [one["what"] for one in explained(world, f"+{user(0)}")]
    assert len(found) == 2
    assert not [what for what in found if "82000000001" in what]
