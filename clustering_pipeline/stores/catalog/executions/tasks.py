"""Tasks: what clients follow while an execution is under way, or waits to be."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from clustering_pipeline.model.errors import TaskNotFound
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.task import QueuedRun, TaskResponse, task_of
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline.stores.catalog.executions.executions import Executions
from clustering_pipeline.stores.catalog.table import Duplicate, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Runs that nobody has begun, of all namespaces."""

    table: Table

    def run_ids(self) -> set[str]:
        """Those that are known to wait."""
        return {str(row["_id"]) for row in self.table.find({}, fields=["_id"])}

    def add(self, runs: Iterable[QueuedRun]) -> None:
        """Notes that they wait; may be repeated."""
        for run in runs:
            try:
                self.table.insert({"_id": run.run_id, **run.model_dump(mode="json")})
            except Duplicate:
                continue

    def remove(self, run_ids: Collection[str]) -> None:
        """Notes that they wait no longer."""
        if run_ids:
            self.table.delete({"_id": {"$in": sorted(run_ids)}})

    def of_task(self, task_id: str) -> QueuedRun | None:
        """The run of a task that waits, if one does."""
        return self.table.first({"task_id": task_id}, QueuedRun.model_validate)

    def of_run(self, run_id: str) -> QueuedRun | None:
        """The run, if it waits."""
        return self.table.first({"_id": run_id}, QueuedRun.model_validate)

    def of_definition(self, cluster_id: str) -> QueuedRun | None:
        """The run of a definition that waits, the one that waits longest if there are several."""
        query = {"cluster_id": cluster_id}
        return self.table.first(query, QueuedRun.model_validate, sort=[("number", 1)])

    def position(self, run: QueuedRun) -> int:
        """Its place, the first being 1.  Limits may let one behind it go before it."""
        before: list[dict[str, Any]] = [
            {"priority": {"$gt": run.priority}},
            {"priority": run.priority, "number": {"$lt": run.number}},
        ]
        return 1 + self.table.count({"$or": before})


Sees = Callable[[Scope], bool]


def _everything(_scope: Scope) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """A task is the newest execution that carries its id, or the run that waits to be one."""

    executions: Executions
    queue: Queue

    def get(self, task_id: str, *, sees: Sees = _everything) -> TaskResponse:
        """How far the task is; raises TaskNotFound."""
        task = self.find(task_id, sees=sees)
        if isinstance(task, QueuedRun):
            return task.task(self.queue.position(task))
        if task.status is not ExecutionStatus.PENDING:
            return task_of(task)
        run = self.queue.of_run(task.run_id)
        position = None if run is None else self.queue.position(run)
        status = ClusterStatus.PENDING if run is None else ClusterStatus.QUEUED
        return task_of(task).model_copy(update={"status": status, "queue_position": position})

    def find(self, task_id: str, *, sees: Sees = _everything) -> ExecutionRecord | QueuedRun:
        """What the task is now, in one of the namespaces that the caller ``sees``.

        Raises TaskNotFound.
        """
        execution = self.executions.of_task(task_id)
        over = execution is None or execution.status.ended
        task = (self._waiting(task_id) if over else None) or execution
        if task is None or not sees(task.scope):
            message = f"no task {task_id[:200]!r} here"
            raise TaskNotFound(message)
        return task

    def _waiting(self, task_id: str) -> QueuedRun | None:
        """A run that nobody has begun since the queue was looked at."""
        run = self.queue.of_task(task_id)
        begun = run is not None and self.executions.find(run.run_id) is not None
        return None if begun else run
