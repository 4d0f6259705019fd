"""What several integration tests stand on: an installation whose deliveries go to a WebEngage on loopback."""

from collections.abc import Callable, Iterator

import pytest

from funnel_etl_tests.delivery_world import World, new_world
from funnel_etl_tests.installation import Installation


@pytest.fixture(scope="module")
def whole_world(new_installation: Callable[[], Installation]) -> Iterator[World]:
    with new_world(new_installation()) as made:
        yield made


@pytest.fixture
def world(whole_world: World) -> World:
    whole_world.reset()
    return whole_world
