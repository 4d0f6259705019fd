"""The inputs of the benchmark's nights: what a day adds and changes, and that it leaves everything else as it was."""

import csv
from datetime import date, datetime
from pathlib import Path

import pytest

from funnel_etl.bench import inputs
from funnel_etl.core.errors import FunnelError

FIRST, NEXT = date(2025, 10, 15), date(2025, 10, 16)
LEADS = 2_000


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sources of the first day, and those of the day after."""
    first, after = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("after")
    for folder in (first, after):
        inputs.first_day(folder, FIRST, LEADS, seed=7)
    inputs.day_after(after, NEXT, seed=7)
    return first, after


def read(folder: Path, name: str) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader((folder / f"{name}.csv").open(encoding="utf-8-sig", newline=""))
    return header, rows


def rows_of(folder: Path, name: str) -> list[list[str]]:
    return read(folder, name)[1]


@pytest.mark.parametrize("name", inputs.DATES)
def test_a_day_adds_half_a_percent_of_rows_all_of_that_day(days: tuple[Path, Path], name: str) -> None:
    first, after = days
    column, style = inputs.DATES[name]
    header, rows = read(after, name)
    before = len(rows_of(first, name))
    new = rows[before:]
    assert len(new) == max(1, round(before * 0.005))
    at = header.index(column)
    assert {datetime.strptime(row[at], style).date() for row in new} == {NEXT}  # noqa: DTZ007 - as the file has it


@pytest.mark.parametrize("name", [name for name in inputs.DATES if name != "crm_sales"])
def test_what_a_dump_had_stays_byte_by_byte(days: tuple[Path, Path], name: str) -> None:
    before, after = ((folder / f"{name}.csv").read_bytes() for folder in days)
    assert after.startswith(before)
    assert len(after) > len(before)


def test_two_percent_of_the_sales_change_in_one_amount_or_status_and_no_other_byte(days: tuple[Path, Path]) -> None:
    before, after = ([*inputs.records(folder / "crm_sales.csv")] for folder in days)
    header = before[0][1]
    changed = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
    assert len(changed) == round((len(before) - 1) * 0.02) > 1
    columns = [
        [name for name, one, other in zip(header, old, new, strict=True) if one != other]
        for (_, old), (_, new) in changed
    ]
    assert sorted(map(tuple, columns)) == [("netAmount",)] * 2 + [("status",)]


def test_the_sales_keep_their_ids_and_new_ones_have_their_own(days: tuple[Path, Path]) -> None:
    before, after = ([row[0] for row in rows_of(folder, "crm_sales") if row] for folder in days)
    assert after[: len(before)] == before
    new = after[len(before) :]
    assert new
    assert set(new) & set(before) == set()


def test_new_leads_are_new_people_whom_new_assignments_and_sales_are_of(days: tuple[Path, Path]) -> None:
    first, after = days
    people = {}
    for name, column in (("tofu_leads", "Phone number"), ("crm_assigned_leads", "leadMobile")):
        header, rows = read(after, name)
        at, count = header.index(column), len(rows_of(first, name))
        people[name] = [row[at] for row in rows[count:]]
        assert len(set(people[name])) == len(people[name])
        assert not set(people[name]) & {row[at] for row in rows[:count] if len(row) > at}
    assert set(people["crm_assigned_leads"]) < set(people["tofu_leads"])


def test_the_same_seed_makes_the_same_day_and_another_one_another(tmp_path: Path, days: tuple[Path, Path]) -> None:
    for seed in (7, 8):
        folder = tmp_path / str(seed)
        inputs.first_day(folder, FIRST, LEADS, seed=7)
        inputs.day_after(folder, NEXT, seed)
    names = [f"{name}.csv" for name in inputs.DATES]
    assert [(tmp_path / "7" / name).read_bytes() for name in names] == [(days[1] / name).read_bytes() for name in names]
    assert all((tmp_path / "8" / name).read_bytes() != (days[1] / name).read_bytes() for name in names)


def test_an_empty_installation_has_the_headers_of_the_dumps_and_no_row(tmp_path: Path, days: tuple[Path, Path]) -> None:
    inputs.only_headers(tmp_path)
    for name in inputs.DATES:
        assert read(tmp_path, name) == (read(days[0], name)[0], [])
    assert not (tmp_path / "drop").exists()


@pytest.mark.parametrize(
    ("text", "leads"), [("10000", 10_000), ("10,000", 10_000), ("10k", 10_000), (" 1M ", 1_000_000), ("5_000", 5_000)]
)
def test_a_size_is_read_as_people_write_it(text: str, leads: int) -> None:
    assert inputs.read_size(text) == leads


@pytest.mark.parametrize("text", ["", "k", "ten", "1.5k", "-1000", "10kk", "١٠٠٠", "²00", "399"])
def test_what_is_no_size_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(FunnelError, match="leads"):
        inputs.read_size(text)
