"""What a sales lead asks: who converts, which sales no lead led to, what was not handed over, whom to call first.

Here: the rows as they are published, with the webinar they are of. Not here: whose it is, by which the page limits.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd
import sqlalchemy as sa

from funnel_etl.core.values.text import lookup_key
from funnel_etl.delivery.reading import has_table
from funnel_etl.marts.engagement.calibration_maths import wilson
from funnel_etl.marts.engagement.draft_contracts import FOLLOWUP_PRIORITY
from funnel_etl.operate.explain.published import published_database
from funnel_etl.settings import Settings

NO_TEAM = "(no team)"
WHY_UNMATCHED = {
    "no_phone": "the CRM's row has no phone that can be read: correct it there",
    "unknown_phone": "the phone is in no lead, webinar or assignment: perhaps the CRM has another number",
    "never_assigned": "the person is known, and was never assigned to anybody: sold without a hand-over",
    "assigned_later": "the person was assigned only after the sale",
    "in_no_month": "the person was assigned, and is in no month's leads: the month was closed before",
}
"""Why no assigned lead led to a sale → what it means, and what to do."""
GAPS = {
    "attended_not_assigned": ("Attended, never assigned", "Assign them in the CRM; the oldest are at the top."),
    "assigned_never_attended": ("Assigned, never attended", "Invite them to a webinar, or close the lead."),
    "assigned_before_attending": ("Assigned before attending", "Nothing to do: they were called before they came."),
}
"""Kind of gap → its name for people, and what to do."""

_AS_OF = sa.text("SELECT max(as_of) FROM ops.nights WHERE part = 'funnel'")
_SCORES = sa.text(
    "SELECT s.month, s.employee, coalesce(t.employee_team, :no_team) AS team, s.m0_leads, s.m0_attended, "
    "s.m0_converted, s.sales, s.revenue_inr FROM mart.employee_scorecard AS s LEFT JOIN (SELECT DISTINCT ON "
    "(lower(employee_name)) lower(employee_name) AS name, employee_team FROM clean.sales "
    "WHERE employee_team IS NOT NULL ORDER BY lower(employee_name), sold_at DESC, sale_id DESC) AS t "
    "ON t.name = lower(s.employee) ORDER BY 1, 2"
)
_UNMATCHED = sa.text(
    "SELECT s.sold_date, s.sale_id, s.employee, s.final_funnel, s.revenue_inr, CASE WHEN s.phone IS NULL "
    "THEN 'no_phone' WHEN s.first_touch_at IS NULL THEN 'unknown_phone' WHEN j.first_assigned_at IS NULL "
    "THEN 'never_assigned' WHEN j.first_assigned_at > c.sold_at THEN 'assigned_later' ELSE 'in_no_month' END AS why, "
    "f.name AS file, s.source_row AS line FROM mart.attributed_sales AS s JOIN clean.sales AS c USING (sale_id) "
    "LEFT JOIN mart.lead_journey AS j ON j.phone = s.phone LEFT JOIN LATERAL (SELECT name FROM ops.files "
    "WHERE file_id = s.file_id ORDER BY received_at LIMIT 1) AS f ON true "
    "WHERE s.m0_month IS NULL ORDER BY s.sold_date DESC, s.sale_id"
)
_GAPS = sa.text(
    "SELECT g.gap_kind, g.employee, g.since_date, g.age_days, g.phone, e.topic, e.conductor, e.profile, "
    "a.occurrence_id, f.name AS file, g.source_row AS line FROM mart.handover_gaps AS g "
    "LEFT JOIN clean.zoom_attendance AS a ON a.file_id = g.file_id AND a.source_row = g.source_row "
    "AND g.gap_kind = 'attended_not_assigned' LEFT JOIN clean.webinars AS e USING (occurrence_id) "
    "LEFT JOIN (SELECT DISTINCT ON (file_id) file_id, name FROM ops.files ORDER BY file_id, received_at) AS f "
    "ON f.file_id = g.file_id ORDER BY g.gap_kind, g.since_date, g.phone"
)
_CALLS = sa.text(
    "SELECT p.employee, p.place, p.name, p.phone, p.tier, p.score, p.questions, p.reason, p.occurrence_id, "
    "e.topic, e.event_date, e.conductor, e.profile FROM mart.followup_priority AS p "
    "LEFT JOIN clean.webinars AS e USING (occurrence_id) ORDER BY p.employee, p.place"
)
_CALL_COLUMNS = """
employee place name phone tier score questions reason occurrence_id topic event_date conductor profile""".split()


@dataclass(frozen=True)
class SalesView:
    """What is published for a sales lead, through which day.

    `scores`: a row per month and representative, with the team of their newest sale; `unmatched`: counted sales that no
    assigned lead led to, `why` as WHY_UNMATCHED; `gaps`: a row per gap, `gap_kind` as GAPS, with the webinar that
    opened it; `calls`: whom to call first, with the webinar. `conductor`, `profile` say whose webinar it is.
    """

    last_day: date
    scores: pd.DataFrame
    unmatched: pd.DataFrame
    gaps: pd.DataFrame
    calls: pd.DataFrame


def sales_view(settings: Settings) -> SalesView:
    """Return what is published for a sales lead. Raises `FunnelError` while nothing is, `DatabaseUnavailable`."""
    with published_database(settings, "the sales page") as connection:
        has_calls = has_table(connection, FOLLOWUP_PRIORITY.full_name)
        return SalesView(
            connection.execute(_AS_OF).scalar_one() or settings.yesterday(),
            pd.read_sql(_SCORES, connection, params={"no_team": NO_TEAM}),
            pd.read_sql(_UNMATCHED, connection),
            pd.read_sql(_GAPS, connection),
            pd.read_sql(_CALLS, connection) if has_calls else pd.DataFrame(columns=_CALL_COLUMNS),
        )


def conversion(scores: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return the conversion by `employee` or `team` over all months of the rows, the best first.

    Spellings that differ by case alone are one representative, under the one with most leads. `rate`, `low`, `high` are
    missing for those without a lead: they sold, and were assigned nobody.
    """
    counted = ["m0_leads", "m0_attended", "m0_converted", "sales", "revenue_inr"]
    rows = scores.sort_values("m0_leads", ascending=False, kind="stable")
    found = rows.groupby(rows[by].map(lookup_key).rename(None), sort=False).agg(
        {"employee": "first", "team": "first"} | dict.fromkeys(counted, "sum")
    )
    ends = [
        wilson(int(sold), int(leads)) for sold, leads in found[["m0_converted", "m0_leads"]].itertuples(index=False)
    ]
    has_leads = found["m0_leads"] > 0
    found["rate"] = (found["m0_converted"] / found["m0_leads"].where(has_leads)).astype("Float64")
    for place, name in enumerate(("low", "high")):
        found[name] = pd.Series([end[place] for end in ends], index=found.index, dtype="Float64").where(has_leads)
    return found.sort_values(["rate", "m0_leads", by], ascending=[False, False, True], ignore_index=True)
