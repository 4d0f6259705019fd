"""What a step hands to the next: the rows as the lake has them, from memory while they are there."""

import gc
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.dagster.lake_io import LakeIOManager, reads
from funnel_etl.platform.lake import Lake

BEFORE, NIGHT = date(2025, 10, 30), date(2025, 10, 31)
EVERY_KIND = Table(
    "clean",
    "things",
    "One row per thing",
    ("id",),
    tuple(Column(kind.name.lower() if kind is not Kind.INTEGER else "id", kind, "A cell.") for kind in Kind),
)


OTHER = replace(EVERY_KIND, name="other")


def step(*given: Table, made: Table = EVERY_KIND, part: str = "sales") -> Any:
    """The step of sales that makes the table, in a run in which an asset of a part reads each of these tables."""
    key, publish = dg.AssetKey(made.asset_key), dg.AssetKey("publish")
    after = {dg.AssetKey(["mart", f"t{n}"]): reads([table]) for n, table in enumerate(given)}
    nodes = {key: SimpleNamespace(metadata=metadata, group_name=part) for key, metadata in after.items()}
    nodes[key] = SimpleNamespace(child_keys={*after, publish}, group_name="sales")
    nodes[publish] = SimpleNamespace(metadata={}, group_name="sales")
    layer = SimpleNamespace(get=nodes.__getitem__, selected_asset_keys=nodes.keys())
    job = SimpleNamespace(job_def=SimpleNamespace(asset_layer=layer))
    return SimpleNamespace(asset_key=key, partition_key=str(NIGHT), run_id="a run", step_context=job)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(UPath(tmp_path / "lake"))


def allocated() -> int:
    """Return the bytes that Arrow holds, without what only waits to be collected."""
    gc.collect()
    return int(pa.total_allocated_bytes())


def rows() -> pd.DataFrame:
    cells: dict[Kind, list[object]] = {
        Kind.TEXT: ["a", None],
        Kind.INTEGER: [1, 2],
        Kind.BOOLEAN: [True, None],
        Kind.DATE: pd.to_datetime(["2025-10-31", None]).tolist(),
        Kind.TIMESTAMP: pd.to_datetime(["2025-10-31 10:00:00.000001+00:00", None]).tolist(),
        Kind.TEXT_ARRAY: [["a", "b"], None],
        Kind.JSON: ['{"a": 1}', None],
    }
    frame = {column.name: cells.get(column.kind, [100, None]) for column in EVERY_KIND.columns}
    return EVERY_KIND.conform(pd.DataFrame(frame))


def test_rows_from_memory_are_those_the_lake_gives_back_and_a_reader_changes_neither(lake: Lake) -> None:
    handed = LakeIOManager(lake, [EVERY_KIND])
    handed.handle_output(step(EVERY_KIND, EVERY_KIND), Outcome(rows(), [LedgerLine("raw.things", 2, 2)]))
    of_the_lake = LakeIOManager(lake, [EVERY_KIND]).rows(EVERY_KIND, NIGHT)
    shutil.rmtree(str(lake.root))
    from_memory = handed.rows(EVERY_KIND, NIGHT)
    assert_frame_equal(from_memory, of_the_lake)
    from_memory["id"] = 7
    assert_frame_equal(handed.rows(EVERY_KIND, NIGHT), rows())


def test_rows_are_in_memory_until_their_last_reader_has_them_and_then_come_from_the_lake(lake: Lake) -> None:
    handed, before = LakeIOManager(lake, [EVERY_KIND]), allocated()
    outcome = Outcome(rows(), [LedgerLine("raw.things", 2, 2)])
    handed.handle_output(step(EVERY_KIND, OTHER), outcome)
    assert (len(outcome.rows), len(outcome.ledger)) == (0, 1), "Dagster holds the outcome to the end of the run"
    assert allocated() > before
    handed.rows(EVERY_KIND, NIGHT)
    assert allocated() == before
    assert_frame_equal(handed.rows(EVERY_KIND, NIGHT), rows())


def test_columns_stay_in_memory_until_the_last_asset_that_asks_for_them_has_them(lake: Lake) -> None:
    handed = LakeIOManager(lake, [EVERY_KIND])
    of_text, of_money = EVERY_KIND.only("text", "id"), EVERY_KIND.only("money", "id")
    handed.handle_output(step(of_text, of_money, of_money), Outcome(rows(), [LedgerLine("raw.things", 2, 2)]))
    shutil.rmtree(str(lake.root))
    assert_frame_equal(handed.rows(of_text, NIGHT), rows()[["text", "id"]])
    for _ in range(2):
        assert_frame_equal(handed.rows(of_money, NIGHT), rows()[["id", "money"]])
    for gone in (of_money, of_text, EVERY_KIND):
        with pytest.raises(FunnelError, match="has not made it"):
            handed.rows(gone, NIGHT)


def test_a_reader_of_a_whole_raw_table_has_the_columns_its_source_added_and_one_of_some_has_not(lake: Lake) -> None:
    raw, added = replace(EVERY_KIND, extensible=True), rows().assign(**{"ad name": ["x", "y"]})
    handed = LakeIOManager(lake, [raw])
    handed.handle_output(step(raw, raw.only("id"), made=raw), Outcome(added, [LedgerLine("a.file", 2, 2)]))
    of_the_lake = LakeIOManager(lake, [raw])
    for store in (handed, of_the_lake):
        assert list(store.rows(raw, NIGHT).columns) == [*raw.names, "ad name"]
        assert list(store.rows(raw.only("id"), NIGHT).columns) == ["id"]


RAW = replace(EVERY_KIND, schema="raw", extensible=True)
DOCUMENTED = replace(EVERY_KIND, columns=tuple(replace(c, required=c.kind is Kind.JSON) for c in EVERY_KIND.columns))


@pytest.mark.parametrize(
    ("made", "given", "part"),
    [
        pytest.param(EVERY_KIND, OTHER, "sales", id="no asset reads them"),
        pytest.param(RAW, RAW, "parity", id="raw ones that another part reads"),
        pytest.param(DOCUMENTED, DOCUMENTED, "sales", id="an asset that reads the JSON that each of them has"),
    ],
)
def test_rows_are_not_kept_in_memory_for(lake: Lake, made: Table, given: Table, part: str) -> None:
    before = allocated()
    handed = LakeIOManager(lake, [made])
    handed.handle_output(step(given, made=made, part=part), Outcome(rows(), [LedgerLine("a.file", 2, 2)]))
    assert allocated() == before
    assert_frame_equal(handed.rows(made, NIGHT), rows())


def test_an_asset_that_does_without_them_keeps_no_rows_in_memory(lake: Lake) -> None:
    before = allocated()
    handed = LakeIOManager(lake, [EVERY_KIND])
    handed.handle_output(step(EVERY_KIND, EVERY_KIND), Outcome(rows(), [LedgerLine("raw.things", 2, 2)]))
    handed.do_without([EVERY_KIND], NIGHT)
    assert allocated() > before
    handed.do_without([EVERY_KIND], NIGHT)
    assert allocated() == before
    handed.do_without([EVERY_KIND], NIGHT)
    assert_frame_equal(handed.rows(EVERY_KIND, NIGHT), rows())


def test_rows_of_another_night_are_linked_and_come_from_the_lake(lake: Lake) -> None:
    lake.write(EVERY_KIND, BEFORE, rows())
    handed = LakeIOManager(lake, [EVERY_KIND])
    account = Outcome(pd.DataFrame(), [LedgerLine("raw.things", 2, 2)], reused_from=BEFORE)
    handed.handle_output(step(EVERY_KIND), account)
    assert lake.content_hash(EVERY_KIND, NIGHT) == lake.content_hash(EVERY_KIND, BEFORE)
    assert_frame_equal(handed.rows(EVERY_KIND, NIGHT), rows())
