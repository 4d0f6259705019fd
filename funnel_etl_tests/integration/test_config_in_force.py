"""Nights after bad edits of config_csv, whole, on a real PostgreSQL: the last good version stays in force and is told.

The nights are run once, in the order of the fixtures; the tests look at what they left.
"""

import subprocess
from dataclasses import dataclass, field

import pandas as pd
import pytest

from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow

SALES = "SELECT sale_id, revenue_inr, is_counted, final_funnel FROM clean.sales ORDER BY sale_id"
EDITS = "SELECT name, status, errors FROM ops.config_versions WHERE status <> 'accepted' ORDER BY name"


@dataclass
class Story:
    """The installation, what the sales were after each night, and what the commands said."""

    installation: Installation
    sales: dict[str, pd.DataFrame] = field(default_factory=dict)
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def night(self, name: str) -> None:
        result = self.installation.night(DEMO_NIGHT)
        assert result.is_published, result.failures
        self.sales[name] = self.installation.query(SALES)

    def edit(self, table: str, was: str, now: str) -> None:
        path = self.installation.config / f"{table}.csv"
        text = path.read_text()
        assert was in text
        path.write_text(text.replace(was, now))

    def mapping(self, lines: int) -> None:
        path = self.installation.config / "funnel_mapping.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[: lines + 1]))

    def say(self, name: str, *arguments: str) -> None:
        self.said[name] = self.installation.command(*arguments)


@pytest.fixture(scope="module")
def edited(published: Published) -> Story:
    """A good night; then a column that is none, a filtered mapping, and an edit in a copy of a table."""
    installation = published.demo()
    story = Story(installation, sales={"good": installation.query(SALES)})
    story.edit("metrics", "revenue_column,netAmount", "revenue_column,NetAmont")
    story.edit("metrics", "failed|cancelled|", "failed;cancelled;")
    story.mapping(5)
    (installation.config / "metrics (1).csv").write_text("name,value\nrevenue_column,paidAmount\n")
    story.say("preview", "config", "preview")
    story.night("edited")
    story.say("status", "status")
    return story


@pytest.fixture(scope="module")
def confirmed(edited: Story) -> Story:
    """The metrics corrected, with one status fewer; the mapping confirmed."""
    (edited.installation.config / "metrics (1).csv").unlink()
    edited.edit("metrics", "revenue_column,NetAmont", "revenue_column,netAmount")
    edited.edit("metrics", "failed;cancelled;", "failed|cancelled|")
    edited.edit("metrics", "success|captured|", "success|")
    edited.say("confirm", "confirm", "funnel_mapping", "--yes")
    edited.night("confirmed")
    edited.say("status again", "status")
    edited.say("worklist", "worklist", "--limit", "200")
    return edited


def test_no_number_moves_by_an_edit_that_names_nothing(edited: Story) -> None:
    """`revenue_column,NetAmont` stopped sales, funnel and parity; `failed;cancelled` raised revenue."""
    pd.testing.assert_frame_equal(edited.sales["edited"], edited.sales["good"])


def test_the_night_says_which_edits_it_did_not_take_and_why(edited: Story) -> None:
    told = edited.installation.query(EDITS).set_index("name")
    assert told["status"].to_dict() == {
        "funnel_mapping": "rejected",
        "metrics": "rejected",
        "metrics (1).csv": "unread",
    }
    assert (
        "'NetAmont' is no column of the CRM's newest sales (did you mean 'netAmount'?) (and 1 more)"
        in told["errors"]["metrics"]
    )
    assert "22 of the 27 lines in force are gone; it has 5 now" in told["errors"]["funnel_mapping"]


@pytest.mark.parametrize("name", ["preview", "status"])
def test_preview_and_status_say_it_too(edited: Story, name: str) -> None:
    said = edited.said[name].stdout + edited.said[name].stderr
    said = " ".join(said.split())
    assert "did you mean 'netAmount'?" in said
    assert "funnel-etl confirm funnel_mapping" in said
    assert (
        "config_csv/metrics (1).csv: nobody reads this file (did you mean 'metrics.csv', which is there too?)" in said
    )


def test_a_confirmed_mapping_is_in_force_and_what_it_lost_is_on_the_work_list(confirmed: Story) -> None:
    assert confirmed.said["confirm"].returncode == 0, confirmed.said["confirm"].stderr
    assert "22 of the 27 lines in force are gone; it has 5 now" in confirmed.said["confirm"].stdout
    sales, good = confirmed.sales["confirmed"], confirmed.sales["good"]
    assert (sales["final_funnel"] != good["final_funnel"]).any()
    pd.testing.assert_frame_equal(sales.drop(columns="final_funnel"), good.drop(columns="final_funnel"))
    assert "config: complete through 2025-10-31, complete" in confirmed.said["status again"].stdout


def test_a_status_nobody_knows_is_on_the_work_list_and_in_status_with_its_rupees(confirmed: Story) -> None:
    listed = confirmed.installation.query("SELECT * FROM ops.worklist_mapping WHERE item_kind = 'unknown_status'")
    stake = confirmed.installation.query(
        "SELECT count(*) AS sales, sum(a.revenue_inr) AS revenue FROM mart.attributed_sales AS a "
        "JOIN clean.sales AS s USING (sale_id) WHERE lower(trim(s.status)) = 'captured'"
    ).iloc[0]
    assert listed["item"].tolist() == ["captured"]
    assert listed[["sales", "revenue_inr"]].iloc[0].tolist() == stake.tolist()
    said = " ".join(confirmed.said["status again"].stdout.split())
    assert "unknown_status: 1 to decide, ₹" in said
    assert "the analyst: funnel-etl worklist (decided in metrics.csv)" in said
    assert "counted: captured" in said


def test_rows_of_one_id_that_differ_are_on_the_work_list_with_both_amounts(confirmed: Story) -> None:
    """The demo writes an earlier version of four sales above the one that counts."""
    listed = confirmed.installation.query("SELECT * FROM ops.worklist_mapping WHERE item_kind = 'conflicting_sale'")
    merged = confirmed.installation.query(
        "SELECT into_source_row FROM ops.merged_rows WHERE asset = 'clean.sales' AND reason = 'same_id_conflict'"
    )
    assert sorted(listed["source_row"]) == sorted(merged["into_source_row"])
    assert len(listed) == 4
    assert listed["detail"].str.fullmatch(r"kept: line \d+, .*; merged: line \d+, .*, pending \(differs in .*\)").all()
    assert "conflicting_sale" in confirmed.said["worklist"].stdout
