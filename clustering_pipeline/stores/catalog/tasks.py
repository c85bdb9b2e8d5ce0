"""Tasks: what clients follow while an execution is under way, or waits to be."""

from collections.abc import Callable
from dataclasses import dataclass

from clustering_pipeline.model.errors import TaskNotFound
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.task import QueuedRun, TaskResponse, task_of
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.executions import Executions
from clustering_pipeline.stores.catalog.queue import Queue

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
        found = self.find(task_id, sees=sees)
        if isinstance(found, QueuedRun):
            return found.task(self.queue.position(found))
        return task_of(found)

    def find(self, task_id: str, *, sees: Sees = _everything) -> ExecutionRecord | QueuedRun:
        """What the task is now, in one of the namespaces that the caller ``sees``.

        Raises TaskNotFound.
        """
        execution = self.executions.of_task(task_id)
        over = execution is None or execution.status.ended
        found = (self._waiting(task_id) if over else None) or execution
        if found is None or not sees(found.scope):
            message = f"no task {task_id[:200]!r} here"
            raise TaskNotFound(message)
        return found

    def _waiting(self, task_id: str) -> QueuedRun | None:
        """A run that nobody has begun since the queue was looked at."""
        found = self.queue.of_task(task_id)
        begun = found is not None and self.executions.find(found.run_id) is not None
        return None if begun else found
