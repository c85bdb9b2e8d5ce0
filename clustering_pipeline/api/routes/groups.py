"""What the published run found, groups and the map, and what people want of the groups."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from clustering_pipeline.api.addresses import ClusterIdentifier
from clustering_pipeline.api.dependencies import (
    Reader,
    TheCatalog,
    ThePipeline,
    TheServices,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.executions.group_edits import ClusterEdits, ClusterEditsResponse
from clustering_pipeline.model.executions.map import (
    DEFAULT_POINTS,
    MOST_POINTS,
    ClusterVisualization,
)
from clustering_pipeline.model.executions.views import ClusterGroupsResponse
from clustering_pipeline.service.results import edits
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.map import visualization

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["results"])


@router.get("/groups", responses=documented(404))
def get_cluster_groups(
    cluster_identifier: ClusterIdentifier, caller: Reader, catalog: TheCatalog
) -> ClusterGroupsResponse:
    """List the groups of the published run, largest first; none before the first run."""
    return published_groups(catalog, caller.scope, cluster_identifier)


@router.get("/visualization", response_model=ClusterVisualization, responses=documented(404))
def get_cluster_visualization(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    max_points: Annotated[
        int, Query(ge=1, le=MOST_POINTS, description="Documents to show at most.")
    ] = DEFAULT_POINTS,
    centroids_only: Annotated[bool, Query(description="Groups only, no documents.")] = False,
    compact: Annotated[bool, Query(description="Documents field by field.")] = False,
    run_id: Annotated[
        str | None, Query(description="Another run of the definition than the published one.")
    ] = None,
) -> Response:
    """Show the map: every group, and a sample of the documents with their places."""
    picture = visualization(
        pipeline,
        caller.scope,
        cluster_identifier,
        run_id=run_id,
        max_points=max_points,
        centroids_only=centroids_only,
        compact=compact,
    )
    return StreamingResponse(picture.chunks(), media_type="application/json")


edit_router = APIRouter(prefix="/clusters/{cluster_identifier}/edits", tags=["edits"])


@edit_router.get("", responses=documented(404))
def get_cluster_edits(
    cluster_identifier: ClusterIdentifier, caller: Reader, catalog: TheCatalog
) -> ClusterEditsResponse:
    """Read the edits, and which of them the published run could not do."""
    return edits.get_edits(catalog, caller.scope, cluster_identifier)


@edit_router.put("", responses=documented(404, 409))
def put_cluster_edits(
    cluster_identifier: ClusterIdentifier,
    request: ClusterEdits,
    caller: Writer,
    services: TheServices,
) -> ClusterEditsResponse:
    """Replace the edits: new names are put on the groups at once, all else at the next run."""
    catalog = services.pipeline.catalog
    record, uids = edits.put_edits(catalog, caller.scope, cluster_identifier, request)
    services.launches.rename(record.cluster_id, uids)
    return record
