"""What was published on a past night, beside now: begun by a press, one at a time, and nothing published changes."""

import time
from collections.abc import Callable
from datetime import date

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.app.words import day
from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.rerun import replaying
from funnel_etl.operate.rerun.replay import default_folder
from funnel_etl.operate.rerun.then_and_now import then_and_now
from funnel_etl_tests.golden.week import FRI, NIGHTS, SAT
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow
Tester = Callable[..., AppTest]
ANALYST = Person("analyst@example.org", frozenset({Role.ANALYST}))
VIEWER = Person("viewer@example.org", frozenset({Role.VIEWER}))
FACTS = "SELECT date, funnel, leads, m0_assigned, sales, revenue_inr FROM mart.funnel_facts ORDER BY 1, 2"


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_data.clear()
    monkeypatch.setattr(replaying, "_newest", {})


def choose_night(seen: AppTest, night: date) -> AppTest:
    return next(box for box in seen.selectbox if box.label == "Night of").set_value(night).run()


def press(seen: AppTest, label: str) -> AppTest:
    return next(each for each in seen.button if each.label == label).click().run()


def ended(seen: AppTest) -> AppTest:
    """Wait for the end of the replay, and draw the page anew."""
    until = time.monotonic() + 120
    while not all(run.is_over for run in replaying._newest.values()):
        assert time.monotonic() < until
        time.sleep(0.2)
    return seen.run().run()


def test_the_facts_of_a_night_are_shown_beside_those_of_now_and_stay_as_they_are(
    published: Published, tester: Tester
) -> None:
    earlier = published.week(*NIGHTS[:3]).query(FACTS)
    installation = published.week(*NIGHTS[:5])
    before = installation.query(FACTS)
    seen = choose_night(tester("funnel", installation, ANALYST), FRI)
    assert not [each for each in seen.button if each.label == "Remove its files"]
    seen = ended(press(seen, "Make it again"))
    assert not seen.exception
    assert not seen.error
    assert installation.query(FACTS).equals(before)
    with installation.settings() as settings:
        found = then_and_now(settings, FRI)
        rows = found.rows
        folder = default_folder(settings, FRI)
    then = earlier[earlier["date"].map(lambda day: day.month) == 10]
    sums = rows[(rows["month"] == date(2025, 10, 1)) & (rows["measure"] == "revenue_inr")]
    assert sums["then"].sum() == float(then["revenue_inr"].sum()) > 0
    now = before[(before["date"] <= FRI) & (before["date"].map(lambda day: day.month) == 10)]
    assert sums["now"].sum() == float(now["revenue_inr"].sum())
    assert len(found.moved) > 0, "the week tells of past days that move"
    shown = next(each.value for each in seen.dataframe if "then" in each.value)
    assert len(shown) == len(found.moved)
    begun = f"The night of {day(FRI)} is being made again. It goes on if you close the page."
    assert sorted(row[1:] for row in log(installation)) == [
        ["replay a night", f"night {FRI}", begun],
        ["replay a night", f"night {FRI}", "begun"],
        ["replayed a night", f"night {FRI}", "done"],
    ]
    assert folder.is_dir()
    seen = press(press(seen, "Remove its files"), "Yes, remove them")
    assert not seen.exception
    assert not folder.exists()


def log(installation: Installation) -> list[list[object]]:
    sql = "SELECT who, action, about, outcome FROM ops.app_actions WHERE action LIKE 'replay%' ORDER BY at"
    return installation.query(sql).to_numpy().tolist()


def test_only_one_is_made_at_a_time_and_a_night_that_cannot_be_made_says_why(
    published: Published, tester: Tester, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = published.week(*NIGHTS[:3])
    for name, value in installation.program_environment().items():
        monkeypatch.setenv(name, value)
    with installation.settings() as settings:
        thread = replaying.begin(settings, "asha@example.org", SAT, lambda _: None)
        with pytest.raises(FunnelError, match="another night is being made again"):
            replaying.begin(settings, "local", FRI, lambda _: None)
        thread.join(timeout=120)
        run = replaying.newest(settings)
    assert run is not None
    assert run.code == 1
    assert any("never ran" in line for line in run.said)
    seen = tester("funnel", installation, ANALYST)
    assert any("could not be made whole" in each.value for each in seen.error)
    assert any("never ran" in each.value for each in seen.markdown)


def test_who_may_not_sees_nothing_of_it(published: Published, tester: Tester) -> None:
    seen = tester("funnel", published.week(*NIGHTS[:3]), VIEWER)
    assert "What did we publish on that night?" not in [each.value for each in seen.subheader]
    assert not [box for box in seen.selectbox if box.label == "Night of"]
