"""Which webinar a file is of, and what its lines become: never guessed, never private, never twice."""

import pandas as pd
import pytest

from funnel_etl.core.tables.accounting import LedgerLine
from funnel_etl.marts.engagement.asking import is_question
from funnel_etl_tests.unit.marts.engagement.conftest import START, WEBINAR, ZONE, Night, Person, report, v4

PEOPLE = (Person("Asha Rao", "asha@example.com", "9810000001"), Person("Dev Shah", "dev@example.com", "9810000002"))
OTHERS = (Person("Zoya Khan", "zoya@example.com"), Person("Omkar Renvik", "omkar@example.com"))
FIRST = f"{WEBINAR}-20260923T1800"
CHAT = v4([("18:05:00", "Asha Rao", "Good evening"), ("18:06:00", "Dev Shah", "fees kitni hai")])


def tied(night: Night) -> list[tuple[str | None, str | None]]:
    rows = night.make().files
    return [
        (o if isinstance(o, str) else None, by if isinstance(by, str) else None)
        for o, by in zip(rows["occurrence_id"], rows["tied_by"], strict=True)
    ]


def test_a_webinar_id_in_the_name_ties() -> None:
    assert tied(Night([report(PEOPLE)], {f"chat_{WEBINAR}.txt": CHAT})) == [(FIRST, "name")]
    assert tied(Night([report(PEOPLE)], {"chat 812 0000 1001.txt": CHAT})) == [(FIRST, "name")]


def test_of_several_runs_of_one_webinar_the_days_decide_or_it_waits() -> None:
    week = pd.Timedelta(days=7)
    both = [report(PEOPLE), report(PEOPLE, start=START + week)]
    assert tied(Night(both, {f"{WEBINAR}.txt": CHAT})) == [(FIRST, "name")]
    assert tied(Night(both, {f"{WEBINAR}.txt": CHAT}, received_at=START + 2 * week)) == [(None, None)]
    assert tied(Night(both, {"x.txt": CHAT}, folder=f"2026-09-30 18.05.11 ACCA {WEBINAR}")) == [
        (f"{WEBINAR}-20260930T1800", "name")
    ]


def test_a_name_with_another_day_than_the_only_webinar_waits() -> None:
    assert tied(Night([report(PEOPLE)], {f"2026-09-30 {WEBINAR}.txt": CHAT})) == [(None, None)]


def test_the_time_of_a_cloud_recording_ties_and_its_stamps_begin_there() -> None:
    chat = b"00:05:32\tAsha Rao:\tRatio 2:1 is right\n"
    made = Night([report(PEOPLE)], {"GMT20260923-123505_Recording.txt": chat}).make()
    assert made.files[["occurrence_id", "tied_by", "clock"]].to_numpy().tolist() == [[FIRST, "recording", "relative"]]
    assert made.chat.rows["sent_at"].iloc[0] == pd.Timestamp("2026-09-23 12:40:37", tz="UTC")


def test_days_in_the_stamps_tie() -> None:
    chat = b"2026-09-23 18:05:11 From Asha Rao to Everyone:\n\thi\n"
    assert tied(Night([report(PEOPLE)], {"meeting_saved_new_chat.txt": chat})) == [(FIRST, "stamps")]
    later = b"2026-09-25 18:05:11 From Asha Rao to Everyone:\n\thi\n"
    assert tied(Night([report(PEOPLE)], {"meeting_saved_new_chat.txt": later})) == [(None, None)]


def test_a_clock_ties_only_together_with_the_names() -> None:
    assert tied(Night([report(PEOPLE)], {"meeting_saved_chat.txt": CHAT})) == [(FIRST, "clock")]
    strangers = v4(
        [("18:05:00", "Yash Gelmar", "hi"), ("18:06:00", "Dev Shah", "hi"), ("18:07:00", "Uday Elvoor", "x")]
    )
    assert tied(Night([report(PEOPLE)], {"meeting_saved_chat.txt": strangers})) == [(None, None)]
    other = report(OTHERS, webinar_id="81200001002")
    assert tied(Night([report(PEOPLE), other], {"meeting_saved_chat.txt": CHAT})) == [(FIRST, "clock")]


def test_a_chat_that_fits_two_webinars_waits_until_a_line_says_which() -> None:
    two = [report(PEOPLE), report(PEOPLE, webinar_id="81200001002")]
    made = Night(two, {"meeting_saved_chat.txt": CHAT}).make()
    row = made.files.iloc[0]
    assert (row["state"], len(made.chat.rows)) == ("waits", 0)
    assert "chat_files.csv" in row["why"]
    assert made.chat.ledger[0].reasons == {"excluded:file_waits": 2}
    line = "file_name,webinar_id,started_at\nmeeting_saved_chat.txt,812 0000 1002,2026-09-23 18:00\n"
    assert tied(Night(two, {"meeting_saved_chat.txt": CHAT}, {"chat_files": line})) == [
        ("81200001002-20260923T1800", "chat_files")
    ]


def test_the_day_goes_on_after_midnight() -> None:
    late = START + pd.Timedelta(hours=5, minutes=30)
    chat = v4([("23:58:10", "Asha Rao", "still here"), ("00:01:02", "Dev Shah", "me too")])
    rows = Night([report(PEOPLE, start=late)], {f"{WEBINAR}.txt": chat}).make().chat.rows
    local = rows["sent_at"].dt.tz_convert(ZONE).dt.strftime("%d %H:%M:%S").tolist()
    assert local == ["23 23:58:10", "24 00:01:02"]


def test_a_clock_that_fits_nothing_is_unknown_and_the_rest_stays() -> None:
    chat = v4([("03:05:00", "Asha Rao", "hi"), ("03:06:00", "Dev Shah", "Is there a recording?")])
    made = Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()
    assert made.files["clock"].tolist() == ["unknown"]
    assert made.chat.rows["sent_at"].isna().all()
    assert made.chat.rows["is_question"].tolist() == [False, True]
    assert made.chat.ledger[0].cell_warnings == 2


SAVED = (
    b"18:05:00 From Asha Rao to Everyone:\n\tWhat is the fee for level one please\n"
    b"18:06:00 From Dev Shah to Everyone:\n\tGood evening\n"
)
LOG = (
    b"18:05:01\t From  Asha Rao : What is the fee for level 1\n"
    b"18:06:01\t From  Dev Shah : Good evening\n"
    b'18:06:30\t From  Asha Rao : Reacted to "Good evening" with \xf0\x9f\x91\x8d\n'
)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_files_of_one_chat_are_one_in_either_order(order: tuple[int, int]) -> None:
    files = [(f"{WEBINAR} saved.txt", SAVED), (f"{WEBINAR} chat.txt", LOG)]
    made = Night([report(PEOPLE)], dict(files[n] for n in order)).make()
    rows = made.chat.rows
    assert list(zip(rows["sender_name"], rows["kind"], rows["text"], strict=True)) == [
        ("Asha Rao", "message", "What is the fee for level one please"),
        ("Dev Shah", "message", "Good evening"),
        ("Asha Rao", "reaction", 'Reacted to "Good evening" with 👍'),
    ]
    assert rows["position"].tolist() == [1, 2, 3]
    assert made.chat.ledger[0].reasons["merged:same_message"] == 2


def test_a_reaction_that_was_taken_back_is_gone() -> None:
    chat = v4(
        [
            ("18:05:00", "Asha Rao", "Good evening"),
            ("18:05:10", "Dev Shah", 'Reacted to "Good evening" with 👍'),
            ("18:05:20", "Dev Shah", 'Removed a 👍 reaction from "Good evening"'),
        ]
    )
    made = Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()
    assert made.chat.rows["kind"].tolist() == ["message", "unreaction"]
    assert made.chat.ledger[0].reasons == {"merged:taken_back": 1}


def test_of_private_messages_only_those_to_a_host_are_kept_and_ask_nothing() -> None:
    chat = (
        b"18:05:00 From Asha Rao to Dev Shah(Direct Message):\n\tsecret of two\n"
        b"18:06:00 From Asha Rao to Ritvik Solvane(Direct Message):\n\tIs there a discount?\n"
        b"18:07:00 From Dev Shah to Everyone:\n\thello all\n"
    )
    made = Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()
    rows = made.chat.rows
    assert rows[["audience", "text", "is_question"]].to_numpy().tolist() == [
        ["private", "Is there a discount?", False],
        ["everyone", "hello all", False],
    ]
    assert "secret of two" not in "".join(str(vars(line)) for line in made.chat.ledger) + rows.to_csv()
    assert made.chat.quarantine.empty
    by_name = {line.input_name: line for line in made.chat.ledger}
    assert by_name["private"].reasons == {"excluded:private": 1}


def test_private_lines_are_not_kept_before_the_hosts_are_known() -> None:
    chat = b"18:06:00 From Asha Rao to Ritvik Solvane(Direct Message):\n\tmine\n"
    chat += b"18:07:00 From Dev Shah to Everyone:\n\thi\n"
    made = Night([report(PEOPLE, hosts=())], {f"{WEBINAR}.txt": chat}).make()
    assert made.chat.rows["text"].tolist() == ["hi"]


def test_text_goes_when_it_is_older_than_is_kept_and_the_counts_stay() -> None:
    def rows(day: str) -> pd.DataFrame:
        return Night([report(PEOPLE)], {f"{WEBINAR}.txt": CHAT}, as_of=pd.Timestamp(day)).make().chat.rows

    fresh, last, old = rows("2026-09-24"), rows("2027-03-22"), rows("2027-03-23")
    assert last["text"].notna().all()
    assert old["text"].isna().all()
    kept = ["message_id", "text_hash", "is_question", "is_noise", "person_key"]
    pd.testing.assert_frame_equal(fresh[kept], old[kept])


def test_every_row_of_a_chat_is_accounted_for() -> None:
    chat = b"no header\n" + CHAT + b"18:09:00 From Asha Rao to Dev Shah(Direct Message):\n\tpsst\n"
    made = Night([report(PEOPLE)], {f"{WEBINAR}.txt": chat}).make()
    lines: list[LedgerLine] = made.chat.ledger
    assert all(line.balances for line in lines)
    assert made.chat.quarantine["reason"].tolist() == ["no_header"]


QA = f"""Question Report
Report Generated:,"Sep 24, 2026 10:00:00"
Topic,Webinar ID,Actual Start Time
ACCA Masterclass,{WEBINAR},"Sep 23, 2026 18:00:00"
#,Question,Asker Name,Asker Email,Answer(s)
1,What is the fee?,Asha Rao,asha@example.com,Answered by Ritvik Solvane: 9999
2,Is it recorded?,anonymous,,live answered
"""
POLL = f"""Poll Report
Report generated time,09/24/2026 06:18:23 PM

Topic,Webinar ID,Actual Start Time,# Poll
ACCA Masterclass,{WEBINAR},09/23/2026 06:00:00 PM,1

#,User Name,User Email,Submitted Time (Asia/Kolkata),Question,Answer
1,Whoever,dev@example.com,09/23/2026 06:30:00 PM,Which exam?,ACCA
2,Anonymous Attendee,,09/23/2026 06:30:10 PM,Which exam?,CFA
"""


def test_polls_and_questions_are_tied_by_their_head_and_matched_by_e_mail_else_name() -> None:
    made = Night([report(PEOPLE)], {"poll.csv": POLL.encode(), "qa.csv": QA.encode()}).make()
    assert made.files["tied_by"].tolist() == ["report", "report"]
    keys = ["9810000002", None]
    assert [k if isinstance(k, str) else None for k in made.polls.rows["person_key"]] == keys
    assert made.polls.rows["matched_by"].tolist() == ["email", "anonymous"]
    assert made.questions.rows["matched_by"].tolist() == ["email", "anonymous"]
    assert made.questions.rows["is_live_answer"].tolist() == [False, True]
    assert made.unmatched.rows.empty


def test_two_reports_of_one_poll_count_an_answer_once() -> None:
    again = POLL.replace("06:18:23", "07:18:23").encode()
    made = Night([report(PEOPLE)], {"a.csv": POLL.encode(), "b.csv": again}).make()
    assert len(made.polls.rows) == 2
    assert made.polls.ledger[0].reasons == {"merged:same_answer": 2}


@pytest.mark.parametrize(
    "text",
    ["Is there a recording?", "fees kitni hai", "What is the fee for level 1", "kya recording milega", "क्या फीस है？"],
)
def test_a_question_is_one(text: str) -> None:
    assert is_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "What a session",
        "What a lovely long session today",
        "ok?",
        "https://x.example/?a=1",
        "Thanks! Will join tomorrow",
        "1?",
        "Sir ji fee structure batao",
        "kya baat hai",
        "",
    ],
)
def test_no_question_is_none(text: str) -> None:
    assert not is_question(text)


def test_two_of_a_family_with_one_phone_are_two_people() -> None:
    family = (
        Person("Asha Rao", "family@example.com", "9810000001", first="Asha", last="Rao"),
        Person("Dev Rao", "family@example.com", "9810000001", was_in=(0, 20), first="Dev", last="Rao"),
    )
    made = Night([report(family)], {f"{WEBINAR}.txt": v4([("18:05:00", "Dev Rao", "hello there")])}).make()
    assert made.people["person_key"].tolist() == ["9810000001", "9810000001|dev rao"]
    assert made.people["minutes_union"].tolist() == [60, 20]
    assert made.chat.rows["person_key"].tolist() == ["9810000001|dev rao"]
