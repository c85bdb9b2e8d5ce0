"""The reading half of the service ``qdrant.Points``, queries apart."""

from collections.abc import Mapping
from typing import Any

import qdrant_edge as edge
from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.convert.filters import optional_filter
from clustering_pipeline.local.qdrant.convert.ids import read_id, read_ids, write_id
from clustering_pipeline.local.qdrant.convert.ordering import read_order_by
from clustering_pipeline.local.qdrant.convert.results import write_facet_hit, write_record
from clustering_pipeline.local.qdrant.convert.selectors import read_payload_wish, read_vector_wish
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.status import wrong_input
from clustering_pipeline.local.qdrant.store import CollectionStore

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
