"""Finished runs applied to a collection of documents: what clients ask for, and what they get."""

from pydantic import Field

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.create_request import Reference, References


class ApplyClusterEnrichmentRequest(RequestModel):
    """Which runs' results go onto which documents."""

    clustering_ids: References
    """Executions, or definitions for their published ones."""
    source_collection_id: Reference
    """The collection whose documents get the fields, by id or name; the runs must have read it."""
    target_collection_id: Reference | None = None
    """Where the documents go, whole, with the fields; null is the collection they come from."""
    batch_size: int = Field(default=1000, ge=1)
    """Documents written in one go."""
    parallelism: int = Field(default=1, ge=1)
    """Batches under way at once; more than 8 count as 8."""


class ClusteringEnrichmentResponse(View):
    """What became of the documents."""

    processed: int
    """Documents of the collection that the runs hold."""
    enriched: int
    """Of those, documents that have the fields now."""
    failed: int
    """Of those, documents that could not be written, such as deleted ones."""
    batches: int
    """Batches it took."""
