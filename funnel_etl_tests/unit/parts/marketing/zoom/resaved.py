"""Made-up Zoom reports with their true times, as Zoom writes them and as spreadsheet programs write them again."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Write = Callable[[datetime], str]


def named(at: datetime) -> str:
    return f"{at:%b} {at.day}, {at:%Y %H:%M:%S}"


def numeric(at: datetime) -> str:
    return f"{at:%m/%d/%Y %I:%M:%S %p}"


ORIGINALS: dict[str, Write] = {"months by name": named, "numbers": numeric}
GERMAN = ("Jan", "Feb", "Apr", "Jun", "Jul", "Aug", "Sep", "Nov")
"""Months that are written alike in English and German."""


@dataclass(frozen=True)
class Program:
    """A spreadsheet program of one country: what it takes for a date, and how it writes one."""

    is_day_first: bool
    write: Write
    months: tuple[str, ...] | None = None

    def again(self, cell: str) -> str:
        """Return a cell of a file that was opened and saved."""
        if re.match(r"[A-Z]", cell):
            known = self.months is None or cell[:3] in self.months
            return self.write(datetime.strptime(cell, "%b %d, %Y %H:%M:%S")) if known else cell  # noqa: DTZ007
        order = "%d/%m/%Y %I:%M:%S %p" if self.is_day_first else "%m/%d/%Y %I:%M:%S %p"
        try:
            return self.write(datetime.strptime(cell, order))  # noqa: DTZ007
        except ValueError:
            return cell


PROGRAMS = {
    "unopened": None,
    "India": Program(is_day_first=True, write=lambda at: f"{at:%d-%m-%Y %H:%M}"),
    "Britain": Program(is_day_first=True, write=lambda at: f"{at:%d/%m/%Y %H:%M}"),
    "America": Program(is_day_first=False, write=lambda at: f"{at.month}/{at.day}/{at.year} {at.hour}:{at:%M}"),
    "Germany": Program(is_day_first=True, write=lambda at: f"{at:%d.%m.%Y %H:%M}", months=GERMAN),
}


@dataclass
class Truth:
    """What is in a report. `registered` by person; `came`: who of them joined, and when; `received`: its arrival."""

    start: datetime
    generated: datetime
    received: datetime
    registered: list[datetime]
    joined: list[datetime]


def made_up(pick: random.Random, *, people: int, backlog_days: int = 45) -> Truth:
    start = datetime(2026, 1, 1) + timedelta(days=pick.randrange(365), hours=pick.randint(9, 20))  # noqa: DTZ001
    registered = [start - timedelta(days=pick.triangular(0, 40, 2), minutes=5) for _ in range(people)]
    joined = [start + timedelta(minutes=pick.randint(-5, 40)) for _ in range(max(people, 3))]
    generated = start + timedelta(hours=pick.choice([3, 15, 30, 100]))
    received = generated + timedelta(minutes=3, days=pick.triangular(0, backlog_days, 1))
    return Truth(start, generated, received, registered, joined)


def attendee_report(truth: Truth, write: Write, program: Program | None, head: Write | None = None) -> bytes:
    def cell(at: datetime, write: Write = write) -> str:
        text = write(at.replace(microsecond=0))
        return f'"{program.again(text) if program else text}"'

    def row(at: int) -> str:
        registered = cell(truth.registered[at]) if at < len(truth.registered) else "--"
        joined = truth.joined[at]
        return (
            f"Yes,P{at},p{at}@example.com,{registered},{cell(joined)},{cell(joined + timedelta(minutes=30))},30,India"
        )

    lines = [
        "Attendee Report",
        f"Report Generated:,{cell(truth.generated, head or write)}",
        "Topic,Webinar ID,Actual Start Time,Actual Duration (minutes)",
        f"ACCA Masterclass,111 2222 3333,{cell(truth.start, head or write)},60",
        "Attendee Details",
        "Attended,User Name,Email,Registration Time,Join Time,Leave Time,Time in Session (minutes),Country/Region Name",
        *map(row, range(len(truth.joined))),
    ]
    return "\n".join([*lines, ""]).encode()


def registration_report(truth: Truth, write: Write, program: Program | None) -> bytes:
    def cell(at: datetime) -> str:
        text = write(at.replace(microsecond=0))
        return f'"{program.again(text) if program else text}"'

    lines = [
        "Registration Report",
        f"Report Generated:,{cell(truth.generated)}",
        "Topic,Webinar ID,Scheduled Time,Duration (minutes)",
        f"ACCA Masterclass,111 2222 3333,{cell(truth.start)},60",
        "Registrant Details",
        "First Name,Last Name,Email,Registration Time,Approval Status",
        *(f"P{at},Q,p{at}@example.com,{cell(registered)},approved" for at, registered in enumerate(truth.registered)),
    ]
    return "\n".join([*lines, ""]).encode()
