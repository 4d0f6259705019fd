"""Webinars day by day: which reports of them are there, and which are missing. Frames for a calendar."""

from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa

from funnel_etl.platform.postgres.database import connected, open_databases
from funnel_etl.settings import Settings

_HELD = sa.text(
    "SELECT event_date AS day, occurrence_id, topic, profile, conductor, has_attendee_report AS attendee, "
    "has_registration_report AS registration FROM clean.webinars WHERE event_date >= :since "
    "ORDER BY event_date, occurrence_id"
)
_MISSING = sa.text(
    "SELECT m.expected_date AS day, m.occurrence_id, coalesce(m.topic, m.profile, m.occurrence_id) AS webinar, "
    "m.profile, w.conductor, m.report, m.age_hours, m.what_to_do FROM ops.missing_exports AS m "
    "LEFT JOIN clean.webinars AS w USING (occurrence_id) ORDER BY m.expected_date DESC, m.export_id"
)


@dataclass(frozen=True)
class ReportDays:
    """`held`: one row per webinar since a day, with the reports it has; `missing`: one per missing report."""

    held: pd.DataFrame
    missing: pd.DataFrame


def report_days(settings: Settings, since: date) -> ReportDays:
    """Return the webinars held since a day, and every report that is missing. Raises `DatabaseUnavailable`."""
    with (
        open_databases(settings.state, settings.database_port, settings.database_url) as databases,
        connected(databases.funnel_url) as connection,
    ):
        frames = pd.read_sql(_HELD, connection, params={"since": since}), pd.read_sql(_MISSING, connection)
    # pandas would have NaN for a text that is not there, which is no text and yet true
    held, missing = (frame.astype("object").where(frame.notna(), None) for frame in frames)
    return ReportDays(held, missing)
