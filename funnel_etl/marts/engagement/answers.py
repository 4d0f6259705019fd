"""Answers of a model as they are landed: a CSV file a few calls, its rows an answer and the draft it serves.

Here: the form of such a file, which of them a night uses, and the calls as a table. Not here: asking (`rewording`). The
e-mail of the draft's person stands in each row, so that an erasure finds it; a shared answer has a row for each draft.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.marts.engagement.draft_contracts import LLM_CALLS, RAW_LLM_ANSWERS
from funnel_etl.marts.engagement.landed_rows import as_file, records
from funnel_etl.marts.engagement.wording import PROMPT_VERSION
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

SOURCE = "llm_answers"
FOLLOWUP = "followup"
OK, REFUSED, DECLINED = "ok", "refused", "declined"
UNREADABLE = ("junk", "empty", "too_long")
ANSWERED = (OK, REFUSED, "junk", "empty", DECLINED)
"""Outcomes of calls whose bytes are landed."""
ATTEMPTS = 2
COLUMNS = (
    "night", "purpose", "draft_id", "template_hash", "inputs_hash", "request_hash", "prompt_version", "model",
    "attempt", "outcome", "tries", "tokens_in", "tokens_out", "cost_usd", "seconds", "asked_at", "is_shared", "email",
    "answer",
)  # fmt: skip
_NUMBERS = ("attempt", "tries", "tokens_in", "tokens_out")
_LONGEST = 100_000
"""Characters of an answer that are landed; a reader of CSV takes no longer field."""


def land(landing: Landing, rows: Iterable[Mapping[str, Any]], model: str, at: datetime) -> str:
    """Keep answers (COLUMNS but asked_at) in the landing archive; returns the file_id."""
    data = as_file(({**row, "asked_at": at.isoformat()} for row in rows), COLUMNS)
    name = f"{_of_model(model)}_{at:%Y%m%dT%H%M%S%f}.csv"
    return landing.put(SOURCE, "file", name, data, received_at=at).file_id


def as_text(data: bytes) -> str:
    """Return the bytes of an answer as the text that is landed: escaped where they are no UTF-8, and not endless."""
    return data.decode("utf-8", "backslashreplace")[:_LONGEST]


def files_of_night(sources: NightlySources, night: date, model: str | None) -> list[str]:
    """Return the files of answers that a night uses: those of its model; written down for a replay."""
    arrivals = sources.landing.arrivals(SOURCE) if model else []
    own = [one.file_id for one in arrivals if one.status == "accepted" and one.name.startswith(_of_model(model or ""))]
    return sources.given(SOURCE, night, own)


def all_files(landing: Landing) -> list[str]:
    """Return every file of answers, whatever model gave them."""
    return [arrival.file_id for arrival in landing.arrivals(SOURCE) if arrival.status == "accepted"]


def _of_model(model: str) -> str:
    """Return how the names of files begin whose answers one model gave to one prompt."""
    return f"answers_{hashlib.sha256(f'{model}|{PROMPT_VERSION}'.encode()).hexdigest()[:12]}"


def llm_answers(files: Mapping[str, bytes], used: Iterable[str], since: pd.Timestamp) -> Outcome:
    """Return one row per answer and draft. Columns as `raw.llm_answers`; lines of erased persons are empty, and none.

    `used`: the files that the night uses; `since`: the day from which on text is kept.
    """
    found = [{**row, "is_shared": row["is_shared"] == "yes"} for row in records(files, COLUMNS)]
    frame = pd.DataFrame(found, columns=RAW_LLM_ANSWERS.names)
    for name in _NUMBERS:
        frame[name] = pd.to_numeric(frame[name]).astype("Int64")
    for name in ("cost_usd", "seconds"):
        frame[name] = pd.to_numeric(frame[name]).astype("float64")
    frame["night"] = pd.to_datetime(frame["night"])
    frame["asked_at"] = pd.to_datetime(frame["asked_at"], utc=True, format="ISO8601")
    frame["is_in_use"] = frame["file_id"].isin([*used])
    is_kept = frame["is_in_use"] & (frame["night"] > since)
    frame["answer"] = frame["answer"].where(is_kept & frame["answer"].ne(""), None)
    return Outcome(RAW_LLM_ANSWERS.conform(frame), [LedgerLine("landed answers", len(frame), len(frame))])


def llm_calls(answers: pd.DataFrame) -> Outcome:
    """Return one row per call. Columns as `ops.llm_calls`; an answer that serves a second draft was no call."""
    calls = answers[~answers["is_shared"].astype(bool)]
    ids = [
        hashlib.sha256("|".join(map(str, row)).encode()).hexdigest()[:16]
        for row in calls[["request_hash", "attempt", "asked_at", "draft_id"]].itertuples(index=False)
    ]
    rows = calls.assign(call_id=pd.Series(ids, index=calls.index, dtype="str"))
    shared = len(answers) - len(calls)
    reasons = {"merged:aggregated": shared} if shared else {}
    line = LedgerLine("raw.llm_answers", len(answers), len(calls), merged=shared, reasons=reasons)
    return Outcome(rows.reindex(columns=LLM_CALLS.names), [line])
