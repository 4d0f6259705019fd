"""Time zones that headers of a report name are understood and used."""

import pandas as pd
import pytest

from funnel_etl.parts.marketing.zoom.reader.read import ZoomExport, read_export
from funnel_etl.parts.marketing.zoom.reader.zones import Zone, split_off, zone_of

REPORT = """\
Attendee Report
Report Generated{head}:,"Nov 12, 2026 9:30 PM"
Topic,Webinar ID,Actual Start Time{head}
Class,111 2222 3333,"Nov 12, 2026 7:00 PM"
Host Details
Attended,User Name,Email,Join Time{times},Leave Time{times},Time in Session (minutes)
Yes,Host,host@example.com,"Nov 12, 2026 18:55:00","Nov 12, 2026 20:30:00",95
Attendee Details
Attended,User Name,Email,Registration Time{registered},Join Time{times},Leave Time{times},Time in Session
Yes,A,a@example.com,"Nov 10, 2026 10:00:00","Nov 12, 2026 19:00:00","Nov 12, 2026 20:20:00",80
"""


def read(head: str = "", times: str = "", registered: str = "") -> ZoomExport:
    text = REPORT.format(head=head, times=times, registered=registered)
    return read_export(text.encode(), file_id="f", zone="Asia/Kolkata")


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("IST", "Asia/Kolkata"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("asia/calcutta", "Asia/Calcutta"),
        ("India Standard Time", "Asia/Kolkata"),
        ("UTC", "UTC"),
        ("GMT", "UTC"),
        ("GMT+5:30", "+05:30"),
        ("UTC-0300", "-03:00"),
        ("UTC\u22128", "-08:00"),
        ("GMT+05:30 Mumbai, Kolkata, New Delhi", "Asia/Kolkata"),
        ("GMT-7:00 Pacific Time (US and Canada)", "America/Los_Angeles"),
        ("Eastern Time", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("I.S.T.", "Asia/Kolkata"),
        ("in IST", "Asia/Kolkata"),
        ("GMT+5.30", "+05:30"),
        ("PST", "America/Los_Angeles"),
        ("PT", "America/Los_Angeles"),
        ("EST", "America/New_York"),
        ("ET", "America/New_York"),
        ("Mountain Time", "America/Denver"),
        ("MST", "America/Denver"),
        ("CT", "America/Chicago"),
        ("CST", "America/Chicago"),
        ("BST", "Europe/London"),
        ("PDT", "-07:00"),
    ],
)
def test_zones_are_known_by_region_name_and_offset(text: str, zone: str) -> None:
    assert zone_of(text) == Zone(zone)


@pytest.mark.parametrize(
    ("text", "home", "zone"),
    [
        ("IST", "Asia/Kolkata", "Asia/Kolkata"),
        ("IST", "Asia/Dubai", "Asia/Kolkata"),
        ("IST", "Europe/Dublin", "Europe/Dublin"),
        ("IST", "Asia/Jerusalem", "Asia/Jerusalem"),
        ("CST", "Asia/Shanghai", "Asia/Shanghai"),
        ("BST", "Asia/Dhaka", "Asia/Dhaka"),
        ("India Standard Time", "Europe/Dublin", "Asia/Kolkata"),
        ("EST", "Asia/Dhaka", "America/New_York"),
    ],
)
def test_of_several_zones_of_one_name_the_installations_own_is_meant(text: str, home: str, zone: str) -> None:
    assert zone_of(text, home) == Zone(zone)


@pytest.mark.parametrize("text", ["AST", "SST", "CDT"])
def test_an_abbreviation_of_several_zones_is_none_of_them(text: str) -> None:
    assert zone_of(text) == Zone(None, is_ambiguous=True)


@pytest.mark.parametrize("text", ["minutes", "local", "optional", "2", ""])
def test_other_words_are_no_zone(text: str) -> None:
    assert zone_of(text) == Zone(None)


@pytest.mark.parametrize(
    "times",
    [
        *(" (IST)", " (Asia/Kolkata)", " [IST]", " (GMT+5:30)", " (GMT+05:30) Mumbai", " - IST", " IST", "(IST)"),
        *(" in IST", " (in IST)", " I.S.T.", " (I.S.T.)", "/IST", "_IST", " in India Standard Time"),
    ],
)
def test_a_zone_in_the_headers_loses_neither_the_column_nor_the_kind_of_report(times: str) -> None:
    """Incident: a report with zones in all join and leave headers was taken for a registration report."""
    export = read(times=times)
    assert (export.facts["report"], export.rows["section"].tolist()) == ("attendee", ["host", "attendee"])
    assert export.rows["joined_at"].tolist() == [pd.Timestamp("2026-11-12T13:25Z"), pd.Timestamp("2026-11-12T13:30Z")]


def test_the_zone_of_a_header_is_used_for_its_column_only() -> None:
    export = read(times=" (UTC)")
    person = export.rows.iloc[1]
    assert person["joined_at"] == pd.Timestamp("2026-11-12T19:00Z")
    assert person["left_at"] == pd.Timestamp("2026-11-12T20:20Z")
    assert person["registered_at"] == pd.Timestamp("2026-11-10T04:30Z")
    assert export.facts["started_at"] == pd.Timestamp("2026-11-12T13:30Z")
    assert "times were read in UTC, as 'UTC' in their header says" in export.notes


def test_zones_of_the_summary_and_of_registrations_are_used() -> None:
    export = read(head=" (America/New_York)", registered=" (GMT+0)")
    assert export.facts["started_at"] == pd.Timestamp("2026-11-13T00:00Z")
    assert export.facts["generated_at"] == pd.Timestamp("2026-11-13T02:30Z")
    assert export.rows["registered_at"].iloc[1] == pd.Timestamp("2026-11-10T10:00Z")


def test_a_zone_behind_a_value_of_the_summary_is_used() -> None:
    text = REPORT.format(head="", times="", registered="").replace('7:00 PM"', '7:00 PM (UTC)"')
    assert read_export(text.encode(), file_id="f", zone="Asia/Kolkata").facts["started_at"] == pd.Timestamp(
        "2026-11-12T19:00Z"
    )


@pytest.mark.parametrize(
    ("times", "note"),
    [
        (" (AST)", "'AST' in the header of a time is the name of several time zones: it was read in Asia/Kolkata"),
        (" (Zulu Nation)", "'Zulu Nation' in the header of a time is no time zone that is known"),
    ],
    ids=["ambiguous", "unknown"],
)
def test_what_is_no_known_zone_is_noted_and_the_times_are_read_in_the_installations(times: str, note: str) -> None:
    export = read(times=times)
    assert export.rows["joined_at"].iloc[1] == pd.Timestamp("2026-11-12T13:30Z")
    assert any(note in one for one in export.notes)


@pytest.mark.parametrize(
    ("name", "zone", "joined"),
    [
        ("PST", "America/Los_Angeles", "2026-11-13T03:00Z"),
        ("ET", "America/New_York", "2026-11-13T00:00Z"),
        ("CST", "America/Chicago", "2026-11-13T01:00Z"),
    ],
)
def test_american_abbreviations_are_read_in_their_zone_with_a_note(name: str, zone: str, joined: str) -> None:
    """Incident: joins in PST were read as India's, half a day early."""
    export = read(head=f" ({name})", times=f" ({name})")
    assert export.rows["joined_at"].iloc[1] == pd.Timestamp(joined)
    assert f"times were read in {zone}, as {name!r} in their header says" in export.notes


@pytest.mark.parametrize("value", ["11/12/2026 7:00 PM", "2026/11/12 19:00", "12_Nov_2026 19:00", "12-11-2026"])
def test_the_signs_of_a_date_name_no_zone(value: str) -> None:
    assert split_off(value) == (value, "")


@pytest.mark.parametrize("times", [" (IST)", " (UTC)"])
def test_a_header_with_zones_is_a_header_also_without_a_title_above_it(times: str) -> None:
    text = REPORT.format(head="", times=times, registered=times).replace("Attendee Details\n", "")
    rows = read_export(text.encode(), file_id="f", zone="Asia/Kolkata").rows
    assert rows["email"].tolist() == ["host@example.com", "a@example.com"]
