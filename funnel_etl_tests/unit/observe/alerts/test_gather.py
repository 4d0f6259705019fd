"""What is told as resolved, and what only leaves its list: real tables, a real Dagster storage, a real HTTP server."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES
from funnel_etl.observe.alerts import dispatch
from funnel_etl.observe.alerts import store as memory
from funnel_etl.observe.alerts.gather import gather
from funnel_etl.observe.completeness.missing_exports import LOOK_BACK_DAYS
from funnel_etl.observe.completeness.volumes import LISTED_DAYS
from funnel_etl.platform.postgres.database import engine
from funnel_etl.platform.postgres.schema import ensure_schema
from funnel_etl_tests.receiver import Receiver
from funnel_etl_tests.whole import defs

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 20)
DAYS = timedelta(days=1)
TO_DO = {"what_to_do": "look", "who_does_it": "marketing operations"}
LOW = {"source": "leads", "since": DAY, "day": DAY, "days": 1, "expected": 99, "seen": 9, "share": 0.09, "why": "few"}
LACKS = {"export_id": "1:attendee", "reason": "no_attendee_report", "report": "attendee", "expected_date": DAY}
LACKS["age_hours"] = 99
PHONELESS = {"source": "tofu_leads", "status": "more", "day": DAY, "says": "12 of 24 leads have no phone"}
LATE = {"source": "ad_spend", "status": "late", "why": "no row since", "complete_through": DAY}
GOOD = LATE | {"status": "complete"}
MENDED = ["funnel_etl: 1 thing that was told is resolved"]


class World:
    """What the watch says of a night, and a pass of the alerts on it."""

    def __init__(self, url: str, receiver: Receiver, instance: dg.DagsterInstance) -> None:
        self.engine, self.receiver, self.instance = engine(url), receiver, instance
        ensure_schema(self.engine, TABLES)

    def see(self, night: date, now: datetime | None = None, **rows: dict[str, Any]) -> list[str]:
        """Put a night's rows into the place of those before, make a pass, and return the subjects that came."""
        self.receiver.clear()
        now = now or datetime.now(UTC)
        with self.engine.begin() as connection:
            for name in ("completeness", "missing_exports", "volume_alarms", "phone_shares"):
                connection.execute(sa.text(f"DELETE FROM ops.{name}"))  # noqa: S608
            for name, row in ({"completeness": GOOD} | rows).items():
                given = TO_DO | {"as_of": night} | row
                columns, values = ", ".join(given), ", ".join(f":{column}" for column in given)
                connection.execute(sa.text(f"INSERT INTO ops.{name} ({columns}) VALUES ({values})"), given)  # noqa: S608
            found = gather(connection, self.instance, defs.get_repository_def(), now, today=now.date())
            memory.note(connection, found.causes, found.looked, now, found.unresolved)
        dispatch._send_pending(self.engine, [self.receiver.url], now, force=True, deadline=1e12)
        return self.receiver.subjects

    def is_open(self) -> bool:
        query = "SELECT count(*) FROM ops.alerts WHERE resolved_at IS NULL OR resolved_told_at IS NULL"
        with self.engine.connect() as connection:
            return bool(connection.execute(sa.text(query)).scalar_one())

    def run(self, status: dg.DagsterRunStatus) -> None:
        run = self.instance.create_run_for_job(defs.resolve_job_def("zoom_refresh"), status=status)
        if status is dg.DagsterRunStatus.STARTED:
            self.instance.report_run_failed(run, "killed before it ended")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with Receiver() as receiver, dg.instance_for_test() as instance:
        made = World(database_url, receiver, instance)
        yield made
        made.engine.dispose()


@pytest.mark.parametrize(
    ("table", "row", "listed"),
    [
        pytest.param("volume_alarms", LOW, LISTED_DAYS, id="few_rows"),
        pytest.param("phone_shares", PHONELESS, LISTED_DAYS, id="phones_that_are_gone"),
        pytest.param("missing_exports", LACKS, LOOK_BACK_DAYS, id="a_missing_report"),
    ],
)
def test_what_becomes_too_old_for_its_list_is_closed_silently_and_what_came_is_told(
    world: World, table: str, row: dict[str, Any], listed: int
) -> None:
    last = DAY + (listed - 1) * DAYS
    assert len(world.see(DAY, **{table: row})) == 1
    assert world.see(last, **{table: row}) == []
    assert world.see(last + DAYS) == []
    assert not world.is_open()
    assert len(world.see(DAY, **{table: row})) == 1
    assert world.see(last) == MENDED
    assert not world.is_open()


def test_few_rows_that_go_on_are_listed_for_longer(world: World) -> None:
    world.see(DAY, volume_alarms=LOW)
    world.see(DAY + 2 * DAYS, volume_alarms=LOW | {"day": DAY + 2 * DAYS})
    assert world.see(DAY + (LISTED_DAYS + 1) * DAYS) == MENDED, "a day before its list lets it go"


def test_a_source_that_is_not_complete_for_another_reason_now_is_not_told_as_mended(world: World) -> None:
    not_complete = ["funnel_etl: a source is not complete"]
    assert world.see(DAY, completeness=LATE) == not_complete
    assert world.see(DAY + DAYS, completeness=LATE | {"status": "missing"}) == not_complete
    assert world.see(DAY + DAYS) == MENDED


def test_a_failed_run_that_nobody_ran_again_is_closed_silently(world: World) -> None:
    world.run(dg.DagsterRunStatus.STARTED)
    now = datetime.now(UTC)
    assert world.see(DAY, now + timedelta(hours=1)) == ["funnel_etl: a run failed"]
    assert world.see(DAY, now + timedelta(days=6)) == []
    assert world.is_open()
    assert world.see(DAY, now + timedelta(days=8)) == []
    assert not world.is_open()


@pytest.mark.parametrize("days", [1, 8])
def test_a_failed_run_that_succeeded_since_is_told_as_mended_however_late_that_is_seen(world: World, days: int) -> None:
    world.run(dg.DagsterRunStatus.STARTED)
    now = datetime.now(UTC)
    assert world.see(DAY, now + timedelta(hours=1)) == ["funnel_etl: a run failed"]
    world.run(dg.DagsterRunStatus.SUCCESS)
    assert world.see(DAY, now + timedelta(days=days)) == MENDED
