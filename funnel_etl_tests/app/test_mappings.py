"""Mappings: a table is edited, checked as one types, previewed, saved and brought back; two people lose nothing."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from funnel_etl.app.access import Person, Role
from funnel_etl.core.roles import SALES_LEAD
from funnel_etl.marts.funnel.worklist.contracts import DECIDED_BY, ITEM_KINDS
from funnel_etl.operate.mappings import save as saving
from funnel_etl.operate.mappings.save import EDITED_BY, GRIDS, OF_SALES
from funnel_etl.settings import PROJECT
from funnel_etl_tests.app.conftest import Site, served
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)

ANALYST = Person("analyst@team.example", frozenset({Role.ANALYST}))
GOOD = "nothing is wrong with it"
ROW = 35
"""Height of a row of a grid, in pixels."""


def until_seen(page: Page, text: str, act: Callable[[], None]) -> None:
    """Act until the page says something: a grid that is being drawn takes no keys, and does not tell."""
    for _ in range(5):
        act()
        with contextlib.suppress(AssertionError):
            expect(page.get_by_text(text)).to_be_visible(timeout=5_000)
            return
    expect(page.get_by_text(text)).to_be_visible()


@dataclass
class Desk:
    """The tab of somebody who has a table open."""

    page: Page

    def open(self, url: str, table: str) -> None:
        """Open a table of the page."""
        self.page.goto(url)
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        self.page.goto(f"{url}/mappings")
        self.page.get_by_text("Tables", exact=True).click()
        self.page.get_by_label("Table").click()
        self.page.get_by_label("Table").fill(table)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_text("as saved.")).to_be_visible()
        self.page.wait_for_timeout(500)

    def type_into(self, row: int, x: int, text: str, then: str) -> None:
        """Type into a cell, `row` from 0, `x` pixels from the left, until the page says what it says of it."""

        def type_it() -> None:
            grid = self.page.get_by_test_id("stDataFrame").first
            grid.click(position={"x": x, "y": ROW * (row + 1) + ROW // 2})
            self.page.wait_for_timeout(200)
            self.page.keyboard.type(text, delay=20)
            self.page.keyboard.press("Enter")

        until_seen(self.page, then, type_it)

    def save(self) -> None:
        """Save, and wait until it is."""
        self.page.get_by_role("button", name="Save", exact=True).click()
        expect(self.page.get_by_text("The next night takes it", exact=False)).to_be_visible()


@pytest.fixture
def company(published: Published) -> Iterator[Installation]:
    """An installation of this test's own: it is changed."""
    own = published.demo()
    yield own
    published.discard(own)


@pytest.fixture
def own_site(company: Installation) -> Iterator[Site]:
    with served(company) as at:
        yield at


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[Callable[[], Desk]]:
    """Opens tabs of different people."""
    contexts = []

    def another() -> Desk:
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 1400}, accept_downloads=True))
        contexts[-1].set_default_timeout(20_000)
        return Desk(contexts[-1].new_page())

    yield another
    for context in contexts:
        context.close()


def test_a_wrong_name_is_told_as_it_is_typed_and_a_right_one_is_saved(own_site: Site, tabs: Callable[[], Desk]) -> None:
    company = own_site.installation
    path = company.config / "funnel_mapping.csv"
    before = path.read_bytes()
    source = path.read_text().splitlines()[1].split(",")[0]
    desk = tabs()
    desk.open(own_site.url, "Funnel mapping")
    desk.type_into(0, 330, "Webbinar", "did you mean 'Webinar'?")
    expect(desk.page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    assert path.read_bytes() == before
    desk.type_into(0, 330, "Bootcamp", GOOD)
    desk.save()
    changed = before.replace(f"{source},Webinar,".encode(), f"{source},Bootcamp,".encode(), 1)
    assert path.read_bytes() == changed
    log = company.query("SELECT who, page, action, about, outcome FROM ops.app_actions WHERE page = 'mappings'")
    assert log[["who", "action", "outcome"]].to_numpy().tolist() == [["local", "saved a table", "done"]]
    assert log["about"][0].startswith("funnel_mapping ")

    desk.page.get_by_text("Earlier versions").click()
    desk.page.get_by_label("Compare with the version of now").click()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_text("Bringing it back changes 1 row")).to_be_visible()
    desk.page.get_by_role("button", name="Bring this one back").click()
    expect(desk.page.get_by_text("The next night takes it", exact=False)).to_be_visible()
    assert path.read_bytes() == before


def test_two_people_at_one_table_lose_nothing(own_site: Site, tabs: Callable[[], Desk]) -> None:
    path = own_site.installation.config / "funnel_mapping.csv"
    one, two = tabs(), tabs()
    one.open(own_site.url, "Funnel mapping")
    two.open(own_site.url, "Funnel mapping")
    one.type_into(0, 330, "Bootcamp", GOOD)
    one.save()
    two.type_into(2, 330, "Referral", GOOD)
    expect(two.page.get_by_text("Somebody has saved this table since you began")).to_be_visible()
    expect(two.page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    two.page.get_by_role("button", name="Put my edit onto theirs").click()
    expect(two.page.get_by_text("Both edits are in the grid now")).to_be_visible()
    two.save()
    rows = path.read_text().splitlines()
    assert rows[1].split(",")[1] == "Bootcamp"
    assert rows[3].split(",")[1] == "Referral"


def test_a_decision_of_the_list_is_a_line_of_its_table(own_site: Site, tabs: Callable[[], Desk]) -> None:
    company = own_site.installation
    before = {path.name: path.read_bytes() for path in company.config.glob("*.csv")}
    page = tabs().page
    page.goto(own_site.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{own_site.url}/mappings")
    expect(page.get_by_text("Nothing is filled in yet.")).to_be_visible()

    def choose() -> None:
        page.get_by_test_id("stDataFrame").first.click(position={"x": 30, "y": ROW + ROW // 2})
        for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
            page.keyboard.press(key)
            page.wait_for_timeout(200)
        page.keyboard.type("Webinar", delay=20)
        page.keyboard.press("Enter")

    until_seen(page, "1 decision: it adds 1 line to", choose)
    assert {path.name: path.read_bytes() for path in company.config.glob("*.csv")} == before
    page.get_by_role("button", name="Save the decisions").click()
    expect(page.get_by_text("The list is made anew by the next night.")).to_be_visible()
    after = {path.name: path.read_bytes() for path in company.config.glob("*.csv")}
    changed = [name for name in after if after[name] != before[name]]
    assert len(changed) == 1
    assert after[changed[0]].startswith(before[changed[0]])
    assert b",Webinar," in after[changed[0]].removeprefix(before[changed[0]])
    assert company.value("SELECT about FROM ops.app_actions WHERE page = 'mappings'").startswith(
        changed[0].removesuffix(".csv")
    )


def test_what_an_edit_moves_is_shown_before_it_is_saved(own_site: Site, tabs: Callable[[], Desk]) -> None:
    path = own_site.installation.config / "funnel_mapping.csv"
    before = path.read_bytes()
    desk = tabs()
    desk.open(own_site.url, "Funnel mapping")
    desk.type_into(0, 330, "Bootcamp", GOOD)
    desk.page.get_by_role("button", name="Preview what it moves").click()
    expect(desk.page.get_by_role("heading", name="What it moves")).to_be_visible(timeout=120_000)
    expect(desk.page.get_by_text("The totals of each month, over all funnels, stay as they are.")).to_be_visible()
    assert path.read_bytes() == before


def test_the_list_is_drawn_with_what_the_night_found(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("mappings", demo, ANALYST)
    assert not seen.exception
    shown = seen.dataframe[0].value
    kinds = (
        "unmapped_source",
        "retired_source",
        "misc_sale",
        "manual_value_unmapped",
        "unknown_funnel",
        "unmapped_spend",
    )
    there = demo.value("SELECT count(*) FROM ops.worklist_mapping WHERE item_kind = ANY(:kinds)", kinds=list(kinds))
    assert any(f"{there} things can be decided here" in text.value for text in seen.markdown)
    others = demo.value("SELECT count(*) FROM ops.worklist_mapping WHERE item_kind <> ALL(:kinds)", kinds=list(kinds))
    assert len(seen.dataframe[-1].value) in (others, len(shown))


def test_who_may_not_edit_sees_no_table_and_the_engineers_tables_are_the_engineers(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    viewer = Person("viewer@team.example", frozenset({Role.VIEWER}))
    assert tester("mappings", demo, viewer).exception
    seen = tester("mappings", demo, ANALYST)
    seen.segmented_control("mappings-view").set_value("Tables").run()
    options = seen.selectbox("mappings-table").options
    assert "Funnel mapping" in options
    assert "Column aliases" not in options


@pytest.mark.parametrize("name", GRIDS)
def test_every_table_can_be_begun(company: Installation, tester: Callable[..., AppTest], name: str) -> None:
    header = (company.config / f"{name}.csv").read_text("utf-8").splitlines()[:1]
    (company.config / f"{name}.csv").write_text("".join(f"{line}\n" for line in header), "utf-8")
    seen = tester("mappings", company)
    seen.segmented_control("mappings-view").set_value("Tables").run()
    seen.selectbox("mappings-table").set_value(name).run()
    assert not seen.exception
    assert any("No line is in it yet" in each.value for each in seen.caption)


def test_the_sales_lead_edits_the_own_tables_alone(demo: Installation, tester: Callable[..., AppTest]) -> None:
    lead = Person("lead@team.example", frozenset({Role.SALES}))
    seen = tester("mappings", demo, lead)
    assert not seen.exception
    assert seen.segmented_control("mappings-view").options == ["To decide", "Tables", "Follow-ups"]
    kinds = demo.query("SELECT DISTINCT item_kind FROM ops.worklist_mapping")["item_kind"]
    theirs = {kind for kind in kinds if DECIDED_BY.get(kind) == SALES_LEAD}
    assert theirs
    if len(seen.dataframe):
        shown = {str(what) for what in seen.dataframe[0].value["What"]}
        assert shown <= {kind.replace("_", " ") for kind in theirs} | {ITEM_KINDS[kind] for kind in theirs}
    seen.segmented_control("mappings-view").set_value("Tables").run()
    options = seen.selectbox("mappings-table").options
    assert [name.lower().replace(" ", "_") for name in options] == [name for name in GRIDS if name in OF_SALES]
    readme = (PROJECT / "config_csv" / "README.md").read_text("utf-8")
    lines = [line.split("|") for line in readme.splitlines() if line.startswith("| `")]
    owners = {
        name.strip(" `/").removesuffix(".csv"): cells[2].strip() for cells in lines for name in cells[1].split(", ")
    }
    assert {name for name, owner in owners.items() if owner == "sales lead"} == {*OF_SALES}
    assert {name for name, owner in owners.items() if owner == "the engineer"} == {*EDITED_BY}


def test_a_folder_that_cannot_be_written_is_said_and_the_file_is_offered(
    demo: Installation, tester: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funnel_etl.operate.mappings.save.is_writable", lambda _folder: False)
    seen = tester("mappings", demo)
    assert "cannot be written from here" in seen.info[0].value


def test_a_table_that_is_no_csv_says_so_and_its_versions_stay_in_reach(
    published: Published, tester: Callable[..., AppTest], tmp_path: Path
) -> None:
    own = published.demo()
    shutil.copy(own.config / "funnels.csv", tmp_path)
    (own.config / "funnels.csv").write_text('funnel\n"never closed\n')
    seen = tester("mappings", own)
    seen.segmented_control("mappings-view").set_value("Tables").run()
    assert not seen.exception
    assert "earlier version back" in seen.error[0].value
    published.discard(own)


def test_a_version_with_few_of_the_lines_comes_back_only_by_a_persons_word(
    published: Published, tester: Callable[..., AppTest]
) -> None:
    own = published.demo()
    full = (own.config / "campaign_mapping.csv").read_bytes()
    with own.settings() as settings:
        for data in (b"".join(full.splitlines(keepends=True)[:2]), full):
            saving.save(settings, saving.open_table(settings, "campaign_mapping"), data)
    seen = tester("mappings", own)
    seen.segmented_control("mappings-view").set_value("Tables").run()
    seen.selectbox("mappings-table").set_value("campaign_mapping").run()
    seen.toggle("mappings-versions").set_value(True).run()
    seen.selectbox("mappings-version-campaign_mapping").select_index(0).run()

    def bring_back() -> Button:
        return next(button for button in seen.button if button.label == "Bring this one back")

    assert bring_back().disabled
    seen.checkbox("mappings-sure-of-version").check().run()
    assert not bring_back().disabled
    bring_back().click().run()
    assert not seen.exception
    assert len((own.config / "campaign_mapping.csv").read_bytes().splitlines()) == 2
    published.discard(own)


# Follow-ups


def written_to(seen: AppTest, text: str) -> AppTest:
    return seen.text_area[0].set_value(text).run()


def follow_ups(tester: Callable[..., AppTest], company: Installation, person: Person = ANALYST) -> AppTest:
    seen = tester("mappings", company, person)
    seen.segmented_control("mappings-view").set_value("Follow-ups").run()
    assert not seen.exception
    return seen


def test_a_template_is_judged_filled_in_saved_and_brought_back(
    company: Installation, tester: Callable[..., AppTest]
) -> None:
    path = company.config / "followups" / "hot.en.txt"
    before = path.read_text("utf-8")
    seen = follow_ups(tester, company)
    assert seen.selectbox("template-file").value == "hot.en.txt"
    assert seen.text_area[0].value == before
    assert any("What is the fee for level 2?" in each.value for each in seen.text)

    seen = written_to(seen, "{{ first_nme }}, hello\nText\n{{ unsubscribe_line }}")
    said = seen.error[0].value.replace("\\", "")
    assert "Line 1: 'first_nme' is no fact of a follow-up (did you mean 'first_name'?)" in said
    assert not [button for button in seen.button if button.label == "Save"]
    for text, what in (
        ("Subject\n{{ ''.__class__ }}", "is not allowed in a template"),
        ("Subject\n{% if topic %}", "Unexpected end of template"),
        ("Subject\nText", "does not say how to get no more mail"),
    ):
        seen = written_to(seen, text)
        assert what in seen.error[0].value.replace("\\", "")
        assert path.read_text("utf-8") == before

    new = "Hello {{ first_name | default('there', true) }}\n\nThank you for {{ topic }}.\n{{ unsubscribe_line }}\n"
    seen = written_to(seen, new)
    assert not seen.error
    assert any("Hello Asha" in each.value for each in seen.markdown)
    seen.radio("template-person").set_value("Of whom little is known").run()
    assert any("Hello there" in each.value for each in seen.markdown)
    seen = next(button for button in seen.button if button.label == "Save").click().run()
    assert not seen.exception
    assert path.read_text("utf-8") == new
    assert "Saved hot.en.txt." in seen.success[0].value
    [[who, about, outcome]] = (
        company.query("SELECT who, about, outcome FROM ops.app_actions WHERE action = 'saved a table'")
        .to_numpy()
        .tolist()
    )
    assert (who, about.split()[0], outcome) == (ANALYST.email, "followups", "done")

    seen.toggle("template-earlier").set_value(True).run()
    assert seen.code[0].value.strip() == before.strip()
    seen = next(button for button in seen.button if button.label == "Bring this one back").click().run()
    assert not seen.exception
    assert path.read_text("utf-8") == before
    assert seen.text_area[0].value == before


def test_two_who_write_one_template_lose_nothing(company: Installation, tester: Callable[..., AppTest]) -> None:
    path = company.config / "followups" / "hot.en.txt"
    before = path.read_text("utf-8")
    mine = written_to(follow_ups(tester, company), before.replace("happy", "glad"))
    path.write_text(before.replace("Hi", "Hello"), "utf-8")
    mine.run()
    assert "Somebody has saved this text since you began" in mine.warning[0].value
    assert "glad" in mine.text_area[0].value
    assert not [button for button in mine.button if button.label == "Save"]
    next(button for button in mine.button if button.label == "Take theirs").click().run()
    assert "Hello" in mine.text_area[0].value


def test_a_new_template_is_a_file_of_its_tier_and_language(
    company: Installation, tester: Callable[..., AppTest]
) -> None:
    seen = follow_ups(tester, company)
    seen.selectbox("template-file").set_value("A new one …").run()
    for wrong in ("../../elsewhere", "en gb", "x" * 300, "\x00"):
        seen.text_input("template-language").set_value(wrong).run()
        assert not seen.exception
        assert "letters from a to z alone" in seen.error[0].value
    seen.text_input("template-language").set_value("hi").run()
    seen = written_to(seen, "Subject\nText {{ unsubscribe_line }}\n")
    next(button for button in seen.button if button.label == "Save").click().run()
    assert (company.config / "followups" / "hot.hi.txt").read_text("utf-8").startswith("Subject")


def test_a_template_is_deleted_after_a_question_and_comes_back_with_a_click(
    company: Installation, tester: Callable[..., AppTest]
) -> None:
    path = company.config / "followups" / "hot.en.txt"
    before = path.read_text("utf-8")
    lead = Person("lead@team.example", frozenset({Role.SALES}))
    seen = press(follow_ups(tester, company, lead), "Delete it")
    assert any("nobody gets a draft by it" in each.value for each in seen.markdown)
    seen = press(seen, "No, leave it")
    assert path.exists()
    seen = press(press(seen, "Delete it"), "Yes, delete it")
    assert not seen.exception
    assert not path.exists()
    assert "Deleted hot.en.txt." in seen.success[0].value
    log = company.query("SELECT who, action, about FROM ops.app_actions WHERE action = 'deleted a template'")
    assert log.to_numpy().tolist() == [[lead.email, "deleted a template", "hot.en.txt"]]

    fresh = follow_ups(tester, company, lead)
    assert "hot.en.txt" not in fresh.selectbox("template-file").options
    fresh.toggle("template-show-deleted").set_value(True).run()
    fresh.selectbox("template-file").set_value("hot.en.txt").run()
    fresh.toggle("template-earlier").set_value(True).run()
    assert not fresh.error
    fresh = press(fresh, "Bring this one back")
    assert not fresh.exception
    assert path.read_text("utf-8") == before


def test_the_last_template_is_not_deleted(company: Installation, tester: Callable[..., AppTest]) -> None:
    folder = company.config / "followups"
    for path in sorted(folder.glob("*.txt"))[1:]:
        path.unlink()
    [last] = folder.glob("*.txt")
    seen = press(press(follow_ups(tester, company), "Delete it"), "Yes, delete it")
    assert "it is the only template" in seen.exception[0].message
    assert last.exists()


def press(seen: AppTest, label: str) -> AppTest:
    return next(button for button in seen.button if button.label == label).click().run()
