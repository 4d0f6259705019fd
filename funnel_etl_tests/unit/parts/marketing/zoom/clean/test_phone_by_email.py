"""Attendees without a phone in Zoom, as reports of 2026 have them all: the campaign leads lend theirs by e-mail.

The incident: 20 people who attended, each with the e-mail of a lead whose phone is known, were not_found in all of M0.
"""

import json

import pytest

from funnel_etl.parts.marketing.contracts import TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.people import lent_by_leads

START = "2026-04-01 14:38"
P, Q = "9876512345", "9123456789"


def asha(**cells):
    times = {"joined_at": "2026-04-01 15:00", "left_at": "2026-04-01 15:30", "minutes": 30}
    return {"attended": True, "user_name": "Asha", "email": "Asha@Example.com"} | times | cells


def of(outcome, *columns):
    return [tuple(row[name] for name in columns) for row in outcome.rows.to_dict("records")]


def balances(outcome):
    return all(line.balances for line in outcome.ledger)


def test_an_attendee_without_a_phone_has_that_of_the_lead_with_the_same_e_mail(night) -> None:
    night.attendee_report("a", START, asha())
    night.lead("asha@example.com", "+91 98765-12345")
    out = night.run()
    [row] = out["zoom_attendance"].rows.to_dict("records")
    assert (row["phone"], row["phone_source"], row["person_key"]) == (P, "lead", P)
    assert (row["phone_raw"], row["phone_class"], row["user_id"]) == ("+91 98765-12345", "in_mobile", "91" + P)
    assert json.loads(row["decided_by"])["phone"] == "lead"
    assert out["zoom_segments"].rows["person_key"].tolist() == [P]


@pytest.mark.parametrize(
    ("attendee", "registrant", "expected"),
    [
        pytest.param(asha(phone=Q), {}, (Q, "row"), id="its_own"),
        pytest.param(asha(phone="98765"), {}, (P, "lead"), id="what_is_no_phone_is_none"),
        pytest.param(asha(), {"email": "asha@example.com", "phone": Q}, (Q, "registration"), id="the_registration_s"),
        pytest.param(asha(), {"email": "asha@example.com"}, (P, "lead"), id="a_registration_without_one_has_none"),
        pytest.param(asha(email="other@example.com"), {}, (None, None), id="another_e_mail_lends_nothing"),
        pytest.param(asha(email=None), {}, (None, None), id="nobody_s_e_mail_lends_nothing"),
    ],
)
def test_what_zoom_itself_says_goes_first(night, attendee, registrant, expected) -> None:
    night.attendee_report("a", START, attendee)
    if registrant:
        night.registration_report("r", START, registrant)
    night.lead("asha@example.com", P)
    [(phone, source)] = of(night.run()["zoom_attendance"], "phone", "phone_source")
    assert (phone if isinstance(phone, str) else None, source if isinstance(source, str) else None) == expected


def test_the_phone_of_another_occurrence_is_never_lent(night) -> None:
    night.attendee_report("a", START, asha(phone=P))
    night.attendee_report("b", "2026-04-08 14:38", asha())
    assert night.run()["zoom_attendance"].rows["phone"].notna().tolist() == [True, False]


def test_of_two_leads_of_one_minute_the_one_on_the_earlier_page_lends(table_of) -> None:
    leads = table_of(
        TOFU_LEADS,
        "email,phone,phone_raw,created_at,file_id,source_row\n"
        f"a@x.in,{P},first,2026-03-01 10:00,page_z,3\na@x.in,{P},second,2026-03-01 10:00,page_a,2\n",
    )
    assert lent_by_leads(leads)["phone_raw"].tolist() == ["first"]


@pytest.mark.parametrize(
    ("leads", "lent"),
    [
        pytest.param(
            [("asha@example.com", P, "2026-03-01"), ("asha@example.com", "0" + P, "2027-01-01")], P, id="same"
        ),
        pytest.param([("asha@example.com", P, "2027-01-01")], P, id="a_lead_of_any_day"),
        pytest.param(
            [("asha@example.com", "NA", "2026-03-01"), ("asha@example.com", P, "2026-03-02")], P, id="one_valid"
        ),
        pytest.param(
            [("asha@example.com", P, "2026-03-01"), ("asha@example.com", Q, "2026-03-02")], None, id="several"
        ),
        pytest.param([("asha@example.com", "NA", "2026-03-01")], None, id="none"),
        pytest.param([(None, P, "2026-03-01")], None, id="a_lead_without_an_e_mail"),
    ],
)
def test_an_e_mail_lends_the_one_phone_it_has_over_all_leads(night, leads, lent) -> None:
    night.attendee_report("a", START, asha())
    for lead in leads:
        night.lead(*lead)
    [(phone,)] = of(night.run()["zoom_attendance"], "phone")
    assert (phone if isinstance(phone, str) else None) == lent


def test_people_whose_e_mail_has_several_phones_are_counted(night) -> None:
    night.attendee_report("a", START, asha(), asha(user_name="Binu", email="b@example.com"))
    for phone in (P, Q):
        night.lead("asha@example.com", phone)
    outcome = night.run()["zoom_attendance"]
    assert outcome.notes == ["1 people have no phone: the campaign leads have several under their e-mail"]
    [asha_s, binu_s] = [json.loads(text)["phone"] for text in outcome.rows["decided_by"]]
    assert (asha_s, binu_s) == ("none: several among the leads of this e-mail", "none: blank")


def test_two_addresses_of_one_lead_are_one_person_once(night) -> None:
    night.attendee_report("a", START, asha(), asha(email="asha@work.example"), asha(email="c@example.com", phone=P))
    night.lead("asha@example.com", P)
    night.lead("asha@work.example", P)
    out = night.run()
    assert of(out["zoom_attendance"], "person_key", "phone_source", "minutes_sum") == [(P, "row", 90)]
    assert len(out["zoom_attendance"].merged) == 2
    assert all(balances(out[name]) for name in ("zoom_attendance", "zoom_registrations", "zoom_segments"))


def test_a_person_has_one_key_as_registrant_and_attendee(night) -> None:
    night.attendee_report("a", START, asha())
    night.registration_report("r", START, {"email": "asha@example.com", "registered_at": "2026-03-20 10:00"})
    night.attendee_report("b", "2026-04-08 14:38", asha(registered_at="2026-04-02 10:00"))
    night.lead("asha@example.com", P)
    out = night.run()
    assert of(out["zoom_registrations"], "person_key", "phone_source") == [(P, "lead")] * 2
    assert of(out["zoom_attendance"], "person_key") == [(P,)] * 2


def test_two_reports_of_which_one_has_phones_know_the_same_person(night) -> None:
    night.attendee_report("a", START, asha(phone=P), generated_at="2026-04-02 10:00")
    night.attendee_report("b", START, asha(email="asha@work.example"), generated_at="2026-04-03 10:00")
    night.lead("asha@work.example", P)
    out = night.run()
    assert of(out["zoom_attendance"], "person_key", "file_id") == [(P, "b")]
    assert "phone" not in out["zoom_contradictions"].rows["column_name"].tolist()


def test_it_can_be_switched_off_in_metrics_csv(night) -> None:
    night.config["metrics"] = "name,value\nphone_by_email,No\n"
    night.attendee_report("a", START, asha())
    night.lead("asha@example.com", P)
    assert of(night.run()["zoom_attendance"], "person_key") == [("email:asha@example.com",)]
