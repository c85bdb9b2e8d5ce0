"""A selection of documents on its way into parquet.

First the ids: a scroll without vectors decides, in Qdrant and here, which documents are selected,
and puts them in canonical order (collection, document id and point id, as text).  Then the vectors,
page by page in that order: the file is in order, memory holds a few pages, and a document that the
filter or the sample leaves out costs no vector on the wire.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
import pyarrow as pa

from clustering_pipeline.model.errors import UnknownVector, WrongDimension
from clustering_pipeline.model.filters.tree import Filter
from clustering_pipeline.stores.documents.columns import Layout
from clustering_pipeline.stores.documents.concurrency import READS, in_order
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.pages import (
    Page,
    Part,
    Tally,
    fetch_page,
    read_page,
)
from clustering_pipeline.stores.documents.sampling import sample
from clustering_pipeline.stores.documents.selection import lacking, selected
from clustering_pipeline.stores.documents.types import CollectionInfo, ExportReport, Source

IN_FLIGHT = READS
MOST_IN_FLIGHT = 8
_PAGE_BYTES = 4 << 20
_PAGE_ROWS = 1000


class PageSink(Protocol):
    """Takes pages of rows."""

    def write(self, page: pa.RecordBatch) -> None:
        """Append a page."""
        ...


OpenSink = Callable[[pa.Schema], AbstractContextManager[PageSink]]
Progress = Callable[[int, int], None]
Check = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What to read; see ``Documents.export``."""

    sources: Sequence[Source]
    tree: Filter | None
    payload_fields: Sequence[str] | None
    vector_columns: Sequence[str] | None
    sample_size: int | None
    seed: int
    page: int | None
    in_flight: int
    progress: Progress
    check: Check


def export(
    connection: Connection,
    request: ExportRequest,
    infos: Sequence[CollectionInfo],
    sink: OpenSink,
) -> ExportReport:
    """Stream the selection into ``sink``."""
    started = time.perf_counter()
    layout = _layout(request, infos)
    documents = selected(connection, request.sources, request.tree, infos, check=request.check)
    without = lacking(connection, request.sources, request.tree, infos, check=request.check)
    present = documents.join(without, on=["collection_id", "point_id"], how="anti")
    chosen = sample(present, size=request.sample_size, seed=request.seed)
    tally = Tally()
    with sink(layout.schema) as rows, closing(_pages(connection, request, layout, chosen)) as pages:
        for page in pages:
            request.check()
            tally.add(page)
            rows.write(page.rows)
            request.progress(tally.read, chosen.height)
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


def _pages(
    connection: Connection, request: ExportRequest, layout: Layout, chosen: pl.DataFrame
) -> Generator[Page]:
    fits = max(100, min(_PAGE_ROWS, _PAGE_BYTES // max(1, layout.row_bytes)))
    size = min(request.page or fits, fits)
    by_id = {source.collection_id: source for source in request.sources}
    parts = [
        Part(source=by_id[str(collection_id)], ids=rows[start : start + size])
        for (collection_id,), rows in chosen.group_by("collection_id", maintain_order=True)
        for start in range(0, rows.height, size)
    ]

    def fetched(part: Part) -> Sequence[Any]:
        return fetch_page(connection, part, layout)

    # The next pages are on their way while this one is read.
    with closing(
        in_order(fetched, parts, in_flight=min(request.in_flight, MOST_IN_FLIGHT))
    ) as answers:
        for part, answer in zip(parts, answers, strict=True):
            yield read_page(part, answer, layout)


def _layout(request: ExportRequest, infos: Sequence[CollectionInfo]) -> Layout:
    sizes = [
        tuple(size_of(source.collection_id, info, name) for name in source.vector_names)
        for source, info in zip(request.sources, infos, strict=True)
    ]
    for source, found in zip(request.sources[1:], sizes[1:], strict=True):
        if found != sizes[0]:
            message = (
                f"{_described(request.sources[0], sizes[0])}, but {_described(source, found)}: "
                "collections clustered together need vectors of one length"
            )
            raise WrongDimension(message)
    count = len(sizes[0])
    default = ("vector",) if count == 1 else [f"vector_{number}" for number in range(count)]
    return Layout(
        columns=tuple(request.vector_columns or default),
        sizes=sizes[0],
        payload_fields=request.payload_fields,
    )


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
