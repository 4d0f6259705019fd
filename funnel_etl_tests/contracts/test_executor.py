"""Steps of a night run in one process: one process per step would cost seconds for each."""

import pytest

from funnel_etl_tests.whole import defs


@pytest.mark.parametrize("job", ["nightly", "zoom_exports", "__ASSET_JOB"])
def test_a_job_runs_its_steps_in_one_process(job):
    assert defs.resolve_job_def(job).executor_def.name == "in_process"
