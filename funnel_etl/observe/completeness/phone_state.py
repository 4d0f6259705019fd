"""What the lake holds of each source's phones: rows by business day, with and without. Not here: judging it."""

from datetime import date, timedelta

import pandas as pd

from funnel_etl.catalog import SOURCES
from funnel_etl.observe.completeness.phone_contracts import WITH_PHONES
from funnel_etl.observe.completeness.phones import JUDGED_DAYS, PhoneCounts
from funnel_etl.observe.completeness.state import newest_good
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake


def phone_counts_of(night: Night, lake: Lake) -> list[PhoneCounts]:
    """Return the counts of every source with phones, and as a night up to a week before has them."""
    return [_counts(source, night, lake) for source in WITH_PHONES]


def _counts(source: str, night: Night, lake: Lake) -> PhoneCounts:
    table = SOURCES[source].clean
    made = newest_good(lake, table, night.day)
    if made is None:
        return PhoneCounts(source)
    since = made - timedelta(days=JUDGED_DAYS)
    earlier = next(
        (day for day in lake.nights(table) if since <= day < made and newest_good(lake, table, day) == day), None
    )
    before = _by_day(source, earlier, lake) if earlier else None
    return PhoneCounts(source, _by_day(source, made, lake), before, earlier)


def _by_day(source: str, made: date, lake: Lake) -> pd.DataFrame:
    """Count the rows of the days that were over when the table was made."""
    table, column = SOURCES[source].clean, SOURCES[source].day
    rows = lake.read(table.only(column, "phone"), made)
    rows = rows[rows[column] <= pd.Timestamp(made)]
    by_day = rows["phone"].isna().groupby(rows[column])
    return pd.DataFrame({"rows": by_day.size(), "blank": by_day.sum()}).astype("int64")
