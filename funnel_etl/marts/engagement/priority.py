"""`mart.followup_priority`: whom each representative calls first, and why. Pure."""

import pandas as pd

from funnel_etl.core.config_engagement import TIERS
from funnel_etl.core.tables.accounting import Outcome, summarised
from funnel_etl.core.values.text import is_one_of
from funnel_etl.marts.engagement.draft_contracts import APPROVED, FOLLOWUP_PRIORITY
from funnel_etl.marts.engagement.messages import looked_up

NOBODY = "(nobody)"


def followup_priority(
    drafts: pd.DataFrame, scores: pd.DataFrame, assigned: pd.DataFrame, bought: frozenset[str], most: int
) -> Outcome:
    """Return the first `most` people of each representative. Columns as `mart.followup_priority`.

    `drafts` is `mart.followup_drafts`, `assigned` is `clean.assigned_leads`; `bought`: phones with a counted sale.
    """
    keys = ["occurrence_id", "person_key"]
    rows = drafts.merge(scores[[*keys, "phone", "questions", "messages", "attendance_pct"]], on=keys, how="inner")
    rows = rows[rows["tier"].isin(TIERS) & rows["phone"].notna() & ~rows["phone"].isin(bought)]
    rows = rows[rows["status"].ne(APPROVED)]
    last = (
        assigned[is_one_of(assigned["phone"], rows["phone"])]
        .sort_values("assigned_at", kind="stable")
        .drop_duplicates("phone", keep="last")
    )
    employee = looked_up(rows["phone"], last, "phone", "employee").fillna(NOBODY)
    rows = rows.assign(employee=employee, rank=rows["tier"].map(TIERS.index))
    by = ["rank", "questions", "score", "generated_night", "person_key"]
    rows = rows.sort_values(by, ascending=[True, False, False, False, True], kind="stable")
    rows = rows.drop_duplicates("phone")
    rows["place"] = (rows.groupby("employee").cumcount() + 1).astype("Int64")
    rows = rows[rows["place"] <= most]
    rows["reason"] = [
        _reason(*values)
        for values in rows[["tier", "questions", "messages", "attendance_pct", "generated_night"]].itertuples(
            index=False
        )
    ]
    rows = rows.sort_values(["employee", "place"], ignore_index=True)
    inputs = {"mart.followup_drafts": drafts, "clean.assigned_leads": assigned}
    return summarised(rows.reindex(columns=FOLLOWUP_PRIORITY.names), **inputs)


def _reason(tier: str, questions: int, messages: int, percent: float, day: pd.Timestamp) -> str:
    there = "" if pd.isna(percent) else f"there for {percent:.0f} %"
    asked = f"{questions} question{'' if questions == 1 else 's'}" if questions else ""
    wrote = f"{messages} message{'' if messages == 1 else 's'}" if messages else ""
    return ", ".join(filter(None, [tier, asked, wrote, there, f"webinar of {day:%Y-%m-%d}"]))
