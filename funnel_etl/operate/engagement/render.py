"""The words of `funnel-etl engagement`. Names are shown by `unmatched` alone: a person decides by them."""

import json

import pandas as pd
from rich.console import Console

from funnel_etl.core.values.numbers import grouped
from funnel_etl.marts.engagement.calibration import ALL, BY_TIER
from funnel_etl.marts.engagement.score_contracts import ALL_TIERS
from funnel_etl.operate.engagement.engagement import unmatched, webinar
from funnel_etl.settings import Settings


def show(settings: Settings, out: Console, name: str | None) -> None:
    """Show what is known of a webinar, in counts."""
    found = webinar(settings, name)
    out.print(f"{found.occurrence_id}, night {found.night}: {grouped(len(found.scores))} people", markup=False)
    for tier in ALL_TIERS:
        own = found.scores[found.scores["tier"] == tier]
        if len(own):
            scores = own["score"].dropna()
            spread = f", scores {scores.min()} to {scores.max()}" if len(scores) else ""
            capped = int(own["is_capped"].sum())
            note = f", {grouped(capped)} of them would be Hot, were the chat here" if capped else ""
            out.print(f"  {tier}: {grouped(len(own))}{spread}{note}", markup=False)
    for report, form, count, private in found.files[["report", "form", "rows_count", "private_count"]].itertuples(
        index=False
    ):
        aside = f", {grouped(private)} private ones not kept" if private else ""
        out.print(f"  {report} ({form}): {grouped(count)} rows{aside}", markup=False)
    if found.files.empty:
        out.print("  no chat, poll or question report: drop them into zoom/ of the drop folder", markup=False)
    for share in found.share["chat_credited_pct"].dropna():
        out.print(f"  {share:.0f} % of its messages are credited to somebody", markup=False)
    of_all = found.calibration[(found.calibration["product"] == ALL) & (found.calibration["split"] == BY_TIER)]
    if len(of_all):
        out.print(f"Does the score predict sales: {of_all['verdict'].iloc[0]}", markup=False)
        for row in of_all.to_dict("records"):
            rate = f"{row['rate']:.1%} ({row['wilson_low']:.1%} to {row['wilson_high']:.1%})"
            out.print(f"  {row['value']}: {row['buyers']} of {grouped(row['n'])} bought, {rate}", markup=False)


def show_unmatched(settings: Settings, out: Console, limit: int) -> None:
    """List the names that are credited to nobody, and the lines that settle them."""
    night, rows = unmatched(settings)
    if rows.empty:
        out.print(f"Night {night}: every name is somebody's.", markup=False)
        return
    out.print(f"Night {night}: {grouped(len(rows))} names are credited to nobody.", markup=False)
    for row in rows.head(limit).to_dict("records"):
        candidates = json.loads(row["candidates"])
        perhaps = f"; perhaps {', '.join(candidates)}" if candidates else ""
        count = "1 message" if row["messages"] == 1 else f"{grouped(row['messages'])} messages"
        line = row["config_line"] if not pd.isna(row["config_line"]) else ""
        out.print(f"  {line}  ({row['matched_by']}, {count}{perhaps})", markup=False)
    out.print("Put the person_key behind a line, and the line into config_csv/chat_names.csv.", markup=False)
