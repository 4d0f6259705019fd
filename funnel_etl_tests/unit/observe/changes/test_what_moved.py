"""What no cause moves is left out of both nights; with all rows of both, every row of what changed is the same."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.observe.changes import steps
from funnel_etl.observe.changes.rows import Rows
from funnel_etl.parts.marketing.zoom.intake import ParsedReports
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.sources.archive.store import open_store
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.small_nights import Row, SmallNights, assigned, at, attendee_report, lead, sale, spent

pytestmark = pytest.mark.slow

FIRST = date(2025, 10, 28)
Change = Callable[["Company"], None]


class Everything:
    """Stands for what moved: all there is."""

    def rows(self, _name: str, rows: Rows) -> Rows:
        return rows

    def people(self, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        return frames

    def of_phones(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows


class Company:
    """Few persons who come again and again, by phone, by e-mail or both, over the end of a month."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.nights = SmallNights(folder)
        self.random = random.Random(seed)  # noqa: S311 - the same seed makes the same nights
        self.day = FIRST
        self.serial = 0
        for _ in range(3):
            self.go_on()

    def go_on(self) -> None:
        self.day += timedelta(days=1)
        for _ in range(4):
            self.come(self.day)
        if self.random.random() < 0.6:
            self.meet(self.day)

    def phone(self) -> str:
        return f"98765{self.random.randrange(12):05d}"

    def come(self, day: date) -> None:
        """Let somebody come to each source, now and then at one time with others."""
        self.serial += 1
        held, text, hour = self.nights, day.isoformat(), f"{self.random.randrange(10, 13)}:00"
        phone = self.random.choice([self.phone(), ""])
        email = f"p{self.random.randrange(12)}@example.org" if self.random.random() < 0.7 or not phone else ""
        held.leads.append(lead(text, phone, self.random.choice(["fb", "g", "x"]), f"N{self.serial}", hour, email))
        source = self.random.choice(["FB", "G", "App"])
        held.assigned.append(assigned(text, self.phone(), source, f"E{self.random.randrange(3)}", hour))
        held.sales.append(sale(f"S{self.serial}", text, str(self.random.randrange(1, 9999))))
        held.spend.append(spent(text, str(self.random.randrange(1, 999)), "Meta Ads", f"c{self.serial}"))

    def meet(self, day: date) -> None:
        start, made = at(day.year, day.month, day.day, 19), at(self.day.year, self.day.month, self.day.day, 22)
        people = sorted({self.phone() for _ in range(4)})
        shown = self.random.random() < 0.5
        number = f"812 0000 000{day.toordinal() % 7}"
        self.nights.reports.append(attendee_report(start, made, people, number, shown=shown))

    def earlier(self) -> date:
        return self.day - timedelta(days=self.random.randrange(3))

    def one_of(self, rows: list[Row]) -> int:
        return self.random.randrange(len(rows))

    def edit(self, rows: list[Row], cells: Row) -> None:
        number = self.one_of(rows)
        rows[number] = rows[number] | cells

    def sources(self) -> list[list[Row]]:
        return [self.nights.leads, self.nights.assigned, self.nights.sales, self.nights.spend]


def nothing(_: Company) -> None:
    """The next day only goes on."""


def late(c: Company) -> None:
    c.come(c.earlier())
    for rows in c.sources():
        rows.insert(c.one_of(rows), rows.pop())


def other_phones(c: Company) -> None:
    c.edit(c.nights.leads, {"Phone number": c.phone()})
    c.edit(c.nights.assigned, {"leadMobile": c.phone()})


def edited(c: Company) -> None:
    c.edit(c.nights.leads, {"Email": f"p{c.random.randrange(12)}@example.org"})
    c.edit(c.nights.sales, {"netAmount": "77", "status": c.random.choice(["refunded", "ok"])})
    c.edit(c.nights.spend, {"cost": "5"})


def vanished(c: Company) -> None:
    for rows in c.sources():
        del rows[c.one_of(rows)]


def another_order(c: Company) -> None:
    """A dump sorted anew: of rows of one time another is the first."""
    for rows in c.sources():
        c.random.shuffle(rows)


def early(c: Company) -> None:
    """Rows and a report of a day that this night does not count yet, and the next one does."""
    c.come(c.day + timedelta(days=2))
    c.meet(c.day + timedelta(days=2))


def another_report(c: Company) -> None:
    c.meet(c.earlier())


def report_gone(c: Company) -> None:
    if c.nights.reports:
        c.nights.reports.pop(c.random.randrange(len(c.nights.reports)))


def mapped(c: Company) -> None:
    app = c.random.choice(["Referral", "Webinar"])
    c.nights.config["funnel_mapping"] = f"source,funnel\nFB,Meta Ads\nG,Google Ads\nApp,{app}\n"


def closed(c: Company) -> None:
    c.nights.config["closed_months"] = "month\n2025-10\n"


CHANGES: tuple[Change, ...] = (
    *(nothing, late, early, other_phones, edited, vanished, another_order, another_report, report_gone, mapped, closed),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_with_all_rows_of_both_nights_what_changed_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, *, campaign: bool
) -> None:
    company = Company(tmp_path, seed)
    company.nights.night(company.day)
    causes: set[str] = set()
    for _ in range(30 if campaign else 5):
        for change in company.random.sample(CHANGES, company.random.randrange(4)):
            change(company)
        company.go_on()
        found = company.nights.night(company.day)

        plain, rows = plainly(company.nights, company.day, monkeypatch)
        pd.testing.assert_frame_equal(found, plain)
        pd.testing.assert_frame_equal(company.nights.rows, rows)
        causes |= {*found["cause"]}
    assert "unexplained" not in causes
    assert len(causes) > 2


def test_a_phone_that_is_lent_only_on_the_way_moves_m0_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other, day = "9876500001", "9876500002", date(2025, 11, 5)
    held, made = at(2025, 11, 4, 19), at(2025, 11, 4, 21)
    report = attendee_report(held, made, [one], shown=False)
    nights = SmallNights(tmp_path, assigned=[assigned("2025-11-03", one)], reports=[report])
    nights.night(day)
    email = f"p{one}@example.org"
    nights.leads += [lead("2025-11-06", one, email=email), lead("2025-11-04", other, email=email)]

    found = nights.night(day + timedelta(days=1))
    plain, rows = plainly(nights, day + timedelta(days=1), monkeypatch)

    pd.testing.assert_frame_equal(found, plain)
    pd.testing.assert_frame_equal(nights.rows, rows)
    came = found[found["metric"] == "m0_attended"]
    assert came[["cause", "difference"]].to_numpy().tolist() == [["new_day", 100], ["late", -100]]


def plainly(nights: SmallNights, day: date, monkeypatch: pytest.MonkeyPatch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare the night once more, leaving nothing out and taking nothing as published."""
    with monkeypatch.context() as plain:
        plain.setattr(steps, "what_moved", lambda *_: Everything())
        plain.setattr(steps.Comparison, "_is_as_published", lambda *_: False)
        sources = NightlySources(nights.settings, nights.landing)
        night, parsed = Night(day, sources, "plain"), ParsedReports(open_store(nights.lake.root), sources)
        changed = steps.what_changed(night, nights.lake, parsed, nights.facts[day])
        return changed.rows, steps.rows_that_changed(night, nights.lake, parsed).rows
