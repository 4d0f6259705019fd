"""What the lake holds of each volume. The reports are of Friday 2026-11-20, 16:00 UTC."""

import pandas as pd
import pytest

from funnel_etl.observe.completeness.volume_state import _early
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_REPORTS

MADE = pd.Timestamp("2026-11-20T16:00Z")


def report(occurrence: str | None, kind: str = "registration", in_force: bool = True) -> pd.DataFrame:
    row = {"occurrence_id": occurrence, "report": kind, "in_force": in_force, "generated_at": MADE}
    return ZOOM_REPORTS.conform(pd.DataFrame([{**dict.fromkeys(ZOOM_REPORTS.names), **row}]))


def webinar(occurrence: str, started_at: str) -> pd.DataFrame:
    row = {"occurrence_id": occurrence, "started_at": pd.Timestamp(started_at)}
    return WEBINARS.conform(pd.DataFrame([{**dict.fromkeys(WEBINARS.names), **row}]))


@pytest.mark.parametrize("reports", [ZOOM_REPORTS.empty(), report("w1")], ids=["no_report", "a_report_of_none"])
def test_before_the_first_webinar_nothing_is_early(reports: pd.DataFrame) -> None:
    assert _early(reports, WEBINARS.empty()) == set()


@pytest.mark.parametrize(
    ("reports", "started_at", "early"),
    [
        pytest.param(report("w1"), "2026-11-20T16:30Z", {"w1"}, id="made_before_it_began"),
        pytest.param(report("w1"), "2026-11-20T15:30Z", set(), id="made_after"),
        pytest.param(report("w1", "attendee"), "2026-11-20T16:30Z", set(), id="of_another_kind"),
        pytest.param(report("w1", in_force=False), "2026-11-20T16:30Z", set(), id="not_in_force"),
        pytest.param(report("w2"), "2026-11-20T16:30Z", set(), id="of_another_webinar"),
    ],
)
def test_a_registration_report_made_before_its_webinar_began_is_early(
    reports: pd.DataFrame, started_at: str, early: set[str]
) -> None:
    assert _early(reports, webinar("w1", started_at)) == early
