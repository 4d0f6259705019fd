"""The inputs of the benchmark's nights: the demo's sources, the same a day later, and sources with only a header.

Seeded: the same arguments give the same bytes. Run by `nights` in a process of its own, so that what millions of rows
need in memory is gone before a night: `python -m funnel_etl.bench.inputs first SOURCES DAY LEADS SEED`, or `after`
without the leads. Not here: the nights that read them.
"""

import csv
import io
import random
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from funnel_etl.core.errors import FunnelError
from funnel_etl.demo.generate import SMALLEST, generate

NEW_SHARE, CHANGED_SHARE = 0.005, 0.02
"""How many rows a day adds to each dump, and how many sales it changes."""
MONTHS = 3
SUFFIXES = {"k": 1_000, "m": 1_000_000}
DATES = {
    "tofu_leads": ("created date", "%Y-%m-%d %H:%M:%S"),
    "ad_spend": ("date_time", "%m/%d/%Y"),
    "crm_assigned_leads": ("assignOn", "%d/%m/%Y %H:%M:%S"),
    "crm_sales": ("createdOn", "%b %d, %Y %I:%M %p"),
}
"""Dump → its column of days, and how it writes them."""
WHO = {
    "tofu_leads": {"Phone number": "{phone}", "Email": "person.{number}@example.com"},
    "ad_spend": {"cost": "{number}.50"},
    "crm_assigned_leads": {"leadMobile": "{phone}"},
    "crm_sales": {
        "_id": "665d{number:020}",
        "StudentContact": "{phone}",
        "StudentEmail": "person.{number}@example.com",
    },
}
"""Dump → what of a new row is its own; the rest is as in some row that was there. Row n is of person n in each dump."""
FIRST_PHONE = 9_123_400_000
PATTERNS = 1_000
"""From so many rows at the beginning of a dump new ones are made."""


def read_size(text: str) -> int:
    """Return a number of leads as people write it: 10000, 10,000, 10k, 1M. Raises `FunnelError`."""
    digits, suffix = text.strip().replace(",", "").replace("_", "").lower(), 1
    if digits[-1:] in SUFFIXES:
        digits, suffix = digits[:-1], SUFFIXES[digits[-1]]
    if not (digits.isascii() and digits.isdigit()):
        raise FunnelError(f"{text!r} is no number of leads", where="--leads", fix="write it as 10000, 10k or 1M")
    if (leads := int(digits) * suffix) < SMALLEST:
        raise FunnelError(f"{leads} leads are too few", where="--leads", fix=f"give {SMALLEST} or more")
    return leads


def first_day(sources: Path, day: date, leads: int, seed: int) -> None:
    """Write the demo's dumps and its drop folder up to `day`."""
    generate(sources, as_of=day, leads=leads, months=MONTHS, seed=seed)


def day_after(sources: Path, day: date, seed: int) -> None:
    """Let the dumps of `sources` be those of the day after: new rows of `day`, and changed sales."""
    pick = random.Random(seed)  # noqa: S311 - made-up rows
    for name in DATES:
        path = sources / f"{name}.csv"
        new = _new_rows(path, day, pick)
        if name == "crm_sales":
            _change(path, pick)
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(_as_text(new, _newline(path)))


def only_headers(sources: Path) -> None:
    """Write the four dumps with their header and nothing else; the drop folder stays empty."""
    first_day(sources / "made", date(2025, 10, 15), SMALLEST, seed=1)
    for name in DATES:
        header, _ = next(records(sources / "made" / f"{name}.csv"))
        (sources / f"{name}.csv").write_text(header, encoding="utf-8", newline="")


def records(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each record of a CSV file, its header first: its text as it stands there, and its cells."""
    with path.open(encoding="utf-8", newline="") as file:
        lines: list[str] = []

        def read() -> Iterator[str]:
            for line in file:
                lines.append(line)
                yield line

        for cells in csv.reader(read()):
            yield "".join(lines), cells
            lines.clear()


def _new_rows(path: Path, day: date, pick: random.Random) -> list[list[str]]:
    """Return the rows a day adds, made like those that are there, within hours that are `day` in UTC and in India."""
    rows = records(path)
    header = _names(next(rows)[1])
    patterns: list[list[str]] = []
    count = 0
    for _, cells in rows:
        count += 1
        if len(patterns) < PATTERNS and len(cells) == len(header) and any(cell.strip() for cell in cells):
            patterns.append(cells)
    column, style = DATES[path.stem]
    new = []
    for number in range(_share(count, NEW_SHARE)):
        row = dict(zip(header, pick.choice(patterns), strict=True))
        at = datetime.combine(day, time(6)) + timedelta(minutes=pick.randrange(360))
        own = {
            name: text.format(number=number, phone=FIRST_PHONE + 7 * number) for name, text in WHO[path.stem].items()
        }
        new.append(list((row | own | {column: at.strftime(style)}).values()))
    return new


def _change(path: Path, pick: random.Random) -> None:
    """Change the amount or the status of some sales, in turn; every other row stays byte by byte."""
    found = list(records(path))
    header = _names(found[0][1])
    identifier, amount, status = (header.index(name) for name in ("_id", "netAmount", "status"))
    rows = [(at, cells) for at, (_, cells) in enumerate(found) if at]
    whole = [at for at, cells in rows if len(cells) == len(header) and cells[identifier].strip()]
    texts = [text for text, _ in found]
    for turn, at in enumerate(pick.sample(whole, _share(len(rows), CHANGED_SHARE))):
        cells = found[at][1]
        if turn % 2:
            cells[status] = "success" if cells[status].strip().lower() == "refunded" else "refunded"
        else:
            cells[amount] = f"{pick.randrange(100_000, 200_000)}.25"  # the demo's are below
        texts[at] = _as_text([cells], _newline(path))
    path.write_text("".join(texts), encoding="utf-8", newline="")


def _share(count: int, share: float) -> int:
    return max(1, round(count * share))


def _names(header: list[str]) -> list[str]:
    return [name.removeprefix("\ufeff") for name in header]


def _as_text(rows: list[list[str]], newline: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=newline).writerows(rows)
    return text.getvalue()


def _newline(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return "\r\n" if file.readline().endswith("\r\n") else "\n"


if __name__ == "__main__":
    what, place, night, *numbers = sys.argv[1:]
    makers: dict[str, Callable[..., None]] = {"first": first_day, "after": day_after}
    makers[what](Path(place), date.fromisoformat(night), *map(int, numbers))
