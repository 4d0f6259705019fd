"""Days and moments as people in India write them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from funnel_etl.app import words

INDIA = ZoneInfo("Asia/Kolkata")


def test_a_day_has_its_weekday_and_no_leading_nought() -> None:
    assert words.day(date(2026, 11, 3)) == "Tue, 3 Nov 2026"


@pytest.mark.parametrize(
    ("utc", "says"),
    [
        ((2026, 11, 29, 21, 11), "30 Nov 2026, 2:41 am"),
        ((2026, 11, 29, 18, 30), "30 Nov 2026, 12:00 am"),
        ((2026, 11, 30, 6, 30), "30 Nov 2026, 12:00 pm"),
        ((2026, 11, 30, 13, 5), "30 Nov 2026, 6:35 pm"),
    ],
)
def test_a_moment_is_told_in_its_zone(utc: tuple[int, ...], says: str) -> None:
    assert words.moment(datetime(*utc, tzinfo=UTC), INDIA) == says  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (7200, "2 hours ago"),
        (86400, "1 day ago"),
    ],
)
def test_how_long_ago_is_told_roughly(seconds: int, says: str) -> None:
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    assert words.ago(now - timedelta(seconds=seconds), now) == says
