"""Which occurrence a chat, poll or question file belongs to: `raw.zoom_engagement_files` → `ops.engagement_files`.

Never guessed: what fits none or several waits, and says why. Pure. Rule: B7 of the design.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from funnel_etl.core.person_names import NameRules
from funnel_etl.core.tables.accounting import Outcome, RowAccount
from funnel_etl.core.values.text import lookup_key, lookup_keys
from funnel_etl.marts.engagement.clock import ENOUGH, Occurrence, Stamps, clock_of, on_the_wall
from funnel_etl.marts.engagement.contracts import ENGAGEMENT_FILES, TIED, WAITS
from funnel_etl.parts.marketing.zoom.reader.engagement_contracts import ATTENDANCE, CHAT

NEAREST = pd.Timedelta(hours=36)
"""How far the start in the head of a report may be from that of its occurrence."""
NAMES_ENOUGH = 0.5
"""The share of the named senders who must be people of the webinar, where only a clock speaks for it."""
_GMT = re.compile(r"GMT(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})(\d{2})", re.IGNORECASE)
_DAY = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")
_ID = re.compile(r"(?<!\d)\d(?:[ -]?\d){8,12}(?!\d)")
PLACE_IT = (
    "put webinar id and start into its name or folder, as 81200001001-20260923T1800, or a line into "
    "config_csv/chat_files.csv: file_name, webinar_id, started_at"
)
TO_DO = "say which in config_csv/chat_files.csv: file_name, webinar_id, started_at"


@dataclass(frozen=True)
class File:
    """What is known of a file. `senders`: keys of the names in it; `stamps`: of a chat, in file order."""

    name: str
    folder: str
    report: str
    webinar_id: str | None
    started_at: pd.Timestamp | None
    received_on: date | None
    stamps: Stamps | None = None
    senders: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """Folder and name: either may tell the webinar."""
        return f"{self.folder}/{self.name}"

    @property
    def recorded_at(self) -> pd.Timestamp | None:
        """When the recording began, if the name says it, as Zoom names a cloud recording's chat."""
        found = _GMT.search(self.path)
        if found is None:
            return None
        at = pd.to_datetime("".join(found.groups()), format="%Y%m%d%H%M%S", errors="coerce", utc=True)
        return None if pd.isna(at) else at

    @property
    def days(self) -> list[date]:
        """Days the file may be of: that in its path, else the day it came and the one before."""
        if self.recorded_at is None:
            for found in _DAY.finditer(self.path):
                day = pd.to_datetime("-".join(found.groups()), format="%Y-%m-%d", errors="coerce")
                if not pd.isna(day) and 2000 < day.year < 2100:
                    return [day.date()]
        if self.received_on is None:
            return []
        return [self.received_on, (pd.Timestamp(self.received_on) - pd.Timedelta(days=1)).date()]

    @property
    def names_a_day(self) -> bool:
        """Whether its path names a day."""
        return self.recorded_at is None and len(self.days) == 1


@dataclass(frozen=True)
class Tie:
    """The occurrence of a file and what it was tied by; or None, and why it waits."""

    occurrence_id: str | None
    by: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Known:
    """The occurrences there are, who was in them (keys of names), the lines of chat_files.csv, and the zone."""

    occurrences: Sequence[Occurrence]
    people: Mapping[str, frozenset[str]]
    zone: str
    decided: Mapping[str, tuple[str, pd.Timestamp]] = field(default_factory=dict)

    def near(self, webinar_id: str, at: pd.Timestamp) -> list[Occurrence]:
        """Return the occurrence of a webinar whose start is the nearest, if it is near."""
        own = [one for one in self.occurrences if one.webinar_id == webinar_id]
        own = [one for one in own if abs(one.started_at - at) <= NEAREST]
        return sorted(own, key=lambda one: (abs(one.started_at - at), one.started_at))[:1]


def tie(file: File, known: Known) -> Tie:
    """Return the occurrence of a file: by a person's word, its head, its name, its days, or its clock and names."""
    if (said := known.decided.get(lookup_key(file.name))) is not None:
        found = known.near(*said)
        if found:
            return Tie(found[0].occurrence_id, "chat_files")
        return Tie(None, why="chat_files.csv names a webinar of which no report has come: drop its attendee report")
    if file.webinar_id is not None and file.started_at is not None:
        found = known.near(file.webinar_id, file.started_at)
        return _one(found, "report") or Tie(None, why="no report of its webinar has come: drop its attendee report")
    if file.report == ATTENDANCE:  # it would be an attendee report, were its webinar known
        return Tie(None, why=f"nothing says which webinar this attendance is of: {PLACE_IT}")
    possible = _by_name(file, known)
    if possible is not None:
        return _narrowed(file, possible, known)
    if file.stamps is not None and file.stamps.have_days:
        return _by_stamps(file, known)
    return _by_clock(file, known)


def _one(found: Sequence[Occurrence], by: str) -> Tie | None:
    return Tie(found[0].occurrence_id, by) if len(found) == 1 else None


def _by_name(file: File, known: Known) -> tuple[list[Occurrence], str] | None:
    """Return the occurrences that the path names, and by what; None: it names none."""
    ids = {re.sub(r"\D", "", text) for text in _ID.findall(_GMT.sub(" ", file.path))}
    if file.webinar_id:
        ids.add(file.webinar_id)
    named = [one for one in known.occurrences if one.webinar_id in ids]
    if (at := file.recorded_at) is not None:
        during = [one for one in named or known.occurrences if one.window[0] <= at <= one.window[1]]
        return during, "recording"
    return (named, "name") if named else None


def _narrowed(file: File, possible: tuple[list[Occurrence], str], known: Known) -> Tie:
    """Return the one of the occurrences that the path names which its days, or its clock and names, fit."""
    found, by = possible
    if file.stamps is not None and file.stamps.have_days:
        found = [one for one in found if on_the_wall(file.stamps, one, known.zone)[0] >= ENOUGH]
    elif by == "name" and (file.names_a_day or len(found) > 1):
        found = [one for one in found if _local_day(one, known.zone) in file.days]
    if tied := _one(found, by):
        return tied
    return _several(found, "its name fits")


def _by_stamps(file: File, known: Known) -> Tie:
    assert file.stamps is not None  # noqa: S101 - the caller looked
    found = [one for one in known.occurrences if on_the_wall(file.stamps, one, known.zone)[0] >= ENOUGH]
    return _one(found, "stamps") or _several(found, "the days and times in it fit")


def _by_clock(file: File, known: Known) -> Tie:
    """Return the one occurrence of the file's own day that both its clock and its names fit."""
    days = file.days
    possible = [one for one in known.occurrences if _local_day(one, known.zone) in days]
    if file.stamps is not None:
        possible = [one for one in possible if on_the_wall(file.stamps, one, known.zone)[0] >= ENOUGH]
    found = [one for one in possible if _share(file.senders, known.people.get(one.occurrence_id)) >= NAMES_ENOUGH]
    if file.report != CHAT or not file.senders:
        return Tie(None, why=f"nothing in it says which webinar it is of: {TO_DO}")
    return _one(found, "clock") or _several(found, "its clock and the names in it fit")


def _several(found: Sequence[Occurrence], what: str) -> Tie:
    count = "no webinar" if not found else f"{len(found)} webinars"
    return Tie(None, why=f"{what} {count}: {TO_DO}")


def _share(senders: frozenset[str], people: Iterable[str] | None) -> float:
    return len(senders & frozenset(people)) / len(senders) if senders and people else 0.0


def _local_day(one: Occurrence, zone: str) -> date:
    return one.started_at.tz_convert(zone).date()


def engagement_files(
    files: pd.DataFrame, chat_rows: pd.DataFrame, counts: pd.Series, known: Known, rules: NameRules
) -> Outcome:
    """Return one row per file with its occurrence. Columns as `ops.engagement_files`.

    `files` is `raw.zoom_engagement_files`, `chat_rows` is `raw.zoom_chat_rows`; `counts`: rows by file_id.
    """
    account = RowAccount(files.reset_index(drop=True), "raw.zoom_engagement_files")
    by_file = dict(iter(chat_rows[chat_rows["row_problem"].isna()].groupby("file_id")))
    by_id = {one.occurrence_id: one for one in known.occurrences}
    records = []
    for row in account.rows().to_dict("records"):
        file = _file(row, by_file.get(row["file_id"]), known.zone, rules)
        tied = tie(file, known)
        occurrence = by_id.get(tied.occurrence_id or "")
        clock = None
        if occurrence is not None and file.stamps is not None:
            clock = clock_of(file.stamps, occurrence, known.zone, file.recorded_at).kind
        state = WAITS if tied.occurrence_id is None else TIED
        about: dict[str, Any] = {
            "occurrence_id": tied.occurrence_id,
            "state": state,
            "tied_by": tied.by,
            "why": tied.why,
        }
        records.append(
            {
                **{str(k): v for k, v in row.items()},
                **about,
                "clock": clock,
                "rows_count": int(counts.get(row["file_id"], 0)),
            }
        )
    waiting = sum(record["state"] == WAITS for record in records)
    outcome = account.outcome(pd.DataFrame(records, columns=ENGAGEMENT_FILES.names))
    if waiting:
        outcome.notes.append(f"{waiting} chat, poll or question files wait for a person: funnel-etl worklist")
    return outcome


def _file(row: Mapping[Any, Any], rows: pd.DataFrame | None, zone: str, rules: NameRules) -> File:
    def text(name: str) -> str:
        return value if isinstance(value := row[name], str) else ""

    received, started = pd.Timestamp(row["received_at"]), pd.Timestamp(row["started_at"])
    file = File(
        text("name"),
        text("folder"),
        text("report"),
        text("webinar_id") or None,
        None if pd.isna(started) else started,
        None if pd.isna(received) else received.tz_convert(zone).date(),
    )
    if rows is None:
        return file
    senders = rows["sender_name"].dropna().drop_duplicates()
    named = senders[[bool(rules.tokens(name)) for name in senders]]
    return File(
        file.name, file.folder, file.report, file.webinar_id, file.started_at, file.received_on,
        Stamps.of(rows), frozenset(lookup_keys(named)),
    )  # fmt: skip


def rows_by_file(*frames: pd.DataFrame) -> pd.Series:
    """Return how many usable rows each file has, over raw tables of chats, polls and questions."""
    counts: pd.Series = pd.concat([each["file_id"][each["row_problem"].isna()] for each in frames]).value_counts()
    return counts


def files_by_id(files: pd.DataFrame, zone: str) -> dict[str, File]:
    """Return what is known of each file of `raw.zoom_engagement_files`, but for its stamps and names."""
    return {row["file_id"]: _file(row, None, zone, NameRules()) for row in files.to_dict("records")}


def known_of(
    webinars: pd.DataFrame,
    staff: Mapping[str, frozenset[str]],
    names: Mapping[str, frozenset[str]],
    chat_files: pd.DataFrame,
    zone: str,
) -> Known:
    """Gather what files are tied by. `names`: keys of the names of attendees by occurrence (`matching.name_keys`)."""
    rows = webinars[["occurrence_id", "webinar_id", "started_at", "duration_minutes"]].to_dict("records")
    occurrences = [
        Occurrence(
            r["occurrence_id"],
            r["webinar_id"],
            r["started_at"],
            None if pd.isna(r["duration_minutes"]) or not r["duration_minutes"] else int(r["duration_minutes"]),
        )
        for r in rows
    ]
    both = {o: names.get(o, frozenset()) | staff.get(o, frozenset()) for o in {*names, *staff}}
    decided = {}
    for file_name, webinar_id, at in chat_files[["file_name", "webinar_id", "started_at"]].itertuples(index=False):
        local = pd.Timestamp(at)
        instant = (
            local.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if local.tzinfo is None else local
        )
        decided[lookup_key(file_name)] = (re.sub(r"\D", "", webinar_id), instant.tz_convert("UTC"))
    return Known(occurrences, both, zone, decided)
