"""What a chat, a poll or a question report is, in numbers: for its partition and `funnel-etl zoom check`.

Here: counts of what is in one file. Not here: the occurrence and the people, which need other files.
"""

from typing import Any

import pandas as pd

from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.text import lookup_keys
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE, CHAT, POLL

TIED = {
    CHAT: "the night ties it to an occurrence: by the webinar id or recording time in its name or folder, by days in "
    "its stamps, or by clock and names; else it waits on the work-list for a line of chat_files.csv",
    ATTENDANCE: "the file names no webinar: it counts once its name or folder has webinar id and start, as "
    "81200001001-20260923T1800, or chat_files.csv has a line for it; else it waits on the work-list",
    POLL: "the night ties it to the occurrence of its webinar id and start; else by its name",
}


def describe(facts: dict[str, Any], rows: pd.DataFrame, blank: int) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Return steps for a person, and counts by what they are of; no name and no word of anybody is in them."""
    report = str(facts["report"])
    steps = [f"by its content it is {'an' if report[0] in 'ae' else 'a'} {report} in form {facts['form']}"]
    if facts["webinar_id"]:
        steps.append(f"webinar {facts['webinar_id']}")
    steps.append(TIED.get(report, TIED[POLL]))
    counts = {"rows": len(rows), "blank lines": blank}
    if problems := int(rows["row_problem"].notna().sum()):
        counts["rows to quarantine"] = problems
    if report == CHAT:
        good = rows[rows["row_problem"].isna()]
        counts["senders"] = int(lookup_keys(good["sender_name"].dropna()).nunique())
        counts["private messages, not kept"] = int(facts["private_count"])
        kinds = {f"{kind}s": int(count) for kind, count in good["kind"].value_counts().items()}
        audiences = {f"to {audience}": int(count) for audience, count in good["audience"].value_counts().items()}
        steps.append(f"{grouped(len(good))} messages that are not private")
        return steps, {"What is in it": counts, "What it is": kinds, "Who could read it": audiences}
    if report == ATTENDANCE:
        good = rows[rows["row_problem"].isna()]
        counts["people who came"] = int(good["attended"].fillna(value=False).sum())
        counts |= {f"with {name}": int(good[f"{name}_pct"].notna().sum()) for name in ("attendance", "focus")}
        return steps, {"What is in it": counts}
    questions = int(lookup_keys(rows["question"].dropna()).nunique())
    return steps, {"What is in it": {**counts, "different questions": questions}}
