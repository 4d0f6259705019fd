"""Edits of drafts as they are landed: a CSV file an import, its rows what a person made of a draft.

Here: the form of such a file, and which of them a night uses. Not here: importing (`operate/drafts`), and what an edit
does (`drafts`). The e-mail stands in each row, so that an erasure finds it.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import pandas as pd

from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.marts.engagement.draft_contracts import RAW_FOLLOWUP_EDITS
from funnel_etl.marts.engagement.landed_rows import as_file, records
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

SOURCE = "followup_edits"
COLUMNS = ("draft_id", "base_hash", "subject", "body", "notes", "is_approved", "editor", "edited_at", "email")


def land(landing: Landing, edits: Iterable[Mapping[str, str]], at: datetime) -> str:
    """Keep edits (COLUMNS but edited_at) in the landing archive; returns the file_id."""
    data = as_file(({**edit, "edited_at": at.isoformat()} for edit in edits), COLUMNS)
    return landing.put(SOURCE, "file", f"edits_{at:%Y%m%dT%H%M%S}.csv", data, received_at=at).file_id


def files_of_night(sources: NightlySources, night: date) -> list[str]:
    """Return the files of edits that a night uses: all that were landed when it ran; written down for a replay."""
    arrivals = sources.landing.arrivals(SOURCE)
    return sources.given(SOURCE, night, [arrival.file_id for arrival in arrivals if arrival.status == "accepted"])


def followup_edits(files: Mapping[str, bytes]) -> Outcome:
    """Return one row per edit. Columns as `raw.followup_edits`; lines of erased persons are empty, and none."""
    found = [{**row, "is_approved": row["is_approved"] == "yes"} for row in records(files, COLUMNS)]
    frame = pd.DataFrame(found, columns=RAW_FOLLOWUP_EDITS.names)
    frame["edited_at"] = pd.to_datetime(frame["edited_at"], utc=True, format="ISO8601")
    frame["notes"] = frame["notes"].replace("", None)
    frame["is_approved"] = frame["is_approved"].astype("boolean")
    return Outcome(RAW_FOLLOWUP_EDITS.conform(frame), [LedgerLine("landed edits", len(frame), len(frame))])
