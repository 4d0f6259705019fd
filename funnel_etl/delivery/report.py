"""What people read of a delivery: a line per candidate, totals per event, and what to do about each. Pure."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from funnel_etl.core.errors import FunnelError
from funnel_etl.delivery.candidates_contract import DELIVER
from funnel_etl.delivery.candidates_contract import HELD as CANDIDATE_HELD
from funnel_etl.delivery.contracts import (
    CANCELLED,
    DELIVERED,
    ENDED,
    HELD,
    PERMANENT,
    PLANNED,
    REASONS,
    SENDING,
    TRANSIENT,
    UNKNOWN,
    USER,
)
from funnel_etl.delivery.rows import Candidate, Delivery, subject_of

NOT_SENT, TO_SEND = "not_sent", "to_send"
"""States of a candidate that is in no ledger: the night or its age says no; the next run plans it."""
COLUMNS = (
    *("destination", "event_name", "kind", "occurrence_id", "file", "row", "user_id", "state", "reason"),
    *("http_status", "message", "attempts", "first_sent_at", "accepted_at", "next_try_at", "what_to_do"),
    *("delivery_key", "note"),
)
_FORMULA = re.compile(r"^[\s\ufeff]*[=+\-@＝＋－＠'\t\r\n]")

_LOOK_THERE = "look in WebEngage, then funnel-etl deliver resolve KEY --delivered or --again, with --note"
WHAT_TO_DO = {
    "new_attribute_type": "funnel-etl deliver approve --types, after a look at what funnel-etl deliver preview lists",
    "attribute_type_changed": "set its type in delivery_attributes.csv back, or give the attribute another name",
    "large_plan": "funnel-etl deliver approve --plan NIGHT, if so many are expected",
    "identity_changed": "if it is another person: funnel-etl deliver approve --occurrence ID",
    "dependency_failed": "correct the user's data at the source; the next night sends both",
    "window_passed": _LOOK_THERE,
    "ledger_lost": _LOOK_THERE,
    "refused_later": _LOOK_THERE,
    "batch_incomplete": _LOOK_THERE,
    "refused": "correct the data, or funnel-etl deliver run --retry",
    "no_user_id": "give the person a phone at the source",
    "no_consent": "nothing, unless the person agrees: drop/consent",
    "no_profile": "add the webinar to zoom_profiles.csv",
    "no_event_name": "name the event in zoom_profiles.csv",
    "delivery_off": "a line of delivery_rules.csv, if it is to be sent",
    "before_from_date": "nothing: it is older than from_date of its rule",
    "never_delivered": "nothing: the profile is sent with the first event",
    "too_old": "nothing: it is older than max_age_days of its rule",
}
LEDGER_REASONS = {name: (what, WHAT_TO_DO.get(name, "nothing: the next run goes on")) for name, what in REASONS.items()}
"""Reason of `ops.deliveries` → what it means, and what to do."""
_BY_STATE = {
    PLANNED: "nothing: the next run sends it",
    TO_SEND: "nothing: the next run plans and sends it",
    SENDING: "nothing: it is being sent, or the next run looks after it",
    TRANSIENT: "nothing: the next run sends it again",
    UNKNOWN: "nothing while the next run can send it again; else funnel-etl deliver resolve",
}


@dataclass(frozen=True)
class ReportLine:
    """One line of the report."""

    name: str
    kind: str
    state: str
    reason: str | None
    cells: tuple[str, ...]


@dataclass
class Report:
    """The lines of all candidates, in the order of sending, and of open rows that have no candidate any more."""

    lines: list[ReportLine] = field(default_factory=list)
    earlier: list[ReportLine] = field(default_factory=list)
    candidates: int = 0

    def totals(self) -> dict[tuple[str, str], Counter[str]]:
        """Return the counts by name and kind: of each state, and of what is not sent by reason."""
        found: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for line in self.lines:
            found[line.name, line.kind][_counted(line)] += 1
        return dict(sorted(found.items()))

    def balanced(self) -> str:
        """Return the sum line. Raises `FunnelError` when states do not add up to the candidates."""
        states = Counter(line.state for line in self.lines)
        total = sum(states.values())
        if total != self.candidates:
            raise FunnelError(
                f"{self.candidates} candidates, and {total} lines of the report",
                where="ops.delivery_candidates",
                fix="report this: it is a fault of funnel_etl",
            )
        parts = " + ".join(f"{count} {state}" for state, count in sorted(states.items()))
        return f"candidates {total} = {parts or '0'}"


def _counted(line: ReportLine) -> str:
    is_named = line.state in (NOT_SENT, HELD, CANCELLED, PERMANENT, UNKNOWN) and line.reason
    return f"{line.state}: {line.reason}" if is_named else line.state


def make_report(
    candidates: Sequence[Candidate],
    rows: Iterable[Delivery],
    files: Mapping[str, str],
    unplanned: Mapping[str, str] | None = None,
) -> Report:
    """Return the report. `files`: file_id → name; `unplanned`: candidate_id → why a plan leaves it out."""
    by_subject: dict[tuple[str, str, str, str], list[Delivery]] = defaultdict(list)
    for one in rows:
        by_subject[subject_of(one)].append(one)
    made = Report(candidates=len(candidates))
    seen: set[str] = set()
    for each in sorted(candidates, key=lambda one: one.order):
        row = _row_of(each, by_subject.get(each.subject, []) if each.user_id else [])
        if row is not None:
            seen.add(row.delivery_key)
        made.lines.append(_line(each, row, files, (unplanned or {}).get(each.candidate_id)))
    subjects = {each.subject for each in candidates if each.user_id}
    for subject, found in by_subject.items():
        if subject not in subjects:
            made.earlier += [line_of(one, files) for one in found if one.state not in ENDED]
    return made


def _row_of(candidate: Candidate, rows: Sequence[Delivery]) -> Delivery | None:
    """Return the row that says what became of a candidate: the newest; of users that with its payload."""
    if candidate.object == USER:
        same = [row for row in rows if row.payload_sha256 == candidate.payload_sha256 and row.state != CANCELLED]
        if candidate.decision == DELIVER:
            rows = same
    return max(rows, key=lambda row: (row.generation, row.planned_at), default=None)


def _line(candidate: Candidate, row: Delivery | None, files: Mapping[str, str], why: str | None) -> ReportLine:
    if row is None:
        state = {DELIVER: NOT_SENT if why else TO_SEND, CANDIDATE_HELD: HELD}.get(candidate.decision, NOT_SENT)
        reason = candidate.reason or why
        about = _about(candidate, files)
        return _cells(candidate.event_name or USER, candidate.kind, state, reason, about, row)
    if candidate.decision != DELIVER and row.state == DELIVERED and candidate.object == USER:
        return _cells(USER, candidate.kind, NOT_SENT, candidate.reason, _about(candidate, files), None)
    return _cells(
        candidate.event_name or row.event_name or USER, row.kind, row.state, row.reason, _about(candidate, files), row
    )


def line_of(row: Delivery, files: Mapping[str, str]) -> ReportLine:
    """Return the line of a row of the ledger, whatever the newest night says of it."""
    about = (row.destination, row.occurrence_id, files.get(row.file_id or "", row.file_id), row.source_row, row.user_id)
    return _cells(row.event_name or row.object, row.kind, row.state, row.reason, about, row)


def _about(candidate: Candidate, files: Mapping[str, str]) -> tuple[object, ...]:
    file = files.get(candidate.file_id or "", candidate.file_id)
    return (candidate.destination, candidate.occurrence_id, file, candidate.source_row, candidate.user_id)


def _cells(
    name: str, kind: str, state: str, reason: str | None, about: tuple[object, ...], row: Delivery | None
) -> ReportLine:
    destination, occurrence, file, source_row, user_id = about
    values: tuple[object, ...] = (destination, name, kind, occurrence, file, source_row, user_id, state, reason)
    if row is None:
        values += (None, None, None, None, None, None, what_to_do(state, reason), None, None)
    else:
        values += (row.http_status, row.message, row.attempts, row.first_sent_at, row.accepted_at, row.not_before)
        values += (what_to_do(state, reason), row.delivery_key, row.note)
    return ReportLine(name, kind, state, reason, tuple(_text(value) for value in values))


def what_to_do(state: str, reason: str | None) -> str:
    """Return what a person does about a row; empty: nothing."""
    if state in (DELIVERED, CANCELLED):
        return ""
    return WHAT_TO_DO.get(reason or "") or _BY_STATE.get(state, "")


def as_csv(lines: Iterable[ReportLine]) -> bytes:
    """Return lines as CSV that no spreadsheet takes for a formula; UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_safe(cell) for cell in line.cells] for line in lines)
    return text.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)
