"""Thirty nights of the small company of `week`: its story, then days made up by a seed, with edits planted in them.

What is planted from the second week on: a sale whose amount is edited, one that is refunded, an assignment that
vanishes from inside the dump's window and one that comes back, a window that slides, late and repeated Zoom reports,
edits of mappings, a closed month, a night that nobody ran, and nights on which the CRM was down.
"""

import csv
import io
import random
from datetime import date, timedelta
from pathlib import Path

from funnel_etl.parts.sales.contracts import SALES_SOURCE
from funnel_etl_tests.golden import week

NIGHTS = tuple(week.WED + timedelta(days=day) for day in range(30))
NOT_RUN = NIGHTS[12]
CRM_DOWN = (NIGHTS[9], NIGHTS[20])
WINDOW = 12
"""Days that the CRM's dumps reach back."""
SOURCES = ("App Signup", "FB Form", "Old List", "Plutus Webinar", "Walk In")


def write_night(night: date, sources: Path, config: Path, drop: Path) -> None:
    """Write the sources, config and dropped files as they are when `night` is run."""
    week.write_night(night, sources, config, drop)
    days = [day for day in NIGHTS[7:] if day <= night]
    if not days:
        return
    oldest = night - timedelta(days=WINDOW)
    for day in days:
        luck, number = random.Random(str(day)), (day - NIGHTS[0]).days  # noqa: S311 - made-up data, not a secret
        phone = f"98{luck.randrange(10**8):08d}"
        source, at = luck.choice(SOURCES), f"{day:%d-%m-%Y} {luck.randrange(8, 22):02d}:15"
        age = (night - day).days
        lead = [f"Person {number}", f"p{number}@example.org", phone, "Pune", "fb", "cpc", "spring", at]
        _append(sources / "tofu_leads.csv", lead)
        spend = _spend_row(day, source, f"{luck.randrange(100, 900)}.50")
        _append(sources / "ad_spend.csv", spend)
        vanished = number % 5 == 0 and 2 <= age < 5
        if day >= oldest and not vanished:
            _append(sources / "crm_assigned_leads.csv", [source, at, phone, "Ravi" if age < 4 else "Sana"])
        if day >= oldest:
            status = "refunded" if number % 3 == 0 and age >= 3 else "success"
            paid = "7500" if number % 4 == 1 and age >= 2 else f"{luck.randrange(1000, 9000)}.25"
            _append(sources / "crm_sales.csv", _sale_row(f"G{number}", status, at, phone, paid, source))
    if night >= NIGHTS[14]:
        (config / "closed_months.csv").write_text("month\n2025-10-01\n")
    for number in range(8, (night - NIGHTS[0]).days + 1, 6):
        with (config / "funnel_mapping.csv").open("a") as file:
            file.write(f"Walk In,Referral,2025-11-{number:02d},2025-11-{number + 2:02d},edit {number}\n")
    _drop_report(night, drop)


def _drop_report(night: date, drop: Path) -> None:
    number = (night - NIGHTS[0]).days
    if number % 4 == 0:
        day = night - timedelta(days=number % 3)  # some come late
        started, ended = f"{day:%m/%d/%Y} 07:00:00 PM", f"{day:%m/%d/%Y} 08:30:00 PM"
        data = week._attendance(started, ended, f"{night:%m/%d/%Y} 11:00:00 PM", week.ATTENDED_THURSDAY)
        (drop / f"attendee_{night}.csv").write_bytes(data)
    if number % 10 == 9:  # the first report again, under a name that comes first
        (drop / f"a_{number}.csv").write_bytes(week._registration())


def _spend_row(day: date, funnel: str, cost: str) -> list[str]:
    row = {"date_time": f"{day:%d-%m-%Y}", "cost": cost, "Funnel": funnel}
    return [row.get(column.name, "") for column in week.SPEND_SOURCE]


def _sale_row(*cells: str) -> list[str]:
    names = "_id status createdOn StudentContact netAmount assignedLeadSources".split()
    row = dict(zip(names, cells, strict=True))
    return [row.get(column.name, "") for column in SALES_SOURCE]


def _append(path: Path, cells: list[str]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    with path.open("ab") as file:
        file.write(text.getvalue().encode())
