import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.parts.marketing.zoom.clean.topics import (
    bootcamp_days,
    categories,
    day_in_topic,
    is_bootcamp,
    without_day,
)

SATURDAY, SUNDAY, TUESDAY = "2026-04-04", "2026-04-05", "2026-04-07"


@pytest.mark.parametrize(
    "topic",
    ["Saturday 2 PM", "Day 10", "Birthday 2", "Weekday 2.0", "Monday 1st", "Bootcamp Day 3", "Bootcamp", ""],
)
def test_a_topic_that_names_no_bootcamp_day_has_none(topic: str) -> None:
    assert day_in_topic(topic) is None


@pytest.mark.parametrize(
    ("topic", "day"),
    [
        ("Bootcamp Day 1", "Day 1"),
        ("Bootcamp day2", "Day 2"),
        ("DAY-1 | Bootcamp", "Day 1"),
        ("Bootcamp_Day_2", "Day 2"),
        ("Bootcamp Day - 2", "Day 2"),
        ("Day\u00a01 Bootcamp", "Day 1"),
        ("Bootcamp Day 1 & Day 2", "Both"),
        ("Day 1 and day 1 again", "Day 1"),
    ],
)
def test_the_bootcamp_day_is_read_out_of_the_topic(topic: str, day: str) -> None:
    assert day_in_topic(topic) == day


@pytest.mark.parametrize(
    ("topic", "date", "day", "source"),
    [
        ("Bootcamp Day 2", SATURDAY, "Day 2", "topic"),
        ("Bootcamp", SATURDAY, "Day 1", "weekday"),
        ("Bootcamp Saturday 2 PM", SUNDAY, "Day 2", "weekday"),
        ("Bootcamp", TUESDAY, "Day 1", "default"),
    ],
    ids=["the topic goes before the weekday", "Saturday", "Sunday", "any other day"],
)
def test_the_bootcamp_day_comes_from_topic_then_weekday_then_default(topic, date, day, source) -> None:
    days = bootcamp_days(pd.Series([topic], dtype="str"), pd.Series(pd.to_datetime([date])))
    assert days.loc[0].tolist() == [day, source]


@pytest.mark.parametrize(
    ("topic", "bare"),
    [
        ("Data Bootcamp - Day 1", "Data Bootcamp"),
        ("Day 2: Data Bootcamp", "Data Bootcamp"),
        ("Data Bootcamp (Day 1)", "Data Bootcamp"),
        ("Data Bootcamp Day 1 & Day 2", "Data Bootcamp"),
        ("Data Bootcamp | Day-2 | Excel", "Data Bootcamp | | Excel"),
        ("Holiday Bootcamp", "Holiday Bootcamp"),
    ],
)
def test_a_topic_without_its_day_is_the_same_on_both_days(topic: str, bare: str) -> None:
    assert without_day(topic) == bare


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("Python BOOTCAMP", True), ("python_bootcamp_day1", True), ("Bootcamps", False), ("Webinar", False)],
)
def test_a_bootcamp_has_the_word_in_its_topic(topic: str, expected: bool) -> None:
    assert is_bootcamp(pd.Series([topic], dtype="str")).tolist() == [expected]


TOKENS = parse_table(
    "category_tokens", b"token,category\nacca,ACCA\ncma,CMA\nus cma,US CMA\nm&a,MA\nfrm,FRM\ncpa,CPA\nus-cma,US CMA\n"
)


@pytest.mark.parametrize(
    ("topic", "category"),
    [
        ("ACCA Masterclass", "ACCA"),
        ("How to crack (acca)?", "ACCA"),
        ("acca_masterclass", "ACCA"),
        ("Maccabi against the ACCAs", None),
        ("CMA or not", "CMA"),
        ("US  CMA in a year", "US CMA"),
        ("M&A for lawyers", "MA"),
        ("M&As", None),
        (None, None),
    ],
)
def test_the_category_is_the_longest_token_that_is_a_word_of_the_topic(topic, category) -> None:
    found = categories(pd.Series([topic], dtype="str"), TOKENS)
    assert found["category"].replace({float("nan"): None}).tolist() == [category]
    assert not found["is_tie"].any()


def test_two_tokens_of_one_length_are_a_tie_and_the_first_of_the_file_is_taken() -> None:
    found = categories(pd.Series(["CPA, CMA or FRM?", "US CMA (US-CMA)"], dtype="str"), TOKENS)
    assert found["category"].tolist() == ["CMA", "US CMA"]
    assert found["is_tie"].tolist() == [True, False]
