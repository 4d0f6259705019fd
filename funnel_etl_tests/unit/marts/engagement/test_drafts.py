"""Drafts: what they say of whom, why they are withheld, and that an edit of a person stays."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.followup_templates import templates_of
from funnel_etl.core.person_names import NameRules
from funnel_etl.marts.engagement.contracts import CHAT_MESSAGES, QA_QUESTIONS
from funnel_etl.marts.engagement.draft_contracts import (
    FOLLOWUP_DRAFTS,
    FOLLOWUP_TEXTS,
    RAW_FOLLOWUP_EDITS,
    RAW_LLM_ANSWERS,
)
from funnel_etl.marts.engagement.drafts import Draftable, draft_id, followup_drafts, followup_texts, mail_states
from funnel_etl.marts.engagement.facts_of_drafts import holds_contact, offers_by_occurrence, quoted
from funnel_etl.marts.engagement.matching import name_keys
from funnel_etl.marts.engagement.messages import Kept
from funnel_etl.marts.engagement.owners import owners_of
from funnel_etl.marts.engagement.priority import followup_priority
from funnel_etl.marts.engagement.reworded import Rewordable
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS
from funnel_etl.settings import PROJECT
from funnel_etl.sources.config_folder import table_bytes
from funnel_etl_tests.unit.marts.engagement.conftest import NIGHT, START, WEBINAR, ZONE, Made, Night, Person, report, v4
from funnel_etl_tests.unit.marts.engagement.test_scores import scores

PEOPLE = (
    Person("Asha Rao", "asha@example.com", "9810000001"),
    Person("Dev Shah", "dev@example.com", "9810000002", was_in=(0, 40)),
    Person("Meena Iyer", "meena@example.com", "9810000007", was_in=None),
)
OCCURRENCE = f"{WEBINAR}-20260923T1800"
ASHA, DEV = draft_id(OCCURRENCE, "9810000001"), draft_id(OCCURRENCE, "9810000002")
OFFERS = (
    "webinar_id,started_at,offer_name,offer_description,price,deadline,replay_url\n"
    f"{WEBINAR},,ACCA Level 1,,Rs 9999,30 September,https://example.org/replay\n"
)
TEMPLATES = templates_of(parse_table("followups", table_bytes(PROJECT / "config_csv", "followups")))
YES = {f"{name}@example.com": "granted" for name in ("asha", "dev", "meena", "family")}


def at(minute: int) -> str:
    return f"{START + pd.Timedelta(minutes=minute):%H:%M:%S}"


CHAT = v4(
    [
        (at(5), "Asha Rao", "What is the fee for level 1?"),
        (at(6), "Dev Shah", "Asha Rao what did they tell you?"),
        (at(7), "Dev Shah", "can you call me on 98100 00002?"),
        (at(8), "Dev Shah", "Is there a recording https://x.example/?a=1 of\tthis?"),
    ]
)


def given(made: Made, **changes: object) -> Draftable:
    webinars = made.webinars
    base = Draftable(
        templates=TEMPLATES,
        language="en",
        offers=offers_by_occurrence(parse_table("webinar_offers", OFFERS.encode()), webinars, ZONE),
        owners={},
        consents=YES,
        bought=frozenset(),
        names=name_keys(made.people),
        edits=RAW_FOLLOWUP_EDITS.empty(),
        rules=NameRules(),
        days=14,
        pause_days=7,
        limit=5_000,
        kept=Kept(NIGHT, 180),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def texts(made: Made, own: Draftable) -> pd.DataFrame:
    said = CHAT_MESSAGES.conform(made.chat.rows), QA_QUESTIONS.conform(made.questions.rows)
    return FOLLOWUP_TEXTS.conform(
        followup_texts(scores(made).reset_index(), made.people, made.webinars, *said, own).rows
    )


def rewordable(own: Draftable) -> Rewordable:
    return Rewordable({each.file: each for each in own.templates.values()}, own.names)


def laid(made: Made, answers: pd.DataFrame | None = None, **changes: object) -> pd.DataFrame:
    own = given(made, **changes)
    answers = RAW_LLM_ANSWERS.empty() if answers is None else answers
    return followup_drafts(texts(made, own), answers, own.edits, rewordable(own), own.kept).rows


def drafts(made: Made, **changes: object) -> pd.DataFrame:
    rows = FOLLOWUP_DRAFTS.conform(laid(made, **changes))
    assert FOLLOWUP_DRAFTS.problems(rows) == []
    return rows.set_index("draft_id")


@pytest.fixture(scope="module")
def made() -> Made:
    return Night([report(PEOPLE)], {f"{WEBINAR}.txt": CHAT}).make()


def test_a_draft_quotes_the_persons_own_question_and_cites_its_row(made: Made) -> None:
    row = drafts(made).loc[ASHA]
    assert row["template"] == "warm.en.txt"
    assert '"What is the fee for level 1?"' in row["body_text"]
    evidence = json.loads(row["evidence"])
    assert evidence["first_question"] == {"value": "What is the fee for level 1?", "file_id": "f0", "source_row": 1}
    assert evidence["price"]["value"] == "Rs 9999"
    assert "https://example.org/replay" in row["body_text"]


def test_nobody_elses_name_and_no_contact_is_quoted(made: Made) -> None:
    body = drafts(made).loc[DEV, "body_text"]
    assert "Asha" not in body
    assert "98100" not in body
    assert '"Is there a recording of this?"' in body


def test_a_draft_of_each_holds_nothing_of_the_others(made: Made) -> None:
    rows = drafts(made)
    people = made.people.set_index("person_key")
    for row in rows.to_dict("records"):
        text = f"{row['subject']} {row['body_text']} {row['evidence']}".casefold()
        others = people.drop(row["person_key"])
        for name, email, phone in others[["display_name", "email", "phone"]].itertuples(index=False):
            assert not any(str(each).casefold() in text for each in (name, email, phone))


def test_a_draft_without_facts_leaves_their_phrases_out() -> None:
    bare = Night([report([Person("Asha Rao", "asha@example.com", "9810000001")])], {}).make()
    text = "\n".join(drafts(bare, offers={}).loc[ASHA, ["subject", "body_text"]])
    assert "None" not in text
    assert "You asked" not in text


REASONS = {
    "no_email": {"people": [Person("Asha Rao", "", "9810000001")]},
    "unsubscribed": {"consents": YES | {"asha@example.com": "withdrawn"}},
    "bounced": {"consents": YES | {"asha@example.com": "bounced"}},
    "no_consent": {"consents": {}},
    "already_bought": {"bought": frozenset({"9810000001"})},
    "suppressed": {"consents": YES | {"asha@example.com": "suppressed"}},
    "no_template": {"templates": {}},
    "ambiguous_person": {"people": [Person("iPhone", "asha@example.com", "9810000001")]},
}


@pytest.mark.parametrize(("reason", "case"), REASONS.items(), ids=REASONS)
def test_a_draft_is_withheld_with_its_reason_and_never_silently_absent(reason: str, case: dict[str, object]) -> None:
    people = case.pop("people", PEOPLE) if "people" in case else PEOPLE
    row = drafts(Night([report(people)], {}).make(), **case).loc[ASHA]  # type: ignore[arg-type]
    assert (row["status"], row["withheld_reason"]) == ("withheld", reason)
    assert pd.isna(row["body_text"])


def test_of_several_reasons_the_first_of_the_list_is_told(made: Made) -> None:
    row = drafts(made, consents={}, templates={}, bought=frozenset({"9810000001"})).loc[ASHA]
    assert row["withheld_reason"] == "no_consent"


def test_of_two_with_one_address_the_higher_score_has_the_draft() -> None:
    family = [
        Person("Asha Rao", "family@example.com", "9810000001", was_in=(0, 10)),
        Person("Dev Rao", "family@example.com", "9810000002"),
    ]
    rows = drafts(Night([report(family)], {}).make())
    assert rows.loc[ASHA, "withheld_reason"] == "shared_email"
    assert rows.loc[DEV, "status"] == "draft"


def edit(of: pd.Series, **changes: object) -> pd.DataFrame:
    row = {
        "file_id": "e",
        "source_row": 2,
        "draft_id": of.name,
        "base_hash": of["base_hash"],
        "subject": of["subject"],
        "body": "My own words.",
        "notes": "call after six",
        "is_approved": False,
        "editor": "gauri",
        "edited_at": pd.Timestamp("2026-09-24 10:00", tz="UTC"),
    }
    return RAW_FOLLOWUP_EDITS.conform(pd.DataFrame([row | changes]))


def test_an_edit_stays_whatever_is_made_again(made: Made) -> None:
    before = drafts(made).loc[ASHA]
    edits = edit(before)
    row = drafts(made, edits=edits).loc[ASHA]
    assert row[["status", "body_text", "notes", "editor"]].tolist() == [
        "edited",
        "My own words.",
        "call after six",
        "gauri",
    ]
    assert pd.isna(row["generated_text"])
    stale = drafts(made, edits=edits, offers={}).loc[ASHA]
    assert (stale["status"], stale["body_text"]) == ("edited_stale", "My own words.")
    assert "What is the fee" in stale["generated_text"]
    approved = drafts(made, edits=edit(before, is_approved=True)).loc[ASHA]
    assert approved["status"] == "approved"
    assert drafts(made, edits=edits, consents={}).loc[ASHA, ["status", "withheld_reason"]].tolist() == [
        "withheld",
        "no_consent",
    ]


def test_without_an_edit_the_text_is_that_of_todays_template(made: Made) -> None:
    other = replace(TEMPLATES["Warm", "en"], text="Hello\nOther words.\n{{ unsubscribe_line }}\n")
    row = drafts(made, templates=TEMPLATES | {("Warm", "en"): other}).loc[ASHA]
    assert row["body_text"].startswith("Other words.")


def test_who_has_an_approved_draft_of_another_webinar_is_left_alone_for_a_week() -> None:
    second = report(PEOPLE, start=START + pd.Timedelta(hours=3), webinar_id="81200001002")
    both = Night([report(PEOPLE), second], {}).make()
    first = drafts_of_both(both).loc[ASHA]
    rows = drafts_of_both(both, edits=edit(first, is_approved=True))
    other = draft_id("81200001002-20260923T2100", "9810000001")
    assert rows.loc[other, "withheld_reason"] == "contacted_recently"
    assert rows.loc[ASHA, "status"] == "approved"


def drafts_of_both(made: Made, **changes: object) -> pd.DataFrame:
    return drafts(made, **changes)


def test_an_old_draft_keeps_its_row_and_not_its_text(made: Made) -> None:
    rows = drafts(made, days=400, kept=Kept(NIGHT + pd.Timedelta(days=200), 180))
    assert rows["subject"].isna().all()
    assert rows["status"].tolist().count("draft") == 3
    assert drafts(made, kept=Kept(NIGHT + pd.Timedelta(days=15), 180)).empty


def test_text_from_a_chat_is_one_line_without_links() -> None:
    assert quoted('see https://x.example/a "now"\n\x07or\u202elater') == "see 'now' or later"
    assert len(quoted("x" * 300)) == 200
    assert holds_contact("write to asha@example.com")
    assert not holds_contact("fee for level 1 in 2026")


def test_the_owner_is_by_webinar_before_conductor_before_profile(made: Made) -> None:
    webinars = made.webinars.assign(conductor="Ritvik Solvane", profile="acca")
    lines = "conductor,profile,webinar_id,role\nritvik solvane,,,by_name\n,acca,,by_profile\n"
    assert owners_of(webinars, parse_table("engagement_owners", lines.encode())) == {OCCURRENCE: "by_name"}
    lines += f",,{WEBINAR},by_id\n"
    assert owners_of(webinars, parse_table("engagement_owners", lines.encode())) == {OCCURRENCE: "by_id"}


def test_what_holds_of_mail_is_by_e_mail_and_by_phone_and_the_stricter_counts(made: Made) -> None:
    state = pd.DataFrame(
        [
            (None, "asha@example.com", "email", "granted"),
            ("919810000001", None, "email", "withdrawn"),
            (None, "dev@example.com", "email", "unknown"),
            (None, "dev@example.com", "whatsapp", "granted"),
        ],
        columns=["user_id", "email", "channel", "state"],
    ).astype("str")
    consents = mail_states(state)
    assert consents == {"asha@example.com": "granted", "9810000001": "withdrawn"}
    assert drafts(made, consents=consents).loc[ASHA, "withheld_reason"] == "unsubscribed"


def test_whom_to_call_first_is_by_tier_then_questions_and_says_why(made: Made) -> None:
    rows = drafts(made).reset_index()
    assigned = pd.DataFrame({"phone": ["9810000001", "9810000001"], "employee": ["Ravi", "Gauri"]})
    assigned["assigned_at"] = pd.to_datetime(["2026-09-01", "2026-09-24"], utc=True)
    table = ASSIGNED_LEADS.only("phone", "assigned_at", "employee").conform(assigned)
    first = followup_priority(rows, scores(made).reset_index(), table, frozenset(), 10).rows
    assert first[["employee", "place", "person_key"]].to_numpy().tolist() == [
        ["(nobody)", 1, "9810000002"],
        ["Gauri", 1, "9810000001"],
    ]
    assert first["reason"].tolist()[1] == "Warm, 1 question, 1 message, there for 100 %, webinar of 2026-09-23"
    bought = followup_priority(rows, scores(made).reset_index(), table, frozenset({"9810000001"}), 10).rows
    assert bought["person_key"].tolist() == ["9810000002"]


@pytest.mark.slow
def test_five_thousand_drafts_are_made() -> None:
    """How long it takes is in docs/reliability.md; `pytest --durations=0` shows it of this machine."""
    people = [
        Person(f"Asha Rao{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x", f"p{n}@example.com", f"98{n:08d}")
        for n in range(5_000)
    ]
    chat = v4(sorted((at(n % 50), one.shown, f"What is the fee for level {n}?") for n, one in enumerate(people)))
    made = Night([report(people)], {f"{WEBINAR}.txt": chat}).make()
    consents = {one.email: "granted" for one in people}
    rows = drafts(made, consents=consents)
    assert (rows["status"] == "draft").sum() == 5_000
