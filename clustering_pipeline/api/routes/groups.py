"""What the published run found, groups and the map, and what people want of the groups."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query
from starlette.responses import Response, StreamingResponse

from clustering_pipeline.api.addresses import ClusterIdentifier, Decoded
from clustering_pipeline.api.dependencies import (
    Reader,
    TheCatalog,
    ThePipeline,
    TheServices,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.executions.group_details import (
    GroupDetails,
    GroupDocumentsResponse,
    GroupSearchResponse,
    PlaceTextsRequest,
    PlaceTextsResponse,
)
from clustering_pipeline.model.executions.group_edits import ClusterEdits, ClusterEditsResponse
from clustering_pipeline.model.executions.map import (
    DEFAULT_POINTS,
    MOST_POINTS,
    ClusterVisualization,
)
from clustering_pipeline.model.executions.views import ClusterGroupsResponse
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.listing import LARGEST_OFFSET, ListGroupDocumentsRequest
from clustering_pipeline.service.results import edits
from clustering_pipeline.service.results.group import group_details, group_documents
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.map import visualization
from clustering_pipeline.service.results.place_texts import place_texts
from clustering_pipeline.service.results.search import find_groups

router = APIRouter(prefix="/clusters/{cluster_identifier}", tags=["results"])
OtherRun = Annotated[
    str | None, Query(description="Another run of the definition than the published one.")
]


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
    run_id: OtherRun = None,
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


Group = Annotated[str, Path(description="Id, uid or label of a group."), Decoded]


@router.get("/groups/search", responses=documented(404, 409))
def search_cluster_groups(
    cluster_identifier: ClusterIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    query: Annotated[
        str, Query(alias="q", min_length=1, max_length=1000, description="What to look for.")
    ],
    *,
    limit: Annotated[int, Query(ge=1, le=100, description="Groups at most.")] = 10,
) -> GroupSearchResponse:
    """Find the groups that a query means, best first, and documents that fit it."""
    return find_groups(pipeline, caller.scope, cluster_identifier, query, limit=limit)


@router.post("/assign-texts", responses=documented(404, 409))
def place_cluster_texts(
    cluster_identifier: ClusterIdentifier,
    request: PlaceTextsRequest,
    caller: Reader,
    pipeline: ThePipeline,
) -> PlaceTextsResponse:
    """Tell which group each of some texts would join; nothing is stored."""
    return place_texts(
        pipeline, caller.scope, cluster_identifier, request.texts, threshold=request.threshold
    )


@router.get("/groups/{group}", responses=documented(404, 409))
def get_cluster_group(
    cluster_identifier: ClusterIdentifier,
    group: Group,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    run_id: OtherRun = None,
) -> GroupDetails:
    """Look into one group: its texts, neighbours, fields that stand out, and history."""
    return group_details(pipeline, caller.scope, cluster_identifier, group, run_id=run_id)


@router.post("/groups/{group}/documents", responses=documented(404, 409))
def list_group_documents(
    cluster_identifier: ClusterIdentifier,
    group: Group,
    caller: Reader,
    pipeline: ThePipeline,
    request: Annotated[ListGroupDocumentsRequest | None, Body()] = None,
    *,
    run_id: OtherRun = None,
) -> GroupDocumentsResponse:
    """List the documents of a group, surest first; `cl_cluster_noise` is those in none."""
    asked = request or ListGroupDocumentsRequest()
    return group_documents(
        pipeline,
        caller.scope,
        cluster_identifier,
        group,
        run_id=run_id,
        condition=parse_filter(asked.filters),
        offset=asked.offset,
        limit=asked.limit,
    )


@router.get("/groups/{group}/documents", responses=documented(404, 409))
def list_group_documents_by_address(
    cluster_identifier: ClusterIdentifier,
    group: Group,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    run_id: OtherRun = None,
    offset: Annotated[
        int, Query(ge=0, le=LARGEST_OFFSET, description="Documents to pass over.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Documents on a page.")] = 10,
) -> GroupDocumentsResponse:
    """List the documents of a group, asked for in the address."""
    asked = ListGroupDocumentsRequest(offset=offset, limit=limit)
    return list_group_documents(cluster_identifier, group, caller, pipeline, asked, run_id=run_id)


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
