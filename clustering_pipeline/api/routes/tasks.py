"""Tasks: what clients follow until an execution has ended. They are in no namespace."""

from contextlib import suppress

from fastapi import APIRouter

from clustering_pipeline.api.addresses import TaskId
from clustering_pipeline.api.dependencies import TheCatalog, TheKey, TheServices, TheWritingKey
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.definitions.views import GenericDeleteResponse
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.task import QueuedRun, TaskResponse
from clustering_pipeline.service.executions.cancel import cancel_queued

router = APIRouter(prefix="/tasks", tags=["tasks"])


@router.get("/{task_id}", responses=documented(404))
def get_task(task_id: TaskId, key: TheKey, catalog: TheCatalog) -> TaskResponse:
    """Read how far a task is."""
    return catalog.tasks.get(task_id, sees=key.reaches)


@router.delete("/{task_id}", responses=documented(404))
def delete_task(
    task_id: TaskId, key: TheWritingKey, services: TheServices
) -> GenericDeleteResponse:
    """Cancel a task; may be repeated, and leaves one that has ended as it is."""
    catalog = services.pipeline.catalog
    task = catalog.tasks.find(task_id, sees=key.reaches)
    with suppress(StateConflict):
        if isinstance(task, QueuedRun):
            cancel_queued(catalog, task, services.launcher)
        else:
            services.launches.cancel(task.scope, task.run_id)
    return GenericDeleteResponse(message=f"canceled {task_id}")
