"""Drafts: edited, approved, out and in as a file, as `drafts import` lands them; limited to own webinars."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest
from upath import UPath

from funnel_etl.app.access import Person, Role
from funnel_etl.core.errors import FunnelError
from funnel_etl.marts.engagement import edits
from funnel_etl.operate.drafts.drafts import as_csv, import_bytes, newest_drafts
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.app.conftest import served
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.integration.test_engagement import NIGHT, PEOPLE, REGISTERED, lay_sources
from funnel_etl_tests.unit.marts.engagement.conftest import report

pytestmark = pytest.mark.slow
WRITER = Person("writer@example.org", frozenset({Role.SALES}))
CONDUCTOR = "Meera Quillon"
LOG = "SELECT who, action, about, outcome FROM ops.app_actions ORDER BY at"


def lay(installation: Installation) -> Installation:
    lay_sources(installation)
    (installation.drop / "zoom" / "attendees.csv").write_bytes(report(PEOPLE))
    (installation.drop / "zoom" / "registered.csv").write_text(REGISTERED)
    (installation.config / "consent_questions.csv").write_text(
        "pattern,channel,yes_values,note\n*mail you*,email,yes,of the form\n"
    )
    (installation.config / "webinar_overrides.csv").write_text(
        f"webinar_id,event_date,profile,category,conductor,bootcamp_day,note\n81200001001,,,,{CONDUCTOR},,\n"
    )
    return installation


@pytest.fixture(scope="module")
def made(new_installation: Callable[[], Installation]) -> Installation:
    """A webinar of three, of whom two agreed to mail."""
    installation = lay(new_installation())
    assert installation.night(NIGHT).failures == {}
    return installation


@pytest.fixture(autouse=True)
def afresh(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "made" in request.fixturenames:
        installation = request.getfixturevalue("made")
        landing = landing_of(installation)
        for arrival in landing.arrivals(edits.SOURCE):
            landing.remove(arrival.file_id, "a test is over")
            for path in (Path(landing.root.path) / "manifests" / edits.SOURCE).rglob("*.json"):
                path.unlink()
        with installation.engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE ops.app_actions")


def landing_of(installation: Installation) -> Landing:
    with installation.settings() as settings:
        return Landing(UPath(settings.landing_root))


def landed(installation: Installation) -> list[dict[str, Any]]:
    landing = landing_of(installation)
    files = [landing.read(arrival.file_id).decode() for arrival in landing.arrivals(edits.SOURCE)]
    return [row for text in files for row in csv.DictReader(io.StringIO(text, newline=""))]


def click(seen: AppTest, *labels: str) -> AppTest:
    for label in labels:
        seen = next(each for each in seen.button if each.label == label).click().run()
    assert not seen.exception
    return seen


def test_the_sentence_counts_what_the_night_made(made: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("drafts", made, WRITER)
    assert not seen.exception
    assert seen.markdown[0].value.startswith(
        "Night of Thu, 24 Sep 2026: 2 drafts for people of the last webinars, 1 withheld."
    )
    assert made.query("SELECT status FROM mart.followup_drafts ORDER BY 1")["status"].tolist() == [
        "draft", "draft", "withheld",
    ]  # fmt: skip


def test_an_edit_is_landed_as_an_import_lands_it(
    made: Installation, tester: Callable[..., AppTest], tmp_path: Path
) -> None:
    body = "=My own words.\nसादर"
    seen = tester("drafts", made, WRITER)
    draft = next(each for each in seen.selectbox if each.label.startswith("Draft")).value
    seen.text_area(f"body_{draft}").set_value(body)
    seen.text_area(f"notes_{draft}").set_value("call after six")
    seen.checkbox(f"approved_{draft}").check()
    seen = click(seen, "Keep")
    assert seen.success[0].value == "1 draft was changed and kept; the next night lays it over."
    assert [each.value for each in seen.metric] == ["1", "0", "0", "1"]
    [by_page] = landed(made)
    assert made.query(LOG).to_numpy().tolist()[-1] == [
        WRITER.email, "approve draft", draft, "1 draft was changed and kept; the next night lays it over.",
    ]  # fmt: skip
    file = tmp_path / "drafts.csv"
    assert made.command("drafts", "export", str(file)).returncode == 0
    rows = pd.read_csv(file, dtype="str", keep_default_na=False)
    at = rows.index[rows["draft_id"] == draft][0]
    rows.loc[at, ["body", "personal_notes", "approved"]] = [f"'{body}", "call after six", "yes"]
    rows.to_csv(file, index=False)
    assert made.command("drafts", "import", str(file), "--editor", WRITER.email).returncode == 0
    [_, by_command] = sorted(landed(made), key=lambda row: row["edited_at"])
    assert {name: by_page[name] for name in edits.COLUMNS if name != "edited_at"} == {
        name: by_command[name] for name in edits.COLUMNS if name != "edited_at"
    }
    assert by_page["body"] == body


def test_what_is_wrong_is_said_and_nothing_is_kept(made: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("drafts", made, WRITER)
    draft = next(each for each in seen.selectbox if each.label.startswith("Draft")).value
    seen.text_input(f"subject_{draft}").set_value("  ")
    seen = click(seen, "Keep")
    assert seen.error[0].value.startswith("A draft needs a subject and a text. Nothing was changed")
    assert landed(made) == []
    seen = click(tester("drafts", made, WRITER), "Keep")
    assert seen.success[0].value == "Nothing was changed, so nothing was kept."
    assert landed(made) == []


def test_all_of_a_list_are_approved_after_a_question(made: Installation, tester: Callable[..., AppTest]) -> None:
    seen = click(tester("drafts", made, WRITER), "Approve all 2 in this list")
    assert "Approve 2 drafts as they are? Each may be sent then." in [each.value for each in seen.markdown]
    assert landed(made) == []
    seen = click(seen, "Yes, approve 2")
    assert [row["is_approved"] for row in landed(made)] == ["yes", "yes"]
    assert seen.metric[3].value == "2"


def test_withheld_ones_have_a_reason_and_the_question_of_the_form_its_answers(
    made: Installation, tester: Callable[..., AppTest]
) -> None:
    seen = tester("drafts", made, WRITER)
    withheld = next(each.value for each in seen.dataframe if "why" in each.value and "name" in each.value)
    assert withheld["name"].tolist() == ["Meena Iyer"]
    assert "consent_questions.csv" in withheld["why"].iloc[0]
    consent = next(each.value for each in seen.dataframe if "pattern" in each.value)
    assert consent[["channel", "yes_values", "granted", "refused"]].to_numpy().tolist() == [["email", "yes", 2, 1]]


def test_only_own_webinars_are_there(made: Installation, tester: Callable[..., AppTest]) -> None:
    assert made.value("SELECT DISTINCT conductor FROM clean.webinars") == CONDUCTOR
    own = Person("a@example.org", frozenset({Role.SALES}), frozenset({CONDUCTOR.casefold()}))
    assert "2 drafts" in tester("drafts", made, own).markdown[0].value
    other = Person("b@example.org", frozenset({Role.SALES}), frozenset({"somebody else"}))
    seen = tester("drafts", made, other)
    assert "0 drafts" in seen.markdown[0].value
    assert not [each for each in seen.selectbox if each.label.startswith("Draft")]


def test_who_may_not_is_told(made: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("drafts", made, Person("v@example.org", frozenset({Role.VIEWER})))
    assert seen.error[0].value.startswith("This page is not among those of your role.")
    assert not seen.metric


def test_where_all_are_withheld_it_says_where_the_reasons_stand(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    seen = tester("drafts", demo, WRITER)
    reasons = demo.query("SELECT withheld_reason FROM mart.followup_drafts")["withheld_reason"]
    assert len(reasons) == reasons.notna().sum() > 0
    assert seen.info[0].value == "There is no draft to edit. Under Withheld stands why."
    counts = next(each.value for each in seen.dataframe if "count" in each.value)
    assert counts["count"].sum() == len(reasons)
    assert seen.warning[0].value.startswith("No question is named")


def test_before_the_first_night_it_says_when_there_will_be_some(
    new_installation: Callable[[], Installation], tester: Callable[..., AppTest]
) -> None:
    seen = tester("drafts", new_installation(), WRITER)
    assert seen.info[0].value == "No night has made drafts yet. They are made by the night after a webinar."


def test_a_file_with_a_draft_of_somebody_else_is_refused_whole(made: Installation) -> None:
    with made.settings() as settings:
        rows = newest_drafts(settings.lake_root).rows
        mine, other = rows.loc[rows["status"] == "draft", "draft_id"]
        content = as_csv(rows).replace(b"Hi", b"Dear")
        assert import_bytes(settings, content, "x.csv", "a@example.org", {mine, other}).changed > 0
        before = landed(made)
        with pytest.raises(FunnelError, match="of a webinar that is not yours; nothing was imported"):
            import_bytes(settings, content, "x.csv", "a@example.org", {mine})
    assert landed(made) == before


def test_out_and_in_as_a_file(made: Installation, browser: Page, tmp_path: Path) -> None:
    with served(made) as site:
        browser.goto(site.url)
        expect(browser.get_by_role("heading", name="Today")).to_be_visible(timeout=30_000)
        browser.get_by_test_id("stSidebarNav").get_by_role("link", name="Drafts").click()
        browser.get_by_role("tab", name="As a file").click()
        with browser.expect_download() as download:
            browser.get_by_role("button", name="2 drafts as a file").click()
        file = tmp_path / "drafts.csv"
        download.value.save_as(file)
        rows = pd.read_csv(file, dtype="str", keep_default_na=False)
        rows.loc[0, "subject"] = "Another subject"
        rows.to_csv(file, index=False)
        browser.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(file)
        expect(browser.get_by_text("1 draft is changed in this file, 1 are as they were.")).to_be_visible()
        assert landed(made) == []
        browser.get_by_role("button", name="Take it in").click()
        browser.get_by_role("button", name="Yes, 1").click()
        expect(browser.get_by_text("1 draft was changed and kept")).to_be_visible()
        assert "asha" not in (made.home / "app.log").read_text().casefold()
    [row] = landed(made)
    assert (row["subject"], row["editor"], row["draft_id"]) == ("Another subject", "local", rows.loc[0, "draft_id"])
    assert made.query(LOG)["action"].tolist() == ["download", "import drafts", "import drafts"]


def test_the_next_night_lays_it_over(
    new_installation: Callable[[], Installation], tester: Callable[..., AppTest]
) -> None:
    installation = lay(new_installation())
    assert installation.night(NIGHT).failures == {}
    click(tester("drafts", installation, WRITER), "Approve all 2 in this list", "Yes, approve 2")
    assert installation.night(NIGHT + timedelta(days=1)).failures == {}
    rows = installation.query("SELECT status, editor FROM mart.followup_drafts WHERE status <> 'withheld'")
    assert rows.to_numpy().tolist() == [["approved", WRITER.email], ["approved", WRITER.email]]
    seen = tester("drafts", installation, WRITER)
    assert seen.metric[3].value == "2"
    assert "wait for the next night" not in seen.markdown[0].value
