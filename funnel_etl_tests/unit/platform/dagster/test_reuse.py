"""When a night does with the table of another: in real Dagster runs of a job, of two assets that count their bodies."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from upath import UPath

import funnel_etl
from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.core.tables.earlier import Earlier
from funnel_etl.core.tables.validity import Uses
from funnel_etl.platform.dagster import reuse
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.nights import Night, one_at_a_time
from funnel_etl.platform.dagster.reuse import REMAKE, SETTINGS, before, may_reuse
from funnel_etl.platform.dagster.table_asset import table_asset
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

FRIDAY, SATURDAY, SUNDAY = (date(2025, 11, day) for day in (7, 8, 9))
DAY = Column("day", Kind.DATE, "Its day.")
RAW = Table("raw", "leads", "One row per lead", ("id",), (Column("id", Kind.INTEGER, "Its number."), DAY))
SUMS = Table("mart", "sums", "One row", ("n",), (Column("n", Kind.INTEGER, "Leads up to as_of."),))


@dataclass
class Nights:
    """Nights of one job; `leads`: their days, as tonight's source has them."""

    home: Path
    instance: dg.DagsterInstance
    leads: list[str] = field(default_factory=lambda: ["2025-11-07", "2025-11-09"])
    bodies: Counter[str] = field(default_factory=Counter)
    settings: dict[str, Any] = field(default_factory=dict)
    problem: str = ""

    @property
    def lake(self) -> Lake:
        return Lake(UPath(self.home / "lake"))

    def run(self, day: date, *selected: str, **tags: str) -> dg.ExecuteInProcessResult:
        @table_asset(RAW, group="sales", uses=Uses.SOURCE)
        def raw(night: Night) -> Outcome:
            """Ask the source."""
            self.bodies["raw"] += 1
            rows = pd.DataFrame({"id": range(len(self.leads)), "day": pd.to_datetime(self.leads)})
            return Outcome(rows, [LedgerLine("leads", len(rows), len(rows))])

        def is_good(own: pd.DataFrame, inputs: Any, as_of: pd.Timestamp) -> tuple[int, int]:
            """All is well."""
            return (1 if self.problem else 0), 0

        @table_asset(
            SUMS,
            group="funnel",
            inputs={"leads": RAW},
            uses=Uses.CUT_OFF,
            conserved={"is_good": is_good},
            shows=lambda own, as_of: {"count": f"{own['n'].sum()} on {as_of:%A}"},
        )
        def sums(night: Night, leads: pd.DataFrame) -> Outcome:
            """Count the leads."""
            self.bodies["sums"] += 1
            count = int((leads["day"] <= night.as_of).sum())
            line = LedgerLine("leads", len(leads), 1, merged=len(leads) - 1)
            return Outcome(pd.DataFrame({"n": [count]}), [line], notes=["a note"])

        settings = Settings(home=self.home, _env_file=None, **self.settings)
        given = {
            "sources": NightlySources(settings, Landing(self.home / "landing")),
            "lake": LakeIOManager(self.lake, [RAW, SUMS]),
        }
        job = dg.define_asset_job("nightly", selection=[raw, sums], tags=one_at_a_time("night"))
        whole = dg.Definitions([raw, sums], jobs=[job], resources=given, executor=dg.in_process_executor)
        return whole.resolve_job_def("nightly").execute_in_process(
            instance=self.instance,
            partition_key=day.isoformat(),
            asset_selection=[dg.AssetKey(name.split("/")) for name in selected] or None,
            tags=tags,
            raise_on_error=False,
        )

    def sums(self, day: date) -> list[int]:
        return self.lake.read(SUMS, day)["n"].tolist()


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Nights(tmp_path, instance)


def test_a_night_with_the_same_inputs_reads_and_makes_nothing_and_has_an_account_of_its_own(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.run(FRIDAY)
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "read", lambda *_: pytest.fail("a frame was read"))
        patch.setattr(LakeIOManager, "rows", lambda *_: pytest.fail("a frame was asked for"))
        done = nights.run(SATURDAY)
    assert done.success
    assert nights.bodies == {"raw": 2, "sums": 1}
    assert nights.sums(SATURDAY) == [1]
    (account, run_id), (of_friday, other) = (nights.lake.read_account(SUMS, day) for day in (SATURDAY, FRIDAY))
    assert account.ledger == of_friday.ledger
    assert (run_id, run_id != other) == (done.run_id, True)
    told = done.asset_materializations_for_node("mart__sums")[0].metadata
    assert told["same_as_the_night_of"].value == "2025-11-07"
    assert told["count"].value == "1 on Friday"
    assert "a note" in str(told["notes"].value)
    assert told["dagster/row_count"].value == 1
    [check] = [one for one in done.get_asset_check_evaluations() if one.asset_key == dg.AssetKey(["mart", "sums"])]
    assert check.passed
    assert {value.value for value in check.metadata.values()} == {"holds"}
    assert (nights.home / "lake/mart/sums/2025-11-08.parquet").stat().st_nlink == 2


def test_a_row_that_the_as_of_date_comes_to_is_counted_and_what_was_reused_is_reused_on(nights: Nights) -> None:
    for day in (FRIDAY, SATURDAY, SUNDAY, SUNDAY):
        nights.run(day)
    assert [nights.sums(day) for day in (FRIDAY, SATURDAY, SUNDAY)] == [[1], [1], [2]]
    assert nights.bodies["sums"] == 2
    assert nights.lake.read_account(SUMS, SATURDAY)[0].made == nights.lake.read_account(SUMS, FRIDAY)[0].made


def other_input(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    nights.leads[0] = "2025-11-06"


def other_code(_nights: Nights, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(reuse, "CODE", "other")


def other_setting(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    nights.settings["timezone"] = "UTC"


def other_config(_nights: Nights, patch: pytest.MonkeyPatch) -> None:
    config_of = NightlySources.config_of
    patch.setattr(NightlySources, "config_of", lambda *given: _versioned(config_of(*given)))


def _versioned(config: Any) -> Any:
    object.__setattr__(config, "version", "another")
    return config


def an_erasure(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    Landing(nights.home / "landing").erasures.add(["phone:9876500001"])


def rows_taken_out(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    nights.lake.write(SUMS, FRIDAY, SUMS.empty())


def a_damaged_file(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    (nights.home / "lake/mart/sums/2025-11-07.parquet").write_bytes(b"PAR1 and nothing else PAR1")


def a_lost_account(nights: Nights, _patch: pytest.MonkeyPatch) -> None:
    (nights.home / "lake/_account/mart/sums/2025-11-07.json").unlink()


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(function, id=function.__name__)
        for function in (
            other_input,
            other_code,
            other_setting,
            other_config,
            an_erasure,
            rows_taken_out,
            a_damaged_file,
            a_lost_account,
        )
    ],
)
def test_whatever_a_table_is_made_of_makes_it_anew(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Nights, pytest.MonkeyPatch], None]
) -> None:
    nights.run(FRIDAY)
    happens(nights, monkeypatch)
    assert nights.run(SATURDAY).success
    assert nights.bodies["sums"] == 2
    assert nights.sums(SATURDAY) == [1]


def test_a_table_that_failed_a_check_is_made_again(nights: Nights) -> None:
    nights.problem = "yes"
    assert not nights.run(FRIDAY).success
    nights.problem = ""
    assert nights.run(FRIDAY).success
    assert nights.bodies["sums"] == 2


def test_who_materializes_an_asset_or_asks_for_it_has_it_made(nights: Nights) -> None:
    nights.run(FRIDAY)
    assert nights.run(FRIDAY, "mart/sums").success
    assert nights.bodies["sums"] == 2
    nights.run(FRIDAY, **{REMAKE: "true"})
    assert nights.bodies["sums"] == 3
    nights.run(FRIDAY)
    assert nights.bodies["sums"] == 3


@pytest.mark.parametrize(
    ("run", "may"),
    [
        pytest.param({"tags": one_at_a_time("night")}, True, id="a job of ours"),
        pytest.param({"tags": {}}, False, id="materialized in the UI, or made aside"),
        pytest.param({"tags": one_at_a_time("night"), "parent_run_id": "1", "root_run_id": "1"}, False, id="repeated"),
        pytest.param({"tags": one_at_a_time("night") | {REMAKE: "true"}}, False, id="told to make all"),
    ],
)
def test_only_a_whole_job_of_ours_may_reuse(run: dict[str, Any], may: bool) -> None:
    assert may_reuse(dg.DagsterRun(job_name="nightly", **run)) is may


def test_what_is_made_of_other_nights_than_the_one_before_is_made_every_night() -> None:
    with pytest.raises(RuntimeError, match="make it every night"):
        before({SUMS: (Earlier.PUBLISHED,)})


def test_every_setting_that_a_table_follows_from_is_in_its_key() -> None:
    """The watch is made every night, and so is what a model answers; where things lie, how drops are taken in, how it
    is sent is in no table.
    """
    package, found = Path(funnel_etl.__file__).parent, set()
    places = {"state", "home", "demo", "drop_folder", "config_folder", "lake_root", "landing_root"}
    of_the_drop_folder = {"drop_settle_seconds", "zoom_max_mb", "yesterday"}
    for part in ("parts", "marts", "observe/changes", "core", "platform/dagster", "delivery/webengage"):
        for path in sorted({*(package / part).rglob("*.py")} - {package / "delivery/webengage/adapter.py"}):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and ast.unparse(node.value).split(".")[-1] == "settings":
                    found.add(node.attr)
    of_the_model = {"llm_model", "llm_url", "llm_key", "llm_budget_usd", "llm_seconds"}
    read = found - places - of_the_drop_folder - of_the_model - {"pull_retry_hours", "ui_host_names"}
    assert "sheet_year" in read
    assert read == set(SETTINGS)
