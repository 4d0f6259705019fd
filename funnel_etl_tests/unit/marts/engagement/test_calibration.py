"""Whether the score predicts: silent under its floors, right on worlds whose truth is planted."""

import numpy as np
import pandas as pd
import pytest

from funnel_etl.marts.engagement import pictures
from funnel_etl.marts.engagement.calibration import mature_people, score_calibration, verdict
from funnel_etl.marts.engagement.calibration_maths import auc, auc_interval, brier_without_own, data_weights, wilson
from funnel_etl.marts.engagement.score_contracts import ENGAGEMENT_SCORES, SCORE_CALIBRATION
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS
from funnel_etl.parts.sales.contracts import SALES

AS_OF = pd.Timestamp("2026-10-31")
START = pd.Timestamp("2026-08-05 12:30", tz="UTC")
TIERS = ("Hot", "Warm", "Cool", "Cold")


@pytest.mark.parametrize(
    ("buyers", "n", "low", "high"),
    [(6, 40, 0.0706, 0.2907), (3, 60, 0.0171, 0.1370), (0, 20, 0, 0.1611), (1, 12, 0.0149, 0.3539)],
)
def test_an_interval_of_wilson_is_that_of_the_design(buyers: int, n: int, low: float, high: float) -> None:
    assert wilson(buyers, n) == pytest.approx((low, high), abs=5e-5)


def people(*tiers: tuple[str, int, int]) -> pd.DataFrame:
    """Return people of tiers: (tier, how many, buyers)."""
    parts = [pd.DataFrame({"tier": t, "bought": np.arange(n) < buyers}) for t, n, buyers in tiers]
    return pd.concat(parts, ignore_index=True)


def test_fifteen_percent_against_five_with_few_people_is_not_shown() -> None:
    assert verdict(people(("Hot", 40, 6), ("Cold", 60, 3))) == "too_few"
    assert verdict(people(("Hot", 100, 15), ("Cold", 100, 7))) == "not_shown"


@pytest.mark.parametrize(
    ("tiers", "wanted"),
    [
        ((("Hot", 100, 40), ("Cold", 100, 5)), "ordered"),
        ((("Hot", 100, 5), ("Cold", 100, 40)), "inverted"),
        ((("Hot", 100, 40), ("Warm", 100, 5), ("Cold", 100, 40)), "inverted"),
        ((("Hot", 100, 10), ("Cold", 100, 9)), "too_few"),
        ((("Hot", 99, 40), ("Cold", 100, 5)), "too_few"),
        ((("Hot", 100, 10), ("Cold", 100, 10)), "not_shown"),
    ],
)
def test_the_verdict_holds_its_floors_and_sees_the_order(tiers: tuple[tuple[str, int, int], ...], wanted: str) -> None:
    assert verdict(people(*tiers)) == wanted


def test_two_hundred_null_worlds_are_inverted_in_at_most_two_and_a_half_percent() -> None:
    rng = np.random.default_rng(11)
    verdicts = []
    for _ in range(200):
        tiers = rng.choice(TIERS, 1_000, p=(0.1, 0.3, 0.3, 0.3))
        verdicts.append(verdict(pd.DataFrame({"tier": tiers, "bought": rng.random(1_000) < 0.06})))
    assert verdicts.count("inverted") <= 5
    assert verdicts.count("not_shown") > 150


def test_the_auc_is_the_share_of_pairs_won_and_its_interval_is_always_the_same() -> None:
    rng = np.random.default_rng(5)
    score, bought = rng.integers(0, 101, 300), rng.random(300) < 0.2
    pairs = [(b > o) + (b == o) / 2 for b in score[bought] for o in score[~bought]]
    assert auc(score, bought) == pytest.approx(np.mean(pairs))
    low, high = auc_interval(score, bought)
    assert low is not None
    assert high is not None
    assert low < np.mean(pairs) < high
    assert auc_interval(score, bought) == (low, high)
    assert auc(score, np.zeros(300, dtype=bool)) is None


def test_the_brier_score_leaves_the_own_occurrence_out() -> None:
    tiers = np.array(["Hot", "Hot", "Cold", "Cold"], dtype=object)
    occurrences = np.array(["a", "b", "a", "b"], dtype=object)
    bought = np.array([True, True, False, False])
    assert brier_without_own(tiers, occurrences, bought) == 0
    assert brier_without_own(np.zeros(4, dtype=object), occurrences, bought) == 0.25
    assert brier_without_own(tiers, np.array(["a"] * 4, dtype=object), bought) is None


def test_the_data_choose_the_component_that_buying_depends_on() -> None:
    rng = np.random.default_rng(2)
    points = rng.choice([0.0, 40.0, 70.0, 100.0], (2_000, 4))
    bought = rng.random(2_000) < 1 / (1 + np.exp(3 - points[:, 2] / 25))
    weights = data_weights(points, bought)
    assert weights[2] > 80
    assert sum(map(abs, weights)) == pytest.approx(100, abs=0.05)


def world(rows: list[dict[str, object]], sales: list[dict[str, object]]) -> tuple[pd.DataFrame, ...]:
    blank = {"weight_available": 60.0, "is_capped": False, "messages": 0, "questions": 0, "polls_answered": 0}
    text = {"points": '{"attendance": 100}', "evidence": "{}", "rules_version": "x"}
    scores = pd.DataFrame([{**blank, **text, "score": 50, "tier": "Cool", **row} for row in rows])
    scores["person_key"] = scores["phone"]
    days = scores["occurrence_id"].drop_duplicates()
    webinars = pd.DataFrame({"occurrence_id": days, "started_at": START, "duration_minutes": 60, "product": "ACCA"})
    offsets = pd.to_timedelta([int(o.rpartition("-")[2]) for o in days], unit="D")
    webinars["started_at"] = START + offsets
    webinars["event_date"] = (START + offsets).tz_convert(None).normalize()
    sold = pd.DataFrame(sales, columns=["phone", "sold_at", "revenue_inr", "is_counted"])
    sold["sold_at"] = pd.to_datetime(sold["sold_at"], utc=True)
    whole = scores.reindex(columns=ENGAGEMENT_SCORES.names)
    return (
        ENGAGEMENT_SCORES.conform(whole),
        WEBINARS.conform(webinars.reindex(columns=WEBINARS.names)),
        SALES.only("phone", "sold_at", "revenue_inr", "is_counted").conform(sold),
    )


def sale(phone: str, day: int, *, hour: int = 20, counted: bool = True) -> dict[str, object]:
    return {
        "phone": phone,
        "sold_at": START.normalize() + pd.Timedelta(days=day, hours=hour),
        "revenue_inr": 100,
        "is_counted": counted,
    }


def test_only_who_came_first_in_the_window_had_not_bought_and_could_buy_since_counts() -> None:
    rows = [
        {"occurrence_id": "o-0", "phone": "9810000001"},  # buys within 30 days
        {"occurrence_id": "o-0", "phone": "9810000002"},  # buys on day 40
        {"occurrence_id": "o-0", "phone": "9810000003"},  # had bought before
        {"occurrence_id": "o-0", "phone": "9810000004"},  # a sale that does not count
        {"occurrence_id": "o-70", "phone": "9810000005"},  # too lately
        {"occurrence_id": "o-70", "phone": "9810000001"},  # the second time
        {"occurrence_id": "o-0", "phone": "9810000006", "tier": "No-Show", "score": None},
        {"occurrence_id": "o-0", "phone": None},
        {"occurrence_id": "o--150", "phone": "9810000007"},  # before the window
    ]
    rows[7]["phone"] = None
    sales = [
        sale("9810000001", 29),
        sale("9810000002", 40),
        sale("9810000003", -1),
        sale("9810000003", 3),
        sale("9810000004", 3, counted=False),
    ]
    scores, webinars, sold = world([row for row in rows if row["phone"]], sales)
    found, _ = mature_people(scores, webinars, sold, AS_OF)
    assert found.set_index("phone")["bought"].to_dict() == {
        "9810000001": True,
        "9810000002": False,
        "9810000004": False,
    }
    assert found["revenue"].sum() == 100


def planted(rng: np.random.Generator, *, predicts: bool) -> tuple[pd.DataFrame, ...]:
    """Return a world of 3,000 people in twelve webinars whose buying depends on their interest, or on nothing."""
    interest = rng.random(3_000)
    score = np.clip((interest * 100 + rng.normal(0, 12, 3_000)).round(), 0, 100).astype(int)
    chance = 0.02 + 0.2 * interest**2 if predicts else np.full(3_000, 0.08)
    tier = np.select([score >= 80, score >= 60, score >= 40], ["Hot", "Warm", "Cool"], "Cold")
    phones = [f"98{n:08d}" for n in range(3_000)]
    rows = [
        {"occurrence_id": f"o-{n % 12}", "phone": phones[n], "score": int(score[n]), "tier": str(tier[n])}
        for n in range(3_000)
    ]
    return world(rows, [sale(phones[n], 15) for n in np.flatnonzero(rng.random(3_000) < chance)])


def test_a_world_in_which_buying_follows_interest_is_ordered_and_a_null_world_is_not_shown() -> None:
    for predicts, wanted in ((True, "ordered"), (False, "not_shown")):
        outcome = score_calibration(*planted(np.random.default_rng(4), predicts=predicts), AS_OF)
        rows = SCORE_CALIBRATION.conform(outcome.rows)
        assert SCORE_CALIBRATION.problems(rows) == []
        assert set(rows["verdict"]) == {wanted}
        of_all = rows[(rows["product"] == "(all)") & (rows["split"] == "tier")]
        assert of_all["value"].tolist() == list(TIERS)
        assert of_all["n"].sum() == 3_000
        if predicts:
            assert of_all["rate"].is_monotonic_decreasing
            assert (of_all["auc_low"] > 0.6).all()
            assert (of_all["brier_tier"] < of_all["brier_base"]).all()
        bins = rows[(rows["product"] == "(all)") & (rows["split"] == "bin")]
        assert bins["n"].sum() == 3_000


def test_an_inverted_world_warns() -> None:
    scores, webinars, sold = planted(np.random.default_rng(4), predicts=True)
    opposite = scores["tier"].map(dict(zip(TIERS, TIERS[::-1], strict=True)))
    outcome = score_calibration(scores.assign(tier=opposite, score=100 - scores["score"]), webinars, sold, AS_OF)
    assert set(outcome.rows["verdict"]) == {"inverted"}
    assert "points the wrong way" in outcome.notes[0]


def test_nobody_makes_an_empty_table() -> None:
    nobody = ENGAGEMENT_SCORES.empty()
    sold = SALES.only("phone", "sold_at", "revenue_inr", "is_counted").empty()
    assert SCORE_CALIBRATION.conform(score_calibration(nobody, WEBINARS.empty(), sold, AS_OF).rows).empty


def test_pictures_are_drawn_of_counts_alone_and_are_the_same_bytes() -> None:
    scores, webinars, sold = planted(np.random.default_rng(4), predicts=True)
    rows = SCORE_CALIBRATION.conform(score_calibration(scores, webinars, sold, AS_OF).rows)
    for draw, frame in ((pictures.tiers, scores), (pictures.calibration, rows)):
        first, again = draw(frame, AS_OF), draw(frame, AS_OF)
        assert first == again
        assert all(isinstance(picture, bytes) and picture.startswith(b"\x89PNG") for picture in first.values())
        assert draw(frame.iloc[:0], AS_OF) == {}
