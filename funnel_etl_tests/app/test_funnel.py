"""Funnel: its numbers are those of the facts, and each opens the rows behind it, masked but for who may see people."""

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest
import streamlit as st
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.core.values.numbers import grouped, rupees
from funnel_etl.marts.funnel.contracts import MEASURES, ORIGINS
from funnel_etl.operate.facts.people import month_period, rows_behind
from funnel_etl_tests.app.conftest import Site
from funnel_etl_tests.golden.week import FRI, NIGHTS, SUN, write_night
from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow
Tester = Callable[..., AppTest]
VIEWER = Person("viewer@example.org", frozenset({Role.VIEWER}))
OPERATOR = Person("operator@example.org", frozenset({Role.OPERATOR}))
ANALYST = Person("analyst@example.org", frozenset({Role.ANALYST}))
MONTH = DEMO_NIGHT.replace(day=1)
OF_MONTH = "FROM mart.funnel_monthly WHERE month = '2025-10-01'"
FIRST_VISIT = 60_000
"""Milliseconds: the first visit after a start loads the program, on a machine that may be busy."""
MASK = r"[0-9a-f]{24}-.{1,4}"


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    st.cache_data.clear()


def choose(seen: AppTest, label: str, value: object) -> AppTest:
    next(box for box in seen.selectbox if box.label == label).set_value(value)
    return seen.run()


def frame(seen: AppTest, *columns: str) -> pd.DataFrame:
    """Return the table that has these columns."""
    assert not seen.exception
    found: pd.DataFrame = next(one.value for one in seen.dataframe if {*columns} <= {*one.value.columns})
    return found


def test_the_month_s_numbers_are_those_of_the_facts(demo: Installation, tester: Tester) -> None:
    seen = tester("funnel", demo)
    assert not seen.exception
    sums = demo.query(
        "SELECT sum(leads) AS leads, sum(sales) AS sales, sum(revenue_inr) AS revenue, sum(spend_inr) AS spend, "
        f"sum(spend_inr) / sum(sales) AS cac {OF_MONTH}"
    ).iloc[0]
    shown = {metric.label: metric.value for metric in seen.metric}
    assert shown["Leads"] == grouped(int(sums["leads"]))
    assert shown["Sales"] == grouped(int(sums["sales"]))
    assert shown["Revenue"] == rupees(float(sums["revenue"]), paise=False)
    assert shown["Ad spend"] == rupees(float(sums["spend"]), paise=False)
    assert shown["Spend per sale (CAC)"] == rupees(float(sums["cac"]), paise=False)


def test_another_month_and_one_funnel_have_their_own_numbers(demo: Installation, tester: Tester) -> None:
    seen = choose(choose(tester("funnel", demo), "Month", date(2025, 9, 1)), "Funnel", "Webinar")
    own = demo.value("SELECT leads FROM mart.funnel_monthly WHERE month = '2025-09-01' AND funnel = 'Webinar'")
    assert own > 0
    assert next(one.value for one in seen.metric if one.label == "Leads") == grouped(own)


@pytest.mark.parametrize("measure", [name for name in MEASURES if name not in ("impressions", "clicks")])
def test_every_number_opens_rows_that_sum_to_it_and_nobody_unmasked(demo: Installation, measure: str) -> None:
    with demo.settings() as settings:
        found = rows_behind(settings, measure, None, month_period(MONTH), is_masked=True)
    assert found.is_whole
    assert float(found.published) == float(demo.value(f"SELECT sum({measure}) {OF_MONTH}")) > 0
    assert found.rows["line"].gt(1).all()
    assert found.rows["file"].notna().all()
    table = ORIGINS[measure].table
    if "phone" not in found.rows:
        return
    assert found.rows["phone"].dropna().str.fullmatch(MASK).all()
    people = demo.query(f"SELECT phone FROM {table} WHERE phone IS NOT NULL")["phone"]  # noqa: S608 - of ours
    texts = found.rows.astype("str").to_csv()
    assert not [phone for phone in set(people) if phone in texts]
    assert "@" not in texts


def test_masks_are_those_of_the_masked_views(demo: Installation) -> None:
    with demo.settings() as settings:
        found = rows_behind(settings, "sales", None, month_period(MONTH), is_masked=True)
    views = demo.query("SELECT sale_id, phone FROM mart_masked.attributed_sales").set_index("sale_id")["phone"]
    shown = found.rows.set_index("sale_id")["phone"].dropna()
    assert len(shown) > 0
    assert shown.equals(views.reindex(shown.index))


def test_the_page_shows_masks_to_a_viewer_and_phones_to_an_analyst(demo: Installation, tester: Tester) -> None:
    count = demo.value(f"SELECT sum(leads) {OF_MONTH}")
    masked = choose(tester("funnel", demo, VIEWER), "Open the rows behind", "leads")
    assert any(f"{grouped(count)} as published" in one.value for one in masked.success)
    rows = frame(masked, "phone", "line", "value")
    assert len(rows) == count
    assert rows["phone"].dropna().str.fullmatch(MASK).all()
    assert any("masked" in one.value for one in masked.caption)

    plain = frame(choose(tester("funnel", demo, ANALYST), "Open the rows behind", "leads"), "phone", "line", "value")
    own = demo.query(
        "SELECT phone FROM clean.tofu_leads "
        "WHERE created_date BETWEEN '2025-10-01' AND '2025-10-31' AND phone IS NOT NULL"
    )
    assert sorted(plain["phone"].dropna()) == sorted(own["phone"])


def test_a_row_opens_its_line_as_it_arrived_for_who_may_see_people(demo: Installation, tester: Tester) -> None:
    seen = choose(tester("funnel", demo, ANALYST), "Open the rows behind", "sales")
    rows = frame(seen, "value", "sale_id")
    seen = choose(seen, "Open the line as it arrived", 1)
    cells = dict(frame(seen, "As it arrived").to_numpy().tolist())
    assert cells["_id"] == rows["sale_id"].iloc[1]
    seen = choose(tester("funnel", demo, VIEWER), "Open the rows behind", "sales")
    assert "Open the line as it arrived" not in [box.label for box in seen.selectbox]


def test_a_day_of_a_funnel_opens_its_own_rows(demo: Installation, tester: Tester) -> None:
    cell = demo.query(
        "SELECT date, funnel, leads FROM mart.funnel_facts WHERE date >= '2025-10-01' "
        "ORDER BY leads DESC, date, funnel LIMIT 1"
    ).iloc[0]
    seen = choose(tester("funnel", demo, ANALYST), "Funnel", cell["funnel"])
    next(one for one in seen.date_input if one.label.startswith("On the day")).set_value(cell["date"])
    seen = choose(seen, "Open the rows behind", "leads")
    rows = frame(seen, "phone", "line", "value")
    assert len(rows) == cell["leads"]
    assert set(rows["day"]) == {cell["date"]}
    assert set(rows["funnel"]) == {cell["funnel"]}


def test_a_look_at_people_is_written_down_once_and_names_nobody(published: Published, tester: Tester) -> None:
    own = published.demo()
    seen = choose(tester("funnel", own, ANALYST), "Open the rows behind", "sales")
    seen.run()
    choose(seen, "Open the people in", "attended_not_assigned")
    actions = own.query("SELECT who, page, action, about, outcome FROM ops.app_actions ORDER BY at")
    assert actions.to_numpy().tolist() == [
        [
            "analyst@example.org",
            "funnel",
            "open the rows behind a number",
            "sales of All funnels, 2025-10",
            "shown with phones and e-mails",
        ],
        [
            "analyst@example.org",
            "funnel",
            "open the people in a gap",
            "attended_not_assigned of All funnels",
            "shown with phones and e-mails",
        ],
    ]


@pytest.mark.parametrize("kind", ["attended_not_assigned", "assigned_never_attended", "assigned_before_attending"])
def test_gaps_are_those_of_the_database_the_newest_first(demo: Installation, tester: Tester, kind: str) -> None:
    seen = choose(tester("funnel", demo, OPERATOR), "Open the people in", kind)
    people = frame(seen, "since_date", "age_days")
    gaps = demo.query(
        "SELECT since_date, age_days FROM mart.handover_gaps WHERE gap_kind = :kind ORDER BY 1 DESC", kind=kind
    )
    assert len(gaps) > 0
    assert [grouped(len(gaps))] == [one.value for one in seen.metric if one.label in GAP_NAMES[kind]]
    assert list(people["age_days"]) == list(gaps["age_days"][:500])
    assert people["phone"].str.fullmatch(MASK).all()
    assert people["line"].notna().all()


GAP_NAMES = {
    "attended_not_assigned": "Attended, never assigned",
    "assigned_never_attended": "Assigned, attended nothing",
    "assigned_before_attending": "Assigned before they attended",
}


def test_models_cohorts_and_spend_are_those_of_the_database(demo: Installation, tester: Tester) -> None:
    seen = tester("funnel", demo)
    models = frame(seen, "first_touch", "time_decay")
    credited = demo.query(
        "SELECT funnel, credited_sales FROM mart.attribution_by_funnel "
        "WHERE month = '2025-10-01' AND model = 'linear' AND credited_sales > 0"
    ).set_index("funnel")["credited_sales"]
    assert models.set_index("funnel")["linear"].loc[credited.index].tolist() == pytest.approx(credited.tolist())
    assert models["linear"].sum() == pytest.approx(demo.value(f"SELECT sum(sales) {OF_MONTH}"))

    cohorts = frame(seen, "M0", "leads").set_index("month")
    first = demo.query(
        "SELECT sum(m0_leads) AS leads, sum(sales) AS sales FROM mart.cohorts "
        "WHERE month = '2025-09-01' AND offset_months = 1"
    )
    leads, sales = int(first["leads"][0]), int(first["sales"][0])
    assert cohorts.loc[date(2025, 9, 1), "leads"] == grouped(leads)
    assert cohorts.loc[date(2025, 9, 1), "M1"] == f"{sales / leads:.1%} ({sales})"

    spend = frame(seen, "cac_inr", "spend_inr").set_index("funnel")
    dearest = demo.query(f"SELECT funnel, cac_inr {OF_MONTH} AND cac_inr > 0 ORDER BY 2 DESC LIMIT 1").iloc[0]
    assert spend.loc[dearest["funnel"], "cac_inr"] == rupees(float(dearest["cac_inr"]), paise=False)


def test_a_visit_leaves_no_connection_behind(demo: Installation, tester: Tester) -> None:
    """The page is up for days: what each look left open would use up the server's connections."""
    for name in ("today", "funnel") * 2:
        st.cache_data.clear()
        assert not tester(name, demo).exception
    left = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE current_database() || '%' AND pid <> pg_backend_pid()"
    )
    assert demo.value(left) == 0


def test_before_the_first_night_it_says_so(published: Published, tester: Tester) -> None:
    seen = tester("funnel", published.new())
    assert not seen.exception
    assert seen.markdown[0].value == "Nothing is published yet. The first night brings the facts."


def test_a_number_is_opened_in_a_browser_by_keyboard_also_on_a_phone(site: Site, browser: Page) -> None:
    browser.set_viewport_size({"width": 390, "height": 844})
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today", exact=True)).to_be_visible(timeout=FIRST_VISIT)
    browser.goto(f"{site.url}/funnel")
    cohorts = browser.get_by_role("heading", name="Cohorts: bought, by months since assignment")
    expect(cohorts).to_be_visible(timeout=FIRST_VISIT)
    overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not browser.evaluate(overflow), "it scrolls sideways"
    leads = site.installation.value(f"SELECT sum(leads) {OF_MONTH}")
    box = browser.get_by_role("combobox", name="Open the rows behind")
    box.focus()
    box.press_sequentially("Leads")
    expect(browser.get_by_role("option", name=f"Leads: {grouped(leads)}", exact=True)).to_be_visible()
    browser.keyboard.press("Enter")
    expect(browser.get_by_text(f"its {grouped(leads)} rows sum to exactly that")).to_be_visible(timeout=FIRST_VISIT)
    with browser.expect_download() as download:
        browser.get_by_role("button", name="Download the rows").click()
    assert download.value.suggested_filename == "rows of leads 2025-10.csv"
    assert len(pd.read_csv(download.value.path())) == leads
    assert "?" not in browser.url


def test_a_click_on_a_bar_opens_its_rows(site: Site, browser: Page) -> None:
    browser.goto(f"{site.url}/funnel")
    chart = browser.get_by_test_id("stVegaLiteChart").first
    expect(chart.locator("canvas, svg").first).to_be_visible(timeout=FIRST_VISIT)
    browser.wait_for_timeout(1_000)
    chart.locator("canvas, svg").first.click(position={"x": 120, "y": 20})
    leads = site.installation.value(f"SELECT sum(leads) {OF_MONTH}")
    expect(browser.get_by_text(f"its {grouped(leads)} rows sum to exactly that")).to_be_visible(timeout=FIRST_VISIT)


def test_a_closed_month_says_what_data_that_came_since_would_change(published: Published, tester: Tester) -> None:
    installation = published.week(*NIGHTS[:3])
    month = FRI.replace(day=1)
    (installation.config / "closed_months.csv").write_text(f"month\n{month}\n")
    seen = choose(tester("funnel", installation, ANALYST), "Month", month)
    assert "This month is closed" not in [each.value for each in seen.subheader]
    write_night(SUN, installation.pull_from_files(), installation.config, installation.drop / "zoom")
    (installation.config / "closed_months.csv").write_text(f"month\n{month}\n")
    assert installation.night(SUN).failures == {}
    st.cache_data.clear()
    cells = installation.value("SELECT count(*) FROM mart.restatements WHERE month = :month", month=month)
    assert cells > 0
    seen = choose(tester("funnel", installation, ANALYST), "Month", month)
    assert "This month is closed" in [each.value for each in seen.subheader]
    assert frame(seen, "column_name", "cells")["cells"].sum() == cells
