"""Pages of an export: points as rows of parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from clustering_pipeline.stores.documents.codec import (
    Floats,
    as_array,
    read_payload,
    read_point_id,
    read_vector,
)
from clustering_pipeline.stores.documents.columns import Layout, as_lists, as_texts, payload_text
from clustering_pipeline.stores.documents.connection import Connection
from clustering_pipeline.stores.documents.reading import fetch
from clustering_pipeline.stores.documents.types import Source

_NAMED = 10


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows, and what became of the documents asked for that are not among them."""

    rows: pa.RecordBatch
    asked: int
    missing: int
    invalid_ids: tuple[str, ...]

    @property
    def vanished(self) -> int:
        """Documents that were gone."""
        return self.asked - self.missing - int(self.rows.num_rows)


@dataclass(kw_only=True)
class Tally:
    """Pages added up."""

    read: int = 0
    retrieved: int = 0
    missing: int = 0
    vanished: int = 0
    invalid: int = 0
    invalid_ids: list[str] = field(default_factory=list)

    def add(self, page: Page) -> None:
        """Count one more page."""
        self.read += page.asked
        self.retrieved += page.rows.num_rows
        self.missing += page.missing
        self.vanished += page.vanished
        self.invalid += len(page.invalid_ids)
        self.invalid_ids += page.invalid_ids[: _NAMED - len(self.invalid_ids)]


class _Row(NamedTuple):
    document_id: str
    point_id: str
    payload: str
    vectors: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A page to be read: document_id and point_id of some documents of one source, in order."""

    source: Source
    ids: pl.DataFrame


def fetch_page(connection: Connection, part: Part, layout: Layout) -> Sequence[Any]:
    """The documents of ``part`` as messages, in any order."""
    return fetch(
        connection,
        part.source.qdrant_collection,
        part.ids["point_id"].to_list(),
        payload_fields=layout.payload_fields,
        vectors=_vectors(part, layout),
    )


def read_page(part: Part, answer: Sequence[Any], layout: Layout) -> Page:
    """What ``fetch_page`` answered as rows, in the order of ``part``."""
    vectors = _vectors(part, layout)
    found = {read_point_id(point): point for point in answer}
    rows = [
        _row(document_id, point_id, found[point_id], vectors, layout.payload_fields)
        for document_id, point_id in part.ids.select("document_id", "point_id").iter_rows()
        if point_id in found
    ]
    kept = [row for row in rows if row is not None]
    matrices = [
        as_array([row.vectors[number] for row in kept], size)
        for number, size in enumerate(layout.sizes)
    ]
    return Page(
        rows=_batch(part.source.collection_id, kept, matrices, layout.schema),
        asked=part.ids.height,
        missing=len(rows) - len(kept),
        invalid_ids=_invalid(kept, matrices),
    )


def _vectors(part: Part, layout: Layout) -> dict[str, int]:
    return dict(zip(part.source.vector_names, layout.sizes, strict=True))


def _row(
    document_id: str,
    point_id: str,
    point: Any,
    vectors: Mapping[str, int],
    fields: Sequence[str] | None,
) -> _Row | None:
    read = [read_vector(point, name, size) for name, size in vectors.items()]
    whole = [floats for floats in read if floats is not None]
    if len(whole) < len(read):
        return None
    payload = read_payload(point)
    if fields is not None:
        payload = {key: payload[key] for key in fields if key in payload}
    return _Row(document_id, point_id, payload_text(payload), whole)


def _batch(
    collection_id: str, rows: Sequence[_Row], matrices: Sequence[Floats], schema: pa.Schema
) -> pa.RecordBatch:
    columns = [
        as_texts([collection_id] * len(rows)),
        as_texts([row.point_id for row in rows]),
        as_texts([row.document_id for row in rows]),
        as_texts([row.payload for row in rows]),
    ]
    columns += [as_lists(matrix) for matrix in matrices]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _invalid(rows: Sequence[_Row], matrices: Sequence[Floats]) -> tuple[str, ...]:
    finite = np.ones(len(rows), dtype=bool)
    for matrix in matrices:
        finite &= np.isfinite(matrix).all(axis=1)
    return tuple(row.document_id for row, fine in zip(rows, finite, strict=True) if not fine)
