"""The writing half of the service ``qdrant.Points``.

Every write is applied and logged before it is answered, whatever ``wait`` says.
"""

from collections.abc import Callable, Mapping
from typing import Any

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant import operations
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.operations import Operation, create_index, delete_index
from clustering_pipeline.local.qdrant.store import CollectionStore
from clustering_pipeline.local.qdrant.values import Shapes

Reader = Callable[[Any, Shapes], Operation]

_READERS: Mapping[str, Reader] = {
    "Upsert": operations.upsert,
    "Delete": operations.delete_points,
    "UpdateVectors": operations.update_vectors,
    "DeleteVectors": operations.delete_vectors,
    "SetPayload": operations.set_payload,
    "OverwritePayload": operations.overwrite_payload,
    "DeletePayload": operations.delete_payload,
    "ClearPayload": operations.clear_payload,
    "CreateFieldIndex": create_index,
    "DeleteFieldIndex": delete_index,
}


class UpdatesService:
    """Changes points and payload indexes."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        single = {name: self._single(reader) for name, reader in _READERS.items()}
        return {**single, "UpdateBatch": self._batch}

    def _single(self, reader: Reader) -> Method:
        def method(request: Any) -> messages.PointsOperationResponse:
            collection = self._store.resolve(request)
            operation = reader(request, collection.shapes)
            with self._store.shard(collection, write=True) as shard:
                shard.update(operation)
            return messages.PointsOperationResponse(result=_completed())

        return method

    def _batch(self, request: messages.UpdateBatchPoints) -> messages.UpdateBatchResponse:
        collection = self._store.resolve(request)
        batch = operations.batch(request.operations, collection.shapes)
        with self._store.shard(collection, write=True) as shard:
            for operation in batch:
                shard.update(operation)
        return messages.UpdateBatchResponse(result=[_completed()] * len(batch))


def _completed() -> messages.UpdateResult:
    return messages.UpdateResult(operation_id=0, status=messages.UpdateStatus.Completed)
