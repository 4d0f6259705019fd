"""A report that arrives in the day: the sensor takes it, tells its state, one refresh works it in; no CRM is asked.

The demo's sources, a real instance and real PostgreSQL; the steps are taken once, in the order of the fixtures.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.definitions.sensor_definition import SensorExecutionData

from funnel_etl.assembly import build_definitions
from funnel_etl.environment import load_settings
from funnel_etl.operate.run.night import NightResult
from funnel_etl.parts.marketing.zoom import sensor
from funnel_etl.parts.marketing.zoom.refresh import Remembered
from funnel_etl.parts.marketing.zoom.withdrawals import withdraw
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.installation import Installation
from funnel_etl_tests.whole import defs

pytestmark = pytest.mark.slow

RESOURCES = ("sources", "parsed_reports", "lake_store", "all_tables")
FACTS = "SELECT sum(attendances) AS attendances, sum(revenue_inr) AS revenue FROM mart.funnel_facts"


@dataclass
class Day:
    """An installation whose night was made without some attendee reports, and the looks of its sensor."""

    installation: Installation
    late: list[Path]
    instance: DagsterInstance
    result: NightResult
    before: pd.DataFrame
    looks: dict[str, SensorExecutionData] = field(default_factory=dict)
    cursor: str | None = None

    def look(self, name: str) -> SensorExecutionData:
        """Let the sensor look once, as the daemon does."""
        with self.installation.settings() as settings, pytest.MonkeyPatch.context() as patch:
            patch.setattr(sensor, "TAKE_SECONDS", 600)  # a slow machine tells all at once, too
            patch.setattr(sensor, "TELL_SECONDS", 600)
            defs = build_definitions(settings)
            context = dg.build_sensor_context(
                instance=self.instance,
                cursor=self.cursor,
                definitions=defs,
                resources={key: defs.resources[key] for key in RESOURCES},
            )
            result = defs.resolve_sensor_def("zoom_drop_folder").evaluate_tick(context)
        self.cursor = result.cursor
        self.looks[name] = result
        return result

    def refresh(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Run what the sensor asked for, with the CRM and the sheets gone."""
        gone = dict.fromkeys(
            ("tofu_leads_url", "ad_spend_url", "crm_assigned_leads_url", "crm_sales_url"), "/gone/from/here.csv"
        )
        with self.installation.settings(**gone) as settings:
            return (
                build_definitions(settings)
                .resolve_job_def("zoom_refresh")
                .execute_in_process(
                    instance=self.instance,
                    partition_key=request.partition_key,
                    raise_on_error=False,
                    tags={**request.tags, "dagster/run_key": request.run_key},
                )
            )

    def run_under_way(self, job: str) -> str:
        """Make a run of a job that is going on."""
        run = self.instance.create_run_for_job(defs.resolve_job_def(job), status=DagsterRunStatus.STARTED)
        return run.run_id


def late_reports(drop: Path) -> list[Path]:
    """Three attendee reports that no other file repeats."""
    contents = Counter(path.read_bytes() for path in drop.rglob("*") if path.is_file())
    reports = [
        path
        for path in sorted(drop.glob("*.csv"))
        if path.read_bytes().lstrip(b"\xef\xbb\xbf")[:15] == b"Attendee Report"
    ]
    alone = [path for path in reports if contents[path.read_bytes()] == 1]
    assert len(alone) > 5
    return alone[-3:]


@pytest.fixture(scope="module")
def day(new_installation: Callable[[], Installation]) -> Iterator[Day]:
    installation = new_installation()
    night = load_settings().yesterday()
    installation.lay_demo(night)
    drop = installation.drop / "zoom"
    late = late_reports(drop)
    for path in late:
        shutil.move(path, installation.home / path.name)
    others = sorted(path for path in drop.rglob("*") if path.is_file())
    for path in set(others) - set(others[::3]):  # a third will do: to tell the state of a file takes a while
        path.unlink()
    with DagsterInstance.ephemeral() as instance:
        first = Day(installation, [installation.home / path.name for path in late], instance, None, pd.DataFrame())  # type: ignore[arg-type]
        drop_aside = installation.home / "aside"
        shutil.move(drop, drop_aside)
        first.look("before any night")
        shutil.rmtree(drop)
        shutil.move(drop_aside, drop)
        first.result = installation.night(night)
        first.before = installation.query(FACTS)
        yield first


@pytest.fixture(scope="module")
def after_night(day: Day) -> Day:
    """The night is made; the sensor looks at what the night took."""
    day.look("after the night")
    return day


@pytest.fixture(scope="module")
def late(after_night: Day) -> Day:
    """Three reports, and a picture, come late, while a run is queued; then once more when it is gone."""
    drop = after_night.installation.drop / "zoom"
    for path in after_night.late:
        shutil.copy(path, drop / path.name)
    (drop / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (drop / "coming.csv.crdownload").write_bytes(b"Attendee")
    run_id = after_night.run_under_way("nightly")
    after_night.look("night under way")
    after_night.instance.delete_run(run_id)
    after_night.look("late")
    return after_night


@pytest.fixture(scope="module")
def refreshed(late: Day) -> Day:
    """The refresh ran."""
    [request] = late.looks["late"].run_requests
    done = late.refresh(request)
    assert done.success, [event.message for event in done.all_events if event.is_failure]
    late.look("after the refresh")
    return late


def test_the_night_was_made(day: Day) -> None:
    assert day.result.failures == {}


def test_before_the_first_night_nothing_is_asked_for(day: Day) -> None:
    assert day.looks["before any night"].run_requests == []


def test_the_sensor_tells_the_state_of_files_the_night_took_and_asks_for_no_refresh(after_night: Day) -> None:
    assert after_night.looks["after the night"].run_requests == []
    keys = after_night.instance.get_dynamic_partitions("zoom_exports")
    told = after_night.instance.get_materialized_partitions(dg.AssetKey(["zoom", "export"]))
    assert len(keys) > 10
    assert set(keys) >= told
    assert Remembered.from_cursor(after_night.cursor).pending == () or "late" in after_night.looks


def test_it_gives_way_to_a_night_that_is_queued_and_says_what_it_saw(late: Day) -> None:
    look = late.looks["night under way"]
    assert look.run_requests == []
    said = str(look.skip_message)
    assert "nightly is queued or running" in said
    assert "photo.png was rejected" in said
    assert "coming.csv.crdownload waits" in said


def test_one_refresh_is_asked_for_all_that_came(late: Day) -> None:
    [request] = late.looks["late"].run_requests
    assert request.partition_key == load_settings().yesterday().isoformat()
    assert request.tags["funnel_etl/reports"] == "3"


def test_each_report_shows_its_state_without_a_run(late: Day) -> None:
    instance = late.instance
    events = instance.fetch_materializations(dg.AssetKey(["zoom", "export"]), limit=500).records
    by_partition = {event.partition_key: event.asset_materialization.metadata for event in events}
    assert set(by_partition) == set(instance.get_dynamic_partitions("zoom_exports"))
    for metadata in by_partition.values():
        assert {"sections", "date_parse_ratio", "phones", "reconciliation", "unknown_columns", "warnings"} <= set(
            metadata
        )
        assert metadata["date_parse_ratio"].value <= 1
    assert instance.get_runs_count() == 0 or all(run.job_name == "zoom_refresh" for run in instance.get_runs()), (
        "no run per file"
    )


def test_the_refresh_changes_the_facts_and_only_those_that_hang_on_zoom(refreshed: Day) -> None:
    after = refreshed.installation.query(FACTS)
    assert after["attendances"][0] > refreshed.before["attendances"][0]
    assert after["revenue"][0] == refreshed.before["revenue"][0]


def test_the_refresh_publishes_the_night_again_under_new_versions(refreshed: Day) -> None:
    nights = refreshed.installation.query("SELECT part, as_of, version FROM ops.nights ORDER BY version")
    assert sorted(nights["part"][-5:]) == ["changes", "engagement", "funnel", "marketing", "parity"]
    assert set(nights["as_of"]) == {load_settings().yesterday()}
    of_facts = nights.loc[nights["part"] == "funnel", "version"].max()
    assert refreshed.installation.value("SELECT version FROM mart.data_version") == of_facts


def test_the_late_reports_are_in_the_ledger_of_files_as_loaded(refreshed: Day) -> None:
    names = [path.name for path in refreshed.late]
    files = refreshed.installation.query(
        "SELECT name, status, warnings FROM ops.files WHERE name = ANY(:names)", names=names
    )
    assert sorted(files["name"]) == sorted(names)
    assert set(files["status"]) <= {"loaded", "superseded", "duplicate"}


def test_the_rejected_picture_is_in_the_ledger_and_its_person_is_told(refreshed: Day) -> None:
    assert refreshed.installation.value("SELECT status FROM ops.files WHERE name = 'photo.png'") == "rejected"
    assert (refreshed.installation.drop / "zoom" / "rejected" / "photo.png.txt").is_file()


def test_what_was_worked_in_is_not_asked_for_again(refreshed: Day) -> None:
    assert refreshed.looks["after the refresh"].run_requests == []
    assert Remembered.from_cursor(refreshed.cursor).pending == ()


def test_the_next_night_gives_what_the_refresh_gave(refreshed: Day, campaign: bool) -> None:
    """With --campaign only: test_at_once compares all that a night and a refresh after it leave."""
    if not campaign:
        pytest.skip("at full size: --campaign")
    before = refreshed.installation.contents("clean")
    night = load_settings().yesterday()
    assert refreshed.installation.night(night).failures == {}
    assert refreshed.installation.contents("clean") == before
    assert night - timedelta(days=1) < night


def test_nothing_personal_is_shown_of_a_report(refreshed: Day) -> None:
    people = refreshed.installation.query("SELECT DISTINCT email, phone FROM clean.zoom_attendance")
    events = refreshed.instance.fetch_materializations(dg.AssetKey(["zoom", "export"]), limit=500).records
    shown = " ".join(str(event.asset_materialization.metadata) for event in events)
    personal = [text for text in people.to_numpy().ravel() if isinstance(text, str)]
    assert len(personal) > 50
    assert [text for text in personal if text in shown] == []


def test_withdrawn_reports_leave_the_facts_by_a_refresh_and_say_why(refreshed: Day) -> None:
    """The last step: the reports that came late were another account's."""
    landing = Landing(refreshed.installation.home / "state" / "landing")
    names = [path.name for path in refreshed.late]
    for name in names:
        withdraw(landing, name, "of another account")
    [request] = refreshed.look("withdrawn").run_requests
    assert request.tags["funnel_etl/reports"] == "3"
    assert refreshed.refresh(request).success
    assert refreshed.look("after the withdrawal").run_requests == []
    assert refreshed.installation.query(FACTS).equals(refreshed.before)
    files = refreshed.installation.query("SELECT status, reason FROM ops.files WHERE name = ANY(:names)", names=names)
    assert files.drop_duplicates().to_dict("records") == [{"status": "withdrawn", "reason": "of another account"}]
