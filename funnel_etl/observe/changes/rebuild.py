"""The clean tables of a past night, made again from its landed files by today's code, under any config.

The functions are those of the night's own assets: of a pulled source, its declaration's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pandas as pd

from funnel_etl.core.config_tables import Config
from funnel_etl.core.reading.source_frame import Page, raw_pages
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.observe.changes.rows import BY_TABLE
from funnel_etl.parts.marketing.zoom.clean import contracts as zoom
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.people import people_by
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.intake import ParsedReports, arrivals_of, decided_places, reports_of, rows_of
from funnel_etl.parts.marketing.zoom.reader.contracts import (
    RAW_ZOOM_ATTENDEE_ROWS,
    RAW_ZOOM_REGISTRANT_ROWS,
    RAW_ZOOM_REPORTS,
)
from funnel_etl.parts.marketing.zoom.reader.measures import date_thresholds
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.lineage import led_back
from funnel_etl.sources.nightly import NightlySources

Frame = pd.DataFrame
Frames = dict[str, pd.DataFrame]
ZOOM = {
    "zoom_reports": zoom.ZOOM_REPORTS,
    "zoom_registrations": zoom.ZOOM_REGISTRATIONS,
    "zoom_attendance": zoom.ZOOM_ATTENDANCE,
    "webinars": zoom.WEBINARS,
}
CLEAN = {name: source.clean for name, source in BY_TABLE.items()} | ZOOM
"""The tables that are made again; those of Zoom together."""
ZOOM_READS = {
    *CONFIG_READ,
    *("conductors", "bot_names", "placeholder_phones", "metrics", "chat_files"),
}
"""Which tables of config_csv those of Zoom are made by."""


@dataclass(frozen=True)
class Rebuilder:
    """Makes the clean tables of one night again. `files`: what the night used; `aged`: its table of what aged out."""

    settings: Settings
    landing: Landing
    sources: NightlySources
    parsed: ParsedReports
    night: date
    files: dict[str, list[str]]
    aged: Callable[[str], pd.DataFrame | None]

    def table(self, name: str, config: Config, zone: str) -> Outcome:
        """Make a table of a pulled source: its rows by the contract, and its account."""
        source = BY_TABLE[name]
        made = source.build(self.raw(name, config), config, zone)
        if source.carry:
            made = source.carry(made, self.aged(name), config)
        made.rows = source.clean.conform(made.rows)
        return made

    def raw(self, name: str, config: Config) -> pd.DataFrame:
        """Read the landed file of a pulled source, or its pages, again, as text."""
        source = BY_TABLE[name]
        pages = [Page(self.landing.read(file_id), file_id) for file_id in self.files[source.name]]
        documented, aliases = source.documented(config), config.aliases(source.name)
        dump = raw_pages(pages, source.name, documented, aliases, source.read).rows
        rows = led_back(self.sources, source, self.night, self.files[source.name], dump).rows
        return source.raw.extended_with(rows.columns).conform(rows)

    def zoom(self, config: Config, zone: str, leads: pd.DataFrame) -> Frames:
        """Make the tables of Zoom, beside `clean.tofu_leads`, whose phones attendees may have."""
        arrivals = arrivals_of(self.sources, self.files["zoom"])
        decided = decided_places(config.table("chat_files"))
        thresholds = date_thresholds(config.table("file_overrides"))
        found = reports_of(arrivals, self.parsed, self.settings.zoom_date_ratio, zone, decided, thresholds)
        reports = RAW_ZOOM_REPORTS.conform(found.rows)
        raw = self._rows(reports)
        placeholders = config.placeholders
        clean = zoom.ZOOM_REPORTS.conform(zoom_reports(reports, **raw, zone=zone, placeholders=placeholders).rows)
        tables = {name: config.table(name) for name in CONFIG_READ}
        found = zoom_occurrences(
            clean, raw["attendee_rows"], **tables, conductors_csv=config.table("conductors"), zone=zone
        )
        occurrences = zoom.ZOOM_OCCURRENCES.conform(found.rows)
        people = people_of(clean, raw, occurrences, config, zone, leads)
        held = zoom.WEBINARS.conform(webinars(occurrences, *people.values()).rows)
        return {"zoom_reports": clean, **people, "webinars": held}

    def people(self, zoom_tables: Frames, occurrences: list[str], config: Config, zone: str, leads: Frame) -> Frames:
        """Make the tables of people of some occurrences again; `zoom_tables` are a night's."""
        reports, held = (zoom_tables[name] for name in ("zoom_reports", "webinars"))
        reports = reports[reports["occurrence_id"].isin(occurrences)]
        return people_of(reports, self._rows(reports), held, config, zone, leads)

    def _rows(self, reports: pd.DataFrame) -> Frames:
        return {
            "attendee_rows": RAW_ZOOM_ATTENDEE_ROWS.conform(rows_of(reports, "attendee", self.parsed).rows),
            "registrant_rows": RAW_ZOOM_REGISTRANT_ROWS.conform(rows_of(reports, "registration", self.parsed).rows),
        }


def people_of(reports: Frame, raw: Frames, occurrences: Frame, config: Config, zone: str, leads: Frame) -> Frames:
    """Return `zoom_registrations` and `zoom_attendance` of reports (`clean.zoom_reports`) and their raw rows."""
    given = {"reports": reports, **raw, "occurrences": occurrences, **people_by(config, leads)}
    return {
        "zoom_registrations": zoom.ZOOM_REGISTRATIONS.conform(zoom_registrations(**given, zone=zone).rows),
        "zoom_attendance": zoom.ZOOM_ATTENDANCE.conform(zoom_attendance(**given).rows),
    }


def with_tables(config: Config, other: Config, names: set[str]) -> Config:
    """Return a config with some of its tables taken from another."""
    return Config({**config.tables, **{name: other.table(name) for name in names}}, "mixed")
