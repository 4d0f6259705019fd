"""The work-list from night to night: shown, written, filled in, applied, and gone from the next list.

One installation; the commands are the real ones. The nights are run once, in the order of the fixtures.
"""

import csv
import io
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.core.config_tables import MISC
from funnel_etl.core.values.numbers import rupees
from funnel_etl.operate.worklist.worklist import FILE_COLUMNS
from funnel_etl_tests.installation import DEMO_NIGHT, Installation, Published

pytestmark = pytest.mark.slow

LIST = "SELECT * FROM ops.worklist_mapping ORDER BY revenue_inr DESC, spend_inr DESC"


@dataclass
class Story:
    """The installation, its list after each night, and what the commands said."""

    installation: Installation
    lists: dict[str, pd.DataFrame] = field(default_factory=dict)
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def run(self, name: str) -> None:
        result = self.installation.night(DEMO_NIGHT)
        assert result.parts["funnel"].published, result.failures
        self.lists[name] = self.installation.query(LIST)

    @property
    def file(self) -> Path:
        return self.installation.home / "worklist.csv"

    def config(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.installation.config.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def listed(published: Published) -> Story:
    installation = published.demo()
    story = Story(installation, lists={"first": installation.query(LIST)})
    story.said["shown"] = installation.command("worklist", "--limit", "5")
    story.said["written"] = installation.command("worklist", "--to", str(story.file))
    return story


@pytest.fixture(scope="module")
def applied(listed: Story) -> Story:
    """A person decides the dearest source, the unknown funnels of the spend sheet, and one Misc sale."""
    mapping = listed.installation.config / "funnel_mapping.csv"
    mapping.write_bytes(b"\xef\xbb\xbf" + mapping.read_bytes().replace(b"\n", b"\r\n"))
    listed.said["kept"] = subprocess.CompletedProcess([], 0, mapping.read_text(encoding="utf-8"))
    rows = read(listed.file)
    decided(rows, "unmapped_source")["funnel"] = "events"
    decided(rows, "misc_sale")["funnel"] = "Referral"
    named = next(row for row in rows if row["item_kind"] == "unmapped_spend" and row["item"] != "(blank)")
    named["funnel"] = named["item"]
    write(listed.file, rows)
    listed.said["applied"] = listed.installation.command("worklist", "--apply", str(listed.file))
    return listed


@pytest.fixture(scope="module")
def after(applied: Story) -> Story:
    """The same night with the decisions, and with a line somebody has added for a source that never comes."""
    with (applied.installation.config / "funnel_mapping.csv").open("ab") as file:
        file.write(b"A source of yesterday,Webinar,,,\r\n")
    applied.run("second")
    return applied


def read(file: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))


def write(file: Path, rows: list[dict[str, str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=";")  # as spreadsheets of many countries save it
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(text.getvalue().encode("utf-8-sig"))


def decided(rows: list[dict[str, str]], kind: str) -> dict[str, str]:
    """Return the dearest row of a kind in which no line of config stands in the way."""
    return next(row for row in rows if row["item_kind"] == kind and row["config_line"] == "0")


# ---------------------------------------------------------------- the list


def test_the_list_names_every_source_and_sale_without_a_funnel_and_no_other(listed: Story) -> None:
    rows, query = listed.lists["first"], listed.installation.query
    sources = query(
        "SELECT lower(source) AS s FROM clean.assigned_leads WHERE funnel = :misc AND assigned_date <= :night",
        misc=MISC,
        night=DEMO_NIGHT,
    )
    named = rows[rows["item_kind"].isin(["unmapped_source", "retired_source"]) & (rows["leads"] > 0)]
    assert set(named["item"].str.lower()) == set(sources["s"])
    assert named["leads"].sum() == len(sources) > 10
    misc = query(
        "SELECT sale_id, revenue_inr FROM mart.attributed_sales WHERE final_funnel = :misc "
        "AND final_funnel_rule IN ('crm_funnel', 'blank_manual', 'manual_value_unmapped')",
        misc=MISC,
    )
    sales = rows[rows["item_kind"] == "misc_sale"]
    assert set(sales["item"]) == set(misc["sale_id"])
    assert round(sales["revenue_inr"].sum(), 2) == round(misc["revenue_inr"].sum(), 2) > 0


def test_the_revenue_at_stake_of_a_source_is_that_of_its_buyers_and_of_the_sales_that_name_it(listed: Story) -> None:
    dearest = listed.lists["first"].query("item_kind == 'unmapped_source'").iloc[0]
    found = listed.installation.query(
        "SELECT count(*) AS n, coalesce(sum(revenue_inr), 0) AS paid FROM clean.sales s "
        "WHERE is_counted AND sold_date <= :night AND ("
        "  phone IN (SELECT phone FROM mart.attributed_m0 WHERE lower(source) = lower(:item))"
        "  OR EXISTS (SELECT FROM regexp_split_to_table(assigned_lead_sources, '[][\",;|]') AS name"
        "             WHERE lower(trim(name)) = lower(:item)))",
        item=dearest["item"],
        night=DEMO_NIGHT,
    ).iloc[0]
    assert (dearest["sales"], float(dearest["revenue_inr"])) == (found["n"], float(found["paid"]))
    assert dearest["sales"] > 0


def test_spend_that_no_funnel_gets_is_on_the_list_to_the_paisa(listed: Story) -> None:
    spend = listed.installation.value("SELECT sum(spend_inr) FROM mart.spend_by_funnel WHERE funnel = 'Unmapped'")
    assert listed.installation.value("SELECT sum(spend_inr) FROM ops.worklist_mapping") == spend > 0


def test_every_example_leads_to_a_line_of_a_kept_file(listed: Story) -> None:
    examples = listed.installation.query(
        "SELECT w.item_kind, w.source_row, f.landing_path FROM ops.worklist_mapping w "
        "LEFT JOIN (SELECT DISTINCT file_id, landing_path FROM ops.files) f USING (file_id) "
        "WHERE w.item_kind <> 'unused_mapping'"
    )
    assert len(examples) > 5
    assert examples.notna().all(axis=None)


def test_the_command_shows_the_dearest_first_and_says_what_to_do_next(listed: Story) -> None:
    said = listed.said["shown"]
    assert said.returncode == 0, said.stderr
    dearest = listed.lists["first"].iloc[0]
    assert said.stdout.index(dearest["item"]) < said.stdout.index(f"Night {DEMO_NIGHT}: ")
    assert rupees(dearest["revenue_inr"]) in said.stdout
    assert f"{len(listed.lists['first']) - 5:,} more with --limit" in said.stdout
    assert "funnel-etl worklist --to worklist.csv" in said.stdout


def test_the_file_has_every_thing_to_decide_and_is_not_written_over(listed: Story) -> None:
    assert listed.said["written"].returncode == 0, listed.said["written"].stderr
    assert f"funnel-etl worklist --apply {listed.file}" in listed.said["written"].stdout.replace("\n", "")
    again = listed.installation.command("worklist", "--to", str(listed.file))
    assert again.returncode == 1
    assert "the file is there already, and may be filled in" in again.stderr


# ---------------------------------------------------------------- decisions


def test_decisions_are_lines_of_their_tables_after_what_stood_there(applied: Story) -> None:
    said = applied.said["applied"]
    assert said.returncode == 0, said.stderr
    assert "What it moves: funnel-etl config preview" in said.stdout
    config = applied.config()
    assert config["funnel_mapping.csv"].startswith(b"\xef\xbb\xbfsource,funnel")
    assert config["funnel_mapping.csv"].endswith(b",Events,,,\r\n")
    assert config["funnel_mapping.csv"].count(b"\n") == config["funnel_mapping.csv"].count(b"\r\n")
    assert config["manual_mapping.csv"].decode().splitlines()[-1].split(",")[1] == "Referral"


def test_applied_again_adds_nothing(applied: Story) -> None:
    before = applied.config()
    again = applied.installation.command("worklist", "--apply", str(applied.file))
    assert again.returncode == 0, again.stderr
    assert "Nothing to add: 3 stood there already" in again.stdout
    assert applied.config() == before


def test_a_wrong_file_changes_nothing_and_is_told_line_by_line(applied: Story) -> None:
    before = applied.config()
    rows = read_semicolons(applied.file)
    for row in rows[:2]:
        row["funnel"] = "No Such Funnel"
    wrong = applied.installation.home / "wrong.csv"
    write(wrong, rows)
    done = applied.installation.command("worklist", "--apply", str(wrong))
    assert done.returncode == 1
    assert done.stderr.count("wrong.csv: line ") == 2
    assert done.stderr.count("'No Such Funnel': expected a funnel of funnels.csv") == 2
    assert "Nothing was changed." in done.stderr
    assert "Traceback" not in done.stderr
    assert applied.config() == before
    both = applied.installation.command("worklist", "--apply", str(wrong), "--to", str(wrong))
    assert both.returncode == 1
    assert "do not go together" in both.stderr


def read_semicolons(file: Path) -> list[dict[str, str]]:
    text = io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")
    rows = list(csv.DictReader(text, delimiter=";"))
    assert tuple(rows[0]) == FILE_COLUMNS
    return rows


def test_the_next_night_takes_the_decisions_and_the_list_is_the_shorter_for_them(after: Story) -> None:
    first, second = (after.lists[name] for name in ("first", "second"))
    rows = [row for row in read_semicolons(after.file) if row["funnel"]]
    assert len(rows) == 3
    gone = set(zip(first["item_kind"], first["item"], strict=True)) - set(
        zip(second["item_kind"], second["item"], strict=True)
    )
    assert {(row["item_kind"], row["item"].removeprefix("'")) for row in rows} <= gone
    source = next(row["item"] for row in rows if row["item_kind"] == "unmapped_source")
    funnels = after.installation.query(
        "SELECT DISTINCT funnel FROM clean.assigned_leads WHERE lower(source) = lower(:source)", source=source
    )
    assert funnels["funnel"].tolist() == ["Events"]


def test_a_line_that_nothing_uses_any_more_comes_onto_the_list_by_its_number(after: Story) -> None:
    unused = after.lists["second"].query("item_kind == 'unused_mapping'")
    lines = after.config()["funnel_mapping.csv"].decode("utf-8-sig").splitlines()
    own = unused[unused["config_table"] == "funnel_mapping"].set_index("item")["config_line"]
    assert own["A source of yesterday"] == len(lines)
    assert all(lines[line - 1].startswith(f"{item},") for item, line in own.items())
