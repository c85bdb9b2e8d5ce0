"""Collections: which Qdrant collections there are, and what they are called here."""

from typing import Annotated

from fastapi import APIRouter, Query

from clustering_pipeline.api.addresses import CollectionIdentifier
from clustering_pipeline.api.dependencies import Reader, ThePipeline, TheSettings, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.collections import (
    CollectionView,
    CreateCollectionRequest,
    ListCollectionsResponse,
)
from clustering_pipeline.model.definitions.views import GenericDeleteResponse
from clustering_pipeline.service.collections.register import (
    collection_view,
    forget_collection,
    register_own,
)

router = APIRouter(prefix="/collections", tags=["collections"])

Limit = Annotated[int, Query(ge=1, le=1000, description="Results on a page.")]
Offset = Annotated[int, Query(ge=0, le=10_000, description="Results to pass over.")]


@router.post("", responses=documented(404, 409))
def create_collection(
    request: CreateCollectionRequest, caller: Writer, pipeline: ThePipeline, settings: TheSettings
) -> CollectionView:
    """Make an existing Qdrant collection known, or a new one for documents to come."""
    claims = settings.api_claims_collections
    if claims is None:
        claims = len(pipeline.catalog.keys.holders()) <= 1
    record = register_own(pipeline, caller.scope, request, claims=claims)
    return collection_view(pipeline, record)


@router.get("")
def list_collections(
    caller: Reader, pipeline: ThePipeline, limit: Limit = 100, offset: Offset = 0
) -> ListCollectionsResponse:
    """List the collections of the namespace, by name."""
    collections = pipeline.catalog.collections.list(caller.scope)
    return ListCollectionsResponse(
        results=[
            collection_view(pipeline, record) for record in collections[offset : offset + limit]
        ],
        total_count=len(collections),
    )


@router.get("/{collection_identifier}", responses=documented(404))
def get_collection(
    collection_identifier: CollectionIdentifier, caller: Reader, pipeline: ThePipeline
) -> CollectionView:
    """Show a collection, with what Qdrant says of it."""
    record = pipeline.catalog.collections.get(caller.scope, collection_identifier)
    return collection_view(pipeline, record)


@router.delete("/{collection_identifier}", responses=documented(404, 409))
def delete_collection(
    collection_identifier: CollectionIdentifier,
    caller: Writer,
    pipeline: ThePipeline,
    *,
    delete_documents: Annotated[
        bool, Query(description="Whether Qdrant loses the collection too.")
    ] = False,
) -> GenericDeleteResponse:
    """Forget a collection that no definition reads; its documents stay in Qdrant unless told."""
    record = forget_collection(
        pipeline, caller.scope, collection_identifier, delete_documents=delete_documents
    )
    return GenericDeleteResponse(message=f"Forgot {record.collection_id}")
