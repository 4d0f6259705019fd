"""The whole night, on real PostgreSQL, with real Dagster runs and a CRM over real HTTP: what it gives and survives.

The nights are run once, in the order of the fixtures (each needs the one before); the tests look at what they left. An
older night after a newer one is in test_closed_months, and one on which all is mended in test_alerts.
"""

import io
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
import sqlalchemy as sa
from upath import UPath

from funnel_etl.assembly import TABLES, build_definitions, funnel, sales
from funnel_etl.core.parts import PARTS
from funnel_etl.core.values.text import decode
from funnel_etl.delivery.webengage import contracts
from funnel_etl.demo.crm_server import LOGIN_PAGE, LoopbackCrm
from funnel_etl.demo.recovered import recovery
from funnel_etl.operate.run.dagster_home import prepare
from funnel_etl.operate.run.night import NightResult, sigterm_kept
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres.database import open_databases
from funnel_etl.resources import resources
from funnel_etl_tests.installation import DEMO_NIGHT, PROGRAM, Installation, Published
from funnel_etl_tests.servers import new_port, serving

pytestmark = pytest.mark.slow

NIGHT, NEXT = DEMO_NIGHT, DEMO_NIGHT + timedelta(days=1)
TOKEN = "night-token"
PUBLISHED = ("raw", "clean", "mart")
RUNS_OWN = {
    *("ops.row_ledger", "ops.files", "ops.nights", "ops.completeness", "ops.published_tables", "ops.owner"),
    "mart.data_version",
}
"""Tables in which every run leaves a trace of its own: its ledger, its pulls and when they came, its number."""


@dataclass
class Snapshot:
    """What is published at a moment."""

    contents: dict[str, str]
    as_of: dict[str, date]
    completeness: pd.DataFrame

    def of(self, *schemas: str) -> dict[str, str]:
        return {name: mark for name, mark in self.contents.items() if name.split(".")[0] in schemas}


@dataclass
class Story:
    """The installation, its sources, and what each night left."""

    installation: Installation
    sources: Path
    truth: Path
    program: subprocess.CompletedProcess[str] | None = None
    results: dict[str, NightResult] = field(default_factory=dict)
    sigterm: dict[str, tuple[object, object]] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    def night(self, name: str, day: date, **changes: object) -> None:
        before = signal.getsignal(signal.SIGTERM)
        self.results[name] = self.installation.night(day, **changes)
        self.sigterm[name] = before, signal.getsignal(signal.SIGTERM)
        self.keep(name)

    def keep(self, name: str) -> None:
        nights = self.installation.query("SELECT part, max(as_of) AS as_of FROM ops.nights GROUP BY part")
        self.snapshots[name] = Snapshot(
            self.installation.contents(*PUBLISHED, "ops"),
            dict(zip(nights["part"], nights["as_of"], strict=True)),
            self.installation.query("SELECT * FROM ops.completeness").set_index("source"),
        )

    @property
    def lake(self) -> Lake:
        return Lake(UPath(self.installation.home / "state" / "lake"))


@pytest.fixture(scope="module")
def first(published: Published) -> Story:
    """The first night, on files."""
    installation = published.demo()
    story = Story(installation, installation.sources, installation.sources / "truth")
    story.keep("first")
    return story


@pytest.fixture(scope="module")
def again(first: Story) -> Iterator[Story]:
    """The same night once more by the command itself, on the same sources, which a CRM hands out now."""
    with LoopbackCrm(first.sources, TOKEN) as crm:
        first.installation.environment |= {
            "FUNNEL_AD_SPEND_URL": (first.sources / "ad_spend.csv").as_uri(),
            "FUNNEL_CRM_ASSIGNED_LEADS_URL": crm.assigned_leads_url,
            "FUNNEL_CRM_SALES_URL": crm.sales_url,
            "FUNNEL_CRM_AUTH": "bearer",
            "FUNNEL_CRM_SECRET": TOKEN,
        }
        first.program = first.installation.program("run", "--as-of", NIGHT.isoformat())
        first.keep("again")
        yield first


@pytest.fixture(scope="module")
def crm_down(again: Story) -> Story:
    """The next night: the CRM is down or sends a login page; a config edit is broken; a dropped file is no report."""
    drop, config = again.installation.drop / "zoom", again.installation.config
    (drop / "holiday.csv").write_bytes(b"%PDF-1.7 not a report")
    (drop / "half.csv.crdownload").write_bytes(b"still coming")
    mapping = config / "funnel_mapping.csv"
    good = mapping.read_text()
    mapping.write_text(good + "A new source,No Such Funnel,,,\n")
    with serving(LOGIN_PAGE) as login:
        again.night(
            "crm down",
            NEXT,
            crm_assigned_leads_url=f"http://127.0.0.1:{new_port()}/assigned_leads.csv",
            crm_sales_url=f"{login}/sales.csv",
        )
    mapping.write_text(good)
    return again


@pytest.fixture(scope="module")
def sheet_down(crm_down: Story) -> Story:
    """The next night again: now the CRM is back, and the sheets are not."""
    renamed = crm_down.installation.home / "renamed.csv"
    renamed.write_bytes((crm_down.sources / "ad_spend.csv").read_bytes().replace(b",cost,", b",cost of ads,", 1))
    crm_down.night(
        "sheet down",
        NEXT,
        tofu_leads_url=f"http://127.0.0.1:{new_port()}/tofu_leads.csv",
        ad_spend_url=renamed,
    )
    return crm_down


# ---------------------------------------------------------------- a good night


def test_every_line_of_every_source_is_in_its_raw_table_or_blank(first: Story) -> None:
    for source in ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales"):
        text = decode((first.sources / f"{source}.csv").read_bytes()).text
        records = pd.read_csv(io.StringIO(text), header=None, dtype="str", names=range(80), skip_blank_lines=False)
        lines = len(records) - 1
        table = first.installation.value(f"SELECT count(*) FROM raw.{source}")  # noqa: S608
        blank = first.installation.value(
            "SELECT excluded FROM ops.row_ledger WHERE asset = :asset", asset=f"raw.{source}"
        )
        assert table + blank == lines > 30, source


def test_every_row_is_accounted_for_in_postgresql(first: Story) -> None:
    ledger = first.installation.query("SELECT * FROM ops.row_ledger")
    total = ledger[["rows_out", "merged", "quarantined", "excluded"]].sum(axis=1)
    assert (ledger["rows_in"] == total).all()
    of_delivery = {table.full_name for table in contracts.TABLES}  # a part that has nothing yet
    told = {t.full_name for t in TABLES if t.schema in PUBLISHED and not t.lake_only} - of_delivery
    assert set(ledger["asset"]) >= told - {"mart.data_version"}
    put_aside = first.installation.query("SELECT asset, count(*) AS n FROM ops.quarantine GROUP BY asset")
    counted = ledger.groupby("asset")["quarantined"].sum()
    assert counted[counted > 0].to_dict() == dict(zip(put_aside["asset"], put_aside["n"], strict=True))
    for asset in ("clean.tofu_leads", "clean.ad_spend", "clean.assigned_leads", "clean.sales", "raw.zoom_reports"):
        kept = ledger.loc[ledger["asset"] == asset, "rows_out"].sum()
        assert first.installation.value(f"SELECT count(*) FROM {asset}") == kept, asset  # noqa: S608


def test_every_quarantined_row_has_a_reason_and_a_hint_and_leads_to_a_line_of_a_kept_file(first: Story) -> None:
    rows = first.installation.query(
        "SELECT q.reason, q.fix_hint, q.source_row, f.landing_path FROM ops.quarantine q "
        "LEFT JOIN (SELECT DISTINCT file_id, landing_path FROM ops.files) f USING (file_id)"
    )
    assert len(rows) > 20
    assert rows.notna().all(axis=None)
    landing = first.installation.home / "state" / "landing"
    assert all((landing / path).is_file() for path in rows["landing_path"].unique())
    assert (rows["source_row"] > 1).all()


def test_the_planted_truth_is_recovered_and_quarantine_explains_every_miss(first: Story) -> None:
    found = recovery(first.truth, first.installation.query)
    assert len(found) == 7
    assert (found["planted"] > 0).all()
    unexplained = found["planted"] - found["recovered"] - found["missed_in_quarantine"]
    assert dict(zip(found["what"], unexplained, strict=True)) == dict.fromkeys(found["what"], 0)
    assert (found["share"] > 0.9).all()


def test_the_facts_are_of_one_version_and_end_with_the_night(first: Story) -> None:
    held = first.installation.query("SELECT * FROM mart.data_version")
    newest = first.installation.query("SELECT * FROM ops.nights WHERE part = 'funnel'")
    assert len(held) == 1
    assert held.loc[0, "version"] == newest.loc[0, "version"] == 3
    assert held.loc[0, "as_of"] == NIGHT
    assert held.loc[0, "published_at"] is not pd.NaT
    assert first.installation.value("SELECT max(date) FROM mart.funnel_facts") == NIGHT
    assert first.installation.value("SELECT max(sold_date) > :night FROM clean.sales", night=NIGHT)
    assert first.installation.value("SELECT max(sold_date) FROM mart.attributed_sales") == NIGHT


def test_the_sums_of_bi_are_the_sums_of_the_parts_to_the_paisa(first: Story) -> None:
    value = first.installation.value
    spend = value("SELECT sum(cost_inr) FROM clean.ad_spend WHERE spend_date <= :night", night=NIGHT)
    revenue = value("SELECT sum(revenue_inr) FROM clean.sales WHERE is_counted AND sold_date <= :night", night=NIGHT)
    assert value("SELECT sum(spend_inr) FROM mart.funnel_facts") == spend > 0
    assert value("SELECT sum(spend_inr) FROM mart.spend_by_funnel") == spend
    assert value("SELECT sum(spend_inr) FROM mart.funnel_monthly") == spend
    assert value("SELECT sum(revenue_inr) FROM mart.funnel_facts") == revenue > 0
    assert value("SELECT sum(m0_assigned) FROM mart.funnel_facts") == value("SELECT count(*) FROM mart.attributed_m0")


def test_every_file_that_arrived_is_listed_with_what_became_of_it(first: Story) -> None:
    files = first.installation.query("SELECT source, kind, name, status, rows, occurrence_id FROM ops.files")
    pulled = files[~files["source"].str.startswith("config_") & (files["source"] != "zoom")].set_index("source")
    assert pulled["kind"].to_dict() == dict.fromkeys(
        ["ad_spend", "crm_assigned_leads", "crm_sales", "tofu_leads"], "pull"
    )
    assert set(pulled["status"]) == {"loaded"}
    dropped = files[files["source"] == "zoom"]
    on_disk = [p for p in (first.sources / "drop" / "zoom").rglob("*") if p.is_file()]
    assert len(dropped) + len(files[files["status"] == "rejected"]) >= len(on_disk) > 0
    read = dropped[dropped["status"].isin(["loaded", "superseded"])]
    assert len(read) > 5
    assert read["rows"].notna().all()
    assert read["occurrence_id"].notna().all()
    assert pulled["rows"].gt(0).all()


def test_each_source_is_said_to_be_complete_as_far_as_its_data_reach(first: Story) -> None:
    said = first.snapshots["first"].completeness
    days = {
        "tofu_leads": "SELECT max(created_date) FROM clean.tofu_leads WHERE created_date <= :night",
        "ad_spend": "SELECT max(spend_date) FROM clean.ad_spend WHERE spend_date <= :night",
        "crm_assigned_leads": "SELECT max(assigned_date) FROM clean.assigned_leads WHERE assigned_date <= :night",
        "crm_sales": "SELECT max(sold_date) FROM clean.sales WHERE sold_date <= :night",
        "zoom": "SELECT max(event_date) FROM clean.webinars WHERE has_attendee_report AND event_date <= :night",
    }
    assert set(said.index) == {*days, "config"}
    for source, sql in days.items():
        assert said.loc[source, "complete_through"] == first.installation.value(sql, night=NIGHT), source
    assert said.loc[list(days)[:-1], "status"].isin(["complete", "quiet"]).all()
    assert said.loc["config", ["status", "complete_through"]].tolist() == ["complete", NIGHT]


# ---------------------------------------------------------------- the same again


def test_the_command_publishes_the_night_and_says_so(again: Story) -> None:
    assert again.program is not None
    assert again.program.returncode == 0, again.program.stderr
    assert f"Night {NIGHT} is published." in again.program.stdout
    assert "Traceback" not in again.program.stderr
    assert "What is complete could not be said" not in again.program.stderr
    assert again.snapshots["again"].as_of == dict.fromkeys([*PARTS, "watch"], NIGHT)
    for secret in (TOKEN, sa.make_url(again.installation.environment["FUNNEL_DATABASE_URL"]).password or "?"):
        assert secret not in again.program.stdout + again.program.stderr


def test_the_same_night_again_changes_nothing_but_the_runs_own_traces(again: Story) -> None:
    before, after = again.snapshots["first"].contents, again.snapshots["again"].contents
    assert {name for name in before if before[name] != after[name]} <= RUNS_OWN
    assert again.program is not None
    told = [re.findall(r"[\w,]+", line) for line in again.program.stdout.splitlines()]
    parts = [words for words in told if words and words[0] in PARTS]
    assert [(part, state, changed, deleted) for part, state, _, changed, deleted in parts] == [
        ("marketing", "published", "0", "0"),
        ("sales", "published", "0", "0"),
        ("funnel", "published", "0", "0"),
        ("parity", "published", "0", "0"),
        ("changes", "published", "0", "0"),
        ("engagement", "published", "0", "0"),
    ]
    run_id = again.installation.value(
        "SELECT run_id FROM ops.nights WHERE part <> 'watch' ORDER BY version DESC LIMIT 1"
    )
    new = again.installation.value("SELECT count(*) FROM ops.row_ledger WHERE run_id = :run", run=run_id)
    pulls = 4
    assert sum(int(inserted.replace(",", "")) for _, _, inserted, _, _ in parts) == new + pulls


def test_each_asset_alone_gives_what_the_night_gave(again: Story) -> None:
    before = again.installation.contents(*PUBLISHED)
    hashes = {t.full_name: again.lake.content_hash(t, NIGHT) for t in TABLES if t.schema in PUBLISHED}
    with again.installation.settings() as settings:
        defs = build_definitions(settings)
        assets = [asset for asset in defs.assets or [] if isinstance(asset, dg.AssetsDefinition)]
        keys = [asset.key for asset in assets if asset.key.path[0] in PUBLISHED]
        publishers = [asset.key for asset in assets if asset.key.path[0] == "publish"]
        with dg.DagsterInstance.ephemeral() as instance, sigterm_kept():
            for key in [*keys, *publishers]:
                alone = dg.materialize(
                    assets,
                    selection=dg.AssetSelection.assets(key),
                    partition_key=NIGHT.isoformat(),
                    resources=defs.resources,
                    instance=instance,
                )
                assert alone.success, key
    assert len(keys) == len(hashes) >= 25
    assert len(publishers) == len(PARTS) + 2  # and the watch, and delivery
    assert {t.full_name: again.lake.content_hash(t, NIGHT) for t in TABLES if t.schema in PUBLISHED} == hashes
    after = again.installation.contents(*PUBLISHED)
    assert {name for name in before if before[name] != after[name]} <= RUNS_OWN


def test_dagsters_own_command_materializes_one_asset(again: Story) -> None:
    installation = again.installation
    with installation.settings() as settings, open_databases(settings.state, 1, settings.database_url) as databases:
        environment = installation.program_environment() | prepare(settings, databases)
    table = next(t for t in TABLES if t.full_name == "mart.funnel_facts")
    before = again.lake.content_hash(table, NIGHT)
    path = again.lake.root / "mart" / "funnel_facts" / f"{NIGHT}.parquet"
    path.unlink()
    done = subprocess.run(
        [
            *(PROGRAM.with_name("dagster"), "asset", "materialize", "-m", "funnel_etl.definitions"),
            *("--select", "mart/funnel_facts", "--partition", NIGHT.isoformat()),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert again.lake.content_hash(table, NIGHT) == before


# ---------------------------------------------------------------- one broken thing breaks one thing


def test_with_the_crm_down_part_1_publishes_and_part_2_says_why_in_one_line_each(crm_down: Story) -> None:
    result = crm_down.results["crm down"]
    assert not result.is_published
    assert {name: part.published for name, part in result.parts.items()} == {
        "marketing": True,
        "sales": False,
        "funnel": False,
        "parity": False,
        "changes": False,
        "engagement": False,
    }
    assert set(result.failures) == {"raw/crm_assigned_leads", "raw/crm_sales"}
    for name, line in result.failures.items():
        assert "\n" not in line
        assert line.startswith(name.removeprefix("raw/"))
        assert ". Fix: " in line
        assert TOKEN not in line
    assert "web page, not CSV: is the token still valid?" in result.failures["raw/crm_sales"]


def test_with_the_crm_down_the_last_good_night_of_the_others_stays(crm_down: Story) -> None:
    before, after = crm_down.snapshots["again"], crm_down.snapshots["crm down"]
    expected = {"marketing": NEXT, "sales": NIGHT, "funnel": NIGHT, "parity": NIGHT, "watch": NEXT}
    assert after.as_of == expected | {"changes": NIGHT, "engagement": NIGHT}
    own = [t.full_name for t in sales.TABLES]
    assert {name: after.contents[name] for name in own} == {name: before.contents[name] for name in own}
    mart = [t.full_name for t in funnel.TABLES if t.full_name not in RUNS_OWN]
    assert {name: after.contents[name] for name in mart} == {name: before.contents[name] for name in mart}


def test_with_the_crm_down_it_is_said_how_far_each_source_reaches_and_who_does_what(crm_down: Story) -> None:
    before, after = crm_down.snapshots["again"].completeness, crm_down.snapshots["crm down"].completeness
    crm = ["crm_assigned_leads", "crm_sales"]
    assert after.loc[crm, "status"].tolist() == ["failed", "failed"]
    assert after.loc[crm, "complete_through"].tolist() == before.loc[crm, "complete_through"].tolist()
    assert after.loc[crm, "who_does_it"].tolist() == ["the engineer", "the engineer"]
    assert "web page, not CSV" in after.loc["crm_sales", "why"]
    assert after.loc["crm_sales", "what_to_do"].startswith("renew FUNNEL_CRM_SECRET")
    assert after.loc["config", ["status", "who_does_it"]].tolist() == ["failed", "marketing operations"]
    assert "No Such Funnel" in after.loc["config", "why"]
    assert after.loc["tofu_leads", "status"] in ("complete", "quiet")


def test_a_broken_config_edit_after_a_good_night_keeps_the_last_good_version_and_says_so(crm_down: Story) -> None:
    versions = crm_down.installation.query("SELECT * FROM ops.config_versions WHERE name = 'funnel_mapping'")
    by_status = versions.set_index("status")["errors"]
    assert sorted(versions["status"]) == ["accepted", "rejected"]
    assert "No Such Funnel" in by_status["rejected"]
    assert "config_csv/funnel_mapping.csv: line " in by_status["rejected"]
    with crm_down.installation.settings() as settings:
        config = resources(settings, TABLES, {})["sources"]
        sources = config.resource_fn(None)
    assert "A new source" not in set(sources.config(NEXT).table("funnel_mapping")["source"])
    assert len(sources.config(NEXT).table("funnel_mapping")) > 10


def test_a_dropped_file_that_is_no_report_is_kept_and_told_and_stops_nothing(crm_down: Story) -> None:
    files = crm_down.installation.query(
        "SELECT name, status, reason, landing_path FROM ops.files WHERE source = 'zoom' AND name LIKE 'h%'"
    )
    assert files[["name", "status"]].to_numpy().tolist() == [["holiday.csv", "rejected"]]
    assert "\n" not in files.loc[0, "reason"]
    assert (crm_down.installation.home / "state" / "landing" / files.loc[0, "landing_path"]).is_file()
    assert crm_down.results["crm down"].parts["marketing"].published


def test_with_the_sheets_down_part_2_publishes_and_part_1_says_why_in_one_line_each(sheet_down: Story) -> None:
    result = sheet_down.results["sheet down"]
    assert {name: part.published for name, part in result.parts.items()} == {
        "marketing": False,
        "sales": True,
        "funnel": False,
        "parity": False,
        "changes": False,
        "engagement": False,
    }
    assert set(result.failures) == {"raw/tofu_leads", "raw/ad_spend"}
    assert all("\n" not in line for line in result.failures.values())
    assert result.failures["raw/tofu_leads"].startswith("tofu_leads")
    after = sheet_down.snapshots["sheet down"]
    expected = {"marketing": NEXT, "sales": NEXT, "funnel": NIGHT, "parity": NIGHT, "watch": NEXT}
    assert after.as_of == expected | {"changes": NIGHT, "engagement": NIGHT}
    before, after = sheet_down.snapshots["crm down"], sheet_down.snapshots["sheet down"]
    assert after.of("mart") == before.of("mart")
    assert after.contents["clean.tofu_leads"] == before.contents["clean.tofu_leads"]


def test_a_needed_column_that_was_renamed_is_told_with_the_line_that_mends_it(sheet_down: Story) -> None:
    line = sheet_down.results["sheet down"].failures["raw/ad_spend"]
    assert line.startswith("ad_spend: the needed column 'cost' is not in its header")
    assert "add the line `ad_spend,cost of ads,cost` to config_csv/column_aliases.csv" in line


def test_a_night_in_process_leaves_the_handler_of_sigterm_as_it_was(sheet_down: Story) -> None:
    # Dagster leaves SIGINT's there: a program begun in the background then ignores `kill`.
    before, after = sheet_down.sigterm["sheet down"]
    assert before == after
