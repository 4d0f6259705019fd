"""Hand edits of every kind between two runs of one night: the second one puts all of it right, and says so everywhere.

Regression: with "Night is published" and exit code 0 they stayed for ever.
"""

from dataclasses import dataclass, field

import dagster as dg
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from funnel_etl.assembly import TABLES
from funnel_etl.cli import app
from funnel_etl.core.parts import PARTS
from funnel_etl.observe.alerts.failures import failed_checks
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.operate.run.night import NightResult, PartResult
from funnel_etl.operate.status.render import status_lines
from funnel_etl.operate.status.status import status
from funnel_etl.platform.dagster.publish_asset import UNTOUCHED_CHECK
from funnel_etl.platform.postgres.owner import OtherOwner
from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow

VIEW = """
CREATE OR REPLACE VIEW ops.v_open_quarantine AS SELECT asset, reason, fix_hint AS age, 0::bigint AS rows,
    first_seen_at AS oldest_at, fix_hint FROM ops.quarantine
"""
BY_HAND = [
    "DELETE FROM mart.funnel_facts WHERE sales > 0",
    "UPDATE clean.sales SET revenue_inr = revenue_inr * 2",
    "TRUNCATE raw.crm_sales",
    "DROP TABLE mart.attribution CASCADE",
    "ALTER TABLE mart.attributed_m0 DROP COLUMN phone CASCADE",
    "SET LOCAL session_replication_role = replica; DELETE FROM parity.m0",
    VIEW,
    "DELETE FROM ops.quarantine",
    "DELETE FROM ops.nights",
    "DELETE FROM ops.files",
]
OF_RUNS = {
    "ops.row_ledger",
    "ops.files",
    "ops.nights",
    "ops.published_tables",
    "ops.owner",
    "ops.repairs",
    "ops.alerts",
}
OF_RUNS |= {"ops.completeness", "ops.quarantine", "mart.data_version", "ops.schema_marks"}
"""Tables that say when, or by which run."""


@dataclass
class Story:
    """The installation, and what was published and said."""

    installation: Installation
    repaired_at_first: int
    result: NightResult | None = None
    contents: list[dict[str, str]] = field(default_factory=list)
    open_rows: list[int] = field(default_factory=list)
    status: list[str] = field(default_factory=list)

    def keep(self) -> None:
        self.contents.append(self.of_no_run())
        self.open_rows.append(self.installation.value("SELECT count(*) FROM ops.quarantine WHERE resolved_at IS NULL"))

    def of_no_run(self) -> dict[str, str]:
        """A hash of each table, whatever the order of its columns: one that was dropped comes back as the last."""
        rows = "(SELECT md5(coalesce(string_agg(to_jsonb(t)::text, '|' ORDER BY to_jsonb(t)::text), '')) FROM {} AS t)"
        names = [t.full_name for t in TABLES if t.full_name not in OF_RUNS and not t.lake_only]
        return dict(
            zip(names, self.installation.query(f"SELECT {', '.join(map(rows.format, names))}").iloc[0], strict=True)
        )


@pytest.fixture(scope="module")
def story(published: Published) -> Story:
    installation = published.demo()
    made = Story(installation, installation.value("SELECT count(*) FROM ops.repairs"))
    made.keep()
    for statement in BY_HAND:
        with installation.engine.begin() as connection:
            connection.execute(sa.text(statement))
    made.result = installation.night(DEMO_NIGHT)
    made.keep()
    with installation.settings() as settings:
        made.status = list(status_lines(status(settings)))
    return made


def test_the_same_night_again_puts_all_of_it_right(story: Story) -> None:
    assert story.result is not None
    assert story.result.is_published, story.result.failures
    assert story.contents[1] == story.contents[0]
    assert story.open_rows[0] == story.open_rows[1] > 0
    assert story.installation.value("SELECT count(DISTINCT part) FROM ops.nights") == len(PARTS) + 1
    assert story.installation.value("SELECT count(*) FROM mart_masked.attributed_m0") > 0
    assert story.installation.value("SELECT count(*) FROM ops.files") > 5


@pytest.mark.parametrize(
    "table",
    ["mart.funnel_facts", "clean.sales", "raw.crm_sales", "mart.attribution", "mart.attributed_m0", "parity.m0"],
)
def test_the_run_and_the_status_say_which_table_it_was(story: Story, table: str) -> None:
    assert story.repaired_at_first == 0
    assert story.result is not None
    said = story.result.repairs
    assert len([line for line in said if line.startswith(f"{table}: somebody else had changed it since")]) == 1
    assert any(line.startswith(f"  {table}: ") and "somebody else" in line for line in story.status)
    assert story.installation.value("SELECT count(*) FROM ops.repairs WHERE name = :name AND version > 0", name=table)


def test_what_was_dropped_or_replaced_is_noted_too(story: Story) -> None:
    names = story.installation.query("SELECT name FROM ops.repairs WHERE version IS NULL")["name"]
    assert set(names) == {"mart_masked and views of ops", "mart.attribution", "mart.attributed_m0"}


def test_the_check_of_the_part_warns_and_the_night_is_published_all_the_same(story: Story) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(["publish", "sales"]), UNTOUCHED_CHECK)
    with story.installation.settings() as settings, instance(settings) as (opened, _):
        (failure,) = failed_checks(opened, [key])
    assert (failure.asset, failure.is_error) == ("publish/sales", False)
    assert "clean.sales: somebody else had changed it" in failure.why


def test_the_command_prints_each_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "mart.things: somebody else had changed it since version 1 (2 rows, 3 were published); put right: …"
    result = NightResult(DEMO_NIGHT, "run", {"sales": PartResult("sales", published=True)}, repairs=[line])
    monkeypatch.setattr("funnel_etl.operate.run.night.run_night", lambda *_, **__: result)
    done = CliRunner().invoke(app, ["run", "--as-of", str(DEMO_NIGHT)])
    assert (done.exit_code, line in done.output) == (0, True)


def test_a_second_installation_is_refused_before_it_pulls_and_its_status_says_why(story: Story) -> None:
    home = story.installation.home / "other"
    with pytest.raises(OtherOwner, match="funnel-etl db adopt"):
        story.installation.night(DEMO_NIGHT, home=home)
    assert not (home / "landing" / "objects").exists(), "it pulled a source first"
    assert story.of_no_run() == story.contents[1]
    with story.installation.settings(home=home) as settings:
        lines = list(status_lines(status(settings)))
    assert any("database: it was last published by another installation" in line for line in lines)
