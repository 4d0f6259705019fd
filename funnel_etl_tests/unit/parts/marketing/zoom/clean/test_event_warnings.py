"""What stands in `ops.files.warnings` of a report after all rules, each with what to do and who.

The incident: a topic that fits no profile, and a report in which nobody had a phone, said nothing anywhere.
"""

import json

import pytest

from funnel_etl.core.values.text import lookup_key
from funnel_etl.parts.marketing.zoom.clean.event_warnings import FINDINGS, file_states, lacks_phones

pytestmark = pytest.mark.slow

START = "2026-04-01 14:38"
PROFILES = (
    "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
    "acca,ACCA,Live,webinar_attended,,,auto,,Webinar,*acca*\nacca_r,ACCA,Live,registration,,,auto,,Webinar,*acca*\n"
)
CONFIG = {
    "zoom_profiles": PROFILES,
    "category_tokens": "token,category\nacca,ACCA\n",
    "conductors": "name,conductor\nMeera Quillon,Meera Quillon\n",
}
HOST = {"section": "host", "user_name": "Meera Quillon", "email": "host@example.org", "attended": True}


def came(number: int, **cells):
    return {"attended": True, "user_name": f"P{number}", "email": f"p{number}@example.com"} | cells


def states(night):
    out = night.run()
    frame = file_states(*(out[name].rows for name in ("zoom_reports", "webinars", "zoom_attendance")))
    return {row["file_id"]: (row["status"], json.loads(row["warnings"])) for row in frame.to_dict("records")}


@pytest.fixture
def clear(night):
    """A night in whose one report nothing is to be said of: profile, category, conductor and phones are known."""
    night.config |= CONFIG
    night.attendee_report("a", START, HOST, *(came(n, phone=f"987650000{n}") for n in range(6)))
    return night


def test_nothing_is_said_of_a_report_of_which_all_is_known(clear) -> None:
    assert states(clear) == {"a": ("loaded", [])}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        pytest.param({"zoom_profiles": PROFILES.replace("*acca*", "*cfa*")}, "webinar_without_profile", id="profile"),
        pytest.param({"category_tokens": "token,category\n"}, "webinar_without_category", id="category"),
        pytest.param(
            {"category_tokens": "token,category\nacca,ACCA\nlive,Live\n"}, "webinar_category_tie", id="category_tie"
        ),
        pytest.param({"conductors": "name,conductor\n"}, "webinar_conductor_unlisted", id="unlisted_conductor"),
        pytest.param(
            {"zoom_profiles": PROFILES.replace("Webinar,*acca*", "Bootcamp,*acca*")}, "webinar_day_by_default", id="day"
        ),
        pytest.param(
            {"zoom_profiles": PROFILES + "acca_2,ACCA,Two,webinar_attended,,,auto,,Webinar,*acca*\n"},
            "webinar_with_two_profiles",
            id="two_profiles",
        ),
    ],
)
def test_what_configuration_does_not_decide_warns_with_what_to_do_and_who(night, config, kind) -> None:
    night.config |= CONFIG | config
    night.attendee_report("a", START, HOST, topic="ACCA Live")
    [warning] = states(night)["a"][1]
    assert warning == f"{FINDINGS[kind].says} (marketing operations: {FINDINGS[kind].to_do})"
    assert f"{FINDINGS[kind].decided_in}.csv" in FINDINGS[kind].to_do or "webinar_overrides.csv" in FINDINGS[kind].to_do


def test_a_report_without_host_and_panelist_has_no_conductor_and_a_registration_report_needs_none(night) -> None:
    night.config |= CONFIG
    night.attendee_report("a", START, came(1, phone="9876500001"))
    night.registration_report("r", START, {"email": "p1@example.com", "phone": "9876500001"})
    found = states(night)
    assert [text[:12] for text in found["a"][1]] == ["no conductor"]
    assert found["r"] == ("loaded", [])


def test_a_profile_for_attendees_alone_leaves_the_registration_report_without_a_file_and_says_so(night) -> None:
    night.config |= CONFIG | {"zoom_profiles": PROFILES.split("acca_r", maxsplit=1)[0]}
    night.registration_report("r", START, {"email": "p1@example.com", "phone": "9876500001"})
    night.attendee_report("a", START, HOST)
    assert all("no profile fits its registration report" in texts[0] for _, texts in states(night).values())


@pytest.mark.parametrize(
    ("attended", "without", "warns"), [(20, 20, True), (20, 11, True), (20, 10, False), (5, 3, True), (4, 4, False)]
)
def test_most_of_at_least_five_people_without_a_phone_are_too_many(attended: int, without: int, warns: bool) -> None:
    assert lacks_phones(attended, without) is warns


def test_a_report_in_which_most_end_without_a_phone_warns_after_all_rules(night) -> None:
    night.config |= CONFIG
    night.attendee_report("a", START, HOST, *(came(n) for n in range(6)), came(9, attended=False))
    [warning] = states(night)["a"][1]
    assert warning.startswith("most people who attended have no phone: 6 of 6 (marketing operations: drop the")
    for n in range(3):
        night.lead(f"p{n}@example.com", f"987650000{n}")
    assert states(night) == {"a": ("loaded", [])}, "half of them have the phone of a lead"


@pytest.mark.parametrize("kind", ["attendee", "registration"])
@pytest.mark.parametrize(("people", "warns"), [(4, False), (5, True)])
def test_one_phone_of_many_people_in_a_report_warns(night, kind: str, people: int, warns: bool) -> None:
    """A teacher's number, typed by a whole class, made one person of it without a word."""
    night.config |= CONFIG
    spellings = ["9876500001", "+91 98765 00001", "09876500001", "98765-00001", "9876500001.", "9876500001"]
    shared = [came(n, phone=spellings[n]) for n in range(people)]
    rows = [HOST, *shared, came(0, phone="9876500001"), *(came(n, phone=f"987650001{n}") for n in range(6, 9))]
    if kind == "registration":
        night.registration_report("a", START, *rows[1:])
    else:
        night.attendee_report("a", START, *rows)
    said = [text for text in states(night)["a"][1] if "different e-mails" in text]
    assert [text.split(" (")[0] for text in said] == [
        f"a phone stands with {people} different e-mails: these people count as one"
    ] * warns
    assert "98765" not in " ".join(said)


def test_numbers_that_are_no_phones_and_staff_with_one_phone_do_not_warn(night) -> None:
    night.config |= CONFIG
    night.placeholders = frozenset({"9876543210"})
    people = [came(n, phone=text) for n, text in enumerate(["9876543210"] * 6 + ["1234512345"] * 6 + [""] * 6)]
    staff = [HOST | {"email": f"s{n}@example.org", "phone": "9876500001"} for n in range(6)]
    night.attendee_report("a", START, *staff, *people)
    assert not any("different e-mails" in text for text in states(night)["a"][1])


def test_a_report_that_says_the_same_as_another_says_so(clear) -> None:
    clear.attendee_report(
        "b", START, HOST, *(came(n, phone=f"987650000{n}") for n in range(6)), generated_at="2026-04-05 12:00"
    )
    found = states(clear)
    assert found["b"] == ("loaded", [])
    status, [warning] = found["a"]
    assert status == "duplicate"
    assert warning.startswith(
        "it says the same as b.csv: nothing is counted twice (marketing operations: nothing to do"
    )


def test_every_finding_names_a_table_that_is_there() -> None:
    from funnel_etl.core.config_tables import TABLES  # noqa: PLC0415

    assert {finding.decided_in for finding in FINDINGS.values()} <= set(TABLES)
    assert all(lookup_key(kind) == kind for kind in FINDINGS)
