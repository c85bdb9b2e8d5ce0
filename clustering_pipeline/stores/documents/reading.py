"""Points read in pages, filtered as the filter means it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import dropwhile
from typing import Any

from qdrant_client import grpc

from clustering_pipeline.model.collections import DOCUMENT_ID, as_filtered
from clustering_pipeline.model.filters.semantics import predicate
from clustering_pipeline.model.filters.tree import Filter, fields_of
from clustering_pipeline.model.ids import unsharded
from clustering_pipeline.stores.documents.codec import (
    as_array,
    by_shard_key,
    read_document_id,
    read_payload,
    read_point_id,
    read_vector,
    shard_key_of,
    under,
    write_id,
)
from clustering_pipeline.stores.documents.collections import info
from clustering_pipeline.stores.documents.concurrency import READS, in_order
from clustering_pipeline.stores.documents.conditions import quoted
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.pushdown import SplitFilter, conjunction, share_out
from clustering_pipeline.stores.documents.types import CollectionInfo, Point

ID_PAGE = 5000
_COUNTED = 1000


def split_filter(connection: Connection, tree: Filter | None, info: CollectionInfo) -> SplitFilter:
    """The filter, shared between the server and this process."""
    keys = info.shard_keys or ()
    if tree is None:
        return SplitFilter(limits=info.limits, shard_keys=keys)
    shared = share_out(
        tree, indexes=info.indexes, substrings=connection.matches_substrings, limits=info.limits
    )
    return replace(shared, shard_keys=keys)


def scroll(
    connection: Connection,
    name: str,
    split: SplitFilter,
    *,
    page: int,
    payload_fields: Iterable[str] | None = None,
    vectors: Mapping[str, int] | None = None,
    start: str | None = None,
    lacking: str | None = None,
) -> Iterator[list[Point]]:
    """Pages of the points that the filter selects, by point id, from the id ``start`` on; where
    ``lacking`` names a vector, those without it.

    Of the payload, ``payload_fields`` are read (None: all of it) and what the filter looks at; of
    the vectors, those named, with their sizes.
    """
    sizes = vectors or {}
    pages = scroll_messages(
        connection,
        name,
        split,
        page=page,
        payload_fields=payload_fields,
        vectors=sizes,
        start=start,
        also=without_any([lacking]) if lacking else None,
    )
    for points in pages:
        yield [read_point(point, sizes) for point in points]


def without_any(names: Sequence[str]) -> grpc.Filter:
    """Points that lack one of these vectors at least."""
    conditions = [
        grpc.Condition(has_vector=grpc.HasVectorCondition(has_vector=name)) for name in names
    ]
    return grpc.Filter(must_not=[grpc.Condition(filter=grpc.Filter(must=conditions))])


def scroll_messages(
    connection: Connection,
    name: str,
    split: SplitFilter,
    *,
    page: int,
    payload_fields: Iterable[str] | None,
    vectors: Mapping[str, int] | None = None,
    also: grpc.Filter | None = None,
    start: str | None = None,
) -> Iterator[Sequence[Any]]:
    """The same as messages, of those points that ``also`` selects too."""
    first = shard_key_of(start or "")
    keys = dropwhile(lambda key: first not in (None, key), split.shard_keys or (None,))
    for number, key in enumerate(keys):
        request = grpc.ScrollPoints(
            collection_name=name,
            filter=conjunction(split.pushed, also),
            limit=split.limits.page_of(page),
            with_payload=payload_selector(payload_fields, split.residual),
            with_vectors=vector_selector(vectors or {}),
            shard_key_selector=under(key),
        )
        if start is not None and number == 0:
            request.offset.CopyFrom(write_id(start))
        yield from _pages(connection, request, _selects(split.residual))


def _pages(
    connection: Connection, request: grpc.ScrollPoints, selects: Callable[[Any], bool] | None
) -> Iterator[Sequence[Any]]:
    while True:
        answer = connection.points("Scroll", request)
        if selects is None:
            yield answer.result
        else:
            yield [point for point in answer.result if selects(point)]
        if not answer.HasField("next_page_offset"):
            return
        request.offset.CopyFrom(answer.next_page_offset)


def _selects(residual: Filter | None) -> Callable[[Any], bool] | None:
    if residual is None:
        return None
    holds = predicate(residual)
    if DOCUMENT_ID not in fields_of(residual):
        return lambda point: holds(read_payload(point))
    return lambda point: holds(as_filtered(read_payload(point), read_document_id(point)))


def scroll_ids(
    connection: Connection, name: str, split: SplitFilter, *, page: int = ID_PAGE
) -> Iterator[list[str]]:
    """Pages of the ids alone; what a filter does not look at is not read."""
    for points in scroll_messages(connection, name, split, page=page, payload_fields=()):
        yield [read_point_id(point) for point in points]


def count(connection: Connection, name: str, split: SplitFilter) -> int:
    """How many points the filter selects, exactly."""
    if split.residual is not None or not split.limits.exact:
        return sum(len(ids) for ids in scroll_ids(connection, name, split, page=_COUNTED))
    # All shards at once are counted as they are: an id that lies under two keys, twice.
    request = grpc.CountPoints(collection_name=name, filter=split.pushed, exact=True)
    return int(connection.points("Count", request).result.count)


def limited(pages: Iterable[list[Point]], limit: int) -> Iterator[list[Point]]:
    """The first ``limit`` points of the pages; no page after these is asked for."""
    left = limit
    for page in pages:
        yield page[:left]
        left -= len(page)
        if left <= 0:
            return


def retrieve(
    connection: Connection,
    name: str,
    point_ids: Sequence[str],
    *,
    payload_fields: Iterable[str] | None = None,
    vectors: Mapping[str, int] | None = None,
) -> list[Point]:
    """The points of these ids, in this order; those that are gone are left out.

    An id that names no shard key brings all points that have it.
    """
    answer = fetch(connection, name, point_ids, payload_fields=payload_fields, vectors=vectors)
    points = [read_point(point, vectors or {}) for point in answer]
    by_id: dict[str, list[Point]] = {}
    for point in points:
        for text in {point.id, unsharded(point.id)}:
            by_id.setdefault(text, []).append(point)
    return [point for point_id in point_ids for point in by_id.get(point_id, ())]


def retrieve_pages(
    connection: Connection, name: str, point_ids: Sequence[str], *, page: int, **asked: Any
) -> Generator[list[Point]]:
    """The same a part at a time, the next ones on their way."""
    parts = (point_ids[at : at + page] for at in range(0, len(point_ids), page))
    return in_order(partial(retrieve, connection, name, **asked), parts, in_flight=READS)


def fetch(
    connection: Connection,
    name: str,
    point_ids: Sequence[str],
    *,
    payload_fields: Iterable[str] | None = None,
    vectors: Mapping[str, int] | None = None,
) -> Sequence[Any]:
    """The same as messages, in any order."""
    about = info(connection, name)
    step = about.limits.ids_of(max(1, len(point_ids)))
    found: list[Any] = []
    parts = by_shard_key(point_ids, about.shard_keys or ())
    pieces = [
        (key, ids[start : start + step])
        for key, ids in parts.items()
        for start in range(0, len(ids), step)
    ]
    for key, ids in pieces:
        request = grpc.GetPoints(
            collection_name=name,
            ids=[write_id(point_id) for point_id in ids],
            shard_key_selector=under(key),
            with_payload=payload_selector(payload_fields, None),
            with_vectors=vector_selector(vectors or {}),
        )
        found += connection.points("Get", request).result
    return found


def read_point(point: Any, vectors: Mapping[str, int]) -> Point:
    """A point as a plain value."""
    read = {name: read_vector(point, name, size) for name, size in vectors.items()}
    return Point(
        id=read_point_id(point),
        document_id=read_document_id(point),
        payload=read_payload(point),
        vectors={
            name: as_array([floats], vectors[name])[0]
            for name, floats in read.items()
            if floats is not None
        },
    )


def payload_selector(
    fields: Iterable[str] | None, residual: Filter | None
) -> grpc.WithPayloadSelector:
    """Asks for ``fields``, and for what the rest of a filter looks at."""
    if fields is None:
        return grpc.WithPayloadSelector(enable=True)
    wanted = sorted({*fields, *fields_of(residual)})
    names = [quoted(field) for field in wanted]
    if not names:
        return grpc.WithPayloadSelector(enable=False)
    if None in names:
        return grpc.WithPayloadSelector(enable=True)
    include = grpc.PayloadIncludeSelector(fields=[name for name in names if name is not None])
    return grpc.WithPayloadSelector(include=include)


def vector_selector(vectors: Mapping[str, int]) -> grpc.WithVectorsSelector:
    """Asks for the named vectors; the unnamed one is the only one where it exists."""
    names = [name for name in vectors if name]
    if names:
        return grpc.WithVectorsSelector(include=grpc.VectorsSelector(names=names))
    return grpc.WithVectorsSelector(enable=bool(vectors))
