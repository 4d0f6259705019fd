"""Whose a name in a chat is: the vectors C01 … C25 of the design, through the reader and the real transforms."""

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.core.person_names import NameRules
from funnel_etl.demo.people import FIRST, LAST
from funnel_etl.marts.engagement.matching import match, rosters
from funnel_etl.parts.marketing.zoom.reader.chat import read_chat
from funnel_etl_tests.unit.marts.engagement.conftest import START, WEBINAR, ZONE, Night, Person, report, v4

PEOPLE = (
    Person("Priya Nair", "priya@example.com", "9810000001"),
    Person("Rahul Kumar", "rk1@example.com", was_in=(0, 20)),
    Person("Rahul Kumar", "rk2@example.com", was_in=(40, 60)),
    Person("RK (Ravi Krishnan)", "ravi@example.com", first="RK", last=""),
    Person("iPhone", "iphone@example.com"),
    Person("Meena Iyer", "meena@example.com", "9810000007"),
    Person("अनिता शर्मा", "an@example.com"),
    Person("Galaxy A12", "g1@example.com"),
    Person("Galaxy A12", "g2@example.com"),
    Person("Priya Shah", "ps@example.com", was_in=(50, 60)),
)
NAME = f"chat {WEBINAR}.txt"
CASES = {
    "C01 exact": ("Priya Nair", 10, "priya", "exact_name"),
    "C02 case and blanks": ("priya   NAIR", 10, "priya", "exact_name"),
    "C03 swapped words": ("Nair Priya", 10, "priya", "name_variant"),
    "C04 two of one name, one present": ("Rahul Kumar", 10, "rk1", "exact_name_and_time"),
    "C05 two of one name, none present": ("Rahul Kumar", 30, None, "ambiguous"),
    "C07 display name": ("RK", 10, "ravi", "exact_name"),
    "C08 original name": ("Ravi Krishnan", 10, "ravi", "exact_name"),
    "C09 host": ("Ritvik Solvane", 10, None, "staff"),
    "C10 a device, one in the report": ("iPhone", 10, "iphone", "exact_name"),
    "C11 a device, two in the report": ("Galaxy A12", 10, None, "ambiguous"),
    "C12 a device, none in the report": ("iPad", 10, None, "device_name"),
    "C13 phone in the name": ("Meena 98100 00007", 10, "meena", "phone_in_name"),
    "C14 roll number": ("FRM102 - Meena Iyer", 10, "meena", "name_variant"),
    "C15 first name of two": ("Priya", 10, None, "ambiguous"),
    "C16 first name of one": ("Meena", 10, "meena", "weak_name"),
    "C18 typo of a short word": ("Meena Iyerr", 10, None, "unmatched"),
    "C19 another script": ("Anita Sharma", 10, None, "unmatched"),
    "C20 the same script": ("अनिता शर्मा", 10, "an", "exact_name"),
    "C21 a stranger": ("Zoya Khan", 10, None, "unmatched"),
    "C23 signs and pronouns": ("Priya Nair 🌸 (she/her)", 10, "priya", "name_variant"),
    "C24 another surname": ("Priya Menon", 10, None, "unmatched"),
    "C25 initials": ("P. Nair", 10, "priya", "weak_name"),
}


def stamp(minute: int) -> str:
    return f"{START + pd.Timedelta(minutes=minute):%H:%M:%S}"


def told(chat: bytes, **config: str) -> list[tuple[str | None, str]]:
    made = Night([report(PEOPLE)], {NAME: chat}, config).make()
    emails = made.people.set_index("person_key")["email"].to_dict()
    rows = made.chat.rows
    return [
        (emails[key].partition("@")[0] if isinstance(key, str) else None, by)
        for key, by in zip(rows["person_key"], rows["matched_by"], strict=True)
    ]


@pytest.mark.parametrize(("name", "minute", "who", "by"), CASES.values(), ids=CASES)
def test_a_name_is_credited_as_the_design_says(name: str, minute: int, who: str | None, by: str) -> None:
    assert told(v4([(stamp(minute), name, "hello there")])) == [(who, by)]


def test_every_case_in_one_chat_gives_the_same() -> None:
    lines = sorted((stamp(minute), name, "hello there") for name, minute, _, _ in CASES.values())
    wanted = sorted((stamp(minute), name, who or "", by) for name, minute, who, by in CASES.values())
    assert [(who or "", by) for who, by in told(v4(lines))] == [(who, by) for _, _, who, by in wanted]


def test_without_a_clock_two_of_one_name_are_ambiguous() -> None:
    assert told(v4([("03:00:00", "Rahul Kumar", "hello"), ("04:00:00", "Priya Nair", "x")]))[0] == (None, "ambiguous")


def test_a_first_name_after_she_had_left_is_nobodys() -> None:
    assert told(v4([(stamp(70), "Meena", "hello there")])) == [(None, "absent_then")]


def test_an_e_mail_in_the_file_decides() -> None:
    chat = f"Timestamp,Name,Email,Message,Is Question\n2026-09-23 {stamp(10)},Whoever,ps@example.com,hi there,No\n"
    assert told(chat.encode()) == [("ps", "email")]


def test_a_line_of_chat_names_decides_whatever_else_fits() -> None:
    chat = v4([(stamp(10), "Zoya Khan", "hi"), (stamp(11), "Priya", "hi")])
    occurrence = f"{WEBINAR}-20260923T1800"
    lines = f"occurrence_id,sender_name,person_key\n{occurrence},zoya khan,9810000007\n{occurrence},Priya,\n"
    assert told(chat, chat_names=lines) == [("meena", "decided"), (None, "decided")]


def test_names_that_are_nobodys_are_listed_with_who_they_might_be() -> None:
    chat = v4([(stamp(10), "Priya", "hi"), (stamp(11), "Priya", "fee?"), (stamp(12), "Ritvik Solvane", "welcome")])
    made = Night([report(PEOPLE)], {NAME: chat}).make()
    row = made.unmatched.rows.iloc[0]
    assert len(made.unmatched.rows) == 1
    assert (row["sender_name"], row["matched_by"], row["messages"]) == ("Priya", "ambiguous", 2)
    assert row["candidates"] == '["9810000001", "email:ps@example.com"]'
    assert row["config_line"] == f'{WEBINAR}-20260923T1800,"Priya",'


def test_a_share_of_the_chat_that_is_credited_stands_beside_it_and_a_low_one_is_told() -> None:
    chat = v4([(stamp(10), "Zoya Khan", "hi"), (stamp(11), "Priya Nair", "hi"), (stamp(12), "Ritvik Solvane", "hi")])
    share = Night([report(PEOPLE)], {NAME: chat}).make().share
    assert share.rows[["messages", "credited", "chat_credited_pct"]].to_numpy().tolist() == [[2, 1, 50.0]]
    assert "only 50 %" in share.notes[0]


@pytest.mark.slow
def test_twenty_two_thousand_messages_of_five_thousand_people_are_read_and_matched() -> None:
    """How long it takes is in docs/reliability.md; `pytest --durations=0` shows it of this machine."""
    people = [
        Person(f"{FIRST[n % 36]} {LAST[n // 36 % 24]}{'abcdefg'[n // 864]}oo", f"p{n}@example.com")
        for n in range(5_000)
    ]
    names = [one.shown if n % 5 else " ".join(reversed(one.shown.split())) for n, one in enumerate(people)]
    names += [f"{FIRST[n % 36]} Stranger{'abcdefghij'[n % 10]}" for n in range(1_000)]
    data = v4(sorted((stamp(n % 60), names[n * 7 % len(names)], f"message number {n}") for n in range(22_000)))
    made = Night([report(people)], {}).make()
    rows = read_chat(data, file_id="f", zone=ZONE).rows
    occurrence = made.webinars["occurrence_id"].iloc[0]
    found = rosters(made.people, {}, parse_table("chat_names", None), NameRules(), [occurrence])
    sent_at = pd.to_datetime(START) + pd.to_timedelta(rows["stamp_seconds"].astype("int64") % 3600, unit="s")
    matched = match(rows.assign(occurrence_id=occurrence, sent_at=sent_at.dt.tz_convert("UTC")), found).rows
    assert len(matched) == 22_000
    assert matched["person_key"].notna().mean() > 0.6
