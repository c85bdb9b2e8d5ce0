"""Which documents a selection holds, by id, before any vector is read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl
from qdrant_client import grpc

from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.stores.documents.codec import read_document_id, read_id
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.reading import scroll_messages, selection
from clustering_pipeline.stores.documents.types import CollectionInfo, Source

ID_PAGE = 5000
_SCHEMA = {"collection_id": pl.String, "document_id": pl.String, "point_id": pl.String}


def selected(
    connection: Connection,
    sources: Sequence[Source],
    tree: Filter | None,
    infos: Sequence[CollectionInfo],
    *,
    check: Callable[[], None],
) -> pl.DataFrame:
    """collection_id, document_id and point_id of every document that ``tree`` selects."""
    scroll = partial(_scroll, connection, tree, payload_fields=("document_id",))
    return _rows(zip(sources, map(scroll, infos), strict=True), check)


def lacking(
    connection: Connection,
    sources: Sequence[Source],
    tree: Filter | None,
    infos: Sequence[CollectionInfo],
    *,
    check: Callable[[], None],
) -> pl.DataFrame:
    """The same for those that lack one of the vectors of their source."""
    found = (
        (source, _scroll(connection, tree, info, also=_without_any(source.vector_names)))
        for source, info in zip(sources, infos, strict=True)
        if source.vector_names
    )
    return _rows(found, check)


def _scroll(
    connection: Connection,
    tree: Filter | None,
    info: CollectionInfo,
    *,
    payload_fields: Sequence[str] = (),
    also: grpc.Filter | None = None,
) -> Iterator[Sequence[Any]]:
    chosen = selection(connection, tree, info.indexes)
    return scroll_messages(
        connection, info.name, chosen, page=ID_PAGE, payload_fields=payload_fields, also=also
    )


def _rows(
    found: Iterable[tuple[Source, Iterator[Sequence[Any]]]], check: Callable[[], None]
) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for source, pages in found:
        for points in pages:
            check()
            frames.append(_frame(source, points))
    return pl.concat(frames)


def _frame(source: Source, points: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "collection_id": [source.collection_id] * len(points),
            "document_id": [read_document_id(point) for point in points],
            "point_id": [read_id(point.id) for point in points],
        },
        schema=_SCHEMA,
    )


def _without_any(names: Sequence[str]) -> grpc.Filter:
    conditions = [
        grpc.Condition(has_vector=grpc.HasVectorCondition(has_vector=name)) for name in names
    ]
    return grpc.Filter(must_not=[grpc.Condition(filter=grpc.Filter(must=conditions))])
