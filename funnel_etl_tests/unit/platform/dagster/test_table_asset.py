"""Assets made from contracts, in real Dagster runs: what is stored, what is told, what stops, what is tried again."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from upath import UPath

from funnel_etl.core.errors import FunnelError
from funnel_etl.core.tables.accounting import LedgerLine, Outcome
from funnel_etl.core.tables.contracts import Column, Kind, Table
from funnel_etl.platform.dagster.lake_io import LakeIOManager
from funnel_etl.platform.dagster.nights import ANY_NIGHTS, Night
from funnel_etl.platform.dagster.publish_asset import publish_asset
from funnel_etl.platform.dagster.table_asset import ReadIf, Shows, night_of, run_body, table_asset
from funnel_etl.platform.lake import Lake
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.nightly import NightlySources

pytestmark = pytest.mark.slow

NIGHT = "2025-10-31"
LEADS = Table(
    "clean",
    "leads",
    "One row per lead",
    ("id",),
    (
        Column("id", Kind.INTEGER, "Its number.", required=True),
        Column("funnel", Kind.TEXT, "Its funnel.", required=True),
        Column("paid_inr", Kind.MONEY, "What it paid."),
    ),
)
FACTS = Table("mart", "facts", "One row per fact", ("n",), (Column("n", Kind.INTEGER, "Number of leads."),))


GOOD = {"contract": "holds", "every_row_accounted": "holds", "few_in_quarantine": "holds"}


def rows(*ids: int, funnel: str | None = "Webinar") -> pd.DataFrame:
    return pd.DataFrame({"id": list(ids), "funnel": funnel, "paid_inr": 100})


def balanced(frame: pd.DataFrame) -> Outcome:
    return Outcome(frame, [LedgerLine("raw.leads", len(frame), len(frame))])


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(UPath(tmp_path / "lake"))


@pytest.fixture
def run(tmp_path: Path, lake: Lake) -> Callable[..., dg.ExecuteInProcessResult]:
    """Materialize the night of an asset of LEADS with this body, a table after it, and their publish asset."""

    def start(body: Callable[[], Outcome], shows: Shows | None = None, **conserved: Any) -> dg.ExecuteInProcessResult:
        @table_asset(LEADS, group="sales", conserved=conserved, shows=shows)
        def leads(night: Night) -> Outcome:
            """Do what the test says."""
            assert night.day == date(2025, 10, 31)
            return body()

        @table_asset(FACTS, group="funnel", inputs={"leads": LEADS}, lineage={"n": ["clean.leads.id"]})
        def facts(night: Night, leads: pd.DataFrame) -> Outcome:
            """Count the leads."""
            return balanced(pd.DataFrame({"n": [len(leads)]}))

        settings = Settings(home=tmp_path)
        with dg.DagsterInstance.ephemeral() as used:
            return dg.materialize(
                [leads, facts, publish_asset("sales", [LEADS])],
                partition_key=NIGHT,
                resources={
                    "sources": NightlySources(settings, Landing(tmp_path / "landing")),
                    "lake": LakeIOManager(lake, [LEADS, FACTS]),
                    "lake_store": dg.ResourceDefinition(lambda _: lake),
                    "database_url": dg.ResourceDefinition(lambda _: "postgresql://nobody@127.0.0.1:1/nothing"),
                    "all_tables": dg.ResourceDefinition(lambda _: [LEADS, FACTS]),
                },
                selection=dg.AssetSelection.assets(leads, facts) if body is good else None,
                instance=used,
                raise_on_error=False,
            )

    return start


def good() -> Outcome:
    outcome = balanced(rows(1, 2))
    outcome.ledger.append(LedgerLine("raw.more", 4, 0, merged=1, quarantined=1, excluded=2, cell_warnings=3))
    outcome.notes.append("a word to the reader")
    return outcome


def started(result: dg.ExecuteInProcessResult) -> set[str]:
    return {str(event.step_key) for event in result.all_events if event.event_type_value == "STEP_START"}


def conditions(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return what the one check of LEADS says of each condition; it failed if and only if one does not hold."""
    [check] = [e for e in result.get_asset_check_evaluations() if e.asset_key == dg.AssetKey(LEADS.asset_key)]
    found = {name: str(value.value) for name, value in check.metadata.items()}
    broken = [f"{name}: {told}" for name, told in found.items() if told != "holds"]
    assert (check.passed, check.description) == (not broken, "; ".join(broken) or None)
    return found


def test_the_rows_of_a_body_are_stored_read_by_the_next_asset_and_told_to_dagster(
    run: Callable[..., dg.ExecuteInProcessResult], lake: Lake
) -> None:
    result = run(good)
    assert result.success
    assert conditions(result) == GOOD
    pd.testing.assert_frame_equal(lake.read(LEADS, date(2025, 10, 31)), LEADS.conform(rows(1, 2)))
    assert lake.read(FACTS, date(2025, 10, 31))["n"].tolist() == [2]
    kinds = {event.event_type for event in result.all_events}
    assert dg.DagsterEventType.LOADED_INPUT not in kinds, "an event for each input is a quarter of a night's log"
    account, run_id = lake.read_account(LEADS, date(2025, 10, 31))
    assert (run_id, account.notes) == (result.run_id, ["a word to the reader"])
    told = result.asset_materializations_for_node("clean__leads")[0].metadata
    values = {name: value.value for name, value in told.items()}
    assert values["dagster/row_count"] == 2
    counts = ("rows_in", "merged", "quarantined", "excluded", "cell_warnings")
    assert [values[name] for name in counts] == [6, 1, 1, 2, 3]
    assert "a word to the reader" in str(values["notes"])


def test_pictures_and_texts_are_shown_and_a_column_tells_where_it_comes_from(
    run: Callable[..., dg.ExecuteInProcessResult],
) -> None:
    def shows(own: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, bytes | str]:
        return {"picture": b"\x89PNG", "paid": f"{own['paid_inr'].sum()} by {as_of:%d %B}"}

    result = run(good, shows=shows)
    told = result.asset_materializations_for_node("clean__leads")[0].metadata
    assert told["picture"] == dg.MetadataValue.md("![picture](data:image/png;base64,iVBORw==)")
    assert told["paid"] == dg.MetadataValue.md("200 by 31 October")
    assert "dagster/column_lineage" not in told
    after = result.asset_materializations_for_node("mart__facts")[0].metadata
    origin = dg.TableColumnDep(dg.AssetKey(["clean", "leads"]), "id")
    assert after["dagster/column_lineage"].value == dg.TableColumnLineage({"n": [origin]})


def test_a_picture_that_cannot_be_made_stops_nothing(run: Callable[..., dg.ExecuteInProcessResult], lake: Lake) -> None:
    def shows(own: pd.DataFrame, _as_of: pd.Timestamp) -> dict[str, bytes | str]:
        raise ValueError(f"what is it of: {own.iloc[0].to_dict()}")

    result = run(good, shows=shows)
    assert result.success
    assert lake.exists(LEADS, date(2025, 10, 31))
    told = result.asset_materializations_for_node("clean__leads")[0].metadata
    assert told["not_shown"].value == "could not be made: ValueError"
    assert told["rows_in"].value == 6


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        pytest.param(rows(1, 1), "repeat the key", id="two rows with one key"),
        pytest.param(rows(1, funnel=None), "funnel is NULL in 1 rows", id="a required value is missing"),
    ],
)
def test_rows_that_break_the_contract_stop_what_comes_after_and_are_not_published(
    run: Callable[..., dg.ExecuteInProcessResult], frame: pd.DataFrame, word: str
) -> None:
    result = run(lambda: balanced(frame))
    assert word in conditions(result)["contract"]
    assert started(result) == {"clean__leads"}


def test_rows_that_are_unaccounted_for_stop_what_comes_after(run: Callable[..., dg.ExecuteInProcessResult]) -> None:
    result = run(lambda: Outcome(rows(1), [LedgerLine("raw.leads", 3, 1, merged=1)]))
    assert conditions(result) == GOOD | {"every_row_accounted": "does not balance: raw.leads"}
    assert started(result) == {"clean__leads"}


def test_a_total_that_is_not_conserved_stops_what_comes_after(run: Callable[..., dg.ExecuteInProcessResult]) -> None:
    def paid(own: pd.DataFrame, _inputs: dict[str, pd.DataFrame], as_of: pd.Timestamp) -> tuple[int, int]:
        """Paid is paid."""
        assert as_of == pd.Timestamp(NIGHT)
        return int(own["paid_inr"].sum()), 201

    result = run(lambda: balanced(rows(1, 2)), paid_is_conserved=paid)
    assert conditions(result) == GOOD | {"paid_is_conserved": "200 here, 201 in what it was made from"}
    assert started(result) == {"clean__leads"}


def test_an_expected_failure_is_one_line_and_stops_what_comes_after(
    run: Callable[..., dg.ExecuteInProcessResult], lake: Lake
) -> None:
    def fail() -> Outcome:
        raise FunnelError("got a web page, not CSV", where="crm_sales", fix="renew the token")

    result = run(fail)
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == "crm_sales: got a web page, not CSV. Fix: renew the token"
    assert started(result) == {"clean__leads"}
    assert not lake.exists(LEADS, date(2025, 10, 31))


def test_a_failure_leaves_the_table_of_the_run_before(
    run: Callable[..., dg.ExecuteInProcessResult], lake: Lake
) -> None:
    def fail() -> Outcome:
        raise FunnelError("down", fix="wait", transient=True)

    run(good)
    before = lake.content_hash(LEADS, date(2025, 10, 31))
    run(fail)
    assert lake.content_hash(LEADS, date(2025, 10, 31)) == before


def test_a_body_that_reads_a_column_it_did_not_declare_is_told_so(tmp_path: Path, lake: Lake) -> None:
    lake.write(LEADS, date(2025, 10, 31), LEADS.conform(rows(1, 2)))

    @table_asset(FACTS, group="funnel", inputs={"leads": LEADS.only("id", "paid_inr")})
    def facts(night: Night, leads: pd.DataFrame) -> Outcome:
        """Read more than it said."""
        assert list(leads.columns) == ["id", "paid_inr"]
        return balanced(pd.DataFrame({"n": [leads["funnel"].nunique()]}))

    result = dg.materialize(
        [facts],
        partition_key=NIGHT,
        resources={
            "sources": NightlySources(Settings(home=tmp_path), Landing(tmp_path / "landing")),
            "lake": LakeIOManager(lake, [LEADS, FACTS]),
        },
        raise_on_error=False,
    )
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.error is not None
    assert failure.error.cause is not None
    assert "'funnel'" in failure.error.cause.message
    assert "mart.facts: a column that it reads must be declared" in failure.error.cause.message


@pytest.mark.parametrize(
    ("transient", "attempts"), [pytest.param(True, 3, id="may help"), pytest.param(False, 1, id="never")]
)
def test_a_failed_body_is_tried_again_only_where_that_may_help(transient: bool, attempts: int) -> None:
    tried: list[int] = []

    def body() -> None:
        tried.append(1)
        raise FunnelError("no", fix="wait", transient=transient)

    @dg.asset(partitions_def=ANY_NIGHTS, retry_policy=dg.RetryPolicy(max_retries=2), required_resource_keys={"sources"})
    def one(context: dg.AssetExecutionContext) -> None:
        assert night_of(context).day == date(2025, 10, 31)
        run_body(context, body)

    result = dg.materialize(
        [one], partition_key=NIGHT, resources={"sources": dg.ResourceDefinition(lambda _: None)}, raise_on_error=False
    )
    assert not result.success
    assert len(tried) == attempts


def test_the_asset_shows_its_contract_in_the_ui() -> None:
    @table_asset(LEADS, group="sales")
    def leads(night: Night) -> Outcome:
        """Return what it does."""
        return balanced(rows())

    spec = leads.get_asset_spec()
    assert spec.key == dg.AssetKey(["clean", "leads"])
    assert (spec.description or "").startswith("One row per lead.")
    assert "Return what it does." in (spec.description or "")
    schema = spec.metadata["dagster/column_schema"]
    assert [(c.name, c.type, c.constraints.nullable) for c in schema.columns] == [
        ("id", "bigint", False),
        ("funnel", "text", False),
        ("paid_inr", "numeric(14,2)", True),
    ]


@pytest.mark.parametrize(
    ("put_aside", "passed"),
    [
        pytest.param(20, True, id="so_few_are_no_alarm"),
        pytest.param(21, False, id="a_larger_share_than_the_limit"),
    ],
)
def test_a_table_of_whose_source_too_much_is_in_quarantine_is_not_published(run, put_aside, passed):
    kept = 50
    line = LedgerLine(
        "raw.leads", kept + put_aside, kept, quarantined=put_aside, reasons={"quarantined:bad_date": put_aside}
    )
    result = run(lambda: Outcome(rows(*range(kept)), [line]))
    told = conditions(result)["few_in_quarantine"]
    assert (told == "holds") is passed
    if not passed:
        assert "21 of 71 rows are in quarantine (21 bad_date)" in told
        assert "FUNNEL_QUARANTINE_LIMIT" in told


@pytest.mark.parametrize("is_asked", [True, False])
def test_an_input_that_config_has_no_use_for_is_not_read_and_its_rows_are_counted(
    tmp_path: Path, lake: Lake, is_asked: bool
) -> None:
    read: list[str] = []

    class Watched(LakeIOManager):
        def rows(self, table: Table, night: date) -> pd.DataFrame:
            read.append(table.full_name)
            return super().rows(table, night)

    @table_asset(LEADS, group="sales")
    def leads(night: Night) -> Outcome:
        """Return two leads."""
        return balanced(rows(1, 2))

    @table_asset(FACTS, group="funnel", inputs={"leads": ReadIf(LEADS.only("id"), lambda _: is_asked, "switched_off")})
    def facts(night: Night, leads: pd.DataFrame) -> Outcome:
        """Count the leads."""
        assert leads.columns.tolist() == ["id"]
        line = LedgerLine("clean.leads", len(leads), 0, merged=len(leads))
        return Outcome(pd.DataFrame({"n": [len(leads)]}), [line, LedgerLine("clean.others", 1, 1)])

    resources = {
        "sources": NightlySources(Settings(home=tmp_path), Landing(tmp_path / "landing")),
        "lake": Watched(lake, [LEADS, FACTS]),
    }
    with dg.DagsterInstance.ephemeral() as used:
        result = dg.materialize([leads, facts], partition_key=NIGHT, resources=resources, instance=used)
    assert result.success
    line, other = lake.read_account(FACTS, date(2025, 10, 31))[0].ledger
    assert lake.read(FACTS, date(2025, 10, 31))["n"].tolist() == [2 if is_asked else 0]
    assert read == (["clean.leads"] if is_asked else [])
    assert (line.rows_in, line.merged, line.excluded) == ((2, 2, 0) if is_asked else (2, 0, 2))
    assert line.reasons == ({} if is_asked else {"excluded:switched_off": 2})
    assert other == LedgerLine("clean.others", 1, 1)
