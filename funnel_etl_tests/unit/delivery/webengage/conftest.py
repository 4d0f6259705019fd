"""What decides about candidates, for the tests of them."""

from typing import Any

import pytest

from funnel_etl_tests.deciding import decider


@pytest.fixture
def decide(table_of: Any, config_of: Any) -> Any:
    """What decides about frames written as rows."""
    return decider(table_of, config_of)
