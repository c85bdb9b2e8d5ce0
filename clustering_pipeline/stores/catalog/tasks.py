"""Tasks: what clients follow while an execution is under way."""

from collections.abc import Callable
from dataclasses import dataclass

from clustering_pipeline.model.errors import TaskNotFound
from clustering_pipeline.model.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.task import TaskResponse, task_of
from clustering_pipeline.stores.catalog.executions import Executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """A task is the newest execution that carries its id."""

    executions: Executions

    def get(self, task_id: str) -> TaskResponse:
        """How far the task is; raises TaskNotFound."""
        return task_of(self.execution(task_id))

    def execution(
        self, task_id: str, *, sees: Callable[[Scope], bool] = lambda _scope: True
    ) -> ExecutionRecord:
        """The execution that the task is now, in one of the namespaces that the caller ``sees``.

        Raises TaskNotFound.
        """
        found = self.executions.of_task(task_id)
        if found is None or not sees(found.scope):
            message = f"no task {task_id[:200]!r} here"
            raise TaskNotFound(message)
        return found
