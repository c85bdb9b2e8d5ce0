"""Collections of documents, each with the Qdrant collection behind it, and documents as clients
write and read them.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from clustering_pipeline.model.base import RequestModel, View
from clustering_pipeline.model.filters.tree import FilterObject
from clustering_pipeline.model.ids import is_whole
from clustering_pipeline.model.json_values import JsonObject, Text, check_text
from clustering_pipeline.model.names import Name
from clustering_pipeline.model.scope import Scoped
from clustering_pipeline.model.times import Moment

CollectionId = Annotated[str, Field(pattern=r"^col_[A-Za-z0-9_]+$", max_length=100)]
QdrantName = Annotated[str, Field(max_length=255, pattern=r'^[^<>:"/\\|?*\x00-\x1f]+$')]
VectorName = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f/]+$")]
FeatureName = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f]+$")]
ShardKey = Annotated[str | int, Field(union_mode="left_to_right")]
VectorSize = Annotated[int, Field(ge=1, le=65_536)]


EmbedProvider = Literal["openai", "sentence-transformers", "fastembed"]


class EmbedConfig(RequestModel):
    """How texts of a collection become vectors: an extension of this server's."""

    field: str = Field(min_length=1, max_length=200)
    """The payload field that holds the text; dots lead inward."""
    provider: EmbedProvider = "openai"
    """`openai` is any server that speaks its protocol; the others run beside the server."""
    model: str = Field(min_length=1, max_length=500)
    """Name of the model, or the folder that holds it."""
    vector: VectorName = "embedding"
    """Name of the vector that is made."""

    @property
    def spelled(self) -> str:
        """Provider and model, as commands take them."""
        return f"{self.provider}:{self.model}"


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
    vectors: dict[FeatureName, Text] = Field(default_factory=dict)
    """Feature URI to the name of the vector that holds it."""
    source_bucket_ids: list[str] = Field(default_factory=list)
    """Where its documents come from."""
    embed: EmbedConfig | None = None
    """How texts of documents without a vector become one: an extension of this server's."""


class CreateCollectionRequest(RegisterCollectionRequest):
    """A Qdrant collection to make known: one that exists, or a new one."""

    vector_sizes: dict[VectorName, VectorSize] | None = Field(default=None, max_length=16)
    """Name to length of the vectors of a new Qdrant collection; null registers an existing one."""
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"] = "Cosine"
    """How vectors of a new Qdrant collection are compared."""

    @model_validator(mode="after")
    def _new_or_existing(self) -> Self:
        if self.vector_sizes is not None and self.qdrant_collection is not None:
            message = "takes vector_sizes for a new collection or qdrant_collection for an old one"
            raise ValueError(message)
        if self.vector_sizes == {}:
            message = "vector_sizes names no vector: give each its length"
            raise ValueError(message)
        return self


class CollectionView(View):
    """A collection as clients read it."""

    collection_id: str
    """Its id."""
    collection_name: str
    """Unique in the namespace."""
    namespace_id: str
    """The namespace it belongs to."""
    description: str | None = None
    """What is in there."""
    qdrant_collection: str
    """The Qdrant collection behind it."""
    vectors: dict[str, str]
    """Feature URI to the name of the vector that holds it, as registered."""
    vector_sizes: dict[str, int] | None = None
    """Name to length of the vectors in Qdrant; null when Qdrant has lost the collection."""
    num_documents: int | None = None
    """Documents in Qdrant; null when Qdrant has lost the collection."""
    source_bucket_ids: list[str]
    """Where its documents come from."""
    embed: EmbedConfig | None = None
    """How texts of documents without a vector become one: an extension of this server's."""
    cluster_applications: list[ClusterApplicationConfig]
    """Definitions that a completed batch makes due."""
    output_of: str | None = None
    """The definition that writes it; null for documents of your own."""
    created_at: Moment
    """When it was registered."""
    updated_at: Moment
    """When this record last changed."""


class ListCollectionsResponse(View):
    """Collections of a namespace, by name."""

    results: list[CollectionView]
    """The collections of this page."""
    total_count: int
    """Collections on all pages."""


class CollectionRecord(Scoped):
    """What the catalog knows of a collection."""

    collection_id: str
    collection_name: str
    version: int = 1
    qdrant_collection: str
    description: str | None = None
    vectors: dict[str, str] = Field(default_factory=dict)
    source_bucket_ids: list[str] = Field(default_factory=list)
    embed: EmbedConfig | None = None
    cluster_applications: list[ClusterApplicationConfig] = Field(default_factory=list)
    output_of: str | None = None
    """The definition that writes it."""
    made: bool = True
    """False while an output collection's id and name are only reserved."""
    created_at: Moment
    updated_at: Moment


MOST_DOCUMENTS = 1000
DOCUMENT_ID = "document_id"

Number = Annotated[float, Field(allow_inf_nan=False, ge=-3.4e38, le=3.4e38)]
VectorValue = Annotated[list[Number], Field(min_length=1, max_length=65_536)]
DocumentId = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(check_text)]
DocumentIds = Annotated[list[DocumentId], Field(min_length=1, max_length=MOST_DOCUMENTS)]


def as_filtered(payload: Mapping[str, Any], document_id: str) -> dict[str, Any]:
    """The payload as filters see it: ``document_id`` is what the document goes by, wherever that
    is written, as text and, where it is one, as a whole number.
    """
    number = [int(document_id)] if is_whole(document_id) else []
    return {**payload, DOCUMENT_ID: [document_id, *number] if number else document_id}


class DocumentInput(RequestModel):
    """One document: its id, its vectors, and whatever else is known of it."""

    document_id: DocumentId
    """A document of this id that is there already is replaced whole."""
    vectors: dict[str, VectorValue] = Field(default_factory=dict)
    """Name of the vector to its numbers; one that the document lacks is left out."""
    payload: JsonObject = Field(default_factory=dict)
    """Its fields: texts, attributes, anything that JSON has."""


class PutDocumentsRequest(RequestModel):
    """Documents to store."""

    documents: list[DocumentInput] = Field(min_length=1, max_length=MOST_DOCUMENTS)
    """Each id once."""
    shard_key: ShardKey | None = None
    """Where a collection has shard keys of its own: the one to store under."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        seen: set[str] = set()
        for document in self.documents:
            if document.document_id in seen:
                message = f"the document id {document.document_id[:60]!r} is given twice"
                raise ValueError(message)
            seen.add(document.document_id)
        return self


class ListDocumentsRequest(RequestModel):
    """Which documents, and how much of them."""

    filters: FilterObject | None = None
    """Conditions on the payload; null is all."""
    limit: int = Field(default=10, ge=1, le=1000)
    """Documents on a page."""
    cursor: str | None = Field(default=None, max_length=500)
    """``next_cursor`` of the page before this one."""
    select: list[str] | None = Field(default=None, max_length=200)
    """Top-level payload fields to show; null is all of them."""
    return_vectors: bool = False
    """Whether to show the vectors."""
    include_total: bool = False
    """Whether to count all documents that match."""


class DeleteDocumentsRequest(RequestModel):
    """Which documents to delete: by id, or all that match."""

    document_ids: DocumentIds | None = None
    """Their ids; those that are not there are passed over."""
    filters: FilterObject | None = None
    """Conditions on the payload; an empty object selects every document."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.document_ids is None) == (self.filters is None):
            message = "takes either document_ids or filters, one of both"
            raise ValueError(message)
        return self


class DocumentView(View):
    """A document as it is stored."""

    document_id: str
    """Its id."""
    point_id: str
    """Its id in Qdrant."""
    payload: dict[str, Any]
    """Its fields, with those that runs wrote."""
    vectors: dict[str, list[float | None]] | None = None
    """Its vectors, when asked for; a number that is not finite shows as null."""


class ListDocumentsResponse(View):
    """A page of documents, in the order of their ids in Qdrant."""

    results: list[DocumentView]
    """The documents of this page."""
    next_cursor: str | None = None
    """``cursor`` of the page after this one; null on the last."""
    total_count: int | None = None
    """Matches on all pages, when asked for."""


class PutDocumentsResponse(View):
    """What was stored."""

    written: int
    """Documents."""


class DeleteDocumentsResponse(View):
    """What was deleted."""

    deleted: int
    """Documents that were there and are gone."""
