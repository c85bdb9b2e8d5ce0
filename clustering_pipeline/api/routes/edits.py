"""What people want of a definition's groups, whatever the algorithm finds."""

from fastapi import APIRouter

from clustering_pipeline.api.addresses import ClusterIdentifier
from clustering_pipeline.api.dependencies import Reader, TheCatalog, TheServices, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.executions.group_edits import ClusterEdits, ClusterEditsResponse
from clustering_pipeline.service.results import edits

router = APIRouter(prefix="/clusters/{cluster_identifier}/edits", tags=["edits"])


@router.get("", responses=documented(404))
def get_cluster_edits(
    cluster_identifier: ClusterIdentifier, caller: Reader, catalog: TheCatalog
) -> ClusterEditsResponse:
    """Read the edits, and which of them the published run could not do."""
    return edits.get_edits(catalog, caller.scope, cluster_identifier)


@router.put("", responses=documented(404, 409))
def put_cluster_edits(
    cluster_identifier: ClusterIdentifier,
    request: ClusterEdits,
    caller: Writer,
    services: TheServices,
) -> ClusterEditsResponse:
    """Replace the edits; they are applied from the next run on."""
    catalog = services.pipeline.catalog
    record, uids = edits.put_edits(catalog, caller.scope, cluster_identifier, request)
    services.launches.rename(record.cluster_id, uids)
    return record
