import json

import pandas as pd
import pytest

START = "2026-04-01 14:38"
BOTS = "pattern,note\n*otter.ai*,\nread (bot)*,\n,a blank pattern\n"


def at(clock: str) -> str:
    return f"2026-04-01 {clock}"


def asha(joined: str | None = "15:00:00", left: str | None = "15:30:00", minutes: int | None = 30, **cells):
    times = {"joined_at": joined and at(joined), "left_at": left and at(left), "minutes": minutes}
    return {"attended": True, "user_name": "asha rao", "email": "Asha@Example.com "} | times | cells


def no_show(name: str = "binu", **cells):
    return {"attended": False, "user_name": name, "email": f"{name}@example.com", "approval_status": "approved"} | cells


def only(outcome):
    [row] = outcome.rows.to_dict("records")
    return row


def test_two_devices_at_once_are_one_time_present(night) -> None:
    night.attendee_report(
        "a",
        START,
        asha("15:00:00", "15:30:00", 30, phone="9876512345", registered_at="2026-03-25 06:25:15"),
        asha("15:10:00", "15:20:30", 11),
        asha("15:25:00", "15:40:00", 15),
        asha("16:00:00", "16:00:20", 1),
    )
    out = night.run()
    row = only(out["zoom_attendance"])
    assert (row["minutes_max"], row["minutes_sum"], row["minutes_union"], row["segment_count"]) == (30, 57, 41, 4)
    assert row["joined_at"] == pd.Timestamp("2026-04-01 15:00", tz="Asia/Kolkata")
    assert row["left_at"] == pd.Timestamp("2026-04-01 16:00:20", tz="Asia/Kolkata")
    assert (row["person_key"], row["user_name"], row["email"]) == ("9876512345", "Asha Rao", "asha@example.com")
    assert (row["file_id"], row["source_row"]) == ("a", 6)
    assert out["zoom_segments"].rows["person_key"].tolist() == ["9876512345"] * 4
    assert out["zoom_segments"].rows["minutes"].tolist() == [30, 11, 15, 1]
    assert out["zoom_attendance"].merged["into_source_row"].tolist() == [6, 6, 6]


def test_an_interval_within_a_longer_one_does_not_end_it(night) -> None:
    night.attendee_report(
        "a", START, asha("15:00:00", "16:00:00", 60), asha("15:10:00", "15:20:00", 10), asha("15:30:00", "15:50:00", 20)
    )
    assert only(night.run()["zoom_attendance"])["minutes_union"] == 60


def test_people_in_the_same_minutes_do_not_share_their_time(night) -> None:
    night.attendee_report("a", START, asha(), asha(user_name="Chitra", email="chitra@example.com"))
    assert night.run()["zoom_attendance"].rows["minutes_union"].tolist() == [30, 30]


def test_a_no_show_has_no_minutes_and_no_segments(night) -> None:
    night.attendee_report("a", START, no_show())
    out = night.run()
    row = only(out["zoom_attendance"])
    assert row["attended"] is False
    assert (row["minutes_max"], row["minutes_sum"], row["minutes_union"], row["segment_count"]) == (0, 0, 0, 0)
    assert pd.isna(row["joined_at"])
    assert pd.isna(row["attended_date"])
    assert out["zoom_segments"].ledger[0].reasons == {"excluded:no_show": 1}
    assert out["webinars"].rows[["registered_count", "attended_count"]].to_numpy().tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("cells", "minutes", "joined"),
    [
        (asha(None, None, None), (None, None), None),
        (asha(None, None, 12), (12, 12), None),
        (asha("15:00:00", None, 12), (12, 12), at("15:00:00")),
        (asha("15:30:00", "15:00:00", 30), (30, 30), None),
        (asha("15:30:00", "15:00:00", -30), (None, None), None),
    ],
    ids=["no times", "minutes only", "no leave", "inverted", "inverted and negative"],
)
def test_who_attended_at_unusable_times_has_unknown_minutes(night, cells, minutes, joined) -> None:
    night.attendee_report("a", START, cells)
    out = night.run()
    row = only(out["zoom_attendance"])
    assert row["attended"] is True
    assert pd.isna(row["minutes_union"])
    assert row["segment_count"] == 0
    assert tuple(None if pd.isna(row[name]) else row[name] for name in ("minutes_max", "minutes_sum")) == minutes
    assert (row["joined_at"] == pd.Timestamp(joined, tz="Asia/Kolkata")) if joined else pd.isna(row["joined_at"])
    assert out["zoom_segments"].ledger[0].reasons == {"excluded:unusable_times": 1}


def test_who_has_one_usable_and_one_unusable_row_has_the_minutes_of_the_usable(night) -> None:
    night.attendee_report("a", START, asha(), asha("16:30:00", "16:00:00", 30))
    assert only(night.run()["zoom_attendance"])["minutes_union"] == 30


def test_a_row_that_does_not_say_whether_it_attended_did_if_it_joined(night) -> None:
    night.attendee_report("a", START, asha(attended=None), no_show(attended=None))
    people = night.run()["zoom_attendance"].rows.set_index("email")["attended"]
    assert people.to_dict() == {"asha@example.com": True, "binu@example.com": False}


def test_zero_length_presence_is_zero_minutes_not_unknown(night) -> None:
    night.attendee_report("a", START, asha("15:00:00", "15:00:00", 0))
    row = only(night.run()["zoom_attendance"])
    assert (row["minutes_union"], row["segment_count"]) == (0, 1)


def test_cells_are_the_first_that_are_there_in_report_order(night) -> None:
    night.attendee_report(
        "a",
        START,
        asha(country=None, is_guest=None, approval_status="approved", first_name="asha"),
        asha(country="India", is_guest=True, first_name="Other", registered_at="2026-03-25 06:25:15", source_name="Ad"),
        asha(country="Nepal", is_guest=False, source_name="Mail"),
    )
    row = only(night.run()["zoom_attendance"])
    found = [row[c] for c in ("country", "is_guest", "approval_status", "first_name", "registration_source")]
    assert found == ["India", True, "approved", "Asha", "Ad"]
    assert row["registered_at"] == pd.Timestamp("2026-03-25 06:25:15", tz="Asia/Kolkata")


def test_hosts_panelists_staff_and_bots_are_excluded_by_name(night) -> None:
    night.config["bot_names"] = BOTS.replace(",a blank pattern\n", "")
    night.attendee_report(
        "a",
        START,
        {"section": "host", "user_name": "Host", "email": "host@example.com", "attended": True},
        {"section": "panelist", "user_name": "Panel", "email": "Panel@example.com", "attended": True},
        asha(),
        asha(email=" PANEL@example.com"),
        asha(user_name="asha's OTTER.AI notetaker", email="bot@example.com"),
        asha(user_name="Read (Bot) 7", email="bot2@example.com"),
        asha(user_name="I read (bot) mail", email="person@example.com"),
    )
    out = night.run()
    assert sorted(out["zoom_attendance"].rows["email"]) == ["asha@example.com", "person@example.com"]
    expected = {"excluded:bot": 2, "excluded:host": 1, "excluded:panelist": 1, "excluded:staff": 1}
    for name in ("zoom_attendance", "zoom_segments"):
        assert out[name].ledger[0].reasons == expected
    assert out["webinars"].rows[["registered_count", "attended_count"]].to_numpy().tolist() == [[0, 2]]


def test_a_panelist_of_another_report_is_no_staff_here(night) -> None:
    night.attendee_report(
        "a", START, {"section": "panelist", "email": "asha@example.com", "user_name": "x", "attended": True}
    )
    night.attendee_report("b", "2026-04-08 14:38", asha())
    assert night.run()["zoom_attendance"].rows["file_id"].tolist() == ["b"]


def test_a_blank_bot_pattern_matches_nobody() -> None:
    from funnel_etl.parts.marketing.zoom.clean.attendee_rows import _bots  # noqa: PLC0415

    names = pd.Series(["Asha", "My otter.ai"], dtype="str")
    patterns = pd.DataFrame({"pattern": ["", "*otter.ai*"]}, dtype="str")
    assert _bots(names, patterns).fillna("-").tolist() == ["-", "bot"]


def test_the_phone_of_an_attendee_is_the_rows_own_then_the_reports_then_the_registrations(night) -> None:
    def who(name: str, phone: str | None = None, **cells):
        return asha(user_name=name, email=f"{name}@example.com", phone=phone, **cells)

    night.attendee_report(
        "a",
        START,
        who("own", "9876500001"),
        who("later", None),
        who("later", "+91 98765 00002"),
        who("invalid", "NA"),
        who("regonly"),
        who("nowhere", "12345"),
        who("nowhere"),
    )
    night.registration_report(
        "r", START, who("own", "9876500009"), who("regonly", "9876500003"), who("invalid", "9876500004")
    )
    night.registration_report("elsewhere", "2026-06-01 10:00", who("nowhere", "9876500005"))
    people = night.run()["zoom_attendance"].rows.set_index("email")
    people.index = people.index.str.replace("@example.com", "")
    assert people["phone"].fillna("-").to_dict() == {
        "own": "9876500001",
        "later": "9876500002",
        "invalid": "9876500004",
        "regonly": "9876500003",
        "nowhere": "-",
    }
    sources = people["phone_source"].fillna("-").to_dict()
    assert sources == {
        "own": "row",
        "later": "row",
        "invalid": "registration",
        "regonly": "registration",
        "nowhere": "-",
    }
    assert people["phone_class"].tolist().count("in_mobile") == 4
    assert people.loc["nowhere", ["phone_class", "phone_raw", "person_key"]].tolist() == [
        *("invalid", "12345", "email:nowhere@example.com")
    ]
    assert people.loc["later", ["phone_raw", "user_id", "segment_count"]].tolist() == [
        "+91 98765 00002",
        "919876500002",
        2,
    ]


def test_a_re_join_row_without_a_phone_belongs_to_the_person_of_its_e_mail(night) -> None:
    night.attendee_report(
        "a", START, asha(phone="9876512345"), asha("16:00:00", "16:10:00", 10), asha(email=None, phone="09876512345")
    )
    row = only(night.run()["zoom_attendance"])
    assert (row["person_key"], row["segment_count"]) == ("9876512345", 3)


def test_rows_without_phone_and_e_mail_are_each_a_person(night) -> None:
    caller = asha(email=None, user_name="Caller", section="other", attended=True)
    night.attendee_report("a", START, caller, caller)
    assert night.run()["zoom_attendance"].rows["person_key"].tolist() == ["row:a:6", "row:a:7"]


def test_a_broken_row_is_quarantined_once_and_excluded_from_the_other_tables(night) -> None:
    night.attendee_report("a", START, asha(), asha(email="x@example.com", row_problem="too_few_fields"))
    out = night.run()
    assert out["zoom_attendance"].quarantine[["source_row", "reason"]].to_numpy().tolist() == [[7, "too_few_fields"]]
    for name in ("zoom_segments", "zoom_registrations"):
        assert out[name].quarantine.empty
        assert out[name].ledger[-1].reasons["excluded:quarantined_in_zoom_attendance"] == 1


def test_unreadable_cells_are_counted(night) -> None:
    night.attendee_report("a", START, asha(email="no address", cell_warnings=2), asha("15:30:00", "15:00:00", 30))
    [line] = night.run()["zoom_attendance"].ledger
    assert line.cell_warnings == 4
    assert line.reasons == {"cell_warning:email": 1, "cell_warning:left_at": 1, "cell_warning:zoom_cell": 2}


def test_nothing_at_all_gives_empty_tables(night) -> None:
    assert all(len(outcome.rows) == 0 for outcome in night.run().values())


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            [asha(phone="9876512345"), asha("16:00:00", "16:10:00", 10)],
            {"person": "phone", "phone": "row", "presence": "report says yes", "minutes": "union of 2 intervals"},
        ),
        (
            [asha()],
            {"person": "email", "phone": "none: blank", "presence": "report says yes", "minutes": "one interval"},
        ),
        (
            [asha(phone="NA", attended=None, left=None)],
            {"phone": "none: invalid", "presence": "join time", "minutes": "no usable times"},
        ),
        ([asha(None, None, None, attended=False)], {"presence": "report says no", "minutes": "no-show"}),
        ([asha(None, None, None, attended=None)], {"presence": "no join time", "minutes": "no-show"}),
        ([asha(email=None, section="other")], {"person": "row", "presence": "other attended"}),
    ],
    ids=["two rows", "e-mail", "joined", "no-show", "says nothing", "dial-in"],
)
def test_a_row_tells_how_it_was_decided_and_nothing_of_the_person(night, cells, expected) -> None:
    night.attendee_report("a", START, *cells)
    text = only(night.run()["zoom_attendance"])["decided_by"]
    told = json.loads(text)
    assert told.items() >= expected.items()
    assert told["rows"] == len(cells)
    assert not [word for word in ("asha", "98765", "example", "rao") if word in text.lower()]


def test_a_row_tells_how_its_event_was_decided(night) -> None:
    night.config |= {
        "category_tokens": "token,category\ncma,CMA\ncpa,CPA\n",
        "conductors": "name,conductor\nMeera,Meera Quillon\n",
    }
    host = {"section": "host", "user_name": "Meera", "attended": True}
    night.attendee_report("a", "2026-04-04 10:00", host, asha(), topic="CMA or CPA bootcamp")
    told = json.loads(only(night.run()["zoom_attendance"])["decided_by"])
    assert {name: told.get(name) for name in ("profile", "category", "conductor", "day")} == {
        "profile": None,
        "category": "topic_tie",
        "conductor": "host",
        "day": "weekday",
    }
