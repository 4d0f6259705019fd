"""Person: the story, why rows are one person, and that a look-up leaves no personal data anywhere."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import Person, Role
from funnel_etl_tests.app.conftest import Site
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow
ANALYST = Person("analyst@example.org", frozenset({Role.ANALYST}))
OPERATOR = Person("operator@example.org", frozenset({Role.OPERATOR}))
BUYER = (
    "SELECT j.phone FROM mart.lead_journey AS j JOIN clean.tofu_leads AS l ON l.phone = j.phone "
    "AND l.email IS NOT NULL JOIN clean.zoom_attendance AS a ON a.phone = j.phone "
    "WHERE j.sales > 0 AND j.first_assigned_at IS NOT NULL "
    "AND length(j.phone) = 10 ORDER BY j.phone LIMIT 1"
)
LOG = "SELECT who, page, action, about, outcome FROM ops.app_actions ORDER BY at DESC"


def ask(seen: AppTest, text: str) -> AppTest:
    seen.text_input[0].set_value(text)
    return next(each for each in seen.button if each.label == "Look up").click().run()


def drawn(seen: AppTest) -> str:
    """All that is on the page but what was typed."""
    texts = [each.value for each in (*seen.markdown, *seen.caption, *seen.subheader, *seen.text, *seen.info)]
    return "\n".join([*texts, *(each.value.to_string(max_colwidth=1000) for each in seen.dataframe)])


def frame(seen: AppTest, column: str) -> list[object]:
    return next(each.value[column].tolist() for each in seen.dataframe if column in each.value)


def test_the_story_is_in_order_and_leads_to_file_and_line(demo: Installation, tester: Callable[..., AppTest]) -> None:
    phone = demo.value(BUYER)
    seen = ask(tester("person", demo, ANALYST), f"+91 {phone[:5]} {phone[5:]}")
    assert not seen.exception
    rows = seen.dataframe[0].value
    assert {"Lead", "Hand-over", "Sale", "Webinar"} <= set(rows["kind"])
    assert rows["at"].is_monotonic_increasing
    sale = demo.query(
        "SELECT s.sale_id, s.source_row, f.name FROM clean.sales AS s JOIN ops.files AS f USING (file_id) "
        "WHERE s.phone = :phone ORDER BY s.sold_at LIMIT 1",
        phone=phone,
    ).iloc[0]
    row = rows[rows["kind"] == "Sale"].iloc[0]
    assert sale["sale_id"] in row["what"]
    assert row["place"] == f"{sale['name'].rpartition('/')[2]}, line {sale['source_row']}"
    assert phone in seen.subheader[0].value


def test_a_line_is_opened_as_it_arrived_by_who_may_see_people(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    phone = demo.value(BUYER)
    seen = ask(tester("person", demo, ANALYST), phone)
    box = next(each for each in seen.selectbox if each.label == "Open the line as it arrived")
    seen = box.select(next(each for each in box.options if each.startswith("Sale: "))).run()
    assert not seen.exception
    cells = next(each.value for each in seen.dataframe if "As it arrived" in each.value)
    sale = demo.value("SELECT sale_id FROM clean.sales WHERE phone = :phone ORDER BY sold_at LIMIT 1", phone=phone)
    assert dict(cells.to_numpy().tolist())["_id"] == sale
    noted = demo.query(LOG).iloc[0]
    assert noted["action"] == "open a line"
    assert noted["about"].startswith("clean.sales, ")
    seen = ask(tester("person", demo, OPERATOR), phone)
    assert not [each for each in seen.selectbox if each.label == "Open the line as it arrived"]


def test_what_an_erasure_would_take_is_counted_and_nothing_is_changed(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    phone = demo.value(BUYER)
    held = demo.value("SELECT count(*) FROM mart.touches WHERE phone = :phone", phone=phone)
    seen = ask(tester("person", demo, OPERATOR), phone)
    seen = next(each for each in seen.button if each.label == "Look what would go").click().run()
    assert not seen.exception
    rows = next(each.value for each in seen.dataframe if "lines" in each.value)
    counts = dict(rows[["what", "lines"]].to_numpy().tolist())
    assert counts["mart.touches"] == held > 0
    assert counts["Campaign leads"] > 0
    assert phone not in drawn(seen)
    assert any("still has the person" in each.value for each in seen.markdown)
    assert demo.value("SELECT count(*) FROM mart.touches WHERE phone = :phone", phone=phone) == held
    noted = demo.query(LOG).iloc[0]
    assert (noted["action"], phone in noted["about"]) == ("erasure, dry run", False)
    sales = Person("lead@example.org", frozenset({Role.SALES}))
    assert not [each for each in ask(tester("person", demo, sales), phone).button if each.label == "Look what would go"]


@pytest.mark.parametrize("text", ["'; DROP TABLE x; --", "\x00nobody", "🙂", "-1", "x" * 5_000])
def test_odd_texts_are_answered_in_a_sentence(demo: Installation, tester: Callable[..., AppTest], text: str) -> None:
    seen = ask(tester("person", demo, ANALYST), text)
    assert not seen.exception
    assert seen.error[0].value.startswith("This is no phone, e-mail or user id")


@pytest.mark.parametrize("column", ["email", "lead_id"])
def test_an_email_and_an_id_lead_to_the_same_person(
    demo: Installation, tester: Callable[..., AppTest], column: str
) -> None:
    phone = demo.value(BUYER)
    asked = demo.value(f"SELECT min({column}) FROM clean.tofu_leads WHERE phone = :phone", phone=phone)  # noqa: S608
    seen = ask(tester("person", demo, ANALYST), asked)
    assert phone in seen.subheader[0].value
    assert "Sale" in frame(seen, "kind")


def test_below_an_analyst_phone_and_email_are_masked(demo: Installation, tester: Callable[..., AppTest]) -> None:
    phone = demo.value(BUYER)
    email = demo.value("SELECT min(email) FROM clean.tofu_leads WHERE phone = :phone", phone=phone)
    shown = drawn(ask(tester("person", demo, ANALYST), phone))
    assert phone in shown
    assert email in shown
    masked = drawn(ask(tester("person", demo, OPERATOR), phone))
    assert phone not in masked
    assert email not in masked
    assert f"•••{phone[-3:]}" in masked
    assert f"{email[0]}•••@{email.partition('@')[2]}" in masked


def test_it_says_which_key_the_rows_share_and_what_was_merged(
    demo: Installation, tester: Callable[..., AppTest]
) -> None:
    merged = demo.query(
        "SELECT l.phone, m.reason FROM ops.merged_rows AS m JOIN clean.tofu_leads AS l ON l.file_id = m.into_file_id "
        "AND l.source_row = m.into_source_row WHERE m.asset = 'clean.tofu_leads' AND l.phone IS NOT NULL LIMIT 1"
    ).iloc[0]
    seen = ask(tester("person", demo, ANALYST), merged["phone"])
    assert "the same form submission, cell by cell, is already there: the first stays" in frame(seen, "reason")
    own = demo.value("SELECT count(*) FROM clean.tofu_leads WHERE phone = :phone", phone=merged["phone"])
    shares = next(each.value for each in seen.dataframe if "shares" in each.value)
    assert (shares["kind"] == "Lead").sum() == own
    assert set(shares.loc[shares["kind"] == "Lead", "shares"]) == {"the phone"}


def test_webinars_of_others_are_not_shown(demo: Installation, tester: Callable[..., AppTest]) -> None:
    phone = demo.value(BUYER)
    nobodys = Person("operator@example.org", frozenset({Role.OPERATOR}), frozenset({"somebody else"}))
    seen = ask(tester("person", demo, nobodys), phone)
    kinds = frame(seen, "kind")
    assert "Webinar" not in kinds
    assert "Sale" in kinds
    assert [each.value for each in seen.caption if "webinars that are not yours" in each.value]


def test_nobody_is_found_and_it_says_how_it_looked(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = ask(tester("person", demo, ANALYST), "098100 00000")
    assert seen.warning[0].value.startswith("Nobody is known by this. Looked for in leads, registrations")
    assert "Read as phone 9810000000." in [each.value for each in seen.caption]
    assert demo.query(LOG).iloc[0]["outcome"] == "nothing found"
    seen = ask(seen, "no phone at all")
    assert seen.error[0].value.startswith("This is no phone, e-mail or user id")
    assert demo.query(LOG).iloc[0]["outcome"] == "not looked for: no phone, e-mail or id"
    assert ask(seen, "  ").error[0].value == "Type a phone, an e-mail or an id first."


def test_a_look_up_is_written_down_without_the_phone(site: Site, browser: Page, published: Published) -> None:
    phone = site.installation.value(BUYER)
    browser.goto(site.url)
    expect(browser.get_by_role("heading", name="Today")).to_be_visible(timeout=30_000)
    browser.get_by_test_id("stSidebarNav").get_by_role("link", name="Person").click()
    browser.get_by_label("Phone, e-mail or id").fill(phone)
    browser.keyboard.press("Enter")
    expect(browser.get_by_role("heading", name=phone)).to_be_visible()
    assert phone not in browser.url
    row = site.installation.query(LOG).iloc[0]
    assert row[["who", "page", "action"]].tolist() == ["local", "person", "look-up"]
    mask = site.installation.value(
        "SELECT m.phone FROM mart_masked.lead_journey AS m JOIN mart.lead_journey AS j USING (file_id, source_row) "
        "WHERE j.phone = :phone",
        phone=phone,
    )
    assert mask.startswith(row["about"])
    assert len(row["about"]) == 24
    texts = site.installation.query(
        "SELECT action || ' ' || coalesce(about, '') || ' ' || outcome AS t FROM ops.app_actions"
    )
    assert not texts["t"].str.contains(phone).any()
    assert phone not in (site.installation.home / "app.log").read_text()
    browser.get_by_role("button", name="Close").click()
    expect(browser.get_by_role("heading", name=phone)).not_to_be_visible()


def test_who_may_not_is_told_and_sees_nothing(demo: Installation, tester: Callable[..., AppTest]) -> None:
    seen = tester("person", demo, Person("viewer@example.org", frozenset({Role.VIEWER})))
    assert seen.error[0].value.startswith("This page is not among those of your role.")
    assert not [*seen.dataframe, *seen.button, *seen.text_input]


def test_a_refund_stands_in_the_story_on_its_day(demo: Installation, tester: Callable[..., AppTest]) -> None:
    phone = demo.value(BUYER)
    sale = demo.value("SELECT min(sale_id) FROM clean.sales WHERE phone = :phone AND is_counted", phone=phone)
    with demo.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO mart.revenue_changes (sale_id, changed_date, kind, old_status, new_status, "
                "old_revenue_inr, delta_inr) VALUES (:sale, '2025-11-02', 'refund', 'success', 'refunded', 100, -100)"
            ),
            {"sale": sale},
        )
    rows = ask(tester("person", demo, ANALYST), phone).dataframe[0].value
    last = rows.iloc[-1]
    assert last["kind"] == "Sale changed"
    assert last["what"] == f"sale {sale}: refund: the money went back, status success → refunded, -₹100.00"
    assert last["at"].tz_convert("Asia/Kolkata").date().isoformat() == "2025-11-02"
