"""A batch: documents that arrive together, and count once they are all there."""

from typing import Literal

from pydantic import Field

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment

BatchStatus = Literal["open", "completed", "failed"]


class Completion(Record):
    """The batch's place among those completed in one collection, counted from 1."""

    collection_id: str
    """The collection."""
    number: int
    """Its place."""


class BatchRecord(Record):
    """A batch of one or more collections."""

    batch_id: str
    organization_id: str
    namespace_id: str
    collection_ids: list[str]
    status: BatchStatus = "open"
    completions: list[Completion] = Field(default_factory=list)
    error: str | None = None
    created_at: Moment
    ended_at: Moment | None = None

    @property
    def scope(self) -> Scope:
        """The namespace it belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)
