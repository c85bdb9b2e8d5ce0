"""How an execution ends, told to the catalog: by the run itself, or by whoever finds it dead."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from clustering_pipeline.automation.due import ended
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import (
    ClusteringError,
    RunCanceled,
    RunInterrupted,
    StateConflict,
)
from clustering_pipeline.model.executions.execution import ExecutionRecord, WriteBack
from clustering_pipeline.model.public_text import for_clients
from clustering_pipeline.model.status import TASK_STATUS, ClusterStatus, ExecutionStatus
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.stores.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How the orchestrator says that a run ended, and why where it was told."""

    outcome: Literal["succeeded", "canceled", "failed"]
    reason: str | None = None
    runs_again: bool = False
    """Whether the orchestrator runs it once more by itself."""


def fail(
    catalog: Catalog, run_id: str, error: ClusteringError, *, traceback: str | None = None
) -> None:
    """Ends an execution as failed or cancelled; published results stay as they were."""
    canceled, public = isinstance(error, RunCanceled), for_clients(error.message)
    record = catalog.executions.find(run_id)
    _end(
        catalog,
        run_id,
        execution={
            "status": ExecutionStatus.CANCELED if canceled else ExecutionStatus.FAILED,
            "error_message": public,
            "error_traceback": None if traceback is None else for_clients(traceback),
            "operator_error": None if public == error.message else error.message,
            "failure_category": None if canceled else error.category,
            "progress": None,
            "write_back": _stopped(record.write_back if record else None, error),
        },
        state={
            "status": ClusterStatus.CANCELED if canceled else _failed(error),
            "error": None if canceled else public,
            "failure_category": None if canceled else error.category,
        },
    )


def complete(catalog: Catalog, run_id: str) -> None:
    """Ends an execution whose results are published and written back."""
    execution = catalog.executions.by_id(run_id)
    status = _completed(execution)
    now = utc_now()
    seconds = (now - (execution.started_at or execution.created_at)).total_seconds()
    _end(
        catalog,
        run_id,
        execution={
            "status": ExecutionStatus.COMPLETED,
            "task_status": status,
            "progress": None,
            "completed_at": now,
        },
        state={"status": status, "error": execution.error_message}
        if execution.refusals
        else {"status": status, "completed_at": now, "execution_time_seconds": seconds},
    )


def settle(catalog: Catalog, run_id: str) -> None:
    """Lets go of a definition whose published run somebody else has finished, or could not."""
    execution = catalog.executions.by_id(run_id)
    unfinished = execution.write_back is not None and not execution.write_back.is_over
    if not unfinished and not execution.status.ended:
        complete(catalog, run_id)
        return
    released = catalog.clusters.release(execution.cluster_id, run_id)
    state = catalog.clusters.by_id(execution.cluster_id).state
    idle = run_id == state.last_attempt_id or state.status is ClusterStatus.PROCESSING
    if released and not unfinished and idle:
        catalog.clusters.update_state(
            execution.cluster_id,
            status=_completed(execution),
            error=None,
            failure_category=None,
            completed_at=execution.completed_at,
        )


def record_end(catalog: Catalog, run_id: str, end: RunEnd) -> None:
    """Closes the execution of a run that ended without saying so itself.

    A killed process says nothing; one that could not open its stores told the orchestrator why.
    """
    if end.outcome == "succeeded":
        _close(catalog, run_id)
    elif end.outcome == "canceled":
        cancel(catalog, run_id)
    else:
        interrupt(catalog, run_id, reason=end.reason, runs_again=end.runs_again)


def interrupt(
    catalog: Catalog, run_id: str, *, reason: str | None = None, runs_again: bool = False
) -> None:
    """Ends an execution whose process is gone."""
    said = f"({reason})" if reason else "without saying so"
    way_out = "it runs once more by itself" if runs_again else "execute the definition again"
    message = f"the process of {run_id} ended {said}; {way_out}"
    fail(catalog, run_id, RunInterrupted(message))


def record_part(catalog: Catalog, run_id: str, stages: Collection[str]) -> None:
    """Closes the execution of a run over chosen stages that has done them all.

    It has no last stage to do so, and the next run must not have to wait for a sensor.
    """
    record = catalog.executions.by_id(run_id)
    done = {stage.name for stage in record.stages}
    if not record.status.ended and done >= set(stages):
        _close(catalog, run_id)


def cancel(catalog: Catalog, run_id: str) -> None:
    """Ends an execution that somebody cancelled."""
    fail(catalog, run_id, RunCanceled(f"{run_id} was cancelled"))


def _close(catalog: Catalog, run_id: str) -> None:
    record = catalog.executions.find(run_id)
    if record is None:
        return
    shown = catalog.executions.published(catalog.clusters.by_id(record.cluster_id))
    status = _completed(shown) if shown else ClusterStatus.PENDING
    _end(
        catalog,
        run_id,
        execution={"status": ExecutionStatus.COMPLETED, "progress": None},
        state={"status": status},
    )


def _completed(execution: ExecutionRecord) -> ClusterStatus:
    if execution.llm_labeling_errors or execution.refusals:
        return ClusterStatus.COMPLETED_WITH_ERRORS
    return ClusterStatus.COMPLETED


def _stopped(write_back: WriteBack | None, error: ClusteringError) -> WriteBack | None:
    if write_back is None or write_back.is_over:
        return write_back
    return write_back.model_copy(update={"status": "failed", "error": error.message})


def _failed(error: ClusteringError) -> ClusterStatus:
    return ClusterStatus.INTERRUPTED if error.category == "interrupted" else ClusterStatus.FAILED


def _end(
    catalog: Catalog, run_id: str, *, execution: Mapping[str, Any], state: Mapping[str, Any]
) -> None:
    record = catalog.executions.find(run_id)
    if record is None:
        return
    # Somebody else may end it at the same moment, or have died before letting go of the definition.
    changes = _told(record) if record.status.ended else state
    if not record.status.ended:
        with suppress(StateConflict):
            catalog.executions.update(run_id, **execution)
    over, now = catalog.executions.by_id(run_id), utc_now()

    def edit(cluster: ClusterRecord) -> dict[str, Any]:
        return {**changes, "automation": ended(cluster, over, now)}

    # A definition that another run holds by now says what that run does.
    catalog.clusters.finish(record.cluster_id, run_id, edit)
    if over.trigger_id is not None:
        changes = {"status": over.status.value, "error": over.error_message}
        catalog.triggers.ended(over.trigger_id, run_id, **changes)


def _told(record: ExecutionRecord) -> dict[str, Any]:
    """What the definition says after an execution that has ended."""
    return {
        "status": record.task_status or TASK_STATUS[record.status],
        "error": record.error_message,
        "failure_category": record.failure_category,
    }
