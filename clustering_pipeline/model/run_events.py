"""What a run tells those who listen: that it has begun, and how it ended."""

from collections.abc import Collection, Mapping
from typing import Literal

from clustering_pipeline.model.status import ExecutionStatus

RunEvent = Literal[
    "cluster.execution.started",
    "cluster.execution.completed",
    "cluster.execution.failed",
    "cluster.execution.canceled",
]
STARTED: RunEvent = "cluster.execution.started"
ENDS: Mapping[ExecutionStatus, RunEvent] = {
    ExecutionStatus.COMPLETED: "cluster.execution.completed",
    ExecutionStatus.FAILED: "cluster.execution.failed",
    ExecutionStatus.CANCELED: "cluster.execution.canceled",
}
EVENTS: tuple[RunEvent, ...] = (STARTED, *ENDS.values())
"""A run that has started ends with exactly one of the others."""


def events_owed(
    status: ExecutionStatus, *, started: bool, announced: Collection[str]
) -> tuple[RunEvent, ...]:
    """What a run in that state has to tell and has not told yet."""
    begun = (STARTED,) if started else ()
    ended = (ENDS[status],) if status in ENDS else ()
    return tuple(one for one in (*begun, *ended) if one not in announced)
