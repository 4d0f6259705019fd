"""Nights with random planted edits, judged by a recount in plain Python: each number, each cause, to the paisa.

The recount knows nothing of the decomposition but its order. `--campaign`: thirty nights.
"""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.observe.changes.changed_rows import cells_that_add_up
from funnel_etl_tests.small_nights import (
    SmallNights,
    assigned,
    at,
    attendee_report,
    difference,
    lead,
    moved_by_rows,
    sale,
    spent,
    summed,
)

pytestmark = pytest.mark.slow

START = date(2025, 10, 1)
MISC = "Other Sources (Miscellaneous)"
DIRECT = "leads assigned_rows sales revenue_inr spend_inr impressions clicks registrations attendances".split()
"""Measures that a recount needs no rule of persons for."""
Count = Counter[tuple[str, str, str]]


class Company:
    """The sources as plain lists, and what the numbers must be."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.nights = SmallNights(folder)
        self.random = random.Random(seed)  # noqa: S311 - the same seed makes the same nights
        self.day = START
        self.people: dict[tuple[int, date], list[str]] = {}
        self.sources = {"FB": "Meta Ads", "G": "Google Ads"}
        self.manual: dict[str, str] = {}
        self.excluded = "refunded"
        self.serial = 0
        self.touched: list[object] = []
        for _ in range(4):
            self.a_day()

    def phone(self) -> str:
        return f"98765{self.random.randrange(40):05d}"

    def a_day(self) -> None:
        """Add what happens on the next day."""
        self.day += timedelta(days=1)
        self.add(self.day, 3)
        if self.day.toordinal() % 2:
            self.report(self.day, [self.phone() for _ in range(4)])

    def add(self, day: date, count: int) -> None:
        company, text = self.nights, day.isoformat()
        for _ in range(count):
            self.serial += 1
            minute = f"{self.random.randrange(8, 20)}:{self.serial % 60:02d}"
            company.leads.append(
                lead(text, self.phone(), self.random.choice("fb g other".split()), f"N{self.serial}", minute)
            )
            company.assigned.append(
                assigned(text, self.phone(), self.random.choice("FB G App List".split()), f"E{self.serial}", minute)
            )
            amount = f"{self.random.randrange(1, 99999) / 100:.2f}"
            company.sales.append(sale(f"S{self.serial}", text, amount, self.random.choice(["Meta Ads", "Referral"])))
            company.spend.append(spent(text, amount, self.random.choice(["Meta Ads", "Google Ads"]), f"c{self.serial}"))

    def report(self, day: date, phones: list[str]) -> None:
        number = day.toordinal() % 7
        known = self.people.setdefault((number, day), [])
        known += [phone for phone in dict.fromkeys(phones) if phone not in known]
        start = at(day.year, day.month, day.day, 19)
        generated = at(self.day.year, self.day.month, self.day.day, 22)
        self.nights.reports.append(attendee_report(start, generated, known, f"812 0000 000{number}"))

    def pick(self, rows: list[dict[str, str]], day: str) -> int | None:
        """Choose a row of an older day that nothing touched tonight; never of the first days, which may age out."""
        known = [
            number
            for number, row in enumerate(rows)
            if (START + timedelta(days=2)).isoformat() < row[day][:10] < self.day.isoformat()
            and not any(row is other for other in self.touched)
        ]
        return self.random.choice(known) if known else None

    def edit(self, rows: list[dict[str, str]], day: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        if (number := self.pick(rows, day)) is not None:
            rows[number] = rows[number] | change(rows[number])
            self.touched.append(rows[number])

    def old_day(self) -> date:
        return self.day - timedelta(days=self.random.randrange(1, 4))

    def count(self) -> Count:
        """Count the direct measures, whatever the day."""
        found: Count = Counter()
        for row in self.nights.leads:
            funnel = {"fb": "Meta Ads", "g": "Google Ads"}.get(row["utmSource"], MISC)
            found["leads", row["created date"][:10], funnel] += 100
        for row in self.nights.assigned:
            found["assigned_rows", row["assignOn"][:10], self.sources.get(row["sources"], MISC)] += 100
        for row in self.nights.sales:
            if row["status"].lower() != self.excluded:
                cell = (row["createdOn"][:10], self.manual.get(row["_id"], row["Funnel"]))
                found["sales", *cell] += 100
                found["revenue_inr", *cell] += round(float(row["netAmount"]) * 100)
        for row in self.nights.spend:
            cell = (row["date_time"], row["Funnel"])
            found["spend_inr", *cell] += round(float(row["cost"]) * 100)
            found["impressions", *cell] += 100 * int(row["impressions"])
            found["clicks", *cell] += 100 * int(row["clicks"])
        for (_, day), phones in self.people.items():
            for name in ("registrations", "attendances"):
                found[name, day.isoformat(), "Webinar"] += 100 * len(phones)
        return found


def manual_mapping(c: Company) -> None:
    number = c.pick(c.nights.sales, "createdOn")
    if number is not None and (sale_id := c.nights.sales[number]["_id"]) not in c.manual:
        c.manual[sale_id] = "Referral"
        c.nights.config["manual_mapping"] += f"{sale_id},friend,\n"


def mapping(c: Company) -> None:
    source = c.random.choice(["App", "List"])
    if source not in c.sources:
        c.sources[source] = c.random.choice(["Referral", "Google Ads"])
        c.nights.config["funnel_mapping"] += f"{source},{c.sources[source]}\n"


def config(c: Company) -> None:
    c.excluded = {"refunded": "pending", "pending": "refunded"}[c.excluded]
    c.nights.config["metrics"] = f"name,value\nexcluded_statuses,{c.excluded}\n"


def late(c: Company) -> None:
    c.add(c.old_day(), 1)
    for rows in (c.nights.leads, c.nights.assigned, c.nights.sales, c.nights.spend):
        c.touched.append(rows[-1])
        rows.insert(c.random.randrange(len(rows)), rows.pop())
    free = [day for day in (c.old_day(),) if (day.toordinal() % 7, day) not in c.people]
    for day in free:
        c.report(day, [c.phone() for _ in range(3)])
        c.touched.append(day)


def zoom_reexport(c: Company) -> None:
    old = sorted(day for _, day in c.people if day < c.day and c.day - day < timedelta(days=5) and day not in c.touched)
    if old:
        c.report(old[0], [c.phone(), c.phone()])


def edited(c: Company) -> None:
    day = c.old_day().isoformat()
    c.edit(c.nights.leads, "created date", lambda row: {"utmSource": "g" if row["utmSource"] == "fb" else "fb"})
    c.edit(c.nights.leads, "created date", lambda row: {"created date": day + row["created date"][10:]})
    c.edit(c.nights.assigned, "assignOn", lambda row: {"sources": "G" if row["sources"] == "FB" else "FB"})
    c.edit(c.nights.assigned, "assignOn", lambda row: {"assignOn": day + row["assignOn"][10:]})
    c.edit(c.nights.sales, "createdOn", lambda _: {"netAmount": f"{c.random.randrange(1, 10**6) / 100:.2f}"})
    c.edit(c.nights.sales, "createdOn", lambda _: {"status": c.random.choice(["refunded", "pending"])})
    c.edit(c.nights.sales, "createdOn", lambda _: {"createdOn": day + " 12:00", "Funnel": "Google Ads"})
    c.edit(c.nights.spend, "date_time", lambda _: {"cost": "77.77", "clicks": "9"})
    c.edit(c.nights.spend, "date_time", lambda _: {"Funnel": "Referral"})


def vanished(c: Company) -> None:
    for rows, day in (
        (c.nights.leads, "created date"),
        (c.nights.assigned, "assignOn"),
        (c.nights.sales, "createdOn"),
        (c.nights.spend, "date_time"),
    ):
        if (number := c.pick(rows, day)) is not None:
            del rows[number]


PLANTS = (manual_mapping, mapping, config, late, zoom_reexport, edited, vanished)
"""In the order of the decomposition."""


@pytest.mark.parametrize("seed", [1, 2])
def test_every_planted_edit_shows_under_its_cause_and_every_number_adds_up(
    tmp_path: Path, seed: int, *, campaign: bool
) -> None:
    company = Company(tmp_path, seed)
    company.nights.night(company.day)
    seen: set[str] = set()
    for _ in range(30 if campaign else 3):
        since = company.day
        company.day += timedelta(days=1)
        company.touched = []
        expected: dict[str, Count] = {}
        for plant in PLANTS:
            if company.random.random() < 0.6:
                before = company.count()
                plant(company)
                after = company.count()
                moved = {cell: after[cell] - before[cell] for cell in {*before, *after} if after[cell] != before[cell]}
                if moved:
                    expected[plant.__name__] = Counter(moved)
        seen |= set(expected)
        company.day = since
        company.a_day()
        found = company.nights.night(company.day)

        assert summed(found) == difference(company.nights.facts[since], company.nights.facts[company.day])
        assert "unexplained" not in set(found["cause"])
        good, numbers = cells_that_add_up(company.nights.rows, found, pd.Timestamp(since))
        assert good == numbers > 0
        assert moved_by_rows(company.nights.rows, since) == summed(found[found["date"] <= str(since)])
        assert set(found.loc[found["date"] > str(since), "cause"]) <= {"new_day"}
        told: dict[str, Count] = {}
        for row in found[found["metric"].isin(DIRECT) & (found["date"] <= str(since))].to_dict("records"):
            told.setdefault(row["cause"], Counter())[row["metric"], f"{row['date']:%Y-%m-%d}", row["funnel"]] = row[
                "difference"
            ]
        assert told == expected
    assert len(seen) >= 5
