"""Who could be sent what: every person of an occurrence is decided about once, and payloads are right to the byte."""

import hashlib
import json
from typing import Any

import pandas as pd
import pytest

from funnel_etl.delivery.candidates_contract import DELIVERY_CANDIDATES
from funnel_etl.delivery.webengage import conditions
from funnel_etl.delivery.webengage.candidates import USERS, candidates
from funnel_etl.delivery.webengage.contracts import CHANNELS, CONSENT_STATE
from funnel_etl.delivery.webengage.reasons import DELIVERY_REASONS
from funnel_etl.delivery.webengage.rows import Night
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.settings import PROJECT

ZONE = "Asia/Kolkata"
PROFILES = """\
name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern
boot,Plutus,Bootcamp,bootcamp_dual,Plutus Bootcamp Registered|Plutus Bootcamp Attended,,auto,,Bootcamp,*boot*
tls_boot,TLS,Bootcamp,webinar_attended,TLS Misc Bootcamp Attended,,fixed,Bootcamp,Bootcamp,*tls*
came,Plutus,Webinar,webinar_attended,Plutus Webinar Attended,,auto,,Webinar,*
asked,Plutus,Webinar,registration,Plutus Webinar Registered,,auto,,Webinar,*
nameless,,Other,webinar_attended,,,auto,,Other,*none*
"""
ATTRIBUTES = (PROJECT / "config_csv/delivery_attributes.csv").read_text()
RULES = "profile,kind,deliver,from_date,max_age_days,unknown_consent,note\n"
ON = RULES + "*,*,yes,2026-11-01,7,hold,\n"
OCCURRENCE = "81200002006-20261120T1900"
WEBINAR = {
    "occurrence_id": OCCURRENCE,
    "webinar_id": "81200002006",
    "started_at": "2026-11-20T13:30:00Z",
    "event_date": "2026-11-20",
    "topic": "ACCA career webinar",
    "source_tag": "Webinar",
    "profile": "came",
    "registered_profile": "asked",
    "product": "Plutus",
    "category": "ACCA",
    "conductor": "Taran Belwick",
    "has_registration_report": "true",
    "has_attendee_report": "true",
}
ASHA = {
    "occurrence_id": OCCURRENCE,
    "person_key": "9876512345",
    "attended": "true",
    "first_name": "Asha",
    "last_name": "Rao",
    "user_name": "Asha R",
    "email": "asha@example.org",
    "phone": "9876512345",
    "user_id": "919876512345",
    "joined_at": "2026-11-20T13:34:00Z",
    "left_at": "2026-11-20T14:31:00Z",
    "minutes_union": "57",
}
Row = dict[str, str]


@pytest.fixture
def decide(table_of, config_of):
    """Return what decides about frames written as rows. `granted`: who agreed to e-mail and WhatsApp."""

    def run(
        attended: list[Row] = (),  # type: ignore[assignment]
        registered: list[Row] = (),  # type: ignore[assignment]
        webinars: list[Row] = (WEBINAR,),  # type: ignore[assignment]
        granted: list[str] = ("919876512345",),  # type: ignore[assignment]
        state: list[Row] = (),  # type: ignore[assignment]
        as_of: str = "2026-11-20",
        rules: str = ON,
        **tables: str,
    ) -> Any:
        agreed = [
            {"person": who, "channel": channel, "state": "granted", "granted_at": "2026-11-01T00:00:00Z"}
            for who in granted
            for channel in ("email", "whatsapp")
        ]
        config = config_of(
            **{"zoom_profiles": PROFILES, "delivery_attributes": ATTRIBUTES, "delivery_rules": rules, **tables}
        )
        frames = {
            "webinars": rows(table_of, WEBINARS, webinars),
            "registrations": rows(table_of, ZOOM_REGISTRATIONS, registered),
            "attendance": rows(table_of, ZOOM_ATTENDANCE, attended),
            "state": rows(table_of, CONSENT_STATE, [*agreed, *state]),
        }
        outcome = candidates(**frames, night=Night(config, ZONE, pd.Timestamp(as_of), "in~demo"))
        outcome.rows = DELIVERY_CANDIDATES.conform(outcome.rows)
        assert DELIVERY_CANDIDATES.problems(outcome.rows) == []
        for condition in conditions.CONDITIONS.values():
            found, wanted = condition(outcome.rows, frames, pd.Timestamp(as_of))
            assert found == wanted, condition.__name__
        assert all(line.balances for line in outcome.ledger)
        people = sum(line.rows_in for line in outcome.ledger if line.input_name != USERS)
        quarantined = sum(line.quarantined for line in outcome.ledger)
        assert people == (outcome.rows["object"] == "event").sum() + quarantined == len(attended) + len(registered)
        return outcome

    return run


def rows(table_of: Any, table: Any, given: Any) -> pd.DataFrame:
    return table_of(table, pd.DataFrame(list(given)).to_csv(index=False) if given else "")


def of(outcome: Any, kind: str) -> pd.DataFrame:
    found = outcome.rows[outcome.rows["kind"] == kind]
    return found.astype("object").where(found.notna(), None)


def one(outcome: Any, kind: str) -> dict[str, Any]:
    [row] = of(outcome, kind).to_dict("records")
    return row


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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


# ---------------------------------------------------------------- attributes and limits


def test_the_same_night_gives_the_same_ids_and_bytes_whatever_the_order_of_rows(decide) -> None:
    people = [ASHA | {"person_key": str(n), "user_id": f"91987651234{n}"} for n in range(4)]
    granted = [each["user_id"] for each in people]
    first, second = (decide(order, granted=granted).rows for order in (people, people[::-1]))
    columns = ["candidate_id", "payload_sha256", "key_parts"]
    assert sorted(map(tuple, first[columns].to_numpy().tolist())) == sorted(
        map(tuple, second[columns].to_numpy().tolist())
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param("attended,X,{minutes},text,", "57", id="a_number_as_text"),
        pytest.param("attended,X,{joined_at},text,", "2026-11-20 19:04:00", id="an_instant_as_text"),
        pytest.param("attended,X,{event_date},text,", "2026-11-20", id="a_day_as_text"),
        pytest.param("attended,X,{is_guest},boolean,", True, id="a_boolean"),
        pytest.param("attended,X,{is_guest},text,", "Yes", id="a_boolean_as_text"),
        pytest.param("attended,X,=2,number,", 2, id="a_constant_number"),
        pytest.param("attended,X,=2.5,number,", 2.5, id="a_constant_fraction"),
        pytest.param("attended,X,=yes,boolean,", True, id="a_constant_boolean"),
        pytest.param("attended,X,=2026-11-20,date,", "2026-11-20T00:00:00+0530", id="a_constant_day"),
        pytest.param("attended,X,= hello world ,text,", "hello world", id="a_constant_text"),
        pytest.param("attended,X,{registered_at},date,", None, id="blank_is_left_out"),
        pytest.param("attended,X,=a,text,other*", None, id="of_another_profile"),
        pytest.param("attended,X,=a,text,CAME\nattended,X,=b,text,", "a", id="the_first_that_fits"),
        pytest.param("attended,X,=a,text,other\nattended,X,=b,text,", "b", id="the_next_that_fits"),
        pytest.param("registered,X,=a,text,", None, id="of_another_kind"),
    ],
)
def test_an_attribute_has_the_type_that_its_line_says(decide, line: str, value: Any) -> None:
    header = ATTRIBUTES.splitlines()[0]
    row = one(decide([ASHA | {"is_guest": "true"}], delivery_attributes=f"{header}\n{line}\n"), "attended")
    data = json.loads(row["payload"])["eventData"]
    assert data.get("X") == value
    assert type(data.get("X")) is type(value)
    assert set(json.loads(row["attribute_types"])) == set(data)


def lines(*names: str, value: str = "=a", kind: str = "text") -> str:
    header = ATTRIBUTES.splitlines()[0]
    return "\n".join([header, *(f"attended,{name},{value},{kind}," for name in names)]) + "\n"


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        pytest.param({"delivery_attributes": lines("x" * 49)}, None, id="49_characters"),
        pytest.param({"delivery_attributes": lines("x" * 50)}, "attribute_too_long", id="50_characters"),
        pytest.param(
            {"delivery_attributes": lines("x" * 50, value="{conductor}")}, "attribute_too_long", id="a_column"
        ),
        pytest.param({"delivery_attributes": lines(*(f"x{n}" for n in range(25)))}, None, id="25_of_a_type"),
        pytest.param({"delivery_attributes": lines(*(f"x{n}" for n in range(26)))}, "too_many_attributes", id="26"),
        pytest.param({"delivery_attributes": lines("we_x")}, "reserved_name", id="a_reserved_attribute"),
        pytest.param({"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "x" * 49)}, None, id="a_name_of_49"),
        pytest.param(
            {"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "x" * 50)}, "name_too_long", id="a_name_of_50"
        ),
        pytest.param(
            {"zoom_profiles": PROFILES.replace("Plutus Webinar Attended", "we_came")}, "reserved_name", id="reserved"
        ),
    ],
)
def test_what_webengage_would_drop_in_silence_is_in_quarantine(decide, tables: Row, reason: str | None) -> None:
    outcome = decide([ASHA], **tables)
    assert outcome.quarantine["reason"].tolist() == ([reason] if reason else [])
    assert len(outcome.rows) == (0 if reason else 2)


def test_25_of_each_type_are_sent(decide) -> None:
    own = (
        lines(*(f"t{n}" for n in range(25)))
        + lines(*(f"n{n}" for n in range(25)), value="=1", kind="number").split("\n", 1)[1]
    )
    assert len(json.loads(one(decide([ASHA], delivery_attributes=own), "attended")["payload"])["eventData"]) == 50


@pytest.mark.parametrize(("length", "kept", "warnings"), [(999, 999, 0), (1000, 999, 1), (3000, 999, 1)])
def test_a_value_that_is_too_long_is_cut_with_a_warning(decide, length: int, kept: int, warnings: int) -> None:
    outcome = decide([ASHA], webinars=[WEBINAR | {"topic": "क" * length}])
    payload = json.loads(one(outcome, "attended")["payload"])
    assert len(payload["eventData"]["WebinarName"]) == kept
    assert sum(line.cell_warnings for line in outcome.ledger) == warnings


def test_without_people_and_without_config_there_is_nothing(decide) -> None:
    assert not len(decide(webinars=[], granted=[]).rows)


# ---------------------------------------------------------------- what blocks a publication


def fails(outcome: Any, attendance: pd.DataFrame) -> set[str]:
    frames = {"attendance": attendance}
    sums = {
        name: held(outcome.rows, frames, pd.Timestamp("2026-11-20")) for name, held in conditions.CONDITIONS.items()
    }
    return {name for name, (found, wanted) in sums.items() if found != wanted}


BREAKING = {
    "a_value_of_1000": ("attended", "payload", lambda text: text.replace("ACCA career webinar", "x" * 1000)),
    "a_time_with_a_z": ("attended", "payload", lambda text: text.replace("19:04:00+0530", "13:34:00Z")),
    "a_blank_value": ("attended", "payload", lambda text: text.replace("Taran Belwick", "")),
    "a_reserved_name": ("attended", "payload", lambda text: text.replace("Plutus Webinar Attended", "we_x")),
    "types_of_other_attributes": ("attended", "attribute_types", lambda text: text.replace("Conductor", "Host")),
    "a_withdrawal": ("attended", "consent", lambda text: text.replace("granted", "withdrawn")),
    "a_suppression": ("user", "consent", lambda _: json.dumps(dict.fromkeys(CHANNELS, "suppressed"))),
    "a_flag_nobody_agreed_to": ("user", "payload", lambda text: text.replace('"smsOptIn":false', '"smsOptIn":true')),
    "no_flag_of_who_refused": ("user", "payload", lambda text: text.replace('"smsOptIn":false,', "")),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_payload_that_must_not_be_sent_blocks_the_publication(decide, table_of, name: str) -> None:
    outcome, attendance = decide([ASHA]), rows(table_of, ZOOM_ATTENDANCE, [ASHA])
    assert fails(outcome, attendance) == set()
    kind, column, broken = BREAKING[name]
    at = outcome.rows["kind"] == kind
    outcome.rows.loc[at, column] = outcome.rows.loc[at, column].map(broken)
    assert len(fails(outcome, attendance)) == 1


def test_an_event_of_a_no_show_and_one_that_stands_twice_block_the_publication(decide, table_of) -> None:
    outcome = decide([ASHA])
    assert fails(outcome, rows(table_of, ZOOM_ATTENDANCE, [ASHA | {"attended": "false"}])) == {"nobody_absent"}
    outcome.rows = pd.concat([outcome.rows, outcome.rows.assign(candidate_id="x")], ignore_index=True)
    assert "everybody_once" in fails(outcome, rows(table_of, ZOOM_ATTENDANCE, [ASHA]))
