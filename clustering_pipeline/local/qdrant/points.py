"""The reading half of the service ``qdrant.Points``, queries apart."""

from collections.abc import Iterable, Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.filters import (
    optional_filter,
    read_id,
    read_ids,
    read_payload_wish,
    read_vector_wish,
    write_id,
    write_shard_key,
)
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.results import Shown, write_record, write_scored
from clustering_pipeline.local.qdrant.status import unserved, wrong_input
from clustering_pipeline.local.qdrant.store import Collection, CollectionStore
from clustering_pipeline.local.qdrant.values import read_target

_DEFAULT_LIMIT = 10
_Keyed = tuple[str, Any]
"""A record, after the key of the shard that it lies in."""


class PointsService:
    """Answers about stored points."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        return {"Get": self._get, "Scroll": self._scroll, "Count": self._count}

    def _get(self, request: messages.GetPoints) -> Any:
        collection = self._store.resolve(request)
        ids = read_ids(request.ids)
        wishes = read_payload_wish(request, default=True), read_vector_wish(request)
        response = messages.GetResponse()
        shards = self._store.each(collection, request)
        records = [
            (key, record) for key, shard in shards for record in shard.retrieve(ids, *wishes)
        ]
        _write_records(_distinct(records), response, self._store.shown)
        return response

    def _scroll(self, request: messages.ScrollPoints) -> Any:
        collection = self._store.resolve(request)
        scroll = _scroll_request(request)
        records: list[_Keyed] = []
        offsets: list[Any] = []
        for key, shard in self._store.each(collection, request):
            page, offset = shard.scroll(scroll)
            records += [(key, record) for record in page]
            offsets += [] if offset is None else [offset]
        if collection.keyed is not None:
            records = sorted(_distinct(records), key=lambda keyed: _place(keyed[1].id))
            offsets += [record.id for _, record in records[read_limit(request) :]]
            records = records[: read_limit(request)]
        response = messages.ScrollResponse()
        _write_records(records, response, self._store.shown)
        if offsets:
            write_id(min(offsets, key=_place), response.next_page_offset)
        return response

    def _count(self, request: messages.CountPoints) -> Any:
        collection = self._store.resolve(request)
        count = edge.CountRequest(exact=True, filter=optional_filter(request))
        total = sum(shard.count(count) for _, shard in self._store.each(collection, request))
        return messages.CountResponse(result=messages.CountResult(count=total))


def read_limit(request: Any) -> int:
    """The ``limit`` of a request, at least one."""
    if not request.HasField("limit"):
        return _DEFAULT_LIMIT
    if request.limit < 1:
        raise wrong_input(reason="limit: value 0 invalid, must be 1 or larger")
    return int(request.limit)


def _scroll_request(request: messages.ScrollPoints) -> edge.ScrollRequest:
    if request.HasField("order_by"):
        raise unserved(what="an order by a field")
    return edge.ScrollRequest(
        offset=read_id(request.offset) if request.HasField("offset") else None,
        limit=read_limit(request),
        filter=optional_filter(request),
        with_payload=read_payload_wish(request, default=True),
        with_vector=read_vector_wish(request),
    )


def _write_records(records: Iterable[_Keyed], into: Any, shown: Shown) -> None:
    add = into.result.add
    for key, record in records:
        message = add()
        write_record(record, message, shown)
        if key:
            write_shard_key(key, message.shard_key)


def _distinct(records: Iterable[_Keyed]) -> list[_Keyed]:
    """An id that lies under several keys is told once, as a server does."""
    by_id: dict[Any, _Keyed] = {}
    for keyed in records:
        by_id.setdefault(keyed[1].id, keyed)
    return list(by_id.values())


def _place(point_id: Any) -> tuple[bool, Any]:
    """The order of ids: numbers, then UUIDs."""
    return not isinstance(point_id, int), point_id


class QueriesService:
    """Answers with the best points first."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        return {"Query": self._query}

    def _query(self, request: messages.QueryPoints) -> messages.QueryResponse:
        collection = self._store.resolve(request)
        query = _query_request(request, collection)
        points: list[_Keyed] = []
        for key, shard in self._store.each(collection, request):
            points += [(key, one) for one in shard.query_batch(edge.QueryBatchRequest([query]))[0]]
        if collection.keyed is not None:
            best = sorted(points, key=lambda keyed: -keyed[1].score)
            points = _distinct(best)[: read_limit(request)]
        response = messages.QueryResponse()
        for key, point in points:
            message = response.result.add()
            write_scored(point, message, self._store.shown)
            if key:
                write_shard_key(key, message.shard_key)
        return response


def _query_request(request: messages.QueryPoints, collection: Collection) -> edge.QueryRequest:
    if request.prefetch:
        raise unserved(what="a query with prefetches")
    if request.params.HasField("idf"):
        raise unserved(what="an IDF corpus")
    threshold = request.score_threshold if request.HasField("score_threshold") else None
    return edge.QueryRequest(
        query=_nearest(request, collection),
        filter=optional_filter(request),
        limit=read_limit(request),
        offset=request.offset,
        score_threshold=threshold,
        with_payload=read_payload_wish(request, default=False),
        with_vector=read_vector_wish(request),
    )


def _nearest(request: messages.QueryPoints, collection: Collection) -> edge.Query | None:
    kind, nearest = request.query.WhichOneof("variant"), request.query.nearest
    if kind is None:
        return None
    if kind != "nearest":
        raise unserved(what=f"the query `{kind}`")
    if nearest.WhichOneof("variant") == "id":
        raise unserved(what="a query by the id of a point")
    if request.using not in collection.shapes:
        raise wrong_input(reason=f"Not existing vector name error: {request.using}")
    vector = read_target(nearest)
    collection.shapes[request.using].check(request.using, vector)
    return edge.Query.Nearest(vector, request.using or None)
