"""What people see of the facts: pictures that are small and always the same, tables of what moved."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from funnel_etl.marts.funnel import pictures
from funnel_etl.marts.funnel.contracts import FUNNEL_FACTS, MEASURES

pytestmark = pytest.mark.slow

DAY = pd.Timestamp("2026-11-20")
HEAD = "date,funnel,leads,registrations,attendances,m0_assigned,sales,revenue_inr,spend_inr\n"
LIMIT = 60_000
MANY = "".join(
    f"2026-11-{day:02},F{number},{number + 1},1,1,1,1,10,5\n" for day in range(1, 21) for number in range(30)
)
ODD = ["$x_1$ ^{", "_hidden", "हिन्दी", "a|b*c`<b>&", "x" * 200, "", "line\nbreak", "#", "%s {0}"]
Facts = Callable[[str], pd.DataFrame]


@pytest.fixture
def facts(table_of: Callable[..., pd.DataFrame]) -> Facts:
    return lambda rows: table_of(FUNNEL_FACTS, HEAD + rows)


def odd_names() -> pd.DataFrame:
    rows = [{"date": DAY, "funnel": name, **dict.fromkeys(MEASURES, 30 + at)} for at, name in enumerate(ODD)]
    return FUNNEL_FACTS.conform(pd.DataFrame(rows))


CASES = {
    "one_day": "2026-11-20,Webinar,40,20,9,7,2,5000,1000\n",
    "only_old_days": "2024-01-05,Webinar,40,20,9,7,2,5000,1000\n",
    "zeros": "2026-11-20,Webinar,0,0,0,0,0,0,0\n",
    "refunds": "2026-11-20,Webinar,0,0,0,0,1,-5000,-10\n",
    "many_funnels": MANY,
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES)
def test_pictures_are_small_pngs_and_the_same_facts_give_the_same_bytes(facts: Facts, rows: str) -> None:
    given = facts(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = pictures.shown(given, DAY)
    drawn = [what for what in seen.values() if isinstance(what, bytes)]
    assert len(drawn) == 2
    for picture in drawn:
        assert len(picture) < LIMIT
        image = Image.open(io.BytesIO(picture))
        assert image.format == "PNG"
        assert image.size[0] == 900
        assert image.info == {}
    assert pictures.shown(given, DAY) == seen


def test_without_facts_there_is_nothing_to_draw(facts: Facts) -> None:
    assert pictures.shown(facts(""), DAY) == {
        "funnel_this_month": "No source has a row yet, so there is nothing to draw."
    }


def test_funnels_with_odd_names_are_drawn_and_listed_without_breaking_the_table() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = pictures.shown(odd_names(), DAY)
    assert all(len(what) < LIMIT for what in seen.values() if isinstance(what, bytes))
    lines = str(seen["top_movers"]).splitlines()
    # Every row of a table has the six cells of its head: a bar in a name would make a seventh.
    rows = [line.replace("\\|", "") for line in lines if line.startswith("| ")]
    assert len(rows) > len(ODD)
    assert {row.count("|") for row in rows} == {7}


def test_the_picture_of_the_month_shows_its_days_only(facts: Facts) -> None:
    inside = "2026-11-01,Webinar,40,20,9,7,2,5000,1000\n2026-11-20,Webinar,4,2,1,1,1,5000,1000\n"
    outside = "2026-10-31,Webinar,900,2,1,1,1,5,5\n2026-11-21,Webinar,900,2,1,1,1,5,5\n"
    assert pictures.funnel_chart(facts(inside), DAY) == pictures.funnel_chart(facts(inside + outside), DAY)
    assert pictures.funnel_chart(facts(inside), DAY) != pictures.funnel_chart(facts(outside), DAY)


def test_the_trend_begins_sixty_days_back_and_its_means_reach_six_days_further(facts: Facts) -> None:
    now = "2026-11-20,Webinar,4,2,1,1,1,5000,1000\n"

    def drawn(day: str) -> bytes:
        return pictures.trend(facts(f"{now}{day},Webinar,90,2,9,1,9,5,5\n"), DAY)

    assert drawn("2026-09-22") != drawn("2026-09-21")
    assert drawn("2026-09-16") != drawn("2026-09-15")
    assert drawn("2026-09-15") == pictures.trend(facts(now), DAY)
    assert drawn("2026-11-21") == pictures.trend(facts(now), DAY)


def movers(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """The cells of both tables, without their heads."""
    tables = text.split("**Largest relative changes**")
    cells = [[part.strip() for part in line.strip("|").split("|")] for line in text.splitlines() if line[:2] == "| "]
    cells = [row for row in cells if row[0] not in {"measure", "---"}]
    first = sum(line.startswith("| ") for line in tables[0].splitlines()) - 2
    return cells[:first], cells[first:]


def test_a_week_is_compared_with_the_one_before_and_days_beyond_them_count_for_nothing(facts: Facts) -> None:
    rows = (
        "2026-11-20,A,30,0,0,0,0,0,0\n2026-11-14,A,5,0,0,0,0,0,0\n"
        "2026-11-13,A,20,0,0,0,0,0,0\n2026-11-07,A,8,0,0,0,0,0,0\n"
        "2026-11-06,A,999,0,0,0,0,0,0\n2026-11-21,A,999,0,0,0,0,0,0\n"
    )
    largest, relative = movers(pictures.top_movers(facts(rows), DAY))
    assert largest == relative == [["leads", "A", "28", "35", "+7", "+25%"]]


def test_each_measure_names_the_funnels_that_moved_most_and_money_is_in_rupees(facts: Facts) -> None:
    rows = (
        "2026-11-20,A,10,0,0,0,0,20000,0\n2026-11-20,B,2,0,0,0,0,0,0\n2026-11-20,C,50,0,0,0,0,0,0\n"
        "2026-11-10,A,40,0,0,0,0,50000.49,0\n2026-11-10,B,1,0,0,0,0,0,0\n"
    )
    largest, relative = movers(pictures.top_movers(facts(rows), DAY))
    assert largest == [
        ["leads", "C", "0", "50", "+50", "new"],
        ["leads", "A", "40", "10", "-30", "-75%"],
        ["revenue_inr", "A", "₹50,000.49", "₹20,000.00", "-₹30,000.49", "-60%"],
    ]
    # What is new has no relative change; from 1 to 2 is too little to tell.
    assert [row[:2] for row in relative] == [["leads", "A"], ["revenue_inr", "A"]]


def test_two_weeks_alike_say_that_nothing_moved(facts: Facts) -> None:
    rows = "2026-11-20,A,30,1,1,1,1,1,1\n2026-11-10,A,30,1,1,1,1,1,1\n"
    text = pictures.top_movers(facts(rows), DAY)
    assert text.count("nothing moved") == 2
    assert movers(text) == ([], [])


def test_the_funnel_shows_counts_and_no_share_of_a_stage_that_it_is_no_part_of(
    facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 10: "515 % of attendances" stood beside M0, which needs no attendance."""
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "_png", drawn.append)
    pictures.funnel_chart(facts("2026-11-20,Webinar,1234567,90,20,103,7,5000,1000\n"), DAY)
    texts = [text.get_text().strip() for text in drawn[0].axes[0].texts]
    assert texts == ["12,34,567", "90", "20", "103", "7"]


def test_money_on_the_trend_is_in_rupees_with_indian_grouping(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(pictures, "_png", drawn.append)
    pictures.trend(facts("2026-11-20,Webinar,4,2,1,1,1,1250000,1000\n"), DAY)
    money = [label.get_text() for label in drawn[0].axes[-1].get_yticklabels()]
    assert "\u20b910,00,000" in money or "\u20b912,00,000" in money, money
