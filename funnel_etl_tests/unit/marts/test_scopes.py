"""What a table must see at once: said of every table, and of those local to a person proved on made-up frames."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from funnel_etl.bench.synthetic import AS_OF, frames
from funnel_etl.bench.transforms import STEPS
from funnel_etl.core.config_tables import Config
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.marts.funnel import assets
from funnel_etl.marts.funnel.attribution import assets as attribution_assets
from funnel_etl.marts.funnel.contracts import RESTATEMENTS
from funnel_etl.marts.funnel.journeys import assets as journey_assets
from funnel_etl.marts.funnel.m0.restatements import restatements
from funnel_etl.marts.scopes import SCOPES, Scope
from funnel_etl_tests.whole import defs

OF_PERSONS = [table for table, scope in SCOPES.items() if scope is Scope.PERSON]
TRANSFORMS: dict[Table, Callable[..., Outcome]] = STEPS | {RESTATEMENTS: restatements}
PARTS = 5


def test_every_table_of_the_parts_and_of_mart_has_a_scope() -> None:
    graph = defs.resolve_asset_graph()
    made = {key for key in graph.get_all_asset_keys() if key.path[0] in {"raw", "clean", "mart", "parity"}}
    made |= {key for key in graph.get_all_asset_keys() if key.path[-1] in {"zoom_contradictions", "worklist_mapping"}}
    assert {".".join(key.path) for key in made} == {table.full_name for table in SCOPES}


def test_what_is_local_to_a_person_is_called_by_the_mapper_and_nothing_else_is() -> None:
    text = "".join(inspect.getsource(module) for module in (assets, attribution_assets, journey_assets))
    assert {table for table, make in TRANSFORMS.items() if f"map_parts({make.__name__}, " in text} == set(OF_PERSONS)
    assert text.count("map_parts(") == len(OF_PERSONS) > 5


def made_of(table: Table, tables: dict[str, pd.DataFrame]) -> Outcome:
    """Make a table as the night does."""
    months = tuple(pd.date_range("2026-02-01", "2026-10-01", freq="MS"))
    given: dict[str, Any] = {"as_of": AS_OF, "config": Config({}, "none"), "months": months}
    named = tables | given | {"closed": tables.get("as_closed")}
    wanted = inspect.signature(TRANSFORMS[table]).parameters.items()
    required = {name for name, parameter in wanted if parameter.default is inspect.Parameter.empty}
    return TRANSFORMS[table](**{name: named[name] for name in required})


def part(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    """Return the rows of a part: those of its phones; one without a phone is in any. What has no phone is in all."""
    if "phone" not in rows:
        return rows
    person = rows["phone"].fillna("row " + pd.Series(range(len(rows)), index=rows.index).astype("str"))
    return rows[(pd.util.hash_array(person.to_numpy(dtype=object)) % PARTS) == number]


def sorted_by_key(table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    ordered = table.conform(rows).sort_values([*table.key, *(n for n in table.names if n not in table.key)])
    return ordered.reset_index(drop=True)


@pytest.fixture(scope="module", params=[1, 2, 3])
def tables(request: pytest.FixtureRequest) -> dict[str, pd.DataFrame]:
    """The clean tables of a made-up night, and what mart makes of them; some times are equal, some M0 was another."""
    found = frames(assignments=600, sales=120, attendances=500, seed=request.param)
    found["assigned_leads"]["assigned_at"] = found["assigned_leads"]["assigned_at"].dt.floor("D")
    for table in STEPS:
        found[table.name] = table.conform(made_of(table, found | {"facts": found.get("funnel_facts")}).rows)
    m0, draw = found["attributed_m0"], np.random.default_rng(request.param)
    other = m0.assign(funnel=m0["funnel"].mask(draw.random(len(m0)) < 0.2, "Another"))
    found["as_closed"] = other[draw.random(len(m0)) < 0.9]
    return found


@pytest.mark.parametrize("table", OF_PERSONS, ids=lambda table: table.name)
def test_the_parts_of_a_table_that_is_local_to_a_person_are_together_the_whole(
    tables: dict[str, pd.DataFrame], table: Table
) -> None:
    whole = made_of(table, tables)
    parts = [made_of(table, {name: part(rows, number) for name, rows in tables.items()}) for number in range(PARTS)]
    assert min(len(each.rows) for each in parts) > 0
    together = pd.concat([each.rows for each in parts], ignore_index=True)
    assert_frame_equal(sorted_by_key(table, together), sorted_by_key(table, whole.rows))
    for at, line in enumerate(whole.ledger):
        lines = [each.ledger[at] for each in parts]
        if all(each.rows_in < line.rows_in for each in lines):
            for count in ("rows_in", "rows_out", "merged", "excluded"):
                assert sum(getattr(each, count) for each in lines) == getattr(line, count), (line.input_name, count)
