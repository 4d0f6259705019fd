"""Volume alarms: quiet on ordinary noise, loud on a drop, and aware of weekdays, trend, holidays and the calendar."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config, parse_table
from funnel_etl.core.errors import ConfigError
from funnel_etl.observe.completeness.assets import volume_result
from funnel_etl.observe.completeness.volume_contracts import VOLUME_ALARMS, VOLUMES
from funnel_etl.observe.completeness.volume_state import limits_of
from funnel_etl.observe.completeness.volumes import Limits, Volume, volume_alarms, volumes_judged

pytestmark = pytest.mark.slow

FRI = pd.Timestamp("2026-11-20")
DAY = pd.Timedelta(days=1)
LIMITS = Limits()
WEEKDAYS = np.array([1.15, 1.1, 1.0, 1.0, 0.95, 0.6, 0.5])
"""Monday to Sunday."""
MADE = {
    # source: rows a day, growth a week, variance beyond Poisson's
    "leads": (400, 0.03, 0.002),
    "spend": (14, 0.0, 0.0),
    "assignments": (240, -0.04, 0.003),
    "sales": (25, 0.02, 0.0),
}
HELD = {"plutus_webinar": (2, 260), "tls_webinar": (4, 140), "bootcamp_day_1": (5, 90)}
"""Profile → weekday, people."""


def daily(seed: int, rows: float, growth: float, excess: float, days: int = 160) -> pd.Series:
    """Counts with weekdays, trend and noise, up to the Friday."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(end=FRI, periods=days, unit="us")
    mean = rows * WEEKDAYS[index.day_of_week] * np.exp(growth * np.arange(1 - days, 1) / 7)
    if rows < 20:  # ad spend: a line a campaign, nearly the same every day
        return pd.Series(np.full(days, int(rows)) - (rng.random(days) < 0.05), index=index)
    rate = rng.gamma(1 / excess, mean * excess) if excess else mean
    return pd.Series(rng.poisson(rate), index=index)


def held(seed: int, weekday: int, people: float, days: int = 160) -> pd.Series:
    """People of a weekly webinar that was left out now and then."""
    rng = np.random.default_rng(seed)
    index = pd.date_range(end=FRI, periods=days, unit="us")
    index = index[(index.day_of_week == weekday) & (rng.random(days) > 0.1)]
    return pd.Series(rng.poisson(people, len(index)), index=index)


def company(seed: int) -> list[Volume]:
    """All six volumes of a quiet company."""
    volumes = [Volume(name, {name: daily(seed * 100 + i, *made)}, FRI) for i, (name, made) in enumerate(MADE.items())]
    for number, name in enumerate(("registrations", "attendances")):
        series = {p: held(seed * 100 + 10 * number + i, *of) for i, (p, of) in enumerate(HELD.items())}
        volumes.append(Volume(name, series, max(s.index.max() for s in series.values()), is_held=True))
    return volumes


def until(volume: Volume, night: pd.Timestamp) -> Volume:
    """The volume as a night sees it."""
    series = {name: counts[:night] for name, counts in volume.series.items()}
    return replace(volume, series=series, until=min(night, max(s.index.max() for s in series.values())))


def alarms(volumes: list[Volume], night: pd.Timestamp = FRI, limits: Limits = LIMITS) -> pd.DataFrame:
    rows = VOLUME_ALARMS.conform(volume_alarms(volumes, night, limits).rows)
    assert VOLUME_ALARMS.problems(rows) == []
    return rows


def judged(volumes: list[Volume], night: pd.Timestamp = FRI, limits: Limits = LIMITS) -> pd.DataFrame:
    rows = VOLUMES.conform(volumes_judged(volumes, night, limits).rows)
    assert VOLUMES.problems(rows) == []
    return rows.set_index("source")


def less(counts: pd.Series, share: float, *days: pd.Timestamp) -> pd.Series:
    """Take a share of the rows of some days away."""
    found = counts.copy()
    found[list(days)] = (found[list(days)] * (1 - share)).round().astype("int64")
    return found


def test_on_ninety_quiet_nights_of_all_sources_none_fires(campaign: bool) -> None:
    # A day is judged by the days before it alone, so that every seventh night sees what each night would.
    nights = pd.date_range(end=FRI, periods=90, unit="us")[:: (1 if campaign else -7)]
    for seed in range(10 if campaign else 1):
        quiet = company(seed)
        for night in nights:
            found = alarms([until(volume, night) for volume in quiet], night)
            assert found.empty, (seed, night, found["why"].tolist())
    assert {*judged(quiet)["status"]} == {"usual"}, "and that is because they were judged"


@pytest.mark.parametrize(
    ("source", "back"),
    [("leads", 0), ("leads", 2), ("leads", 5), ("spend", 0), ("spend", 5), ("assignments", 0), ("assignments", 3)],
)
def test_a_drop_of_forty_percent_on_a_day_is_told_with_who_does_what(source: str, back: int) -> None:
    day = FRI - back * DAY
    series = less(daily(1, *MADE[source]), 0.43 if source == "spend" else 0.4, day)
    [row] = alarms([Volume(source, {source: series}, FRI)]).to_dict("records")
    assert (row["day"], row["since"], row["days"]) == (day, day, 1)
    assert row["seen"] == series[day]
    assert row["share"] == pytest.approx(0.6, abs=0.12)
    assert f"{day:%A %Y-%m-%d}" in row["why"]
    assert "fewer than on the same weekdays of the weeks before" in row["why"]
    assert row["who_does_it"]
    assert judged([Volume(source, {source: series}, FRI)]).loc[source, "status"] == "low"


@pytest.mark.parametrize("source", ["leads", "spend"])
def test_nearly_every_drop_of_forty_percent_is_told_where_it_is_said_that_it_would_be(source: str) -> None:
    told = said = 0
    for seed in range(12):
        series = daily(seed, *MADE[source])
        said += judged([Volume(source, {source: series}, FRI)]).loc[source, "days"] == 1
        dropped = less(series, 0.43 if source == "spend" else 0.4, FRI)
        told += len(alarms([Volume(source, {source: dropped}, FRI)])) == 1
    assert said >= 11
    assert told >= 11


def test_a_source_with_few_rows_a_day_tells_of_a_drop_over_some_days() -> None:
    low = [FRI - back * DAY for back in range(7)]
    few = daily(1, 40, 0, 0)
    assert alarms([Volume("sales", {"sales": less(few, 0.4, FRI)}, FRI)]).empty
    found = alarms([Volume("sales", {"sales": less(few, 0.4, *low)}, FRI)])
    assert len(found) >= 1
    assert set(found["days"]) <= {3, 7}
    assert "days up to" in found["why"].iloc[0]


def test_a_source_too_small_to_be_judged_says_so_and_is_silent() -> None:
    tiny = daily(3, 0, 0, 0).clip(lower=0) * 0 + np.random.default_rng(3).poisson(2, 160)
    row = judged([Volume("sales", {"sales": tiny}, FRI)]).loc["sales"]
    assert row["status"] == "too_small"
    assert pd.isna(row["days"])
    assert "too few, or too unsteady, to tell a drop of 40% from chance even over 7 days" in row["says"]
    assert alarms([Volume("sales", {"sales": less(tiny, 1.0, FRI, FRI - DAY)}, FRI)]).empty


def test_a_source_too_new_to_have_habits_says_so() -> None:
    new = daily(1, *MADE["leads"])[-20:]
    row = judged([Volume("leads", {"leads": new}, FRI)]).loc["leads"]
    assert (row["status"], row["says"]) == ("too_new", "fewer than 4 earlier days to compare one with")
    assert judged([Volume("leads")]).loc["leads", "status"] == "unknown"


def test_a_rise_is_no_alarm_and_no_reason_for_one_when_it_is_over() -> None:
    series = daily(1, *MADE["leads"])
    series[FRI - 9 * DAY : FRI - 7 * DAY] *= 4
    assert alarms([Volume("leads", {"leads": series}, FRI)]).empty


def test_every_weekend_is_low_and_that_is_usual() -> None:
    assert WEEKDAYS[6] < 0.5 * WEEKDAYS[0]
    sunday = FRI - 5 * DAY
    assert alarms([until(Volume("leads", {"leads": daily(5, *MADE["leads"])}, FRI), sunday)], sunday).empty


def test_a_drop_that_lasts_is_one_cause_from_its_first_day_on() -> None:
    low = [FRI - back * DAY for back in range(10)]
    found = alarms([Volume("leads", {"leads": less(daily(1, *MADE["leads"]), 0.4, *low)}, FRI)])
    assert set(found["since"]) == {low[-1]}
    assert len(found) >= 8
    assert found["day"].is_monotonic_decreasing


def test_two_drops_apart_are_two_causes() -> None:
    series = less(daily(1, *MADE["leads"]), 0.5, FRI, FRI - 5 * DAY)
    found = alarms([Volume("leads", {"leads": series}, FRI)])
    assert sorted(found["since"]) == [FRI - 5 * DAY, FRI]


def test_an_alarm_goes_when_the_rows_arrive_and_a_week_after_its_day() -> None:
    series = daily(1, *MADE["leads"])
    low = less(series, 0.5, FRI - 7 * DAY)
    assert alarms([Volume("leads", {"leads": low}, FRI)]).empty
    assert len(alarms([until(Volume("leads", {"leads": low}, FRI), FRI - DAY)], FRI - DAY)) == 1
    assert alarms([until(Volume("leads", {"leads": series}, FRI), FRI - DAY)], FRI - DAY).empty


def test_a_holiday_is_neither_judged_nor_compared_with() -> None:
    diwali = [FRI - 12 * DAY, FRI - 5 * DAY]
    series = less(daily(1, *MADE["leads"]), 0.7, *diwali)
    volume = Volume("leads", {"leads": series}, FRI)
    assert not alarms([volume]).empty
    assert alarms([volume], limits=replace(LIMITS, holidays=frozenset(day.date() for day in diwali))).empty


def test_a_day_without_any_row_between_days_with_rows_is_a_drop() -> None:
    [row] = alarms([Volume("leads", {"leads": less(daily(1, *MADE["leads"]), 1.0, FRI - DAY)}, FRI)]).to_dict("records")
    assert (row["day"], row["seen"], row["share"]) == (FRI - DAY, 0, 0.0)


def webinars(**changes: Callable[[pd.Series], pd.Series]) -> list[Volume]:
    series = {name: held(1, *of) for name, of in HELD.items()}
    series = {name: changes.get(name, lambda counts: counts)(counts) for name, counts in series.items()}
    return [Volume("attendances", series, max(s.index.max() for s in series.values()), is_held=True)]


def test_a_week_without_its_webinar_is_no_drop_of_attendance() -> None:
    assert alarms(webinars()).empty
    assert alarms(webinars(plutus_webinar=lambda counts: counts[:-1])).empty
    assert alarms(webinars(plutus_webinar=lambda counts: counts[:-2], tls_webinar=lambda counts: counts[:-1])).empty


def test_a_webinar_to_which_few_came_is_told_against_its_own_kind() -> None:
    [row] = alarms(webinars(plutus_webinar=lambda counts: less(counts, 0.4, counts.index[-1]))).to_dict("records")
    assert "than on webinars of the same kind on the same weekday" in row["why"]
    assert row["who_does_it"] == "marketing operations"


def test_a_smaller_webinar_on_the_day_of_a_bigger_one_is_no_drop() -> None:
    both = {"big": held(1, 2, 900), "small": held(2, 2, 90)}
    both["big"] = both["big"][: FRI - 7 * DAY]
    assert both["small"].index.max() > both["big"].index.max()
    assert alarms([Volume("attendances", both, FRI, is_held=True)]).empty


def test_the_limits_are_those_of_metrics_csv() -> None:
    table = parse_table("metrics", b"name,value\nvolume_drop_share,0.5\nvolume_holidays,2026-11-08|2026-11-09\n")
    limits = limits_of(Config({"metrics": table}))
    assert limits == Limits(0.5, 3.5, 8, frozenset({date(2026, 11, 8), date(2026, 11, 9)}))
    assert limits_of(Config()) == LIMITS
    dropped = [Volume("leads", {"leads": less(daily(1, *MADE["leads"]), 0.4, FRI)}, FRI)]
    assert len(alarms(dropped)) == 1
    assert alarms(dropped, limits=limits).empty


@pytest.mark.parametrize("value", ["2026-13-01", "Diwali", "2026-11-08,2026-11-09"])
def test_a_holiday_that_is_no_day_is_an_error_of_the_table(value: str) -> None:
    with pytest.raises(ConfigError, match="YYYY-MM-DD"):
        parse_table("metrics", f'name,value\nvolume_holidays,"{value}"\n'.encode())


def test_the_check_shows_what_is_low_and_who_looks() -> None:
    rows = judged([Volume("leads", {"leads": less(daily(1, *MADE["leads"]), 0.4, FRI)}, FRI)]).reset_index()
    result = volume_result(["raw", "tofu_leads"], rows.to_dict("records"))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "marketing operations: see that every lead form" in str(result.description)
    quiet = judged([Volume("leads", {"leads": daily(1, *MADE["leads"])}, FRI)]).reset_index()
    assert volume_result(["raw", "tofu_leads"], quiet.to_dict("records")).passed
    assert not volume_result(["raw", "tofu_leads"], []).passed
