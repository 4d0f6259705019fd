"""What the events of a run say: what failed, in one readable line each, and whether somebody stopped it."""

from collections.abc import Iterator
from typing import Any

import dagster as dg


def failures_of(done: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return what failed in a run, a step or a check that is no warning: asset → one readable line."""
    failures: dict[str, str] = {}
    for event in done.all_events:
        if event.is_step_failure:
            failures.setdefault(str(event.step_key).replace("__", "/"), why_failed(event))
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR:
                why = f"check {check.check_name}: {check.description or 'failed'}"
                failures["/".join(check.asset_key.path)] = why
    return failures


def was_stopped(done: dg.ExecuteInProcessResult) -> bool:
    """Return whether Ctrl+C or SIGTERM ended a run in process: Dagster takes the signal, and the run only fails."""
    stopped = dg.DagsterExecutionInterruptedError.__name__
    return any(
        stopped in {error.cls_name, *(cause.cls_name for cause in _causes(error))}
        for event in done.all_events
        if (error := _error_of(event)) is not None
    )


def _error_of(event: dg.DagsterEvent) -> Any:
    if event.is_step_failure:
        return event.step_failure_data.error
    return event.job_failure_data.error if event.is_job_failure else None


def _causes(error: Any) -> Iterator[Any]:
    while error := error.cause:
        yield error


def why_failed(event: dg.DagsterEvent) -> str:
    """Return the one readable line of an expected failure; of another only its kind, for its text may quote a row."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error and error.cause:
        error = error.cause
    kind = error.cls_name if error else "an error"
    return f"{kind}, which funnel_etl did not expect. Fix: its traceback is in the run, in the Dagster UI (make up)"
