"""Whether a row may be sent now: hours, age, consent, the time a repeat is dropped for."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from funnel_etl.delivery.due import Window, at_claim, is_too_old, recovered, seconds_to_wait
from funnel_etl.delivery.rows import Candidate, Delivery

INDIA = ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
"""10:00 in India."""


def event(**changes: Any) -> Delivery:
    made = Delivery(
        delivery_key="a" * 64,
        destination="webengage",
        account="in~demo",
        object="event",
        kind="attended",
        effect="guarded",
        request_id="a" * 32,
        planned_at=NOW,
        changed_at=NOW,
        event_date=date(2026, 11, 20),
        started_at=datetime(2026, 11, 20, 13, 30, tzinfo=UTC),
        last_day=date(2026, 11, 27),
        payload_sha256="x",
    )
    return replace(made, **changes)


def candidate(**changes: Any) -> Candidate:
    made = Candidate("c", "webengage", "in~demo", "event", "attended", "guarded", "deliver", payload_sha256="x")
    return replace(made, **changes)


def claimed(row: Delivery, said: Candidate | None, batch: str | None = None, user: str | None = "delivered") -> str:
    verdict = at_claim(row, said, NOW, INDIA, lambda _: batch, user)
    return "sent" if verdict.is_sent else f"{verdict.row.state}:{verdict.row.reason}"


@pytest.mark.parametrize(
    ("text", "at", "is_open"),
    [
        ("09:00-20:00", "09:00", True),
        ("09:00-20:00", "08:59", False),
        ("09:00-20:00", "19:59", True),
        ("09:00-20:00", "20:00", False),
        ("00:00-24:00", "23:59", True),
        ("00:00-24:00", "00:00", True),
        ("22:00-06:00", "23:00", True),
        ("22:00-06:00", "05:59", True),
        ("22:00-06:00", "12:00", False),
        ("12:00-24:00", "23:59", True),
        ("12:00-24:00", "00:00", False),
    ],
)
def test_a_window_is_open_from_its_begin_to_before_its_end(text: str, at: str, is_open: bool) -> None:
    hour, minute = map(int, at.split(":"))
    now = datetime(2026, 11, 21, hour, minute, tzinfo=INDIA)
    assert Window.of(text).is_open(now.astimezone(UTC), INDIA) is is_open


@pytest.mark.parametrize("text", ["9", "09:00", "25:00-26:00", "a-b", ""])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no window"):
        Window.of(text)


def test_what_the_night_still_sends_is_claimed() -> None:
    assert claimed(event(), candidate()) == "sent"


@pytest.mark.parametrize(
    ("reason", "cancelled"),
    [("no_consent", "withdrawn"), ("suppressed", "suppressed"), ("erased", "erased"), ("no_show", "no_longer_due")],
)
def test_what_the_night_sends_no_more_is_cancelled(reason: str, cancelled: str) -> None:
    assert claimed(event(), candidate(decision="excluded", reason=reason)) == f"cancelled:{cancelled}"


def test_what_a_newer_night_does_not_know_is_left_to_the_next_plan() -> None:
    assert claimed(event(), None) == "planned:None"
    assert claimed(event(last_day=date(2026, 11, 20)), None) == "cancelled:too_old"


def test_an_event_waits_for_its_user() -> None:
    assert claimed(event(), candidate(), user="planned") == "planned:None"
    assert claimed(event(), candidate(), user=None) == "planned:None"


def test_a_user_whose_profile_is_not_today_s_is_replaced() -> None:
    row = event(object="user", kind="user", effect="repeatable", payload_sha256="old")
    assert claimed(row, candidate(object="user")) == "cancelled:replaced"


@pytest.mark.parametrize(
    ("last", "started", "is_old"),
    [
        pytest.param(21, 20, False, id="last_day"),
        pytest.param(20, 20, True, id="day_after"),
        pytest.param(27, 14, False, id="start_of_the_row_seven_days_ago"),
        pytest.param(27, 13, True, id="start_of_the_row_eight_days_ago"),
    ],
)
def test_age_is_counted_by_the_rule_and_by_the_start_in_the_ledger(last: int, started: int, is_old: bool) -> None:
    row = event(last_day=date(2026, 11, last), started_at=datetime(2026, 11, started, 13, 30, tzinfo=UTC))
    assert is_too_old(row, row.last_day, date(2026, 11, 21), INDIA) is is_old
    assert (claimed(row, candidate()) == "cancelled:too_old") is is_old


def test_a_webinar_to_come_is_not_too_old() -> None:
    row = event(
        event_date=date(2026, 12, 1),
        last_day=date(2026, 12, 8),
        started_at=datetime(2026, 12, 1, 13, 30, tzinfo=UTC),
    )
    assert claimed(row, candidate()) == "sent"


def test_what_was_sent_first_too_long_ago_is_for_a_person() -> None:
    row = event(first_sent_at=NOW - timedelta(hours=3, minutes=31), attempts=1, state="failed_transient")
    assert claimed(row, candidate()) == "unknown:window_passed"
    assert claimed(replace(row, first_sent_at=NOW + timedelta(minutes=1)), candidate()) == "unknown:window_passed"
    assert claimed(replace(row, first_sent_at=NOW - timedelta(hours=3)), candidate()) == "sent"


def test_what_only_the_journal_knows_of_is_for_a_person() -> None:
    assert claimed(event(), candidate(), batch="b1") == "unknown:ledger_lost"
    assert claimed(event(batch_id="b1"), candidate(), batch="b1") == "sent"
    assert claimed(event(batch_id="b1"), candidate(), batch="b2") == "unknown:ledger_lost"


def test_what_a_dead_sender_had_is_unknown_and_goes_again_where_that_is_safe() -> None:
    sent = event(state="sending", first_sent_at=NOW - timedelta(hours=1), attempts=1)
    late = replace(sent, first_sent_at=NOW - timedelta(hours=4))
    user = replace(late, object="user", effect="repeatable")
    found = [(row.state, row.reason) for row in recovered([sent, late, user], NOW)]
    assert found == [
        ("failed_transient", "sender_died"),
        ("unknown", "window_passed"),
        ("failed_transient", "sender_died"),
    ]
    assert recovered([event(), replace(sent, state="unknown", reason="ledger_lost")], NOW) == []


def test_a_run_waits_a_minute_from_the_last_claim_at_most() -> None:
    sent = event(state="sending", last_sent_at=NOW - timedelta(seconds=20))
    assert seconds_to_wait([sent, event()], NOW) == 40.0
    assert seconds_to_wait([replace(sent, last_sent_at=NOW + timedelta(hours=1))], NOW) == 60.0
    assert seconds_to_wait([replace(sent, last_sent_at=NOW - timedelta(hours=1))], NOW) == 0.0
    assert seconds_to_wait([event()], NOW) == 0.0
