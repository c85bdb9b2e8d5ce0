"""Batches: documents that arrive together, and count once they are all there."""

from fastapi import APIRouter

from clustering_pipeline.api.addresses import BatchId, CollectionIdentifier
from clustering_pipeline.api.dependencies import Reader, TheCatalog, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.api.routes.collections import Limit, Offset
from clustering_pipeline.model.automation.batches import (
    BatchRecord,
    BatchView,
    FailBatchRequest,
    ListBatchesResponse,
    batch_view,
)
from clustering_pipeline.model.errors import BatchNotFound
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog import Catalog

router = APIRouter(prefix="/collections/{collection_identifier}/batches", tags=["batches"])


@router.post("", responses=documented(404))
def open_batch(
    collection_identifier: CollectionIdentifier, caller: Writer, catalog: TheCatalog
) -> BatchView:
    """Open a batch, before its documents are put."""
    return batch_view(catalog.batches.open(caller.scope, [collection_identifier]))


@router.get("", responses=documented(404))
def list_batches(
    collection_identifier: CollectionIdentifier,
    caller: Reader,
    catalog: TheCatalog,
    limit: Limit = 100,
    offset: Offset = 0,
) -> ListBatchesResponse:
    """List the batches of a collection, newest first."""
    collection = catalog.collections.get(caller.scope, collection_identifier).collection_id
    page = catalog.batches.list(caller.scope, collection, limit=limit, offset=offset)
    total = catalog.batches.count(caller.scope, collection)
    return ListBatchesResponse(results=list(map(batch_view, page)), total_count=total)


@router.get("/{batch_id}", responses=documented(404))
def get_batch(
    collection_identifier: CollectionIdentifier,
    batch_id: BatchId,
    caller: Reader,
    catalog: TheCatalog,
) -> BatchView:
    """Show a batch."""
    return batch_view(_batch(catalog, caller.scope, collection_identifier, batch_id))


@router.post("/{batch_id}/complete", responses=documented(404, 409))
def complete_batch(
    collection_identifier: CollectionIdentifier,
    batch_id: BatchId,
    caller: Writer,
    catalog: TheCatalog,
) -> BatchView:
    """Say that all documents of a batch are there; may be repeated."""
    batch = _batch(catalog, caller.scope, collection_identifier, batch_id)
    return batch_view(catalog.batches.complete(caller.scope, batch.batch_id))


@router.post("/{batch_id}/fail", responses=documented(404, 409))
def fail_batch(
    collection_identifier: CollectionIdentifier,
    batch_id: BatchId,
    caller: Writer,
    catalog: TheCatalog,
    request: FailBatchRequest | None = None,
) -> BatchView:
    """End a batch whose documents will never be all there; nothing listens to it."""
    batch = _batch(catalog, caller.scope, collection_identifier, batch_id)
    reason = request.error if request else ""
    return batch_view(catalog.batches.fail(caller.scope, batch.batch_id, reason))


def _batch(catalog: Catalog, scope: Scope, collection: str, batch_id: str) -> BatchRecord:
    """The batch, if it is one of the collection."""
    record = catalog.collections.get(scope, collection)
    batch = catalog.batches.get(scope, batch_id)
    if record.collection_id not in batch.collection_ids:
        message = f"no batch {batch_id[:200]!r} of collection {record.collection_name!r}"
        raise BatchNotFound(message)
    return batch
