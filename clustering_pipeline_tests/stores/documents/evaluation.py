"""A filter evaluated as the store does: Qdrant's part there, the rest here."""

from qdrant_client import grpc

from clustering_pipeline.model.filters.semantics import predicate
from clustering_pipeline.stores.documents.codec import read_payload


def selected(qdrant, collection, selection):
    """The ids that Qdrant answers with and the rest of the filter lets pass."""
    answer = qdrant.grpc_points.Scroll(
        grpc.ScrollPoints(
            collection_name=collection,
            filter=selection.pushed,
            limit=1000,
            with_payload=grpc.WithPayloadSelector(enable=True),
        )
    )
    holds = predicate(selection.residual)
    return [point.id.num for point in answer.result if holds(read_payload(point))]


def indexes(qdrant, collection):
    """The payload indexes of a collection, by field."""
    request = grpc.GetCollectionInfoRequest(collection_name=collection)
    schema = qdrant.grpc_collections.Get(request).result.payload_schema
    return {field: info.data_type for field, info in schema.items()}
