"""Definitions."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from clustering_pipeline.api.addresses import ClusterIdentifier
from clustering_pipeline.api.dependencies import (
    Reader,
    TheCatalog,
    ThePipeline,
    TheServices,
    Writer,
)
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.paging import ThePage
from clustering_pipeline.automation.status import standing_of
from clustering_pipeline.model.definitions.automation import AutomationStanding
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.views import (
    ClusterMetadata,
    ClusterModel,
    GenericDeleteResponse,
)
from clustering_pipeline.model.listing import ListClustersRequest, ListClustersResponse
from clustering_pipeline.service.executions.delete import remove_cluster

router = APIRouter(prefix="/clusters", tags=["clusters"])


@router.post("", responses=documented(404, 409))
def create_cluster(
    request: CreateClusterRequest, caller: Writer, catalog: TheCatalog
) -> ClusterMetadata:
    """Store a definition and reserve its output collection; nothing runs yet."""
    return catalog.clusters.create(caller.scope, request).metadata()


@router.post("/list")
def list_clusters(
    caller: Reader,
    catalog: TheCatalog,
    page: ThePage,
    request: Annotated[ListClustersRequest | None, Body()] = None,
) -> ListClustersResponse:
    """List definitions: filtered, searched, sorted, a page at a time, with sums over all matches.

    An empty body lists the newest.
    """
    return catalog.clusters.list(caller.scope, page.asked(request, ListClustersRequest))


@router.get("")
def list_clusters_by_address(
    caller: Reader, catalog: TheCatalog, page: ThePage
) -> ListClustersResponse:
    """List definitions, asked for in the address; `next_page` leads here."""
    return catalog.clusters.list(caller.scope, page.asked(None, ListClustersRequest))


@router.get("/{cluster_identifier}", responses=documented(404))
def get_cluster(
    cluster_identifier: ClusterIdentifier, caller: Reader, catalog: TheCatalog
) -> ClusterMetadata:
    """Read a definition and what its published run found."""
    return catalog.clusters.get(caller.scope, cluster_identifier).metadata()


@router.get("/{cluster_identifier}/automation", responses=documented(404))
def get_cluster_automation(
    cluster_identifier: ClusterIdentifier, caller: Reader, pipeline: ThePipeline
) -> AutomationStanding:
    """Read what holds a definition back from running after a batch, and whether it is overdue."""
    record = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    return standing_of(pipeline, record)


@router.patch("/{cluster_identifier}", responses=documented(404, 409))
def patch_cluster(
    cluster_identifier: ClusterIdentifier,
    request: PatchClusterRequest,
    caller: Writer,
    catalog: TheCatalog,
) -> ClusterModel:
    """Change the given fields, from the next execution on; null leaves a field as it is."""
    return catalog.clusters.patch(caller.scope, cluster_identifier, request).model()


@router.delete("/{cluster_identifier}", responses=documented(404, 409))
def delete_cluster(
    cluster_identifier: ClusterIdentifier,
    caller: Writer,
    services: TheServices,
    *,
    cascade_output_collections: Annotated[
        bool, Query(description="Whether its output collections go too.")
    ] = True,
    remove_enriched_fields: Annotated[
        bool, Query(description="Whether the source documents lose what it wrote there.")
    ] = False,
) -> GenericDeleteResponse:
    """Cancel its runs and delete the definition, its executions, artifacts and outputs."""
    record = services.pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    services.launches.cancel_all(record)
    removed = remove_cluster(
        services.pipeline,
        caller.scope,
        record.cluster_id,
        keep_output=not cascade_output_collections,
        remove_fields=remove_enriched_fields,
    )
    return GenericDeleteResponse(message=f"deleted {removed.cluster_id}")
