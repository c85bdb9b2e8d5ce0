"""Queries of the service ``qdrant.Points``: nearest to a vector or a point, ordered, or sampled."""

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.filters import optional_filter
from clustering_pipeline.local.qdrant.convert.ids import read_id
from clustering_pipeline.local.qdrant.convert.ordering import read_order_by
from clustering_pipeline.local.qdrant.convert.results import write_scored
from clustering_pipeline.local.qdrant.convert.selectors import (
    read_payload_wish,
    read_vector_wish,
    refuse_shard_keys,
)
from clustering_pipeline.local.qdrant.convert.vectors import EngineVector, read_target
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.points import read_limit
from clustering_pipeline.local.qdrant.registry import Collection
from clustering_pipeline.local.qdrant.status import not_found, unserved, wrong_input
from clustering_pipeline.local.qdrant.store import CollectionStore


class QueriesService:
    """Answers with the best points first."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        return {"Query": self._query, "QueryBatch": self._query_batch}

    def _query(self, request: messages.QueryPoints) -> messages.QueryResponse:
        response = messages.QueryResponse()
        for point in self._found(request, [request])[0]:
            write_scored(point, response.result.add())
        return response

    def _query_batch(self, request: messages.QueryBatchPoints) -> messages.QueryBatchResponse:
        response = messages.QueryBatchResponse()
        for points in self._found(request, list(request.query_points)):
            result = response.result.add()
            for point in points:
                write_scored(point, result.result.add())
        return response

    def _found(
        self, request: Any, requests: list[messages.QueryPoints]
    ) -> list[list[edge.ScoredPoint]]:
        collection = self._store.resolve(request)
        queries = [self._query_request(request, collection) for request in requests]
        with self._store.shard(collection) as shard:
            return shard.query_batch(edge.QueryBatchRequest(queries))

    def _query_request(
        self, request: messages.QueryPoints, collection: Collection
    ) -> edge.QueryRequest:
        refuse_shard_keys(request)
        if request.prefetch:
            raise unserved(what="a query with prefetches")
        if request.params.HasField("idf"):
            raise unserved(what="an IDF corpus")
        threshold = request.score_threshold if request.HasField("score_threshold") else None
        return edge.QueryRequest(
            query=self._scoring(request, collection),
            filter=_filter(request),
            limit=read_limit(request),
            offset=request.offset,
            score_threshold=threshold,
            with_payload=read_payload_wish(request, default=False),
            with_vector=read_vector_wish(request),
        )

    def _scoring(self, request: messages.QueryPoints, collection: Collection) -> Any:
        kind = request.query.WhichOneof("variant")
        match kind:
            case None:
                return None
            case "nearest":
                return edge.Query.Nearest(self._target(request, collection), request.using or None)
            case "order_by":
                return read_order_by(request.query.order_by)
            case "sample":
                return edge.Sample.Random
            case _:
                raise unserved(what=f"the query `{kind}`")

    def _target(self, request: messages.QueryPoints, collection: Collection) -> EngineVector:
        if request.using not in collection.shapes:
            raise wrong_input(reason=f"Not existing vector name error: {request.using}")
        nearest = request.query.nearest
        if nearest.WhichOneof("variant") == "id":
            return self._stored_vector(request, collection)
        vector = read_target(nearest)
        collection.shapes[request.using].check(request.using, vector)
        return vector

    def _stored_vector(self, request: messages.QueryPoints, collection: Collection) -> EngineVector:
        place, name = collection, request.using
        if request.HasField("lookup_from"):
            place = self._store.resolve(request.lookup_from)
            name = request.lookup_from.vector_name
        point_id = read_id(request.query.nearest.id)
        with self._store.shard(place) as shard:
            records = shard.retrieve([point_id], False, [name])  # noqa: FBT003 - the engine's own order
        if not records:
            raise not_found(what=f"No point with id {point_id} found")
        return _vector_of(records[0], name)


def _vector_of(record: edge.Record, name: str) -> EngineVector:
    vectors = record.vector
    vector = vectors.get(name) if isinstance(vectors, dict) else vectors
    if vector is None:
        raise not_found(what=f"No vector `{name}` for point with id {record.id}")
    return vector


def _filter(request: messages.QueryPoints) -> edge.Filter | None:
    """The request's filter; a point used as the query is never its own answer."""
    given = optional_filter(request)
    nearest = request.query.nearest
    if nearest.WhichOneof("variant") != "id" or request.HasField("lookup_from"):
        return given
    itself = edge.HasIdCondition(point_ids={read_id(nearest.id)})
    return edge.Filter(must=[given] if given else None, must_not=[itself])
