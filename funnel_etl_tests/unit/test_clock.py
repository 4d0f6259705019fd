"""The business day is the business zone's, wherever the machine stands: a minute before and after its midnight."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

import funnel_etl.settings
from funnel_etl.platform.dagster.nights import nights_partition
from funnel_etl.settings import Settings

MOMENTS = [
    pytest.param("Asia/Kolkata", "2026-11-20 18:29", "2026-11-19", id="23:59 in Kolkata"),
    pytest.param("Asia/Kolkata", "2026-11-20 18:31", "2026-11-20", id="00:01 in Kolkata"),
    pytest.param("Asia/Kolkata", "2026-12-31 18:31", "2026-12-31", id="00:01 of New Year"),
    pytest.param("America/New_York", "2026-03-09 03:59", "2026-03-07", id="23:59 of the day of 23 hours"),
    pytest.param("America/New_York", "2026-03-09 04:01", "2026-03-08", id="00:01 after the day of 23 hours"),
    pytest.param("America/New_York", "2026-11-02 04:59", "2026-10-31", id="23:59 of the day of 25 hours"),
    pytest.param("America/New_York", "2026-11-02 05:01", "2026-11-01", id="00:01 after the day of 25 hours"),
]


@pytest.fixture(params=["UTC", "Asia/Kolkata", "Pacific/Auckland"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine's own zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("zone", "moment", "expected"), MOMENTS)
def test_the_last_complete_day_and_the_partition_that_ended_last_are_those_of_the_business_zone(
    zone: str, moment: str, expected: str, machine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now.astimezone(tz)

    monkeypatch.setattr(funnel_etl.settings, "datetime", Clock)
    given = Settings(home=tmp_path, timezone=zone)
    assert str(given.yesterday()) == expected
    nights = nights_partition(given)
    after = str(given.yesterday() + timedelta(days=1))
    assert nights.time_window_for_partition_key(expected).end <= now < nights.time_window_for_partition_key(after).end
