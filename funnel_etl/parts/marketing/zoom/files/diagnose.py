"""What a Zoom report is, and what would become of it: for the partition of a file and `funnel-etl zoom check`.

Pure: bytes and configuration in, words out. A diagnosis holds numbers and headers only, never a cell of a person. A
file is looked at alone: what other reports of its occurrence change is not told here.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import LedgerLine
from funnel_etl.core.values.numbers import grouped
from funnel_etl.core.values.phone import normalise
from funnel_etl.core.values.text import decode, lookup_key, squash
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance
from funnel_etl.parts.marketing.zoom.clean.contracts import (
    ZOOM_ATTENDANCE,
    ZOOM_OCCURRENCES,
    ZOOM_REGISTRATIONS,
    ZOOM_REPORTS,
)
from funnel_etl.parts.marketing.zoom.clean.event_warnings import (
    FEW_PHONES,
    FINDINGS,
    findings,
    in_words,
    lacks_phones,
    without_phone,
)
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.clean.topics import categories
from funnel_etl.parts.marketing.zoom.files.diagnose_said import describe
from funnel_etl.parts.marketing.zoom.intake import decided_places, with_place
from funnel_etl.parts.marketing.zoom.reader.contracts import RAW_ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE
from funnel_etl.parts.marketing.zoom.reader.kinds import KINDS, kind_of, read_report
from funnel_etl.parts.marketing.zoom.reader.measures import (
    Measures,
    date_ratio,
    date_thresholds,
    file_warnings,
    measure,
    reconciliation,
)
from funnel_etl.parts.marketing.zoom.reader.read import HEAD_TIMES
from funnel_etl.sources.drop.intake import reader_defect

OF_EVENT = (
    "occurrence_id webinar_id topic started_at duration_minutes product profile source_tag funnel category "
    "bootcamp_day day_source conductor_source"
).split()


@dataclass(frozen=True)
class OwnTables:
    """The tables that follow from one file alone: its occurrence, and the people of it. They hold personal data."""

    occurrences: pd.DataFrame
    registrations: pd.DataFrame
    attendance: pd.DataFrame


@dataclass
class Diagnosis:
    """One file. `refusal` says why it would be rejected; else all the rest holds.

    `fates`: table → reason of the ledger ("merged:same_person") → rows; `event`: what follows for its occurrence;
    `times`: those of its head, in the business zone.
    """

    file_id: str
    threshold: float
    refusal: str | None = None
    report: str = ""
    measures: Measures | None = None
    reconciled: list[tuple[str, int, int]] = field(default_factory=list)
    phones: dict[str, int] = field(default_factory=dict)
    fates: dict[str, dict[str, int]] = field(default_factory=dict)
    event: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    @property
    def date_ratio(self) -> float:
        """The share of its dates that could be read."""
        return date_ratio(self.measures) if self.measures else 0.0

    @property
    def is_good(self) -> bool:
        """Whether it would be taken, with enough of its dates."""
        return self.refusal is None and self.date_ratio >= self.threshold


def diagnose(
    data: bytes,
    file_id: str,
    zone: str,
    config: Config,
    threshold: float,
    *,
    name: str = "",
    folder: str | None = None,
    received_at: datetime | None = None,
) -> tuple[Diagnosis, OwnTables | None]:
    """Read a file as the night would if it came at that time, a bad file too; `folder`: the sub-folder it lies in.

    By its name an attendance of Demio may say which webinar it is of.

    The tables that follow from it alone are returned beside the diagnosis; none of a file that says not who came.
    """
    try:
        export = read_report(data, file_id=file_id, zone=zone, received_at=received_at)
    except FunnelError as error:
        return Diagnosis(file_id, threshold, refusal=str(error)), None
    except Exception as error:  # noqa: BLE001 - any defect of the reader, on any bytes
        return Diagnosis(file_id, threshold, refusal=str(reader_defect(error))), None
    read = [f"file_id {file_id}", f"{grouped(len(data))} bytes, read as {decode(data).encoding}"]
    found, tables = examine(
        export.facts, export.rows, measure(export), zone, config, threshold, name=name, folder=folder
    )
    found.steps = read + found.steps
    return found, tables


def examine(
    facts: dict[str, Any],
    rows: pd.DataFrame,
    measures: Measures,
    zone: str,
    config: Config,
    threshold: float,
    *,
    name: str = "",
    folder: str | None = None,
) -> tuple[Diagnosis, OwnTables | None]:
    """Describe a report that was read already, as `diagnose` does."""
    if kind_of(facts).says_who_came or facts["report"] == ATTENDANCE:
        threshold = date_thresholds(config.table("file_overrides")).get(str(facts["file_id"]), threshold)
    found = Diagnosis(str(facts["file_id"]), threshold, report=str(facts["report"]), measures=measures)
    if not kind_of(facts).says_who_came:
        found.steps, found.fates = describe(facts, rows, measures["blank_rows"])
        found.warnings = file_warnings(facts, measures, threshold)
        placed = with_place(facts, name, folder, decided_places(config.table("chat_files")), zone)
        if placed is facts:
            return found, None
        told = f"{placed['webinar_id']}, {local_time(placed['started_at'], zone)}"
        found.steps[-1] = f"its name, its folder or chat_files.csv says which webinar it is of: {told}"
        return found, _follow(found, _reports(placed, folder), rows, zone, config, "attendee")
    times = {name: local_time(facts[name], zone) for name in HEAD_TIMES}
    found.times = {name: text for name, text in times.items() if text}
    found.reconciled = reconciliation(facts, measures)
    found.warnings = file_warnings(facts, measures, threshold)
    people = rows["phone"][rows["section"].isin(["attendee", "other", "registrant"]) & rows["row_problem"].isna()]
    classes = normalise(people, config.placeholders)["phone_class"].value_counts()
    found.phones = {str(name): int(count) for name, count in classes.items()}
    found.steps = [
        f"by its headers it is the {found.report} report (language of the headers: {facts['layout']})",
        f"{grouped(len(rows))} rows in {len(measures['sections'])} sections, {measures['blank_rows']} blank lines",
        f"dates: {facts['date_order'] or 'none'}; {found.date_ratio:.1%} of those of people could be read",
    ]
    return found, _follow(found, _reports(facts, folder), rows, zone, config, found.report)


def _reports(facts: dict[str, Any], folder: str | None) -> pd.DataFrame:
    record = {"name": None, "received_at": None, "bytes": None, **facts, "profile": folder}
    return RAW_ZOOM_REPORTS.conform(pd.DataFrame([record], columns=RAW_ZOOM_REPORTS.names))


def _follow(
    found: Diagnosis, raw: pd.DataFrame, rows: pd.DataFrame, zone: str, config: Config, report: str
) -> OwnTables | None:
    """Make of the one report what the night would make of it, and note what became of its rows; `report`: its kind."""
    people = {name: kind for name, kind in KINDS.items() if kind.says_who_came}
    own = {name: kind.rows.conform(rows) if name == report else kind.rows.empty() for name, kind in people.items()}
    attendees, registrants = own["attendee"], own["registration"]
    bots, placeholders = config.table("bot_names"), config.placeholders
    outcome = zoom_reports(raw, attendees, registrants, zone=zone, placeholders=placeholders)
    reports = ZOOM_REPORTS.conform(outcome.rows)
    noted = [note for notes in reports["notes"] for note in json.loads(notes)]
    found.warnings += [note for note in noted if note not in found.warnings]
    tables = {name: config.table(name) for name in CONFIG_READ}
    outcome = zoom_occurrences(reports, attendees, **tables, conductors_csv=config.table("conductors"), zone=zone)
    occurrences = ZOOM_OCCURRENCES.conform(outcome.rows)
    kinds = findings(occurrences)["kind"]
    found.warnings += [in_words(FINDINGS[kind]) for kind in kinds]
    said = {FINDINGS[kind].says for kind in kinds}
    found.warnings += [text for note in outcome.notes if (text := note.partition(": ")[2]) not in said]
    if occurrences.empty:
        return None
    _tell_event(found, occurrences.iloc[0], config, zone)
    frames = (reports, attendees, registrants, occurrences)
    registered = zoom_registrations(*frames, bot_names=bots, zone=zone, placeholders=placeholders)
    made = {"clean.zoom_registrations": (registered.ledger, len(registered.rows))}
    own_rows = OwnTables(occurrences, ZOOM_REGISTRATIONS.conform(registered.rows), ZOOM_ATTENDANCE.empty())
    if report == "attendee":
        attended = zoom_attendance(*frames, bot_names=bots, placeholders=placeholders)
        made["clean.zoom_attendance"] = (attended.ledger, len(attended.rows))
        own_rows = replace(own_rows, attendance=ZOOM_ATTENDANCE.conform(attended.rows))
        _tell_phones(found, attended.rows)
    for name, (ledger, count) in made.items():
        found.fates[name] = _fate(ledger)
        found.steps.append(f"{name}: {grouped(count)} people")
    return own_rows


def _tell_phones(found: Diagnosis, attendance: pd.DataFrame) -> None:
    """Append a warning where most who attended have no phone here; what others would lend is not known."""
    for counts in without_phone(attendance).values():
        if lacks_phones(**counts):
            alone = "seen alone; the night also looks into its registration report and the campaign leads"
            found.warnings.append(f"{in_words(FEW_PHONES, **counts)}; {alone}")


def _fate(ledger: list[LedgerLine]) -> dict[str, int]:
    reasons = {"rows in": sum(line.rows_in for line in ledger), "rows kept": sum(line.rows_out for line in ledger)}
    for line in ledger:
        for reason, count in line.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return reasons


def local_time(instant: Any, zone: str) -> str:
    """Return an instant, also one given as text, as people of `zone` write it: 2026-11-12 19:00 IST; "" for none."""
    at = pd.to_datetime(instant, utc=True)
    return "" if pd.isna(at) else f"{at.tz_convert(zone):%Y-%m-%d %H:%M %Z}"


def _tell_event(found: Diagnosis, row: pd.Series, config: Config, zone: str) -> None:
    found.event = {name: str(row[name]) for name in OF_EVENT if name in row and pd.notna(row[name])}
    found.event["started_at"] = local_time(row["started_at"], zone)
    if "category" in found.event and (token := _token(row["topic"], row["category"], config.table("category_tokens"))):
        found.event["category"] += f" (by the token {token!r})"
    spellings = {lookup_key(name) for name in squash(config.table("conductors")["conductor"]).dropna()}
    conductor = row.get("conductor")
    if isinstance(conductor, str) and lookup_key(conductor) in spellings:
        found.event["conductor"] = conductor
    found.steps.append(f"occurrence {found.event['occurrence_id']}, profile {found.event.get('profile', 'none')}")


def _token(topic: Any, category: str, tokens: pd.DataFrame) -> str | None:
    """Return the token of the topic that gave the category: the longest."""
    hits = [
        tokens["token"].iloc[at]
        for at in range(len(tokens))
        if categories(pd.Series([topic], dtype="str"), tokens.iloc[[at]])["category"].eq(category).iloc[0]
    ]
    return max(hits, key=lambda token: len(lookup_key(token)), default=None)


def render(found: Diagnosis, name: str) -> str:
    """Return a diagnosis as lines for a person."""
    if found.refusal is not None or found.measures is None:
        return f"{name} would be rejected: {found.refusal}"
    if not KINDS[found.report].says_who_came:
        lines = [f"{name} is a {KINDS[found.report].title}"]
        lines += _block("What follows for its event", [f"{key}: {value}" for key, value in found.event.items()])
        for table, fate in found.fates.items():
            lines += _block(table, [f"{reason}: {grouped(count)}" for reason, count in fate.items()])
        lines += _block("Steps", found.steps)
        return "\n".join(lines + (_block("Warnings", found.warnings) or ["", "No warnings."]))
    lines = [f"{name} is the {found.report} report of {found.event.get('topic', 'a webinar without a topic')}"]
    lines += _block("What follows for its event", [f"{key}: {value}" for key, value in found.event.items()])
    for section in found.measures["sections"]:
        broken = f", {section['broken']} of them broken" if section["broken"] else ""
        columns = [f"{header} → {meaning}" for header, meaning in section["columns"].items()]
        lines += _block(f"Section {section['role']}: {grouped(section['rows'])} rows{broken}", columns)
    lines += _block("Columns without a meaning of their own (kept as questions)", found.measures["unknown_columns"])
    read, unread = found.measures["dates_read"], found.measures["dates_unread"]
    enough = "enough" if found.date_ratio >= found.threshold else "TOO FEW"
    share = f"{found.date_ratio:.1%} ({enough}: {found.threshold:.1%})"
    lines += [
        "",
        f"Dates: {grouped(read)} of {grouped(read + unread)} read, {share}",
    ]
    lines += _block("Phones", [f"{phone_class}: {grouped(count)}" for phone_class, count in found.phones.items()])
    for table, fate in found.fates.items():
        lines += _block(
            f"Rows on their way to {table}", [f"{reason}: {grouped(count)}" for reason, count in fate.items()]
        )
    checked = [
        f"{label}: the summary says {grouped(said)}, the rows give {grouped(rows)}"
        f"{'' if said == rows else ' (not the same)'}"
        for label, said, rows in found.reconciled
    ]
    lines += _block("Zoom's own counts", checked)
    lines += _block("Steps", found.steps)
    lines += _block("Warnings", found.warnings) or ["", "No warnings."]
    return "\n".join(lines)


def _block(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []
