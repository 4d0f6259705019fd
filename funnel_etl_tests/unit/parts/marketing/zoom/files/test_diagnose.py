"""What is told of one file: its sections and columns, its dates, its people, its event; and nothing of anybody."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.parts.marketing.zoom.files import diagnose as module
from funnel_etl.parts.marketing.zoom.files.diagnose import Diagnosis, diagnose, render
from funnel_etl.parts.marketing.zoom.reader.cells import shown_header

ZONE = "Asia/Kolkata"
ATTENDEE_HEADER = (
    "Attended,User Name (Original Name),Email,Phone,Why do you join?,Registration Time,Join Time,Leave Time,"
    "Time in Session (minutes)"
)
ATTENDEE = dedent("""\
    Attendee Report
    Report Generated:,"Apr 4, 2026 12:18 PM"
    Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registered,# Cancelled,Unique Viewers,Total Users
    ACCA Plutus Bootcamp Day 2,885 8860 5779,"Apr 4, 2026 10:00 AM",120,4,0,2,4
    Panelist Details
    Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)
    Yes,Asha Conductor,asha@team.example,"Apr 4, 2026 09:55 AM","Apr 4, 2026 12:00 PM",125
    Attendee Details
    HEADER
    Yes,Ravi One,ravi@mail.example,98765 43210,To learn,"Apr 1, 2026","Apr 4, 2026 10:01 AM","Apr 4, 2026 10:30",29
    Yes,Ravi One,ravi@mail.example,,,,"Apr 4, 2026 10:40 AM","Apr 4, 2026 11:00 AM",20
    Yes,Mira Two,mira@mail.example,no,,soon,"Apr 4, 2026 10:01 AM","Apr 4, 2026 10:30 AM",29
    No,Sita Three,sita@mail.example,9.19988E+11,,"Apr 1, 2026 09:00 AM",--,--,--
    No,Broken,row@mail.example
    """).replace("HEADER", ATTENDEE_HEADER)
CONFIG = {
    "funnels": "funnel\nWebinar\nBootcamp\n",
    "zoom_profiles": (
        "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
        "plutus_bootcamp,Plutus,,bootcamp_dual,,p.csv,auto,,Bootcamp,*plutus*bootcamp*\n"
        "forced,TLS,,webinar_attended,,f.csv,fixed,IP,Webinar,\n"
    ),
    "category_tokens": "token,category\nacca,ACCA\nplutus,Plutus\n",
    "conductors": "name,conductor\nAsha Conductor,Asha C\n",
}


@pytest.fixture
def told(config_of: Callable[..., Config]) -> Callable[..., Diagnosis]:
    def tell(
        text: str | bytes = ATTENDEE, threshold: float = 0.99, folder: str | None = None, **config: str
    ) -> Diagnosis:
        data = text if isinstance(text, bytes) else text.encode()
        return diagnose(data, "f" * 64, ZONE, config_of(**(CONFIG | config)), threshold, folder=folder)[0]

    return tell


def test_sections_are_told_with_their_rows_and_what_each_header_meant(told: Callable[..., Diagnosis]) -> None:
    measures = told().measures
    assert measures is not None
    sections = measures["sections"]
    assert [(s["role"], s["rows"], s["broken"]) for s in sections] == [("panelist", 1, 0), ("attendee", 5, 1)]
    assert sections[1]["columns"]["Time in Session (minutes)"] == "minutes"
    assert measures["unknown_columns"] == ["Why do you join?"]


def test_dates_are_counted_cell_by_cell_and_blanks_are_no_dates(told: Callable[..., Diagnosis]) -> None:
    measures = told().measures
    assert measures is not None
    assert (measures["dates_read"], measures["dates_unread"]) == (10, 1)


@pytest.mark.parametrize(("threshold", "is_good"), [(0.99, False), (10 / 11, True), (0, True)])
def test_too_few_dates_are_a_warning_and_not_good(
    told: Callable[..., Diagnosis],
    threshold: float,
    is_good: bool,
) -> None:
    found = told(threshold=threshold)
    assert found.refusal is None, "it is taken all the same"
    assert found.is_good is is_good
    assert any("dates are unreadable" in warning for warning in found.warnings) is not is_good


def test_phones_are_counted_by_class(told: Callable[..., Diagnosis]) -> None:
    assert told().phones == {"in_mobile": 1, "blank": 1, "invalid": 1, "sci_notation": 1}


def test_every_row_has_a_fate(told: Callable[..., Diagnosis]) -> None:
    fate = dict(told().fates["clean.zoom_attendance"])
    assert fate["merged:same_person"] == 1
    assert fate["quarantined:too_few_fields"] == 1
    assert fate["excluded:panelist"] == 1
    kinds = ("merged:", "quarantined:", "excluded:")
    gone = sum(count for reason, count in fate.items() if reason.startswith(kinds))
    assert fate["rows in"] == fate["rows kept"] + gone == 6


def test_the_summary_is_held_against_the_rows(told: Callable[..., Diagnosis]) -> None:
    found = told()
    assert found.reconciled == [
        ("Unique Viewers", 2, 2),
        ("Total Users", 4, 4),
        ("# Registered + # Cancelled", 4, 4),
    ]
    assert (
        "Unique Viewers: the summary says 7, the rows give 2" in told(ATTENDEE.replace(",4,0,2,4", ",4,0,7,4")).warnings
    )


def test_the_event_is_told_with_where_each_thing_comes_from(told: Callable[..., Diagnosis]) -> None:
    event = told().event
    assert (event["profile"], event["product"], event["source_tag"]) == ("plutus_bootcamp", "Plutus", "Bootcamp")
    assert event["category"] == "Plutus (by the token 'plutus')", "the longest token"
    assert (event["bootcamp_day"], event["day_source"]) == ("Day 2", "topic")
    assert (event["conductor"], event["conductor_source"]) == ("Asha C", "panelist")


def test_the_sub_folder_forces_the_profile(told: Callable[..., Diagnosis]) -> None:
    event = told(folder="forced").event
    assert (event["profile"], event["category"]) == ("forced", "IP")


@pytest.mark.parametrize(
    ("config", "warning"),
    [
        pytest.param({"zoom_profiles": CONFIG["zoom_profiles"].replace("*plutus*", "*x*")}, "no profile", id="profile"),
        pytest.param({"category_tokens": "token,category\n"}, "no category", id="category"),
        pytest.param({"conductors": "name,conductor\n"}, "first one is taken as the conductor", id="conductor"),
    ],
)
def test_what_configuration_does_not_say_is_a_warning(
    told: Callable[..., Diagnosis], config: dict[str, str], warning: str
) -> None:
    assert any(warning in text for text in told(**config).warnings)
    assert not any(warning in text for text in told().warnings)


def test_a_report_of_people_without_phones_warns_and_says_that_others_may_have_them(
    told: Callable[..., Diagnosis],
) -> None:
    row = 'Yes,P{0},p{0}@mail.example,{1},,"Apr 1, 2026","Apr 4, 2026 10:01 AM","Apr 4, 2026 10:30 AM",29\n'
    head = ATTENDEE.split("Yes,Ravi One")[0]
    found = told(head + "".join(row.format(number, "") for number in range(5)))
    [warning] = [text for text in found.warnings if "have no phone" in text]
    assert warning.startswith("most people who attended have no phone: 5 of 5 (marketing operations: drop the")
    assert warning.endswith("seen alone; the night also looks into its registration report and the campaign leads")
    with_phones = told(head + "".join(row.format(number, f"98765 4321{number}") for number in range(5)))
    assert not any("have no phone" in text for text in with_phones.warnings)


def test_one_phone_of_many_people_is_a_warning_before_the_file_is_dropped(told: Callable[..., Diagnosis]) -> None:
    row = 'Yes,P{0},p{0}@mail.example,98765 43211,,"Apr 1, 2026","Apr 4, 2026 10:01 AM","Apr 4, 2026 10:30 AM",29\n'
    found = told(ATTENDEE.split("Yes,Ravi One")[0] + "".join(row.format(number) for number in range(5)))
    assert sum("a phone stands with 5 different e-mails" in text for text in found.warnings) == 1


def test_times_are_told_in_the_business_zone(told: Callable[..., Diagnosis]) -> None:
    found = told()
    assert found.times == {"generated_at": "2026-04-04 12:18 IST", "started_at": "2026-04-04 10:00 IST"}
    assert found.event["started_at"] == "2026-04-04 10:00 IST"


WRONG = {
    "pdf": b"%PDF-1.7",
    "zip": b"PK\x03\x04rest",
    "xlsx": b"PK\x03\x04 [Content_Types].xml",
    "empty": b"",
    "web_page": b"<!DOCTYPE html><html>login</html>",
    "poll": b"Poll Report\n#,User Name,Email\n1,x,y\n",
    "other_table": b"a,b\n1,2\n",
    "binary": bytes(range(256)) * 20,
}


@pytest.mark.parametrize("data", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_told_of_with_what_to_do(told: Callable[..., Diagnosis], data: bytes) -> None:
    found = told(data)
    assert not found.is_good
    assert ". Fix: " in str(found.refusal)
    assert "would be rejected" in render(found, "x.csv")


def test_a_defect_of_the_reader_is_told_without_its_words(
    told: Callable[..., Diagnosis], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError("98765 43210 is no date")

    monkeypatch.setattr(module, "read_report", fails)
    refusal = str(told().refusal)
    assert "ValueError" in refusal
    assert "98765" not in refusal


def test_nothing_of_anybody_is_in_the_text(told: Callable[..., Diagnosis]) -> None:
    text = render(told(), "x.csv")
    for personal in ("Ravi", "ravi@", "98765", "Mira", "Sita", "To learn", "asha@"):
        assert personal not in text
    for expected in ("Section attendee: 5 rows", "Why do you join?", "TOO FEW", "Plutus", "merged:same_person"):
        assert expected in text


def test_a_row_that_stands_where_a_header_should_is_not_shown(told: Callable[..., Diagnosis]) -> None:
    lines = ATTENDEE.splitlines(keepends=True)
    headless = "".join(line for line in lines if "Why do you join?" not in line)
    registration_kept = headless.replace("Panelist Details", "Host Details")
    text = render(told(registration_kept), "x.csv")
    for personal in ("Ravi", "ravi@", "98765"):
        assert personal not in text


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Phone Number (Enter with Country code ex., +91 9800000000)", "Phone Number (Enter with Country code ex., …)"),
        ("Your e-mail, like me@home.example", "Your e-mail, like …"),
        ("Batch of 2026", "Batch of 2026"),
        ("x" * 100, "x" * 79 + "…"),
    ],
)
def test_a_header_is_shown_without_numbers_and_addresses(header: str, shown: str) -> None:
    assert shown_header(header) == shown
