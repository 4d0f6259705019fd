"""Upload: a Zoom file is checked, cleaned, accepted and followed; a wrong one is refused in a sentence."""

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from funnel_etl.app.access import LOCAL, Person, Role
from funnel_etl.app.pages.upload import AGREED, EVERY_DAY
from funnel_etl_tests.app.conftest import Site, served
from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)

OPERATOR = Person("ops@team.example", frozenset({Role.OPERATOR}))
PEOPLE = "".join(
    f'Yes,Person {at},person{at}@mail.example,98765{at:05d},"Oct 20, 2025 09:00 AM","Oct 29, 2025 07:01 PM",'
    '"Oct 29, 2025 08:00 PM",59\n'
    for at in range(3)
)
REPORT = (
    "Attendee Report\n"
    'Report Generated:,"Oct 30, 2025 12:18 PM"\n'
    "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registered,# Cancelled,Unique Viewers,Total Users\n"
    'ACCA Plutus Masterclass,885 8860 5779,"Oct 29, 2025 07:00 PM",60,3,0,3,4\n'
    "Panelist Details\n"
    "Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)\n"
    'Yes,Meera Quillon,meera@team.example,"Oct 29, 2025 06:55 PM","Oct 29, 2025 08:00 PM",65\n'
    "Attendee Details\n"
    "Attended,User Name (Original Name),Email,Phone,Registration Time,Join Time,Leave Time,Time in Session (minutes)\n"
)
MINE = (REPORT + PEOPLE).encode()
CHAT = b"18:05:28 From Asha to Everyone:\n\tGood evening\n18:05:30 From Ravi to Everyone:\n\tHello\n"


@pytest.fixture(scope="module")
def company(published: Published) -> Installation:
    """An installation of this module's own: files are given to it."""
    return published.demo()


@pytest.fixture(scope="module")
def own_site(company: Installation) -> Iterator[Site]:
    with served(company) as at:
        yield at


@pytest.fixture
def page(own_site: Site, browser: Page) -> Page:
    """The page, open."""
    browser.goto(own_site.url)
    expect(browser.get_by_role("heading", level=1)).to_be_visible()
    browser.goto(f"{own_site.url}/upload")
    expect(browser.get_by_role("heading", name="Files of this week")).to_be_visible()
    return browser


@pytest.fixture
def given(tester: Callable[..., AppTest], company: Installation) -> Callable[..., AppTest]:
    """Return a function that gives files to the page, without a browser."""

    def give(*files: tuple[str, bytes], person: Person = LOCAL, **settings: object) -> AppTest:
        seen = tester("upload", company, person, **settings)
        assert not seen.exception
        return seen.file_uploader[0].set_value([(name, data, "") for name, data in files]).run()

    return give


def lying(company: Installation) -> dict[str, bytes]:
    folder = company.drop / "zoom"
    found = [path for place in (folder, *folder.iterdir()) if place.is_dir() for path in place.glob("*")]
    found = [path for path in found if path.is_file() and not {"processed", "rejected"} & {*path.parts}]
    found = [path for path in found if not path.name.startswith("~$")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def log_of(company: Installation, action: str) -> list[list[str]]:
    sql = "SELECT who, about, outcome FROM ops.app_actions WHERE action = :action ORDER BY at"
    rows: list[list[str]] = company.query(sql, action=action).to_numpy().tolist()
    return rows


def shown(seen: AppTest) -> str:
    """All words of the page."""
    parts = (seen.markdown, seen.error, seen.warning, seen.info, seen.success, seen.caption, seen.subheader)
    return "\n".join(str(one.value).replace("\\", "") for part in parts for one in part)


def test_a_report_is_checked_cleaned_accepted_and_followed_into_the_facts(page: Page, own_site: Site) -> None:
    company = own_site.installation
    before = company.value("SELECT count(*) FROM clean.webinars WHERE webinar_id = '88588605779'")
    page.locator("input[type=file]").set_input_files({"name": "mine.csv", "mimeType": "text/csv", "buffer": MINE})
    expect(page.get_by_text("ACCA Plutus Masterclass")).to_be_visible()
    assert before == 0
    overrides = (company.config / "file_overrides.csv").read_bytes()
    page.get_by_text("You know something better about it").click()
    page.get_by_label("Category or track").fill("CFA")
    page.get_by_label("Category or track").press("Tab")
    page.get_by_role("button", name="Save and check again").click()
    expect(page.get_by_text("category CFA")).to_be_visible()
    line = f"{hashlib.sha256(MINE).hexdigest()},CFA,,,,,\n".encode()
    assert (company.config / "file_overrides.csv").read_bytes() == overrides + line
    assert lying(company) == {}
    with page.expect_download() as download:
        page.get_by_role("button", name="Clean only").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert download.value.suggested_filename == "plutus_webinar_attended.csv"
    assert len(rows[0]) == 22
    assert sorted(row[rows[0].index("UserID")] for row in rows[1:]) == [f"9198765{at:05d}" for at in range(3)]
    assert lying(company) == {}

    page.get_by_role("button", name="Accept", exact=True).click()
    expect(page.get_by_text("Accepted as mine.csv")).to_be_visible()
    assert lying(company) == {"mine.csv": MINE}
    expect(page.get_by_text("nothing looks into it by itself just now").first).to_be_visible()
    assert [row[::2] for row in log_of(company, "accepted a file")] == [["local", "done"]]

    assert company.night(DEMO_NIGHT).is_published
    expect(page.get_by_text("1 in the facts")).to_be_visible(timeout=30_000)
    found = company.query("SELECT attended_count, category FROM clean.webinars WHERE webinar_id = '88588605779'")
    assert found.to_numpy().tolist() == [[3, "CFA"]]
    assert lying(company) == {}


def test_a_file_over_the_limit_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(200_000_000)
    page.locator("input[type=file]").set_input_files(large)
    expect(page.get_by_text("must be 50.0MB or smaller")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 400, "picture"),
        ("empty.csv", b"", "empty"),
        ("bomb.zip", b"PK\x03\x04" + b"\0" * 400, "not CSV"),
        ("other.csv", b"name,amount\nx,1\ny,2\n", "a table of something else"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence(
    given: Callable[..., AppTest], company: Installation, name: str, data: bytes, says: str
) -> None:
    before = lying(company)
    seen = given((name, data))
    assert not seen.exception
    assert says in seen.error[0].value.replace("\\", "")
    assert "What to do" in seen.error[0].value
    assert not [button for button in seen.button if button.label == "Accept"]
    assert lying(company) == before


def test_more_than_the_limit_is_refused_by_the_page_too(given: Callable[..., AppTest]) -> None:
    seen = given(("large.csv", b"x" * 1_100_000), app_upload_mb=1)
    assert "larger than 1 MB" in seen.error[0].value


def test_the_chosen_profile_forces_the_file_and_its_folder(
    given: Callable[..., AppTest], company: Installation
) -> None:
    data = MINE.replace(b"885 8860 5779", b"885 8860 5701")
    seen = given()
    seen.selectbox("upload-profile").set_value("tls_webinar_attended_misc")
    seen = seen.file_uploader[0].set_value([("forced.csv", data, "")]).run()
    assert "profile tls_webinar_attended_misc" in shown(seen)
    next(button for button in seen.button if button.label == "Accept").click().run()
    assert lying(company)["tls_webinar_attended_misc/forced.csv"] == data
    (company.drop / "zoom/tls_webinar_attended_misc/forced.csv").unlink()


def test_a_chat_is_counted_without_a_word_of_it(given: Callable[..., AppTest]) -> None:
    seen = given(("chat.txt", CHAT))
    assert {metric.label: metric.value for metric in seen.metric}["Senders"] == "2"
    assert "Good evening" not in shown(seen)


def test_an_override_is_a_line_of_its_table_and_the_check_follows_it(
    given: Callable[..., AppTest], company: Installation
) -> None:
    table = company.config / "webinar_overrides.csv"
    before = table.read_bytes()
    other_day = MINE.replace(b"Oct 29", b"Oct 22")
    seen = given(("mine.csv", other_day))
    seen = next(one for one in seen.segmented_control if one.label == "It holds for").set_value(EVERY_DAY).run()
    next(text for text in seen.text_input if text.label == "Category or track").set_value("CFA")
    next(button for button in seen.button if button.label == "Save and check again").click()
    seen = seen.run()
    assert table.read_bytes() == before + b"88588605779,,CFA,,,\n"
    assert "category CFA" in shown(seen)
    assert log_of(company, "saved a table")[-1][0] == "local"
    table.write_bytes(before)


def test_what_is_said_of_one_file_holds_for_it_alone_and_a_wrong_line_is_not_saved(
    given: Callable[..., AppTest], company: Installation
) -> None:
    table = company.config / "file_overrides.csv"
    before = table.read_bytes()
    own = MINE.replace(b'"Oct 20, 2025 09:00 AM"', b"some day", 1)

    def save(seen: AppTest, label: str, text: str) -> AppTest:
        next(one for one in seen.text_input if one.label == label).set_value(text)
        next(button for button in seen.button if button.label == "Save and check again").click()
        return seen.run()

    seen = given(("own.csv", own))
    assert "too few of its dates" in shown(seen)
    seen = save(seen, "Share of its dates that must be readable", "many")
    assert "must be a share from 0 to 1" in shown(seen)
    assert table.read_bytes() == before
    seen = save(seen, "Share of its dates that must be readable", "0.5")
    assert "too few of its dates" not in shown(seen)
    assert table.read_bytes() == before + f"{hashlib.sha256(own).hexdigest()},,,,,0.5,\n".encode()
    assert "too few of its dates" in shown(given(("other.csv", own.replace(b"Person 1", b"Person 7"))))
    table.write_bytes(before)


def test_a_file_is_withdrawn_with_a_reason_and_comes_back(
    tester: Callable[..., AppTest], company: Installation
) -> None:
    seen = tester("upload", company)
    seen.segmented_control("upload-whose").set_value("Everybody's").run()
    file_id = company.value(
        "SELECT file_id FROM ops.files WHERE source = 'zoom' AND status = 'loaded' AND name LIKE 'attendee%' LIMIT 1"
    )
    seen.selectbox("upload-one").set_value(file_id).run()
    next(text for text in seen.text_input if text.label.startswith("Why it should not")).set_value("of another account")
    next(button for button in seen.button if button.label == "Withdraw it").click()
    seen = seen.run()
    assert not seen.exception
    assert log_of(company, "withdrew a file") == [["local", file_id, "done"]]
    assert "is withdrawn, from the next night" in shown(seen)
    seen.selectbox("upload-one").set_value(file_id).run()
    assert "Withdrawn: of another account" in shown(seen)
    next(text for text in seen.text_input if text.label.startswith("Why it should count")).set_value("it was right")
    next(button for button in seen.button if button.label == "Let it count again").click()
    seen.run()
    assert log_of(company, "restored a file") == [["local", file_id, "done"]]


def test_who_may_not_give_files_is_refused(tester: Callable[..., AppTest], company: Installation) -> None:
    seen = tester("upload", company, Person("viewer@team.example", frozenset({Role.VIEWER})))
    assert "only operators give Zoom files" in seen.exception[0].message


def test_somebody_with_webinars_of_their_own_sees_no_others(
    tester: Callable[..., AppTest], company: Installation
) -> None:
    own = Person("meera@team.example", frozenset({Role.OPERATOR}), conductors=frozenset({"meera quillon"}))
    sql = (
        "SELECT count(*) FROM ops.files AS f LEFT JOIN ops.engagement_files AS e USING (file_id) "
        "JOIN clean.webinars AS w ON w.occurrence_id = coalesce(f.occurrence_id, e.occurrence_id) "
        "WHERE lower(w.conductor) = 'meera quillon'"
    )
    seen = tester("upload", company, own)
    seen.segmented_control("upload-whose").set_value("Everybody's").run()
    assert 0 < company.value(sql) == len(seen.dataframe[-1].value)


def test_four_thousand_rows_are_checked_in_three_seconds(given: Callable[..., AppTest]) -> None:
    people = "".join(PEOPLE.replace("person", f"p{at}_").replace("98765", f"9{at:04d}") for at in range(1334))
    begun = time.monotonic()
    seen = given(("large.csv", (REPORT + people).encode()))
    took = time.monotonic() - begun
    assert {metric.label: metric.value for metric in seen.metric}["People kept"] == "4,002"
    assert took < 6, f"{took:.1f} s: promised are 3 on a quiet machine"


# Chats, polls, questions

POLL = (
    b"Poll Report\nReport generated time,11/01/2025 10:00:00 AM\n"
    b'Topic,Webinar ID,Actual Start Time,# Question\nACCA Plutus Masterclass,885 8860 5779,"Oct 29, 2025 07:00 PM",1\n'
    b"Poll Details\n#,User Name,User Email,Submitted Date/Time,Which level?,\n"
    b'1,Person 1,person1@mail.example,"Oct 29, 2025 07:30:00 PM",Level 2,\n'
)
QUESTIONS = (
    b"Question Report\nReport generated time,11/01/2025 10:00:00 AM\n"
    b'Topic,Webinar ID,Actual Start Time,# Question\nACCA Plutus Masterclass,885 8860 5779,"Oct 29, 2025 07:00 PM",1\n'
    b"Question Details\n#,Question,Asker Name,Asker Email,Answer(s)\n"
    b"1,What is the fee?,Person 1,person1@mail.example,live answered\n"
)


def test_chats_polls_and_questions_are_accepted_and_followed_too(
    given: Callable[..., AppTest], tester: Callable[..., AppTest], company: Installation
) -> None:
    for name, data, title in (
        ("talk.txt", CHAT, "chat"),
        ("poll.csv", POLL, "poll report"),
        ("questions.csv", QUESTIONS, "question report"),
    ):
        seen = given((name, data))
        assert title in shown(seen).lower()
        next(button for button in seen.button if button.label == "Accept").click().run()
    assert company.night(DEMO_NIGHT).is_published
    week = tester("upload", company).dataframe[-1].value
    states = dict(zip(week["File"], week["State"], strict=True))
    assert states["talk.txt"] == "waits for a person"
    assert {states[name] for name in ("poll.csv", "questions.csv")} <= {"in the facts", "waits for a person"}


# What people agreed to

CONSENTS = (
    b"phone,email,channel,state,stated_at,source\n"
    b"98765 12345,,whatsapp,granted,2025-10-20 14:30,form\n"
    b",asha@mail.example,all,suppressed,2025-10-21 10:00,complaint\n"
    b"98765 12345,,whatsapp,granted,2025-10-20 14:30,form\n"
    b"98765 12346,,pigeon,granted,2025-10-20 14:30,form\n"
)


def consents(
    tester: Callable[..., AppTest], company: Installation, *files: tuple[str, bytes], person: Person = LOCAL
) -> AppTest:
    seen = tester("upload", company, person)
    seen.segmented_control("upload-what").set_value(AGREED).run()
    assert not seen.exception
    return seen.file_uploader[0].set_value([(name, data, "") for name, data in files]).run() if files else seen


def test_what_people_agreed_to_is_checked_accepted_and_taken_by_the_next_night(
    tester: Callable[..., AppTest], company: Installation
) -> None:
    folder = company.drop / "consent"
    seen = consents(tester, company, ("agreed.csv", CONSENTS))
    assert not seen.exception
    said = shown(seen)
    assert "says 2 things that count" in said
    assert "Line 5: the statement names no channel that there is" in said
    assert "Said again by another line, and counted once: 1." in said
    assert "98765" not in said
    assert not folder.exists() or not [path for path in folder.iterdir() if path.is_file()]
    seen = next(button for button in seen.button if button.label == "Accept").click().run()
    assert "Accepted as agreed.csv" in shown(seen)
    assert (folder / "agreed.csv").read_bytes() == CONSENTS
    assert seen.dataframe[-1].value["State"].tolist() == ["waiting"]
    assert log_of(company, "accepted a file")[-1] == ["local", hashlib.sha256(CONSENTS).hexdigest(), "done"]

    assert company.night(DEMO_NIGHT).is_published
    row = consents(tester, company).dataframe[-1].value.iloc[0]
    assert (row["State"], row["File"], row["Given by"]) == ("counts", "agreed.csv", "local")
    assert company.value("SELECT count(*) FROM clean.consents WHERE consent_source IN ('form', 'complaint')") == 2
    again = consents(tester, company, ("again.csv", CONSENTS))
    assert "nothing would change" in shown(again)
    assert not [button for button in again.button if button.label == "Accept"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"name,amount\nx,1\n", "it is no file of consents"),
        (b"channel,state,stated_at\nall,granted,2025-10-20\n", "neither a column of phones nor one of e-mails"),
        (CONSENTS.replace(b"2025-10-20 14:30", b"03/04/2025").replace(b"2025-10-21 10:00", b"04/05/2025"), "day"),
        (b"", "the file is empty"),
    ],
)
def test_a_wrong_file_of_consents_is_refused_in_a_sentence(
    tester: Callable[..., AppTest], company: Installation, data: bytes, says: str
) -> None:
    seen = consents(tester, company, ("wrong.csv", data))
    assert not seen.exception
    assert says in seen.error[0].value.replace("\\", "").lower()
    assert not [button for button in seen.button if button.label == "Accept"]
