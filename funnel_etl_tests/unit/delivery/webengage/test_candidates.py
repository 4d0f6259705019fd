"""Who could be sent what: every person of an occurrence is decided about once."""

import json
from typing import Any

import pytest

from funnel_etl.delivery.webengage.reasons import DELIVERY_REASONS
from funnel_etl_tests.deciding import (
    ASHA,
    ATTRIBUTES,
    ON,
    RULES,
    WEBINAR,
    Row,
    of,
    one,
    sha256,
)


def test_an_event_is_these_bytes(decide) -> None:
    row = one(decide([ASHA]), "attended")
    assert row["payload"] == (
        '{"eventData":{"Category":"ACCA","Conductor":"Taran Belwick","JoinTime":"2026-11-20T19:04:00+0530",'
        '"LeaveTime":"2026-11-20T20:01:00+0530","Product":"Plutus","TimeInSessionMinutes":57,'
        '"WebinarDate":"2026-11-20T00:00:00+0530","WebinarId":"81200002006","WebinarName":"ACCA career webinar"},'
        '"eventName":"Plutus Webinar Attended","eventTime":"2026-11-20T19:04:00+0530","userId":"919876512345"}'
    )
    assert row["payload_sha256"] == "7842f95bd4954ffb5ffa67920e1db8743c8b7db2dc9919f1571907b80d8c726d"
    assert sha256(f"{row['key_parts']}\n1") == "94ce46c351ffad82df3d61b962eaca5f7b77f6bd61c7bb31594d1fb3401382e9"
    assert json.loads(row["attribute_types"])["TimeInSessionMinutes"] == "number"
    assert (row["decision"], row["reason"], row["effect"], row["object"]) == ("deliver", None, "guarded", "event")
    assert (str(row["first_day"])[:10], str(row["last_day"])[:10]) == ("2026-11-01", "2026-11-27")


def test_the_key_of_a_registration_is_the_vector_s(decide) -> None:
    row = one(decide(registered=[ASHA]), "registered")
    assert sha256(f"{row['key_parts']}\n1") == "60944d2e7370f63d39f5cdd2614db1e451bcd283a950787595b6b6cb7d1f8edd"


def test_a_user_is_these_bytes(decide) -> None:
    row = one(decide([ASHA]), "user")
    assert row["payload"] == (
        '{"email":"asha@example.org","emailOptIn":true,"firstName":"Asha","lastName":"Rao","phone":"+919876512345",'
        '"rcsOptIn":false,"smsOptIn":false,"userId":"919876512345","whatsappOptIn":true}'
    )
    assert row["payload_sha256"] == "c5ae13ee73d303079a5028bdcfb0993be3d50e8fc5466d565a3ec9da1181cfcd"
    assert row["key_parts"].split("\n") == ["webengage", "in~demo", "user", "919876512345", row["payload_sha256"]]
    assert (row["effect"], row["only_after_delivery"], row["occurrence_id"]) == ("repeatable", False, None)


def test_the_key_of_a_user_who_was_never_delivered_is_the_vector_s(decide) -> None:
    row = one(decide([ASHA]), "user")
    assert sha256(row["key_parts"]) == "46cc71d01f2e08e5995aaf81cfeea4dfa9d2987a3b3cc34b4ebf0dbbd5514b47"


NO_SHOW = ASHA | {"attended": "false", "person_key": "p2", "user_id": "919876512346"}


def reason_of(outcome: Any, kind: str = "attended") -> str | None:
    row = one(outcome, kind)
    assert (row["reason"] is None) == (row["decision"] == "deliver")
    assert (row["payload"] is None) == (row["reason"] is not None)
    return row["reason"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"attended": [ASHA]}, None, id="nothing_against_it"),
        pytest.param({"attended": [NO_SHOW], "granted": ["919876512346"]}, "no_show", id="a_no_show_with_consent"),
        pytest.param({"attended": [ASHA], "webinars": [WEBINAR | {"profile": ""}]}, "no_profile", id="no_profile"),
        pytest.param({"attended": [ASHA], "webinars": [WEBINAR | {"profile": "gone"}]}, "no_profile", id="unknown"),
        pytest.param(
            {"attended": [ASHA], "webinars": [WEBINAR | {"profile": "asked"}]}, "no_profile", id="of_the_other_report"
        ),
        pytest.param(
            {"attended": [ASHA], "webinars": [WEBINAR | {"profile": "nameless"}]}, "no_event_name", id="no_name"
        ),
        pytest.param({"attended": [ASHA], "rules": RULES}, "delivery_off", id="no_rule"),
        pytest.param({"attended": [ASHA], "rules": ON.replace("yes", "no")}, "delivery_off", id="the_rule_says_no"),
        pytest.param(
            {"attended": [ASHA], "rules": RULES + "came,*,no,,,,\n*,*,yes,2026-11-01,7,hold,\n"},
            "delivery_off",
            id="the_first_that_fits_wins",
        ),
        pytest.param(
            {"attended": [ASHA], "rules": RULES + "*,registered,yes,2026-11-01,7,hold,\n"}, "delivery_off", id="kind"
        ),
        pytest.param(
            {"attended": [ASHA], "rules": RULES + "*ame,attended,yes,2026-11-01,7,hold,\n"}, None, id="a_pattern"
        ),
        pytest.param({"attended": [ASHA], "as_of": "2026-11-19"}, "ended_later", id="after_as_of"),
        pytest.param({"attended": [ASHA], "as_of": "2026-11-26"}, None, id="sent_on_the_last_day"),
        pytest.param({"attended": [ASHA], "as_of": "2026-11-27"}, "too_old", id="a_day_too_late"),
        pytest.param({"attended": [ASHA], "rules": RULES + "*,*,yes,2026-11-20,7,,\n"}, None, id="on_from_date"),
        pytest.param(
            {"attended": [ASHA], "rules": RULES + "*,*,yes,2026-11-21,7,,\n"}, "before_from_date", id="history"
        ),
        pytest.param({"attended": [ASHA | {"user_id": "", "phone": ""}]}, "no_user_id", id="no_phone"),
        pytest.param({"attended": [ASHA], "granted": []}, "no_consent", id="nothing_known"),
    ],
)
def test_who_is_not_sent_the_event_has_the_first_reason(decide, changes: dict[str, Any], reason: str | None) -> None:
    assert reason_of(decide(**changes)) == reason
    assert reason is None or reason in DELIVERY_REASONS


@pytest.mark.parametrize(
    ("person", "webinar", "as_of", "reason"),
    [
        pytest.param({}, {}, "2026-11-20", None, id="approval_blank"),
        pytest.param({"approval_status": "Approved"}, {}, "2026-11-20", None, id="approved"),
        pytest.param({"approval_status": "pending"}, {}, "2026-11-20", "not_approved", id="pending"),
        pytest.param({"approval_status": "cancelled by self"}, {}, "2026-11-20", "not_approved", id="cancelled"),
        pytest.param({}, {}, "2026-11-10", None, id="a_webinar_to_come"),
        pytest.param(
            {}, {"has_registration_report": "false"}, "2026-11-20", "no_registration_report", id="derived_only"
        ),
        pytest.param(
            {},
            {"has_registration_report": "false", "registered_profile": "boot", "profile": "boot"},
            "2026-11-20",
            None,
            id="derived_of_a_dual_profile",
        ),
        pytest.param({}, {"registered_profile": ""}, "2026-11-20", "no_profile", id="no_profile_of_registrations"),
    ],
)
def test_who_registered(decide, person: Row, webinar: Row, as_of: str, reason: str | None) -> None:
    outcome = decide(registered=[ASHA | person], webinars=[WEBINAR | webinar], as_of=as_of)
    assert reason_of(outcome, "registered") == reason


def test_a_dual_bootcamp_has_two_events_and_its_day_without_a_blank(decide) -> None:
    webinar = WEBINAR | {"profile": "boot", "registered_profile": "boot", "bootcamp_day": "Day 1"}
    people = [ASHA | {"person_key": str(n), "user_id": f"91987651234{n}"} for n in range(5)]
    registered = [one | {"registered_at": "2026-11-18T06:00:00Z", "approval_status": "approved"} for one in people]
    granted = [one["user_id"] for one in people]
    outcome = decide(people[:3], registered, [webinar], granted)
    assert set(of(outcome, "registered")["event_name"]) == {"Plutus Bootcamp Registered"}
    assert set(of(outcome, "attended")["event_name"]) == {"Plutus Bootcamp Attended"}
    assert [(of(outcome, kind)["decision"] == "deliver").sum() for kind in ("registered", "attended", "user")] == [
        *(5, 3, 5),
    ]
    payload = json.loads(of(outcome, "registered")["payload"].iloc[0])
    assert payload["eventData"]["BootcampDay"] == "Day1"
    assert payload["eventData"]["RegistrationTime"] == "2026-11-18T11:30:00+0530"
    assert payload["eventTime"] == "2026-11-18T11:30:00+0530"
    assert payload["eventData"]["ApprovalStatus"] == "approved"


def test_a_registration_without_a_time_has_no_event_time(decide) -> None:
    payload = json.loads(one(decide(registered=[ASHA]), "registered")["payload"])
    assert not {"eventTime", "RegistrationTime"} & {*payload, *payload["eventData"]}


def test_somebody_whose_join_is_not_known_attended_at_the_start(decide) -> None:
    payload = json.loads(
        one(decide([ASHA | {"joined_at": "", "minutes_union": "", "left_at": ""}]), "attended")["payload"]
    )
    assert payload["eventTime"] == "2026-11-20T19:00:00+0530"
    assert not {"JoinTime", "LeaveTime", "TimeInSessionMinutes"} & set(payload["eventData"])


def test_a_profile_with_a_fixed_category_sends_it_as_the_track(decide) -> None:
    webinar = WEBINAR | {"profile": "tls_boot", "registered_profile": "", "category": "Bootcamp", "product": "TLS"}
    row = one(decide([ASHA], webinars=[webinar]), "attended")
    assert row["event_name"] == "TLS Misc Bootcamp Attended"
    assert json.loads(row["payload"])["eventData"]["Track"] == "Bootcamp"


# ---------------------------------------------------------------- consent


def said(**channels: str) -> list[Row]:
    return [
        {"person": "919876512345", "channel": name, "state": state, f"{state}_at": "2026-11-02T00:00:00Z"}
        for name, state in channels.items()
    ]


FLAGS = ("emailOptIn", "whatsappOptIn", "smsOptIn", "rcsOptIn")


def flags_of(outcome: Any) -> list[bool | None]:
    payload = json.loads(one(outcome, "user")["payload"])
    return [payload.get(name) for name in FLAGS]


def test_a_channel_that_is_not_granted_is_opted_out_of(decide) -> None:
    outcome = decide([ASHA], granted=[], state=said(email="granted", sms="refused"))
    assert reason_of(outcome) is None
    assert flags_of(outcome) == [True, False, False, False]
    assert json.loads(one(outcome, "attended")["consent"]) == {
        "email": "granted",
        "sms": "refused",
        "whatsapp": "unknown",
        "rcs": "unknown",
    }


@pytest.mark.parametrize(
    ("policy", "reason", "flags"),
    [("hold", "no_consent", None), ("opted_out", None, [False] * 4), ("omit", None, [None] * 4)],
)
def test_what_is_done_with_who_never_said_anything_is_said_by_the_rule(
    decide, policy: str, reason: str | None, flags: list[bool | None] | None
) -> None:
    outcome = decide([ASHA], granted=[], rules=ON.replace("hold", policy))
    assert reason_of(outcome) == reason
    assert (flags_of(outcome) if len(of(outcome, "user")) else None) == flags


def test_a_withdrawal_sends_no_event_and_tells_who_was_delivered_before(decide) -> None:
    outcome = decide([ASHA], granted=[], state=said(email="withdrawn", whatsapp="withdrawn"), as_of="2026-12-31")
    row = one(outcome, "user")
    assert one(outcome, "attended")["decision"] == "excluded"
    assert (row["decision"], row["only_after_delivery"]) == ("deliver", True)
    assert flags_of(outcome) == [False] * 4


@pytest.mark.parametrize("policy", ["hold", "opted_out", "omit"])
def test_a_refusal_alone_is_no_unknown_consent(decide, policy: str) -> None:
    outcome = decide([ASHA], granted=[], state=said(sms="refused"), rules=ON.replace("hold", policy))
    assert reason_of(outcome) == "no_consent"
    assert flags_of(outcome) == [False] * 4


def test_nothing_at_all_is_sent_to_who_is_suppressed(decide) -> None:
    outcome = decide(
        [ASHA], granted=[], state=said(email="suppressed", sms="suppressed", whatsapp="suppressed", rcs="suppressed")
    )
    assert (reason_of(outcome), reason_of(outcome, "user")) == ("suppressed", "suppressed")


def test_a_suppression_of_one_channel_leaves_the_others(decide) -> None:
    outcome = decide([ASHA], granted=[], state=said(email="suppressed", whatsapp="granted"))
    assert reason_of(outcome) is None
    assert flags_of(outcome) == [False, True, False, False]


def test_a_statement_by_e_mail_counts_for_the_phone_beside_it_and_the_newest_wins(decide) -> None:
    by_email = {"person": "email:asha@example.org", "channel": "email", "state": "withdrawn"}
    by_phone = {"person": "919876512345", "channel": "email", "state": "granted", "granted_at": "2026-11-05T00:00:00Z"}
    for day, reason in (("2026-11-04", None), ("2026-11-05", "no_consent"), ("2026-11-06", "no_consent")):
        later = by_email | {"withdrawn_at": f"{day}T00:00:00Z"}
        assert reason_of(decide([ASHA], granted=[], state=[later, by_phone])) == reason, day


def test_a_statement_by_e_mail_is_found_for_who_has_no_phone(decide) -> None:
    state = [{"person": "email:asha@example.org", "channel": "email", "state": "granted", "granted_at": "2026-11-05"}]
    outcome = decide([ASHA | {"user_id": "", "phone": ""}], granted=[], state=state)
    row = one(outcome, "attended")
    assert (row["reason"], row["key_parts"]) == ("no_user_id", None)
    assert json.loads(row["consent"])["email"] == "granted"
    assert not len(of(outcome, "user"))


def test_a_user_without_an_event_that_is_due_is_sent_only_if_delivered_before(decide) -> None:
    outcome = decide([ASHA], as_of="2027-01-01")
    assert reason_of(outcome) == "too_old"
    assert one(outcome, "user")["only_after_delivery"] is True
    assert not len(of(decide([ASHA], granted=[], as_of="2027-01-01"), "user")), "nothing is known, nothing is due"


# ---------------------------------------------------------------- users


def test_a_user_has_the_newest_names_and_the_newest_e_mail(decide) -> None:
    later = WEBINAR | {
        "occurrence_id": "81200002006-20261121T1900",
        "started_at": "2026-11-21T13:30:00Z",
        "event_date": "2026-11-21",
    }
    newer = ASHA | {
        "occurrence_id": later["occurrence_id"],
        "first_name": "",
        "last_name": "",
        "user_name": "Asha Rao",
        "email": "new@example.org",
    }
    outcome = decide([ASHA, newer], webinars=[WEBINAR, later], as_of="2026-11-21")
    payload = json.loads(one(outcome, "user")["payload"])
    assert (payload["firstName"], payload["lastName"], payload["email"]) == ("Asha", "Rao", "new@example.org")


def test_a_name_shown_in_the_session_is_the_first_name_of_who_gave_none(decide) -> None:
    outcome = decide([ASHA | {"first_name": "", "last_name": "", "email": ""}])
    payload = json.loads(one(outcome, "user")["payload"])
    assert payload["firstName"] == "Asha R"
    assert not {"lastName", "email"} & set(payload)


def test_an_attribute_of_users_is_beside_their_names(decide) -> None:
    own = ATTRIBUTES + "user,originalName,{user_name},text,\nuser,Team,=TLS,text,\n"
    row = one(decide([ASHA], delivery_attributes=own), "user")
    assert json.loads(row["payload"])["attributes"] == {"originalName": "Asha R", "Team": "TLS"}
    assert json.loads(row["attribute_types"]) == {"originalName": "text", "Team": "text"}
