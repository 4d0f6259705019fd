"""Where the M0 of closed months is kept: in the landing archive, for the lake is only a cache.

A month closes with the rows of the night before, or if that was before the month's end, with those of the night that
closes it. A month taken out of `closed_months.csv` is open again; closed again, it closes with what it then has.
"""

import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from funnel_etl.core.errors import FunnelError
from funnel_etl.marts.funnel.contracts import ATTRIBUTED_M0
from funnel_etl.marts.funnel.m0.closed_months import NOTHING_CLOSED, ClosedM0, months_over
from funnel_etl.platform.dagster.nights import Night
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.connect.fetch import utc_now

SOURCE = "closed_m0"
_MONTHS = b"closed_months"


def rows_as_closed(night: Night, lake: Lake, months: tuple[pd.Timestamp, ...]) -> ClosedM0:
    """Return the rows of those of `months` that some night has closed or published before."""
    if not months:
        return NOTHING_CLOSED
    landing = night.sources.landing
    nights = [day for day in landing.nights(SOURCE) if day <= night.day]
    kept = landing.night(max(nights), SOURCE) if nights else None
    closed = _read(landing.read(kept[0])) if kept else NOTHING_CLOSED
    return closed.of(months).joined(_of_the_night_before(night, lake, months))


def keep(night: Night, months: tuple[pd.Timestamp, ...], m0: pd.DataFrame) -> None:
    """Land the rows of the closed months, and write down that the night used them; nothing new leaves no trace."""
    landing = night.sources.landing
    if not months:
        if landing.nights(SOURCE) and landing.night(night.day, SOURCE) != []:
            landing.record_night(night.day, SOURCE, [])
        return
    data = _bytes(ClosedM0(months, m0[m0["month"].isin(months)]))
    name = f"closed_m0_{max(months):%Y-%m}.parquet"
    file_id = landing.file_id_of(data)
    if not landing.has(file_id):
        file_id = landing.put(SOURCE, "closing", name, data, received_at=utc_now()).file_id
    landing.record_night(night.day, SOURCE, [file_id])


def _of_the_night_before(night: Night, lake: Lake, months: tuple[pd.Timestamp, ...]) -> ClosedM0:
    """Return the M0 of the latest night before, of those of `months` that were over then."""
    before = max((day for day in lake.nights(ATTRIBUTED_M0) if day < night.day), default=None)
    if before is None:
        return NOTHING_CLOSED
    return ClosedM0(months_over(months, pd.Timestamp(before)), lake.read(ATTRIBUTED_M0, before)).of(months)


def _bytes(closed: ClosedM0) -> bytes:
    table = ATTRIBUTED_M0.to_arrow(ATTRIBUTED_M0.conform(closed.rows))
    names = json.dumps([month.date().isoformat() for month in closed.months])
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_MONTHS: names.encode()}), buffer, compression="zstd")
    return buffer.getvalue()


def _read(data: bytes) -> ClosedM0:
    table = pq.read_table(io.BytesIO(data))
    for column in ATTRIBUTED_M0.to_arrow(ATTRIBUTED_M0.empty()).schema:
        if column.name not in table.column_names:  # closed before the contract had it
            table = table.append_column(column, pa.nulls(len(table), column.type))
    try:
        months = tuple(pd.Timestamp(name) for name in json.loads(table.schema.metadata[_MONTHS]))
    except (KeyError, TypeError, ValueError):
        raise FunnelError(
            "it does not say which months it closes", where=SOURCE, fix="restore the landing archive from a backup"
        ) from None
    return ClosedM0(months, ATTRIBUTED_M0.from_arrow(table))
