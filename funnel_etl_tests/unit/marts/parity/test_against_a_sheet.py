"""Parity against a spreadsheet engine that knows nothing of ours: the team's formulas, evaluated cell by cell.

The formulas are those of the team's sheet, with a helper column where the sheet uses an array formula. The engine
(`formulas`, test-only) compares texts in SUMIFS with their case, which Excel and Sheets do not: the funnels of the
spend are written in one case here.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import formulas
import openpyxl
import pytest

from funnel_etl_tests.unit.marts.parity.conftest import CONFIG, Sheet

pytestmark = pytest.mark.slow

MISC = "Other Sources (Miscellaneous)"
SOURCES = ["fb", "FB", " fb", "Web List", "web list", "Web*", "W?b List", "~*", "Old List", "Radio", ""]
MAPPING = CONFIG["funnel_mapping"] + "Old List,Webinar,,2026-11-05,\nOld List,Meta Ads,2026-11-06,,\n*,Webinar,,,\n"
PHONES = ["9876500001", "+91 98765-00002", "09876500003", "+971 50 123 4567", "98765", "", "9876500004.0", "9876500005"]
EMPLOYEES = ["Asha", "Binoy", "Chitra"]
MANUAL = ["walk in", "Walk In", "  walk in", "Walk in ", "walk  in", "who knows", " who", "Webinar", " "]
SALE_FUNNELS = ["Webinar", "Meta Ads", MISC, f" {MISC.lower()} ", MISC.replace(" ", "  "), "Telegram"]
SPEND_FUNNELS = ["Webinar", "Meta Ads", " Webinar", "Meta Adverts", "Radio", ""]
FUNNELS = "funnel\nWebinar\nMeta Ads\nMeta *\nOther Sources (Miscellaneous)\n"
COSTS = ["10", "0.004", "1,200.505", "-3.5", "₹ 20", "Rs. 7", "", "45.25"]
CLEANED = ["+", "-", " ", "."]
"""What the sheet's formula for phones takes out of a cell, of all that our phones are written with."""


def excel(moment: datetime) -> float:
    """Return a moment as the number a sheet holds; whole seconds come out as they went in."""
    return (moment - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - a sheet knows no zone


def moments(chance: random.Random, count: int, as_of: datetime) -> list[datetime]:
    """Return moments around the month of `as_of`, many of them equal, some at midnight of the 1st."""
    firsts = [as_of.replace(day=1), (as_of.replace(day=1) - timedelta(days=1)).replace(day=1)]
    days = [as_of + timedelta(days=chance.randint(-50, 2), hours=chance.randint(0, 23)) for _ in range(count)]
    return [chance.choice([*firsts, chance.choice(days), chance.choice(days)]) for _ in range(count)]


class Workbook:
    """A workbook of one tab a table, evaluated by the engine."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sheet.xlsx"
        self.book = openpyxl.Workbook()

    def tab(self, name: str, rows: list[list[Any]]) -> None:
        """Add a tab; a text that begins with = is a formula, None an empty cell."""
        tab = self.book.create_sheet(name)
        for row in rows:
            tab.append(row)
            for cell, value in zip(tab[tab.max_row], row, strict=True):
                if isinstance(value, str) and not value.startswith("="):
                    cell.value, cell.data_type = value, "s"

    def column(self, tab: str, letter: str, count: int) -> list[Any]:
        """Return the values of a column from row 1, as evaluated."""
        if not hasattr(self, "solution"):
            self.book.save(self.path)
            self.solution = formulas.ExcelModel().loads(str(self.path)).finish().calculate()
        values = []
        for row in range(1, count + 1):
            cell = self.solution[f"'[{self.path.name}]{tab.upper()}'!{letter}{row}"].value[0, 0]
            values.append("" if isinstance(cell, formulas.functions.text.sh.Token) and str(cell) == "empty" else cell)
        return values


def digits(cell: str) -> str:
    """Return the formula for the sheet's phone of a cell: without what is no digit, the last ten, or nothing."""
    bare = cell
    for sign in CLEANED:
        bare = f'SUBSTITUTE({bare},"{sign}","")'
    return f'IF(LEN({bare})>=10,RIGHT({bare},10),"")'


def trim(cell: str) -> str:
    """Return the formula for a cell without blanks around it or doubled inside: the engine's TRIM leaves these."""
    return f'TRIM(SUBSTITUTE(SUBSTITUTE({cell},"  "," "),"  "," "))'


def mapped(row: int) -> str:
    """Return the formula for the funnel of the value typed for a sale, or the sale's as typed."""
    return f"IFERROR(VLOOKUP({trim(f'D{row}')},Values!$A$1:$B$1,2,FALSE),B{row})"


@pytest.fixture(params=[(1, "2026-11-15"), (2, "2026-11-01"), (3, "2026-10-31"), (4, "2026-01-01"), (5, "2026-11-02")])
def night(request: pytest.FixtureRequest) -> tuple[random.Random, datetime]:
    seed, as_of = request.param
    return random.Random(seed), datetime.fromisoformat(as_of)  # noqa: S311 - made-up data


def test_m0_is_what_the_sheet_s_formulas_give(
    sheet: Callable[..., Sheet], night: tuple[random.Random, datetime], tmp_path: Path
) -> None:
    chance, as_of = night
    count = 40
    leads = [
        (chance.choice(SOURCES), at, chance.choice(PHONES), chance.choice(EMPLOYEES))
        for at in moments(chance, count, as_of)
    ]
    zoom = [(chance.choice(PHONES), chance.choice(["Yes", "No"])) for _ in range(12)]
    ours = sheet(
        "".join(f"{source},{at:%Y-%m-%d %H:%M},{phone},{who}\n" for source, at, phone, who in leads),
        zoom="".join(f"{phone},{'true' if attended == 'Yes' else 'false'},o\n" for phone, attended in zoom),
        as_of=f"{as_of:%Y-%m-%d}",
        funnel_mapping=MAPPING,
    )
    mapping = [line.split(",")[:2] for line in MAPPING.splitlines()[1:]]
    lag = as_of - timedelta(days=1)
    book = Workbook(tmp_path)
    book.tab("Map", mapping)
    book.tab("Zoom", [[f"={digits(f'C{at}')}", attended, phone] for at, (phone, attended) in enumerate(zoom, 1)])
    book.tab(
        "Leads",
        [
            [
                *(source or None, excel(at), phone or None, who),
                f"=IF(B{row}>INT(DATE({lag.year},MONTH({excel(as_of + timedelta(days=1))}-2),1)),1,0)",
                f"={digits(f'C{row}')}",
                f'=IF(E{row}=1,F{row},"out")',
                f'=IF(A{row}="","",IFERROR(VLOOKUP(A{row},Map!$A$1:$B${len(mapping)},2,FALSE),"{MISC}"))',
                f"=MINIFS($B$1:$B${count},$G$1:$G${count},G{row})",
                f'=G{row}&"|"&B{row}',
                f'=INDEX($H$1:$H${count},MATCH(G{row}&"|"&I{row},$J$1:$J${count},0))',
                f"=INDEX($D$1:$D${count},MATCH(G{row},$G$1:$G${count},0))",
                f'=IF(F{row}="","",IFERROR(VLOOKUP(F{row},Zoom!$A$1:$B${len(zoom)},2,FALSE),""))',
            ]
            for row, (source, at, phone, who) in enumerate(leads, 1)
        ],
    )
    rows = zip(*(book.column("Leads", letter, count) for letter in "GKILM"), strict=True)
    expected = {
        "" if phone == "" else str(phone): (str(funnel), round(float(first) * 86_400), str(who), str(attended))
        for phone, funnel, first, who, attended in rows
        if phone != "out"
    }
    shown = ours.m0
    seconds = [round(excel(at.tz_convert("Asia/Kolkata").tz_localize(None)) * 86_400) for at in shown["assigned_at"]]
    cells = zip(shown["funnel"], seconds, shown["employee"], shown["attended"], strict=True)
    found = dict(zip(shown["phone"], cells, strict=True))
    assert found == expected
    assert ours.diff["reason"].notna().all()


def test_sales_are_what_the_sheet_s_formulas_give(
    sheet: Callable[..., Sheet], night: tuple[random.Random, datetime], tmp_path: Path
) -> None:
    chance, as_of = night
    sales = [
        (f"S{at}", chance.choice(SALE_FUNNELS), chance.choice(PHONES), at_time)
        for at, at_time in enumerate(moments(chance, 30, as_of))
    ]
    typed = {name: chance.choice(MANUAL) for name, *_ in sales if chance.random() < 0.6}
    zoom = [(chance.choice(PHONES), chance.choice(["Yes", "No"])) for _ in range(12)]
    ours = sheet(
        sales="".join(f"{name},paid,{at:%Y-%m-%d %H:%M},{phone},9,fb,{funnel}\n" for name, funnel, phone, at in sales),
        zoom="".join(f"{phone},{'true' if attended == 'Yes' else 'false'},o\n" for phone, attended in zoom),
        as_of=f"{as_of:%Y-%m-%d}",
        manual_mapping="sale_id,manual_value,note\n" + "".join(f'{name},"{text}",\n' for name, text in typed.items()),
    )
    book = Workbook(tmp_path)
    book.tab("Values", [["walk in", "Webinar"]])
    book.tab("Zoom", [[f"={digits(f'C{at}')}", attended, phone] for at, (phone, attended) in enumerate(zoom, 1)])
    book.tab(
        "Sales",
        [
            [
                *(name, funnel, phone or None, typed.get(name)),
                f'=IF(LOWER({trim(f"B{row}")})="{MISC.lower()}",{mapped(row)},IF(D{row}="",B{row},D{row}))',
                f"={digits(f'C{row}')}",
                f'=IF(F{row}="","",IFERROR(VLOOKUP(F{row},Zoom!$A$1:$B${len(zoom)},2,FALSE),""))',
            ]
            for row, (name, funnel, phone, _) in enumerate(sales, 1)
        ],
    )
    columns = (book.column("Sales", letter, len(sales)) for letter in "AEG")
    expected = [tuple(str(cell) for cell in row) for row in zip(*columns, strict=True)]
    assert [tuple(row) for row in ours.sales[["sale_id", "final_funnel", "attended"]].to_numpy()] == expected
    assert ours.diff["reason"].notna().all()


def test_spend_is_what_the_sheet_s_formulas_give(
    sheet: Callable[..., Sheet], night: tuple[random.Random, datetime], tmp_path: Path
) -> None:
    chance, as_of = night
    lines = [(at, chance.choice(COSTS), chance.choice(SPEND_FUNNELS)) for at in moments(chance, 40, as_of)]
    ours = sheet(
        spend="".join(f'{at:%Y-%m-%d},"{cost}",{funnel}\n' for at, cost, funnel in lines),
        as_of=f"{as_of:%Y-%m-%d}",
        funnels=FUNNELS,
    )
    seen = [None if not cost else cost if cost[0] in "₹R" else float(cost.replace(",", "")) for _, cost, _ in lines]
    names = FUNNELS.splitlines()[1:]
    book = Workbook(tmp_path)
    book.tab("Spend", [[cost, funnel or None] for cost, (_, _, funnel) in zip(seen, lines, strict=True)])
    last = len(lines)
    book.tab(
        "Sums",
        [[name, f"=SUMIFS(Spend!$A$1:$A${last},Spend!$B$1:$B${last},A{at})"] for at, name in enumerate(names, 1)],
    )
    sums = [float(value) for value in book.column("Sums", "B", len(names))]
    assert any(sums)
    found = dict(zip(ours.spend["funnel"], ours.spend["spend_inr"], strict=True))
    assert found == {name: pytest.approx(value * 100, abs=0.5 + 1e-6) for name, value in zip(names, sums, strict=True)}
    assert ours.diff["reason"].notna().all()
