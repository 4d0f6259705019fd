"""What a night does, counted, not timed: connections, statements, events, rows written, files read.

A bound says what a night may grow to before somebody must look at why. On the golden week, whose tables are tiny: what
is counted here is the fixed cost of a night.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager.dbapi as adbc
import pyarrow as pa
import pytest
import sqlalchemy as sa

from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.core.tables.contracts import Table
from funnel_etl.operate.run.dagster_home import instance
from funnel_etl.parts.marketing.zoom import intake
from funnel_etl.platform.dagster.nights import NIGHTLY, Night
from funnel_etl.platform.lake import Lake
from funnel_etl.platform.postgres import publisher
from funnel_etl_tests.golden.week import FRI, MON, SAT, SUN, THU, WED, write_night
from funnel_etl_tests.installation import Installation, Published

pytestmark = pytest.mark.slow

SERVER = (
    "SELECT sessions, xact_commit + xact_rollback AS transactions, tup_inserted + tup_updated + tup_deleted AS written "
    "FROM pg_stat_database WHERE datname = :name"
)
ACCOUNTS = {
    *("ops.row_ledger", "ops.quarantine", "ops.files", "ops.config_versions"),
    "ops.completeness",  # says when it was looked at
}
"""Tables that a night sends though nothing is new."""
EVERY_NIGHT = {
    *("raw.zoom_reports", "mart.data_version", "ops.config_versions"),
    *("ops.changes", "ops.changed_rows", "ops.missing_exports", "ops.completeness", "ops.volumes"),
    *("ops.volume_alarms", "ops.phone_shares", "raw.consents", "raw.zoom_engagement_files", "raw.followup_edits"),
    "raw.llm_answers",
}
"""Tables that a night makes though nothing is new: they tell what is recorded of it."""
SHOW_THE_NIGHT = {"mart.qualified_leads", "mart.handover_gaps"}
"""Tables that are made for each as-of date, once."""
AFTER_A_CHANGE = {"mart.revenue_changes"}
"""Tables that are also made the night after a change: of themselves, as of the night before."""
BY_MONTH = {
    *("mart.attributed_m0", "mart.restatements", "mart.cohorts", "mart.lead_journey", "parity.m0", "parity.diff"),
}
"""Tables that tell which month goes on: made on the last day of a month, the first, and the second."""


@dataclass
class Counted:
    """What a night did. `sent`: tables that were sent to PostgreSQL → rows that went over the wire for it.

    `parsed`: Zoom files that were read; `made`: tables that were not reused.
    `worked_out`: what several assets need → how often it was made.
    """

    sessions: int
    dagster_sessions: int
    dagster_transactions: int
    events: int
    sent: dict[str, int]
    parsed: int
    made: set[str]
    worked_out: Counter[str]


def night(installation: Installation, day: Any) -> Counted:
    """Run a night and count."""
    sent: dict[str, int] = {}
    ingested: list[int] = []
    parsed: list[str] = []
    made: set[str] = set()
    worked_out: Counter[str] = Counter()
    publish, read, share, write = publisher._publish_table, intake.read_report, Night.shared, Lake.write
    ingest = adbc.Cursor.adbc_ingest

    def publishing(cursor: Any, publication: publisher.Publication, *more: Any) -> None:
        ingested.clear()
        publish(cursor, publication, *more)
        if ingested:
            sent[publication.table.full_name] = sum(ingested)

    def ingesting(cursor: adbc.Cursor, name: str, rows: Any, **options: Any) -> int:
        whole = rows.read_all() if isinstance(rows, pa.RecordBatchReader) else rows
        ingested.append(len(whole))
        return int(ingest(cursor, name, whole, **options))

    def reading(*arguments: Any, **options: Any) -> Any:
        parsed.append("")
        return read(*arguments, **options)

    def sharing(own: Night, name: str, make: Callable[[], Any], users: Any) -> Any:
        return share(own, name, lambda: worked_out.update([name]) or make(), users)

    def making(own: Lake, table: Table, *given: Any) -> None:
        made.add(table.full_name)
        write(own, table, *given)

    own = str(installation.engine.url.database)
    installation.engine.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "_publish_table", publishing)
        patch.setattr(adbc.Cursor, "adbc_ingest", ingesting)
        patch.setattr(intake, "read_report", reading)
        patch.setattr(Night, "shared", sharing)
        patch.setattr(Lake, "write", making)
        before = {name: of_server(installation, name) for name in (own, f"{own}_dagster")}
        done = installation.night(day)
        assert done.is_published, done.failures
        after = {name: of_server(installation, name) for name in before}
    used = {name: {key: after[name][key] - before[name][key] for key in after[name]} for name in before}
    with installation.settings() as settings, instance(settings) as (opened, _):
        events = len(opened.all_logs(done.run_id))
    dagster = used[f"{own}_dagster"]
    of_dagster = dagster["sessions"], dagster["transactions"]
    return Counted(used[own]["sessions"], *of_dagster, events, sent, len(parsed), made, worked_out)


def of_server(installation: Installation, database: str) -> dict[str, int]:
    """Return what the server has counted of a database so far, by a connection to another one."""
    elsewhere = sa.create_engine(installation.engine.url.set(database="postgres"), poolclass=sa.NullPool)
    with elsewhere.connect() as connection:
        connection.execute(sa.text("SELECT pg_sleep(1.1)"))  # backends tell their counts once a second
        return dict(connection.execute(sa.text(SERVER), {"name": database}).mappings().one())


@pytest.fixture(scope="module")
def installation(published: Published) -> Installation:
    return published.week(WED, THU, FRI)


@pytest.fixture(scope="module")
def unchanged(installation: Installation) -> Counted:
    """Friday once more."""
    return night(installation, FRI)


@pytest.fixture(scope="module")
def ordinary(installation: Installation, unchanged: Counted) -> Counted:
    """Saturday: a few rows more in each source, one report more."""
    write_night(SAT, installation.sources, installation.config, installation.drop / "zoom")
    return night(installation, SAT)


@pytest.fixture(params=["unchanged", "ordinary"])
def counted(request: pytest.FixtureRequest) -> Counted:
    found: Counted = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def steps(installation: Installation) -> int:
    """The assets of a night: most of its fixed cost goes by them."""
    with installation.settings() as settings:
        return len(build_definitions(settings).resolve_job_def(NIGHTLY).asset_layer.executable_asset_keys)


def test_connections_and_statements_of_a_night_are_few(counted: Counted, steps: int) -> None:
    assert counted.sessions <= 34
    assert counted.dagster_sessions <= 12
    assert counted.dagster_transactions <= 37 * steps


def test_a_night_logs_nine_events_an_asset(counted: Counted, steps: int) -> None:
    assert counted.events <= 9 * steps


def test_an_unchanged_night_sends_only_its_accounts_and_reads_no_file(unchanged: Counted) -> None:
    assert unchanged.parsed == 0
    assert set(unchanged.sent) == ACCOUNTS, unchanged.sent.keys() ^ ACCOUNTS


def test_an_ordinary_night_reads_only_the_new_file(ordinary: Counted) -> None:
    assert ordinary.parsed == 1


def test_of_a_table_with_little_new_an_ordinary_night_sends_only_that(
    installation: Installation, ordinary: Counted
) -> None:
    assert ordinary.sent["clean.crm_history"] == 3 < installation.value("SELECT count(*) FROM clean.crm_history") / 3
    assert sum(ordinary.sent.values()) <= 400


def test_a_night_makes_again_only_what_something_has_changed_of(
    installation: Installation, unchanged: Counted, ordinary: Counted
) -> None:
    lake = Lake(installation.home / "state" / "lake")
    assert unchanged.made == EVERY_NIGHT
    has_more = {table.full_name for table in TABLES if lake.exists(table, SAT)} - {
        *("clean.consents", "clean.consent_state"),
        *("raw.zoom_chat_rows", "raw.zoom_poll_rows", "raw.zoom_question_rows", "ops.llm_calls"),
    }
    assert ordinary.made == has_more, "each pulled source has more; nobody dropped a consent, or what was said"
    later = [night(installation, day) for day in (SUN, MON)]
    assert [one.made for one in later] == [
        EVERY_NIGHT | SHOW_THE_NIGHT | AFTER_A_CHANGE | BY_MONTH,
        EVERY_NIGHT | SHOW_THE_NIGHT,
    ]
    assert later[1].worked_out == {"its volumes": 1}, "nothing moved, so nothing is compared"


def test_what_several_assets_need_is_worked_out_once(unchanged: Counted, ordinary: Counted) -> None:
    sheet = ("the sheet's Zoom tab", "the sheet's M0", "the sheet's sales")
    said = "what was said rests on"
    assert ordinary.worked_out == dict.fromkeys([*sheet, said, "the comparison of two nights", "its volumes"], 1)
    assert unchanged.worked_out == {"the comparison of two nights": 1, "its volumes": 1}
