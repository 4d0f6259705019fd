"""The people behind the facts: the rows of a number, and the gaps between the parts, masked unless somebody may see.

Masks are those of `mart_masked`: the same person has the same everywhere.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa

from funnel_etl.marts.funnel.journeys.contracts import GAPS, HANDOVER_GAPS
from funnel_etl.operate.explain.fact import FILE, Explained, Period, explain_fact
from funnel_etl.operate.explain.published import published_database
from funnel_etl.operate.facts.facts import month_end
from funnel_etl.platform.postgres.masking import masked_column, masking_rows
from funnel_etl.settings import Settings

SHOWN = ("phone", "email", "funnel", "final_funnel", "source", "employee", "campaign")
"""What is shown of a row beside its key, where its table has it."""
_COUNTS = sa.text(
    "SELECT gap_kind, count(*) AS people, count(*) FILTER (WHERE age_days <= 7) AS of_a_week "
    "FROM mart.handover_gaps GROUP BY 1"
)


@dataclass(frozen=True)
class GapCount:
    """How many people are in a kind of gap, and how many of them for a week at most."""

    kind: str
    people: int
    of_a_week: int


def month_period(month: date) -> Period:
    """Return a whole month, from its first day."""
    return Period(month, month_end(month))


def rows_behind(settings: Settings, measure: str, funnel: str | None, period: Period, *, is_masked: bool) -> Explained:
    """Return the rows behind a number of a funnel, or of all (None). Raises `FunnelError` for an unknown one."""
    from funnel_etl.assembly import TABLES  # noqa: PLC0415 - loading all assets takes a second

    tables = {table.full_name: table for table in TABLES}
    with published_database(settings, "facts") as connection:
        return explain_fact(connection, tables, measure, funnel, period, more=SHOWN, is_masked=is_masked)


def gap_counts(settings: Settings) -> list[GapCount]:
    """Return how many people are in each kind of gap, in the order of `GAPS`: also those of none."""
    with published_database(settings, "facts") as connection:
        found = {row.gap_kind: row for row in connection.execute(_COUNTS)}
    counts = [(kind, found.get(kind)) for kind in GAPS]
    return [GapCount(kind, row.people if row else 0, row.of_a_week if row else 0) for kind, row in counts]


def gap_people(settings: Settings, kind: str, funnel: str | None, *, is_masked: bool, most: int) -> pd.DataFrame:
    """Return who is in a kind of gap, the newest first: the fresher, the more there is to gain."""
    phone = next(column for column in HANDOVER_GAPS.columns if column.name == "phone")
    shown = masked_column(phone).replace(":", "\\:") if is_masked else 't."phone"'
    masks = f"CROSS JOIN {masking_rows()}".replace(":", "\\:") if is_masked else ""
    query = sa.text(
        f"SELECT {shown} AS phone, t.since_date, t.age_days, j.first_touch_funnel AS funnel, "  # noqa: S608 - ours
        "q.last_topic AS webinar, t.employee, f.name AS file, t.source_row AS line FROM mart.handover_gaps AS t "
        "LEFT JOIN mart.lead_journey AS j ON j.phone = t.phone "
        f"LEFT JOIN mart.qualified_leads AS q ON q.phone = t.phone {masks} LEFT JOIN {FILE} AS f ON true "
        "WHERE t.gap_kind = :kind AND (CAST(:funnel AS text) IS NULL OR j.first_touch_funnel = :funnel) "
        "ORDER BY t.since_date DESC, t.phone LIMIT :most"
    )
    with published_database(settings, "facts") as connection:
        return pd.read_sql(query, connection, params={"kind": kind, "funnel": funnel, "most": most})
