"""What the measured nights come to: medians, exponents, JSON, tables, the picture."""

import io
import json
import socket
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from funnel_etl.bench.meter import Cost
from funnel_etl.bench.nights import Night, Story
from funnel_etl.bench.picture import draw
from funnel_etl.bench.render import tables
from funnel_etl.bench.report import Machine, Report, as_json, growth, machine, report
from funnel_etl.bench.stages import Stage

MACHINE = Machine(2, 8_000_000_000, "Linux x86_64", "3.11.7", "", 0.25)


def night(leads: int, kind: str, cpu: float, peak: int = 400_000_000, server: float = 1.0) -> Night:
    return Night(leads, kind, Cost(cpu * 2, cpu - server, server, peak))


def story(leads: int, kind: str, cpu: float, rows: int = 5) -> Story:
    return Story([night(leads, kind, cpu)], [Stage("raw", rows, 2_000_000, 1_500_000)], "18.4")


def measured() -> Report:
    return report(
        MACHINE,
        [
            *(story(0, "empty", cpu) for cpu in (9.0, 8.0)),
            *(story(100_000, "first", cpu, rows) for cpu, rows in ((100.0, 7), (104.0, 8))),
            *(story(10_000, "first", cpu) for cpu in (14.0, 12.0)),
        ],
    )


def test_what_doubles_with_the_leads_has_exponent_one_and_what_stays_has_none() -> None:
    (one,) = growth([night(1_000, "first", 2, 10_000_000), night(2_000, "first", 4, 10_000_000)])
    assert (one.kind, one.smallest, one.largest) == ("first", 1_000, 2_000)
    assert one.cpu_exponent == pytest.approx(1)
    assert one.memory_exponent == 0
    assert one.cpu_seconds_per_lead == pytest.approx(0.002)
    assert one.bytes_per_lead == 0


def test_growth_is_between_the_smallest_and_the_largest_size_whatever_lies_between() -> None:
    (one,) = growth([night(100_000, "first", 1_000), night(10_000, "first", 999), night(1_000, "first", 0.1)])
    assert (one.smallest, one.largest) == (1_000, 100_000)
    assert one.cpu_exponent == pytest.approx(2)


def test_every_kind_of_night_grows_by_itself_and_the_empty_one_does_not() -> None:
    found = growth(
        [
            night(0, "empty", 1),
            *(night(leads, "first", cpu) for leads, cpu in ((10, 1), (1_000, 10))),
            *(night(leads, "unchanged", cpu) for leads, cpu in ((10, 1), (1_000, 1))),
        ]
    )
    assert [(one.kind, round(one.cpu_exponent, 9)) for one in found] == [("first", 0.5), ("unchanged", 0)]


def test_one_size_has_no_growth() -> None:
    assert growth([night(0, "empty", 1), night(10, "first", 1), night(10, "ordinary", 1)]) == []


def test_nights_are_medians_over_the_runs_by_size() -> None:
    result = measured()
    assert [(n.leads, n.kind, n.cost.cpu_seconds) for n in result.nights] == [
        (0, "empty", 8.5),
        (10_000, "first", 13.0),
        (100_000, "first", 102.0),
    ]
    assert result.runs == 2
    assert len(result.every_night) == 6
    assert [(leads, found[0].rows) for leads, found in result.stages.items()] == [(0, 5), (10_000, 5), (100_000, 8)]


def test_the_json_holds_every_figure() -> None:
    content = json.loads(as_json(measured()))
    assert content["machine"] == {
        "cores": 2,
        "memory_bytes": 8_000_000_000,
        "system": "Linux x86_64",
        "python": "3.11.7",
        "postgres": "18.4",
        "load": 0.25,
    }
    assert content["nights"][1] == {
        "leads": 10_000,
        "kind": "first",
        "seconds": 26.0,
        "client_seconds": 12.0,
        "server_seconds": 1.0,
        "cpu_seconds": 13.0,
        "peak_bytes": 400_000_000,
    }
    assert content["stages"][2] == {
        "leads": 100_000,
        "name": "raw",
        "rows": 8,
        "database_bytes": 2_000_000,
        "lake_bytes": 1_500_000,
    }
    assert content["growth"][0]["cpu_exponent"] == 0.8947
    assert len(content["every_night"]) == 6


def test_the_machine_is_described_without_its_name_or_a_path() -> None:
    text = as_json(report(machine(), [story(0, "empty", 1)]))
    assert socket.gethostname() not in text
    assert str(Path.home()) not in text
    assert "/" not in text
    assert json.loads(text)["machine"]["cores"] >= 1


def shown(result: Report) -> str:
    console = Console(file=io.StringIO(), width=130)
    for table in tables(result):
        console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_the_tables_show_nights_growth_and_stages() -> None:
    text = shown(measured())
    assert "medians of 2 runs: 2 cores, load 0.25 before, Python 3.11.7, PostgreSQL 18.4" in " ".join(text.split())
    rows = cells(text)
    assert ["1,00,000", "first", "204.0", "102.0", "101.0", "1.0", "400"] in rows
    assert ["first", "0.89", "0.00", "989", "0"] in rows
    assert ["1,00,000", "raw", "8", "2.0", "1.5"] in rows


def test_with_a_floor_each_night_of_its_size_is_compared_with_it() -> None:
    stories = [story(0, "empty", 9), story(1_000, "floor", 2), story(1_000, "first", 15)]
    rows = cells(shown(report(MACHINE, stories)))
    assert [row[-1] for row in rows[:3]] == ["", "1.0", "7.5"]
    assert "CPU / floor" not in shown(measured())


def test_without_a_second_size_no_growth_is_shown() -> None:
    assert "Growth" not in shown(report(MACHINE, [story(0, "empty", 1), story(1_000, "first", 2)]))


@pytest.mark.parametrize("sizes", [(1_000,), (1_000, 10_000, 1_000_000)])
def test_the_picture_has_a_line_for_each_kind_of_night(sizes: tuple[int, ...]) -> None:
    nights = [night(size, kind, size / 100) for size in sizes for kind in ("first", "ordinary", "unchanged")]
    with_empty = Image.open(io.BytesIO(draw([night(0, "empty", 5), *nights], "Nights"))).convert("RGB")
    assert with_empty.size == (900, 420)
    colours = {colour for _, colour in with_empty.getcolors(1 << 20)}
    assert {(0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00), (0x00, 0x9E, 0x73), (0x99, 0x99, 0x99)} <= colours
