"""What counts for whom: credited messages, once a minute; questions once; everybody of a webinar in one tier."""

import pandas as pd

from funnel_etl.marts.engagement.contracts import CHAT_MESSAGES, POLL_ANSWERS, QA_QUESTIONS
from funnel_etl.marts.engagement.score_contracts import ENGAGEMENT_SCORES
from funnel_etl.marts.engagement.score_rules import DEFAULT_RULES
from funnel_etl.marts.engagement.scores import Counting, engagement_scores
from funnel_etl_tests.unit.marts.engagement.conftest import NIGHT, START, WEBINAR, Made, Night, Person, report, v4

PEOPLE = (
    Person("Asha Rao", "asha@example.com", "9810000001"),
    Person("Dev Shah", "dev@example.com", "9810000002", was_in=(0, 30)),
    Person("Meena Iyer", "meena@example.com", "9810000007", was_in=None),
)
OCCURRENCE = f"{WEBINAR}-20260923T1800"


def scores(made: Made, *registered: str, sure: tuple[str, ...] = ("exact", "medium")) -> pd.DataFrame:
    keys = pd.DataFrame({"occurrence_id": OCCURRENCE, "person_key": pd.Series(registered, dtype="str")})
    registrations = keys.assign(phone=keys["person_key"], email=keys["person_key"].str.removeprefix("email:"))
    outcome = engagement_scores(
        made.people,
        registrations,
        made.webinars,
        made.share.rows,
        CHAT_MESSAGES.conform(made.chat.rows),
        QA_QUESTIONS.conform(made.questions.rows),
        POLL_ANSWERS.conform(made.polls.rows),
        counting=Counting(DEFAULT_RULES, sure),
        as_of=NIGHT,
    )
    rows = ENGAGEMENT_SCORES.conform(outcome.rows)
    assert ENGAGEMENT_SCORES.problems(rows) == []
    return rows.set_index("person_key")


def at(second: int) -> str:
    return f"{START + pd.Timedelta(minutes=10, seconds=second):%H:%M:%S}"


def test_without_a_chat_nobody_is_hot_and_with_it_the_same_person_is() -> None:
    alone = scores(Night([report(PEOPLE)], {}).make())
    assert alone.loc["9810000001", ["score", "tier", "is_capped", "score_basis"]].tolist() == [
        100, "Warm", True, "attendance",
    ]  # fmt: skip
    chat = v4([(at(n * 70), "Asha Rao", f"Is there a recording {n}?") for n in range(5)])
    row = scores(Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()).loc["9810000001"]
    assert row[["score", "tier", "is_capped", "messages", "questions"]].tolist() == [100, "Hot", False, 5, 5]
    assert row["evidence"].count("f0") == 10


def test_everybody_registered_or_there_is_in_one_tier() -> None:
    rows = scores(Night([report(PEOPLE)], {}).make(), "9810000001", "9810000099")
    assert rows["tier"].to_dict() == {
        "9810000001": "Warm",
        "9810000002": "Cool",
        "9810000007": "No-Show",
        "9810000099": "No-Show",
    }
    assert rows.loc[["9810000007", "9810000099"], "score"].isna().all()


def test_the_same_text_again_within_a_minute_counts_once() -> None:
    chat = v4([(at(0), "Asha Rao", "fees?"), (at(30), "Asha Rao", "FEES?"), (at(95), "Asha Rao", "fees?")])
    assert scores(Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()).loc["9810000001", "messages"] == 2


def test_a_question_in_chat_and_report_counts_once_and_a_private_one_does_not() -> None:
    chat = v4([(at(0), "Asha Rao", "What is the fee?")])
    chat += f"{at(9)} From Asha Rao to Ritvik Solvane(Direct Message):\n\tIs there a discount?\n".encode()
    asked = (
        f'Question Report\nTopic,Webinar ID,Actual Start Time\nA,{WEBINAR},"Sep 23, 2026 18:00:00"\n'
        "#,Question,Asker Name,Asker Email,Answer(s)\n1,what is the FEE?,Asha Rao,asha@example.com,\n"
        "2,When does it start?,Asha Rao,asha@example.com,\n"
    ).encode()
    row = scores(Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat, "qa.csv": asked}).make()).loc["9810000001"]
    assert row[["messages", "questions"]].tolist() == [1, 2]


def test_a_name_that_is_nearly_somebodys_counts_only_where_the_settings_say_so() -> None:
    night = Night([report(PEOPLE)], {f"{WEBINAR}.txt": v4([(at(0), "Rao Asha", "hello there")])})
    assert scores(night.make()).loc["9810000001", "messages"] == 1
    assert scores(night.make(), sure=("exact",)).loc["9810000001", "messages"] == 0


def test_reactions_count_for_nothing() -> None:
    chat = v4([(at(0), "Asha Rao", "hello there"), (at(5), "Asha Rao", 'Reacted to "hello there" with 👍')])
    row = scores(Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()).loc["9810000001"]
    assert (row["messages"], row["points"]) == (1, '{"attendance": 100, "chat": 40, "questions": 0}')


def test_an_occurrence_after_the_night_has_no_scores() -> None:
    late = START + pd.Timedelta(days=3)
    assert scores(Night([report(PEOPLE, start=late)], {}).make()).empty


def test_who_registered_without_a_phone_and_came_with_one_is_no_no_show() -> None:
    rows = scores(Night([report(PEOPLE)], {}).make(), "email:asha@example.com", "email:nobody@example.com")
    assert "email:asha@example.com" not in rows.index
    assert rows.loc["email:nobody@example.com", "tier"] == "No-Show"
