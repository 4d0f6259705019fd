"""What `deliver preview`, `status` and `report` show: read, and returned as data. Nothing is written to the ledger."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from funnel_etl.core.errors import StorageUnavailable
from funnel_etl.delivery import reading
from funnel_etl.delivery.contracts import HELD, PERMANENT, REASONS, SENDABLE, UNKNOWN
from funnel_etl.delivery.planning import make_plan
from funnel_etl.delivery.preview import Preview, make_preview, request_lines
from funnel_etl.delivery.report import Report, as_csv, line_of, make_report, what_to_do
from funnel_etl.delivery.scope import Scope
from funnel_etl.delivery.waiting import NotPlanned, of_account, read_not_planned
from funnel_etl.files import private_folder, storage_error, write_whole
from funnel_etl.operate.deliver.own import Own
from funnel_etl.operate.deliver.place import Place, open_place
from funnel_etl.settings import Settings

FILES = ("requests.ndjson", "decisions.csv", "summary.txt")
"""What a preview writes with `--to`, each for this user alone."""


SHOWN_OF_BODY = 400
"""Characters of the first request's body that the console shows."""


@dataclass(frozen=True)
class Previewed:
    """A preview with what people read of it: the requests as text, a line per candidate, the summary."""

    preview: Preview
    requests: list[str]
    report: Report
    is_on: bool
    is_limited: bool

    @property
    def summary(self) -> list[str]:
        """It in lines: counts by event, what is not sent and why, new types."""
        return [*self._head(), *self._sent(), *self._unsent(), *self._types()]

    def _head(self) -> list[str]:
        lines = [] if self.is_on else ["Delivery is off (FUNNEL_DELIVERY): nothing of this would be sent."]
        if not self.preview.has_candidates:
            lines.append(
                "The newest night made no candidates for this account: funnel-etl run, with FUNNEL_DELIVERY set."
            )
        if self.is_limited:
            lines.append("Only a part, as the options say.")
        return lines

    @property
    def first_request(self) -> list[str]:
        """The first request as people read it: path, headers, how its body begins, how much of it there is."""
        if not self.requests:
            return []
        first = json.loads(self.requests[0])
        body, name = first["body"], self.preview.calls[0].object
        count = len(self.preview.calls[0].rows)
        of = f"{count} {name}{'' if count == 1 else 's'}"
        lines = [f"The first of {len(self.requests)} requests:", f"  {first['method']} {first['path']}"]
        lines += [f"  {header}: {value}" for header, value in first["headers"].items()]
        is_cut = len(body) > SHOWN_OF_BODY
        lines += ["", f"  {body[:SHOWN_OF_BODY]}{'…' if is_cut else ''}"]
        return [*lines, f"  … {of}, whole with --to FOLDER" if is_cut else f"  {of}"]

    def _sent(self) -> list[str]:
        rows = sum(len(call.rows) for call in self.preview.calls)
        lines = [f"A run now would make {len(self.preview.calls)} requests for {rows} users and events:"]
        return [*lines, *(f"  {count:>7} {name}" for name, count in sorted(self.preview.by_event.items()))]

    def _unsent(self) -> list[str]:
        found: Counter[str] = Counter()
        for line in self.report.lines:
            if line.state not in (*SENDABLE, "delivered"):
                found[f"{line.state}: {line.reason}" if line.reason else line.state] += 1
        lines = ["Not sent:"] if found else []
        return [*lines, *(f"  {count:>7} {why}" for why, count in sorted(found.items()))]

    def _types(self) -> list[str]:
        if not self.preview.new_types:
            return []
        lines = ["New attribute types; the first value fixes each in WebEngage for good:"]
        for (object_, name, attribute), kind in self.preview.new_types.items():
            lines.append(f"  {name or object_}: {attribute} is {kind}")
        return [*lines, "When they are right: funnel-etl deliver approve --types"]


def preview(settings: Settings, scope: Scope) -> Previewed:
    """Return what a run would do now. Opens no connection to a destination, and needs no credentials."""
    with open_place(settings, only_read=True) as place, place.engine.connect() as connection:
        made = make_preview(
            connection,
            place.adapter,
            place.journal(),
            datetime.now(UTC),
            place.zone,
            approve_over=settings.delivery_approve_over,
            bulk_from=settings.webengage_bulk_from,
            scope=scope,
        )
        candidates = reading.all_candidates(connection, place.own)
        names = reading.file_names(connection)
        known = {row.delivery_key: row for row in reading.all_rows(connection, place.own)}
        known |= {row.delivery_key: row for row in made.made.rows}
        report = make_report(candidates, known.values(), names, made.made.unplanned)
        requests = request_lines(made, place.adapter)
        return Previewed(made, requests, report, place.is_on, not scope.is_whole)


def write_preview(found: Previewed, to: Path) -> None:
    """Write requests, decisions and summary, each for this user alone. Raises `StorageUnavailable`."""
    requests = "".join(f"{line}\n" for line in found.requests)
    summary = "".join(f"{line}\n" for line in [*found.summary, found.report.balanced()])
    contents = (requests.encode(), as_csv([*found.report.lines, *found.report.earlier]), summary.encode())
    try:
        private_folder(to)
        for name, data in zip(FILES, contents, strict=True):
            write_whole(to / name, data, private=True)
            (to / name).chmod(0o600)
    except OSError as error:
        raise _unwritable(error, to) from error


def report(settings: Settings, night: date | None) -> Report:
    """Return a line per candidate of the newest night, or per row that was planned from a night."""
    with open_place(settings, only_read=True) as place, place.engine.connect() as connection:
        rows = reading.all_rows(connection, place.own, night)
        names = reading.file_names(connection)
        if night:
            lines = [line_of(row, names) for row in sorted(rows, key=lambda row: row.order)]
            return Report(lines, candidates=len(rows))
        now, over = datetime.now(UTC), settings.delivery_approve_over
        unplanned = make_plan(connection, place.own, place.journal(), now, place.zone, over).unplanned
        return make_report(reading.all_candidates(connection, place.own), rows, names, unplanned)


def write_report(found: Report, to: Path) -> None:
    """Write the report as CSV for this user alone. Raises `StorageUnavailable`."""
    try:
        write_whole(to, as_csv([*found.lines, *found.earlier]), private=True)
        to.chmod(0o600)
    except OSError as error:
        raise _unwritable(error, to) from error


def _unwritable(error: OSError, to: Path) -> StorageUnavailable:
    return storage_error(error, "the file", str(to), "name another place with --to")


@dataclass(frozen=True)
class Standing:
    """Where deliveries to a destination stand. `counts`: as `reading.read_counts`."""

    destination: str
    account: str
    is_on: bool
    has_candidates: bool
    counts: list[dict[str, Any]] = field(default_factory=list)
    not_planned: NotPlanned | None = None

    @property
    def waits(self) -> str | None:
        """What waits for a run to plan it, in words; None: nothing."""
        if self.not_planned:
            return self.not_planned.says
        if self.counts:
            return None
        if self.has_candidates:
            return (
                "Nothing was sent, and nothing of the newest night is to be sent: funnel-etl deliver preview says why"
            )
        return "Nothing was sent, and the newest night made no candidates for this account: funnel-etl run"

    @property
    def to_do(self) -> list[str]:
        """What a person must do."""
        lines = []
        for each in self.counts:
            if each["state"] in (HELD, UNKNOWN, PERMANENT):
                why = REASONS.get(each["reason"] or "", each["reason"] or each["state"])
                advice = what_to_do(each["state"], each["reason"])
                lines.append(f"{each['rows']} {each['state']}: {why}. {advice}")
        return list(dict.fromkeys(lines))

    def as_json(self) -> str:
        """Return it for programs."""
        states: Counter[str] = Counter()
        for each in self.counts:
            states[each["state"]] += each["rows"]
        content = {
            "destination": self.destination,
            "account": self.account,
            "is_on": self.is_on,
            "has_candidates": self.has_candidates,
            "states": dict(states),
            "waiting_to_be_planned": self.not_planned.rows if self.not_planned else 0,
            "waits": self.waits,
            "rows": self.counts,
            "to_do": self.to_do,
        }
        return json.dumps(content, default=str, ensure_ascii=False, indent=1)


def standing(settings: Settings, own: Own | None = None) -> Standing:
    """Return where deliveries stand; `own`: of these alone, and what no run has planned yet is not told."""
    with open_place(settings, only_read=True) as place, place.engine.connect() as connection:
        counts = _own_counts(connection, place, own) if own else reading.read_counts(connection, place.own)
        has_candidates = reading.has_candidates(connection, place.own)
        today = datetime.now(UTC).astimezone(place.zone).date()
        waits = None if own else of_account(read_not_planned(connection, today), place.own)
        return Standing(place.own.destination, place.own.account, place.is_on, has_candidates, counts, waits)


def _own_counts(connection: sa.Connection, place: Place, own: Own) -> list[dict[str, Any]]:
    rows = own.rows(reading.all_rows(connection, place.own))
    counts = Counter((row.object, row.event_name, row.state, row.reason) for row in rows)
    names = ("object", "event_name", "state", "reason")
    return [{**dict(zip(names, key, strict=True)), "rows": count} for key, count in counts.items()]
