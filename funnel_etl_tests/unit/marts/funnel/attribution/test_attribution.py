"""Credit for sales by five models: which touches count, what each gets, and that it is exact."""

from collections.abc import Callable
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import ConfigError
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import SHARE_UNITS
from funnel_etl.marts.funnel import conservation
from funnel_etl.marts.funnel.attribution.attribution import attribution, attribution_by_funnel
from funnel_etl.marts.funnel.attribution.contracts import ATTRIBUTION, ATTRIBUTION_BY_FUNNEL, MODELS
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_SALES, FUNNEL_MONTHLY
from funnel_etl.parts.sales.contracts import SALES

AS_OF = pd.Timestamp("2026-11-30")
Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def credited(table_of: Frame, config_of: Callable[..., Config], touched: Callable[..., Outcome]) -> Frame:
    """The rows for sales and assignments, each given as (phone, day of November[, rupees]); days at noon, UTC."""

    def make(
        sold: list[tuple[str, int, str]], assigned: list[tuple[str, int]], metrics: str = "", **others: str
    ) -> pd.DataFrame:
        days = [f"2026-11-{day:02d}" for _, day, _ in sold]
        sales = "sale_id,phone,sold_at,sold_date,revenue_inr\n" + "".join(
            f"S{at},{phone},{day} 12:00,{day},{rupees}\n"
            for at, ((phone, _, rupees), day) in enumerate(zip(sold, days, strict=True))
        )
        rows = "".join(f"{p},2026-11-{d:02d} 12:00,2026-11-{d:02d},F{at}\n" for at, (p, d) in enumerate(assigned))
        counted = table_of(ATTRIBUTED_SALES, sales)
        outcome = attribution(
            table_of(SALES, sales),
            counted,
            touched(assigned="phone,assigned_at,assigned_date,funnel\n" + rows if rows else "", **others).rows,
            config_of(metrics=f"name,value\n{metrics}"),
        )
        found = ATTRIBUTION.conform(outcome.rows)
        assert ATTRIBUTION.problems(found) == []
        for check in (conservation.credits_of_sales, *map(conservation.credited, MODELS)):
            own, expected = check(found, {"attributed_sales": counted}, AS_OF)
            assert own == expected
        return found

    return make


def exact(rows: pd.DataFrame, model: str) -> dict[str, Fraction]:
    """Return funnel → exact credit of one model."""
    own = rows[rows["model"] == model]
    pairs = zip(own["funnel"], own["credit_numerator"], own["credit_denominator"], strict=True)
    return {funnel: Fraction(int(top), int(bottom)) for funnel, top, bottom in pairs}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        pytest.param("first_touch", {"F0": Fraction(1)}, id="first_touch"),
        pytest.param("last_touch", {"F3": Fraction(1)}, id="last_touch"),
        pytest.param("linear", dict.fromkeys(("F0", "F1", "F2", "F3"), Fraction(1, 4)), id="linear"),
        pytest.param(
            "position",
            {"F0": Fraction(2, 5), "F1": Fraction(1, 10), "F2": Fraction(1, 10), "F3": Fraction(2, 5)},
            id="position_40_20_40",
        ),
    ],
)
def test_each_model_shares_a_sale_among_four_touches(
    credited: Frame, model: str, expected: dict[str, Fraction]
) -> None:
    rows = credited([("1", 20, "100")], [("1", 2), ("1", 5), ("1", 8), ("1", 19)])
    assert exact(rows, model) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([4], [Fraction(1)], id="one_touch_has_all"),
        pytest.param([4, 5], [Fraction(1, 2)] * 2, id="two_share_equally"),
        pytest.param([4, 5, 6], [Fraction(2, 5), Fraction(1, 5), Fraction(2, 5)], id="three_share_40_20_40"),
    ],
)
def test_position_with_few_touches(credited: Frame, days: list[int], expected: list[Fraction]) -> None:
    assert list(exact(credited([("1", 20, "100")], [("1", day) for day in days]), "position").values()) == expected


def test_time_decay_halves_with_every_half_life_which_metrics_csv_sets(credited: Frame) -> None:
    touches = [("1", 6), ("1", 13), ("1", 20)]
    assert list(exact(credited([("1", 20, "7")], touches), "time_decay").values()) == [
        Fraction(1, 7),
        Fraction(2, 7),
        Fraction(4, 7),
    ]
    slower = credited([("1", 20, "7")], touches, "attribution_half_life_days,14\n")
    assert [round(float(credit), 4) for credit in exact(slower, "time_decay").values()] == [0.2265, 0.3204, 0.4531]


def test_a_touch_counts_at_the_moment_of_the_sale_and_not_after_it(credited: Frame) -> None:
    rows = credited([("1", 20, "100")], [("1", 20), ("1", 21)])
    assert exact(rows, "linear") == {"F0": Fraction(1)}


@pytest.mark.parametrize(
    ("metrics", "day", "funnels"),
    [
        pytest.param("attribution_lookback_days,10\n", 10, {"F0"}, id="the_last_day_of_the_look_back_counts"),
        pytest.param("attribution_lookback_days,10\n", 9, {"(no touch)"}, id="a_day_earlier_does_not"),
        pytest.param("attribution_lookback_days,0\n", 20, {"F0"}, id="none_is_the_day_itself"),
        pytest.param("", 1, {"F0"}, id="ninety_days_unless_said"),
    ],
)
def test_touches_before_the_look_back_do_not_count(credited: Frame, metrics: str, day: int, funnels: set[str]) -> None:
    assert set(exact(credited([("1", 20, "100")], [("1", day)], metrics), "linear")) == funnels


@pytest.mark.parametrize("phone", [pytest.param("2", id="never_seen"), pytest.param("", id="without_a_phone")])
def test_a_sale_without_a_touch_is_a_row_for_each_model(credited: Frame, phone: str) -> None:
    rows = credited([(phone, 20, "100")], [("1", 5)])
    assert rows["model"].tolist() == list(MODELS)
    assert set(rows["touch_stage"]) == {"no touch"}
    assert set(rows["revenue_inr"]) == {10000}
    assert rows["touch_at"].isna().all()


def test_revenue_is_shared_to_the_paisa_a_refund_too_and_unknown_revenue_stays_unknown(credited: Frame) -> None:
    rows = credited([("1", 20, "100"), ("1", 20, "-0.01"), ("1", 20, "")], [("1", 5), ("1", 6), ("1", 7)])
    linear = rows[rows["model"] == "linear"]
    assert linear["revenue_inr"].astype("object").where(linear["revenue_inr"].notna(), None).tolist() == [
        *(3334, 3333, 3333),
        *(-1, 0, 0),
        *(None, None, None),
    ]


def test_touches_of_all_stages_count_each_with_its_line(credited: Frame) -> None:
    rows = credited(
        [("1", 20, "100")],
        [("1", 9)],
        leads="phone,created_at,created_date,funnel,source_row\n1,2026-11-02 10:00,2026-11-02,Ads,7\n",
        attendance="phone,attended,joined_at,occurrence_id,funnel,source_row\n"
        "1,true,2026-11-05 10:00,o1,Webinar,8\n1,false,,o2,Webinar,9\n",
        webinars="occurrence_id,event_date,started_at\n"
        "o1,2026-11-05,2026-11-05 09:00\no2,2026-11-06,2026-11-06 09:00\n",
    )
    linear = rows[rows["model"] == "linear"]
    assert linear["touch_stage"].tolist() == ["lead", "attendance", "assignment"]
    assert linear["touch_number"].tolist() == [1, 2, 3]
    assert linear["touch_source_row"].tolist() == [7, 8, 2]


def test_a_night_without_sales_has_no_credit_to_give(credited: Frame) -> None:
    assert credited([], [("1", 5)]).empty


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    sold=st.lists(st.tuples(st.sampled_from("123"), st.integers(1, 30), st.sampled_from(["0.01", "99.99", "-7", ""]))),
    assigned=st.lists(st.tuples(st.sampled_from("12"), st.integers(1, 30)), max_size=12),
)
def test_whatever_happened_credits_sum_to_one_and_revenue_to_itself(
    credited: Frame, sold: list[tuple[str, int, str]], assigned: list[tuple[str, int]]
) -> None:
    rows = credited(sold, assigned)  # holds the checks
    for (_, _), own in rows.groupby(["sale_id", "model"]):
        parts = zip(own["credit_numerator"], own["credit_denominator"], strict=True)
        assert sum(Fraction(int(top), int(bottom)) for top, bottom in parts) == 1
        assert own["credit"].sum() == SHARE_UNITS
    assert len(rows.drop_duplicates(["sale_id", "model"])) == len(sold) * len(MODELS)


def test_by_funnel_spend_with_no_lead_and_sales_with_no_touch_are_rows(credited: Frame, table_of: Frame) -> None:
    sold = "sale_id,sold_date,revenue_inr\nS0,2026-11-20,100\nS1,2026-11-21,50\n"
    rows = credited([("1", 20, "100"), ("2", 21, "50")], [("1", 5)])
    monthly = table_of(
        FUNNEL_MONTHLY,
        "month,funnel,spend_inr,leads\n2026-11-01,F0,40,3\n2026-11-01,Billboard,70,0\n2026-11-01,Organic,0,5\n",
    )
    outcome = attribution_by_funnel(rows, table_of(ATTRIBUTED_SALES, sold), monthly)
    found = ATTRIBUTION_BY_FUNNEL.conform(outcome.rows)
    assert ATTRIBUTION_BY_FUNNEL.problems(found) == []
    last = found[found["model"] == "last_touch"].set_index("funnel")
    assert last["credited_sales"].to_dict() == {"(no touch)": 1.0, "Billboard": 0.0, "F0": 1.0}
    assert last["spend_without_lead_inr"].to_dict() == {"(no touch)": 0, "Billboard": 7000, "F0": 0}
    assert last["roas"].dropna().to_dict() == {"Billboard": 0.0, "F0": 2.5}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("attribution_half_life_days,0", id="no_half_life"),
        pytest.param("attribution_half_life_days,a week", id="words"),
        pytest.param("attribution_lookback_days,-1", id="before_it_began"),
        pytest.param("Attribution_Lookback_Days,NaN", id="not_a_number"),
    ],
)
def test_a_setting_that_is_no_number_is_told_with_its_line(config_of: Callable[..., Config], line: str) -> None:
    with pytest.raises(ConfigError, match=r"metrics\.csv: line 2: column 'value': .* must be a number from"):
        config_of(metrics=f"name,value\n{line}\n")
