"""How fast the tables of `mart` are made, against the same work in DuckDB's SQL on the same rows in the same run.

Run: `python -m funnel_etl.bench.transforms [--scale 1.0] [--runs 3]`; scale 1 is 1 M assignments, 150 k sales and 600 k
rows of attendance. Needs the extra `dev` (DuckDB). Both sides have their inputs in memory in their own form before the
clock starts; both results must be equal in rows and sums, or there is no figure.
"""

import argparse
import inspect
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import duckdb
import pandas as pd
import pyarrow as pa

from funnel_etl.bench import sql
from funnel_etl.bench.synthetic import AS_OF, frames
from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import ARROW_TYPE, Kind, Table
from funnel_etl.marts.funnel import contracts as mart
from funnel_etl.marts.funnel.attributed_sales import attributed_sales
from funnel_etl.marts.funnel.attribution import contracts as attribution_contracts
from funnel_etl.marts.funnel.attribution.attribution import attribution, attribution_by_funnel
from funnel_etl.marts.funnel.attribution.cohorts import cohorts
from funnel_etl.marts.funnel.facts import funnel_facts, funnel_monthly, spend_by_funnel
from funnel_etl.marts.funnel.journeys import contracts as journey_contracts
from funnel_etl.marts.funnel.journeys.handover import handover_gaps, qualified_leads
from funnel_etl.marts.funnel.journeys.journeys import lead_journey
from funnel_etl.marts.funnel.journeys.scorecards import employee_scorecard, webinar_scorecard
from funnel_etl.marts.funnel.m0.m0 import attributed_m0
from funnel_etl.marts.funnel.touches import touches
from funnel_etl.parts.marketing.contracts import AD_SPEND, TOFU_LEADS
from funnel_etl.parts.marketing.zoom.clean.contracts import WEBINARS, ZOOM_ATTENDANCE, ZOOM_REGISTRATIONS
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS, SALES

ASSIGNMENTS, SALES_ROWS, ATTENDANCES = 1_000_000, 150_000, 600_000
INPUTS = (TOFU_LEADS, WEBINARS, ZOOM_REGISTRATIONS, ZOOM_ATTENDANCE, ASSIGNED_LEADS, SALES, AD_SPEND)
PARAMETERS = {"facts": "funnel_facts"}
"""Parameters of a transform that are not called like the table they take."""


@dataclass(frozen=True)
class Measured:
    """Seconds that a table took on both sides, by the clock; `_work`: of the processors together."""

    table: str
    rows: int
    ours: float
    theirs: float
    ours_work: float
    theirs_work: float


class _Clock:
    """Measures a block: `seconds` by the clock, `work` of the processors, in which DuckDB's threads add up."""

    def __enter__(self) -> Self:
        self._start, self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_error: object) -> None:
        self.seconds, self.work = time.perf_counter() - self._start, time.process_time() - self._began


STEPS: dict[Table, Callable[..., Outcome]] = {
    mart.ATTRIBUTED_M0: attributed_m0,
    mart.TOUCHES: touches,
    mart.ATTRIBUTED_SALES: attributed_sales,
    mart.SPEND_BY_FUNNEL: spend_by_funnel,
    mart.FUNNEL_FACTS: funnel_facts,
    mart.FUNNEL_MONTHLY: funnel_monthly,
    attribution_contracts.COHORTS: cohorts,
    attribution_contracts.ATTRIBUTION: attribution,
    attribution_contracts.ATTRIBUTION_BY_FUNNEL: attribution_by_funnel,
    journey_contracts.LEAD_JOURNEY: lead_journey,
    journey_contracts.QUALIFIED_LEADS: qualified_leads,
    journey_contracts.HANDOVER_GAPS: handover_gaps,
    journey_contracts.EMPLOYEE_SCORECARD: employee_scorecard,
    journey_contracts.WEBINAR_SCORECARD: webinar_scorecard,
}
"""The tables that are measured and the functions that make them, in the order in which they can be made."""


def compare(clean: dict[str, pd.DataFrame]) -> Iterator[Measured]:
    """Make every table twice and measure both; raises `AssertionError` when the two sides do not agree.

    Table by table in turn, so that a busy moment of the machine slows both.
    """
    ours = dict(clean)
    with duckdb.connect(":memory:") as connection:
        for table in INPUTS:
            _load(connection, table.name, table.to_arrow(clean[table.name]))
        for table, transform in STEPS.items():
            with _Clock() as our_clock:
                outcome = transform(**_arguments(transform, ours))
            ours[table.name] = table.conform(outcome.rows)

            query = sql.QUERIES[table.name]
            parameters = {"as_of": AS_OF.date()} if "$as_of" in query else {}
            with _Clock() as their_clock:
                connection.execute(f"CREATE TABLE {table.name} AS {query}", parameters)
            theirs = _frame(connection, table)
            differs = disagreement(table, ours[table.name], theirs)
            if differs:
                raise AssertionError(f"{table.full_name}: {differs}")
            seconds = our_clock.seconds, their_clock.seconds, our_clock.work, their_clock.work
            yield Measured(table.name, len(theirs), *seconds)


def disagreement(table: Table, ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Return in which column the two differ in values present or in their sum; empty when they agree."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows of ours, {len(theirs)} of DuckDB"
    for column in table.columns:
        own, other = ours[column.name], theirs[column.name]
        if int(own.notna().sum()) != int(other.notna().sum()):
            return f"{column.name} has {own.notna().sum()} values of ours, {other.notna().sum()} of DuckDB"
        if (mine := _sum(own, column.kind)) != (its := _sum(other, column.kind)):
            return f"{column.name} sums to {mine} of ours, {its} of DuckDB"
    return ""


def _sum(values: pd.Series, kind: Kind) -> object:
    """Return a sum that every value counts in; of a text, of how often each is there."""
    if kind is Kind.NUMBER:
        return f"{values.sum():.9g}"
    if kind in {Kind.TIMESTAMP, Kind.DATE}:
        return sum(map(int, values.dropna().astype("int64").to_numpy() % 1_000_003))
    if kind in {Kind.TEXT, Kind.JSON}:
        return int(pd.util.hash_array(values.dropna().to_numpy(dtype=object)).sum())
    return int(values.astype("Int64").sum())


def _arguments(transform: Callable[..., Outcome], tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    constants = {"as_of": AS_OF, "config": Config({}, "bench")}
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(transform).parameters.items():
        if name in constants:
            given[name] = constants[name]
        elif parameter.default is inspect.Parameter.empty:
            given[name] = tables[PARAMETERS.get(name, name)]
    return given


def _load(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("given", rows)
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")  # noqa: S608 - our own name
    connection.unregister("given")


def _frame(connection: duckdb.DuckDBPyConnection, table: Table) -> pd.DataFrame:
    """Read a result by the contract of its table."""
    arrow = connection.sql(f"SELECT {', '.join(table.names)} FROM {table.name}").to_arrow_table()  # noqa: S608 - our own names
    schema = pa.schema([(column.name, ARROW_TYPE[column.kind]) for column in table.columns])
    return table.from_arrow(arrow.cast(schema))


def main() -> None:
    """Measure several times; print each table's median, and the ratio over all tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    clean = frames(*(max(int(size * chosen.scale), 10) for size in (ASSIGNMENTS, SALES_ROWS, ATTENDANCES)))
    runs = [list(compare(clean)) for _ in range(chosen.runs)]
    print(f"{'table':24}{'rows':>10}{'ours':>9} s{'DuckDB':>9} s   ratio   ratio of processor time")  # noqa: T201
    for measured in zip(*runs, strict=True):
        _print(measured[0].table, measured[0].rows, [_seconds([one]) for one in measured])
    totals = [_seconds(run) for run in runs]
    _print("all", sum(m.rows for m in runs[0]), totals)
    print(f"ratio of all: best {min(t[0] / t[1] for t in totals):.2f}, worst {max(t[0] / t[1] for t in totals):.2f}")  # noqa: T201


def _seconds(measured: list[Measured]) -> tuple[float, float, float, float]:
    sums = (sum(getattr(m, name) for m in measured) for name in ("ours", "theirs", "ours_work", "theirs_work"))
    ours, theirs, ours_work, theirs_work = sums
    return ours, theirs, ours_work, theirs_work


def _print(name: str, rows: int, runs: list[tuple[float, float, float, float]]) -> None:
    ours, theirs, ours_work, theirs_work = (statistics.median(side) for side in zip(*runs, strict=True))
    ratios = f"{ours / theirs:8.2f}{ours_work / theirs_work:10.2f}"
    print(f"{name:24}{rows:>10,}{ours:9.2f} s{theirs:9.2f} s{ratios}")  # noqa: T201


if __name__ == "__main__":
    main()
