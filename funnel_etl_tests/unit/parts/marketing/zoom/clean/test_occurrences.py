import pandas as pd
import pytest

pytestmark = pytest.mark.slow

START = "2026-04-01 14:38"
PROFILES = (
    "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
    "plutus_boot,Plutus,,bootcamp_dual,,,auto,,Bootcamp,*plutus*bootcamp*|*bootcamp*plutus*\n"
    "plutus_web,Plutus,,webinar_attended,,,auto,,Webinar,*plutus*\n"
    "law_cd,TLS,,webinar_attended,,,fixed,CD,Webinar,*contract drafting*\n"
    "town_hall,,,webinar_attended,,,auto,,Other,\n"
)
CONDUCTORS = "name,conductor\nmeera q,Meera Quillon\nMeera Quillon,Meera Quillon\nTaran Belwick,Taran Belwick\n"


def staff(section: str, name: str):
    return {"section": section, "user_name": name, "email": f"{name}@example.com", "attended": True}


def only(outcome):
    [row] = outcome.rows.to_dict("records")
    return {name: None if value is pd.NaT or value != value else value for name, value in row.items()}  # noqa: PLR0124


def test_an_occurrence_speaks_by_its_attendee_report_and_waits_with_its_scheduled_time(night) -> None:
    night.registration_report("r", "2026-04-01 00:05", topic="Scheduled", duration_minutes=60)
    row = only(night.run()["zoom_occurrences"])
    assert (row["occurrence_id"], row["topic"], row["has_attendee_report"]) == ("111-20260401T0005", "Scheduled", False)
    assert row["event_date"] == pd.Timestamp("2026-04-01")
    night.attendee_report("a", "2026-03-31 23:55", topic="Held", duration_minutes=93)
    out = night.run()
    row = only(out["zoom_occurrences"])
    assert (row["occurrence_id"], row["topic"], row["duration_minutes"]) == ("111-20260331T2355", "Held", 93)
    assert row["event_date"] == pd.Timestamp("2026-03-31")
    assert (row["file_id"], row["has_attendee_report"], row["has_registration_report"]) == ("a", True, True)
    assert out["zoom_occurrences"].ledger[0].reasons == {"merged:same_occurrence": 1}


@pytest.mark.parametrize(
    ("topic", "folder", "profile", "tag", "funnel"),
    [
        ("Plutus Python Bootcamp", None, "plutus_boot", "Bootcamp", "Bootcamp"),
        ("Python bootcamp by PLUTUS", None, "plutus_boot", "Bootcamp", "Bootcamp"),
        ("Plutus talk", None, "plutus_web", "Webinar", "webinar"),
        ("Plutus talk", "Town_Hall", "town_hall", "Other", "Other Sources (Miscellaneous)"),
        ("Plutus talk", "no such profile", "plutus_web", "Webinar", "webinar"),
        ("Excel bootcamp", None, None, "Bootcamp", "Bootcamp"),
        ("Excel", None, None, "Webinar", "webinar"),
    ],
    ids=["first pattern", "second pattern", "later row", "folder first", "unknown folder", "word bootcamp", "neither"],
)
def test_the_profile_is_by_folder_then_topic_and_gives_source_tag_and_funnel(
    night, topic, folder, profile, tag, funnel
) -> None:
    night.config |= {"zoom_profiles": PROFILES, "funnels": "funnel\nwebinar\nBootcamp\n"}
    night.attendee_report("a", START, topic=topic, profile=folder)
    out = night.run()
    row = only(out["zoom_occurrences"])
    assert (row["profile"], row["source_tag"], row["funnel"]) == (profile, tag, funnel)
    assert any("zoom_profiles.csv" in note for note in out["zoom_occurrences"].notes) == (folder == "no such profile")


@pytest.mark.parametrize(
    ("topic", "override", "category"),
    [
        ("ACCA contract drafting", "", "CD"),
        ("ACCA contract drafting", "Own", "Own"),
        ("ACCA talk", "", "ACCA"),
        ("Maccabi talk", "", None),
    ],
    ids=["fixed by the profile", "override first", "token", "no word of its own"],
)
def test_the_category_is_by_override_then_profile_then_token(night, topic, override, category) -> None:
    night.config |= {
        "zoom_profiles": PROFILES,
        "category_tokens": "token,category\nacca,ACCA\n",
        "webinar_overrides": f"webinar_id,conductor,category,profile,bootcamp_day,note\n1 11,,{override},,,n\n",
    }
    night.attendee_report("a", START, topic=topic)
    assert only(night.run()["zoom_occurrences"])["category"] == category


def test_a_tie_of_category_tokens_warns(night) -> None:
    night.config["category_tokens"] = "token,category\ncma,CMA\ncpa,CPA\n"
    night.attendee_report("a", START, topic="CPA or CMA")
    outcome = night.run()["zoom_occurrences"]
    assert only(outcome)["category"] == "CMA"
    assert next(note for note in outcome.notes if "several categories" in note).startswith(
        "occurrence 111-20260401T1438"
    )


@pytest.mark.parametrize(
    ("people", "override", "conductor", "source"),
    [
        ([("host", "Taran Belwick"), ("panelist", "Guest"), ("panelist", "MEERA  q")], "", "Meera Quillon", "panelist"),
        ([("host", "Taran Belwick"), ("panelist", "Guest")], "", "Taran Belwick", "host"),
        ([("host", "Office"), ("panelist", "some guest"), ("panelist", "Other")], "", "Some Guest", "first_panelist"),
        ([("host", "Office")], "", "Office", "first_host"),
        ([("host", "iPhone (Meera Quillon)")], "", "Meera Quillon", "host"),
        ([("panelist", "Meera Quillon")], "meera q", "Meera Quillon", "override"),
        ([("panelist", "Meera Quillon")], "Somebody New", "Somebody New", "override"),
        ([], "", None, None),
    ],
    ids=[
        "panelist",
        "host",
        "first panelist",
        "first host",
        "original name",
        "override",
        "unlisted override",
        "nobody",
    ],
)
def test_the_conductor_is_by_override_then_panelist_then_host_then_the_first(
    night, people, override, conductor, source
) -> None:
    night.config |= {
        "conductors": CONDUCTORS,
        "webinar_overrides": f"webinar_id,conductor,category,profile,bootcamp_day,note\n111,{override},,,,n\n",
    }
    night.attendee_report("a", START, *(staff(section, name) for section, name in people))
    outcome = night.run()["zoom_occurrences"]
    row = only(outcome)
    assert (row["conductor"], row["conductor_source"]) == (conductor, source)
    assert any("conductors.csv" in note for note in outcome.notes) == (source in {"first_panelist", "first_host"})


@pytest.mark.parametrize(
    ("topic", "start", "override", "day", "source", "warning"),
    [
        ("Bootcamp Day 2", "2026-04-04 11:00", "", "Day 2", "topic", None),
        ("Bootcamp Day 1 & Day 2", "2026-04-04 11:00", "", "Both", "topic", "both bootcamp days"),
        ("Bootcamp", "2026-04-05 00:10", "", "Day 2", "weekday", None),
        ("Bootcamp", "2026-04-07 11:00", "", "Day 1", "default", "taken as Day 1"),
        ("Bootcamp", "2026-04-07 11:00", "Day 2", "Day 2", "override", None),
        ("Webinar Day 2", "2026-04-04 11:00", "", None, None, None),
    ],
    ids=["topic", "both", "Sunday in the zone", "default", "override", "no bootcamp"],
)
def test_a_bootcamp_has_a_day_and_says_where_it_comes_from(night, topic, start, override, day, source, warning) -> None:
    night.config["webinar_overrides"] = (
        f"webinar_id,conductor,category,profile,bootcamp_day,note\n111,,,,{override},n\n"
    )
    night.attendee_report("a", start, topic=topic)
    outcome = night.run()["zoom_occurrences"]
    row = only(outcome)
    assert (row["bootcamp_day"], row["day_source"]) == (day, source)
    assert (warning is None and not outcome.notes) or warning in outcome.notes[0]


FILE, REGISTRATION, OTHER_FILE = "a" * 64, "b" * 64, "c" * 64
OF_WEBINAR = "webinar_id,conductor,category,profile,bootcamp_day,note\n111,Of Webinar,W,,Day 1,\n"


def test_what_is_said_of_a_file_goes_before_its_webinar_cell_by_cell_and_holds_on_its_day_only(night) -> None:
    night.config |= {
        "webinar_overrides": OF_WEBINAR,
        "file_overrides": f"file_id,category,bootcamp_day\n{FILE.upper()},F,Day 2\n",
    }
    night.attendee_report(FILE, "2026-04-04 11:00", topic="Bootcamp")
    night.attendee_report(OTHER_FILE, "2026-04-11 11:00", topic="Bootcamp")
    rows = night.run()["zoom_occurrences"].rows.set_index("file_id")
    told = rows[["conductor", "category", "bootcamp_day"]]
    assert told.loc[FILE].tolist() == ["Of Webinar", "F", "Day 2"]
    assert told.loc[OTHER_FILE].tolist() == ["Of Webinar", "W", "Day 1"]
    assert rows.loc[FILE, ["conductor_source", "category_source", "day_source"]].tolist() == ["override"] * 3


def test_of_several_files_of_an_event_the_one_in_force_is_heard_first_then_those_it_replaced(night) -> None:
    night.config["file_overrides"] = f"file_id,category,conductor\n{OTHER_FILE},Old,Old\n{FILE},New,\n"
    people = [staff("attendee", name) for name in ("Asha", "Ravi")]
    night.attendee_report(OTHER_FILE, START, people[0], generated_at="2026-04-02 10:00")
    night.attendee_report(FILE, START, *people, generated_at="2026-04-03 10:00")
    row = only(night.run()["zoom_occurrences"])
    assert (row["file_id"], row["category"], row["conductor"]) == (FILE, "New", "Old")


def test_a_registration_report_has_the_profile_that_was_said_of_it(night) -> None:
    night.config |= {
        "zoom_profiles": PROFILES + "".join(f"{name},,,registration,,,auto,,Webinar,\n" for name in ("reg1", "reg2")),
        "file_overrides": f"file_id,profile\n{REGISTRATION},reg2\n{FILE},law_cd\n",
    }
    night.attendee_report(FILE, START, topic="x")
    night.registration_report(REGISTRATION, START, topic="x")
    row = only(night.run()["zoom_occurrences"])
    assert (row["profile"], row["registered_profile"], row["profile_source"]) == ("law_cd", "reg2", "override")
