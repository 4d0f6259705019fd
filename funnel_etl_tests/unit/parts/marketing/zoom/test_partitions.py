"""The partition of a dropped file: a key that people know, and what is shown of a file's name."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from funnel_etl.core.errors import NotAZoomReport
from funnel_etl.parts.marketing.zoom.partitions import arrival_metadata, is_former, is_key_of, partition_key, shown_name

FILE_ID = "01ab23cd45ef6789" + "0" * 48
ZONE = "Asia/Kolkata"
ARRIVED = datetime(2026, 11, 12, 20, 0, tzinfo=UTC)
"""The 13th in India."""


def key_of(facts: dict[str, Any] | None) -> str:
    def summary(_: str) -> tuple[dict[str, Any], None]:
        if facts is None:
            raise NotAZoomReport("it is no longer read", fix="download it again")
        return facts, None

    arrival = SimpleNamespace(file_id=FILE_ID, received_at=ARRIVED, name="a.csv")
    return partition_key(arrival, SimpleNamespace(summary=summary), ZONE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "key"),
    [
        pytest.param(
            {"report": "attendee", "webinar_id": "88588605779", "started_at": "2026-11-12 13:30:00+00:00"},
            "2026-11-12_88588605779_attendee_01ab23cd",
            id="attendee_report",
        ),
        pytest.param(
            {"report": "registration", "webinar_id": "885886", "scheduled_at": "2026-11-11 20:00:00+00:00"},
            "2026-11-12_885886_registration_01ab23cd",
            id="registration_report_by_the_business_day",
        ),
        pytest.param(None, "2026-11-13_unknown_01ab23cd", id="a_file_that_is_not_read_by_the_day_it_arrived"),
    ],
)
def test_a_key_says_day_webinar_report_and_which_file(facts: dict[str, Any] | None, key: str) -> None:
    found = key_of(facts)
    assert found == key
    assert is_key_of(found, FILE_ID)
    assert not is_former(found)


def test_a_key_of_earlier_versions_is_known_as_such_and_as_the_file_s() -> None:
    assert is_former(FILE_ID[:16])
    assert is_key_of(FILE_ID[:16], FILE_ID)
    assert not is_key_of("2026-11-12_88588605779_attendee_ffab23cd", FILE_ID)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("attendee_88588605779_2026_11_12.csv", "attendee_88588605779_2026_11_12.csv"),
        ("attendee_9876512345_2026_11_12 (1).csv", "attendee_9876512345_2026_11_12 (1).csv"),
        ("report for 98765 12300.csv", "report for ….csv"),
        ("asha@example.com report.csv", "… report.csv"),
        ("+971501234567_attendees.csv", "…_attendees.csv"),
        ("91-98765-12300.csv", "….csv"),
    ],
)
def test_a_file_is_shown_by_its_name_without_phones_and_e_mails_but_with_its_webinar_id(name: str, shown: str) -> None:
    assert shown_name(name, "9876512345") == shown


def test_the_arrival_is_told_in_the_business_zone() -> None:
    arrival = SimpleNamespace(name="a.csv", received_at=ARRIVED)
    assert arrival_metadata(arrival, ZONE) == {"file": "a.csv", "received": "2026-11-13 01:30 IST"}  # type: ignore[arg-type]
