"""A collection of documents: its name here, and the Qdrant collection behind it."""

from typing import Annotated

from pydantic import Field

from clustering_pipeline.model.base import Record, RequestModel, View
from clustering_pipeline.model.names import Name
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Moment

CollectionId = Annotated[str, Field(pattern=r"^col_[A-Za-z0-9_]+$", max_length=100)]
QdrantName = Annotated[str, Field(max_length=255, pattern=r'^[^<>:"/\\|?*\x00-\x1f]+$')]


class ClusterApplicationConfig(View):
    """A definition that runs when a batch of the collection completes."""

    cluster_id: str
    """The definition."""
    auto_execute_on_batch: bool = True
    """Whether it does so now."""
    min_document_threshold: int | None = None
    """Documents needed before that."""
    cooldown_seconds: int = 3600
    """Least time between two such runs."""
    execution_phase: int = Field(default=2, ge=1, le=3)
    """Lower phases run first."""
    priority: int = Field(default=0, ge=0, le=1000)
    """Within a phase, higher runs first."""


class RegisterCollectionRequest(RequestModel):
    """An existing Qdrant collection, made known."""

    collection_name: Name
    """Unique in the namespace."""
    collection_id: CollectionId | None = None
    """Made up when missing."""
    qdrant_collection: QdrantName | None = None
    """The Qdrant collection behind it; null is one of the same name."""
    description: str | None = None
    """What is in there."""
    vectors: dict[str, str] = Field(default_factory=dict)
    """Feature URI to the name of the vector that holds it."""
    source_bucket_ids: list[str] = Field(default_factory=list)
    """Where its documents come from."""


class CollectionRecord(Record):
    """What the catalog knows of a collection."""

    collection_id: str
    collection_name: str
    organization_id: str
    namespace_id: str
    version: int = 1
    qdrant_collection: str
    description: str | None = None
    vectors: dict[str, str] = Field(default_factory=dict)
    source_bucket_ids: list[str] = Field(default_factory=list)
    cluster_applications: list[ClusterApplicationConfig] = Field(default_factory=list)
    output_of: str | None = None
    """The definition that writes it."""
    made: bool = True
    """False while an output collection's id and name are only reserved."""
    created_at: Moment
    updated_at: Moment

    @property
    def scope(self) -> Scope:
        """The namespace it belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)
