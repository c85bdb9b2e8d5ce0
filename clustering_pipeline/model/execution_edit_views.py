"""What clients get back when they name a group or an execution."""

from clustering_pipeline.model.base import View
from clustering_pipeline.model.execution import ExecutionRecord


class PatchExecutionLabelsResponse(View):
    """The names that people gave to groups."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The execution."""
    label_overrides: dict[str, str]
    """Group to name, all that are in force."""


class PatchExecutionRunNameResponse(View):
    """The name that people gave to an execution."""

    cluster_id: str
    """The definition."""
    run_id: str
    """The execution."""
    run_name: str | None = None
    """The name; null when it was cleared."""


def labels_of(record: ExecutionRecord) -> PatchExecutionLabelsResponse:
    """The names of the groups of an execution."""
    return PatchExecutionLabelsResponse(
        cluster_id=record.cluster_id,
        run_id=record.run_id,
        label_overrides=record.label_overrides or {},
    )


def name_of(record: ExecutionRecord) -> PatchExecutionRunNameResponse:
    """The name of an execution."""
    return PatchExecutionRunNameResponse(
        cluster_id=record.cluster_id, run_id=record.run_id, run_name=record.run_name
    )
