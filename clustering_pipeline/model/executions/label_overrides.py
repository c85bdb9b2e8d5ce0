"""Changes to an execution, by its run and by people."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord

Label = Annotated[str, Field(max_length=200)]


class LabelOverridesRequest(RequestModel):
    """Names that people give to groups."""

    labels: dict[str, Label] = Field(min_length=1)
    """Group to name; an empty name removes the override."""


class RunNameRequest(RequestModel):
    """A name that people give to an execution."""

    run_name: str = Field(max_length=120)
    """The name; an empty one clears it."""


def changed(record: ExecutionRecord, changes: Mapping[str, Any]) -> ExecutionRecord:
    """The record with some fields changed; a field it does not have is a mistake in the code."""
    unknown = changes.keys() - ExecutionRecord.model_fields.keys()
    if unknown:
        message = f"an execution has no {', '.join(sorted(unknown))}"
        raise TypeError(message)
    return ExecutionRecord.model_validate({**record.model_dump(), **changes})


def relabelled(record: ExecutionRecord, labels: Mapping[str, str]) -> ExecutionRecord:
    """The record with the overrides merged in; raises InvalidRequest for a group it lacks."""
    groups = {group.cluster_id for group in record.centroids or ()}
    strange = sorted(labels.keys() - groups)
    if strange:
        message = f"{record.run_id} has no group {strange[0][:60]!r}: it has {_some(groups)}"
        raise InvalidRequest(message)
    merged = {**(record.label_overrides or {}), **labels}
    overrides = {group: label for group, label in merged.items() if label}
    return changed(record, {"label_overrides": overrides or None})


def _some(groups: set[str]) -> str:
    shown = sorted(groups)[:5]
    return ", ".join(shown) + (" …" if len(groups) > len(shown) else "") if shown else "none"


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
