"""Nights of a made-up company without Dagster or PostgreSQL, by the real functions: landed, cleaned, counted, compared.

A test says what its sources hold, runs a night, edits them, runs the next.
"""

import csv
import io
import shutil
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from funnel_etl.marts.funnel import published
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0, FUNNEL_FACTS, MEASURES
from funnel_etl.marts.funnel.facts import funnel_facts
from funnel_etl.marts.funnel.m0 import closing
from funnel_etl.marts.funnel.m0.closed_months import closed_months
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.observe.changes.decompose import CELL
from funnel_etl.observe.changes.rebuild import CLEAN, ZOOM_READS, Rebuilder
from funnel_etl.observe.changes.rows import BY_TABLE
from funnel_etl.observe.changes.steps import rows_that_changed, what_changed
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.connect.fetch import utc_now
from funnel_etl.sources.nightly import NightlySources

CONFIG = {
    "funnels": "funnel\nMeta Ads\nGoogle Ads\nReferral\nWebinar\n",
    "funnel_mapping": "source,funnel\nFB,Meta Ads\nG,Google Ads\n",
    "campaign_mapping": "utm_source,utm_medium,utm_campaign,funnel\nfb,,,Meta Ads\ng,,,Google Ads\n",
    "manual_mapping": "sale_id,manual_value,note\n",
    "manual_value_funnel": "manual_value,funnel\nfriend,Referral\n",
    "metrics": "name,value\nexcluded_statuses,refunded\n",
    "placeholder_phones": "phone,note\n",
    "closed_months": "month\n",
    "zoom_profiles": (
        "name,product,use_case,type,event_names,download_name,category_mode,category,source_tag,topic_pattern\n"
        "acca,ACCA,,webinar_attended,,,auto,,Webinar,*acca*\n"
    ),
}
Row = dict[str, str]
SUMMARY = "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes),# Registrants,# Cancelled registrants"


@dataclass
class SmallNights:
    """One company. `leads`, `assigned`, `sales`, `spend`: rows as their source has them; `reports`: all Zoom files.

    `page`: how many rows a page of a source has (None: it comes whole).
    """

    folder: Path
    config: dict[str, str] = field(default_factory=lambda: dict(CONFIG))
    leads: list[Row] = field(default_factory=list)
    assigned: list[Row] = field(default_factory=list)
    sales: list[Row] = field(default_factory=list)
    spend: list[Row] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    page: int | None = None

    def __post_init__(self) -> None:
        config = self.folder / "config_csv"
        config.mkdir(exist_ok=True)
        self.settings = Settings(home=self.folder / "state", config_dir=config, _env_file=None)
        self.landing = Landing(self.settings.landing_root)
        self.lake = Lake(self.settings.lake_root)
        self.facts: dict[date, pd.DataFrame] = {}
        self.made: dict[Hashable, Any] = {}

    def copied(self, folder: Path) -> "SmallNights":
        """Return the company as it is now, with a state of its own; what is made of the same is made once for both."""
        shutil.copytree(self.folder, folder)
        held = (self.leads, self.assigned, self.sales, self.spend)
        other = SmallNights(folder, dict(self.config), *map(list, held), list(self.reports), self.page)
        other.facts, other.made = dict(self.facts), self.made
        return other

    def night(self, day: date, *, publish: bool = True) -> pd.DataFrame:
        """Run a night on what the sources hold now; returns `ops.changes`."""
        sources = NightlySources(self.settings, self.landing)
        parsed = ParsedReports(open_store(self.lake.root), sources)
        files = self._landed(day, sources)
        night = Night(day, sources, "run")
        before = max((d for d in self.lake.nights(CLEAN["sales"]) if d < day), default=None)
        remaker = Rebuilder(
            self.settings,
            self.landing,
            sources,
            parsed,
            day,
            files,
            lambda name: self.lake.read(CLEAN[name], before) if before else None,
        )
        versions = {name: (name, *ids) for name, ids in sources.config_files(day).items()}
        frames, leads = {}, None
        for name, source in BY_TABLE.items():
            given = (name, *files[source.name], *(versions[table] for table in sorted(source.reads)))
            raw = self._once(("raw", *given), lambda name=name: remaker.raw(name, night.config))
            self.lake.write(source.raw, day, raw)
            aged = self.lake.content_hash(source.clean, before) if before and source.carry else None
            made = self._once((*given, aged), lambda name=name: remaker.table(name, night.config, night.zone))
            frames[name] = made.rows
            self.lake.write_account(CLEAN[name], day, made, "run")
            leads = (*given, aged) if name == "tofu_leads" else leads
        given = ("zoom", leads, *files["zoom"], *(versions[table] for table in sorted(ZOOM_READS)))
        frames |= self._once(given, lambda: remaker.zoom(night.config, night.zone, frames["tofu_leads"]))
        for name, rows in frames.items():
            self.lake.write(CLEAN[name], day, rows)
        facts = self._facts(night, frames)
        changed = what_changed(night, self.lake, parsed, facts)
        self.rows = rows_that_changed(night, self.lake, parsed).rows
        if publish:
            published.keep(night, self.lake)
            self.facts[day] = facts
        self.changed = changed
        return changed.rows

    def _once(self, given: Hashable, make: Callable[[], Any]) -> Any:
        """Return what was made of the same files and config, on another night or of a copy, or make it."""
        if given not in self.made:
            self.made[given] = make()
        return self.made[given]

    def _facts(self, night: Night, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
        given = {name: rows for name, rows in frames.items() if name != "zoom_reports"}
        sales, spend = given.pop("sales"), given.pop("ad_spend")
        months = closed_months(night.config, night.as_of)
        closed = closing.rows_as_closed(night, self.lake, months)
        people = {name: given[name] for name in ("assigned_leads", "zoom_attendance", "webinars")}
        m0 = ATTRIBUTED_M0.conform(attributed_m0(**people, as_of=night.as_of, closed=closed).rows)
        closing.keep(night, months, m0)
        touched = touches(**given, as_of=night.as_of).rows
        attended = given["zoom_attendance"], given["webinars"]
        sold = attributed_sales(sales, m0, touched, *attended, as_of=night.as_of).rows
        made = funnel_facts(**given, attributed_m0=m0, attributed_sales=sold, ad_spend=spend, as_of=night.as_of)
        facts = FUNNEL_FACTS.conform(made.rows)
        self.lake.write(ATTRIBUTED_M0, night.day, m0)
        self.lake.write(FUNNEL_FACTS, night.day, facts)
        return facts

    def _landed(self, day: date, sources: NightlySources) -> dict[str, list[str]]:
        files = {}
        rows = {"tofu_leads": self.leads, "assigned_leads": self.assigned, "sales": self.sales, "ad_spend": self.spend}
        for name, declared in BY_TABLE.items():
            source = declared.name
            columns = [column.name for column in declared.columns]
            pages = [as_csv(columns, page) for page in pages_of(rows[name], self.page)]
            put = [self.landing.put(source, "pull", f"{source}.csv", page, received_at=utc_now()) for page in pages]
            files[source] = [arrival.file_id for arrival in put]
        reports = [
            self.landing.put("zoom", "file", f"{number}.csv", data, received_at=utc_now()).file_id
            for number, data in enumerate(self.reports)
        ]
        files["zoom"] = sorted(set(reports))
        for source, ids in files.items():
            self.landing.record_night(day, source, ids)
        for name, text in self.config.items():
            (self.settings.config_folder / f"{name}.csv").write_text(text, encoding="utf-8")
        sources.accept_config(day)
        return files


def pages_of(rows: list[Row], size: int | None) -> list[list[Row]]:
    """Return rows in pages of `size`, or all in one; at least one page."""
    step = size or len(rows) or 1
    return [rows[first : first + step] for first in range(0, len(rows), step)] or [[]]


def as_csv(names: list[str], rows: list[Row]) -> bytes:
    """Write rows below a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def difference(before: pd.DataFrame | None, after: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    """Return the difference of two tables of facts, cell by cell, worked out without the code under test."""
    found: dict[tuple[str, str, str], int] = {}
    for sign, facts in ((-1, before), (1, after)):
        for row in facts.to_dict("records") if facts is not None else []:
            for name in MEASURES:
                cell = (name, f"{row['date']:%Y-%m-%d}", row["funnel"])
                found[cell] = found.get(cell, 0) + sign * int(row[name]) * (1 if name.endswith("_inr") else 100)
    return {cell: value for cell, value in found.items() if value}


def summed(changes: pd.DataFrame) -> dict[tuple[str, str, str], int]:
    """Return what the causes of each cell add up to."""
    sums = changes.assign(date=changes["date"].dt.strftime("%Y-%m-%d")).groupby(CELL)["difference"].sum()
    return {cell: int(value) for cell, value in sums.items() if value}  # type: ignore[misc]


def moved_by_rows(rows: pd.DataFrame, since: date) -> dict[tuple[str, str, str], int]:
    """Return what the rows of `ops.changed_rows` move each number of a day up to `since` by."""
    found: dict[tuple[str, str, str], int] = {}
    for row in rows.to_dict("records"):
        for side, sign in (("before", -1), ("after", 1)):
            if pd.notna(row[f"{side}_date"]) and row[f"{side}_date"] <= pd.Timestamp(since):
                cell = (row["metric"], f"{row[f'{side}_date']:%Y-%m-%d}", row[f"{side}_funnel"])
                found[cell] = found.get(cell, 0) + sign * int(row[f"{side}_value"])
    return {cell: value for cell, value in found.items() if value}


def by_cause(changes: pd.DataFrame, *, new_days: bool = False) -> dict[str, dict[str, int]]:
    """Return cause → "metric date funnel" → difference in units, money in rupees times 100; new days left out."""
    found: dict[str, dict[str, int]] = {}
    for row in changes.to_dict("records"):
        if row["cause"] != "new_day" or new_days:
            unit = 1 if row["metric"].endswith("_inr") else 100
            cell = f"{row['metric']} {row['date']:%Y-%m-%d} {row['funnel']}"
            found.setdefault(row["cause"], {})[cell] = row["difference"] // unit
    return found


def lead(day: str, phone: str, source: str = "fb", name: str = "Some One", at: str = "10:00", email: str = "") -> Row:
    """Return a lead of the campaign sheet."""
    return {"Name": name, "Phone number": phone, "utmSource": source, "created date": f"{day} {at}", "Email": email}


def assigned(day: str, phone: str, source: str = "FB", employee: str = "Ravi", at: str = "11:00") -> Row:
    """Return an assignment of the CRM."""
    return {"sources": source, "assignOn": f"{day} {at}", "leadMobile": phone, "employee": employee}


def sale(sale_id: str, day: str, amount: str, funnel: str = "Meta Ads", status: str = "success", **more: str) -> Row:
    """Return a sale of the CRM."""
    given = {"_id": sale_id, "createdOn": f"{day} 12:00", "netAmount": amount, "Funnel": funnel, "status": status}
    return given | more


def spent(day: str, cost: str, funnel: str = "Meta Ads", campaign: str = "autumn", clicks: str = "5") -> Row:
    """Return a line of ad spend."""
    return {
        "date_time": day,
        "cost": cost,
        "Funnel": funnel,
        "campaign": campaign,
        "impressions": "100",
        "clicks": clicks,
    }


def at(year: int, month: int, day: int, hour: int) -> datetime:
    """Return an hour as Zoom's reports have it: on the wall, of the business zone."""
    return datetime(year, month, day, hour)  # noqa: DTZ001


def attendee_report(
    start: datetime, generated: datetime, phones: list[str], webinar: str = "812 0000 0001", *, shown: bool = True
) -> bytes:
    """Return an attendee report in which everybody came; with `shown` false phones show only in the e-mails."""
    style = "%m/%d/%Y %I:%M:%S %p"
    end = start + timedelta(hours=1)
    session = "Join Time,Leave Time,Time in Session (minutes),Is Guest,Country/Region Name,"
    person = "Attended,User Name (Original Name),First Name,Last Name,Email,Phone,Registration Time,Approval Status,"
    lines = [
        "Attendee Report,",
        f"Report Generated:,{generated.strftime(style)},",
        f"{SUMMARY},Unique Viewers,Total Users,Max Concurrent Views,Enable Registration,",
        f"ACCA live,{webinar},{start.strftime(style)}, 60,{len(phones)},0,{len(phones)},{len(phones) + 1},3,Yes,",
        "Attendee Details,",
        person + session,
        *(
            f"Yes,P{phone},P{phone},Q,p{phone}@example.org,{phone if shown else ''},{start.strftime(style)},approved,"
            f"{start.strftime(style)},{end.strftime(style)},60,Yes,India,"
            for phone in phones
        ),
    ]
    return ("\ufeff" + "".join(line + "\r\n" for line in lines)).encode()


def registration_report(start: datetime, generated: datetime, phones: list[str], webinar: str = "81200000001") -> bytes:
    """Return a registration report."""
    style = "%m/%d/%Y %I:%M:%S %p"
    lines = [
        "Registration Report,",
        f'Report generated time,"{generated.strftime(style)}"',
        "Topic,ID,Scheduled Time,Duration (minutes),# Registrants,# Cancelled registrants",
        f"ACCA live,{webinar},{start.strftime(style)}, 60,{len(phones)},0",
        "Attendee Details,",
        "First Name,Last Name,Email,Phone,Registration Time,Approval Status",
        *(f"P{phone},Q,p{phone}@example.org,{phone},{generated.strftime(style)},approved" for phone in phones),
    ]
    return ("\ufeff" + "".join(line + "\r\n" for line in lines)).encode()
