"""Statements of people: typed, each accounted for, and which of them holds."""

import itertools
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.delivery.webengage.consent import clean_consents, consent_state
from funnel_etl.delivery.webengage.contracts import CONSENT_SOURCE, CONSENT_STATE, CONSENTS, RAW_CONSENTS
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_REGISTRANT_ROWS

ZONE = "Asia/Kolkata"
HEADER = "phone,email,channel,state,stated_at,source\n"
AS_OF = "2026-11-20"


@pytest.fixture
def clean(raw_of, table_of, config_of):
    def run(text: str = "", forms: str = "", questions: str = "pattern,channel,yes_values,note\n") -> Outcome:
        raw = raw_of("consents", CONSENT_SOURCE, HEADER + text) if text else RAW_CONSENTS.empty()
        outcome = clean_consents(
            raw, table_of(RAW_ZOOM_REGISTRANT_ROWS, forms), config_of(consent_questions=questions), ZONE
        )
        outcome.rows = CONSENTS.conform(outcome.rows)
        assert CONSENTS.problems(outcome.rows) == []
        assert all(line.balances for line in outcome.ledger)
        return outcome

    return run


def said(outcome: Outcome) -> list[list[Any]]:
    rows = outcome.rows[["user_id", "email", "channel", "state", "stated_at"]].astype("object")
    times = outcome.rows["stated_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d %H:%M")
    return rows.assign(stated_at=times).where(rows.notna(), None).to_numpy().tolist()


def test_a_record_names_a_person_by_phone_or_e_mail_in_any_spelling(clean) -> None:
    outcome = clean(
        "+91 98765-12345,,WhatsApp,Granted,2026-11-01 10:00,form\n"
        ",Asha@Example.org ,all,suppressed,2026-11-02,complaint\n"
        "971501234567,,E-mail,refused,2026-11-03T05:00:00Z,\n"
    )
    assert said(outcome) == [
        ["919876512345", None, "whatsapp", "granted", "2026-11-01 10:00"],
        [None, "asha@example.org", "all", "suppressed", "2026-11-02 00:00"],
        ["971501234567", None, "email", "refused", "2026-11-03 10:30"],
    ]
    assert outcome.rows["consent_source"].fillna("").tolist() == ["form", "complaint", ""]


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        pytest.param("9876512345,,fax,granted,2026-11-01,", "bad_channel", "channel", id="channel"),
        pytest.param("9876512345,,,granted,2026-11-01,", "bad_channel", "channel", id="no_channel"),
        pytest.param("9876512345,,sms,maybe,2026-11-01,", "bad_state", "state", id="state"),
        pytest.param("9876512345,,sms,unknown,2026-11-01,", "bad_state", "state", id="unknown_is_no_statement"),
        pytest.param("9876512345,,sms,granted,,", "blank_date", "stated_at", id="no_time"),
        pytest.param("9876512345,,sms,granted,soon,", "bad_date", "stated_at", id="time"),
        pytest.param("98765,asha,sms,granted,2026-11-01,", "no_contact", "", id="nobody"),
        pytest.param("9876512345,,sms,granted,2026-11-01,form,more", "too_many_fields", "", id="too_many_fields"),
    ],
)
def test_a_record_that_cannot_be_used_is_in_quarantine(clean, record: str, reason: str, detail: str) -> None:
    outcome = clean(f"9876512346,,sms,granted,2026-11-01,\n{record}\n")
    assert len(outcome.rows) == 1
    assert outcome.quarantine[["reason", "detail", "source_row"]].to_numpy().tolist() == [[reason, detail, 3]]


def test_the_same_statement_again_is_merged_into_the_first(clean) -> None:
    line = "9876512345,,sms,granted,2026-11-01 10:00,a\n"
    outcome = clean(
        line + line.replace("9876512345", "+91 98765 12345").replace(",a", ",b") + line.replace("10:00", "10:01")
    )
    assert outcome.rows["source_row"].tolist() == [2, 4]
    assert outcome.merged[["source_row", "into_source_row", "reason"]].to_numpy().tolist() == [[3, 2, "same_statement"]]


def test_each_file_proves_its_own_order_of_day_and_month(clean, raw_of) -> None:
    months = raw_of("consents", CONSENT_SOURCE, HEADER + "9876512345,,sms,granted,11/25/2026,\n").assign(
        file_id="a" * 64
    )
    days = raw_of("consents", CONSENT_SOURCE, HEADER + "9876512346,,sms,granted,25/11/2026,\n").assign(file_id="b" * 64)
    raw = pd.concat([months, days], ignore_index=True)
    outcome = clean_consents(raw, RAW_ZOOM_REGISTRANT_ROWS.empty(), Config(), ZONE)
    assert outcome.rows["stated_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d").tolist() == ["2026-11-25"] * 2


QUESTIONS = "pattern,channel,yes_values,note\n*whatsapp*updates*,whatsapp,Yes|Yes please,\n*news*,email,ok,\n"
FORM = "email,phone,registered_at,questions\n{}\n"


def form(questions: str, registered_at: str = "2026-11-10T04:30:00Z", email: str = "asha@example.org") -> str:
    quoted = '"' + questions.replace('"', '""') + '"'
    return FORM.format(f"{email},9876512345,{registered_at},{quoted}")


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        pytest.param('{"Send me WhatsApp updates?": "yes"}', {"whatsapp": "granted"}, id="yes"),
        pytest.param('{"WhatsApp updates": "YES  please"}', {"whatsapp": "granted"}, id="another_yes"),
        pytest.param('{"WhatsApp updates": "No"}', {"whatsapp": "refused"}, id="no"),
        pytest.param('{"WhatsApp updates": "later"}', {"whatsapp": "refused"}, id="no_yes_is_a_refusal"),
        pytest.param(
            '{"WhatsApp updates": "yes", "Our news": "no"}', {"whatsapp": "granted", "email": "refused"}, id="two"
        ),
        pytest.param('{"WhatsApp updates": "yes", "More WhatsApp updates": "no"}', {"whatsapp": "refused"}, id="both"),
        pytest.param('{"City": "yes"}', {}, id="another_question"),
        pytest.param("{}", {}, id="no_answer"),
    ],
)
def test_an_answer_of_a_registration_form_is_a_statement(clean, questions: str, expected: dict[str, str]) -> None:
    outcome = clean(forms=form(questions), questions=QUESTIONS)
    assert dict(zip(outcome.rows["channel"], outcome.rows["state"], strict=True)) == expected
    assert {tuple(row[:2]) for row in said(outcome)} <= {("919876512345", "asha@example.org")}
    assert {row[4] for row in said(outcome)} <= {"2026-11-10 10:00"}
    assert (outcome.ledger[1].excluded == 1) == (not expected)


def test_an_answer_without_a_time_is_in_quarantine(clean) -> None:
    outcome = clean(forms=form('{"WhatsApp updates": "yes"}', registered_at=""), questions=QUESTIONS)
    assert outcome.quarantine["reason"].tolist() == ["blank_date"]


# ---------------------------------------------------------------- what holds


@pytest.fixture
def holds(table_of):
    """Return what holds after statements written as `day state channel phone-or-email …`."""

    def run(*statements: str, as_of: str = AS_OF) -> dict[tuple[str, str], str]:
        lines = ["channel,state,stated_at,user_id,email"]
        for text in statements:
            day, state, channel, *names = text.split()
            phone = next((name for name in names if "@" not in name), "" if names else "1")
            email = next((name for name in names if "@" in name), "")
            lines.append(f"{channel},{state},{day}T00:00:00Z,{phone},{email}")
        consents = table_of(CONSENTS, "\n".join(lines))
        outcome = consent_state(consents, pd.Timestamp(as_of), ZONE)
        rows = CONSENT_STATE.conform(outcome.rows)
        assert CONSENT_STATE.problems(rows) == []
        assert all(line.balances for line in outcome.ledger)
        return dict(zip(zip(rows["person"], rows["channel"], strict=True), rows["state"], strict=True))

    return run


@pytest.mark.parametrize(
    ("statements", "state"),
    [
        (["2026-11-01 granted sms"], "granted"),
        (["2026-11-01 granted sms", "2026-11-05 withdrawn sms"], "withdrawn"),
        (["2026-11-05 granted sms", "2026-11-01 withdrawn sms"], "granted"),
        (["2026-11-01 granted sms", "2026-11-01 refused sms"], "refused"),
        (["2026-11-01 granted sms", "2026-11-01 withdrawn sms"], "withdrawn"),
        (["2026-11-01 refused sms", "2026-11-02 granted sms"], "granted"),
        (["2026-11-01 withdrawn sms", "2026-11-02 refused sms"], "withdrawn"),
        (["2026-11-01 suppressed sms", "2026-11-02 granted sms"], "suppressed"),
        (["2026-11-01 suppressed all", "2026-11-02 granted sms"], "suppressed"),
        (["2026-11-01 suppressed sms", "2026-11-02 lifted sms"], "unknown"),
        (["2026-11-01 granted sms", "2026-11-02 suppressed sms", "2026-11-03 lifted all"], "granted"),
        (["2026-11-02 suppressed sms", "2026-11-02 lifted sms"], "suppressed"),
        (["2026-11-03 suppressed sms", "2026-11-02 lifted sms"], "suppressed"),
        (["2026-11-01 withdrawn sms", "2026-11-02 lifted sms"], "withdrawn"),
        (["2026-11-01 granted all"], "granted"),
        (["2026-11-21 granted sms"], None),
        (["2026-11-21 withdrawn sms"], "withdrawn"),
        (["2026-11-01 suppressed sms", "2026-11-21 lifted sms"], "suppressed"),
    ],
    ids=lambda value: " then ".join(value) if isinstance(value, list) else str(value),
)
def test_what_holds_on_a_channel(holds, statements: list[str], state: str | None) -> None:
    for order in itertools.permutations(statements):
        assert holds(*order).get(("1", "sms")) == state


def test_a_statement_on_every_channel_is_one_on_each(holds) -> None:
    assert holds("2026-11-01 granted all", "2026-11-02 refused sms") == {
        **{("1", channel): "granted" for channel in ("email", "rcs", "whatsapp")},
        ("1", "sms"): "refused",
    }


def test_a_statement_with_a_phone_and_an_e_mail_names_the_person_by_both(holds) -> None:
    found = holds(
        "2026-11-01 granted sms 1 a@b.example", "2026-11-02 refused sms a@b.example", "2026-11-03 granted sms 2"
    )
    assert found == {("1", "sms"): "granted", ("email:a@b.example", "sms"): "refused", ("2", "sms"): "granted"}


def test_the_statement_that_decides_is_named(table_of) -> None:
    consents = table_of(
        CONSENTS,
        "channel,state,stated_at,user_id,source_row\nsms,granted,2026-11-01T00:00:00Z,1,2\n"
        "sms,withdrawn,2026-11-02T00:00:00Z,1,3\nsms,refused,2026-11-03T00:00:00Z,1,4\n",
    )
    [row] = consent_state(consents, pd.Timestamp(AS_OF), ZONE).rows.to_dict("records")
    assert (row["state"], row["source_row"], str(row["stated_at"])[:10]) == ("withdrawn", 3, "2026-11-02")
    assert str(row["refused_at"])[:10] == "2026-11-03"


def test_nobody_said_anything(holds) -> None:
    assert holds() == {}
