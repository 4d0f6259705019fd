import pandas as pd
import pytest

pytestmark = pytest.mark.slow

START = "2026-04-01 14:38"
EARLY, LATE = {"generated_at": "2026-04-04 09:00"}, {"generated_at": "2026-04-05 09:00"}


def asha(**cells):
    came = {"attended": True, "joined_at": "2026-04-01 14:40:00", "left_at": "2026-04-01 15:10:00", "minutes": 30}
    return {"user_name": "Asha Rao", "first_name": "Asha", "email": "asha@example.com"} | came | cells


def no_show(**cells):
    return asha(attended=False, joined_at=None, left_at=None, minutes=None, **cells)


BINU = {"user_name": "Binu", "email": "binu@example.com", "attended": True, "minutes": 5}


def told(night) -> list[tuple[str, str, str]]:
    rows = night.run()["zoom_contradictions"].rows
    return list(rows[["column_name", "earlier_value", "later_value"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("early", "late", "expected"),
    [
        ([asha()], [no_show()], [("attended", "Yes", "No")]),
        ([asha()], [asha(minutes=12)], [("minutes", "30", "12")]),
        ([asha(), asha(minutes=10)], [asha(), asha(minutes=9)], [("minutes", "40", "39")]),
        ([asha(phone="9876500001")], [asha(phone="+91 98765 00002")], [("phone", "9876500001", "9876500002")]),
        (
            [asha(phone="9876500001")],
            [asha(phone="9876500001", email="rao@example.com")],
            [("email", "asha@example.com", "rao@example.com")],
        ),
        ([asha()], [asha(first_name="Usha")], [("first_name", "Asha", "Usha")]),
        (
            [asha()],
            [asha(joined_at="2026-04-01 14:50:00", left_at="2026-04-01 15:20:00")],
            [("joined_at", "2026-04-01 14:40:00", "2026-04-01 14:50:00")],
        ),
        (
            [asha(registered_at="2026-03-01 10:00:00")],
            [asha(registered_at="2026-03-02 10:00:00")],
            [("registered_at", "2026-03-01 10:00:00", "2026-03-02 10:00:00")],
        ),
    ],
    ids=["yes to no", "fewer minutes", "fewer in sum", "phone", "e-mail", "name", "later join", "registration time"],
)
def test_what_a_later_report_takes_back_or_says_otherwise_is_listed(night, early, late, expected) -> None:
    night.attendee_report("late", START, *late, BINU, **LATE)
    night.attendee_report("early", START, *early, BINU, **EARLY)
    assert told(night) == expected
    row = night.run()["zoom_contradictions"].rows.iloc[0]
    assert row[["earlier_file_id", "earlier_source_row", "later_file_id", "later_source_row"]].tolist() == [
        *("early", 6, "late", 6)
    ]


@pytest.mark.parametrize(
    ("early", "late"),
    [
        ([no_show()], [asha()]),
        ([asha()], [asha(), asha(joined_at="2026-04-01 15:20:00", left_at="2026-04-01 15:40:00", minutes=20)]),
        ([asha(phone="9876500001")], [asha()]),
        ([asha()], [asha(phone="9876500001")]),
        ([asha(phone="9876500001")], [asha(phone="+91-98765 00001", first_name=" ASHA ", email="Asha@Example.com")]),
        ([asha(phone="9876500001")], [asha(phone="9.8765E+09")]),
        ([asha(registered_at="2026-03-01 10:00:00")], [asha(registered_at="2026-03-01 10:00:59")]),
        ([asha(joined_at="2026-04-01 14:40:00")], [asha(joined_at="2026-04-01 14:40:30")]),
        ([asha(approval_status="pending")], [asha(approval_status="approved")]),
        ([asha(), BINU], [BINU]),
        ([asha()], [asha(attended=None)]),
    ],
    ids=[
        *("no to yes", "stayed longer", "phone left out", "phone added", "other spelling", "phone lost in Excel"),
        *("registered seconds apart", "joined seconds apart", "status moved on", "person left out", "blank"),
    ],
)
def test_what_only_grows_or_is_left_out_or_is_spelt_otherwise_is_no_contradiction(night, early, late) -> None:
    new = {"user_name": "New", "email": "new@example.com", "attended": True}
    night.attendee_report("early", START, *early, **EARLY)
    night.attendee_report("late", START, *late, new, **LATE)
    assert told(night) == []


def test_the_later_generated_wins_and_the_person_of_another_phone_is_one(night) -> None:
    night.attendee_report("late", START, no_show(phone="9876500002"), BINU, **LATE)
    night.attendee_report("early", START, asha(phone="9876500001"), BINU | {"minutes": 4}, **EARLY)
    out = night.run()
    people = out["zoom_attendance"].rows.set_index("email")
    assert people.index.tolist() == ["asha@example.com", "binu@example.com"]
    assert people.loc["asha@example.com", ["attended", "person_key"]].tolist() == [False, "9876500002"]
    assert out["zoom_contradictions"].rows["person_key"].unique().tolist() == ["9876500002"]


def test_people_who_share_an_e_mail_in_one_report_stay_people_of_their_own(night) -> None:
    family = [asha(phone="9876500001"), asha(phone="9876500002", first_name="Binu")]
    night.attendee_report("early", START, *family, **EARLY)
    night.attendee_report("late", START, asha(phone="9876500002", first_name="Binu", minutes=31), BINU, **LATE)
    people = night.run()["zoom_attendance"].rows.set_index("person_key")["minutes_max"].to_dict()
    assert people == {"9876500001": 30, "9876500002": 31, "email:binu@example.com": 5}
    assert told(night) == []


@pytest.mark.parametrize(("seconds", "count"), [("01", 0), ("59", 0)], ids=["a second apart", "rounded down"])
def test_an_attendee_and_a_registration_report_round_one_instant_differently(night, seconds, count) -> None:
    night.attendee_report("a", START, asha(registered_at="2026-03-01 10:00:00"), **EARLY)
    registered = {"first_name": "Asha", "email": "asha@example.com", "registered_at": f"2026-03-01 10:00:{seconds}"}
    night.registration_report("r", START, registered, **LATE)
    assert len(told(night)) == count


def test_a_registration_report_with_another_phone_contradicts_the_attendee_report(night) -> None:
    night.attendee_report("a", START, asha(phone="9876500001"), **EARLY)
    night.registration_report("r", START, {"email": "asha@example.com", "phone": "9876500002"}, **LATE)
    assert told(night) == [("phone", "9876500001", "9876500002")]
    assert night.run()["zoom_contradictions"].rows["person_key"].tolist() == ["9876500001"]


def test_reports_of_which_nothing_is_used_contradict_nothing(night) -> None:
    night.attendee_report("whole", START, asha(), asha(minutes=20), BINU, **EARLY)
    night.attendee_report("part", START, asha(), BINU, **LATE)
    assert told(night) == []


def test_staff_and_bots_contradict_nothing(night) -> None:
    night.config["bot_names"] = "pattern,note\n*notetaker*,\n"
    for name, facts, minutes in (("early", EARLY, 30), ("late", LATE, 20)):
        panelist = asha(section="panelist", minutes=minutes)
        night.attendee_report(name, START, panelist, BINU | {"user_name": "A notetaker", "minutes": minutes}, **facts)
    assert told(night) == []


def test_each_report_is_held_against_the_one_before_that_speaks_of_the_person(night) -> None:
    night.attendee_report("1", START, asha(minutes=30), generated_at="2026-04-04 09:00")
    night.attendee_report("2", START, BINU, generated_at="2026-04-05 09:00")
    night.attendee_report("3", START, asha(minutes=20), generated_at="2026-04-06 09:00")
    night.attendee_report("4", START, asha(minutes=10), generated_at="2026-04-07 09:00")
    rows = night.run()["zoom_contradictions"].rows
    pairs = rows[["earlier_file_id", "later_file_id"]].to_numpy().tolist()
    assert pairs == [["1", "3"], ["3", "4"]]
    assert isinstance(rows["later_source_row"].dtype, pd.Int64Dtype)
