"""The score: the vectors S01 … S28 of the design, and equal to exact fractions on a million random inputs."""

from fractions import Fraction
from math import floor

import numpy as np
import pandas as pd
import pytest

from funnel_etl.core.config_engagement import DEFAULT_BANDS, DEFAULT_TIERS, DEFAULT_WEIGHTS
from funnel_etl.core.config_models import TABLES
from funnel_etl.core.config_tables import check_together, parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.marts.engagement.score_rules import DEFAULT_RULES, ScoreRules, scored

NAMES = ("focus", "attendance", "chat", "questions")


def known(**given: object) -> pd.DataFrame:
    """Return what is known of one person: minutes of 10,000, so that a hundredth of a percent is a minute."""
    row = {
        "has_attendee_report": True,
        "attended": True,
        "minutes_union": None,
        "duration_minutes": 10_000,
        "focus_pct": None,
        "has_chat": False,
        "has_questions": False,
        "messages": 0,
        "questions": 0,
    }
    frame = pd.DataFrame([row | given])
    return frame.astype(
        {"minutes_union": "Int64", "duration_minutes": "Int64", "focus_pct": "float64", "attended": "boolean"}
    )


CHAT = {"has_chat": True, "has_questions": True}
S = {
    "S01": (
        dict(focus_pct=100, minutes_union=10_000, messages=5, questions=2, **CHAT),
        (100, 100, 100, 100),
        100,
        "Hot",
    ),
    "S02": (dict(minutes_union=10_000, messages=5, questions=2, **CHAT), (None, 100, 100, 100), 100, "Hot"),
    "S03": ({"minutes_union": 10_000}, (None, 100, None, None), 100, "Warm capped"),
    "S04": ({"minutes_union": 8_999}, (None, 70, None, None), 70, "Warm"),
    "S05": ({"minutes_union": 9_000}, (None, 100, None, None), 100, "Warm capped"),
    "S06": (dict(minutes_union=7_500, messages=1, **CHAT), (None, 70, 40, 0), 48, "Cool"),
    "S07": (dict(minutes_union=10_000, **CHAT), (None, 100, 0, 0), 50, "Cool"),
    "S08": (dict(minutes_union=5_000, messages=5, questions=2, **CHAT), (None, 40, 100, 100), 70, "Warm"),
    "S09": (dict(minutes_union=4_999, **CHAT), (None, 0, 0, 0), 0, "Cold"),
    "S10": (dict(minutes_union=7_600, messages=4, questions=1, **CHAT), (None, 70, 70, 70), 70, "Warm"),
    "S11": (dict(minutes_union=10_500, **CHAT), (None, 100, 0, 0), 50, "Cool"),
    "S12": (dict(messages=6, questions=1, **CHAT), (None, None, 100, 70), 90, "Warm capped"),
    "S13": ({}, (None, None, None, None), None, "Unscored"),
    "S14": ({"has_questions": True, "questions": 2}, (None, None, None, 100), None, "Unscored"),
    "S15": ({"attended": False, "minutes_union": 0}, (None, None, None, None), None, "No-Show"),
    "S16": ({"has_attendee_report": False, "attended": None}, (None, None, None, None), None, "Unknown"),
    "S17": (dict(focus_pct=79, minutes_union=8_900, messages=2, questions=1, **CHAT), (70, 70, 40, 70), 64, "Warm"),
    "S18": (dict(focus_pct=80, minutes_union=9_000, **CHAT), (100, 100, 0, 0), 70, "Warm"),
    "S19": (dict(focus_pct=39.9, minutes_union=9_000, messages=5, questions=2, **CHAT), (0, 100, 100, 100), 60, "Warm"),
    "S20": (dict(focus_pct=60, minutes_union=7_500, messages=3, questions=1, **CHAT), (70, 70, 70, 70), 70, "Warm"),
    "S21": (dict(focus_pct=40, minutes_union=5_000, messages=1, **CHAT), (40, 40, 40, 0), 36, "Cold"),
    "S22": (dict(focus_pct=11, minutes_union=7_400, **CHAT), (0, 40, 0, 0), 12, "Cold"),
    "S23": ({"focus_pct": 80, "minutes_union": 7_500}, (100, 70, None, None), 87, "Hot"),
    "S24": (dict(minutes_union=0, **CHAT), (None, 0, 0, 0), 0, "Cold"),
    "S25": ({"minutes_union": 7_500, "has_chat": True, "messages": 3}, (None, 70, 70, None), 70, "Warm"),
    "S26": ({"minutes_union": 7_500, "has_chat": True, "messages": 1}, (None, 70, 40, None), 58, "Cool"),
    "S27": (dict(focus_pct=60, minutes_union=10_000, messages=5, questions=2, **CHAT), (70, 100, 100, 100), 88, "Hot"),
    "S28": (
        dict(minutes_union=30, duration_minutes=None, messages=2, questions=1, **CHAT),
        (None, None, 40, 70),
        50,
        "Cool",
    ),
}


@pytest.mark.parametrize(("given", "points", "score", "tier"), S.values(), ids=S)
def test_a_person_has_the_score_and_tier_of_the_design(
    given: dict[str, object], points: tuple[int | None, ...], score: int | None, tier: str
) -> None:
    row = scored(known(**given)).iloc[0]
    assert tuple(None if pd.isna(row[f"{n}_points"]) else int(row[f"{n}_points"]) for n in NAMES) == points
    assert (None if pd.isna(row["score"]) else int(row["score"])) == score
    assert f"{row['tier']}{' capped' if row['is_capped'] else ''}" == tier


def by_fractions(row: dict[str, object], rules: ScoreRules = DEFAULT_RULES) -> tuple[int | None, str]:
    """The score once more, of one row, by fractions and the words of the design."""
    if not row["has_attendee_report"]:
        return None, "Unknown"
    if not row["attended"]:
        return None, "No-Show"
    values: dict[str, Fraction] = {}
    if row["focus_pct"] is not None:
        values["focus"] = Fraction(row["focus_pct"])
    if row["attendance_pct"] is not None:
        values["attendance"] = Fraction(row["attendance_pct"])
    elif row["minutes_union"] is not None and row["duration_minutes"]:
        values["attendance"] = Fraction(100 * row["minutes_union"], row["duration_minutes"])
    if row["has_chat"]:
        values["chat"] = Fraction(row["messages"])
    if row["has_questions"]:
        values["questions"] = Fraction(row["questions"])
    points = {n: next(p for at_least, p in DEFAULT_BANDS[n] if v >= at_least) for n, v in values.items()}
    weight = sum((Fraction(DEFAULT_WEIGHTS[n]) for n in values), Fraction(0))
    if weight < 30:
        return None, "Unscored"
    score = floor(sum(Fraction(DEFAULT_WEIGHTS[n]) * p for n, p in points.items()) / weight + Fraction(1, 2))
    tier = next(name for name, at_least in DEFAULT_TIERS.items() if score >= at_least)
    return score, "Warm" if tier == "Hot" and weight < 60 else tier


def random_rows(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    duration = rng.integers(0, 200, count)
    minutes = np.where(
        rng.random(count) < 0.3, duration * rng.integers(0, 21, count) // 20, rng.integers(0, 220, count)
    )
    return pd.DataFrame(
        {
            "has_attendee_report": rng.random(count) < 0.95,
            "attended": pd.Series(rng.random(count) < 0.9, dtype="boolean"),
            "minutes_union": pd.Series(minutes, dtype="Int64").mask(rng.random(count) < 0.1),
            "duration_minutes": pd.Series(duration, dtype="Int64").mask(rng.random(count) < 0.1),
            "attendance_pct": pd.Series(rng.integers(0, 401, count) / 4).mask(rng.random(count) < 0.7),
            "focus_pct": pd.Series(rng.integers(0, 401, count) / 4).mask(rng.random(count) < 0.6),
            "has_chat": rng.random(count) < 0.5,
            "has_questions": rng.random(count) < 0.5,
            "messages": rng.integers(0, 8, count),
            "questions": rng.integers(0, 4, count),
        }
    )


@pytest.mark.slow
def test_a_million_random_people_have_the_score_of_exact_fractions() -> None:
    rows = random_rows(1_000_000, 7)
    found = scored(rows)
    plain = rows.astype(object).where(rows.notna(), None)
    distinct: dict[tuple[object, ...], tuple[int | None, str]] = {}
    columns = list(plain.columns)
    wrong = 0
    results = zip(found["score"].to_numpy(np.float64, na_value=-1), found["tier"], strict=True)
    for values, (score, tier) in zip(plain.itertuples(index=False, name=None), results, strict=True):
        if values not in distinct:
            distinct[values] = by_fractions(dict(zip(columns, values, strict=True)))
        wanted = distinct[values]
        wrong += wanted != (None if score < 0 else int(score), tier)
    assert wrong == 0
    assert len(set(found["tier"])) == 7


def test_ten_thousand_random_people_have_the_score_of_exact_fractions() -> None:
    rows = random_rows(10_000, 3)
    found = scored(rows)
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    wanted = [by_fractions(row) for row in plain]
    scores = [None if pd.isna(score) else int(score) for score in found["score"]]
    assert list(zip(scores, found["tier"], strict=True)) == wanted


@pytest.mark.parametrize("column", ["minutes_union", "attendance_pct", "focus_pct", "messages", "questions"])
def test_more_of_anything_never_lowers_the_score(column: str) -> None:
    rows = random_rows(20_000, 5)
    more = rows.assign(**{column: rows[column] + 1})
    before, after = scored(rows)["score"], scored(more)["score"]
    assert (after[before.notna()] >= before[before.notna()]).all()


def test_the_order_of_rows_changes_nothing() -> None:
    rows = random_rows(2_000, 9)
    mixed = rows.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(scored(mixed).sort_index(), scored(rows))


def test_half_a_point_rounds_up_into_the_next_tier() -> None:
    rules = ScoreRules.of(
        parse_table("engagement_weights", b"component,weight\nattendance,50\nchat,50\n"),
        parse_table(
            "engagement_bands",
            b"component,at_least,points\nattendance,0,59\nchat,0,60\nfocus,0,0\nquestions,0,0\n",
        ),
        parse_table("engagement_tiers", None),
        parse_table("engagement_settings", None),
    )
    row = scored(known(minutes_union=1, has_chat=True), rules).iloc[0]
    assert (row["score"], row["tier"]) == (60, "Warm")


BROKEN = {
    "engagement_weights": {
        "component,weight\nchat,0\n": "must be a number from 0.0001",
        "component,weight\nchat,1\nchat,2\n": "stands twice",
        "component,weight\nsmile,1\n": "component",
    },
    "engagement_bands": {
        "component,at_least,points\nchat,1,10\n": "have none from 0",
        "component,at_least,points\nchat,0,10\nchat,1,5\n": "gives fewer points",
        "component,at_least,points\nchat,0,0\nchat,0,5\n": "begin alike",
    },
    "engagement_tiers": {
        "tier,at_least\nHot,80\n": "the tiers are",
        "tier,at_least\nHot,80\nWarm,80\nCool,40\nCold,0\n": "must begin at 0",
        "tier,at_least\nHot,80\nWarm,60\nCool,40\nCold,1\n": "must begin at 0",
    },
    "engagement_settings": {"name,value\ncredit_medum,yes\n": "is no setting"},
    "engagement_owners": {"conductor,profile,webinar_id,role\n,,,sales_a\n": "names no conductor"},
}


@pytest.mark.parametrize(("name", "text", "says"), [(n, t, s) for n, cases in BROKEN.items() for t, s in cases.items()])
def test_a_table_of_the_score_that_is_wrong_is_refused_with_its_line(name: str, text: str, says: str) -> None:
    def check() -> None:
        tables = {each: parse_table(each, None) for each in TABLES} | {name: parse_table(name, text.encode())}
        if (error := check_together(tables).get(name)) is not None:
            raise error

    with pytest.raises(ConfigError, match=says):
        check()
