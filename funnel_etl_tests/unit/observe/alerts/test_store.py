"""The memory on a real PostgreSQL: once per cause, again when it comes back, back-off, and no address gets it twice."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from funnel_etl.observe.alerts import dispatch
from funnel_etl.observe.alerts import store as memory
from funnel_etl.observe.alerts.causes import Cause
from funnel_etl.observe.alerts.contracts import EXPORT, NIGHT, RUN, TABLES
from funnel_etl.observe.alerts.delivery import UNANSWERED
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.receiver import Receiver

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 21, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CRM = Cause("run:raw/crm_sales", RUN, "raw/crm_sales failed", "resolve it", "the engineer")


class Alerts:
    """A memory and its clock; each `see` is a pass with the causes there are then."""

    def __init__(self, url: str) -> None:
        self.engine = engine(url)
        ensure_schema(self.engine, TABLES)
        self.now = START
        self.urls: list[str] = []

    def see(self, *causes: Cause, force: bool = False, looked: tuple[str, ...] = (RUN, EXPORT, NIGHT)) -> dispatch.Sent:
        with self.engine.begin() as connection:
            memory.note(connection, causes, looked, self.now)
        return dispatch._send_pending(self.engine, self.urls, self.now, force=force, deadline=1e12)

    def rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(sa.text("SELECT * FROM ops.alerts ORDER BY first_seen_at, cause"))
            return [dict(row) for row in found.mappings()]


@pytest.fixture
def alerts(database_url: str) -> Iterator[Alerts]:
    made = Alerts(database_url)
    yield made
    made.engine.dispose()


@pytest.fixture
def receiver(alerts: Alerts) -> Iterator[Receiver]:
    with Receiver() as started:
        alerts.urls = [started.url]
        yield started


def test_a_cause_is_sent_once_however_often_it_is_seen(alerts: Alerts, receiver: Receiver) -> None:
    for _ in range(5):
        alerts.see(CRM, force=True)
        alerts.now += timedelta(days=1)
    assert receiver.subjects == ["funnel_etl: a run failed"]
    [row] = alerts.rows()
    assert (row["attempts"], row["sent_at"], row["last_error"]) == (1, START, None)


def test_when_it_is_gone_that_is_told_once_and_when_it_comes_back_it_is_sent_again(
    alerts: Alerts, receiver: Receiver
) -> None:
    for causes in ([CRM], [], [], [CRM], [CRM]):
        alerts.see(*causes)
        alerts.now += timedelta(hours=1)
    once, gone, again = receiver.subjects
    assert (once, again) == ("funnel_etl: a run failed",) * 2
    assert "is resolved" in gone
    assert [row["resolved_at"] is None for row in alerts.rows()] == [False, True]


def test_of_a_kind_that_was_not_looked_at_nothing_is_gone(alerts: Alerts, receiver: Receiver) -> None:
    alerts.see(CRM)
    alerts.see(looked=(EXPORT,))
    assert [row["resolved_at"] for row in alerts.rows()] == [None]
    assert len(receiver.taken) == 1


def test_a_night_is_told_once_also_when_an_older_one_was_told_since(alerts: Alerts, receiver: Receiver) -> None:
    friday, saturday = (Cause(f"night:2026-11-{day}", NIGHT, f"the night {day}") for day in (20, 21))
    for night in (friday, friday, saturday, friday):
        alerts.see(night)
        alerts.now += MINUTE
    assert [each["message"] for each in receiver.taken] == ["the night 20", "the night 21"], "and no word of fixing"


def test_what_was_not_accepted_waits_longer_each_time_and_arrives_after_all(alerts: Alerts, receiver: Receiver) -> None:
    receiver.status = 500
    assert alerts.see(CRM).errors == {"1. json://127.0.0.1": "it answered 500"}
    alerts.see(CRM)
    assert receiver.tried == 1, "not at the next tick already"
    waits = []
    for _ in range(12):
        [row] = alerts.rows()
        waits.append(row["next_attempt_at"] - alerts.now)
        alerts.now = row["next_attempt_at"]
        alerts.see(CRM)
    assert waits[:3] == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert waits[-1] == memory.LONGEST_PAUSE
    [row] = alerts.rows()
    assert (row["sent_at"], row["attempts"]) == (None, 13)
    assert row["last_error"] == "1. json://127.0.0.1: it answered 500"
    receiver.status = 200
    alerts.see(CRM, force=True)
    assert receiver.subjects == ["funnel_etl: a run failed"]
    assert alerts.rows()[0]["last_error"] is None


def test_what_was_mended_before_it_could_be_sent_is_not_sent_any_more(alerts: Alerts, receiver: Receiver) -> None:
    receiver.status = 500
    alerts.see(CRM)
    receiver.status = 200
    alerts.see(force=True)
    assert receiver.taken == []


def test_an_address_that_fails_holds_up_no_other_and_none_gets_it_twice(alerts: Alerts, receiver: Receiver) -> None:
    with Receiver() as other:
        alerts.urls.append(other.url)
        other.status = 503
        alerts.see(CRM)
        second = Cause("export:1", EXPORT, "a report is missing", "drop it", "marketing operations")
        alerts.see(CRM, second, force=True)
        assert sorted(receiver.subjects) == ["funnel_etl: a Zoom report is missing", "funnel_etl: a run failed"]
        assert other.tried == 2, "one attempt a pass: the second message would fail as the first"
        other.status = 200
        alerts.see(CRM, second, force=True)
        assert sorted(other.subjects) == sorted(receiver.subjects)
        assert len(receiver.taken) == 2
    assert all(row["sent_at"] for row in alerts.rows())


def test_what_may_have_arrived_is_sent_once_more_and_not_again(alerts: Alerts, receiver: Receiver) -> None:
    alerts.urls = [f"{receiver.url}?rto=0.3"]
    receiver.seconds = 1
    missing = Cause("export:1", EXPORT, "a report is missing", "drop it", "marketing operations")
    assert alerts.see(CRM, missing).errors == {"1. json://127.0.0.1": UNANSWERED}
    errors = {row["cause"]: row["last_error"] for row in alerts.rows()}
    assert errors[CRM.key] == f"1. json://127.0.0.1: {UNANSWERED}"
    assert UNANSWERED not in errors[missing.key], "it was held up, and never sent"
    alerts.see(CRM, missing, force=True)
    for _ in range(4):
        alerts.see(CRM, missing, force=True)
    assert receiver.tried == 4, "each of two messages twice"
    assert all(row["sent_at"] for row in alerts.rows())
    receiver.seconds = 0
    alerts.see(missing)
    assert "is resolved" in receiver.subjects[-1], "and what became of it is told"


def test_an_address_that_may_have_it_holds_up_no_other_and_none_gets_it_more_often(
    alerts: Alerts, receiver: Receiver
) -> None:
    with Receiver() as other:
        alerts.urls = [f"{receiver.url}?rto=0.3", other.url]
        receiver.seconds, other.status = 1, 503
        for _ in range(4):
            alerts.see(CRM, force=True)
        assert (receiver.tried, other.tried) == (2, 4)
        assert alerts.rows()[0]["last_error"] == "2. json://127.0.0.1: it answered 503"
        other.status = 200
        alerts.see(CRM, force=True)
        assert (receiver.tried, len(other.taken)) == (2, 1)


def test_the_memory_holds_nothing_secret_of_an_address(alerts: Alerts, receiver: Receiver) -> None:
    alerts.urls.append(f"nosuch://{receiver.secret}")
    receiver.status = 500
    alerts.see(CRM)
    [row] = alerts.rows()
    assert "2. nosuch://…: apprise cannot read this address" in row["last_error"]
    assert receiver.secret not in str(row)


def test_without_an_address_nothing_is_tried_and_all_is_remembered(alerts: Alerts) -> None:
    assert alerts.see(CRM).says == "0 messages sent"
    [row] = alerts.rows()
    assert (row["attempts"], row["last_error"], row["sent_at"]) == (0, None, None)


def test_many_causes_of_a_kind_are_one_message(alerts: Alerts, receiver: Receiver) -> None:
    alerts.see(*(Cause(f"export:{i}", EXPORT, f"report {i}", "drop it", "marketing operations") for i in range(30)))
    assert receiver.subjects == ["funnel_etl: 30 Zoom reports are missing"]
    alerts.see(*(Cause(f"export:{i}", EXPORT, f"report {i}", "drop it", "marketing operations") for i in range(31)))
    assert receiver.subjects[1:] == ["funnel_etl: a Zoom report is missing"]
