"""What a dump lacks of an earlier one: lost, aged out, or cut off at its end. Times in days."""

import numpy as np
import pandas as pd
import pytest

from funnel_etl.core.reading.dumps import DAY_US, NO_TIME, DumpRows, Loss, compare


def dump(*days: int | None) -> DumpRows:
    """One row a day, named by its day; None: a row without a readable time."""
    keys = np.array([1000 + day if day is not None else 7 for day in days], dtype=np.uint64)
    return DumpRows(keys, keys, np.array([NO_TIME if d is None else d * DAY_US for d in days], dtype=np.int64))


@pytest.mark.parametrize(
    ("before", "now", "lost", "aged_out", "cut_off"),
    [
        pytest.param(dump(1, 2, 3), dump(1, 2, 3), 0, 0, 0, id="the_same"),
        pytest.param(dump(1, 2, 3), dump(1, 2, 3, 4), 0, 0, 0, id="grown"),
        pytest.param(dump(1, 2, 3), dump(3, 2, 1), 0, 0, 0, id="turned_round"),
        pytest.param(dump(1, 2, 3, 4), dump(2, 3, 4, 5), 0, 1, 0, id="moved_on"),
        pytest.param(dump(4, 3, 2, 1), dump(5, 4, 3, 2), 0, 1, 0, id="moved_on_newest_first"),
        pytest.param(dump(1, 2, 3, 4), dump(1, 3, 4), 1, 0, 0, id="one_lost_inside"),
        pytest.param(dump(1, 2, 3, 4), dump(1, 2, 3), 1, 0, 1, id="the_last_lost"),
        pytest.param(dump(1, 2, 3, 4), dump(1, 2, 3, 5), 1, 0, 0, id="the_last_lost_and_a_new_one_came"),
        pytest.param(dump(1, 2, 3, 4), dump(1, 3), 2, 0, 1, id="one_lost_inside_and_the_last"),
        pytest.param(dump(9, 8, 7, 6, 5, 4, 3, 2), dump(10, 9, 8, 7, 6), 2, 2, 2, id="cut_newest_first"),
        pytest.param(dump(5, 1, 4, 2, 3), dump(5, 4, 3, 6), 0, 2, 0, id="moved_on_without_an_order"),
        pytest.param(dump(6, 1, 5, 4, 2), dump(6, 5, 4, 7), 0, 2, 0, id="moved_on_also_at_the_end"),
        pytest.param(dump(1, None, 3), dump(1, 3), 1, 0, 0, id="no_time_cannot_age_out"),
        pytest.param(dump(1, 2), dump(), 2, 0, 0, id="nothing_left"),
        pytest.param(dump(), dump(1, 2), 0, 0, 0, id="nothing_before"),
        pytest.param(dump(), dump(), 0, 0, 0, id="nothing_at_all"),
    ],
)
def test_rows_that_are_gone_are_lost_or_aged_out_or_cut_off(
    before: DumpRows, now: DumpRows, lost: int, aged_out: int, cut_off: int
) -> None:
    loss = compare(before, now, days=1)
    assert (loss.lost, loss.aged_out, loss.cut_off) == (lost, aged_out, cut_off)


def test_a_window_may_have_moved_as_long_as_the_machine_was_off() -> None:
    before, now = dump(*range(30, 0, -1)), dump(*range(40, 10, -1))
    assert compare(before, now, days=1).cut_off > 0
    assert compare(before, now, days=10).cut_off == 0


def test_the_share_is_of_the_keys_inside_the_window() -> None:
    loss = compare(dump(*range(20)), dump(*range(10, 18)), days=1)
    assert (loss.had, loss.aged_out, loss.lost, loss.has) == (20, 10, 2, 8)
    assert loss.share == 0.2


def test_lost_rows_are_counted_by_business_day() -> None:
    loss = Loss(4, 0, 1, 3, 0, np.array([NO_TIME, 0, 20 * DAY_US // 24], dtype=np.int64))
    days = loss.by_day("Asia/Kolkata")
    assert days.index[:2].tolist() == [pd.Timestamp("1970-01-01"), pd.Timestamp("1970-01-02")]
    assert pd.isna(days.index[2])
    assert days.tolist() == [1, 1, 1]


def test_a_repeat_of_an_identifier_is_no_key_of_its_own_but_a_row_that_may_be_cut_off() -> None:
    """Of different rows with one `_id` the last stands: without it the sale would be another one."""
    rows, days = np.array([1, 2, 3], dtype=np.uint64), np.array([1, 2, 2], dtype=np.int64) * DAY_US
    before = DumpRows(np.array([1, 2, 2], dtype=np.uint64), rows, days)
    loss = compare(before, DumpRows(before.keys[:2], rows[:2], days[:2]), days=1)
    assert (loss.had, loss.has, loss.lost, loss.cut_off) == (2, 2, 0, 1)
