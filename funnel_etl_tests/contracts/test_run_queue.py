"""Which runs wait for which: `dagster.yaml` and the tags of the jobs, judged by Dagster's own queue."""

import dagster as dg
import pytest
import yaml
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._utils.tags import TagConcurrencyLimitsCounter

from funnel_etl.catalog import SOURCES
from funnel_etl.platform.dagster.nights import NIGHTLY
from funnel_etl.platform.dagster.patience import AFTER_THE_REST, ON_THE_WAY
from funnel_etl.settings import MOST_RETRY_HOURS, PROJECT, Settings
from funnel_etl_tests.whole import defs

DAGSTER = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
QUEUE = DAGSTER["run_coordinator"]["config"]
JOBS = [NIGHTLY, "zoom_refresh", "watch", "purge"]


def run_of(job: str) -> dg.DagsterRun:
    return dg.DagsterRun(job_name=job, tags=defs.resolve_job_def(job).tags)


def is_queued(run: dg.DagsterRun, *going: dg.DagsterRun) -> bool:
    """Whether a run stays in the queue while others are going on."""
    assert len(going) < QUEUE["max_concurrent_runs"]
    coordinator = QueuedRunCoordinator(**QUEUE)
    limits = coordinator.get_run_queue_config().tag_concurrency_limits
    return TagConcurrencyLimitsCounter(limits, list(going)).is_blocked(run)


@pytest.mark.parametrize("job", JOBS)
def test_a_job_waits_for_its_own_runs(job: str) -> None:
    assert is_queued(run_of(job), run_of(job))


@pytest.mark.parametrize("job", JOBS)
def test_a_job_waits_for_no_other_job(job: str) -> None:
    others = [run_of(other) for other in JOBS if other != job]
    assert not is_queued(run_of(job), *others)


def test_a_delivery_waits_for_one_to_the_same_destination_and_for_nothing_else() -> None:
    crm = dg.DagsterRun(job_name="deliver", tags={"funnel_etl/destination": "crm"})
    board = dg.DagsterRun(job_name="deliver", tags={"funnel_etl/destination": "board"})
    assert is_queued(crm, crm)
    assert not is_queued(crm, board, *map(run_of, JOBS))
    assert not is_queued(run_of(NIGHTLY), crm, board)


def test_a_night_may_last_as_long_as_its_longest_wait_and_any_other_run_two_hours() -> None:
    others = DAGSTER["run_monitoring"]["max_runtime_seconds"]
    assert int(run_of(NIGHTLY).tags["dagster/max_runtime"]) == MOST_RETRY_HOURS * 3600 + others
    assert others == 7200
    assert all("dagster/max_runtime" not in run_of(job).tags for job in JOBS if job != NIGHTLY)
    assert Settings.model_fields["pull_retry_hours"].default < MOST_RETRY_HOURS


def test_where_all_places_are_taken_the_night_is_the_next_to_start() -> None:
    priority = {job: int(run_of(job).tags.get("dagster/priority", "0")) for job in JOBS}
    assert priority.pop(NIGHTLY) > max(priority.values())


def test_what_pulls_is_tried_again_after_the_rest_and_nothing_else_is() -> None:
    job = defs.resolve_job_def(NIGHTLY)
    patient = {node.name for node in job.nodes if node.definition.tags.items() >= AFTER_THE_REST.items()}
    assert patient == {f"raw__{source}" for source in SOURCES}
    on_the_way = {node.name for node in job.nodes if node.definition.tags.items() >= ON_THE_WAY.items()}
    assert {"publish__funnel", "publish__marketing", "mart__funnel_facts", "clean__webinars"} <= on_the_way
    assert not [name for name in on_the_way if name.startswith(("parity__", "publish__parity", "publish__engagement"))]
    again = {node.name: node.definition.retry_policy for node in job.nodes if node.definition.retry_policy}
    assert all(name.startswith("publish__") for name in again), "a connection that broke off is tried again in seconds"
    assert all(not policy.delay for policy in again.values()), "a pull that waits would go first, and hold it up"
    assert DAGSTER["run_retries"]["retry_on_asset_or_op_failure"] is False
