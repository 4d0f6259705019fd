"""The demo's planted chats through a whole night: credited right, and a verdict that is the planted truth."""

from collections.abc import Callable

import pandas as pd
import pytest

from funnel_etl.demo.engagement import recovered
from funnel_etl_tests.installation import DEMO_NIGHT, Installation

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("predicts", "wanted"), [(True, "ordered"), (False, "not_shown")], ids=["interest", "null world"]
)
def test_the_score_comes_out_as_it_was_planted(
    new_installation: Callable[[], Installation], predicts: bool, wanted: str
) -> None:
    installation = new_installation()
    installation.lay_demo(DEMO_NIGHT, leads=16_000, months=3, seed=7, chats=True, predicts=predicts)
    assert installation.night(DEMO_NIGHT).failures == {}
    with installation.engine.connect() as connection:
        found = recovered(installation.sources / "truth", lambda sql: pd.read_sql(sql, connection))
    print("\n".join(found.lines))  # noqa: T201 - what make demo says
    assert found.wrong_exact == 0
    assert found.right / (found.right + found.wrong) >= 0.97
    assert found.right > 3 * found.nobody
    assert found.verdict == wanted
    assert found.drafts.not_as_planted == 0
    assert found.drafts.there > 50
    assert {"no_consent", "unsubscribed", "already_bought", "suppressed"} <= found.drafts.withheld.keys()
