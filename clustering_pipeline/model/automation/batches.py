"""A batch: documents that arrive together, and count once they are all there."""

from typing import Literal

from pydantic import Field

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.times import Moment

BatchStatus = Literal["open", "completed", "failed"]


class Completion(Record):
    """The batch's place among those completed in one collection, counted from 1."""

    collection_id: str
    """The collection."""
    number: int
    """Its place."""


class BatchRecord(Scoped):
    """A batch of one or more collections."""

    batch_id: str
    collection_ids: list[str]
    status: BatchStatus = "open"
    completions: list[Completion] = Field(default_factory=list)
    error: str | None = None
    created_at: Moment
    ended_at: Moment | None = None


class FailBatchRequest(RequestModel):
    """Why the documents of a batch are not all there."""

    error: str = Field(default="", max_length=2000)
    """The reason, for people to read."""


class BatchView(View):
    """A batch of documents of one or more collections."""

    batch_id: str
    """Its id."""
    namespace_id: str
    """The namespace it belongs to."""
    collection_ids: list[str]
    """The collections its documents go to."""
    status: BatchStatus
    """Open while documents arrive, then completed or failed, for good."""
    completions: list[Completion]
    """Its place among the completed batches of each collection, once completed."""
    error: str | None = None
    """Why it failed."""
    created_at: Moment
    """When it was opened."""
    ended_at: Moment | None = None
    """When it was completed or failed."""


class ListBatchesResponse(View):
    """Batches of a collection, newest first."""

    results: list[BatchView]
    """The batches of this page."""
    total_count: int
    """Batches on all pages."""


def batch_view(record: BatchRecord) -> BatchView:
    """What clients see of a batch."""
    return BatchView.model_validate(record.model_dump(include=set(BatchView.model_fields)))
