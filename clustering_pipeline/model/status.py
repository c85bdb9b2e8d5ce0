"""In what state a definition, a task or an execution is."""

from enum import StrEnum


class ClusterStatus(StrEnum):
    """Of a definition and of a task."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    INTERRUPTED = "INTERRUPTED"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"
    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"
    SUSPENDED = "SUSPENDED"


class ExecutionStatus(StrEnum):
    """Of one execution."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self in ENDED


ENDED = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELED})

TASK_STATUS = {
    ExecutionStatus.PENDING: ClusterStatus.PENDING,
    ExecutionStatus.PROCESSING: ClusterStatus.PROCESSING,
    ExecutionStatus.COMPLETED: ClusterStatus.COMPLETED,
    ExecutionStatus.FAILED: ClusterStatus.FAILED,
    ExecutionStatus.CANCELED: ClusterStatus.CANCELED,
}
"""What a task is called when nothing finer is known about its execution."""
