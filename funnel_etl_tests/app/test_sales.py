"""Sales: who converts, whom to call, what was not handed over, sales without a lead."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl.core.values.numbers import grouped
from funnel_etl_tests.app.conftest import Site
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow
LEAD = Person("lead@example.org", frozenset({Role.SALES}))
CALLS = "SELECT p.*, e.conductor FROM mart.followup_priority AS p JOIN clean.webinars AS e USING (occurrence_id)"


def go(site: Site, browser: Page) -> None:
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today")).to_be_visible(timeout=30_000)
    browser.get_by_test_id("stSidebarNav").get_by_role("link", name="Sales").click()


def test_the_sentence_has_the_counts_of_the_tables(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("sales", demo, LEAD)
    assert not seen.exception
    waiting = demo.value("SELECT count(*) FROM mart.handover_gaps WHERE gap_kind = 'attended_not_assigned'")
    unmatched = demo.value("SELECT count(*) FROM mart.attributed_sales WHERE m0_month IS NULL")
    calls = demo.value("SELECT count(*) FROM mart.followup_priority")
    assert min(waiting, unmatched, calls) > 0
    assert seen.markdown[0].value == (
        f"Complete through Fri, 31 Oct 2025: {grouped(calls)} people to call first, "
        f"{grouped(waiting)} attended and were never assigned, "
        f"{grouped(unmatched)} sales have no assigned lead before them."
    )


@pytest.mark.parametrize("by", ["Representative", "Team"])
def test_the_conversion_of_the_months_sums_to_the_scorecard(
    demo: Installation, tester: Callable[..., AppTest], by: str
) -> None:
    seen = tester("sales", demo, LEAD)
    seen.selectbox[0].select("All months").run()
    seen.radio[0].set_value(by).run()
    leads, converted, revenue = demo.query(
        "SELECT sum(m0_leads), sum(m0_converted), sum(revenue_inr) FROM mart.employee_scorecard"
    ).iloc[0]
    rows = seen.dataframe[0].value
    assert (rows["m0_leads"].sum(), rows["m0_converted"].sum()) == (leads, converted)
    assert round(rows["revenue_inr"].sum(), 2) == revenue > 0
    assert seen.metric[0].value == grouped(int(leads))
    assert len(rows) > 1
    assert (rows["low"].dropna() <= rows["rate"].dropna()).all()


def test_sales_without_a_lead_say_why(demo: Installation, tester: Callable[..., AppTest]) -> None:
    rows = next(each.value for each in tester("sales", demo, LEAD).dataframe if "sale_id" in each.value)
    wanted = demo.query(
        "SELECT sale_id FROM mart.attributed_sales WHERE m0_month IS NULL AND phone IS NULL ORDER BY sale_id"
    )["sale_id"].tolist()
    assert sorted(rows.loc[rows["why"] == "no_phone", "sale_id"]) == wanted
    assert wanted


def test_only_own_webinars_are_on_the_list(demo: Installation, tester: Callable[..., AppTest]) -> None:
    calls = demo.query(CALLS)
    whose = calls["conductor"].dropna().iloc[0]
    own = Person("lead@example.org", frozenset({Role.SALES}), frozenset({whose.casefold()}))
    seen = tester("sales", demo, own)
    rows = next(each.value for each in seen.dataframe if "tier" in each.value)
    assert sorted(rows["phone"]) == sorted(calls.loc[calls["conductor"] == whose, "phone"])
    nobodys = Person("lead@example.org", frozenset({Role.SALES}), frozenset({"somebody else"}))
    seen = tester("sales", demo, nobodys)
    assert "None of your own webinars has somebody to call just now." in [each.value for each in seen.info]
    assert not [each for each in seen.dataframe if "tier" in each.value]


def test_the_call_list_comes_as_a_file_and_is_written_down(site: Site, browser: Page, tmp_path: Path) -> None:
    go(site, browser)
    browser.get_by_role("tab", name="Whom to call").click()
    with browser.expect_download() as download:
        browser.get_by_role("button", name="Call list as a file").click()
    download.value.save_as(tmp_path / "calls.csv")
    with (tmp_path / "calls.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = site.installation.query(CALLS)["phone"]
    assert sorted(row["phone"].removeprefix("'") for row in rows) == sorted(wanted)
    log = site.installation.query("SELECT who, page, action, about FROM ops.app_actions").to_numpy().tolist()
    assert log == [["local", "sales", "download", f"call_list.csv, of Everybody, {len(wanted)} rows"]]
    assert browser.url.endswith("/sales")


def test_before_the_first_night_it_says_so(published: Published, tester: Callable[..., AppTest]) -> None:
    seen = tester("sales", published.new(), LEAD)
    assert "no night is published yet" in seen.exception[0].value


def test_the_gaps_are_those_of_the_table(site: Site, browser: Page) -> None:
    go(site, browser)
    expect(browser.get_by_role("heading", name="Sales")).to_be_visible()
    browser.set_viewport_size({"width": 390, "height": 900})
    browser.get_by_role("tab", name="Not handed over").click()
    gaps = site.installation.value("SELECT count(*) FROM mart.handover_gaps WHERE gap_kind = 'attended_not_assigned'")
    expect(browser.get_by_text(f"{grouped(gaps)} people. Assign them in the CRM")).to_be_visible()


def test_who_may_not_is_told_and_sees_nothing(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("sales", demo, Person("viewer@example.org", frozenset({Role.VIEWER})))
    assert seen.error[0].value.startswith("This page is not among those of your role.")
    assert not [*seen.dataframe, *seen.button, *seen.text_input]
