"""A dump that lacks rows waits for the analyst's word under Today; the next night takes it then."""

from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow
ANALYST = Person("analyst@team.example", frozenset({Role.ANALYST}))
OPERATOR = Person("ops@team.example", frozenset({Role.OPERATOR}))
ASKS = "was refused"


def refused(seen: AppTest) -> bool:
    return any(ASKS in each.value and "crm" in each.value for each in seen.markdown)


@pytest.fixture
def company(published: Published) -> Installation:
    own = published.demo()
    dump = own.sources / "crm_sales.csv"
    lines = dump.read_bytes().splitlines(keepends=True)
    dump.write_bytes(b"".join([lines[0], *lines[len(lines) // 2 :]]))
    assert not own.night(DEMO_NIGHT).is_published
    return own


def test_the_analyst_says_that_the_rows_are_gone_and_the_next_night_takes_the_dump(
    company: Installation, tester: Callable[..., AppTest]
) -> None:
    st.cache_data.clear()
    assert not refused(tester("today", company, OPERATOR))
    seen = tester("today", company, ANALYST)
    assert refused(seen)
    seen.toggle("refused-crm_sales").set_value(True).run()
    assert not seen.exception
    assert any("are gone (" in each.value for each in seen.markdown)
    assert sum(int(one) for one in next(f.value for f in seen.dataframe if "Rows gone" in f.value)["Rows gone"]) > 0
    for label in ("These rows are really gone", "Yes, they are gone"):
        seen = next(each for each in seen.button if each.label == label).click().run()
    assert seen.success[0].value.startswith("Kept: it holds for exactly this dump.")
    assert not refused(seen)
    log = company.query("SELECT who, action, outcome FROM ops.app_actions ORDER BY at").to_numpy().tolist()
    assert [row[:2] for row in log] == [[ANALYST.email, "confirm a dump"]] * 2
    assert company.night(DEMO_NIGHT).is_published
    st.cache_data.clear()
    assert not refused(tester("today", company, ANALYST))
