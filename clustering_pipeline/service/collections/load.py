"""Brings documents with embeddings from a file into Qdrant, and registers the collection."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic_core import from_json, to_json

from clustering_pipeline.model.collections.collection import (
    CollectionRecord,
    RegisterCollectionRequest,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import CollectionNotFound, InvalidRequest, InvalidVectors
from clustering_pipeline.model.ids import point_id_of
from clustering_pipeline.model.progress import Progress
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline

ROWS = 1_000
DOCUMENT_ID = "document_id"
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
}


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One file, and how its columns read."""

    file: Path
    collection_name: str
    vector_column: str = "embedding"
    id_column: str = "document_id"


def load(
    pipeline: Pipeline, scope: Scope, request: Load, progress: Progress = silent
) -> CollectionRecord:
    """Upserts every row as a point.

    A document that is there already is replaced whole, with the fields that runs wrote onto it.
    The vector is named after its column, and a row may lack it; the other columns become the
    payload, as JSON has them.  Raises InvalidRequest for a file or a column that cannot be read,
    InvalidVectors for vectors of different lengths.
    """
    frame = _read(request)
    column = request.vector_column
    length = _length(frame[column], request)
    record = _registered(pipeline, scope, request, {column: length})
    done = 0
    for part in _parts(frame, column):
        rows = part.drop(column).to_dicts()
        pipeline.documents.upsert(
            record.qdrant_collection,
            ids=[point_id_of(row[request.id_column]) for row in rows],
            vectors={} if part[column].null_count() else {column: _matrix(part[column], length)},
            payloads=from_json(to_json(rows, inf_nan_mode="null", bytes_mode="base64")),
        )
        done += part.height
        progress(done, frame.height)
    return record


def _read(request: Load) -> pl.DataFrame:
    reader = READERS.get(request.file.suffix.lower())
    if reader is None:
        message = f"{request.file} is not of a kind that can be loaded: {', '.join(READERS)}"
        raise InvalidRequest(message)
    try:
        frame = reader(request.file)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"cannot read {request.file}: {' '.join(str(error).split())}"
        raise InvalidRequest(message) from error
    if frame.is_empty():
        message = f"{request.file} holds no documents"
        raise InvalidRequest(message)
    for column in (request.vector_column, request.id_column):
        if column not in frame.columns:
            message = f"{request.file} has no column {column!r}; it has: {', '.join(frame.columns)}"
            raise InvalidRequest(message)
    if missing := frame[request.id_column].null_count():
        message = f"{missing} rows of {request.file} have no {request.id_column!r}"
        raise InvalidRequest(message)
    if repeated := frame.height - frame[request.id_column].n_unique():
        message = (
            f"{repeated} rows of {request.file} repeat a {request.id_column!r}: ids name documents"
        )
        raise InvalidRequest(message)
    # Whatever the file calls it, documents go by this name from here on.
    return frame.with_columns(pl.col(request.id_column).alias(DOCUMENT_ID))


def _length(column: pl.Series, request: Load) -> int:
    """How long the vectors are; those that are missing do not count."""
    found = sorted(_lengths(column.drop_nulls()))
    if len(found) == 1 and found[0] > 0:
        return found[0]
    kinds = f"vectors of lengths {', '.join(map(str, found))}" if found else "no vectors"
    message = f"column {column.name!r} of {request.file} holds {kinds}"
    raise InvalidVectors(message)


def _lengths(column: pl.Series) -> list[int]:
    if isinstance(column.dtype, pl.Array):
        return [column.dtype.size] if len(column) else []
    if isinstance(column.dtype, pl.List) and column.dtype.inner.is_numeric():
        return [int(length) for length in column.list.len().unique()]
    return []


def _parts(frame: pl.DataFrame, column: str) -> Iterator[pl.DataFrame]:
    """At most ``ROWS`` rows at a time, all with their vector or all without."""
    missing = frame[column].is_null()
    for rows in (frame.filter(~missing), frame.filter(missing)):
        yield from rows.iter_slices(ROWS)


def _matrix(column: pl.Series, length: int) -> NDArray[np.float32]:
    return column.cast(pl.Array(pl.Float32, length)).to_numpy().reshape(len(column), length)


def _registered(
    pipeline: Pipeline, scope: Scope, request: Load, vectors: dict[str, int]
) -> CollectionRecord:
    """The collection, made in Qdrant first: what Qdrant refuses is not registered."""
    collections = pipeline.catalog.collections
    try:
        record = collections.get(scope, request.collection_name)
    except CollectionNotFound:
        _ensure_collection(pipeline, request.collection_name, vectors)
        wanted = {"collection_name": request.collection_name}
        return collections.register(scope, validate(RegisterCollectionRequest, wanted))
    _ensure_collection(pipeline, record.qdrant_collection, vectors)
    return record


def _ensure_collection(pipeline: Pipeline, name: str, vectors: dict[str, int]) -> None:
    try:
        pipeline.documents.describe(name)
    except CollectionNotFound:
        pipeline.documents.create_collection(name, vectors)
