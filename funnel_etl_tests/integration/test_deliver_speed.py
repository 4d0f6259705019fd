"""Three thousand events, singly and in bulk, and that no minute has more requests than are allowed.

How long they take is in docs/reliability.md; `pytest --durations=0 --campaign` shows it of this machine.
"""

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


@pytest.mark.parametrize(("count", "bulk_from"), [pytest.param(500, 0, id="singly"), pytest.param(3000, 1, id="bulk")])
def test_many_events_go_out_within_the_limit_of_a_minute(
    world: World, campaign: bool, count: int, bulk_from: int
) -> None:
    count = 3000 if campaign else count
    world.lay(*people(count))
    world.approve()
    assert world.run(webengage_bulk_from=bulk_from).exit_code == 0
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
