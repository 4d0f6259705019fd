import pandas as pd
import pytest

START = "2026-04-01 14:38"


def asha(**cells):
    default = {"first_name": "asha", "last_name": "rao", "email": "asha@example.com"}
    return default | {"registered_at": "2026-03-25 06:00:00", "approval_status": "approved"} | cells


def only(outcome):
    [row] = outcome.rows.to_dict("records")
    return row


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([("2026-03-26", "approved"), ("2026-03-25", "approved")], 7),
        ([("2026-03-25", "denied"), ("2026-03-27", "Approved"), ("2026-03-26", "approved")], 8),
        ([("2026-03-26", "denied"), ("2026-03-25", "cancelled by self")], 7),
        ([(None, "approved"), ("2026-03-25", "approved")], 7),
        ([("2026-03-25", "approved"), ("2026-03-25", "approved")], 6),
    ],
    ids=["earliest approved", "approved before denied", "earliest of any", "a time before none", "first of the report"],
)
def test_of_several_registrations_the_earliest_approved_stays_else_the_earliest(night, rows, line) -> None:
    night.registration_report("r", START, *(asha(registered_at=at, approval_status=status) for at, status in rows))
    out = night.run()
    row = only(out["zoom_registrations"])
    assert row["source_row"] == line
    assert row["approval_status"].lower() == rows[line - 6][1].lower()
    assert out["zoom_registrations"].ledger[0].reasons == {"merged:registered_again": len(rows) - 1}
    assert set(out["zoom_registrations"].merged["into_source_row"]) == {line}


def test_where_no_registration_report_has_come_registrations_are_those_of_the_attendee_report(night) -> None:
    night.attendee_report(
        "a",
        START,
        asha(attended=True, phone="9876512345", joined_at=START, left_at="2026-04-01 15:00"),
        asha(
            attended=True,
            registered_at=None,
            approval_status=None,
            joined_at="2026-04-01 15:10",
            left_at="2026-04-01 15:20",
        ),
        asha(attended=False, email="binu@example.com"),
        {"section": "other", "user_name": "Caller", "attended": True},
        {"section": "host", "user_name": "Host", "attended": True},
    )
    out = night.run()
    rows = out["zoom_registrations"].rows
    assert rows["person_key"].tolist() == ["9876512345", "email:binu@example.com"]
    assert rows["registration_from"].unique().tolist() == ["attendee_report"]
    assert rows["approval_status"].tolist() == ["approved", "approved"]
    assert out["zoom_registrations"].ledger[1].reasons == {
        "excluded:host": 1,
        "excluded:not_registered": 1,
        "merged:registered_again": 1,
    }
    assert out["webinars"].rows[["registered_count", "attended_count"]].to_numpy().tolist() == [[2, 2]]


def test_a_registration_report_takes_the_place_of_derived_registrations(night) -> None:
    night.attendee_report("a", START, asha(attended=True), asha(attended=True, email="walkin@example.com"))
    night.registration_report("r", "2026-04-01 15:00", asha(phone="9876512345"))
    out = night.run()
    row = only(out["zoom_registrations"])
    assert (row["file_id"], row["registration_from"], row["phone"]) == ("r", "registration_report", "9876512345")
    assert row["occurrence_id"] == "111-20260401T1438"
    assert out["zoom_registrations"].ledger[1].reasons == {"excluded:registration_report_came": 2}
    webinar = only(out["webinars"])
    assert webinar["has_registration_report"] is True
    assert webinar["has_attendee_report"] is True


def test_a_registration_has_the_phone_its_e_mail_has_elsewhere_in_the_report(night) -> None:
    night.registration_report("r", START, asha(phone=None), asha(phone="9876512345", registered_at="2026-03-26"))
    row = only(night.run()["zoom_registrations"])
    assert (row["person_key"], row["source_row"], row["phone_class"]) == ("9876512345", 6, "in_mobile")


def test_the_day_of_a_registration_is_the_business_day_in_the_zone(night) -> None:
    night.registration_report("r", START, asha(registered_at="2026-03-26 00:10"))
    row = only(night.run()["zoom_registrations"])
    assert row["registered_date"] == pd.Timestamp("2026-03-26")
    assert (row["source_tag"], row["funnel"], row["first_name"]) == ("Webinar", "Webinar", "Asha")


def test_a_broken_registrant_row_is_quarantined_and_lends_no_phone(night) -> None:
    night.registration_report("r", START, asha(), asha(phone="9876512345", row_problem="too_many_fields"))
    out = night.run()
    assert pd.isna(only(out["zoom_registrations"])["phone"])
    assert out["zoom_registrations"].quarantine["reason"].tolist() == ["too_many_fields"]


def test_a_test_lead_that_a_form_sent_on_to_zoom_is_nobody(night) -> None:
    night.registration_report("r", START, asha(), asha(first_name="Meta", email="test@meta.com", is_test_lead=True))
    out = night.run()
    assert only(out["zoom_registrations"])["email"] == "asha@example.com"
    assert out["zoom_registrations"].ledger[0].reasons == {"excluded:test_lead": 1}
