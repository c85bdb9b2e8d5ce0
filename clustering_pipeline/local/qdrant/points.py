"""The reading half of the service ``qdrant.Points``, queries apart."""

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.filters import (
    optional_filter,
    read_id,
    read_ids,
    read_payload_wish,
    read_vector_wish,
    refuse_shard_keys,
    write_id,
)
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.results import (
    read_order_by,
    write_facet_hit,
    write_record,
    write_scored,
)
from clustering_pipeline.local.qdrant.status import not_found, unserved, wrong_input
from clustering_pipeline.local.qdrant.store import Collection, CollectionStore
from clustering_pipeline.local.qdrant.values import EngineVector, read_target

_DEFAULT_LIMIT = 10


class PointsService:
    """Answers about stored points."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        return {
            "Get": self._get,
            "Scroll": self._scroll,
            "Count": self._count,
            "Facet": self._facet,
        }

    def _get(self, request: messages.GetPoints) -> Any:
        collection = self._store.resolve(request)
        ids = read_ids(request.ids)
        wishes = read_payload_wish(request, default=True), read_vector_wish(request)
        with self._store.shard(collection) as shard:
            records = shard.retrieve(ids, *wishes)
        response = messages.GetResponse()
        _write_records(records, response)
        return response

    def _scroll(self, request: messages.ScrollPoints) -> Any:
        collection = self._store.resolve(request)
        scroll = _scroll_request(request)
        with self._store.shard(collection) as shard:
            records, next_offset = shard.scroll(scroll)
        response = messages.ScrollResponse()
        _write_records(records, response)
        if next_offset is not None and scroll.order_by is None:
            write_id(next_offset, response.next_page_offset)
        return response

    def _count(self, request: messages.CountPoints) -> Any:
        collection = self._store.resolve(request)
        count = edge.CountRequest(exact=True, filter=optional_filter(request))
        with self._store.shard(collection) as shard:
            found = shard.count(count)
        return messages.CountResponse(result=messages.CountResult(count=found))

    def _facet(self, request: messages.FacetCounts) -> Any:
        collection = self._store.resolve(request)
        facet = edge.FacetRequest(
            key=request.key,
            limit=read_limit(request),
            exact=True,
            filter=optional_filter(request),
        )
        with self._store.shard(collection) as shard:
            hits = shard.facet(facet).hits
        response = messages.FacetResponse()
        for hit in hits:
            write_facet_hit(hit, response.hits.add())
        return response


def read_limit(request: Any) -> int:
    """The ``limit`` of a request, at least one."""
    if not request.HasField("limit"):
        return _DEFAULT_LIMIT
    if request.limit < 1:
        raise wrong_input(reason="limit: value 0 invalid, must be 1 or larger")
    return int(request.limit)


def _scroll_request(request: messages.ScrollPoints) -> edge.ScrollRequest:
    ordered = request.HasField("order_by")
    if ordered and request.HasField("offset"):
        raise wrong_input(
            reason="Cannot use an `offset` when using `order_by`; page with `order_by.start_from`"
        )
    return edge.ScrollRequest(
        offset=read_id(request.offset) if request.HasField("offset") else None,
        limit=read_limit(request),
        filter=optional_filter(request),
        with_payload=read_payload_wish(request, default=True),
        with_vector=read_vector_wish(request),
        order_by=read_order_by(request.order_by) if ordered else None,
    )


def _write_records(records: list[edge.Record], into: Any) -> None:
    add = into.result.add
    for record in records:
        write_record(record, add())


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
