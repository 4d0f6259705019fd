"""A date far from its neighbours that fits with day and month exchanged; and ordinary columns, which are left alone."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from funnel_etl.core.errors import AmbiguousDates
from funnel_etl.core.values import dates

BASE = pd.Timestamp("2025-01-01")
Ints = npt.NDArray[np.int64]


def typed(days: Ints | list[int], *, day_first: bool = False) -> list[str]:
    stamps = [BASE + pd.Timedelta(days=int(day)) for day in days]
    return [f"{d.day}/{d.month}/{d.year}" if day_first else f"{d.month}/{d.day}/{d.year}" for d in stamps]


def parse(texts: list[str]) -> dates.Dates:
    return dates.parse(pd.Series(texts, dtype="str"), "Asia/Kolkata", column="leads.created date")


def november(upto: int = 28) -> list[str]:
    return [f"11/{day}/2026" for day in range(1, upto + 1)]


@pytest.mark.parametrize("at", [0, 3, 14, 28], ids=["first", "among_the_first", "middle", "last"])
@pytest.mark.parametrize("rows", [1, 2, 4], ids=["one", "two", "four"])
def test_dates_typed_in_the_other_order_are_ambiguous_and_the_rows_beside_them_stay(at: int, rows: int) -> None:
    """Read month-first they were eight months off, without a note (faults 54)."""
    good = november()
    odd = [f"{day}/11/2026" for day in (3, 5, 5, 8)][:rows]
    result = parse([*good[:at], *odd, *good[at:]])
    assert result.order == "month_first"
    assert np.flatnonzero(result.reason == "ambiguous_date").tolist() == list(range(at, at + rows))
    assert result.reason.notna().sum() == rows
    far = "lie far from the rows around them, and near with day and month exchanged"
    assert result.warnings == [f"leads.created date: {rows} dates {far}: they were not read"]


def test_the_reverse_is_found_in_a_day_first_column() -> None:
    texts = [f"{day}/11/2026 10:00" for day in range(1, 29)]
    result = parse([*texts[:20], "11/8/2026 09:00", *texts[20:]])
    assert np.flatnonzero(result.reason == "ambiguous_date").tolist() == [20]


def test_a_month_off_is_found_between_rows_of_its_own_days() -> None:
    texts = [f"{month}/{day}/2026" for month in (9, 10, 11) for day in range(1, 29)]
    place = texts.index("11/11/2026")
    result = parse([*texts[:place], "10/11/2026", *texts[place:]])
    assert np.flatnonzero(result.reason == "ambiguous_date").tolist() == [place]


def test_rows_that_are_not_in_order_of_time_get_a_warning_with_the_count() -> None:
    shuffled = list(np.random.default_rng(1).permutation([*november(), *november(), "3/11/2026", "5/11/2026"]))
    result = parse(shuffled)
    assert result.reason.isna().all()
    assert len(result.warnings) == 1
    assert "2 dates lie far" in result.warnings[0]
    assert "order of the rows proves nothing" in result.warnings[0]


@pytest.mark.parametrize("day_first", [False, True], ids=["month_first", "day_first"])
@pytest.mark.parametrize("rows", [200, 1000])
@pytest.mark.parametrize("span", [45, 60, 90])
def test_of_rows_in_any_order_a_date_far_from_all_others_is_counted(span: int, rows: int, day_first: bool) -> None:
    """Five day-first cells among 240 rows of 60 days read 2 to 8 months off, without a warning."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        days = random.integers(0, span, rows)
        from_march = days + 59
        texts = typed(from_march, day_first=day_first)
        texts += typed([59 + day for day in (7, 8, 9, 10, 11)], day_first=not day_first)
        result = parse(list(random.permutation(texts)))
        assert result.reason.isna().all()
        assert [warning.split()[2] for warning in result.warnings] == ["5"], seed


def test_older_rows_in_any_order_are_not_named() -> None:
    random, named = np.random.default_rng(2), 0
    for _ in range(30):
        rows = np.append(random.integers(400, 500, 300), random.integers(0, 390, 20))
        named += bool(parse(typed(random.permutation(rows))).warnings)
    assert named <= 3


def test_what_contradicts_the_proved_order_stays_unread_by_its_own_reason() -> None:
    result = parse([*november(), "13/11/2026", "5/11/2026"])
    assert result.reason.tolist()[-2:] == ["bad_date", "ambiguous_date"]
    assert len(result.warnings) == 2


def test_older_rows_entered_later_are_left_alone() -> None:
    older = ["3/14/2026", "3/15/2026", "4/2/2026", "4/20/2026", "5/11/2026"]
    result = parse([*november(), *older])
    assert result.reason.isna().all()


def test_dates_of_one_reading_need_no_neighbours() -> None:
    assert parse(["11/11/2026", "2026-03-11", "12 Dec 2026", "1/13/2020"]).reason.isna().all()


def ordinary(seed: int) -> Iterator[tuple[str, Ints]]:
    """Columns as they come: of some length, with few or many rows a day, in several orders."""
    random = np.random.default_rng(seed)
    span, start = int(random.choice([8, 30, 90, 365, 700])), int(random.integers(0, 300))
    count = max(int(span * random.choice([0.3, 1, 6])), 8)
    rows = np.sort(start + random.integers(0, span, count))
    yield "sorted", rows
    yield "newest_first", rows[::-1]
    yield "nearly_sorted", rows[np.argsort(np.arange(count) + random.normal(0, 2 * count / span, count))]
    yield "shuffled", random.permutation(rows)
    yield "blocks", np.concatenate([np.sort(random.choice(rows, count // 3 + 1)) for _ in range(3)])
    yield "blocks_in_another_order", np.concatenate([np.array_split(rows, 3)[each] for each in random.permutation(3)])


@pytest.mark.parametrize("day_first", [False, True], ids=["month_first", "day_first"])
def test_no_good_row_of_an_ordinary_column_is_taken_for_ambiguous(day_first: bool) -> None:
    seen = 0
    for seed in range(12):
        for shape, days in ordinary(seed):
            try:
                result = parse(typed(days, day_first=day_first))
            except AmbiguousDates:
                continue  # nothing in so few rows proves the order
            seen += 1
            assert result.warnings == [], (seed, shape)
            assert "ambiguous_date" not in set(result.reason.dropna()), (seed, shape)
    assert seen > 50


def test_of_backfilled_rows_hardly_any_is_taken_for_ambiguous() -> None:
    """Such a date cannot be told from one typed in the other order when by chance it fits so."""
    random, lost, seen = np.random.default_rng(5), 0, 0
    for _ in range(40):
        rows = np.sort(random.integers(400, 500, 300))
        late = np.sort(random.integers(0, 390, int(random.integers(1, 30))))
        result = parse(typed(np.insert(rows, int(random.integers(0, 301)), late)))
        lost += int((result.reason == "ambiguous_date").sum())
        seen += len(late)
    assert seen > 400
    assert lost <= 0.01 * seen
