"""Whatever happens to a file on its way: it is refused in one readable line, or every row of it is accounted for.

Nothing is lost: of each accepted file every letter and digit is found again in `raw`, or on a line that a rule left
out by name; every row of `raw` in `clean`, among the merged, or in quarantine. At full size, with --campaign, thousands
of damaged files of each source.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from funnel_etl.catalog import SOURCES
from funnel_etl.core.config_tables import TABLES, Config, check_together, parse_table
from funnel_etl.core.errors import ConfigError, FunnelError
from funnel_etl.core.reading.csvfile import OVERFLOW, PROBLEM, SourceColumn, read_csv, read_header, spellings
from funnel_etl.core.reading.source_frame import raw_records
from funnel_etl.core.tables.accounting import Outcome
from funnel_etl.core.tables.contracts import Table
from funnel_etl.core.values.text import decode
from funnel_etl.parts.marketing.zoom.clean import contracts as zoom
from funnel_etl.parts.marketing.zoom.clean.attendance import zoom_attendance, zoom_segments
from funnel_etl.parts.marketing.zoom.clean.bootcamps import bootcamp_participation
from funnel_etl.parts.marketing.zoom.clean.occurrences import CONFIG_READ, webinars, zoom_occurrences
from funnel_etl.parts.marketing.zoom.clean.registrations import zoom_registrations
from funnel_etl.parts.marketing.zoom.clean.reports import zoom_reports
from funnel_etl.parts.marketing.zoom.reader import contracts as zoom_raw
from funnel_etl.parts.marketing.zoom.reader.read import read_export
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl.sources.guards import DumpReader
from funnel_etl.sources.nightly import NightlySources
from funnel_etl_tests.damage import PERSONAL, Damage, damaged, tried
from funnel_etl_tests.golden.week import NIGHTS, THU, TUE, write_night

pytestmark = pytest.mark.slow

ZONE = "Asia/Kolkata"
LEFT_OUT = {f"excluded:{why}" for why in ("above_header", "repeated_header", "row_count")}
Clean = Callable[[pd.DataFrame, Config, str], Outcome]


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, config and reports of a small week."""
    folder = tmp_path_factory.mktemp("week")
    for name in ("sources", "config", "zoom"):
        (folder / name).mkdir()
    for night in NIGHTS:
        write_night(night, folder / "sources", folder / "config", folder / "zoom")
    return folder


@pytest.fixture(scope="module")
def config(week: Path) -> Config:
    return Config({n: parse_table(n, d) for n, d in config_files(week).items()} | missing_tables(week), "week")


def config_files(week: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in sorted((week / "config").glob("*.csv"))}


def missing_tables(week: Path) -> dict[str, pd.DataFrame]:
    return {name: parse_table(name, None) for name in TABLES if name not in config_files(week)}


def assert_readable(error: FunnelError) -> None:
    text = str(error)
    assert "\n" not in text
    assert ". Fix: " in text
    assert not PERSONAL.search(text), text


def letters(text: str) -> Counter[str]:
    return Counter(ch for ch in text if ch.isalnum())


def held(rows: pd.DataFrame) -> str:
    """All texts of a raw table: the source's columns and the fields beyond its header."""
    own = rows.drop(columns=["file_id", "source_row", PROBLEM, OVERFLOW])
    beyond = [cell for texts in rows[OVERFLOW].dropna() for cell in json.loads(texts)]
    return "".join([*(cell for name in own for cell in own[name].dropna()), *beyond])


def through(table: Table, outcome: Outcome) -> pd.DataFrame:
    """Return the rows as the lake hands them on; they hold their contract, and the account balances."""
    contract = table.extended_with(outcome.rows.columns) if table.extensible else table
    rows = contract.conform(outcome.rows)
    assert contract.problems(rows) == []
    assert all(line.balances for line in outcome.ledger)
    assert not any(PERSONAL.search(str(note)) for note in [*outcome.notes, *outcome.drift]), outcome.notes
    return contract.from_arrow(contract.to_arrow(rows))


def assert_each_row_is_somewhere(raw: pd.DataFrame, clean: pd.DataFrame, outcome: Outcome) -> None:
    ends = [*clean["source_row"], *outcome.quarantine["source_row"], *outcome.merged["source_row"]]
    assert sorted(ends) == sorted(raw["source_row"])
    assert sum(line.rows_in for line in outcome.ledger) == len(raw)
    assert outcome.quarantine["reason"].notna().all()


@pytest.mark.parametrize("source", SOURCES)
def test_a_damaged_dump_is_refused_or_every_row_of_it_is_accounted_for(
    source: str, week: Path, config: Config, tmp_path: Path, campaign: bool
) -> None:
    data = (week / "sources" / f"{source}.csv").read_bytes()
    declared = SOURCES[source]
    documented, raw_table, clean_table, clean = declared.documented, declared.raw, declared.clean, declared.build
    given = Settings(home=tmp_path)
    landing = Landing(tmp_path / "landing")
    seen: Counter[str] = Counter()

    def night(damages: list[Damage]) -> None:
        broken = damaged(data, damages)
        reader = DumpReader(given, landing, declared, config, night=TUE)
        try:
            judged = reader.judge([broken])
            outcome = reader.records([judged.dump.file_id], judged)
            raw = through(raw_table, outcome)
            made = clean(raw, config, ZONE)
        except FunnelError as error:
            seen["refused"] += 1
            assert_readable(error)
            return
        seen["read"] += 1
        text, names = decode(broken).text, spellings(documented(config), {})
        gone = {line for lines in read_csv(broken, names).left_out.values() for line in lines}
        seen["left out"] += len(gone)
        assert sum(n for line in outcome.ledger for why, n in line.reasons.items() if why in LEFT_OUT) == len(gone)
        left = "".join(line for at, line in enumerate(io.StringIO(text, newline=""), start=1) if at in gone)
        header = "".join(read_header(broken, names))
        assert letters(held(raw)) + letters(header) + letters(left) == letters(text)
        rows = through(clean_table, made)
        seen["quarantined"] += len(made.quarantine)
        assert_each_row_is_somewhere(raw, rows, made)

    tried(night, 1500 if campaign else 40)
    assert seen["refused"] > 5
    assert seen["read"] > 15
    assert seen["quarantined"] > 5


@pytest.mark.parametrize("report", ["registration_thursday", "attendee_thursday", "attendee_sunday"])
def test_a_damaged_report_is_refused_or_every_row_of_it_ends_somewhere(
    report: str, week: Path, config: Config, campaign: bool
) -> None:
    files = {path.stem: path.read_bytes() for path in (week / "zoom").glob("*.csv")}
    ids = {name: f"{number:064}" for number, name in enumerate(files)}
    whole = {name: read_export(data, file_id=ids[name], zone=ZONE) for name, data in files.items()}
    seen: Counter[str] = Counter()

    def night(damages: list[Damage]) -> None:
        try:
            broken = read_export(damaged(files[report], damages), file_id=ids[report], zone=ZONE)
        except FunnelError as error:
            seen["refused"] += 1
            assert_readable(error)
            if seen["refused"] > 1:
                return  # the other reports are what they were the first time
            exports = [export for name, export in whole.items() if name != report]
        else:
            seen["read"] += 1
            exports = list((whole | {report: broken}).values())
        facts = [e.facts | {"name": "x.csv", "received_at": pd.Timestamp(TUE, tz="UTC"), "bytes": 1} for e in exports]
        raw_reports = pd.DataFrame([{**f, "notes": "[]"} for f in facts], columns=zoom_raw.RAW_ZOOM_REPORTS.names)
        reports = through(zoom_raw.RAW_ZOOM_REPORTS, Outcome(raw_reports))
        rows = {}
        for kind, table in (
            ("attendee", zoom_raw.RAW_ZOOM_ATTENDEE_ROWS),
            ("registration", zoom_raw.RAW_ZOOM_REGISTRANT_ROWS),
        ):
            frames = [table.conform(e.rows) for e in exports if e.facts["report"] == kind]
            rows[kind] = through(table, Outcome(pd.concat([table.empty(), *frames], ignore_index=True)))
        assert_zoom_accounts(reports, rows["attendee"], rows["registration"], config)

    tried(night, 400 if campaign else 12)
    assert seen["refused"] > 3
    assert seen["read"] > 3


def assert_zoom_accounts(
    raw_reports: pd.DataFrame, attendees: pd.DataFrame, registrants: pd.DataFrame, config: Config
) -> None:
    rows = {"attendee_rows": attendees, "registrant_rows": registrants}
    reports = through(zoom.ZOOM_REPORTS, zoom_reports(raw_reports, **rows, zone=ZONE, placeholders=config.placeholders))
    tables = {name: config.table(name) for name in CONFIG_READ}
    told = zoom_occurrences(reports, attendees, **tables, conductors_csv=config.table("conductors"), zone=ZONE)
    occurrences = through(zoom.ZOOM_OCCURRENCES, told)
    people = {"reports": reports, **rows, "occurrences": occurrences, "placeholders": config.placeholders}
    bots = config.table("bot_names")
    came, listed = zoom_attendance(**people, bot_names=bots), zoom_registrations(**people, bot_names=bots, zone=ZONE)
    attendance, registrations = through(zoom.ZOOM_ATTENDANCE, came), through(zoom.ZOOM_REGISTRATIONS, listed)
    assert sum(line.rows_in for line in came.ledger) >= len(attendees)
    assert sum(line.rows_in for line in listed.ledger) >= len(registrants)
    through(zoom.ZOOM_SEGMENTS, zoom_segments(reports, **rows, bot_names=bots, placeholders=config.placeholders))
    through(zoom.WEBINARS, webinars(occurrences, registrations, attendance))
    through(zoom.BOOTCAMP_PARTICIPATION, bootcamp_participation(attendance, occurrences))


def test_a_damaged_config_file_never_ends_a_night_that_had_a_good_one(
    week: Path, tmp_path: Path, campaign: bool
) -> None:
    files = config_files(week)
    folder = tmp_path / "config_csv"
    folder.mkdir()
    sources = NightlySources(Settings(home=tmp_path, config_dir=folder), Landing(tmp_path / "landing"))
    leads = (week / "sources" / "crm_assigned_leads.csv").read_bytes()
    declared = SOURCES["crm_assigned_leads"]
    documented, raw_table, clean_table, clean = declared.documented, declared.raw, declared.clean, declared.build
    raw = through(raw_table, raw_of(leads, documented))

    def lay(changed: dict[str, bytes]) -> None:
        for name, data in (files | changed).items():
            (folder / f"{name}.csv").write_bytes(data)

    lay({})
    assert {version.status for version in sources.accept_config(THU)} == {"accepted"}
    seen: Counter[str] = Counter()

    def night(damages: list[Damage]) -> None:
        name = sorted(files)[damages[0][1] % len(files)]
        lay({name: damaged(files[name], damages)})
        for version in sources.accept_config(TUE):
            seen[version.status] += 1
            assert version.name == name or version.status == "accepted" or version.errors
            if version.errors:
                assert_told(version.errors, version.name)
        made = clean(raw, sources.config(TUE), ZONE)
        assert_each_row_is_somewhere(raw, through(clean_table, made), made)

    tried(night, 1500 if campaign else 20)
    assert seen["rejected"] > 5
    assert seen["accepted"] > 100


def assert_told(text: str, name: str) -> None:
    assert "\n" not in text
    assert f"{name}.csv" in text


def raw_of(data: bytes, documented: Callable[[Config], list[SourceColumn]]) -> Outcome:
    return raw_records(data, "f" * 64, "crm_assigned_leads", documented(Config({}, "")), {})


def test_a_damaged_first_config_is_told_file_and_line(week: Path, config: Config, campaign: bool) -> None:
    files = config_files(week)
    seen: Counter[str] = Counter()

    def first_night(damages: list[Damage]) -> None:
        name = sorted(files)[damages[0][1] % len(files)]
        try:
            tables = {**config.tables, name: parse_table(name, damaged(files[name], damages))}
        except ConfigError as error:
            seen["refused"] += 1
            assert_told(str(error), name)
            return
        seen["read"] += 1
        for error in check_together(tables).values():
            assert "\n" not in str(error)

    tried(first_night, 3000 if campaign else 60)
    assert min(seen["refused"], seen["read"]) > 20
