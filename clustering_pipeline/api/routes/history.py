"""What became of groups from run to run, and the way back to an earlier run."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from clustering_pipeline.api.addresses import ClusterIdentifier, RunId
from clustering_pipeline.api.dependencies import (
    Reader,
    TheCatalog,
    ThePipeline,
    TheServices,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.definitions.views import ClusterMetadata
from clustering_pipeline.model.executions.lineage import ClusterLineageResponse, RunDiffResponse
from clustering_pipeline.model.executions.views import RollbackRequest
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.edits import renamed_since
from clustering_pipeline.service.results.lineage import cluster_lineage, run_diff

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["history"])


@router.get("/lineage", responses=documented(404))
def get_cluster_lineage(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    catalog: TheCatalog,
    group: Annotated[
        str | None,
        Query(description="One group: its uid, or its id in the published run.", max_length=100),
    ] = None,
) -> ClusterLineageResponse:
    """Tell what the published runs did to the groups, newest first."""
    return cluster_lineage(catalog, caller.scope, cluster_identifier, group=group)


@router.get("/executions/{run_id}/diff", responses=documented(404, 409))
def get_execution_diff(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    against: Annotated[str, Query(description="The execution to compare with.")],
    caller: Reader,
    pipeline: ThePipeline,
) -> RunDiffResponse:
    """Tell what is different between two executions of a definition."""
    record = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    return run_diff(pipeline, caller.scope, run_id, against, cluster_id=record.cluster_id)


@router.post("/rollback", responses=documented(404, 409))
def roll_back_cluster(
    cluster_identifier: ClusterIdentifier,
    caller: Writer,
    services: TheServices,
    request: Annotated[RollbackRequest | None, Body()] = None,
) -> ClusterMetadata:
    """Publish an earlier run again, for every reader: without a `run_id` the one before.

    Names that people gave since are put on its groups by a run of their own.
    """
    pipeline, run_id = services.pipeline, request.run_id if request else None
    record = roll_back(pipeline, caller.scope, cluster_identifier, run_id)
    services.launches.rename(record.cluster_id, renamed_since(pipeline.catalog, record))
    return record.metadata()
