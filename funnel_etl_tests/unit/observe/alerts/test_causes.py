"""What becomes a cause, how it is named, and what it does not tell."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from funnel_etl.observe.alerts.causes import Failure, of_exports, of_failures, of_sources, of_volumes, scrubbed
from funnel_etl.observe.alerts.contracts import CHECK, CONFIG, RUN, SOURCE
from funnel_etl.observe.alerts.messages import LINES, AlertText, message, resolved_message

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CRM = Failure("raw/crm_sales", "nightly", "0f0e0d0c", NOW, "crm_sales: refused. Fix: start the CRM", "2026-11-20")


def source(name: str, status: str, why: str = "no row since", **more: Any) -> dict[str, Any]:
    row = {"source": name, "status": status, "why": why, "complete_through": date(2026, 11, 19)}
    return row | {"what_to_do": "ask", "who_does_it": "the engineer"} | more


def test_a_step_that_fails_on_many_nights_is_one_cause_that_says_who_does_what() -> None:
    later = Failure(CRM.asset, CRM.job, "1a1b", NOW, "crm_sales: timeout. Fix: wait", "2026-11-21")
    first, second = next(of_failures([CRM], {})), next(of_failures([later], {}))
    assert first.key == second.key == "run:raw/crm_sales"
    assert first.kind == RUN
    assert first.what == "raw/crm_sales (nightly, night 2026-11-20): crm_sales: refused"
    assert first.what_to_do == "start the CRM; then funnel-etl run --as-of 2026-11-20"
    assert first.who == "the engineer"


def test_a_failed_step_says_how_far_its_source_reaches() -> None:
    [cause] = of_failures([CRM], {"crm_sales": date(2026, 11, 19), "ad_spend": date(2026, 11, 1)})
    assert cause.what.endswith("; crm_sales stays complete through 2026-11-19")


@pytest.mark.parametrize(("is_error", "word"), [(True, "an error"), (False, "a warning")])
def test_a_failed_check_tells_its_severity_in_words_and_the_step_it_failed_is_not_told_too(
    is_error: bool, word: str
) -> None:
    check = Failure("clean/sales", "nightly", "0f0e", NOW, "4 of 9", "2026-11-20", "rows", is_error=is_error)
    step = Failure("clean/sales", "nightly", "0f0e", NOW, "a check failed", "2026-11-20")
    [cause] = of_failures([step, check], {})
    assert (cause.key, cause.kind) == ("check:clean/sales:rows", CHECK)
    assert f"({word}, night 2026-11-20): 4 of 9" in cause.what


def test_a_run_that_broke_off_is_told_by_its_job() -> None:
    [cause] = of_failures([Failure("", "zoom_refresh", "0f0e0d0c1234", NOW, "it was stopped. Fix: look")], {})
    assert cause.key == "run:zoom_refresh"
    assert "the run 0f0e0d0c of zoom_refresh ended without its end" in cause.what


def test_a_source_is_told_unless_the_step_that_failed_tells_it() -> None:
    rows = [source("crm_sales", "failed"), source("ad_spend", "late"), source("tofu_leads", "quiet")]
    assert [c.key for c in of_sources(rows, [], lacks_reports=False)] == [
        "source:crm_sales:failed",
        "source:ad_spend:late",
    ]
    told = list(of_sources(rows, ["raw/crm_sales"], lacks_reports=False))
    assert [(c.key, c.kind) for c in told] == [("source:ad_spend:late", SOURCE)]


def test_missing_reports_are_told_one_by_one_and_not_as_a_source_too() -> None:
    assert list(of_sources([source("zoom", "missing")], [], lacks_reports=True)) == []
    assert len(list(of_sources([source("zoom", "missing")], [], lacks_reports=False))) == 1


def test_a_rejected_edit_is_named_by_table_and_line_and_its_value_stays_here() -> None:
    why = "an edit was rejected: config_csv/manual_mapping.csv: line 7: column 'manual_value': 'Priya Sharma' is none"
    [cause] = of_sources([source("config", "failed", why)], [], lacks_reports=False)
    assert cause.kind == CONFIG
    assert "manual_mapping.csv line 7" in cause.what
    assert "Priya" not in cause.what + str(cause.what_to_do)
    [other] = of_sources([source("config", "failed", why.replace("7", "8"))], [], lacks_reports=False)
    assert other.key != cause.key


def test_a_missing_report_is_told_without_the_topic_and_the_number_of_its_webinar() -> None:
    row = {
        "export_id": "81200001001:attendee",
        "report": "attendee",
        "profile": "plutus_webinar",
        "topic": "An evening with Priya Sharma",
        "webinar_id": "81200001001",
        "expected_date": date(2026, 11, 18),
        "what_to_do": "download it",
        "who_does_it": "marketing operations",
    }
    [cause] = of_exports([row])
    assert cause.what == ("the attendee report of plutus_webinar, webinar of Wednesday 2026-11-18, is not there")
    assert "81200001001" not in cause.what + str(cause.what_to_do)


def test_low_days_that_follow_each_other_are_one_cause_and_a_silent_source_is_told_once() -> None:
    row = {
        "source": "leads",
        "since": date(2026, 11, 16),
        "why": "few",
        "what_to_do": "look",
        "who_does_it": "the engineer",
    }
    rows = [row | {"day": date(2026, 11, day), "seen": 60} for day in (18, 17, 16)]
    [cause] = of_volumes(rows, {})
    assert cause.key == "volume:leads:2026-11-16"
    assert cause.what == "leads: few, low since 2026-11-16"
    assert list(of_volumes(rows, {"tofu_leads": date(2026, 11, 15)})) == [], "that it is silent is told"
    assert len(list(of_volumes(rows, {"tofu_leads": date(2026, 11, 16), "crm_sales": None}))) == 1


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("of priya@mail.example.org too", "of (an e-mail) too", id="e_mail"),
        pytest.param("phone 98765 12345 again", "phone (a number) again", id="phone_with_a_blank"),
        pytest.param("+91-98765-12345", "(a number)", id="phone_with_its_country"),
        pytest.param("9876512345 of 2026-11-20", "(a number) of 2026-11-20", id="phone_beside_a_day"),
        pytest.param("nights 2026-11-20 2026-11-21 17:05:09", "nights 2026-11-20 2026-11-21 17:05:09", id="days_stay"),
        pytest.param("1,240,000 keys, 24.8%", "1,240,000 keys, 24.8%", id="counts_stay"),
        pytest.param("'Priya Sharma.csv' is no report", "(a file) is no report", id="a_quoted_file"),
        pytest.param("drop/zoom/priya_sharma.CSV: no", "(a file): no", id="a_path"),
        pytest.param("config_csv/funnels.csv: line 3", "config_csv/funnels.csv: line 3", id="our_own_stay"),
        pytest.param(
            "http://crm.example.org/x.csv refused", "http://crm.example.org/x.csv refused", id="addresses_stay"
        ),
    ],
)
def test_free_text_loses_what_may_be_personal_and_nothing_else(text: str, left: str) -> None:
    assert scrubbed(text) == left


def test_a_message_has_a_short_subject_a_line_a_cause_and_says_who() -> None:
    made = message(
        "missing_export",
        [AlertText("missing_export", f"report {i}", "drop it", "marketing operations") for i in range(40)],
    )
    assert made.subject == "funnel_etl: 40 Zoom reports are missing"
    assert made.body.count("→ marketing operations: drop it") == LINES
    assert made.body.endswith(f"… and {40 - LINES} more: funnel-etl status")
    one = message("run_failed", [AlertText("run_failed", "raw/crm_sales: refused", "start it", "the engineer")])
    assert one.body == "- raw/crm_sales: refused\n  → the engineer: start it"
    assert one.tone == "failure"
    assert resolved_message([AlertText("run_failed", "raw/crm_sales: refused", "start it", "the engineer")]).body == (
        "No longer so:\n- raw/crm_sales: refused"
    )


def test_a_table_that_waits_for_a_person_is_told_with_its_counts_and_the_command() -> None:
    why = "an edit was rejected: config_csv/funnel_mapping.csv: 12 of the 20 lines in force are gone; it has 8 now"
    [cause] = of_sources([source("config", "failed", why)], [], lacks_reports=False)
    assert cause.kind == CONFIG
    assert "funnel_mapping.csv 12 of the 20 lines in force are gone" in cause.what
    assert "funnel-etl confirm funnel_mapping" in str(cause.what_to_do)


def test_a_file_nobody_reads_is_told_without_its_name_but_with_the_table_it_may_mean() -> None:
    why = "config_csv/funnel_maping Asha.csv: nobody reads this file (did you mean 'funnel_mapping.csv'?)"
    [cause] = of_sources([source("config", "failed", why, what_to_do="save it as CSV")], [], lacks_reports=False)
    assert cause.kind == SOURCE
    assert "(did you mean 'funnel_mapping.csv'?)" in cause.what
    assert "Asha" not in cause.what
