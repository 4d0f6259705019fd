"""A webinar as files give it: an attendee report and what was said, read and followed by the real functions."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config, parse_table
from funnel_etl.core.person_names import NameRules
from funnel_etl.marts.engagement.matching import credited, name_keys, rosters
from funnel_etl.marts.engagement.messages import (
    Frames,
    Kept,
    chat_messages,
    chat_unmatched,
    poll_answers,
    qa_questions,
    webinar_engagement,
)
from funnel_etl.marts.engagement.people import by_occurrence, engagement_people, engagement_staff
from funnel_etl.marts.engagement.tying import engagement_files, files_by_id, known_of, rows_by_file
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_OCCURRENCES, ZOOM_REPORTS
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.reader import engagement_contracts as said
from funnel_etl.parts.marketing.zoom.reader.chat import private_rows
from funnel_etl.parts.marketing.zoom.reader.contracts import (
    RAW_ZOOM_ATTENDEE_ROWS,
    RAW_ZOOM_REGISTRANT_ROWS,
    RAW_ZOOM_REPORTS,
)
from funnel_etl.parts.marketing.zoom.reader.kinds import read_report

ZONE = "Asia/Kolkata"
WEBINAR = "81200001001"
NIGHT = pd.Timestamp("2026-09-24")
START = pd.Timestamp("2026-09-23 18:00", tz=ZONE)
HEADER = (
    "Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Job Title,Registration Time,Approval Status,"
    "Join Time,Leave Time,Time in Session (minutes),Is Guest,Country/Region Name"
)


@dataclass(frozen=True)
class Person:
    """Somebody of a report: minutes after the start when he came and left (None: he did not)."""

    shown: str
    email: str = ""
    phone: str = ""
    was_in: tuple[int, int] | None = (0, 60)
    first: str = ""
    last: str = ""


def report(
    people: Sequence[Person],
    *,
    start: pd.Timestamp = START,
    minutes: int = 60,
    webinar_id: str = WEBINAR,
    hosts: Sequence[str] = ("Ritvik Solvane",),
    topic: str = "ACCA Masterclass",
) -> bytes:
    """Return an attendee report as Zoom writes it."""
    local = start.tz_convert(ZONE)

    def at(minute: int) -> str:
        return f"{local + pd.Timedelta(minutes=minute):%b %d, %Y %H:%M:%S}"

    text = io.StringIO()
    write = csv.writer(text).writerow
    write(["Attendee Report"])
    write(["Report Generated:", at(600)])
    write(["Topic", "Webinar ID", "Actual Start Time", "Actual Duration (minutes)", "# Registered"])
    write([topic, webinar_id, at(0), minutes, len(people)])
    write(["Host Details"])
    write("Attended,User Name (Original Name),Email,Join Time,Leave Time,Time in Session (minutes)".split(","))
    for number, host in enumerate(hosts):
        write(["Yes", host, f"host{number}@example.org", at(0), at(minutes), minutes])
    write(["Attendee Details"])
    write(HEADER.split(","))
    for one in people:
        first, _, last = one.shown.partition(" ") if not (one.first or one.last) else (one.first, "", one.last)
        stay = (
            ["--"] * 3 if one.was_in is None else [at(one.was_in[0]), at(one.was_in[1]), one.was_in[1] - one.was_in[0]]
        )
        yes = "No" if one.was_in is None else "Yes"
        write([yes, one.shown, first, last, one.email, one.phone, "", at(-600), "approved", *stay, "Yes", "India"])
    return text.getvalue().encode()


@dataclass
class Night:
    """What a night makes of these files. `said`: name → bytes of chats, polls, question reports."""

    reports: Sequence[bytes]
    said: dict[str, bytes]
    config: dict[str, str] = field(default_factory=dict)
    received_at: pd.Timestamp = START + pd.Timedelta(hours=3)
    as_of: pd.Timestamp = NIGHT
    folder: str | None = None

    def table(self, name: str) -> pd.DataFrame:
        return Config({n: parse_table(n, text.encode()) for n, text in self.config.items()}, "t").table(name)

    def make(self) -> "Made":
        exports = [read_report(data, file_id=f"r{n}", zone=ZONE) for n, data in enumerate(self.reports)]
        heads = pd.DataFrame(
            [{**e.facts, "name": "r", "received_at": None, "bytes": 1, "profile": None} for e in exports]
        )
        raw_reports = RAW_ZOOM_REPORTS.conform(heads)
        rows = RAW_ZOOM_ATTENDEE_ROWS.conform(pd.concat([e.rows for e in exports], ignore_index=True))
        registrants = RAW_ZOOM_REGISTRANT_ROWS.empty()
        beside: dict[str, Any] = {"zone": ZONE, "placeholders": frozenset()}
        reports = ZOOM_REPORTS.conform(zoom_reports(raw_reports, rows, registrants, **beside).rows)
        tables = {name: parse_table(name, None) for name in CONFIG_READ}
        occurrences = zoom_occurrences(
            reports, rows, **tables, conductors_csv=parse_table("conductors", None), zone=ZONE
        )
        empty = pd.DataFrame({"occurrence_id": pd.Series(dtype="str"), "attended": pd.Series(dtype="boolean")})
        events = WEBINARS.conform(webinars(ZOOM_OCCURRENCES.conform(occurrences.rows), empty, empty).rows)
        rules = NameRules()
        people = engagement_people(
            reports, rows, registrants, bot_names=parse_table("bot_names", None), placeholders=frozenset(), rules=rules
        )
        staff = by_occurrence(engagement_staff(reports, rows).rows)
        return self._said(events, people.rows, staff, rules)

    def _said(
        self, events: pd.DataFrame, people: pd.DataFrame, staff: dict[str, frozenset[str]], rules: NameRules
    ) -> "Made":
        files, by_kind, private = [], {name: [] for name in said.REPORTS}, [said.RAW_ZOOM_CHAT_ROWS.empty()]
        for number, (name, data) in enumerate(self.said.items()):
            export = read_report(data, file_id=f"f{number}", zone=ZONE)
            came = {"name": name, "received_at": self.received_at, "bytes": len(data), "folder": self.folder}
            files.append({**export.facts, **came})
            by_kind[export.facts["report"]].append(export.rows)
            if export.facts["private_count"]:
                private.append(private_rows(data, f"f{number}"))
        raw_files = said.RAW_ZOOM_ENGAGEMENT_FILES.conform(
            pd.DataFrame(files, columns=said.RAW_ZOOM_ENGAGEMENT_FILES.names)
        )
        kinds = {
            said.CHAT: said.RAW_ZOOM_CHAT_ROWS,
            said.POLL: said.RAW_ZOOM_POLL_ROWS,
            said.QUESTIONS: said.RAW_ZOOM_QUESTION_ROWS,
        }
        rows = {
            k: pd.concat(by_kind[k], ignore_index=True) if by_kind[k] else table.empty() for k, table in kinds.items()
        }
        known = known_of(events, staff, name_keys(people), self.table("chat_files"), ZONE)
        tied = engagement_files(raw_files, rows[said.CHAT], rows_by_file(*rows.values()), known, rules).rows
        found = rosters(people, staff, self.table("chat_names"), rules, tied["occurrence_id"].dropna().unique())
        frames = Frames(tied, events, found, staff, files_by_id(raw_files, ZONE), ZONE)
        kept = Kept(self.as_of, 180)
        private_frame = pd.concat(private[1:] or private, ignore_index=True)
        chat = chat_messages(rows[said.CHAT], private_frame, frames, self.table("chat_noise"), kept)
        polls, questions = poll_answers(rows[said.POLL], frames), qa_questions(rows[said.QUESTIONS], frames, kept)
        unmatched = chat_unmatched(chat.rows, polls.rows, questions.rows, frames)
        share = webinar_engagement(tied, chat.rows, events, credited(chat.rows, ("exact", "medium")))
        return Made(events, people, tied, chat, polls, questions, unmatched, share)


@dataclass
class Made:
    """The tables of a night."""

    webinars: pd.DataFrame
    people: pd.DataFrame
    files: pd.DataFrame
    chat: Any
    polls: Any
    questions: Any
    unmatched: Any
    share: Any


def v4(lines: Sequence[tuple[str, str, str]], to: str = "Everyone") -> bytes:
    """Return a chat in V4: (time, sender, text) each."""
    return "".join(f"{time} From {name} to {to}:\n\t{text}\n" for time, name, text in lines).encode()


@pytest.fixture
def attendee_report() -> Callable[..., bytes]:
    return report
