"""Small Zoom reports for tests, written in account-zone times ("2026-04-01 15:00"), and the tables made of them."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import pandas as pd
import pytest

from funnel_etl.core.config_tables import Config, parse_table
from funnel_etl.core.values.phone import normalise
from funnel_etl.parts.marketing.zoom.clean import contracts
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance, zoom_segments
from funnel_etl.parts.marketing.zoom.clean.bootcamps import bootcamp_participation
from funnel_etl.parts.marketing.zoom.clean.contradictions import zoom_contradictions
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.people import lent_phones
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.files.clean_files import CleanFile, clean_files

ZONE = "Asia/Kolkata"
TEXTS = [
    *("file_id", "section", "row_problem", "user_name", "first_name", "last_name", "email", "phone"),
    *("approval_status", "registration_source", "attendance_type", "source_name", "country", "questions", "row"),
]
INSTANTS = ["registered_at", "joined_at", "left_at"]
REPORT_TEXTS = ["file_id", "name", "profile", "report", "topic", "webinar_id", "notes"]
REPORT_INSTANTS = ["received_at", "generated_at", "started_at", "scheduled_at"]


def instants(values: Iterable[Any]) -> pd.Series:
    times = pd.to_datetime(pd.Series(list(values), dtype="str"), format="mixed")
    return times.dt.tz_localize(ZONE).dt.tz_convert("UTC").dt.as_unit("us")


def rows_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype="str") for name in TEXTS})
    for name in INSTANTS:
        frame[name] = instants(row.get(name) for row in rows)
    for name in ("source_row", "minutes", "cell_warnings"):
        frame[name] = pd.Series([row.get(name) for row in rows], dtype="Int64")
    for name in ("attended", "is_guest"):
        frame[name] = pd.Series([row.get(name) for row in rows], dtype="boolean")
    return frame.assign(is_test_lead=pd.Series([row.get("is_test_lead", False) for row in rows], dtype="boolean"))


_parsed = lru_cache(parse_table)


class Night:
    """Reports, given one by one, and what is made of them. `config` holds CSV texts by table name, `leads` rows."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.rows: dict[str, list[dict[str, Any]]] = {"attendee": [], "registration": []}
        self.config: dict[str, str] = {"funnels": "funnel\nWebinar\nBootcamp\n"}
        self.placeholders: frozenset[str] = frozenset()
        self.leads: list[dict[str, Any]] = []
        self._last: tuple[str, Tables] | None = None

    def lead(self, email: str | None, phone: str, day: str = "2026-03-01") -> None:
        self.leads.append({"email": email, "phone_raw": phone, "created_at": day})

    def lead_table(self) -> pd.DataFrame:
        columns = {name: pd.Series([row[name] for row in self.leads], dtype="str") for name in ("email", "phone_raw")}
        frame = pd.DataFrame(columns).assign(created_at=instants(row["created_at"] for row in self.leads))
        frame = frame.assign(file_id="leads", source_row=pd.Series(range(2, len(frame) + 2), dtype="Int64"))
        return frame.join(normalise(frame["phone_raw"], self.placeholders))

    def attendee_report(self, file_id: str, start: str, *rows: dict[str, Any], **facts: Any) -> None:
        self._add("attendee", file_id, rows, {"started_at": start, **facts})

    def registration_report(self, file_id: str, scheduled: str, *rows: dict[str, Any], **facts: Any) -> None:
        self._add("registration", file_id, rows, {"scheduled_at": scheduled, **facts})

    def _add(self, report: str, file_id: str, rows: tuple[dict[str, Any], ...], facts: dict[str, Any]) -> None:
        default = {"webinar_id": "111", "topic": "ACCA Masterclass", "generated_at": "2026-04-04 12:00", "notes": "[]"}
        own = {"file_id": file_id, "report": report, "name": f"{file_id}.csv", "duration_minutes": 90}
        self.reports.append(default | own | facts)
        section = "attendee" if report == "attendee" else "registrant"
        for line, row in enumerate(rows, start=6):
            person = {"file_id": file_id, "source_row": line, "section": section, "cell_warnings": 0}
            self.rows[report].append(person | row)

    def frames(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        reports = pd.DataFrame(
            {name: pd.Series([report.get(name) for report in self.reports], dtype="str") for name in REPORT_TEXTS}
        )
        for name in REPORT_INSTANTS:
            reports[name] = instants(report.get(name) for report in self.reports)
        reports["duration_minutes"] = pd.Series([r["duration_minutes"] for r in self.reports], dtype="Int64")
        return reports, rows_frame(self.rows["attendee"]), rows_frame(self.rows["registration"])

    def table(self, name: str) -> pd.DataFrame:
        text = self.config.get(name)
        return _parsed(name, text.encode() if text else None)

    def run(self) -> "Tables":
        """Return every outcome by table name; each is made when it is asked for, and must keep its contract.

        The same as the last time if nothing was added or changed since.
        """
        given = repr((self.reports, self.rows, self.config, sorted(self.placeholders), self.leads))
        if self._last is None or self._last[0] != given:
            self._last = given, Tables(self)
        return self._last[1]

    def clean_files(self) -> list[CleanFile]:
        """Return the clean files of the night."""
        out = self.run()
        frames = {name: out[f"zoom_{name}"].rows for name in ("occurrences", "registrations", "attendance")}
        return clean_files(**frames, zoom_profiles=self.table("zoom_profiles"), zone=ZONE)


class Tables(Mapping[str, Any]):
    """The clean tables of a night, each made of what was there when `run` was called."""

    def __init__(self, night: Night) -> None:
        self._made: dict[str, Any] = {}
        self._raw, self._attendees, self._registrants = night.frames()
        self._leads, self._metrics = night.lead_table(), Config({"metrics": night.table("metrics")})
        self._known = {"bot_names": night.table("bot_names"), "placeholders": night.placeholders}
        self._config = {name: night.table(name) for name in CONFIG_READ} | {"conductors_csv": night.table("conductors")}

    def __iter__(self) -> Iterator[str]:
        return iter([table.name for table in contracts.CLEAN_TABLES])

    def __len__(self) -> int:
        return len(contracts.CLEAN_TABLES)

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            table = next(table for table in contracts.CLEAN_TABLES if table.name == name)
            outcome = getattr(self, name)()
            rows = table.conform(outcome.rows)
            assert table.problems(rows) == [], table.full_name
            assert table.to_arrow(rows).num_rows == len(rows)
            outcome.rows = rows
            self._made[name] = outcome
        return self._made[name]

    @property
    def _people(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        return self["zoom_reports"].rows, self._attendees, self._registrants

    @property
    def _who(self) -> dict[str, Any]:
        return {**self._known, "lent": self["lent_phones"].rows.set_index("email")}

    def lent_phones(self) -> Any:
        return lent_phones(self._leads, self._attendees, self._registrants, self._metrics)

    def zoom_reports(self) -> Any:
        placeholders = self._known["placeholders"]
        return zoom_reports(self._raw, self._attendees, self._registrants, zone=ZONE, placeholders=placeholders)

    def zoom_occurrences(self) -> Any:
        return zoom_occurrences(self["zoom_reports"].rows, self._attendees, **self._config, zone=ZONE)

    def zoom_registrations(self) -> Any:
        return zoom_registrations(*self._people, self["zoom_occurrences"].rows, **self._who, zone=ZONE)

    def zoom_attendance(self) -> Any:
        return zoom_attendance(*self._people, self["zoom_occurrences"].rows, **self._who)

    def zoom_segments(self) -> Any:
        return zoom_segments(*self._people, **self._who)

    def webinars(self) -> Any:
        return webinars(*(self[f"zoom_{name}"].rows for name in ("occurrences", "registrations", "attendance")))

    def bootcamp_participation(self) -> Any:
        return bootcamp_participation(self["zoom_attendance"].rows, self["zoom_occurrences"].rows)

    def zoom_contradictions(self) -> Any:
        return zoom_contradictions(*self._people, **self._who, zone=ZONE)


@pytest.fixture
def night() -> Night:
    return Night()
