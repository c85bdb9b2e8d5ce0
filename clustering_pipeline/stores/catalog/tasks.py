"""Tasks: what clients follow while an execution is under way."""

from dataclasses import dataclass

from clustering_pipeline.model.errors import TaskNotFound
from clustering_pipeline.model.task import TaskResponse, task_of
from clustering_pipeline.stores.catalog.executions import Executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """A task is the newest execution that carries its id."""

    executions: Executions

    def get(self, task_id: str) -> TaskResponse:
        """How far the task is; raises TaskNotFound."""
        found = self.executions.of_task(task_id)
        if found is None:
            message = f"no task {task_id[:200]!r} here"
            raise TaskNotFound(message)
        return task_of(found)
