"""Documents in memory: those of the published run's export, and those that were read anew."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.assign_mode.published import IN_FULL
from clustering_pipeline.stores.documents import Point, Source
from clustering_pipeline.stores.documents.columns import Layout, as_lists, as_texts, payload_text
from clustering_pipeline.stores.documents.concurrency import ahead

TEXTS = ("collection_id", "point_id", "document_id", "payload")
_WRITTEN = 10_000

Rows = NDArray[np.int64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """``texts``, a row for each of n documents, and (n, d) vectors by the export's columns."""

    texts: pl.DataFrame
    vectors: Mapping[str, Vectors]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The length of the vectors of each column."""
        return tuple(int(matrix.shape[1]) for matrix in self.vectors.values())

    def places(self, collection_id: str) -> dict[str, int]:
        """Point id to row, of one collection."""
        rows = self.texts.with_row_index().filter(collection_id=collection_id)
        return dict(zip(rows["point_id"].to_list(), rows["index"].to_list(), strict=True))

    def rows(self, collection_id: str, point_ids: Sequence[str]) -> Rows:
        """(m,) where the points of one collection are; -1 is nowhere."""
        own = self.texts.select("point_id", "collection_id").with_row_index()
        own = own.filter(collection_id=collection_id).drop("collection_id")
        asked = pl.DataFrame({"point_id": point_ids}, schema={"point_id": pl.String})
        index = asked.join(own, on="point_id", how="left", maintain_order="left")["index"]
        return index.cast(pl.Int64).fill_null(-1).to_numpy()

    def holds(self, rows: Rows, vectors: Sequence[Vectors]) -> NDArray[np.bool_]:
        """(m,) whether the documents at ``rows`` have those vectors; -1 is no document."""
        same = rows >= 0
        at = np.flatnonzero(same)
        if len(at):
            pairs = zip(self.vectors.values(), vectors, strict=True)
            equal = [(stored[rows[at]] == given[at]).all(axis=1) for stored, given in pairs]
            same[at] = np.logical_and.reduce(equal)
        return same

    def finite(self) -> NDArray[np.bool_]:
        """(n,) whether all numbers of a document are any."""
        fine = [np.isfinite(matrix).all(axis=1) for matrix in self.vectors.values()]
        return np.logical_and.reduce(fine)


def exported(run: Run, columns: Sequence[str], sizes: Sequence[int]) -> Table:
    """What a run read; raises StateConflict when vectors have other lengths by now."""
    table = Table(
        texts=run.read_frame(EMBEDDINGS, columns=TEXTS),
        vectors={column: run.read_vectors(EMBEDDINGS, column) for column in columns},
    )
    if table.sizes != tuple(sizes):
        have, had = (" and ".join(map(str, lengths)) for lengths in (sizes, table.sizes))
        message = f"vectors have {have} dimensions and had {had}: {IN_FULL}"
        raise StateConflict(message)
    return table


def as_table(points: Sequence[tuple[Source, Point]], like: Table) -> Table:
    """Points that have all the vectors of their source, with columns as ``like`` has them."""
    texts = {
        "collection_id": [source.collection_id for source, _ in points],
        "point_id": [point.id for _, point in points],
        "document_id": [point.document_id for _, point in points],
        "payload": [payload_text(point.payload) for _, point in points],
    }
    columns = zip(like.vectors, like.sizes, strict=True)
    return Table(
        texts=pl.DataFrame(texts, schema=dict.fromkeys(TEXTS, pl.String)),
        vectors={
            column: np.array(
                [point.vectors[source.vector_names[number]] for source, point in points],
                dtype=np.float32,
            ).reshape(len(points), size)
            for number, (column, size) in enumerate(columns)
        },
    )


def write_table(run: Run, parts: Sequence[Table], order: Rows) -> None:
    """Writes the rows ``order`` of ``parts``, as if they were one after the other."""
    first = parts[0]
    layout = Layout(columns=tuple(first.vectors), sizes=first.sizes, payload_fields=None)
    with (
        run.open_writer(EMBEDDINGS, layout.schema) as sink,
        closing(ahead(_pages(parts, order, layout.schema))) as pages,
    ):
        for page in pages:
            sink.write(page)


def _pages(parts: Sequence[Table], order: Rows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    texts = pl.concat([part.texts for part in parts])
    for start in range(0, len(order), _WRITTEN):
        rows = order[start : start + _WRITTEN]
        page = texts[rows]
        columns = [as_texts(page[name]) for name in TEXTS]
        columns += [
            as_lists(_gathered([part.vectors[name] for part in parts], rows))
            for name in parts[0].vectors
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _gathered(parts: Sequence[Vectors], rows: Rows) -> Vectors:
    gathered = np.empty((len(rows), parts[0].shape[1]), dtype=np.float32)
    for part, first in zip(parts, _starts(parts), strict=True):
        inside = (rows >= first) & (rows < first + len(part))
        if inside.all():
            return part[rows - first]
        gathered[inside] = part[rows[inside] - first]
    return gathered


def _starts(parts: Sequence[Vectors]) -> Iterator[int]:
    start = 0
    for part in parts:
        yield start
        start += len(part)
