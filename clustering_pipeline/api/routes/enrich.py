"""Finished runs applied to a collection."""

from fastapi import APIRouter

from clustering_pipeline.api.dependencies import ThePipeline, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.definitions.execute import (
    ApplyClusterEnrichmentRequest,
    ClusteringEnrichmentResponse,
)
from clustering_pipeline.service.results.enrich import enrich_collection

router = APIRouter(prefix="/clusters", tags=["results"])


@router.post("/enrich", responses=documented(404, 409))
def apply_cluster_enrichment(
    request: ApplyClusterEnrichmentRequest, caller: Writer, pipeline: ThePipeline
) -> ClusteringEnrichmentResponse:
    """Write what finished runs found onto the documents they read, once."""
    return enrich_collection(pipeline, caller.scope, request)
