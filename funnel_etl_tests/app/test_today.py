"""Today: where things stand, who has what to do, what moved; and a night begun by a press of a button."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from html import unescape

import dagster as dg
import pytest
import requests
import streamlit as st
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.values.numbers import grouped
from funnel_etl.observe.changes.render import LABELS, number
from funnel_etl.operate.facts.restatements import open_quarantine
from funnel_etl.operate.run import follow, launch
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.platform.dagster.nights import PARTITION
from funnel_etl_tests.app.conftest import Site, served
from funnel_etl_tests.golden.week import NIGHTS
from funnel_etl_tests.installation import DEMO_NIGHT, PROGRAM, Installation, Published
from funnel_etl_tests.servers import new_port, serving

pytestmark = pytest.mark.slow
Tester = Callable[..., AppTest]
VIEWER = Person("viewer@example.org", frozenset({Role.VIEWER}))
OPERATOR = Person("operator@example.org", frozenset({Role.OPERATOR}))
ANALYST = Person("analyst@example.org", frozenset({Role.ANALYST}))
SALES = Person("sales@example.org", frozenset({Role.SALES}))
LAUNCHED = 240
"""Seconds in which a night of the demo begins and ends, also on a busy machine."""


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    st.cache_data.clear()


def metrics(seen: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in seen.metric}


def test_the_first_page_says_where_things_stand(site: Site, browser: Page) -> None:
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today", exact=True)).to_be_visible(timeout=60_000)
    expect(browser.get_by_text("The facts are complete through Fri, 31 Oct 2025")).to_be_visible()
    table = browser.get_by_role("table").filter(has_text="October 2025")
    expect(table).to_be_visible()
    days = site.installation.query(
        "SELECT event_date, count(*) AS many FROM clean.webinars WHERE has_attendee_report "
        "AND event_date >= '2025-10-01' AND event_date < '2025-11-01' GROUP BY 1"
    )
    assert len(days) > 3
    for row in days.itertuples():
        cell = table.get_by_role("cell").filter(has_text=re.compile(rf"^{row.event_date.day}(\D|$)"))
        assert f"✓\xa0{row.many}" in cell.inner_text()


def test_its_counts_are_those_of_the_database(demo: Installation, tester: Tester) -> None:
    seen = tester("today", demo)
    assert not seen.exception
    quarantined = demo.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL")
    assert quarantined > 0
    assert metrics(seen)["Rows in quarantine"] == grouped(quarantined)
    assert metrics(seen)["Reports missing"] == grouped(demo.value("SELECT count(*) FROM ops.missing_exports"))
    behind = (launch_day(demo) - DEMO_NIGHT).days
    assert f"{grouped(behind).replace(',', '')} days behind" in seen.markdown[0].value


def launch_day(demo: Installation) -> date:
    with demo.settings() as settings:
        return settings.yesterday()


def test_each_row_in_quarantine_is_named_by_file_line_reason_and_fix(demo: Installation, tester: Tester) -> None:
    drawn = [each.body for each in tester("today", demo).get("html") if 'class="wide"' in each.body]
    rows = [
        {name: unescape(text) for name, text in re.findall(r'<td data-of="([^"]+)">([^<]*)</td>', row)}
        for table in drawn
        for row in table.split("<tr>")[2:]
    ]
    groups = demo.query(
        "SELECT asset, reason, count(*) AS rows, min(source_row) AS line, min(fix_hint) AS fix FROM ops.quarantine "
        "WHERE resolved_at IS NULL GROUP BY 1, 2"
    )
    assert len(rows) == len(groups)
    for group in groups[groups["rows"] == 1].to_dict("records"):
        assert [row for row in rows if row["File and line"].endswith(f"line {group['line']}")], group
    assert sum(int(row["Rows"]) for row in rows) == groups["rows"].sum()
    assert not [row for row in rows if "clean." in row["Of"]], "no name of ours"
    with demo.settings() as settings:
        listed = open_quarantine(settings)
    assert len(listed) == groups["rows"].sum()
    assert listed[["file", "line", "fix_hint"]].notna().all(axis=None)


def test_the_list_of_rows_in_quarantine_is_for_who_mends_them(site: Site, browser: Page) -> None:
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today", exact=True)).to_be_visible(timeout=60_000)
    with browser.expect_download() as download:
        browser.get_by_role("button", name="All rows in quarantine as a file").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "asset,reason,detail,file,line,fix_hint,first_seen_at"
    count = site.installation.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL")
    assert len(lines) == count + 1


def test_money_that_waits_for_a_decision_is_that_of_the_work_list(demo: Installation, tester: Tester) -> None:
    seen = tester("today", demo)
    shown = [frame.value for frame in seen.dataframe if "revenue" in frame.value and "where" in frame.value]
    decisions = {row["what"]: row["many"] for frame in shown for row in frame.to_dict("records")}
    misc = demo.value("SELECT count(*) FROM ops.worklist_mapping WHERE item_kind = 'misc_sale'")
    assert misc > 0
    assert decisions["Misc sale"] == misc


@pytest.mark.parametrize(
    ("person", "first"), [(SALES, "Sales lead"), (OPERATOR, "Marketing operations"), (VIEWER, "Marketing operations")]
)
def test_what_is_the_person_s_own_stands_first(demo: Installation, tester: Tester, person: Person, first: str) -> None:
    assert tester("today", demo, person).tabs[0].label.startswith(first)


def test_webinars_of_others_are_not_shown_to_who_has_own_ones(demo: Installation, tester: Tester) -> None:
    profiles = demo.query("SELECT DISTINCT profile FROM clean.webinars WHERE profile IS NOT NULL ORDER BY 1")["profile"]
    own, other = profiles[0], profiles[1]
    person = Person("own@example.org", frozenset({Role.VIEWER}), profiles=frozenset({own.casefold()}))
    topics = demo.query(
        "SELECT profile, max(coalesce(topic, occurrence_id)) AS topic FROM clean.webinars "
        "WHERE event_date BETWEEN '2025-10-01' AND '2025-10-31' GROUP BY 1"
    ).set_index("profile")["topic"]
    seen, all_seen = (grid(tester("today", demo, who)) for who in (person, VIEWER))
    assert topics[own] in seen
    assert topics[other] not in seen
    assert topics[other] in all_seen


def grid(seen: AppTest) -> str:
    return next(str(one.proto.body) for one in seen.get("html") if 'class="month"' in one.proto.body)


def test_who_may_not_run_a_night_sees_no_button_and_whoever_may_hears_why_there_is_none(
    demo: Installation, tester: Tester
) -> None:
    port = new_port()
    assert "Run the night" not in [button.label for button in tester("today", demo, VIEWER, ui_port=port).button]
    seen = tester("today", demo, OPERATOR, ui_port=port)
    assert "Run the night" not in [button.label for button in seen.button]
    assert [one for one in seen.caption if "web server does not answer" in one.value and "make up" in one.value]
    assert not [one for one in tester("today", demo, VIEWER, ui_port=port).caption if "web server" in one.value]


def test_who_may_not_run_a_night_is_refused_also_when_the_action_is_called(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = published.demo()
    for key, value in own.program_environment().items():
        monkeypatch.setenv(key, value)
    seen = AppTest.from_function(_called_by_a_viewer, default_timeout=60).run()
    assert [one.value for one in seen.error] == ["Running a night is for marketing operations and the engineer."]
    assert "begun" not in seen.session_state
    actions = own.query("SELECT who, action, about, outcome FROM ops.app_actions")
    assert actions.to_numpy().tolist() == [
        ["viewer@example.org", "run the night", "night 2025-10-31", "refused: not allowed"]
    ]


def _called_by_a_viewer() -> None:
    from datetime import date  # noqa: PLC0415 - Streamlit runs this function's text by itself

    import streamlit as st  # noqa: PLC0415

    from funnel_etl.app.access import Person, Role  # noqa: PLC0415
    from funnel_etl.app.night_control import _begin  # noqa: PLC0415
    from funnel_etl.app.visit import Visit  # noqa: PLC0415
    from funnel_etl.environment import load_settings  # noqa: PLC0415

    def begin() -> str:
        st.session_state["begun"] = True
        return "run"

    viewer = Person("viewer@example.org", frozenset({Role.VIEWER}))
    _begin(Visit(load_settings(), viewer, "today"), "run the night", date(2025, 10, 31), begin)


def test_before_the_first_night_it_says_so(published: Published, tester: Tester) -> None:
    seen = tester("today", published.new())
    assert not seen.exception
    assert seen.markdown[0].value == "Nothing is published yet. The first night brings the facts."
    assert "No night has run yet." in [one.value for one in seen.markdown]


def test_what_moved_is_told_by_cause_and_sums_to_the_difference(published: Published, tester: Tester) -> None:
    four_nights = published.week(*NIGHTS[:4])
    seen = tester("today", four_nights)
    moved = four_nights.query(
        "SELECT metric, cause, sum(difference) AS net, count(*) AS cells FROM ops.changes GROUP BY 1, 2"
    )
    old = moved[moved["cause"] != "new_day"]
    assert len(old) > 0
    shown = next(frame.value for frame in seen.dataframe if "net" in frame.value)
    assert len(shown) == len(old)
    assert set(shown["net"]) == {
        number(row["metric"], int(row["net"] * 100), signed=True) for row in old.to_dict("records")
    }
    assert set(shown["cells"]) == set(old["cells"])
    each = next(frame.value for frame in seen.dataframe if "difference" in frame.value)
    assert len(each) == moved["cells"].sum()


def test_why_one_number_moved_leads_to_the_lines_of_both_nights(published: Published, tester: Tester) -> None:
    nights = published.week(*NIGHTS[:4])
    cell = nights.query(
        "SELECT c.metric, c.funnel, c.date, c.cause, r.before_row FROM ops.changes AS c JOIN (SELECT metric, "
        "coalesce(before_funnel, after_funnel) AS funnel, coalesce(before_date, after_date) AS date, "
        "coalesce(before_source_row, after_source_row) AS before_row FROM ops.changed_rows) AS r "
        "USING (metric, funnel, date) WHERE c.cause <> 'new_day' ORDER BY 1, 2, 3 LIMIT 1"
    ).iloc[0]

    def asked(person: Person) -> AppTest:
        seen = tester("today", nights, person)
        for key, value in (("measure", cell["metric"]), ("funnel", cell["funnel"])):
            choose(seen, f"moved-{key}", value)
        choose(seen, "moved-month", cell["date"].replace(day=1))
        choose(seen, "moved-day", cell["date"])
        assert not seen.exception
        return seen

    seen = asked(ANALYST)
    texts = [each.value for each in seen.markdown]
    assert any(f"by {LABELS[cell['cause']]}" in text for text in texts)
    assert any(f" line {cell['before_row']}" in text for text in texts), "where the row stood, or stands"
    cells = [frame.value for frame in seen.dataframe if "Before" in frame.value and "Column" in frame.value]
    assert any(len(frame) and (frame["Before"] != frame["Now"]).all() for frame in cells)
    masked = asked(VIEWER)
    assert not [frame for frame in masked.dataframe if "Column" in frame.value]
    log = nights.query("SELECT about, outcome FROM ops.app_actions WHERE action = 'open the rows that moved a number'")
    assert set(log["outcome"]) == {"shown open", "shown without cells"}


def choose(seen: AppTest, key: str, value: object) -> None:
    """Choose in the box whose key begins so, unless there is nothing to choose."""
    box = next(each for each in seen.selectbox if (each.key or "").startswith(key))
    if box.value != value:
        box.set_value(value).run()


def test_the_last_nights_say_how_they_ended(demo: Installation, tester: Tester) -> None:
    shown = next(frame.value for frame in tester("today", demo).dataframe if "took" in frame.value)
    run = demo.query(
        "SELECT run_id, count(*) AS parts, sum(inserted + changed + deleted) AS rows FROM ops.nights "
        "WHERE part <> 'watch' GROUP BY 1"
    )
    assert list(shown["night"]) == [DEMO_NIGHT]
    assert list(shown["state"]) == ["✓ done"]
    assert list(shown["parts"]) == list(run["parts"])
    assert list(shown["rows"]) == [grouped(int(run["rows"][0]))]


def test_a_night_that_cannot_begin_is_refused_in_a_sentence(demo: Installation) -> None:
    with demo.settings(ui_port=new_port()) as settings:
        with pytest.raises(FunnelError, match="is not over yet"):
            launch.launch_night(settings, settings.yesterday() + timedelta(days=1))
        with pytest.raises(FunnelError, match=r"no night before 2025-10-31 has run here yet.*engineer"):
            launch.launch_night(settings, date(2025, 10, 30))
        with pytest.raises(FunnelError, match=r"does not answer.*make up"):
            launch.launch_night(settings, DEMO_NIGHT)
        assert not launch.web_answers(settings)
    with serving(b"<html>another program</html>") as address:
        port = int(address.rpartition(":")[2])
        with demo.settings(ui_port=port) as settings, pytest.raises(FunnelError, match=r"refused it.*FUNNEL_UI_PORT"):
            launch.launch_night(settings, DEMO_NIGHT)


@pytest.fixture(scope="module")
def running(published: Published) -> Iterator[tuple[Installation, int]]:
    """An installation of its own with Dagster's web server and daemon up, as `make up` starts them, and their port."""
    installation, port = published.demo(), new_port()
    with (installation.home / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "up"],
            env=installation.program_environment(ui_port=port),
            cwd=installation.home,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait_until(lambda: _loads(port), "the web server to load the code", process)
            yield installation, port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _loads(port: int) -> bool:
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    try:
        answer = requests.post(f"http://127.0.0.1:{port}/graphql", json={"query": query}, timeout=30).json()
    except requests.RequestException:
        return False
    return bool(answer["data"]["repositoriesOrError"].get("nodes"))


def _wait_until(is_so: Callable[[], object], what: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LAUNCHED
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended: see up.log"
        if is_so():
            return
        time.sleep(1)
    pytest.fail(f"waited too long for {what}")


def test_a_night_is_begun_by_a_button_and_followed_to_its_end(running: tuple[Installation, int], browser: Page) -> None:
    installation, port = running
    before = installation.value("SELECT max(version) FROM ops.nights WHERE part = 'funnel'")
    with served(installation, ui_port=port) as page:
        browser.goto(page.url)
        for part, value in (("year", "2025"), ("month", "10"), ("day", "31")):
            browser.get_by_role("spinbutton", name=f"{part}, Night of").press_sequentially(value, delay=50)
        browser.keyboard.press("Enter")
        browser.get_by_role("button", name="Run the night").click()
        expect(browser.get_by_role("progressbar")).to_be_visible(timeout=60_000)
        expect(browser.get_by_role("button", name="Run the night")).to_be_hidden()
        done = browser.get_by_text("The night of Fri, 31 Oct 2025 is done")
        expect(done).to_be_visible(timeout=LAUNCHED * 1000)
        expect(browser.get_by_role("button", name="Run the night")).to_be_visible()
    assert installation.value("SELECT max(version) FROM ops.nights WHERE part = 'funnel'") > before
    actions = installation.query("SELECT who, page, action, about, outcome FROM ops.app_actions ORDER BY at")
    assert list(actions["action"]) == ["run the night", "followed a night to its end"]
    assert set(actions["about"]) == {"night 2025-10-31"}
    assert actions["outcome"][1].startswith("done, run ")


def test_what_failed_is_shown_with_its_reason_and_retried_once_it_is_mended(
    running: tuple[Installation, int], tester: Tester
) -> None:
    installation, port = running
    spend = installation.sources / "ad_spend.csv"
    kept = spend.read_bytes()
    spend.write_bytes(b"nothing,that,fits\n1,2,3\n")
    seen = tester("today", installation, OPERATOR, ui_port=port)
    seen.date_input[0].set_value(DEMO_NIGHT).run()
    press(seen, "Run the night").run()
    failed = _followed(installation, port, seen)
    assert failed.state == follow.FAILED
    assert "raw/ad_spend" in failed.failures
    assert any("failed in" in one.value for one in seen.error)
    assert any("**ad spend**" in one.value for one in seen.markdown)
    assert "Retry what failed" in [button.label for button in seen.button]

    spend.write_bytes(kept)
    press(seen, "Retry what failed").run()
    again = _followed(installation, port, seen)
    assert again.state == follow.DONE, again.failures
    assert again.run_id != failed.run_id
    assert again.steps < failed.steps, "what had succeeded is not made again"
    assert any("is done" in one.value for one in seen.success)
    assert "Retry what failed" not in [button.label for button in seen.button]
    about = installation.query(
        "SELECT action, outcome FROM ops.app_actions WHERE who = 'operator@example.org' ORDER BY at"
    )
    assert list(about["action"]) == [
        "run the night",
        "followed a night to its end",
        "retry what failed",
        "followed a night to its end",
    ]


def press(seen: AppTest, label: str) -> AppTest:
    next(button for button in seen.button if button.label == label).click()
    return seen


def _followed(installation: Installation, port: int, seen: AppTest) -> follow.Progress:
    """Look again and again as the page does by itself, until the run that it follows is over."""
    run_id = seen.session_state["run_followed"]
    deadline = time.monotonic() + LAUNCHED
    with installation.settings(ui_port=port) as settings:
        while time.monotonic() < deadline:
            now = follow.progress(settings, run_id)
            assert not now.is_stuck
            if now.is_over:
                break
            time.sleep(2)
    seen.run()
    seen.run()
    assert not seen.exception
    return now


def test_a_night_that_nothing_will_begin_is_said_to_stay_in_the_queue(published: Published, tester: Tester) -> None:
    @dg.asset
    def facts() -> None: ...

    night = dg.Definitions([facts], jobs=[dg.define_asset_job("nightly", [facts])]).resolve_job_def("nightly")
    installation = published.demo()
    with installation.settings() as settings, instance(settings) as (opened, _):
        opened.create_run_for_job(night, tags={PARTITION: "2025-10-31"}, status=dg.DagsterRunStatus.NOT_STARTED)
    seen = tester("today", installation, OPERATOR, ui_port=new_port())
    assert any("stays in the queue" in one.value and "make up" in one.value for one in seen.warning)
    assert "Run the night" not in [button.label for button in seen.button]
    with installation.settings() as settings, pytest.raises(FunnelError, match="a night is running already"):
        launch.launch_night(settings, DEMO_NIGHT)
