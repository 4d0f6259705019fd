"""What a source's days, landing and lake say of how complete it is. The night is Friday 2026-11-20."""

import dagster as dg
import pandas as pd
import pytest

from funnel_etl.observe.completeness.assets import check_result
from funnel_etl.observe.completeness.completeness import SourceState, completeness, usual_gap
from funnel_etl.observe.completeness.contracts import COMPLETENESS, MISSING_EXPORTS

FRI = pd.Timestamp("2026-11-20")
THU = pd.Timestamp("2026-11-19")
NONE_MISSING = MISSING_EXPORTS.empty()


def days(*names: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(names))).astype("datetime64[us]")


def every(freq: str, first: str, last: str) -> pd.Series:
    return pd.Series(pd.date_range(first, last, freq=freq, unit="us"))


def judged(seen: SourceState, missing: pd.DataFrame = NONE_MISSING) -> pd.Series:
    rows = COMPLETENESS.conform(completeness([seen], missing, FRI, grace_days=2).rows)
    assert COMPLETENESS.problems(rows) == []
    return rows.iloc[0]


def one_missing() -> pd.DataFrame:
    row = {"export_id": "812:attendee", "expected_date": pd.Timestamp("2026-11-18"), "report": "attendee"}
    return MISSING_EXPORTS.conform(pd.DataFrame([{**dict.fromkeys(MISSING_EXPORTS.names), **row}]))


daily = every("D", "2026-09-01", "2026-11-20")
workdays = every("B", "2026-09-01", "2026-11-20")
weekly = every("W-WED", "2026-09-01", "2026-11-18")


def test_a_source_with_rows_of_the_night_s_day_is_complete_through_it_and_asks_nothing() -> None:
    row = judged(SourceState("crm_sales", FRI, daily))
    assert (row["status"], row["complete_through"], row["what_to_do"]) == ("complete", FRI, "nothing")
    assert pd.isna(row["who_does_it"])


def test_rows_of_days_after_the_night_do_not_count() -> None:
    row = judged(SourceState("crm_sales", FRI, days("2026-11-18", "2026-11-19", "2026-11-21")))
    assert row["complete_through"] == THU


def test_a_day_that_was_not_over_when_the_last_good_dump_was_made_is_not_complete() -> None:
    row = judged(SourceState("crm_sales", THU, days("2026-11-18", "2026-11-19", "2026-11-20")))
    assert (row["status"], row["complete_through"]) == ("failed", THU)


@pytest.mark.parametrize(
    ("known", "status"),
    [
        pytest.param(daily[daily < FRI], "late", id="every_day_but_the_last"),
        pytest.param(workdays[workdays < FRI], "quiet", id="weekends_are_usual"),
        pytest.param(workdays[workdays < FRI - pd.Timedelta(days=2)], "late", id="longer_than_a_weekend"),
        pytest.param(weekly, "quiet", id="weekly"),
        pytest.param(weekly[weekly < pd.Timestamp("2026-11-15")], "late", id="a_week_left_out"),
        pytest.param(days("2026-11-19"), "quiet", id="too_new_to_have_habits"),
        pytest.param(days("2026-11-13"), "late", id="too_new_and_a_week_silent"),
        pytest.param(days("2026-06-01", "2026-06-02"), "late", id="silent_for_longer_than_habits_are_kept"),
    ],
)
def test_silence_is_judged_by_the_source_s_own_habits(known: pd.Series, status: str) -> None:
    row = judged(SourceState("ad_spend", FRI, known))
    assert row["status"] == status
    assert (row["who_does_it"] == "marketing operations") == (status == "late")
    assert (row["what_to_do"] == "nothing") == (status == "quiet")


def test_a_single_long_silence_does_not_make_the_next_one_usual() -> None:
    with_hole = daily[(daily < pd.Timestamp("2026-10-01")) | (daily > pd.Timestamp("2026-10-10"))]
    assert usual_gap(with_hole, FRI) == 1


def test_zoom_has_time_to_be_dropped_before_it_is_late() -> None:
    eight_days_ago = weekly[weekly < pd.Timestamp("2026-11-15")] + pd.Timedelta(days=1)
    assert judged(SourceState("zoom", FRI, eight_days_ago))["status"] == "quiet"
    assert judged(SourceState("ad_spend", FRI, eight_days_ago))["status"] == "late"


def test_zoom_is_missing_while_a_report_is_even_if_a_later_one_came() -> None:
    row = judged(SourceState("zoom", FRI, daily), one_missing())
    assert (row["status"], row["who_does_it"]) == ("missing", "marketing operations")
    assert row["complete_through"] == FRI
    assert "1 report missing, the newest of 2026-11-18" in row["why"]


def test_a_missing_zoom_report_says_nothing_of_the_other_sources() -> None:
    assert judged(SourceState("crm_sales", FRI, daily), one_missing())["status"] == "complete"


def test_a_source_the_night_could_not_have_stays_complete_through_the_day_before() -> None:
    row = judged(SourceState("crm_sales", THU, daily[daily <= THU]))
    assert (row["status"], row["complete_through"], row["who_does_it"]) == ("failed", THU, "the engineer")
    assert row["why"] == "the night 2026-11-20: it could not be had; what is there is of the night 2026-11-19"
    assert row["what_to_do"].endswith("funnel-etl run --as-of 2026-11-20")


def test_a_file_that_was_landed_but_made_no_table_is_said_so() -> None:
    assert "could not be worked in" in judged(SourceState("crm_sales", THU, daily, is_landed=True))["why"]


def test_a_refused_dump_says_why_and_the_one_who_decides_is_the_analyst() -> None:
    refused = "crm_sales: 40 keys are gone. Fix: pull it again; if it is right: funnel-etl confirm crm_sales"
    row = judged(SourceState("crm_sales", THU, daily, refused=refused))
    assert row["why"].startswith("the night 2026-11-20 refused it: crm_sales: 40 keys are gone; ")
    assert row["what_to_do"] == "pull it again; if it is right: funnel-etl confirm crm_sales"
    assert row["who_does_it"] == "the analyst"
    expired = judged(SourceState("crm_sales", THU, daily, refused="crm_sales: got a web page. Fix: renew the token"))
    assert (expired["what_to_do"], expired["who_does_it"]) == ("renew the token", "the engineer")


@pytest.mark.parametrize(
    ("seen", "who"),
    [
        pytest.param(SourceState("crm_sales"), "the engineer", id="never_had"),
        pytest.param(SourceState("crm_sales", FRI), "the engineer", id="a_header_without_rows"),
        pytest.param(SourceState("zoom", FRI), "marketing operations", id="no_report_ever"),
        pytest.param(SourceState("ad_spend", FRI, days("2026-11-21")), "marketing operations", id="only_days_to_come"),
    ],
)
def test_a_source_nothing_of_which_is_there_is_missing(seen: SourceState, who: str) -> None:
    row = judged(seen)
    assert (row["status"], row["who_does_it"]) == ("missing", who)
    assert pd.isna(row["complete_through"])


def test_a_source_that_never_came_is_told_by_the_setting_that_leads_to_it() -> None:
    assert "FUNNEL_CRM_SALES_URL" in judged(SourceState("crm_sales"))["what_to_do"]


def test_a_rejected_edit_is_for_marketing_operations_and_the_night_before_is_the_last_whole_one() -> None:
    row = judged(SourceState("config", FRI, days("2026-11-19"), refused="config_csv/funnels.csv: line 3: …"))
    assert (row["status"], row["complete_through"], row["who_does_it"]) == ("failed", THU, "marketing operations")
    assert "line 3" in row["why"]
    assert judged(SourceState("config", FRI, days("2026-11-20")))["status"] == "complete"


@pytest.mark.parametrize(
    ("refused", "why", "what_to_do"),
    [
        pytest.param("rejected: a: x. Fix: confirm it", "rejected: a: x", "confirm it", id="one"),
        pytest.param("a: x. Fix: y; b: z. Fix: w", "a: x. Fix: y; b: z. Fix: w", "do what each of them says", id="two"),
    ],
)
def test_what_to_do_about_a_rejected_edit_is_what_its_error_says(refused: str, why: str, what_to_do: str) -> None:
    row = judged(SourceState("config", FRI, days("2026-11-19"), refused=refused))
    assert (row["why"], row["what_to_do"]) == (why, what_to_do)


@pytest.mark.parametrize(
    ("seen", "passed", "severity"),
    [
        pytest.param(SourceState("crm_sales", FRI, daily), True, dg.AssetCheckSeverity.WARN, id="complete"),
        pytest.param(
            SourceState("ad_spend", FRI, workdays[workdays < FRI]), True, dg.AssetCheckSeverity.WARN, id="quiet"
        ),
        pytest.param(SourceState("ad_spend", FRI, daily[daily < FRI]), False, dg.AssetCheckSeverity.WARN, id="late"),
        pytest.param(SourceState("ad_spend"), False, dg.AssetCheckSeverity.WARN, id="missing"),
        pytest.param(SourceState("ad_spend", THU, daily), False, dg.AssetCheckSeverity.ERROR, id="failed"),
    ],
)
def test_the_check_of_a_source_shows_its_row(seen: SourceState, passed: bool, severity: dg.AssetCheckSeverity) -> None:
    result = check_result(["raw", seen.source], judged(seen).to_dict())
    assert (result.passed, result.metadata["status"].value) == (passed, judged(seen)["status"])
    assert passed or result.severity is severity


def test_a_source_that_was_not_looked_at_yet_does_not_pass() -> None:
    assert not check_result(["raw", "crm_sales"], None).passed
