"""Seven nights in a row, published and compared, byte by byte, with files that a person has reviewed.

The story is `week.STORY`. `expected/<night>/<table>.csv` holds each table of mart as published on that night; the
last night also has the CRM's history and the quarantine. To write the files anew after a change that moves numbers:

    REGENERATE_GOLDEN=1 .venv/bin/python -m pytest funnel_etl_tests/golden

then read `git diff funnel_etl_tests/golden/expected` line by line: every moved number must have its reason.
"""

import csv
import io
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from upath import UPath

from funnel_etl.assembly import TABLES, engagement
from funnel_etl.catalog import SOURCES
from funnel_etl.core.source import Source
from funnel_etl.core.tables.contracts import Kind, Table
from funnel_etl.demo.crm_server import LoopbackCrm
from funnel_etl.marts.funnel.contracts import MEASURES
from funnel_etl.observe.changes.contracts import CHANGES
from funnel_etl.operate.run.night import NightResult
from funnel_etl.parts.sales.contracts import CRM_HISTORY
from funnel_etl.platform.contracts import QUARANTINE
from funnel_etl.platform.lake import Lake
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.golden.week import FRI, MON, NIGHTS, SAT, SUN, THU, TUE, WED, file_labels, write_night
from funnel_etl_tests.installation import Installation

EXPECTED = Path(__file__).parent / "expected"
REGENERATE = os.environ.get("REGENERATE_GOLDEN") == "1"
TOKEN = "week-token"
MART = [table for table in TABLES if table.schema == "mart" and table not in engagement.TABLES]
MOMENTS = {"published_at", "code_version", "first_seen_at"}
"""Columns that tell when or by which version it was run: another run has others."""
_LATER = "SELECT count(*) FROM ops.nights AS n WHERE n.part = 'engagement' AND n.version < t.version"
NUMBERED = {"version": f"(t.version - ({_LATER}))::text"}
"""The number of a publication, without those of engagement: they came later, and the files were reviewed before."""
SHOWN = {Kind.NUMBER: "round({}::numeric, 6)::text", Kind.TIMESTAMP: "to_char({}, 'YYYY-MM-DD HH24:MI:SS')"}


@dataclass
class Week:
    """What each night published: (night, table) → CSV, and table by table as a frame of texts."""

    installation: Installation
    sources: Path
    labels: dict[str, str] = field(default_factory=dict)
    results: dict[date, NightResult] = field(default_factory=dict)
    published: dict[tuple[date, str], pd.DataFrame] = field(default_factory=dict)
    changes: dict[date, pd.DataFrame] = field(default_factory=dict)
    hashes: dict[date, dict[str, str]] = field(default_factory=dict)

    def run(self, night: date) -> None:
        write_night(night, self.sources, self.installation.config, self.installation.drop / "zoom")
        self.labels = file_labels(self.sources, night) | self.labels
        self.results[night] = self.installation.night(night)
        for table in [*MART, *((CRM_HISTORY, QUARANTINE) if night == NIGHTS[-1] else ())]:
            self.published[night, table.name] = self.read(table)
        self.changes[night] = self.read(CHANGES)
        assert not self.results[night].failures, self.results[night].failures
        self.hashes[night] = self.made(night)

    def read(self, table: Table) -> pd.DataFrame:
        """Return a published table as text: rows in the order of its key, files by name, times in the business zone."""
        columns = [column for column in table.columns if column.name not in MOMENTS]
        texts = ", ".join(
            f"{NUMBERED.get(c.name, SHOWN.get(c.kind, '{}::text')).format(c.name)} AS {c.name}" for c in columns
        )
        order = ", ".join(f"t.{name}" for name in table.key)
        with self.installation.engine.connect() as connection:
            connection.execute(sa.text("SET TIME ZONE 'Asia/Kolkata'"))
            query = sa.text(f"SELECT {texts} FROM {table.full_name} AS t ORDER BY {order}")  # noqa: S608
            rows = pd.read_sql(query, connection, dtype="str").fillna("")
        for column in rows.filter(like="file_id"):
            rows[column] = rows[column].map(self.labels)
        if "resolved_at" in rows:
            rows["resolved_at"] = rows["resolved_at"].where(rows["resolved_at"] == "", "resolved")
        return rows

    def made(self, night: date) -> dict[str, str]:
        """Return the hash of each table of a night in the lake."""
        lake = Lake(UPath(self.installation.home / "state" / "lake"))
        return {
            t.full_name: lake.content_hash(t, night)
            for t in TABLES
            if t.schema in ("raw", "clean", "mart") or t == CHANGES
        }

    def total(self, night: date, measure: str, **where: str) -> float:
        """Sum a measure of the facts of a night, by date or funnel."""
        facts = self.published[night, "funnel_facts"]
        for name, value in where.items():
            facts = facts[facts[name] == value]
        return float(facts[measure].astype("float64").sum())

    def one(self, night: date, table: str, **where: str) -> dict[str, str]:
        """Return the one row of a table."""
        rows = self.published[night, table]
        for name, value in where.items():
            rows = rows[rows[name] == value]
        assert len(rows) == 1, (night, table, where, len(rows))
        return {str(name): str(value) for name, value in rows.iloc[0].items()}


@pytest.fixture(scope="module")
def week(new_installation: Callable[[], Installation]) -> Iterator[Week]:
    installation = new_installation()
    shutil.rmtree(installation.config)
    sources = installation.home / "sources"
    for folder in (installation.config, sources):
        folder.mkdir()
    with LoopbackCrm(sources, TOKEN) as crm:
        installation.environment |= {
            "FUNNEL_TOFU_LEADS_URL": str(sources / "tofu_leads.csv"),
            "FUNNEL_AD_SPEND_URL": str(sources / "ad_spend.csv"),
            "FUNNEL_CRM_ASSIGNED_LEADS_URL": crm.assigned_leads_url,
            "FUNNEL_CRM_SALES_URL": crm.sales_url,
            "FUNNEL_CRM_AUTH": "bearer",
            "FUNNEL_CRM_SECRET": TOKEN,
        }
        told = Week(installation, sources)
        for night in NIGHTS:
            told.run(night)
        yield told


def test_every_night_of_the_week_is_published_whole(week: Week) -> None:
    assert {night: result.failures for night, result in week.results.items()} == {night: {} for night in NIGHTS}
    assert all(result.is_published for result in week.results.values())
    assert {night: result.unwatched for night, result in week.results.items()} == {night: {} for night in NIGHTS}


@pytest.mark.parametrize("night", NIGHTS, ids=str)
def test_the_night_is_byte_for_byte_what_was_reviewed(week: Week, night: date) -> None:
    folder = EXPECTED / str(night)
    actual = {f"{name}.csv": rows.to_csv(index=False) for (of, name), rows in week.published.items() if of == night}
    assert len(actual) >= 6
    if REGENERATE:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in actual.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
        pytest.skip("written anew: read the difference line by line")
    expected = {path.name: path.read_bytes().decode() for path in folder.glob("*.csv")}
    assert actual == expected


# ---------------------------------------------------------------- the story: what a golden file must not get wrong


def test_a_late_report_moves_past_days(week: Week) -> None:
    before, after = (week.one(night, "attributed_m0", month="2025-10-01", phone="9876500002") for night in (FRI, SAT))
    assert (before["attended"], after["attended"]) == ("not_found", "yes")
    assert after["first_attended_at"] == "2025-10-30 18:58:10"
    assert after["attended_before_assignment"] == "true"
    assert week.total(FRI, "attendances", date=str(THU)) == 0
    assert week.total(SAT, "attendances", date=str(THU)) == 2
    assert week.total(FRI, "registrations", date=str(THU)) == week.total(SAT, "registrations", date=str(THU)) == 3
    assert week.one(SAT, "attributed_m0", month="2025-10-01", phone="9876500006")["attended"] == "no"


def test_an_edited_sale_counts_with_its_new_amount_and_a_refunded_one_no_more(week: Week) -> None:
    assert [week.total(night, "revenue_inr", funnel="Meta Ads") for night in NIGHTS] == [
        *(0, 0, 12500.50, 12500.50, 11000, 11000, 0)
    ]
    history = week.published[TUE, "crm_history"]
    sale = history[history["key"] == "s1"]
    assert sale[["change", "changed_columns", "valid_from", "valid_to"]].to_numpy().tolist() == [
        ["inserted", "", str(FRI), str(SUN)],
        ["changed", "{netAmount}", str(SUN), str(TUE)],
        ["changed", "{status}", str(TUE), ""],
    ]


def test_a_row_gone_from_inside_the_window_leaves_the_facts_and_stays_in_history(week: Week) -> None:
    phones = {night: set(week.published[night, "attributed_m0"]["phone"]) for night in NIGHTS}
    assert [("9876500005" in phones[night]) for night in NIGHTS] == [True] * 4 + [False] * 3
    history = week.published[TUE, "crm_history"]
    gone = history[history["row"].str.contains("9876500005")]
    assert gone[["change", "valid_from", "valid_to"]].to_numpy().tolist() == [
        ["inserted", str(WED), str(SUN)],
        ["disappeared", str(SUN), ""],
    ]


def test_rows_the_window_moved_past_stay(week: Week) -> None:
    assert week.one(TUE, "attributed_m0", month="2025-10-01", phone="9876500001")["funnel"] == "Meta Ads"
    assert [week.total(night, "assigned_rows", date=str(WED)) for night in (SAT, MON, TUE)] == [3, 2, 2]
    history = week.published[TUE, "crm_history"]
    assert "disappeared" not in set(history.loc[history["valid_from"] == str(TUE), "change"])


def test_a_mapping_edit_moves_the_past_and_dated_mappings_hold_on_their_days(week: Week) -> None:
    chand = [week.one(night, "attributed_m0", phone="+971501234567")["funnel"] for night in (FRI, SUN, MON, TUE)]
    assert chand == ["Other Sources (Miscellaneous)"] * 2 + ["Google Ads"] * 2
    assert week.one(SAT, "attributed_m0", month="2025-10-01", phone="9876500005")["funnel"] == "Referral"
    old_list = week.one(SAT, "attributed_m0", month="2025-11-01", phone="9876500001")
    assert (old_list["source"], old_list["funnel"]) == ("Old List", "Other Sources (Miscellaneous)")


def test_a_sale_after_as_of_waits_for_its_night(week: Week) -> None:
    assert "S4" not in set(week.published[MON, "attributed_sales"]["sale_id"])
    sale = week.one(TUE, "attributed_sales", sale_id="S4")
    assert (sale["final_funnel"], sale["revenue_inr"]) == ("Google Ads", "")
    assert (sale["attended"], sale["first_touch_stage"], sale["days_to_convert"]) == ("yes", "lead", "5")


def test_a_typed_funnel_and_half_a_paisa_are_what_the_rules_say(week: Week) -> None:
    sale = week.one(TUE, "attributed_sales", sale_id="S2")
    assert (sale["final_funnel"], sale["final_funnel_rule"]) == ("Referral", "manual_mapped")
    assert sale["revenue_inr"] == "10000.00"
    assert (sale["m0_month"], sale["m0_funnel"]) == ("2025-10-01", "Webinar")
    assert week.total(WED, "spend_inr") == pytest.approx(1234.57 + 500 + 0.01)
    assert week.total(WED, "spend_inr", funnel="Unmapped") == 0.01


def test_what_was_mended_at_the_source_is_resolved_and_counts(week: Week) -> None:
    quarantine = week.published[TUE, "quarantine"]
    assert quarantine[["asset", "reason", "resolved_at"]].sort_values("asset").to_numpy().tolist() == [
        ["clean.ad_spend", "bad_money", "resolved"],
        ["clean.tofu_leads", "bad_date", ""],
    ]
    assert week.total(SUN, "spend_inr", funnel="Referral") == 0
    assert week.total(MON, "spend_inr", funnel="Referral") == 100


def test_m0_of_both_months_has_the_phone_assigned_in_both(week: Week) -> None:
    rows = week.published[TUE, "attributed_m0"]
    asha = rows[rows["phone"] == "9876500001"]
    assert asha[["month", "first_employee"]].to_numpy().tolist() == [["2025-10-01", "Ravi"], ["2025-11-01", "Sana"]]
    assert week.one(TUE, "attributed_m0", month="2025-11-01", phone="9876500002")["current_employee"] == "Sana"


def test_what_moved_shows_under_its_cause_on_every_night(week: Week) -> None:
    told = {
        night: sorted(
            {
                " ".join(row)
                for row in rows[["cause", "metric", "date", "funnel", "difference"]].to_numpy()
                if row[0] != "new_day"
            }
        )
        for night, rows in week.changes.items()
    }
    misc = "Other Sources (Miscellaneous)"
    assert told == {
        **{night: [] for night in (WED, THU, FRI)},
        SAT: [
            f"late attendances {THU} Webinar 2.00",
            f"late m0_attended {WED} Meta Ads 1.00",
            f"late m0_attended {THU} Webinar 1.00",
        ],
        SUN: [
            f"edited revenue_inr {FRI} Meta Ads -1500.50",
            f"vanished assigned_rows {WED} Referral -1.00",
            f"vanished m0_assigned {WED} Referral -1.00",
        ],
        MON: [
            f"edited spend_inr {WED} Referral 100.00",
            *(
                f"mapping {metric} {FRI} {funnel} {moved}"
                for metric in ("assigned_rows", "m0_assigned", "m0_attended")
                for funnel, moved in (("Google Ads", "1.00"), (misc, "-1.00"))
            ),
        ],
        TUE: [f"edited revenue_inr {FRI} Meta Ads -11000.00", f"edited sales {FRI} Meta Ads -1.00"],
    }


def test_the_causes_of_every_number_add_up_to_what_it_moved_since_the_night_before(week: Week) -> None:
    numbers = 0
    for before, night in pairwise(NIGHTS):
        moved: Counter[tuple[str, ...]] = Counter()
        for sign, of in ((-1, before), (1, night)):
            facts = week.published[of, "funnel_facts"].melt(["date", "funnel"], list(MEASURES), var_name="metric")
            for row in facts.itertuples():
                moved[row.metric, row.date, row.funnel] += sign * Decimal(row.value)  # type: ignore[assignment]
        told: Counter[tuple[str, ...]] = Counter()
        for row in week.changes[night].itertuples():
            told[row.metric, row.date, row.funnel] += Decimal(row.difference)  # type: ignore[assignment]
        assert {cell: value for cell, value in told.items() if value} == {c: v for c, v in moved.items() if v}
        assert set(week.changes[night]["previous_as_of"]) == {str(before)}
        numbers += len(told)
    assert numbers > 50


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
def test_every_row_of_a_dump_leads_to_the_first_dump_that_had_it_and_to_the_newest(week: Week, source: Source) -> None:
    landing = Landing(week.installation.home / "state" / "landing")
    first: dict[tuple[object, int], tuple[str, int]] = {}
    for night in NIGHTS:
        [file_id] = landing.night(night, source.name) or []
        records = list(csv.reader(io.StringIO(landing.read(file_id).decode("utf-8-sig"), newline="")))
        seen: Counter[object] = Counter()
        newest = {}
        for line, cells in enumerate(records[1:], start=2):
            content = frozenset((name, cell) for name, cell in zip(records[0], cells, strict=True) if cell)
            seen[content] += bool(content)
            if content:
                newest[file_id, line] = first.setdefault((content, seen[content]), (file_id, line))
    query = (
        "SELECT r.file_id, r.source_row, n.source, n.current_file_id, n.current_row "  # noqa: S608
        f"FROM {source.raw.full_name} AS r LEFT JOIN ops.current_lines AS n USING (file_id, source_row)"
    )
    rows = week.installation.query(query)
    led = zip(rows["current_file_id"], rows["current_row"], rows["file_id"], rows["source_row"], strict=True)
    assert {(file, line): (first_file, first_line) for file, line, first_file, first_line in led} == newest
    assert {*rows["source"]} == {source.name}
    assert len({file for file, _ in newest.values()}) > 1, "no row of it is older than its newest dump"
    counted = week.installation.value(f"SELECT DISTINCT rows FROM ops.files WHERE file_id = '{file_id}'")  # noqa: S608
    assert counted == len(newest)


def test_a_night_of_the_week_replayed_from_the_archive_gives_the_same_bytes(week: Week) -> None:
    contents = week.installation.contents("raw", "clean", "mart", "ops")
    again = week.installation.night(SAT, tofu_leads_url="/nowhere/leads.csv", crm_sales_url="http://127.0.0.1:1/")
    assert again.failures == {}
    assert week.made(SAT) == week.hashes[SAT]
    assert week.installation.contents("raw", "clean", "mart", "ops") == contents
