"""A task as clients follow it: one per execution, the same one when it is retried."""

from typing import Any

from clustering_pipeline.model.base import View
from clustering_pipeline.model.executions.execution import TASK_TYPE, ExecutionRecord
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.status import TASK_STATUS, ClusterStatus, ExecutionStatus

WORKING = frozenset({ClusterStatus.IN_PROGRESS, ClusterStatus.PROCESSING})


class TaskResponse(View):
    """How far a task is."""

    task_id: str
    """Id of the task."""
    task_type: str = TASK_TYPE
    """What it does."""
    status: ClusterStatus
    """How far it is, or how it ended."""
    run_id: str | None = None
    """The execution it stands for."""
    inputs: list[str | dict[str, Any]] | None = None
    """What it was given: the definition."""
    outputs: list[str | dict[str, Any]] | None = None
    """What it made: the execution, once completed."""
    additional_data: dict[str, Any] | None = None
    """Definition, execution, plan and progress."""
    error: str | None = None
    """Why it failed."""
    cancellation: dict[str, Any] | None = None
    """What a cancel has reached."""
    queue_position: int | None = None
    """Place in the queue, where known."""
    estimated_wait_minutes: float | None = None
    """Time until it starts, where known."""

    @property
    def waits(self) -> bool:
        """Whether nobody has begun it."""
        return self.status in {ClusterStatus.PENDING, ClusterStatus.QUEUED}

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return not self.waits and self.status not in WORKING

    def waiting_for(self, missing: str | None) -> "TaskResponse":
        """The task, which says what it waits for: what is missing, or its turn."""
        waits_for = {"waits_for": missing or "its turn in the queue"}
        return self.model_copy(update={"additional_data": (self.additional_data or {}) | waits_for})


def task_of(execution: ExecutionRecord) -> TaskResponse:
    """The task that an execution is."""
    completed = execution.status is ExecutionStatus.COMPLETED
    return TaskResponse(
        task_id=execution.task_id,
        status=execution.task_status or TASK_STATUS[execution.status],
        run_id=execution.run_id,
        inputs=[execution.cluster_id],
        outputs=[execution.run_id] if completed else None,
        additional_data=_additional(execution),
        error=execution.error_message,
    )


def _additional(execution: ExecutionRecord) -> dict[str, Any]:
    progress = execution.progress
    again = {"retry_reason": execution.retry_reason} if execution.retry_reason else {}
    return {
        "cluster_id": execution.cluster_id,
        "run_id": execution.run_id,
        "plan": execution.plan,
        "progress": progress.model_dump() if progress else None,
        "error": execution.error_message,
        "failure_category": execution.failure_category,
        **again,
    }


class QueuedRun(Scoped):
    """What waits, and what decides when it is its turn."""

    run_id: str
    dagster_run_id: str
    task_id: str
    cluster_id: str
    trigger: str
    trigger_id: str | None = None
    retry_reason: str | None = None
    """Why it is a run once more."""
    priority: int = 0
    """Higher ones go first."""
    number: int
    """Of the same priority, lower ones go first."""

    def task(self, position: int) -> TaskResponse:
        """The task, at that place in the queue."""
        again = {"retry_reason": self.retry_reason} if self.retry_reason else {}
        return TaskResponse(
            task_id=self.task_id,
            task_type=TASK_TYPE,
            status=ClusterStatus.QUEUED,
            run_id=self.run_id,
            inputs=[self.cluster_id],
            additional_data={
                "cluster_id": self.cluster_id,
                "run_id": self.run_id,
                "plan": None,
                "progress": None,
                "error": None,
                "failure_category": None,
                **again,
            },
            queue_position=position,
        )
