"""Missing reports by hand-made weeks: Wednesday 2026-11-04, 11, 18; the night is Friday 2026-11-20."""

import pandas as pd
import pytest

from funnel_etl.core.config_tables import parse_table
from funnel_etl.observe.completeness.contracts import MISSING_EXPORTS
from funnel_etl.observe.completeness.missing_exports import LOOK_BACK_DAYS, missing_exports
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS

FRI = pd.Timestamp("2026-11-20")
ZONE = "Asia/Kolkata"
PROFILES = parse_table(
    "zoom_profiles",
    b"name,type,source_tag\nPlutus attended,webinar_attended,Webinar\nPlutus registered,registration,Webinar\n",
)
NO_LINES = parse_table("expected_exports", None)


def lines(*rows: str) -> pd.DataFrame:
    return parse_table("expected_exports", ("profile,weekday,report,note\n" + "\n".join(rows)).encode())


def webinar(
    start: str, *, attendee: bool, registration: bool = True, people: int = 5, **more: object
) -> dict[str, object]:
    at = pd.Timestamp(start, tz=ZONE)
    row = {
        "occurrence_id": f"812-{at:%Y%m%dT%H%M}",
        "webinar_id": "812",
        "started_at": at.tz_convert("UTC"),
        "event_date": at.tz_localize(None).normalize(),
        "topic": "Plutus evening",
        "profile": "Plutus attended",
        "registered_profile": "Plutus registered",
        "registered_count": people,
        "attended_count": 0,
        "has_registration_report": registration,
        "has_attendee_report": attendee,
    }
    return row | more


def missing(*webinars: dict[str, object], expected: pd.DataFrame = NO_LINES, as_of: pd.Timestamp = FRI) -> pd.DataFrame:
    rows = pd.DataFrame([{**dict.fromkeys(WEBINARS.names), **row} for row in webinars], columns=WEBINARS.names)
    outcome = missing_exports(
        WEBINARS.conform(rows), expected=expected, zoom_profiles=PROFILES, as_of=as_of, zone=ZONE, after_hours=36
    )
    assert all(line.balances for line in outcome.ledger)
    conformed = MISSING_EXPORTS.conform(outcome.rows)
    assert MISSING_EXPORTS.problems(conformed) == []
    return conformed


def test_a_webinar_people_registered_for_lacks_its_attendee_report_after_36_hours() -> None:
    row = missing(webinar("2026-11-18 19:00", attendee=False)).iloc[0]
    assert row["occurrence_id"] == "812-20261118T1900"
    assert (row["report"], row["reason"], row["age_hours"]) == ("attendee", "no_attendee_report", 53)
    assert row["expected_date"] == pd.Timestamp("2026-11-18")
    assert row["who_does_it"] == "marketing operations"
    assert "drop it into zoom/" in row["what_to_do"]


@pytest.mark.parametrize(
    ("row", "as_of"),
    [
        pytest.param(webinar("2026-11-18 19:00", attendee=True), FRI, id="its_report_came"),
        pytest.param(webinar("2026-11-18 19:00", attendee=False, people=0), FRI, id="nobody_registered"),
        pytest.param(webinar("2026-11-19 12:01", attendee=False), FRI, id="35_hours_ago"),
        pytest.param(webinar("2026-11-23 19:00", attendee=False), FRI, id="still_to_come"),
        pytest.param(webinar("2026-09-18 19:00", attendee=False), FRI, id="more_than_60_days_ago"),
    ],
)
def test_no_report_is_missing_where(row: dict[str, object], as_of: pd.Timestamp) -> None:
    assert missing(row, as_of=as_of).empty


def test_36_hours_to_the_minute_are_enough() -> None:
    assert missing(webinar("2026-11-19 12:00", attendee=False))["age_hours"].tolist() == [36]


def test_a_weekly_report_is_missing_of_each_of_its_days_since_the_first_one_came() -> None:
    found = missing(
        webinar("2026-11-04 19:00", attendee=True),
        webinar("2026-11-11 19:00", attendee=True, profile="something else"),
        expected=lines("PLUTUS attended,Wednesday,attendee,"),
    )
    assert [f"{day:%m-%d}" for day in found["expected_date"]] == ["11-18", "11-11"], "the newest first"
    assert found["occurrence_id"].isna().all()
    assert found["age_hours"].tolist() == [48, 48 + 7 * 24]
    assert (found["reason"] == "expected_weekly").all()


def test_a_weekly_report_is_not_missing_before_36_hours_have_passed_since_its_day() -> None:
    weekly = lines("Plutus attended,Wednesday,attendee,")
    first = webinar("2026-11-11 19:00", attendee=True)
    assert missing(first, expected=weekly, as_of=pd.Timestamp("2026-11-19")).empty
    assert len(missing(first, expected=weekly, as_of=FRI)) == 1


def test_a_weekly_registration_report_is_there_when_the_occurrence_of_that_day_has_one() -> None:
    weekly = lines("Plutus registered,Wednesday,registration,")
    there = webinar("2026-11-11 19:00", attendee=True)
    assert len(missing(there, webinar("2026-11-18 19:00", attendee=True, registration=False), expected=weekly)) == 1
    assert missing(there, webinar("2026-11-18 19:00", attendee=True), expected=weekly).empty


def test_one_report_that_both_rules_tell_of_is_one_row_with_its_occurrence() -> None:
    found = missing(
        webinar("2026-11-11 19:00", attendee=True),
        webinar("2026-11-18 19:00", attendee=False),
        expected=lines("Plutus attended,Wednesday,attendee,"),
    )
    assert found["occurrence_id"].tolist() == ["812-20261118T1900"]


def test_of_a_profile_of_which_nothing_ever_came_only_the_newest_day_is_told() -> None:
    found = missing(expected=lines("Plutus attended,Wednesday,attendee,", "Plutus attended,Wednesday,attendee,again"))
    assert found["expected_date"].tolist() == [pd.Timestamp("2026-11-18")]


def test_a_line_whose_profile_is_not_known_is_to_be_corrected() -> None:
    found = missing(expected=lines("Plutus atended,Wednesday,attendee,"))
    assert found["what_to_do"].tolist() == [
        "correct line 2 of expected_exports.csv: its profile is not in zoom_profiles.csv"
    ]


def test_weeks_of_long_ago_are_not_listed_for_ever() -> None:
    found = missing(webinar("2025-01-01 19:00", attendee=True), expected=lines("Plutus attended,Wednesday,attendee,"))
    assert len(found) == 9
    assert found["expected_date"].min() > FRI - pd.Timedelta(days=LOOK_BACK_DAYS)


def test_the_same_missing_report_has_the_same_name_on_the_next_night_and_is_older() -> None:
    rows = webinar("2026-11-18 19:00", attendee=False)
    tonight, tomorrow = missing(rows), missing(rows, as_of=FRI + pd.Timedelta(days=1))
    assert tonight["export_id"].tolist() == tomorrow["export_id"].tolist()
    assert (tomorrow["age_hours"] - tonight["age_hours"]).tolist() == [24]


def test_the_order_of_the_webinars_changes_nothing() -> None:
    rows = [webinar(f"2026-11-{day:02} 19:00", attendee=False) for day in (4, 5, 11, 18)]
    pd.testing.assert_frame_equal(missing(*rows), missing(*reversed(rows)))
    assert len(missing(*rows)) == 4
