import itertools

import pandas as pd
import pytest

START = "2026-04-01 14:38"


def person(name: str, **cells):
    default = {"user_name": name, "email": f"{name}@example.com", "attended": True, "approval_status": "approved"}
    times = {"joined_at": "2026-04-01 14:40:00", "left_at": "2026-04-01 15:10:00", "minutes": 30}
    return default | times | cells


def standing(out) -> dict[str, tuple[str, object]]:
    rows = out["zoom_reports"].rows
    return {
        row["file_id"]: (row["status"], None if pd.isna(row["superseded_by"]) else row["superseded_by"])
        for row in rows.to_dict("records")
    }


def emails(out, table: str) -> list[str]:
    return sorted(out[table].rows["email"])


def test_an_occurrence_is_named_by_webinar_id_and_start_in_the_zone_of_the_account(night) -> None:
    night.attendee_report("a", "2026-04-01 00:10")
    assert night.run()["zoom_reports"].rows["occurrence_id"].tolist() == ["111-20260401T0010"]


@pytest.mark.parametrize(
    ("scheduled", "occurrence"),
    [
        ("2026-04-01 15:00", "111-20260401T1438"),
        ("2026-04-03 02:38", "111-20260401T1438"),
        ("2026-04-03 02:39", "111-20260403T0239"),
        ("2026-04-08 15:00", "111-20260408T1502"),
        ("2026-04-06 14:00", "111-20260406T1400"),
    ],
    ids=["22 minutes", "36 hours", "a minute more", "the nearest of two", "between two, near none"],
)
def test_a_registration_report_belongs_to_the_nearest_actual_start_within_36_hours(
    night, scheduled, occurrence
) -> None:
    night.attendee_report("a", START)
    night.attendee_report("b", "2026-04-08 15:02")
    night.attendee_report("c", "2026-04-01 15:00", webinar_id="222")
    night.registration_report("r", scheduled)
    rows = night.run()["zoom_reports"].rows
    assert rows.set_index("file_id").loc["r", "occurrence_id"] == occurrence


def test_the_latest_generated_report_is_in_force_and_people_only_in_the_earlier_one_stay(night) -> None:
    night.attendee_report("late", START, person("asha", minutes=31), person("binu"), generated_at="2026-04-05 09:00")
    night.attendee_report("early", START, person("asha"), person("chitra"), generated_at="2026-04-04 09:00")
    out = night.run()
    assert standing(out) == {"late": ("in_force", None), "early": ("superseded", "late")}
    people = out["zoom_attendance"].rows.set_index("email")
    assert people["minutes_max"].to_dict() == {"asha@example.com": 31, "binu@example.com": 30, "chitra@example.com": 30}
    assert people["file_id"].to_dict() == {
        "asha@example.com": "late",
        "binu@example.com": "late",
        "chitra@example.com": "early",
    }
    [line] = out["zoom_attendance"].ledger
    assert line.reasons == {"excluded:superseded_report": 1}
    assert out["webinars"].rows["attended_count"].tolist() == [3]


def test_a_later_report_that_only_lacks_people_does_not_count(night) -> None:
    again = person("binu", joined_at="2026-04-01 15:20:00", left_at="2026-04-01 15:30:00", minutes=10)
    night.attendee_report("whole", START, person("asha"), person("binu"), again, generated_at="2026-04-04 09:00")
    night.attendee_report("part", START, person("asha"), person("binu"), generated_at="2026-04-05 09:00")
    out = night.run()
    assert standing(out) == {"whole": ("in_force", None), "part": ("subset", "whole")}
    assert out["zoom_attendance"].rows.set_index("email").loc["binu@example.com", "minutes_sum"] == 40
    [line] = out["zoom_attendance"].ledger
    assert line.reasons == {"excluded:subset_report": 2, "merged:same_person": 1}


def test_a_later_report_with_fewer_people_that_says_something_new_counts(night) -> None:
    night.registration_report("whole", START, person("asha"), person("binu"), generated_at="2026-04-04 09:00")
    denied = person("asha", approval_status="denied")
    night.registration_report("later", START, denied, generated_at="2026-04-05 09:00")
    out = night.run()
    assert standing(out) == {"whole": ("superseded", "later"), "later": ("in_force", None)}
    people = out["zoom_registrations"].rows.set_index("email")["approval_status"].to_dict()
    assert people == {"asha@example.com": "denied", "binu@example.com": "approved"}


def test_of_two_reports_of_one_minute_the_fuller_is_in_force(night) -> None:
    full = [person("asha"), person("binu", minutes=7), person("chitra")]
    night.attendee_report("full", START, *full, generated_at="2026-04-04 09:00:05")
    night.attendee_report("thin", START, person("binu"), person("dev"), generated_at="2026-04-04 09:00:55")
    out = night.run()
    assert standing(out) == {"full": ("in_force", None), "thin": ("superseded", "full")}
    assert out["zoom_attendance"].rows.set_index("email").loc["binu@example.com", "minutes_max"] == 7
    assert len(out["zoom_attendance"].rows) == 4


def test_a_report_that_says_the_same_again_is_a_duplicate(night) -> None:
    night.attendee_report("one", START, person("asha"), generated_at="2026-04-04 09:00")
    night.attendee_report("two", START, person("asha"), generated_at="2026-04-04 09:00")
    out = night.run()
    assert standing(out) == {"one": ("duplicate", "two"), "two": ("in_force", None)}
    [line] = out["zoom_attendance"].ledger
    assert line.reasons == {"excluded:duplicate_report": 1}


def test_a_dial_in_without_phone_and_e_mail_is_one_person_in_two_reports(night) -> None:
    caller = person("caller", email=None, section="other")
    night.attendee_report("early", START, person("asha"), caller, generated_at="2026-04-04 09:00")
    night.attendee_report("late", START, person("binu"), caller, generated_at="2026-04-05 09:00")
    assert sorted(night.run()["zoom_attendance"].rows["user_name"]) == ["Asha", "Binu", "Caller"]


def test_a_person_whose_phone_is_in_only_one_of_two_reports_is_one_person(night) -> None:
    night.attendee_report("early", START, person("asha", phone="9876512345"), generated_at="2026-04-04 09:00")
    night.attendee_report("late", START, person("asha", minutes=33), person("binu"), generated_at="2026-04-05 09:00")
    people = night.run()["zoom_attendance"].rows.set_index("email")
    assert people.loc["asha@example.com", ["person_key", "phone_source", "minutes_max"]].tolist() == [
        "9876512345",
        "report",
        33,
    ]
    assert len(people) == 2


def test_an_attendee_who_became_a_panelist_in_the_later_report_is_staff(night) -> None:
    night.attendee_report("early", START, person("asha"), person("binu"), generated_at="2026-04-04 09:00")
    panelist = person("asha", section="panelist")
    night.attendee_report("late", START, panelist, person("chitra"), generated_at="2026-04-05 09:00")
    assert emails(night.run(), "zoom_attendance") == ["binu@example.com", "chitra@example.com"]


def test_a_report_without_a_start_is_quarantined_and_its_rows_are_accounted(night) -> None:
    night.attendee_report("a", None, person("asha"))
    night.attendee_report("b", START, person("binu"))
    out = night.run()
    assert out["zoom_reports"].quarantine["reason"].tolist() == ["no_start"]
    assert out["zoom_attendance"].ledger[0].reasons == {"excluded:report_in_quarantine": 1}


def arrivals():
    """Four attendee reports and two registration reports that overlap in every way."""
    a, b, c, d = (person(name) for name in ("asha", "binu", "chitra", "dev"))
    caller = person("caller", email=None, section="other")
    return [
        ("attendee_report", "1", [a, b, caller], "2026-04-04 09:00"),
        ("attendee_report", "2", [b | {"minutes": 31}, c, caller], "2026-04-04 10:00"),
        ("attendee_report", "3", [b | {"minutes": 31}, c], "2026-04-04 11:00"),
        ("attendee_report", "4", [b | {"minutes": 31}, c, caller], "2026-04-04 10:00"),
        ("registration_report", "5", [a | {"phone": "9876512345"}, d], "2026-04-02 10:00"),
        ("registration_report", "6", [d | {"approval_status": "denied"}], "2026-04-03 10:00"),
    ]


def made_of(night, order) -> dict[str, pd.DataFrame]:
    night.reports, night.rows = [], {"attendee": [], "registration": []}
    for number, (kind, file_id, rows, generated_at) in enumerate(order):
        arrived = f"2026-04-06 {number:02}:00"
        getattr(night, kind)(file_id, START, *rows, generated_at=generated_at, received_at=arrived)
    out = night.run()
    tables = {name: outcome.rows for name, outcome in out.items()}
    tables["zoom_reports"] = (
        tables["zoom_reports"].drop(columns="received_at").sort_values("file_id", ignore_index=True)
    )
    tables["zoom_segments"] = tables["zoom_segments"].sort_values(["file_id", "source_row"], ignore_index=True)
    return tables


@pytest.mark.slow
def test_the_order_in_which_reports_arrive_changes_no_table(night) -> None:
    orders = list(itertools.permutations(arrivals()))
    expected = made_of(night, orders[0])
    assert expected["zoom_attendance"]["user_name"].tolist() != []
    assert expected["zoom_reports"]["status"].tolist() == [
        *("superseded", "duplicate", "subset", "in_force", "superseded", "in_force")
    ]
    for order in orders[1::71]:
        found = made_of(night, order)
        for name, table in expected.items():
            pd.testing.assert_frame_equal(found[name], table, obj=name)


def test_of_two_reports_of_one_minute_the_one_whose_phones_excel_broke_does_not_count_first(night) -> None:
    whole = [person("asha", phone="9876512345"), person("binu")]
    broken = [person("asha", phone="9.87651E+09"), person("binu")]
    night.attendee_report("a saved by Excel", START, *broken)
    night.attendee_report("z as downloaded", START, *whole)
    night.attendee_report("b saved by Excel", START, *broken)
    out = night.run()
    assert standing(out)["z as downloaded"] == ("in_force", None)
    people = out["zoom_attendance"].rows.set_index("email")
    assert people.loc["asha@example.com", ["phone", "phone_source", "file_id"]].tolist() == [
        *("9876512345", "row", "z as downloaded")
    ]


def test_a_report_in_other_spelling_says_the_same(night) -> None:
    night.attendee_report("early", START, person("asha", phone="9876512345"), generated_at="2026-04-04 09:00")
    respelt = person("ASHA ", phone="+91 98765-12345", email=" Asha@example.com")
    night.attendee_report("late", START, respelt, generated_at="2026-04-05 09:00")
    assert standing(night.run()) == {"early": ("duplicate", "late"), "late": ("in_force", None)}


def test_who_changed_the_phone_and_changed_it_back_has_that_of_the_latest_report(night) -> None:
    for number, phone in enumerate(["9876500001", "9876500002", "9876500001"], start=1):
        night.attendee_report(str(number), START, person("asha", phone=phone), generated_at=f"2026-04-0{number + 3}")
    out = night.run()
    assert standing(out) == {"1": ("duplicate", "3"), "2": ("superseded", "3"), "3": ("in_force", None)}
    assert out["zoom_attendance"].rows["person_key"].tolist() == ["9876500001"]


def test_reports_stand_in_the_order_of_their_content_not_of_their_arrival(night) -> None:
    for file_id in ("c", "a", "b"):
        night.attendee_report(file_id, f"2026-04-0{ord(file_id) - 96} 10:00")
    assert night.run()["zoom_reports"].rows["file_id"].tolist() == ["a", "b", "c"]
