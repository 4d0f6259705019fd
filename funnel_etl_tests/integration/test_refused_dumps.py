"""Nights on which a dump came cut off or with few rows: nothing of it is published, until a person says it is right.

The nights are run once, in the order of the fixtures; the tests look at what they left.
"""

import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from funnel_etl.assembly import TABLES
from funnel_etl.operate.run.night import NightResult
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

NIGHT, NEXT = date(2025, 10, 31), date(2025, 11, 1)
SALES = [
    table.full_name for table in TABLES if table.full_name in {"raw.crm_sales", "clean.sales", "clean.crm_history"}
]
SOURCES = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")


@dataclass
class Story:
    """The installation, and what each night left."""

    installation: Installation
    results: dict[str, NightResult] = field(default_factory=dict)
    contents: dict[str, dict[str, str]] = field(default_factory=dict)
    said: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)

    def source(self, name: str) -> Path:
        return self.installation.home / "sources" / f"{name}.csv"

    def night(self, name: str, day: date) -> None:
        self.results[name] = self.installation.night(day)
        self.keep(name)

    def keep(self, name: str) -> None:
        self.contents[name] = self.installation.contents("raw", "clean", "mart")


@pytest.fixture(scope="module")
def good(published: Published) -> Story:
    """The first night."""
    story = Story(published.demo())
    story.keep("good")
    return story


@pytest.fixture(scope="module")
def cut(good: Story) -> Story:
    """The next night: every source is cut off, each in another way."""
    whole = {name: good.source(name).read_bytes() for name in SOURCES}
    ends = {
        "tofu_leads": len(whole["tofu_leads"]) // 2,
        "ad_spend": whole["ad_spend"].rfind(b"\n", 0, -1) + 1,
        "crm_assigned_leads": -1,
        "crm_sales": whole["crm_sales"].index(b"\n") + 1,
    }
    for name, end in ends.items():
        good.source(name).write_bytes(whole[name][:end])
    good.night("cut", NEXT)
    for name, data in whole.items():
        good.source(name).write_bytes(data)
    return good


@pytest.fixture(scope="module")
def dropped(cut: Story) -> Story:
    """The next night again: a third of the sales is gone, and the leads have a column more."""
    lines = cut.source("crm_sales").read_bytes().splitlines(keepends=True)
    cut.source("crm_sales").write_bytes(b"".join(line for at, line in enumerate(lines) if at % 3 != 1))
    text = cut.source("tofu_leads").read_text().splitlines(keepends=True)
    widened = [text[0].replace("\n", ",landing page\n"), *[line.replace("\n", ",\n") for line in text[1:]]]
    cut.source("tofu_leads").write_text("".join(widened))
    cut.night("dropped", NEXT)
    return cut


@pytest.fixture(scope="module")
def confirmed(dropped: Story) -> Story:
    """A person confirms it, and the night is run again; then a night later, as nothing changed."""
    program = dropped.installation.program
    dropped.said["unknown"] = program("confirm", "zoom")
    dropped.said["not refused"] = program("confirm", "ad_spend")
    dropped.said["no answer"] = program("confirm", "crm_sales")
    dropped.said["yes"] = program("confirm", "crm_sales", "--yes")
    dropped.said["again"] = program("confirm", "crm_sales", "--yes")
    dropped.night("confirmed", NEXT)
    return dropped


def whole(result: NightResult) -> bool:
    return all(result.parts[part].published for part in ("marketing", "sales", "funnel"))


def test_of_cut_sources_nothing_is_published_and_each_is_told_in_one_line(cut: Story) -> None:
    result = cut.results["cut"]
    assert {name.removeprefix("raw/") for name in result.failures} == set(SOURCES)
    assert not any(part.published for part in result.parts.values())
    for name, line in result.failures.items():
        assert line.startswith(name.removeprefix("raw/"))
        assert "\n" not in line
        assert ". Fix: " in line
    assert cut.contents["cut"] == cut.contents["good"]


def test_cut_files_are_listed_as_rejected_with_their_reasons_once_a_part_publishes(dropped: Story) -> None:
    files = dropped.installation.query(
        "SELECT source, reason FROM ops.files WHERE status = 'rejected' AND kind = 'pull'"
    )
    refused = {f"raw/{source}": reason for source, reason in zip(files["source"], files["reason"], strict=True)}
    assert set(refused) == {f"raw/{source}" for source in SOURCES}
    told = {line for night in ("cut", "dropped") for line in dropped.results[night].failures.values()}
    assert set(files["reason"]) <= told
    assert len(files) == len(SOURCES) + 1


def test_a_dump_that_lost_many_rows_waits_while_the_other_part_publishes(dropped: Story) -> None:
    result = dropped.results["dropped"]
    assert [name for name, part in result.parts.items() if part.published] == ["marketing"]
    assert list(result.failures) == ["raw/crm_sales"]
    assert "more than FUNNEL_DROP_LIMIT (20%)" in result.failures["raw/crm_sales"]
    assert "funnel-etl confirm crm_sales" in result.failures["raw/crm_sales"]
    before, after = dropped.contents["good"], dropped.contents["dropped"]
    assert len(SALES) == 3
    assert {name: after[name] for name in SALES} == {name: before[name] for name in SALES}


def test_a_new_column_is_one_row_of_the_drift_and_the_first_dump_was_compared_with_the_documented_layout(
    dropped: Story,
) -> None:
    rows = dropped.installation.query(
        "SELECT * FROM ops.schema_drift WHERE source = 'tofu_leads' AND as_of = :night", night=NEXT
    )
    assert rows[["change", "column_name", "part"]].to_numpy().tolist() == [["added", "landing page", "marketing"]]


def test_confirming_shows_both_counts_and_what_is_missing_by_day_and_asks(confirmed: Story) -> None:
    said = confirmed.said
    assert said["unknown"].returncode == 1
    assert "one of tofu_leads, ad_spend, crm_assigned_leads or crm_sales" in said["unknown"].stderr
    assert said["not refused"].returncode == 1
    assert "nothing to confirm: its newest dump was taken" in said["not refused"].stderr
    asked = said["no answer"]
    assert asked.returncode == 1
    for shown in (
        f"last good, of night {NIGHT}",
        "this one, refused",
        "keys gone",
        "2025-10-",
        "Is this dump complete",
    ):
        assert shown in asked.stdout, asked.stdout
    assert said["yes"].returncode == 0, said["yes"].stderr
    assert "Confirmed. Now run the night again: funnel-etl run" in said["yes"].stdout
    assert "confirmed already" in said["again"].stderr


def test_a_confirmed_dump_is_published_and_what_it_lacks_has_disappeared(confirmed: Story) -> None:
    result = confirmed.results["confirmed"]
    assert whole(result), result.failures
    value = confirmed.installation.value
    gone = value(
        "SELECT count(*) FROM clean.crm_history WHERE change = 'disappeared' AND valid_from = :night", night=NEXT
    )
    assert gone > 5
    assert value("SELECT count(*) FROM mart.revenue_changes WHERE kind = 'disappeared'") > 2


def test_the_deltas_add_up_to_the_published_revenue(confirmed: Story) -> None:
    value = confirmed.installation.value
    revenue = value("SELECT sum(revenue_inr) FROM mart.attributed_sales")
    assert value("SELECT sum(delta_inr) FROM mart.revenue_changes") == revenue > 0
    assert value("SELECT sum(revenue_inr) FROM mart.funnel_facts") == revenue


def test_a_night_replayed_without_lake_or_sources_has_the_same_deltas(confirmed: Story) -> None:
    """Run last: it deletes the lake. The confirmation is in the landing archive, so nobody is asked again."""
    before = confirmed.installation.contents("mart")["mart.revenue_changes"]
    shutil.rmtree(confirmed.installation.home / "state" / "lake")
    again = confirmed.installation.night(NEXT)
    assert whole(again), again.failures
    assert confirmed.installation.contents("mart")["mart.revenue_changes"] == before
