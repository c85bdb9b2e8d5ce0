"""Which documents a selection holds, by id, before any vector is read."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import polars as pl
from qdrant_client import grpc

from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.model.progress import Check
from clustering_pipeline.stores.documents.codec import read_document_id, read_point_id
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.reading import (
    ID_PAGE,
    scroll_messages,
    split_filter,
    without_any,
)
from clustering_pipeline.stores.documents.types import KEY, CollectionInfo, Selection, Source

_SCHEMA = {"collection_id": pl.String, "document_id": pl.String, "point_id": pl.String}


def selected(
    connection: Connection, selection: Selection, infos: Sequence[CollectionInfo], *, check: Check
) -> pl.DataFrame:
    """collection_id, document_id and point_id of every document that the filter selects."""
    scroll = partial(_scroll, connection, selection.tree, payload_fields=("document_id",))
    return _rows(zip(selection.sources, map(scroll, infos), strict=True), check)


def lacking(
    connection: Connection, selection: Selection, infos: Sequence[CollectionInfo], *, check: Check
) -> pl.DataFrame:
    """The same for those that lack one of the vectors of their source."""
    pages = (
        (source, _scroll(connection, selection.tree, info, also=without_any(source.vector_names)))
        for source, info in zip(selection.sources, infos, strict=True)
        if source.vector_names
    )
    return _rows(pages, check)


def sample(documents: pl.DataFrame, *, size: int | None, seed: int) -> pl.DataFrame:
    """``size`` rows, or all when there are no more, in canonical order.

    Each document has a number that follows from its collection, its ids and the seed alone, and the
    smallest are taken: a document more or less changes the sample by at most one.  Canonical order
    is by collection, document id and point id, as text.
    """
    ordered = documents.sort(KEY)
    if size is None or ordered.height <= size:
        return ordered
    numbers = pl.Series("number", _numbers(ordered, seed), dtype=pl.UInt64)
    return ordered[numbers.arg_sort()[:size].sort()]


def _scroll(
    connection: Connection,
    tree: Filter | None,
    info: CollectionInfo,
    *,
    payload_fields: Sequence[str] = (),
    also: grpc.Filter | None = None,
) -> Iterator[Sequence[Any]]:
    split = split_filter(connection, tree, info)
    return scroll_messages(
        connection, info.name, split, page=ID_PAGE, payload_fields=payload_fields, also=also
    )


def _rows(sources: Iterable[tuple[Source, Iterator[Sequence[Any]]]], check: Check) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for source, pages in sources:
        for points in pages:
            check()
            frames.append(_frame(source, points))
    return pl.concat(frames)


def _frame(source: Source, points: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "collection_id": [source.collection_id] * len(points),
            "document_id": [read_document_id(point) for point in points],
            "point_id": [read_point_id(point) for point in points],
        },
        schema=_SCHEMA,
    )


def _numbers(documents: pl.DataFrame, seed: int) -> list[int]:
    keyed = hashlib.blake2b(key=seed.to_bytes(8, "little", signed=True), digest_size=8)
    numbers = []
    for row in documents.select(KEY).iter_rows():
        digest = keyed.copy()
        digest.update("\0".join(row).encode())
        numbers.append(int.from_bytes(digest.digest(), "little"))
    return numbers
