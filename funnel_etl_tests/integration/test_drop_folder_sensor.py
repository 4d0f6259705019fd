"""The drop-folder sensor, evaluated as the daemon does: what it takes, asks for, and says when it asks for nothing."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date

import dagster as dg
import pytest
from upath import UPath

from funnel_etl.assembly import TABLES, build_definitions
from funnel_etl.parts.marketing.zoom.partitions import EXPORT
from funnel_etl.parts.marketing.zoom.refresh import NEEDS, Remembered
from funnel_etl.platform.lake import Lake
from funnel_etl.resources import resources as resources_of
from funnel_etl.settings import Settings
from funnel_etl.sources.archive.landing import Landing
from funnel_etl_tests.golden.week import SAT, SUN, THU, write_night
from funnel_etl_tests.installation import Installation

pytestmark = pytest.mark.slow


class Watch:
    """A drop folder, and the sensor that looks at it."""

    def __init__(self, installation: Installation, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.folder = installation.drop / "zoom"
        self.home = installation.home
        self.settings = settings
        self.instance = instance
        self.cursor: str | None = None

    def drop(self, *nights: date) -> None:
        """Drop the reports of some days of the golden week."""
        for night in nights:
            write_night(night, self.home, self.home, self.folder)

    def look(self) -> tuple[list[dg.RunRequest], str]:
        """Evaluate the sensor; returns its run requests and its skip reason."""
        defs = build_definitions(self.settings)
        sensor = defs.resolve_sensor_def("zoom_drop_folder")
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            definitions=defs,
            resources={name: defs.resources[name] for name in sensor.required_resource_keys},
        )
        found = sensor.evaluate_tick(context)
        self.cursor = found.cursor
        return list(found.run_requests or []), found.skip_message or ""

    def night_was_made(self) -> None:
        """Leave what a night without rows leaves in the lake."""
        lake = Lake(UPath(self.settings.lake_root))
        for table in TABLES:
            if table.schema in ("clean", "mart") or table.full_name in NEEDS:
                lake.write(table, self.settings.yesterday(), table.empty())

    @property
    def partitions(self) -> list[str]:
        return self.instance.get_dynamic_partitions("zoom_exports")


@pytest.fixture
def watch(new_installation: Callable[[], Installation]) -> Iterator[Watch]:
    installation = new_installation()
    with installation.settings() as settings, dg.DagsterInstance.ephemeral() as instance:
        yield Watch(installation, settings, instance)


def test_an_empty_folder_is_skipped_with_a_reason(watch: Watch) -> None:
    assert watch.look() == ([], "nothing new and settled")


def test_dropped_reports_get_a_partition_each_and_one_run_works_them_in(watch: Watch) -> None:
    watch.night_was_made()
    watch.drop(THU, SAT)
    requests, _ = watch.look()
    assert len(requests) == 1
    assert requests[0].partition_key == watch.settings.yesterday().isoformat()
    assert requests[0].run_key
    assert len(watch.partitions) == 2
    shown = watch.instance.get_materialized_partitions(dg.AssetKey(["zoom", "export"]))
    assert shown == set(watch.partitions)
    again, _ = watch.look()
    assert {request.run_key for request in again} <= {requests[0].run_key}, "the same files were asked for twice"


def test_the_same_bytes_again_are_no_new_report(watch: Watch) -> None:
    watch.night_was_made()
    watch.drop(SUN)
    first, _ = watch.look()
    watch.drop(SUN)
    again, _ = watch.look()
    assert len(watch.partitions) == 1
    assert {request.run_key for request in again} <= {request.run_key for request in first}


def test_before_the_first_night_it_waits_and_says_for_what(watch: Watch) -> None:
    watch.drop(THU)
    requests, reason = watch.look()
    assert requests == []
    assert str(watch.settings.yesterday()) in reason
    assert len(watch.partitions) == 1, "the report is taken all the same"


def test_a_file_that_is_no_report_stops_no_other_and_is_told(watch: Watch) -> None:
    watch.night_was_made()
    (watch.folder / "holiday.csv").write_bytes(b"%PDF-1.7 not a report")
    (watch.folder / "half.csv.crdownload").write_bytes(b"still coming")
    requests, reason = watch.look()
    assert requests == []
    assert "holiday.csv" in reason
    assert "half.csv.crdownload waits: " in reason
    watch.drop(THU)
    requests, _ = watch.look()
    assert len(requests) == 1
    assert len(watch.partitions) == 1


def test_partitions_are_named_by_day_webinar_report_and_file_and_show_its_name_and_times(watch: Watch) -> None:
    watch.drop(SAT)
    (watch.folder / "call 98765 12300.csv").write_bytes(next(watch.folder.glob("attendee*.csv")).read_bytes() + b"\r\n")
    watch.look()
    keys = watch.partitions
    assert all(re.fullmatch(r"2025-\d\d-\d\d_\d+_(attendee|registration)_[0-9a-f]{8}", key) for key in keys), keys
    events = watch.instance.fetch_materializations(EXPORT, limit=100).records
    shown = {event.partition_key: event.asset_materialization.metadata for event in events}
    assert set(shown) == set(keys)
    assert all(str(shown[key]["started_at"].value).startswith(key[:10]) for key in keys if "attendee" in key)
    assert all(str(metadata["received"].value).endswith(" IST") for metadata in shown.values())
    assert "call ….csv" in {str(metadata["file"].value) for metadata in shown.values()}


def test_a_partition_with_a_key_of_earlier_versions_goes_over_to_the_new_one_and_nothing_runs_again(
    watch: Watch,
) -> None:
    watch.night_was_made()
    watch.drop(THU)
    asked, _ = watch.look()
    [key] = watch.partitions
    landed = Landing(watch.settings.landing_root).arrivals("zoom")
    former = landed[0].file_id[:16]
    watch.instance.delete_dynamic_partition("zoom_exports", key)
    watch.instance.add_dynamic_partitions("zoom_exports", [former, "0123456789abcdef"])
    cursor = watch.cursor
    again, _ = watch.look()
    assert watch.partitions == [key], "also that of a file that is not there any more is gone"
    assert {request.run_key for request in again} <= {request.run_key for request in asked}
    kept = Remembered.from_cursor(watch.cursor)
    assert kept.pending == Remembered.from_cursor(cursor).pending == (former,), "files are remembered as before"


def test_a_partition_can_be_materialized_alone_and_shows_what_the_file_is(watch: Watch) -> None:
    watch.night_was_made()
    watch.drop(THU)
    watch.look()
    resources = resources_of(watch.settings, TABLES, {})
    assets = [
        asset for asset in build_definitions(watch.settings).assets or [] if isinstance(asset, dg.AssetsDefinition)
    ]
    export = next(asset for asset in assets if asset.key.path == ["zoom", "export"])
    for _ in range(2):
        done = dg.materialize([export], partition_key=watch.partitions[0], resources=resources, instance=watch.instance)
        assert done.success
    shown = done.asset_materializations_for_node("zoom__export")[0].metadata
    told = json.dumps({name: str(value.value) for name, value in shown.items()})
    assert "registration" in told
    for personal in ("bina sen", "bina@", "9876500002", "esha", "example.org"):
        assert personal not in told.lower(), told
