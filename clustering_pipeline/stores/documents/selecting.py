"""Which documents a selection holds, by id, before any vector is read."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl
from qdrant_client import grpc

from clustering_pipeline.model.filters import Filter
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.facts import CollectionInfo, Source
from clustering_pipeline.stores.documents.reading import scroll_messages, selection
from clustering_pipeline.stores.documents.wire import read_document_id, read_id

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
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for source, info in zip(sources, infos, strict=True):
        chosen = selection(connection, tree, info.indexes)
        pages = scroll_messages(
            connection, info.name, chosen, page=ID_PAGE, payload_fields=("document_id",)
        )
        frames += _frames(source, pages, check)
    return pl.concat(frames)


def lacking(
    connection: Connection,
    sources: Sequence[Source],
    tree: Filter | None,
    infos: Sequence[CollectionInfo],
    *,
    check: Callable[[], None],
) -> pl.DataFrame:
    """The same for those that lack one of the vectors of their source."""
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for source, info in zip(sources, infos, strict=True):
        if not source.vector_names:
            continue
        chosen = selection(connection, tree, info.indexes)
        pages = scroll_messages(
            connection,
            info.name,
            chosen,
            page=ID_PAGE,
            payload_fields=(),
            also=_without_any(source.vector_names),
        )
        frames += _frames(source, pages, check)
    return pl.concat(frames)


def _frames(
    source: Source, pages: Iterator[Sequence[Any]], check: Callable[[], None]
) -> Iterator[pl.DataFrame]:
    for points in pages:
        check()
        yield pl.DataFrame(
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
