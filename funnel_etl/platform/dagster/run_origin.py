"""Where a run says it comes from: the code location of workspace.yaml. The UI's pages list no run without it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

MODULE, LOCATION = "funnel_etl.definitions", "funnel_etl"
"""Module and name of the code location, as in workspace.yaml and workspace.docker.yaml."""


@contextmanager
def with_origin(opened: dg.DagsterInstance, job: str) -> Iterator[None]:
    """Return runs of `job` that are made meanwhile the origin that the UI gives to those it launches.

    `execute_in_process` makes a run without one, and takes none.
    """
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE), LOCATION)
    code = ReconstructableRepository.for_module(MODULE, "defs")
    create = partial(
        opened.create_run_for_job,
        remote_job_origin=RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME).get_job_origin(job),
        job_code_origin=code.get_reconstructable_job(job).get_python_origin(),
    )
    opened.create_run_for_job = create  # type: ignore[method-assign]
    try:
        yield
    finally:
        del opened.create_run_for_job
