"""A selection of documents on its way into parquet.

First the ids: a scroll without vectors decides, in Qdrant and here, which documents are selected,
and puts them in canonical order (collection, document id and point id, as text).  Then the vectors,
page by page in that order: the file is in order, memory holds a few pages, and a document that the
filter or the sample leaves out costs no vector on the wire.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Any

import polars as pl

from clustering_pipeline.model.errors import UnknownVector, WrongDimension
from clustering_pipeline.model.progress import Check
from clustering_pipeline.stores.documents.collections import info
from clustering_pipeline.stores.documents.columns import Layout
from clustering_pipeline.stores.documents.concurrency import in_order
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.pages import Page, Part, Tally, fetch_page, read_page
from clustering_pipeline.stores.documents.selection import lacking, sample, selected
from clustering_pipeline.stores.documents.types import (
    CollectionInfo,
    ExportReport,
    OpenSink,
    Selection,
    Source,
)

MOST_IN_FLIGHT = 8
_PAGE_BYTES = 4 << 20
_PAGE_ROWS = 1000


def export(
    connection: Connection,
    selection: Selection,
    sink: OpenSink,
    *,
    page: int | None,
    in_flight: int,
    progress: Callable[[int, int], None],
    check: Check,
) -> ExportReport:
    """Stream the selection into ``sink``."""
    started = time.perf_counter()
    infos = [info(connection, source.qdrant_collection) for source in selection.sources]
    layout = _layout(selection, infos)
    documents = selected(connection, selection, infos, check=check)
    without = lacking(connection, selection, infos, check=check)
    present = documents.join(without, on=["collection_id", "point_id"], how="anti")
    chosen = sample(present, size=selection.sample_size, seed=selection.seed)
    parts = _parts(selection, layout, chosen, page)
    tally = Tally()
    with (
        sink(layout.schema) as rows,
        closing(_pages(connection, parts, layout, in_flight)) as pages,
    ):
        for read in pages:
            check()
            tally.add(read)
            rows.write(read.rows)
            progress(tally.read, chosen.height)
    return ExportReport(
        source_documents=documents.height,
        retrieved=tally.retrieved,
        missing_vector=documents.height - present.height + tally.missing,
        not_sampled=present.height - chosen.height,
        vanished=tally.vanished,
        invalid=tally.invalid,
        invalid_ids=tuple(tally.invalid_ids),
        seconds=time.perf_counter() - started,
        vector_bytes=tally.retrieved * layout.row_bytes,
    )


def _parts(
    selection: Selection, layout: Layout, chosen: pl.DataFrame, page: int | None
) -> list[Part]:
    fits = max(100, min(_PAGE_ROWS, _PAGE_BYTES // max(1, layout.row_bytes)))
    size = min(page or fits, fits)
    by_id = {source.collection_id: source for source in selection.sources}
    return [
        Part(source=by_id[str(collection_id)], ids=rows[start : start + size])
        for (collection_id,), rows in chosen.group_by("collection_id", maintain_order=True)
        for start in range(0, rows.height, size)
    ]


def _pages(
    connection: Connection, parts: Sequence[Part], layout: Layout, in_flight: int
) -> Generator[Page]:
    def fetched(part: Part) -> Sequence[Any]:
        return fetch_page(connection, part, layout)

    # The next pages are on their way while this one is read.
    with closing(in_order(fetched, parts, in_flight=min(in_flight, MOST_IN_FLIGHT))) as answers:
        for part, answer in zip(parts, answers, strict=True):
            yield read_page(part, answer, layout)


def _layout(selection: Selection, infos: Sequence[CollectionInfo]) -> Layout:
    sizes = [
        tuple(size_of(source.collection_id, info, name) for name in source.vector_names)
        for source, info in zip(selection.sources, infos, strict=True)
    ]
    for source, lengths in zip(selection.sources[1:], sizes[1:], strict=True):
        if lengths != sizes[0]:
            message = (
                f"{_described(selection.sources[0], sizes[0])}, but {_described(source, lengths)}: "
                "collections clustered together need vectors of one length"
            )
            raise WrongDimension(message)
    count = len(sizes[0])
    names = ["vector"] if count == 1 else [f"vector_{number}" for number in range(count)]
    return Layout(columns=tuple(names), sizes=sizes[0], payload_fields=selection.payload_fields)


def size_of(collection: str, info: CollectionInfo, name: str) -> int:
    """The length of a vector; ``UnknownVector`` names those that ``collection`` has."""
    if name not in info.vectors:
        known = ", ".join(vector or "(unnamed)" for vector in sorted(info.vectors)) or "none"
        message = f"collection {collection!r} has no vector {name!r}; it has: {known}"
        raise UnknownVector(message)
    return info.vectors[name].size


def _described(source: Source, sizes: Sequence[int]) -> str:
    lengths = " and ".join(
        f"{size} numbers in {name or 'its vector'!r}"
        for name, size in zip(source.vector_names, sizes, strict=True)
    )
    return f"collection {source.collection_id!r} has {lengths}"
