"""Names that people give to groups and executions."""

from fastapi import APIRouter

from clustering_pipeline.api.addresses import ClusterIdentifier, RunId
from clustering_pipeline.api.dependencies import TheCatalog, TheServices, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.executions.label_overrides import (
    LabelOverridesRequest,
    PatchExecutionLabelsResponse,
    PatchExecutionRunNameResponse,
    RunNameRequest,
    labels_of,
    name_of,
)
from clustering_pipeline.service.results.edits import name_groups

router = APIRouter(prefix="/clusters/{cluster_identifier}/executions/{run_id}", tags=["results"])


@router.patch("/labels", responses=documented(404, 409))
def patch_execution_labels(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    request: LabelOverridesRequest,
    caller: Writer,
    services: TheServices,
) -> PatchExecutionLabelsResponse:
    """Rename groups of an execution; an empty name gives a group its own label back."""
    execution, uids = name_groups(
        services.pipeline.catalog, caller.scope, cluster_identifier, run_id, request.labels
    )
    services.launches.rename(execution.cluster_id, uids)
    return labels_of(execution)


@router.patch("/name", responses=documented(404, 409))
def patch_execution_run_name(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    request: RunNameRequest,
    caller: Writer,
    catalog: TheCatalog,
) -> PatchExecutionRunNameResponse:
    """Name an execution; an empty name clears it."""
    record = catalog.clusters.get(caller.scope, cluster_identifier)
    return name_of(
        catalog.executions.name(
            caller.scope, run_id, request.run_name, cluster_id=record.cluster_id
        )
    )
