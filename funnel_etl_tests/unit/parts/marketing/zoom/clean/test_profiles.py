from typing import Any

import pandas as pd
import pytest

from funnel_etl.demo.config import DEMO_CONFIG

pytestmark = pytest.mark.slow

START = "2026-04-01 14:38"
SHIPPED = (DEMO_CONFIG / "zoom_profiles.csv").read_text(encoding="utf-8")
TRACKS = ("cd", "ip", "ma", "tf", "adr", "misc")
NOBODY = {"attended": False, "email": "asha@example.com"}


def shipped(night: Any, more: str = "") -> Any:
    night.config["zoom_profiles"] = SHIPPED + more
    return night


def described(night: Any) -> dict[str, Any]:
    [row] = night.run()["zoom_occurrences"].rows.to_dict("records")
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def profiles_of(night: Any) -> tuple[str | None, str | None]:
    row = described(night)
    return row["profile"], row["registered_profile"]


def test_the_sixteen_profiles_are_those_of_the_team(night) -> None:
    table = shipped(night).table("zoom_profiles").set_index("name")
    webinars = [f"tls_webinar_{kind}_{track}" for track in TRACKS for kind in ("attended", "registered")]
    plutus = ["plutus_webinar_attended", "plutus_webinar_registered", "plutus_bootcamp"]
    assert sorted(table.index) == sorted([*plutus, *webinars, "tls_misc_bootcamp"])
    assert len(table.index[table["product"].eq("Plutus")]) == 3
    for name, row in table.iterrows():
        kind = "registration" if "registered" in name else "webinar_attended"
        assert row["type"] == ("bootcamp_dual" if name == "plutus_bootcamp" else kind), name
        assert row["download_name"] == f"{name}.csv"
        assert row["source_tag"] == ("Bootcamp" if "bootcamp" in name else "Webinar"), name
        assert row["category_mode"] == ("auto" if "plutus" in name else "fixed"), name
    fixed = {name: table.loc[f"tls_webinar_attended_{name}", "category"] for name in TRACKS}
    assert fixed == {"cd": "CD", "ip": "IP", "ma": "MA", "tf": "TF", "adr": "ADR", "misc": "Misc"}
    assert table.loc["tls_misc_bootcamp", "category"] == "Bootcamp"
    events = [event for cell in table["event_names"] for event in cell.split("|")]
    assert len(set(events)) == 17
    assert {"Plutus Bootcamp Registered", "Plutus Bootcamp Attended"} <= set(events)


@pytest.mark.parametrize(
    ("topic", "profile", "registered"),
    [
        ("Plutus ACCA Masterclass", "plutus_webinar_attended", "plutus_webinar_registered"),
        ("FRM Bootcamp Day 1 | PLUTUS", "plutus_bootcamp", "plutus_bootcamp"),
        ("TLS Bootcamp Day 2", "tls_misc_bootcamp", None),
        ("Contract  Drafting for beginners", "tls_webinar_attended_cd", "tls_webinar_registered_cd"),
        ("TLS | Intellectual Property today", "tls_webinar_attended_ip", "tls_webinar_registered_ip"),
        ("TLS IPO readiness", "tls_webinar_attended_misc", "tls_webinar_registered_misc"),
        ("TLS M&A deals", "tls_webinar_attended_ma", "tls_webinar_registered_ma"),
        ("TLS Masterclass", "tls_webinar_attended_misc", "tls_webinar_registered_misc"),
        ("TLS TF evening", "tls_webinar_attended_tf", "tls_webinar_registered_tf"),
        ("Arbitration basics", "tls_webinar_attended_adr", "tls_webinar_registered_adr"),
        ("Alumni evening", None, None),
    ],
)
def test_the_topic_finds_the_profile_of_each_report_and_the_first_match_wins(night, topic, profile, registered) -> None:
    shipped(night).attendee_report("a", START, NOBODY, topic=topic)
    night.registration_report("r", START, NOBODY, topic=topic)
    assert profiles_of(night) == (profile, registered)
    row = described(night)
    assert row["profile_source"] == (profile and "topic")
    noted = [note for note in night.run()["zoom_occurrences"].notes if "registration report" in note]
    assert bool(noted) == (profile is not None and registered is None)


@pytest.mark.parametrize(
    ("attendee_folder", "registration_folder", "expected"),
    [
        ("tls_webinar_attended_ip", None, ("tls_webinar_attended_ip", "tls_webinar_registered_ip")),
        ("TLS_Misc_Bootcamp", None, ("tls_misc_bootcamp", None)),
        (None, "tls_webinar_registered_ma", ("tls_webinar_attended_ma", "tls_webinar_registered_ma")),
        (
            "tls_webinar_attended_ip",
            "tls_webinar_registered_ma",
            ("tls_webinar_attended_ip", "tls_webinar_registered_ma"),
        ),
        ("tls_webinar_registered_cd", None, ("tls_webinar_attended_cd", "tls_webinar_registered_cd")),
        ("plutus_bootcamp", None, ("plutus_bootcamp", "plutus_bootcamp")),
        ("no such", None, ("plutus_webinar_attended", "plutus_webinar_registered")),
    ],
    ids=["attendee", "any case", "registration", "each its own", "of the other report", "dual", "unknown"],
)
def test_a_sub_folder_forces_the_profile_of_its_report_and_of_the_other_by_product_and_use_case(
    night, attendee_folder, registration_folder, expected
) -> None:
    shipped(night).attendee_report("a", START, NOBODY, topic="Plutus ACCA", profile=attendee_folder)
    night.registration_report("r", START, NOBODY, topic="Plutus ACCA", profile=registration_folder)
    assert profiles_of(night) == expected
    assert described(night)["profile_source"] == ("topic" if attendee_folder == "no such" else "folder")


def test_a_profile_stays_when_the_other_report_arrives(night) -> None:
    shipped(night).registration_report("r", START, NOBODY, topic="Legal evening", profile="tls_webinar_registered_ip")
    before = described(night)
    night.attendee_report("a", START, NOBODY, topic="Plutus evening")
    after = described(night)
    for name in ("profile", "registered_profile", "category", "source_tag", "occurrence_id"):
        assert before[name] == after[name], name
    assert before["profile"] == "tls_webinar_attended_ip"


def test_an_override_goes_before_the_sub_folder(night) -> None:
    night.config["webinar_overrides"] = (
        "webinar_id,conductor,category,profile,bootcamp_day,note\n111,,,tls_webinar_attended_adr,,n\n"
    )
    shipped(night).attendee_report("a", START, NOBODY, topic="Plutus", profile="tls_webinar_attended_ip")
    row = described(night)
    assert (row["profile"], row["registered_profile"], row["profile_source"], row["category"]) == (
        *("tls_webinar_attended_adr", "tls_webinar_registered_adr"),
        *("override", "ADR"),
    )


def test_a_seventeenth_profile_is_a_seventeenth_line(night) -> None:
    shipped(night, "town_hall,All,Town hall,webinar_attended,town_hall,town_hall.csv,fixed,Staff,Other,*town hall*\n")
    night.attendee_report("a", START, NOBODY, topic="Our town hall in April")
    row = described(night)
    assert (row["profile"], row["product"], row["category"], row["source_tag"]) == (
        "town_hall",
        "All",
        "Staff",
        "Other",
    )


HEADER = SHIPPED.splitlines()[0]


@pytest.mark.parametrize(
    ("lines", "topic", "source"),
    [
        pytest.param(
            ["a,A,x,webinar_attended,,,auto,,Webinar,*gst*", "b,B,y,webinar_attended,,,auto,,Webinar,*GST*"],
            *("GST evening", "topic_tie"),
            id="the_same_pattern",
        ),
        pytest.param(
            [
                "a,A,x,webinar_attended,,,auto,,Webinar,*tax*",
                "b,B,y,webinar_attended,,,auto,,Webinar,*tax for founders*",
            ],
            *("Tax for founders", "topic_tie"),
            id="a_narrower_one_further_down",
        ),
        pytest.param(
            [
                "b,B,y,webinar_attended,,,auto,,Webinar,*tax for founders*",
                "a,A,x,webinar_attended,,,auto,,Webinar,*tax*",
            ],
            *("Tax for founders", "topic"),
            id="a_broader_one_further_down_is_none",
        ),
        pytest.param(
            [
                "a,A,x,webinar_attended,,,auto,,Bootcamp,*tax*",
                "b,B,y,webinar_attended,,,auto,,Webinar,*tax for founders*",
            ],
            *("Tax for founders", "topic"),
            id="a_webinar_s_below_a_bootcamp_s_is_none",
        ),
    ],
)
def test_two_profiles_that_fit_a_topic_as_well_are_told(night, lines, topic, source) -> None:
    night.config["zoom_profiles"] = "\n".join([HEADER, *lines])
    night.attendee_report("a", START, NOBODY, topic=topic)
    assert described(night)["profile_source"] == source


def test_a_profile_for_registrations_alone_describes_an_event_that_has_no_other(night) -> None:
    shipped(night, "fair_list,All,Fair,registration,fair,fair.csv,fixed,Fair,Other,*fair*\n")
    night.registration_report("r", START, NOBODY, topic="Career fair")
    assert profiles_of(night) == ("fair_list", "fair_list")
    night.attendee_report("a", START, NOBODY, topic="Career fair")
    assert any("no profile fits its attendee report" in note for note in night.run()["zoom_occurrences"].notes)
