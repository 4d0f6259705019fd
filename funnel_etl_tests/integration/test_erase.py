"""`funnel-etl erase`: a person who is in every source, in many spellings, is in nothing that is kept afterwards.

Two nights of the golden week (with --campaign all thirty of `golden/month.py`) are published with Zuleika planted in
them, the server's files below the test's folder. The sources go on holding her. October is closed on Sunday. The
erasure is killed in the middle and completed by the next call, which is what the tests look at.
"""

import csv
import gzip
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from rich.console import Console
from upath import UPath

from funnel_etl.assembly import TABLES
from funnel_etl.core.errors import FunnelError
from funnel_etl.operate.erase import eraser as erasing
from funnel_etl.operate.erase.render import show
from funnel_etl.operate.rerun.replay import replay
from funnel_etl.operate.run.night import NightResult
from funnel_etl.operate.run.services import database_address, stop_database
from funnel_etl.operate.status.status import status
from funnel_etl.parts.marketing.contracts import RAW_TOFU_LEADS
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres import database
from funnel_etl.platform.postgres.embedded_place import settle
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.golden import month
from funnel_etl_tests.golden.week import MON, SAT, SUN
from funnel_etl_tests.installation import PROGRAM, Installation
from funnel_etl_tests.servers import new_port

pytestmark = pytest.mark.slow

PHONE, FIRST_EMAIL, SECOND_EMAIL = "9823456701", "zuleika.q@example.org", "zq+courses@example.net"
NAME = "Quarrington"
TRACES = [PHONE, "98234 56701", "98234-56701", FIRST_EMAIL, SECOND_EMAIL, NAME]
LEADS = (
    f"Zuleika {NAME},{FIRST_EMAIL},+91 98234-56701,Pune,fb,cpc,autumn,29-10-2025 09:15",
    f"Zuleika {NAME},{SECOND_EMAIL.upper()},9823456701.0,Pune,fb,cpc,winter,31-10-2025 09:20",
    f"Zuleika {NAME},{FIRST_EMAIL},98234 56701 / 9876500099,Pune,fb,cpc,winter,01-11-2025 10:00",
    f"Zuleika {NAME},{FIRST_EMAIL},9823456701,Pune,fb,cpc,winter,never",
    f'"Zuleika\n{NAME}",{FIRST_EMAIL},9823456701,Pune,fb,cpc,winter,01-11-2025 11:00',
    f"Zuleika {NAME},,९८२३४५६७०१,Pune,fb,cpc,winter,some day",
    f"Zuleika {NAME},,98234      56701,Pune,fb,cpc,winter,another day",
)
ASSIGNED = (
    "FB Form,30-10-2025 10:00,09823456701,Ravi",
    "Old List,01-11-2025 10:00,919823456701,Sana",
)
ATTENDED = (
    f"Yes,Zuleika {NAME},Zuleika,{NAME},{FIRST_EMAIL},,11/01/2025 09:00:00 AM,approved,"
    "11/02/2025 11:00:30 AM,11/02/2025 12:00:00 PM,60,Yes,India,"
)
REGISTERED = f"Zuleika,{NAME},{FIRST_EMAIL},'+91 (98234) 56701,10/30/2025 10:00:00 AM,approved"


class Told:
    """An installation, its nights and the one after the erasure, the tables as they were, and what the command said."""

    def __init__(self, at: Installation, nights: Sequence[date], then: date) -> None:
        self.at = at
        self.nights = nights
        self.then = then
        self.before: dict[str, list[str]] = {}
        self.dry = self.said = ""
        self.open: list[str] = []
        self.sunday = b""


def plant(sources: Path, drop: Path) -> None:
    """Put Zuleika into the sources as they lie there, between the others and at the end."""
    leads, assigned, sales = (sources / f"{name}.csv" for name in ("tofu_leads", "crm_assigned_leads", "crm_sales"))
    lines = leads.read_text().splitlines()
    leads.write_text("\n".join([*lines[:2], *LEADS[:3], *lines[2:], *LEADS[3:]]) + "\n", encoding="utf-16")
    assigned.write_bytes(("\r\n".join([*assigned.read_text().splitlines(), *ASSIGNED])).encode())
    text = sales.read_text()
    header = next(csv.reader(io.StringIO(text)))
    row = {"_id": "Z9", "status": "success", "createdOn": "31-10-2025 15:00", "StudentContact": "+919823456701"}
    row |= {"netAmount": "7000", "employeeName": "Ravi", "assignedLeadSources": "FB Form", "Funnel": "Meta Ads"}
    row |= {"studentEmail": SECOND_EMAIL, "studentName": f"Zuleika {NAME}"}
    known = {re.sub("[^a-z]", "", name.lower()): name for name in header}
    by_name = {known.get(re.sub("[^a-z]", "", name.lower()), name): value for name, value in row.items()}
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow([by_name.get(name, "") for name in header])
    sales.write_text(text + out.getvalue())
    for name, row_of_report in (("attendee_sunday.csv", ATTENDED), ("attendee_thursday.csv", ATTENDED)):
        if (drop / name).exists():
            (drop / name).write_bytes((drop / name).read_bytes() + f"{row_of_report}\r\n".encode())
    (drop / f"registration_{PHONE}.csv").write_bytes(
        '\ufeffRegistration Report,\r\nReport generated time,"11/01/2025 06:00:00 PM"\r\n'
        "Topic,ID,Scheduled Time,Duration (minutes),# Registrants,# Cancelled registrants\r\n"
        "Plutus ACCA Live,81200000001,11/02/2025 11:00:00 AM, 90,2,0\r\nAttendee Details,\r\n"
        "First Name,Last Name,Email,Phone,Registration Time,Approval Status\r\n"
        f"{REGISTERED}\r\nEsha,Jain,esha@example.org,9876500006,10/30/2025 10:00:00 AM,approved\r\n".encode()
    )


def people(at: Installation) -> dict[str, list[str]]:
    """Every row of every published table of people, as text."""
    with at.engine.connect() as connection:
        tables = connection.execute(
            sa.text(
                "SELECT table_schema, table_name FROM information_schema.columns WHERE column_name = 'phone' "
                "AND table_schema IN ('clean', 'mart', 'parity') ORDER BY 1, 2"
            )
        ).all()
        found = {}
        for schema, name in tables:
            sql = sa.text(f'SELECT CAST(t AS text) FROM "{schema}"."{name}" AS t')  # noqa: S608
            found[f"{schema}.{name}"] = sorted(connection.execute(sql).scalars())
    return found


def traces_in(data: bytes, *traces: str) -> list[str]:
    """What of Zuleika (or of `traces`) is in some bytes, in any case and in UTF-8 or UTF-16, packed or not."""
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    if data.startswith(b"PAR1"):
        data = json.dumps(pq.read_table(io.BytesIO(data)).to_pylist(), default=str, ensure_ascii=False).encode()
    lower = data.lower()
    return [t for t in traces or TRACES if t.lower().encode() in lower or t.lower().encode("utf-16-le") in lower]


def files_with_traces(at: Installation, *traces: str) -> dict[str, list[str]]:
    """Search every file of the installation, but the sources and the config folder, which are people's own."""
    folders = [at.home / "state", at.drop, settle(at.home / "state" / "postgres").base]
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    assert len(files) > 500
    found = {}
    for path in files:
        with suppress(FileNotFoundError):  # the server's own, gone meanwhile
            if seen := traces_in(path.read_bytes(), *traces) + traces_in(path.name.encode(), *traces):
                found[str(path)] = seen
    return found


def dumped(at: Installation, *traces: str) -> dict[str, list[str]]:
    """Search every row of every table of both databases."""
    found = {}
    url = at.engine.url
    for name in (url.database, "dagster"):
        made = database.engine(url.set(database=name).render_as_string(hide_password=False))
        with made.connect() as connection:
            tables = connection.execute(sa.text("SELECT schemaname, tablename FROM pg_tables"))
            for schema, table in tables.all():
                rows = connection.execute(sa.text(f'SELECT CAST(t.* AS text) FROM "{schema}"."{table}" AS t'))  # noqa: S608
                if seen := traces_in("\n".join(rows.scalars()).encode(), *traces):
                    found[f"{name}: {schema}.{table}"] = seen
        made.dispose()
    return found


def erase(at: Installation, *who: str, dry_run: bool = False, exit_code: int = 0) -> str:
    """Do what the command does, and return its words."""
    said = Console(file=io.StringIO(), width=150)
    with at.settings() as settings:
        assert show(settings, said, said, [*who], dry_run=dry_run, yes=True, shared=False) == exit_code
    return said.file.getvalue()


def kill_in_the_middle(at: Installation, who: str) -> None:
    """Begin the erasure by the command, and kill it when the archive has lost the lines and the lake has not."""
    begun = subprocess.Popen(
        [PROGRAM, "erase", who, "--yes"],
        env=at.program_environment(),
        cwd=at.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert begun.stderr is not None
    for line in begun.stderr:
        if "lake: rows go out" in line:
            break
    begun.kill()
    begun.wait()
    begun.stderr.close()


def stop(at: Installation) -> None:
    at.engine.dispose()
    with at.settings() as settings:
        stop_database(settings)


@pytest.fixture(scope="module")
def told(new_installation: Callable[[], Installation], campaign: bool) -> Iterator[Told]:
    at = new_installation()
    at.engine.dispose()
    at.environment |= {"FUNNEL_DATABASE_URL": "embedded", "FUNNEL_DATABASE_PORT": str(new_port())}
    at.environment |= {"FUNNEL_QUARANTINE_LIMIT": "1"}
    sources = at.home / "sources"
    sources.mkdir()
    names = ("tofu_leads", "ad_spend", "crm_assigned_leads", "crm_sales")
    at.environment |= {f"FUNNEL_{name.upper()}_URL": str(sources / f"{name}.csv") for name in names}
    with at.settings() as settings:
        at.engine = database.engine(database.normalise_url(database_address(settings)))
    result = Told(at, *((month.NIGHTS[:-1], month.NIGHTS[-1]) if campaign else ((SAT, SUN), MON)))
    for night in result.nights:
        month.write_night(night, sources, at.config, at.drop / "zoom")
        plant(sources, at.drop / "zoom")
        if night == SUN:
            (at.config / "closed_months.csv").write_text("month\n2025-10-01\n")
            result.sunday = (at.drop / "zoom" / "attendee_sunday.csv").read_bytes()
        if night >= SUN:
            with (at.config / "manual_mapping.csv").open("a") as file:
                file.write(f"Z9,walk-in,asked by Zuleika {NAME}\n")
            mapping = at.config / "funnel_mapping.csv"
            mapping.write_text(mapping.read_text() + f"Zuleika's list,Webinar,,,asked by {FIRST_EMAIL}\n")
        done = at.night(night)
        assert done.failures == {}
    result.before = people(at)
    result.dry = erase(at, "98234 56701", dry_run=True)
    assert len(files_with_traces(at)) > 15
    assert len(dumped(at)) > 10
    kill_in_the_middle(at, "98234 56701")
    with at.settings() as settings:
        result.open = [one.says for one in status(settings).items]
    done = at.command("erase", "--yes")
    assert done.returncode == 0, done.stderr
    result.said = done.stdout
    yield result
    stop(at)


def test_before_it_her_lead_lent_her_phone_to_an_attendance_without_one(told: Told) -> None:
    hers = [row for row in told.before["clean.zoom_attendance"] if PHONE in row]
    assert any(",lead," in row for row in hers), "what was lent is gone too: the tests below"


def test_no_file_of_the_installation_holds_a_trace(told: Told) -> None:
    assert files_with_traces(told.at) == {}


def test_no_row_of_either_database_holds_a_trace(told: Told) -> None:
    assert dumped(told.at) == {}


def test_the_rows_of_all_others_are_as_they_were(told: Told) -> None:
    after = people(told.at)
    assert {"clean.sales", "clean.zoom_attendance", "mart.attributed_m0", "mart.lead_journey"} <= set(after)
    for name, before in told.before.items():
        others = [row for row in before if not traces_in(row.encode())]
        assert after[name] == others, name
    assert sum(map(len, after.values())) > 40


def test_the_dry_run_said_which_lines_would_go_and_changed_nothing(told: Told) -> None:
    assert SECOND_EMAIL in told.dry
    dumps = len(told.nights)
    assert re.search(rf"landing archive: crm_sales\W+{dumps}\W+{dumps}\b", told.dry)
    assert "table clean.sales" in told.dry
    assert "nothing was changed" in told.dry


def test_people_are_told_which_sources_still_hold_the_person(told: Told) -> None:
    for words in (
        "FUNNEL_TOFU_LEADS_URL",
        "FUNNEL_CRM_SALES_URL",
        "the Zoom account",
        "funnel_mapping.csv",
        "manual_mapping.csv",
    ):
        assert words in told.said
    assert "FUNNEL_AD_SPEND_URL" not in told.said
    assert "9876500099" not in told.said


def test_sums_are_those_of_the_rows_that_are_left(told: Told) -> None:
    facts = told.at.query("SELECT sum(sales) AS sales, sum(revenue_inr) AS revenue FROM mart.funnel_facts").iloc[0]
    sales = told.at.query("SELECT count(*) AS sales, sum(revenue_inr) AS revenue FROM mart.attributed_sales").iloc[0]
    assert facts.tolist() == sales.tolist()
    deltas = told.at.value("SELECT sum(delta_inr) FROM mart.revenue_changes")
    assert deltas == sales["revenue"]


def test_a_closed_month_loses_the_row_without_a_restatement(told: Told) -> None:
    closed = told.at.query("SELECT phone FROM mart.attributed_m0 WHERE month = '2025-10-01'")["phone"]
    restated = told.at.query("SELECT phone FROM mart.restatements")["phone"]
    assert len(closed) > 0
    assert not {PHONE, "(erased)"} & {*closed, *restated}


def test_the_ledger_says_how_many_lines_were_erased(told: Told) -> None:
    ledger = told.at.query("SELECT input_name, excluded, reasons FROM ops.row_ledger WHERE asset LIKE 'raw.%'")
    counts = ledger["reasons"].map(lambda reasons: reasons.get("excluded:erased", 0))
    erased = counts.groupby(ledger["input_name"]).max()  # the night has a line of each time it was made
    assert erased["tofu_leads"] == 8  # seven records, one of them of two lines
    assert erased["crm_assigned_leads"] == 2
    assert erased["crm_sales"] == 1
    assert erased[erased.index.str.startswith("file ")].sum() == 3


def test_a_landed_file_keeps_its_name_its_lines_and_its_proof(told: Told) -> None:
    landing = Landing(UPath(told.at.home / "state" / "landing"))
    arrival = landing.arrivals("crm_assigned_leads")[-1]
    data = landing.read(arrival.file_id)
    assert len(data.splitlines()) == len(
        (told.at.home / "sources" / "crm_assigned_leads.csv").read_bytes().splitlines()
    )
    path = told.at.home / "state" / "landing" / arrival.landing_path
    path.write_bytes(data + b"x")
    with pytest.raises(FunnelError, match="no longer the ones that arrived"):
        landing.read(arrival.file_id)
    path.write_bytes(data)


def test_erasing_again_finds_nothing_and_changes_no_table_nor_the_demo_beside_it(told: Told) -> None:
    made_up = told.at.home / "state" / "demo" / "landing" / "of_the_demo"
    made_up.parent.mkdir(parents=True)
    made_up.write_text(f"{PHONE}\n")
    before = told.at.contents("raw", "clean", "mart", "parity")
    with told.at.settings() as settings, erasing.eraser(settings) as at_work:
        found = at_work.find([PHONE])
        assert not found.is_anything
    assert "Nothing of this person is kept here" in erase(told.at, PHONE, FIRST_EMAIL)
    assert told.at.contents("raw", "clean", "mart", "parity") == before
    assert made_up.read_text() == f"{PHONE}\n"
    shutil.rmtree(made_up.parents[1])


def test_every_night_replays_without_the_person_and_the_published_one_as_it_is(told: Told, campaign: bool) -> None:
    for night in told.nights if campaign else told.nights[-1:]:
        with told.at.settings() as settings:
            replayed = replay(settings, night, told.at.home / "replayed" / str(night))
        assert replayed.failures == {}
        assert len(replayed.files) > 30
        left = {path.name: traces_in(path.read_bytes()) for path in replayed.folder.iterdir()}
        assert not any(left.values()), left
    assert [one for one in replayed.compared if not one.is_equal] == []


def test_no_night_of_the_lake_has_a_row_of_the_person(told: Told) -> None:
    """No row of an erased line, nor the sale, in any table of any night: sums alone may be as they were."""
    lake = Lake(UPath(told.at.home / "state" / "lake"))
    lines = Landing(UPath(told.at.home / "state" / "landing")).erasures.tombstones()
    assert sum(map(len, lines.values())) > 10
    for table in TABLES:
        for night in lake.nights(table):
            rows = lake.read(table, night)
            if "source_row" in rows.columns:
                at = zip(rows["file_id"], rows["source_row"], strict=True)
                assert not any(line in lines.get(file_id, ()) for file_id, line in at), (table.full_name, night)
            if "sale_id" in rows.columns:
                assert "Z9" not in set(rows["sale_id"]), (table.full_name, night)


def test_a_night_that_is_made_again_has_a_whole_account(told: Told, campaign: bool) -> None:
    """The erasure has made the published night again; with --campaign a past one is run again as well."""
    if campaign:
        assert told.at.night(SAT).failures == {}
    lake = Lake(UPath(told.at.home / "state" / "lake"))
    for night in (SAT, told.nights[-1]) if campaign else told.nights[-1:]:
        for table in TABLES:
            if lake.exists(table, night):
                account, _ = lake.read_account(table, night)
                assert all(line.balances for line in account.ledger), table.full_name
        raw, _ = lake.read_account(RAW_TOFU_LEADS, night)
        assert raw.ledger[0].reasons["excluded:erased"] == 8
    assert files_with_traces(told.at) == {}


def test_killed_in_the_middle_it_says_so_and_is_completed_by_the_next_call(told: Told) -> None:
    assert "the erasure of a person was not completed" in told.open
    assert "interrupted" in told.said


@pytest.fixture(scope="module")
def next_night(told: Told) -> NightResult:
    """The next night, on which the assigned leads are down, so that only part 1 is published."""
    sources = told.at.home / "sources"
    month.write_night(told.then, sources, told.at.config, told.at.drop / "zoom")
    plant(sources, told.at.drop / "zoom")
    (told.at.drop / "zoom" / "again.csv").write_bytes(told.sunday)
    return told.at.night(told.then, crm_assigned_leads_url="/nowhere/assigned.csv")


def test_the_next_night_does_not_bring_the_person_back(told: Told, next_night: NightResult) -> None:
    assert set(next_night.failures) == {"raw/crm_assigned_leads"}
    assert files_with_traces(told.at) == {}
    assert dumped(told.at) == {}
    landing = Landing(UPath(told.at.home / "state" / "landing"))
    withheld = {source: landing.arrivals(source)[-1].withheld for source in ("tofu_leads", "crm_sales", "zoom")}
    assert withheld["tofu_leads"] == 8
    assert withheld["crm_sales"] == 1
    again = [a for a in landing.arrivals("zoom") if a.name == "again.csv"]
    sunday = [a for a in landing.arrivals("zoom") if a.name == "attendee_sunday.csv"]
    assert [a.file_id for a in again] == [a.file_id for a in sunday[:1]]  # known again, though its bytes were not kept


def test_while_the_parts_hold_different_nights_all_goes_but_the_sums_and_people_are_told(
    told: Told, next_night: NightResult
) -> None:
    assert [part for part, done in next_night.parts.items() if done.published] == ["marketing"]
    traces = ("971501234567", "chand@example.org", "Chand")
    assert len(dumped(told.at, *traces)) > 10
    said = erase(told.at, "chand@example.org", "+971501234567")
    assert "The sums of funnel, parity, changes, engagement still count the person" in said
    assert not (told.at.home / "state" / "erasing.json").exists()
    assert files_with_traces(told.at, *traces) == {}
