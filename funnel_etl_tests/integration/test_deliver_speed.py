"""How long three thousand events take, and that no minute has more requests than are allowed."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from funnel_etl_tests.delivery_world import World, new_world, people
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


@pytest.fixture
def world(new_installation: Callable[[], Installation]) -> Iterator[World]:
    with new_world(new_installation()) as made:
        made.fake.misbehave([{"match": {}, "do": "delay", "seconds": 0.05, "times": 10**6}])
        yield made


def most_in_a_minute(world: World, path: str) -> int:
    """The most requests to a path in any 60 seconds."""
    at = [datetime.fromisoformat(one["at"]) for one in world.requests(path)]
    return max((sum(start <= other < start + timedelta(seconds=60) for other in at) for start in at), default=0)


@pytest.mark.parametrize(
    ("count", "bulk_from", "seconds"),
    [pytest.param(500, 0, 30.0, id="singly"), pytest.param(3000, 1, 30.0, id="bulk")],
)
def test_events_are_quick_enough(world: World, campaign: bool, count: int, bulk_from: int, seconds: float) -> None:
    count = 3000 if campaign else count
    seconds = 90.0 if campaign and not bulk_from else seconds
    world.lay(*people(count))
    world.approve()
    began = time.monotonic()
    assert world.run(webengage_bulk_from=bulk_from).exit_code == 0
    assert time.monotonic() - began < seconds
    assert len({event["userId"] for event in world.events}) == len(world.events) == count
    if bulk_from:
        assert len(world.requests("/bulk-events")) == 120
    else:
        assert most_in_a_minute(world, "/events") <= 3000


def test_no_minute_has_more_requests_than_the_setting(world: World) -> None:
    world.lay(*people(30))
    world.approve()
    world.run(webengage_per_minute=20)
    assert len(world.events) == 30
    assert most_in_a_minute(world, "/events") <= 20
