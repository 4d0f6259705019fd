"""For which as-of dates a table holds: on any of them it would be the same, and it ends where it would not."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funnel_etl.core.tables.validity import Uses, Validity, validity

ZONE = "Asia/Kolkata"
days = st.dates(date(2025, 9, 20), date(2025, 12, 10))
instants = st.datetimes(pd.Timestamp(2025, 9, 20), pd.Timestamp(2025, 12, 10))
uses = st.sampled_from([Uses.NOTHING, Uses.CUT_OFF, Uses.MONTHS, Uses.CUT_OFF | Uses.MONTHS, Uses.SHOWN])


def made(uses: Uses, as_of: date, dated: pd.Series, timed: pd.Series) -> list[object]:
    """Return what a table may be that uses its as-of date in such a way."""
    found: list[object] = []
    day = pd.Timestamp(as_of)
    if Uses.CUT_OFF in uses:
        end = (day + pd.Timedelta(days=1)).tz_localize(ZONE)
        found += [(dated <= day).tolist(), (timed < end).tolist()]
    if Uses.MONTHS in uses:
        found += [(day + pd.Timedelta(days=off)).strftime("%Y-%m") for off in (-1, 0, 1)]
    if Uses.SHOWN in uses:
        found.append(as_of)
    return found


@given(uses, days, days, st.lists(days | st.none()), st.lists(instants | st.none()))
def test_it_holds_where_the_table_is_the_same_and_nowhere_else(uses, as_of, other, dated, timed):
    dated = pd.Series(pd.to_datetime(pd.Series(dated, dtype="object")), dtype="datetime64[us]")
    timed = pd.Series(pd.to_datetime(pd.Series(timed, dtype="object"), utc=True), dtype="datetime64[us, UTC]")
    found = validity(uses, as_of, [dated, timed], ZONE)
    is_same = made(uses, as_of, dated, timed) == made(uses, other, dated, timed)
    assert found.holds(as_of)
    assert found.holds(other) == is_same


@pytest.mark.parametrize(
    ("as_of", "since", "until"),
    [
        pytest.param(date(2025, 10, 30), date(2025, 10, 2), date(2025, 10, 31), id="within a month"),
        pytest.param(date(2025, 10, 31), date(2025, 10, 31), date(2025, 11, 1), id="the last day"),
        pytest.param(date(2025, 11, 1), date(2025, 11, 1), date(2025, 11, 2), id="the first day"),
    ],
)
def test_a_month_begins_to_matter_the_day_before_it_and_ends_to_the_day_after(
    as_of: date, since: date, until: date
) -> None:
    assert validity(Uses.MONTHS, as_of, [], ZONE) == Validity(since, until)


def test_a_table_without_a_use_of_it_holds_for_ever() -> None:
    rows = pd.Series(pd.to_datetime(["2025-10-31", "2025-11-05"]))
    assert validity(Uses.NOTHING, date(2025, 10, 31), [rows], ZONE) == Validity()
    cut = validity(Uses.CUT_OFF, date(2025, 11, 2), [rows], ZONE)
    assert cut == Validity(date(2025, 10, 31), date(2025, 11, 5))
    assert [cut.holds(date(2025, 11, 4) + timedelta(days=n)) for n in (0, 1)] == [True, False]
