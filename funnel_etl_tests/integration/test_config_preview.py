"""`funnel-etl config preview`: what it says is what then happens, cell by cell, and saying it leaves no trace.

An installation with two nights, the second on dumps whose window has moved. One edit of many tables of `config_csv` is
previewed by the command itself, with sources and database out of reach; then the same night runs with it.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from rich.console import Console
from upath import UPath

from funnel_etl.assembly import TABLES
from funnel_etl.core.tables.contracts import Table
from funnel_etl.operate.rerun.preview import Preview, _is_aggregate
from funnel_etl.operate.rerun.preview_render import _numbers
from funnel_etl.operate.rerun.table_diff import MEASURES
from funnel_etl.parts.sales.contracts import ASSIGNED_LEADS
from funnel_etl.platform.lake import Lake
from funnel_etl_tests import installation as made
from funnel_etl_tests.installation import DEMO_NIGHT, SOURCES, Installation
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow

BEFORE, NIGHT = DEMO_NIGHT, DEMO_NIGHT + timedelta(days=1)
AGGREGATES = [table for table in TABLES if _is_aggregate(table)]
ROWS = {
    "leads": "SELECT file_id || ':' || source_row AS id, created_date AS day, funnel, 0 AS paid FROM clean.tofu_leads",
    "assigned_rows": "SELECT file_id || ':' || source_row, assigned_date, funnel, 0 FROM clean.assigned_leads",
    "m0_assigned": "SELECT month || ':' || phone, month, funnel, 0 FROM mart.attributed_m0",
    "sales": "SELECT sale_id, sold_date, final_funnel, revenue_inr FROM mart.attributed_sales",
    "spend_lines": "SELECT file_id || ':' || source_row, spend_date, funnel, cost_inr FROM clean.ad_spend",
}
"""What moves, as SQL: id, day, funnel, rupees."""
AMOUNTS = {"sales": "revenue_inr", "spend_lines": "spend_inr"}


@dataclass
class Published:
    """What PostgreSQL holds: aggregates and moving rows as texts, and a hash of each table."""

    aggregates: dict[str, pd.DataFrame]
    rows: dict[str, pd.DataFrame]
    contents: dict[str, str]


@dataclass
class Step:
    """An edit: what the preview said, and what was published before and after."""

    detail: pd.DataFrame
    said: str
    before: Published
    after: Published
    traces: list[str]

    def of(self, what: str) -> pd.DataFrame:
        return self.detail[self.detail["what"] == what]


@dataclass
class Story:
    installation: Installation

    def edit(self, name: str, *edits: Callable[[Path], None], then_run: bool = True) -> Step:
        """Edit, preview by the command with nothing in reach, then run the night with it."""
        before = published(self.installation)
        for edit in edits:
            edit(self.installation.config)
        traces = self.files()
        detail = self.installation.home / f"{name}.csv"
        done = self.preview("--to", str(detail))
        assert done[0] == 0, done
        files = self.files()
        left = [path for path in {**traces, **files} if traces.get(path) != files.get(path)]
        left += [str(path) for path in Path(self.installation.environment["TMPDIR"]).iterdir()]
        if published(self.installation).contents != before.contents:
            left.append("the database")
        if then_run:
            result = self.installation.night(NIGHT)
            assert result.is_published, result.failures
        said = pd.read_csv(detail, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        return Step(said, done[1], before, published(self.installation), left)

    def preview(self, *arguments: str) -> tuple[int, str, str]:
        nowhere = f"http://127.0.0.1:{new_port()}/gone.csv"
        unreachable = {f"{name}_url": nowhere for name in SOURCES}
        database = f"postgresql://nobody:none@127.0.0.1:{new_port()}/gone"
        done = self.installation.command("config", "preview", *arguments, database_url=database, **unreachable)
        return done.returncode, done.stdout, done.stderr

    def files(self) -> dict[str, str]:
        """Return a hash of every file of the installation but the details we asked for."""
        home = self.installation.home
        found = [path for path in home.rglob("*") if path.is_file() and path.parent != home]
        return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def published(installation: Installation) -> Published:
    aggregates = {}
    with installation.engine.connect() as connection:
        for table in AGGREGATES:
            found = connection.execute(sa.text(f"SELECT {', '.join(table.names)} FROM {table.full_name}"))  # noqa: S608
            cells = [[as_text(value) for value in row] for row in found]
            aggregates[table.full_name] = pd.DataFrame(cells, columns=table.names, dtype="str")
    rows = {}
    for name, sql in ROWS.items():
        found = installation.query(sql).set_axis(["id", "day", "funnel", "paid"], axis="columns")
        rows[name] = found[pd.to_datetime(found["day"]) <= pd.Timestamp(NIGHT)]
    return Published(aggregates, rows, installation.contents("raw", "clean", "mart", "ops"))


def as_text(value: object) -> str:
    if isinstance(value, datetime):
        return str(value.astimezone(UTC))
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return "" if value is None else str(value)


# ---------------------------------------------------------------- the edits


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def edit_mappings(config: Path) -> None:
    """Remap, map what was not, date a source apart inside October, a new funnel, manual values, campaigns in order."""
    mapping = config / "funnel_mapping.csv"
    replace(mapping, "FB Lead Form,Meta Ads,,,\n", "FB Lead Form,Google Ads,,,\n")
    replace(mapping, "TLS Webinar,Webinar,,,\n", "TLS Webinar,Webinar,,2025-10-10,\nTLS Webinar,Radio,2025-10-11,,\n")
    with mapping.open("a") as file:
        file.write("old excel (2),Referral,,,\n")
    with (config / "funnels.csv").open("a") as file:
        file.write("Radio\nBrand ???\n")
    with (config / "manual_value_funnel.csv").open("a") as file:
        file.write("Radio jingle,Radio\n")
    replace(config / "manual_value_funnel.csv", "walk-in,Events", "walk-in,Affiliate")
    replace(config / "campaign_mapping.csv", "google,cpc,,Google Ads\n", "google,,,Radio\n")


def edit_settings(config: Path) -> None:
    """Close a month and remap a source of it, count other sales, take another revenue, look back less far."""
    (config / "closed_months.csv").write_text("month\n2025-09-01\n")
    replace(config / "funnel_mapping.csv", "Google Search,Google Ads,,,\n", "Google Search,Organic,,,\n")
    replace(config / "metrics.csv", "failed|cancelled|refunded|test", "failed")
    replace(config / "metrics.csv", "revenue_column,netAmount", "revenue_column,paidAmount")
    with (config / "metrics.csv").open("a") as file:
        file.write("attribution_lookback_days,3\n")
    with (config / "placeholder_phones.csv").open("a") as file:
        file.write("9876512345,not there\n")


def edit_nothing_that_counts(config: Path) -> None:
    replace(config / "funnel_mapping.csv", "form on the webinar page", "form on the page")


@pytest.fixture(scope="module")
def story(published: made.Published) -> Story:
    installation = published.demo()
    temporary = installation.home / "temporary"
    temporary.mkdir()
    installation.environment["TMPDIR"] = str(temporary)
    move_window(installation, installation.sources / "crm_assigned_leads.csv")
    assert installation.night(NIGHT).is_published
    (installation.drop / "zoom" / "waiting.csv").write_bytes(b"%PDF-1.7 for the next night")
    return Story(installation)


def move_window(installation: Installation, dump: Path) -> None:
    """Take the first five days out of the dump, as the CRM does."""
    rows = Lake(UPath(installation.home / "state" / "lake")).read(ASSIGNED_LEADS, BEFORE)
    old = set(rows["source_row"][rows["assigned_date"] < rows["assigned_date"].min() + pd.Timedelta(days=5)])
    lines = dump.read_bytes().splitlines(keepends=True)
    dump.write_bytes(b"".join(line for number, line in enumerate(lines, start=1) if number not in old))


@pytest.fixture(scope="module")
def step(story: Story) -> Step:
    return story.edit("edit", edit_mappings, edit_settings)


@pytest.fixture(scope="module")
def notes(story: Story, step: Step, campaign: bool) -> Step:
    """An edit of a note, taken back after its preview."""
    if not campaign:
        pytest.skip("at full size: --campaign")
    mapping = story.installation.config / "funnel_mapping.csv"
    kept = mapping.read_bytes()
    found = story.edit("notes", edit_nothing_that_counts, then_run=False)
    mapping.write_bytes(kept)
    return found


# ---------------------------------------------------------------- the preview equals the result


def cells_of(table: Table, before: pd.DataFrame, after: pd.DataFrame) -> set[tuple[str, ...]]:
    """Return every cell that differs between two states of PostgreSQL: month, key, column, before, after."""
    key = list(table.key)
    pairs = before.merge(after, on=key, how="outer", suffixes=("_before", "_after")).fillna("")
    found = set()
    for row in pairs.to_dict("records"):
        label = ", ".join(f"{name}={row[name]}" for name in key if name != "month")
        for column in (name for name in table.names if name not in key):
            was, now = row[f"{column}_before"], row[f"{column}_after"]
            if was != now:
                found.add((row.get("month", ""), label, column, was, now))
    return found


@pytest.mark.parametrize("table", AGGREGATES, ids=lambda table: table.full_name)
def test_every_cell_that_then_differs_was_previewed_and_no_other(step: Step, table: Table) -> None:
    said = step.of("cell")[step.of("cell")["table_name"] == table.full_name]
    previewed = set(said[["month", "key", "column_name", "before", "after"]].itertuples(index=False, name=None))
    assert previewed == cells_of(table, *(side.aggregates[table.full_name] for side in (step.before, step.after)))
    assert len(previewed) == len(said)


@pytest.mark.parametrize("measure", ROWS)
def test_the_rows_that_then_move_are_those_previewed(step: Step, measure: str) -> None:
    pairs = step.before.rows[measure].merge(step.after.rows[measure], on="id", how="outer", suffixes=("", "_now"))
    assert pairs["day"].equals(pairs["day_now"]) or measure == "sales"
    went = pairs[pairs["funnel"].notna() & pairs["funnel_now"].notna() & (pairs["funnel"] != pairs["funnel_now"])]
    months = pd.to_datetime(went["day"]).dt.strftime("%Y-%m-01")
    expected = went.groupby([months, went["funnel"], went["funnel_now"]]).size().to_dict()
    said = step.of("moved")
    said = said[
        (said["column_name"] == measure) & ~said["from_funnel"].str.startswith("(not") & (said["to_funnel"] != "")
    ]
    said = said[~said["to_funnel"].str.startswith("(not")]
    if measure != "spend_lines":  # only their rupees are told
        keys = said[["month", "from_funnel", "to_funnel"]].itertuples(index=False, name=None)
        assert dict(zip(keys, said["difference"].astype(int), strict=True)) == expected


@pytest.mark.parametrize("measure", [name for name in MEASURES if name != "spend_lines"])
def test_what_comes_in_less_what_goes_out_is_the_difference_of_every_published_month_and_funnel(
    step: Step, measure: str
) -> None:
    said = step.of("moved")[step.of("moved")["column_name"] == measure]
    net: Counter[tuple[str, str]] = Counter()
    for month, source, target, amount in said[["month", "from_funnel", "to_funnel", "difference"]].to_numpy():
        net[month, target] += Decimal(amount)
        net[month, source] -= Decimal(amount)
    difference: Counter[tuple[str, str]] = Counter()
    for sign, side in ((-1, step.before), (1, step.after)):
        for month, funnel, amount in side.aggregates["mart.funnel_monthly"][["month", "funnel", measure]].to_numpy():
            difference[month, funnel] += sign * Decimal(amount)
    outside = ("(not counted)", "(another ")
    assert {cell: n for cell, n in net.items() if n and not cell[1].startswith(outside)} == {
        cell: n for cell, n in difference.items() if n
    }


def test_the_totals_of_a_month_are_those_of_all_its_funnels(step: Step) -> None:
    sums = []
    for side in (step.before, step.after):
        rows = side.aggregates["mart.funnel_monthly"]
        sums.append({(m, name): sum(map(Decimal, own[name])) for m, own in rows.groupby("month") for name in NUMBERS})
    expected = {cell: (sums[0].get(cell, 0), sums[1].get(cell, 0)) for cell in {**sums[0], **sums[1]}}
    expected = {cell: sides for cell, sides in expected.items() if sides[0] != sides[1]}
    said = step.of("month_total")
    sides = zip(said["before"].map(Decimal), said["after"].map(Decimal), strict=True)
    assert dict(zip(zip(said["month"], said["column_name"], strict=True), sides, strict=True)) == expected


NUMBERS = (*(name for name in MEASURES if name != "spend_lines"), "new_leads", "registrations", "attendances", "clicks")


def test_the_tables_that_then_differ_are_those_previewed(step: Step) -> None:
    published = [table for table in TABLES if not table.lake_only]
    own = {table.full_name for table in published if table.schema in {"raw", "clean", "mart"}} | {
        "ops.worklist_mapping"
    }
    told = {name for name in own if step.before.contents[name] != step.after.contents[name]} - {"mart.data_version"}
    assert set(step.of("table")["table_name"]) & own == told


def test_a_preview_leaves_no_trace_anywhere_and_needs_neither_sources_nor_database(step: Step) -> None:
    assert step.traces == []


# ---------------------------------------------------------------- that there was something to see


def test_the_edit_of_mappings_moves_leads_assignments_m0_sales_and_spend(step: Step) -> None:
    assert set(step.of("moved")["column_name"]) == set(MEASURES) - {"spend_lines"}
    lines = step.of("config")[["table_name", "column_name", "difference"]].to_numpy().tolist()
    assert ["funnel_mapping", "changed", "3"] in lines
    assert ["funnel_mapping", "added", "2"] in lines
    assert ["funnels", "added", "2"] in lines
    assert "What changes its funnel, by month:" in step.said
    assert "Totals of the month, over all funnels, that change:" in step.said


def test_a_source_dated_apart_moves_from_its_day_on_also_where_the_dump_no_longer_has_it(
    step: Step, story: Story
) -> None:
    rows = story.installation.query(
        "SELECT min(assigned_date) AS first, max(assigned_date) AS last, funnel FROM clean.assigned_leads "
        "WHERE lower(source) = 'tls webinar' GROUP BY funnel ORDER BY funnel"
    )
    radio, webinar = rows.itertuples(index=False)
    assert (radio.funnel, webinar.funnel) == ("Radio", "Webinar")
    assert webinar.last <= date(2025, 10, 10) < date(2025, 10, 11) <= radio.first
    aged = story.installation.query(
        "SELECT funnel, count(*) AS n FROM clean.assigned_leads WHERE dump_state = 'aged_out' GROUP BY funnel"
    )
    assert aged["n"].sum() > 5
    assert "FB Lead Form" not in set(aged["funnel"])


def test_the_edit_of_settings_changes_amounts_and_totals_and_attribution(step: Step) -> None:
    ways = set(zip(step.of("moved")["from_funnel"], step.of("moved")["to_funnel"], strict=True))
    assert any(source == "(another amount)" for source, _ in ways)
    assert any(source == "(not counted)" for source, _ in ways)
    assert {"sales", "revenue_inr"} <= set(step.of("month_total")["column_name"])
    assert {"mart.attributed_m0", "mart.attribution"} & set(step.of("table")["table_name"])


def test_m0_of_the_month_that_is_closed_stays_as_the_night_before_had_it_although_its_source_is_remapped(
    step: Step,
) -> None:
    said = step.of("moved")
    to_organic = said[(said["month"] == "2025-09-01") & (said["to_funnel"] == "Organic")]
    assert set(to_organic["column_name"]) == {"assigned_rows"}


def test_an_edit_that_moves_nothing_is_said_to(notes: Step) -> None:
    """With --campaign only: that a preview tells of nothing else is shown by every cell of the other edit."""
    assert notes.of("table")["table_name"].tolist() == []
    assert set(notes.detail["what"]) == {"config"}
    assert "The edit moves nothing: every table stays as it is." in notes.said
    assert notes.traces == []


def test_that_nothing_moves_or_no_total_of_a_month_is_printed() -> None:
    moved = {"month": pd.Timestamp("2025-10-01"), "from_funnel": "Webinar", "to_funnel": "Radio"}
    rows = pd.DataFrame([moved | dict.fromkeys(MEASURES, 1)])
    tables = pd.DataFrame([{"table_name": "clean.sales", "added": 0, "removed": 0, "changed": 1}])
    nothing = Preview(NIGHT, Path(), pd.DataFrame())
    texts = []
    for found in (nothing, Preview(NIGHT, Path(), pd.DataFrame(), moved=rows, tables=tables)):
        out = Console(file=io.StringIO(), width=150)
        _numbers(found, out, 20)
        texts.append(out.file.getvalue())
    assert texts[0] == "The edit moves nothing: every table stays as it is.\n"
    assert "The totals of each month, over all funnels, stay as they are." in texts[1]


# ---------------------------------------------------------------- what the night would not take


def test_the_config_in_force_moves_nothing_and_no_night_is_run_for_it(step: Step, story: Story) -> None:
    code, out, err = story.preview()
    assert (code, err) == (0, "")
    assert f"is as the night {NIGHT} used it: nothing moves" in out.replace("\n", " ")


def test_a_config_the_night_would_reject_is_told_with_all_its_errors(step: Step, story: Story) -> None:
    config = story.installation.config
    kept = {path: path.read_bytes() for path in config.rglob("*") if path.is_file()}
    with (config / "funnel_mapping.csv").open("a") as file:
        file.write("A new source,No Such Funnel,,,\n")
    (config / "metrics.csv").write_text("name,value\nattribution_lookback_days,soon\n")
    (config / "funnels.csv").unlink()
    code, out, err = story.preview()
    for path, data in kept.items():
        path.write_bytes(data)
    assert (code, out) == (1, "")
    assert "config_csv/funnels.csv: it is gone" in err
    assert "config_csv/funnel_mapping.csv: line" in err
    assert "No Such Funnel" in err
    assert "config_csv/metrics.csv: line 2" in err
    assert "Nothing was changed." in err
    assert "Traceback" not in err


def test_a_config_the_night_would_fail_with_is_told_by_asset(step: Step, story: Story) -> None:
    metrics = story.installation.config / "metrics.csv"
    kept = metrics.read_text()
    metrics.write_text(kept.replace("sale_date_column,createdOn", "sale_date_column,lastEmiDate"))
    code, _, err = story.preview()
    metrics.write_text(kept)
    assert code == 1
    assert "clean/sales: " in err
    assert "The next night would fail with it. Nothing was changed." in err


def test_a_file_of_somebody_else_is_refused_before_any_work(step: Step, story: Story) -> None:
    code, out, err = story.preview("--to", str(story.installation.config / "funnels.csv"))
    assert (code, out) == (1, "")
    assert "another file is there already" in err


def test_without_a_night_it_says_what_to_do(new_installation: Callable[[], Installation]) -> None:
    installation = new_installation()
    done = installation.command("config", "preview")
    assert done.returncode == 1
    assert "no night is complete in the lake" in done.stderr
    assert "Fix: run a night: funnel-etl run" in done.stderr
    assert not (installation.home / "state").exists()


def test_the_detail_is_opened_safely_by_a_spreadsheet(step: Step, story: Story) -> None:
    data = (story.installation.home / "edit.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "@"}]
