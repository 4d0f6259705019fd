"""What tonight's data would change in a closed month, and rows in quarantine: lists an analyst works through."""

from datetime import date

import pandas as pd
import sqlalchemy as sa

from funnel_etl.operate.explain.published import published_database
from funnel_etl.settings import Settings

_RESTATED = sa.text(
    "SELECT month, funnel, phone, change, column_name, closed_value, current_value FROM mart.restatements "
    "WHERE month = :month AND (CAST(:funnel AS text) IS NULL OR funnel = :funnel) ORDER BY funnel, phone, column_name"
)
_QUARANTINED = sa.text(
    "SELECT q.asset, q.reason, q.detail, f.name AS file, q.source_row AS line, q.fix_hint, q.first_seen_at "
    "FROM ops.quarantine AS q LEFT JOIN (SELECT DISTINCT ON (file_id) file_id, name FROM ops.files "
    "ORDER BY file_id, received_at) AS f USING (file_id) WHERE q.resolved_at IS NULL "
    "ORDER BY q.first_seen_at, q.asset, q.reason, q.source_row"
)


def restatements(settings: Settings, month: date, funnel: str | None) -> pd.DataFrame:
    """Return what tonight's data would change in a closed month, cell by cell: of a funnel, or of all (None)."""
    with published_database(settings, "facts") as connection:
        return pd.read_sql(_RESTATED, connection, params={"month": month, "funnel": funnel})


def open_quarantine(settings: Settings) -> pd.DataFrame:
    """Return the rows in quarantine that are open, the oldest first, each with file, line and how it is mended."""
    with published_database(settings, "quarantine") as connection:
        return pd.read_sql(_QUARANTINED, connection)
