"""A run that waits in the queue: nobody has begun it, so there is no execution yet."""

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.execution import TASK_TYPE
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.model.task import TaskResponse


class QueuedRun(Record):
    """What waits, and what decides when it is its turn."""

    run_id: str
    dagster_run_id: str
    task_id: str
    cluster_id: str
    organization_id: str
    namespace_id: str
    trigger: str
    trigger_id: str | None = None
    priority: int = 0
    """Higher ones go first."""
    number: int
    """Of the same priority, lower ones go first."""

    @property
    def scope(self) -> Scope:
        """The namespace it belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)

    def task(self, position: int) -> TaskResponse:
        """The task, at that place in the queue."""
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
            },
            queue_position=position,
        )
