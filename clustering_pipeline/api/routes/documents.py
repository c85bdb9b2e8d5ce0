"""The documents of a collection."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from clustering_pipeline.api.addresses import CollectionIdentifier, Decoded
from clustering_pipeline.api.dependencies import Reader, ThePipeline, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.collections import (
    DeleteDocumentsRequest,
    DeleteDocumentsResponse,
    DocumentView,
    ListDocumentsRequest,
    ListDocumentsResponse,
    PutDocumentsRequest,
    PutDocumentsResponse,
)
from clustering_pipeline.pipeline.publishing.output_aliases import collection_to_read
from clustering_pipeline.service.collections import documents

router = APIRouter(prefix="/collections/{collection_identifier}/documents", tags=["documents"])


DocumentIdentifier = Annotated[str, Path(description="Id of a document."), Decoded]


@router.post("", responses=documented(404, 409))
def put_documents(
    collection_identifier: CollectionIdentifier,
    request: PutDocumentsRequest,
    caller: Writer,
    pipeline: ThePipeline,
) -> PutDocumentsResponse:
    """Store documents with their vectors, up to 1,000 at a time; those that are there already are
    replaced whole.
    """
    collection = pipeline.catalog.collections.get(caller.scope, collection_identifier)
    return PutDocumentsResponse(written=documents.put_documents(pipeline, collection, request))


@router.post("/list", responses=documented(404))
def list_documents(
    collection_identifier: CollectionIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    request: ListDocumentsRequest | None = None,
) -> ListDocumentsResponse:
    """Read documents that match a filter, a page at a time."""
    collection = collection_to_read(pipeline, caller.scope, collection_identifier)
    return documents.list_documents(pipeline, collection, request or ListDocumentsRequest())


@router.post("/delete", responses=documented(404, 409))
def delete_documents(
    collection_identifier: CollectionIdentifier,
    request: DeleteDocumentsRequest,
    caller: Writer,
    pipeline: ThePipeline,
) -> DeleteDocumentsResponse:
    """Delete documents, by id or all that match a filter."""
    collection = pipeline.catalog.collections.get(caller.scope, collection_identifier)
    deleted = documents.delete_documents(pipeline, collection, request)
    return DeleteDocumentsResponse(deleted=deleted)


@router.get("/{document_id}", responses=documented(404))
def get_document(
    collection_identifier: CollectionIdentifier,
    document_id: DocumentIdentifier,
    caller: Reader,
    pipeline: ThePipeline,
    *,
    return_vectors: Annotated[bool, Query(description="Whether to show the vectors.")] = False,
) -> DocumentView:
    """Read one document."""
    collection = collection_to_read(pipeline, caller.scope, collection_identifier)
    return documents.get_document(pipeline, collection, document_id, vectors=return_vectors)
